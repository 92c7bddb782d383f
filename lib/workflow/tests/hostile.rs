//! Workflow files of strangers: bounded, refused fast, never a panic (I12).

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use solstice_model::Need;
use solstice_workflow::{Job, Workflow, limits, parse};

/// Far above what any of these takes without optimisation on a busy machine.
const FAST: Duration = Duration::from_secs(10);

/// The first message, once the file was refused in time.
fn refused(text: &str) -> String {
    let started = Instant::now();
    let Err(wrong) = parse("hostile.kdl", text.as_bytes()) else { panic!("it was taken") };
    assert!(started.elapsed() < FAST, "it took {:?}", started.elapsed());
    wrong.list()[0].message().to_owned()
}

fn taken(text: &str) -> Workflow {
    parse("large.kdl", text.as_bytes())
        .unwrap_or_else(|wrong| panic!("{}", wrong.list()[0].one_line()))
}

/// A workflow around one job around these steps.
fn with_steps(steps: &str) -> String {
    format!("workflow {{ job id=\"a\" runs_on=\"x\" {{\n{steps}\n}}; }}")
}

fn jobs(count: usize, needs: impl Fn(usize) -> String) -> String {
    let job = |n| format!("job id=\"j{n}\" runs_on=\"x\" {} {{ step run=\"true\"; }}\n", needs(n));
    format!("workflow {{\n{}}}\n", (0..count).map(job).collect::<String>())
}

#[test]
fn ten_megabytes_are_refused_unread() {
    let message = "the file has 10485760 bytes; at most 262144 are taken";
    assert_eq!(refused(&" ".repeat(10 << 20)), message);
}

#[test]
fn depth_and_count_are_bounded() {
    assert_eq!(refused(&"a{".repeat(100_000)), "blocks are nested deeper than 8");
    let nodes = "a;".repeat(limits::MAX_FILE_BYTES / 2);
    assert_eq!(refused(&nodes), "the file has more than 20000 nodes and values");
    assert!(refused(&"a;".repeat(1_000_000)).starts_with("the file has 2000000 bytes"));
}

#[test]
fn a_nul_byte_is_refused() {
    assert_eq!(refused("workflow\0"), "the file has a NUL byte");
}

#[test]
fn a_workflow_may_be_as_large_as_it_says() {
    let workflow = taken(&jobs(limits::MAX_JOBS, |_| String::new()));
    assert_eq!(workflow.expanded.len(), limits::MAX_JOBS);
    let steps = "step run=\"true\"\n".repeat(limits::MAX_STEPS);
    assert_eq!(taken(&with_steps(&steps)).expanded[0].spec.steps.len(), limits::MAX_STEPS);
    let script = "x".repeat(limits::MAX_RUN_BYTES);
    assert_eq!(
        taken(&with_steps(&format!("step run=\"{script}\""))).expanded[0].spec.steps[0].run,
        script
    );
}

#[test]
fn one_more_of_anything_is_too_much() {
    let jobs = jobs(limits::MAX_JOBS + 1, |_| String::new());
    assert_eq!(refused(&jobs), "there are more than 256 jobs");
    let steps = "step run=\"true\"\n".repeat(limits::MAX_STEPS + 1);
    assert_eq!(refused(&with_steps(&steps)), "there are more than 256 steps");
    let script = "x".repeat(limits::MAX_RUN_BYTES + 1);
    let message = "this script has 65537 bytes, over 65536";
    assert_eq!(refused(&with_steps(&format!("step run=\"{script}\""))), message);
    let name = "n".repeat(limits::MAX_NAME_CHARS + 1);
    let step = format!("step run=\"true\" name=\"{name}\"");
    assert_eq!(refused(&with_steps(&step)), "a name has at most 200 characters");
    let env: String = (0..=limits::MAX_ENV_VARS).map(|n| format!("K{n} \"\"\n")).collect();
    let message = "this block sets 129 variables; at most 128 are taken";
    assert_eq!(refused(&with_steps(&format!("env {{\n{env}\n}}"))), format!("`job` has no `step`"));
    assert_eq!(refused(&with_steps(&format!("step run=\"x\"\nenv {{\n{env}\n}}"))), message);
    let value = "v".repeat(limits::MAX_ENV_BYTES);
    let block = format!("step run=\"x\"\nenv {{ K \"{value}\"; }}");
    let message = "this block has 16385 bytes; at most 16384 are taken";
    assert_eq!(refused(&with_steps(&block)), message);
    let on = "on \"push\"\n".repeat(limits::MAX_TRIGGERS + 1);
    let text = format!("workflow {{\n{on}job id=\"a\" runs_on=\"x\" {{ step run=\"true\"; }}\n}}");
    assert_eq!(refused(&text), "there are more than 32 triggers");
    let branches = "\"a\" ".repeat(limits::MAX_PATTERNS + 1);
    let on = format!("on \"push\" {{ branches {branches}; }}");
    let text =
        format!("workflow {{\n{on}\njob id=\"a\" runs_on=\"x\" {{ step run=\"true\"; }}\n}}");
    assert_eq!(refused(&text), "there are more than 64 patterns");
}

#[test]
fn a_chain_of_all_jobs_is_fine_and_a_ring_is_not() {
    let most = limits::MAX_JOBS;
    let chain = |n: usize| (n + 1 < most).then(|| format!("needs=\"j{}\"", n + 1));
    assert_eq!(taken(&jobs(most, |n| chain(n).unwrap_or_default())).expanded.len(), most);
    let ring = jobs(most, |n| format!("needs=\"j{}\"", (n + 1) % most));
    assert!(refused(&ring).starts_with("jobs wait for each other: j1 → j2 → "));
}

#[test]
fn patterns_that_explode_are_refused_or_compiled_in_time() {
    let started = Instant::now();
    for pattern in ["{".repeat(190), "{a,b}".repeat(38), "**/".repeat(60), "*a".repeat(90)] {
        let text = format!(
            "workflow {{\non \"push\" {{ branches {}; }}\njob id=\"a\" runs_on=\"x\" {{ step run=\"true\"; }}\n}}",
            format!("\"{pattern}\" ").repeat(limits::MAX_PATTERNS)
        );
        if let Ok(workflow) = parse("x.kdl", text.as_bytes()) {
            let git_ref = format!("refs/heads/{}", "a".repeat(200)).parse().unwrap();
            workflow.triggered_by(&solstice_workflow::TriggerEvent::Push { git_ref: &git_ref });
        }
    }
    assert!(started.elapsed() < FAST, "it took {:?}", started.elapsed());
}

/// A workflow around one job with this matrix and this body.
fn with_matrix(axes: &str, body: &str) -> String {
    format!("workflow {{ job id=\"a\" runs_on=\"x\" {{\nmatrix {{\n{axes}\n}}\n{body}\n}}; }}")
}

#[test]
fn a_matrix_is_counted_before_it_is_made() {
    let values = |count: usize| (0..count).map(|n| format!(" \"{n}\"")).collect::<String>();
    let axis = |name: usize, count| format!("a{name}{}\n", values(count));
    let billion: String = (0..3).map(|name| axis(name, 1000)).collect();
    let message = "this matrix has 1000000000 combinations; at most 256 are taken";
    assert_eq!(refused(&with_matrix(&billion, "step run=\"true\"")), message);
    let beyond: String = (0..40).map(|name| axis(name, 64)).collect();
    assert_eq!(refused(&with_matrix(&beyond, "step run=\"true\"")), "there are more than 8 axes");
    let long = with_matrix(&axis(0, limits::MAX_AXIS_VALUES + 1), "step run=\"true\"");
    assert_eq!(refused(&long), "there are more than 64 values of `a0`");
    let most = with_matrix(&(axis(0, 16) + &axis(1, 16)), "step run=\"true\"");
    assert_eq!(taken(&most).expanded.len(), limits::MAX_JOBS);
    let two =
        most.replace("workflow {", "workflow { job id=\"b\" runs_on=\"x\" { step run=\"true\"; };");
    assert_eq!(refused(&two), "there are more than 256 jobs");
}

#[test]
fn what_a_matrix_makes_is_bounded() {
    let axes = (0..16).map(|n| format!(" \"{n}{}\"", "v".repeat(1000))).collect::<String>();
    let axes = format!("a{axes}\nb{axes}");
    let message = "with all its jobs the workflow has over 4194304 bytes";
    let uses = "${{ matrix.a }}".repeat(60);
    let env: String = (0..15).map(|n| format!("A{n} \"${{{{ matrix.a }}}}\"\n")).collect();
    let rules = format!("artifact {} {{ exclude {}; }}", "\"a\" ".repeat(64), "\"b\" ".repeat(64));
    for body in [
        format!("step run=\"{uses}\""),
        format!("step run=\"true\"\nenv {{\n{env}}}"),
        "step run=\"true\"\n".repeat(256),
        format!("step run=\"{}\"", "x".repeat(limits::MAX_RUN_BYTES)),
        format!("step run=\"true\"\n{rules}"),
    ] {
        assert_eq!(refused(&with_matrix(&axes, &body)), message, "{body}");
    }
}

#[test]
fn needs_between_matrices_are_bounded() {
    let values = (0..64).map(|n| format!(" \"{n}\"")).collect::<String>();
    let job = |n: usize| {
        let needs: String = (0..n).map(|n| format!(" \"j{n}\"")).collect();
        let needs = if n == 0 { String::new() } else { format!("needs{needs}") };
        format!(
            "job id=\"j{n}\" runs_on=\"x\" {{ {needs}\nmatrix {{ a{values}; }}\nstep run=\"true\"; }}\n"
        )
    };
    let workflow = taken(&format!("workflow {{\n{}}}", (0..4).map(job).collect::<String>()));
    assert_eq!(workflow.expanded[255].spec.needs.len(), 192);
}

#[test]
fn a_value_that_grows_is_checked_where_it_is_put_in() {
    let axes = format!("a \"{}\"", "v".repeat(limits::MAX_MATRIX_VALUE_BYTES));
    let run = format!("step run=\"{}\"", "${{matrix.a}}".repeat(70));
    assert_eq!(refused(&with_matrix(&axes, &run)), "this script has 71680 bytes, over 65536");
    let env = format!("step run=\"x\"\nenv {{ A \"{}\"; }}", "${{matrix.a}}".repeat(17));
    let message = "this block has 17409 bytes; at most 16384 are taken";
    assert_eq!(refused(&with_matrix(&axes, &env)), message);
    let artifact = "step run=\"x\"\nartifact \"${{matrix.a}}\"";
    assert_eq!(refused(&with_matrix(&axes, artifact)), "a pattern has 1 to 200 bytes");
    let long = format!("a \"{}\"", "v".repeat(limits::MAX_MATRIX_VALUE_BYTES + 1));
    let message = "a value of a matrix has at most 1024 bytes";
    assert_eq!(refused(&with_matrix(&long, "step run=\"x\"")), message);
}

#[test]
fn conditions_are_bounded_in_depth_and_length() {
    let condition = |text: &str| format!("step run=\"true\" if=#\"{text}\"#");
    let deep = |open: &str, close: &str, count| {
        format!("{}fork{}", open.repeat(count), close.repeat(count))
    };
    let long = "a condition has at most 1024 bytes";
    assert_eq!(refused(&with_steps(&condition(&deep("(", ")", 10_000)))), long);
    assert_eq!(refused(&with_steps(&condition(&"!".repeat(250_000)))), long);
    let message = "a condition is nested at most 32 deep";
    for open in ["(", "!", "contains(", "! ("] {
        assert_eq!(refused(&with_steps(&condition(&deep(open, ")", 90)))), message, "{open}");
    }
    taken(&with_steps(&condition(&deep("(", ")", limits::MAX_CONDITION_DEPTH))));
    let chain = format!("fork{}", "||fork".repeat(170));
    taken(&with_steps(&condition(&chain)));
    taken(&with_steps(&condition(&chain.replace("||", "&&"))));
}

#[test]
fn patterns_of_conditions_are_bounded_and_compiled_in_time() {
    let pattern = "{a,b}".repeat(38);
    let step = |pattern: &str| format!("step run=\"true\" if=\"matches(ref, '{pattern}')\"\n");
    taken(&with_steps(&step(&pattern).repeat(limits::MAX_CONDITION_PATTERNS)));
    let two = "step run=\"true\" if=\"matches(ref, '*') || matches(ref, '*')\"\n";
    let message = "the file has more than 256 `matches`";
    assert_eq!(refused(&with_steps(&two.repeat(129))), message);
}

#[test]
fn what_was_meant_is_not_asked_for_ever() {
    let long = |n: usize| format!("{n:0>60}");
    let env: String = (0..128).map(|n| format!("A{} \"\"\n", long(n))).collect();
    let job = |n: usize| {
        let steps: String = (0..200)
            .map(|s| format!("step run=\"true\" if=\"env.B{} == ''\"\n", long(s)))
            .collect();
        format!("job id=\"j{n}\" runs_on=\"x\" {{\nenv {{\n{env}\n}}\n{steps}\n}}\n")
    };
    let text: String = (0..8).map(job).collect();
    refused(&format!("workflow {{\nenv {{\n{}\n}}\n{text}}}", env.replace('A', "C")));
    let needs: String = (0..3000).map(|n| format!(" \"b{}\"", long(n))).collect();
    let jobs: String = (0..250)
        .map(|n| format!("job id=\"a{}\" runs_on=\"x\" {{ step run=\"true\"; }}\n", long(n)))
        .collect();
    let text = format!(
        "workflow {{\n{jobs}job id=\"z\" runs_on=\"x\" {{ needs{needs}\nstep run=\"x\"; }}\n}}"
    );
    assert!(refused(&text).starts_with("there is no job `b"));
    let values: String = (0..64).map(|n| format!(" \"a{}\"", long(n))).collect();
    let excludes: String = (0..3000).map(|n| format!("exclude a=\"b{}\"\n", long(n))).collect();
    let matrix = format!("a{values}\n{excludes}");
    assert!(refused(&with_matrix(&matrix, "step run=\"true\"")).contains("has no value `b"));
}

#[test]
fn artifacts_are_bounded() {
    let rules =
        format!("step run=\"x\"\nartifact {}", "\"a\" ".repeat(limits::MAX_ARTIFACT_RULES + 1));
    assert_eq!(refused(&with_steps(&rules)), "there are more than 64 patterns of artifacts");
    let rules = format!("step run=\"x\"\nartifact \"a\" {{ exclude {}; }}", "\"b\" ".repeat(65));
    assert_eq!(refused(&with_steps(&rules)), "there are more than 64 excluded patterns");
    for pattern in ["{".repeat(190), "{a,b}".repeat(38), "**/".repeat(60), "*a".repeat(90)] {
        let started = Instant::now();
        let _ = parse(
            "x.kdl",
            with_steps(&format!(
                "step run=\"x\"\nartifact {}",
                format!("\"{pattern}\" ").repeat(64)
            ))
            .as_bytes(),
        );
        assert!(started.elapsed() < FAST, "it took {:?}", started.elapsed());
    }
}

#[test]
fn many_includes_and_excludes_are_tried_in_time() {
    let values = |from: usize| (from..from + 16).map(|n| format!(" \"{n}\"")).collect::<String>();
    let axes = format!("a{}\nb{}\n", values(0), values(100));
    let lines = "exclude a=\"1\"\n".repeat(3000) + &"include x=\"1\"\n".repeat(3000);
    assert_eq!(
        taken(&with_matrix(&(axes.clone() + &lines), "step run=\"true\"")).expanded.len(),
        240
    );
    let added = (0..300).map(|n| format!("include a=\"x{n}\" b=\"y\"\n")).collect::<String>();
    let message = "there are more than 256 combinations";
    assert_eq!(refused(&with_matrix(&(axes + &added), "step run=\"true\"")), message);
    let names = (0..16).map(|n| format!("include x{n}=\"1\"\n")).collect::<String>();
    let message = "there are more than 16 names in this matrix";
    assert_eq!(refused(&with_matrix(&format!("a \"1\"\n{names}"), "step run=\"true\"")), message);
}

/// The good golden files, to be damaged.
fn valid_files() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/good");
    let entries =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let inputs = entries.filter(|path| path.extension() == Some("kdl".as_ref()));
    inputs.map(|path| fs::read(path).expect("readable")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse("x.kdl", &bytes);
    }

    /// A piece of a valid file is cut out, doubled, or overwritten.
    #[test]
    fn damaged_files_never_panic_and_what_is_taken_keeps_the_rules(
        file in prop::sample::select(valid_files()),
        from in any::<prop::sample::Index>(),
        length in 0_usize..40,
        patch in prop_oneof![
            Just(Vec::new()),
            prop::collection::vec(any::<u8>(), 1..4),
            prop::sample::select(vec!["\"", "{", "}", " ", "=", "#true", "/-", "é", "\"\"\""])
                .prop_map(|patch| patch.as_bytes().to_vec()),
        ],
    ) {
        let from = from.index(file.len());
        let mut bytes = file.clone();
        bytes.splice(from..(from + length).min(file.len()), patch);
        match parse("x.kdl", &bytes) {
            Ok(workflow) => {
                prop_assert!(!workflow.expanded.is_empty() && !workflow.triggers.is_empty());
                let names: Vec<_> = workflow.expanded.iter().map(|job| &job.spec.name).collect();
                for Job { spec, step_conditions, .. } in &workflow.expanded {
                    prop_assert!(!spec.steps.is_empty());
                    prop_assert_eq!(spec.steps.len(), step_conditions.len());
                    let is_other = |need: &Need| need.job != spec.name && names.contains(&&need.job);
                    prop_assert!(spec.needs.iter().all(is_other));
                }
            }
            Err(wrong) => prop_assert!(!wrong.list().is_empty()),
        }
    }
}
