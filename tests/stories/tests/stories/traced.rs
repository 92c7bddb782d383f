//! One push, one trace: through server, orchestrator and guest.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use solstice_stories::{SOON, Story};
use solstice_testbed::{Built, Installation, wait_for};
use solstice_trace::collector::{Collected, Collector};

const WORKFLOW: &str = r#"workflow name="CI" {
    job id="a" runs_on="linux-mini" { step name="One" run="true"; step name="Two" run="echo two"; }
}"#;

/// Every span of a push, by its name and the name of the one above it.
const TREE: [(&str, &str); 13] = [
    ("delivery", ""),
    ("interpret", "delivery"),
    ("run made", "interpret"),
    ("run", "delivery"),
    ("job", "run"),
    ("queue", "job"),
    ("report", "job"),
    ("attempt", "job"),
    ("source", "attempt"),
    ("clone", "attempt"),
    ("boot", "attempt"),
    ("step", "attempt"),
    ("teardown", "attempt"),
];

fn edges(spans: &[Collected]) -> BTreeSet<(String, String)> {
    let names: BTreeMap<&str, &str> =
        spans.iter().map(|it| (it.id.as_str(), it.name.as_str())).collect();
    let above = |span: &Collected| match &span.parent {
        Some(parent) => names.get(parent.as_str()).map_or("unknown", |name| name).to_owned(),
        None => String::new(),
    };
    spans.iter().map(|span| (span.name.clone(), above(span))).collect()
}

#[tokio::test]
async fn a_push_is_one_connected_trace() -> Result<(), Box<dyn std::error::Error>> {
    let collector = Collector::start().await?;
    let mut installation = Installation::prepare(Built::from_env()?).await?;
    let line = format!("telemetry otlp=\"{}\"", collector.endpoint());
    installation.edit("server", |text| text.replacen('{', &format!("{{\n    {line}"), 1))?;
    installation.edit("orchestrator", |text| text.replacen('{', &format!("{{\n    {line}"), 1))?;
    installation.start_server().await?;
    installation.start_orchestrator().await?;
    let story = Story::with(installation).await?;
    let (pushed, job) = story.run_to_the_end(WORKFLOW).await?;
    story.shown(&pushed, "solstice/CI/a").await?;
    story.installation.wait_until_clean(SOON).await?;
    let expected = TREE.map(|(name, above)| (name.to_owned(), above.to_owned()));
    let expected = BTreeSet::from(expected);
    let spans = wait_for("every span", Duration::from_secs(20), || async {
        let spans = collector.spans();
        Ok((edges(&spans) == expected).then_some(spans))
    })
    .await;
    let spans = spans.map_err(|late| format!("{late}: {:#?}", edges(&collector.spans())))?;
    assert_eq!(collector.faults(), [""; 0]);

    let traces: BTreeSet<&str> = spans.iter().map(|it| it.trace.as_str()).collect();
    let delivery = &story.installation.api().deliveries().await?[0];
    let id = delivery.id.to_string().replace('-', "");
    assert_eq!(traces, BTreeSet::from([id.as_str()]), "one trace, that of the delivery");
    let of = |name: &str| spans.iter().filter(|it| it.name == name).collect::<Vec<_>>();
    assert_eq!(of("attempt")[0].service, "solstice-orchestrator");
    assert_eq!(of("job")[0].attributes["solstice.job.id"], job.job.id.to_string());
    let steps = of("step");
    let names: Vec<&str> =
        steps.iter().map(|it| it.attributes["solstice.step.name"].as_str()).collect();
    assert_eq!(names, ["One", "Two"]);
    assert!(steps.iter().all(|it| it.service == "solstice-agent"));
    let (from, to) = of("attempt")[0].when;
    for span in steps.iter().chain(&of("boot")).chain(&of("teardown")) {
        assert!(from <= span.when.0 && span.when.1 <= to, "{span:?} within its attempt");
    }
    story.end().await?;
    Ok(())
}
