//! Stories that are told once more on the simulated illumos host, where each
//! machine is a zone: the same tests, run again inside.

use illumos_host::enter;

macro_rules! told_on_zones {
    ($($module:ident::$story:ident,)+) => {$(
        #[test]
        fn $story() {
            tell_inside(concat!(stringify!($module), "::", stringify!($story)));
        }
    )+};
}

told_on_zones! {
    first_push::a_push_becomes_a_green_check,
    failing_step::a_failing_step_is_named,
    cancelled::cancelling_a_running_job_destroys_its_machine,
    crashes::the_orchestrator_is_killed_during_a_job,
    crashes::both_are_killed_while_the_machine_is_made,
    crashes::the_machine_dies_and_the_job_is_tried_again,
}

fn tell_inside(story: &str) {
    let host = tempfile::tempdir().expect("temporary files can be made");
    let host = camino::Utf8Path::from_path(host.path()).expect("its path is UTF-8");
    let this = std::env::current_exe().expect("a test has a program");
    let this = this.to_str().expect("its path is UTF-8");
    let output = enter::command(host, &[this, story, "--exact", "--nocapture"])
        .env("SOLSTICE_TEST_BACKEND", "zones")
        .output()
        .expect("the simulated host can be entered");
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{story} failed on zones:\n{out}{err}");
    assert!(out.contains("1 passed"), "there is no story {story}:\n{out}");
}
