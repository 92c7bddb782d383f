//! A person in the machine of a step that failed.

use solstice_model::terminal::Input;
use solstice_model::{AgentVerdict, Exit};

use crate::host::{Host, job, no_source};

/// A host with a person who does this.
fn visited(scripts: &[&str], done: &[Input]) -> Host {
    let mut spec = job(scripts);
    spec.env.insert("FROM_JOB".to_owned(), "the job".to_owned());
    let host = Host::new(spec, no_source());
    let typed = done.iter().flat_map(Input::to_bytes).collect();
    *host.shared.typed.lock().unwrap() = Some(typed);
    host
}

fn typed(text: &str) -> Input {
    Input::Typed(text.as_bytes().to_vec())
}

#[test]
fn a_failed_step_opens_a_shell_where_it_was_and_the_job_ends_with_it() {
    let size = Input::Resized { columns: 123, rows: 45 };
    let keys = typed("echo \"$FROM_JOB, $(stty size), $(tty | cut -c1-8), $(pwd)\"; exit 0\n");
    let host = visited(&["exit 3", "echo not reached"], &[size, keys]);
    let end = host.run_agent();
    assert!(end.success, "{}", end.console);
    let printed = String::from_utf8_lossy(&host.shared.printed.lock().unwrap()).into_owned();
    let source = host.work.path().join("w/src");
    let expected = format!("the job, 45 123, /dev/pts, {}", source.display());
    assert!(printed.contains(&expected), "{printed:?}");
    let exit = Exit::Code { code: 3 };
    assert_eq!(host.verdict(), AgentVerdict::Failed { step: 0, exit });
}

#[test]
fn where_no_step_fails_nobody_is_asked_in() {
    let host = visited(&["true"], &[typed("exit\n")]);
    assert!(host.run_agent().success);
    assert!(host.shared.typed.lock().unwrap().is_some(), "the shell was not asked for");
    assert_eq!(host.verdict(), AgentVerdict::Succeeded);
}
