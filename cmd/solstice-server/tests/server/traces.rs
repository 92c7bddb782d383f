//! The server's part of a push's trace.

use serde_json::Value;
use solstice_trace::collector::{Collected, Collector};

use crate::bench::{Bench, ONE_JOB, bench_with, success};

async fn traced(collector: &Collector) -> Bench {
    let endpoint = collector.endpoint();
    bench_with(|config| config.telemetry = Some(endpoint)).await
}

/// The span of this name, once it is there.
async fn span(bench: &Bench, collector: &Collector, name: &str) -> Collected {
    let look = || async { collector.spans().into_iter().find(|it| it.name == name) };
    bench.until(name, look).await
}

#[tokio::test]
async fn a_push_is_one_tree_also_across_a_restart() {
    let collector = Collector::start().await.unwrap();
    let mut bench = traced(&collector).await;
    let (_, run) = bench.push(ONE_JOB).await;
    let wanted = bench.until("a job to claim", || async {
        let wanted = bench.sync(1, &[], 0).await;
        (!wanted.is_empty()).then_some(wanted)
    });
    let assignment: Value = wanted.await.remove(0);
    let attempt = assignment["attempt"].as_str().unwrap().to_owned();
    bench.run_up(&attempt).await;
    bench.restart().await;
    bench.records(&attempt, &success(&["x"])).await;
    bench.until_state(run["jobs"][0]["id"].as_str().unwrap(), "succeeded").await;

    let names = ["delivery", "interpret", "run made", "run", "job", "queue", "report"];
    let mut spans = Vec::new();
    for name in names {
        spans.push(span(&bench, &collector, name).await);
    }
    let of = |name: &str| spans.iter().find(|it| it.name == name).unwrap();
    let delivery = bench.json("/api/v1/deliveries").await["items"][0]["id"].clone();
    let trace = delivery.as_str().unwrap().replace('-', "");
    for span in &spans {
        assert_eq!(span.trace, trace, "{span:?}");
        assert_eq!(span.service, "solstice-server");
    }
    for (name, parent) in [
        ("interpret", "delivery"),
        ("run made", "interpret"),
        ("run", "delivery"),
        ("job", "run"),
        ("queue", "job"),
        ("report", "job"),
    ] {
        assert_eq!(of(name).parent.as_deref(), Some(of(parent).id.as_str()), "{name}");
    }
    assert_eq!(of("delivery").parent, None);
    assert_eq!(of("job").attributes["solstice.job.outcome"], "succeeded");
    let handed = format!("00-{trace}-{}-01", of("job").id);
    assert_eq!(assignment["traceparent"], handed, "what the host goes on with");
    assert_eq!(collector.faults(), [""; 0]);
}

#[tokio::test]
async fn without_a_collector_nothing_is_handed_over() {
    let bench = crate::bench::bench().await;
    bench.push(ONE_JOB).await;
    let wanted = bench.until("a job to claim", || async {
        let wanted = bench.sync(1, &[], 0).await;
        (!wanted.is_empty()).then_some(wanted)
    });
    assert!(wanted.await[0].get("traceparent").is_none());
}
