//! The methods, run as SMF runs them, under every shell that is like illumos'
//! own: ksh93 is that very shell, dash and busybox keep the scripts honest.
//!
//! Each test makes a host of its own (`world.sh`) by unshare(1), for which it
//! has to be root or to be allowed user namespaces.

use std::process::Command;

use camino::Utf8Path;

const SHELLS: [&str; 3] = ["/usr/bin/ksh93", "/usr/bin/dash", "/usr/bin/busybox"];

/// What a scenario and the simulated programs said, line by line.
fn play(shell: &str, scenario: &str) -> Vec<String> {
    let here = Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().nth(2).expect("this crate lies two folders below the root");
    // A method that never ends fails its test: when unshare dies, its world does.
    let mut command = Command::new("timeout");
    command.args(["--signal=KILL", "120", "unshare"]);
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]);
    command.args(["--mount-proc", "/bin/dash"]);
    command.arg(root.join("tests/packaging/tests/methods/world.sh"));
    let output = command.args([shell, root.as_str(), scenario]).output();
    let output = output.expect("coreutils has timeout");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shell} {}\n{text}\n{errors}", output.status);
    text.lines().map(str::to_owned).collect()
}

/// Plays a scenario under every shell.
fn under_every_shell(scenario: &str, expect: impl Fn(&str, &[String])) {
    for shell in SHELLS {
        let shown = Utf8Path::new(shell);
        assert!(
            shown.exists(),
            "there is no {shell}: apt-get install ksh93u+m dash busybox-static"
        );
        expect(shell, &play(shell, scenario));
    }
}

/// What matters of the lines, in this order; others may be between.
fn in_order(shell: &str, lines: &[String], expected: &[&str]) {
    let mut rest = lines.iter();
    for one in expected {
        assert!(rest.any(|line| line.contains(one)), "{shell}: no {one:?} in {lines:#?}");
    }
}

fn never(shell: &str, lines: &[String], unwanted: &str) {
    assert!(!lines.iter().any(|line| line.contains(unwanted)), "{shell}: {lines:#?}");
}

#[test]
fn a_start_tells_the_daemon_what_the_properties_say() {
    let scenario = "behave exit 0; start; ended
        set_property running config/verbose true; start; ended
        set_property running config/file /etc/solstice/server.kdl
        set_property running config/log_level debug; service=server; start; ended";
    under_every_shell(scenario, |shell, lines| {
        let runs: Vec<_> = lines.iter().filter(|line| line.starts_with("run")).collect();
        let expected = [
            "run --config /etc/solstice/orchestrator.kdl",
            "run --config /etc/solstice/orchestrator.kdl --verbose",
            "run --config /etc/solstice/server.kdl --log-level debug",
        ];
        assert_eq!(runs, expected, "{shell}");
    });
}

#[test]
fn the_end_of_a_daemon_is_told_in_smf_s_words() {
    let scenario = "for status in 0 2 3 1 -9; do behave exit $status; start; ended; done
        rm /usr/lib/solstice/solstice-orchestrator; start; ended";
    under_every_shell(scenario, |shell, lines| {
        let ends: Vec<_> =
            lines.iter().filter_map(|it| it.strip_prefix("start ended with ")).collect();
        assert_eq!(ends, ["0", "96", "1", "1", "1", "96"], "{shell}: {lines:#?}");
        let pauses = lines.iter().filter(|line| *line == "sleep 15").count();
        assert_eq!(pauses, 3, "{shell}: only a failure that may pass is tried again, later");
    });
}

#[test]
fn a_path_that_cannot_be_used_is_a_wrong_configuration() {
    let scenario = r"set_property running config/file 'etc/x.kdl'; start; ended
        set_property running config/file '/etc/my\ own.kdl'; start; ended
        rm /usr/share/solstice-test/running/config/file; start; ended";
    under_every_shell(scenario, |shell, lines| {
        let ends: Vec<_> = lines.iter().filter(|line| *line == "start ended with 96").collect();
        assert_eq!(ends.len(), 3, "{shell}: {lines:#?}");
        in_order(shell, lines, &["config/file is not an absolute path: etc/x.kdl"]);
        in_order(shell, lines, &[r"would take amiss: /etc/my\ own.kdl"]);
        never(shell, lines, "run");
    });
}

#[test]
fn a_restart_ends_the_daemon_at_once() {
    under_every_shell("started; stop; ended", |shell, lines| {
        in_order(shell, lines, &["stop ended with 0", "start ended with 0"]);
        in_order(shell, lines, &["run --config", "terminated"]);
        never(shell, lines, "draining");
        never(shell, lines, "contract not empty");
    });
}

#[test]
fn a_disable_drains_first() {
    for disabled in ["general/enabled", "general_ovr/enabled"] {
        let scenario = format!("started; set_property live {disabled} false; stop; ended");
        under_every_shell(&scenario, |shell, lines| {
            in_order(shell, lines, &["stop ended with 0", "start ended with 0"]);
            in_order(shell, lines, &["run --config", "taking no more jobs", "draining", "drained"]);
            never(shell, lines, "terminated");
            never(shell, lines, "contract not empty");
        });
    }
}

#[test]
fn a_service_that_is_enabled_until_the_next_boot_is_not_being_disabled() {
    let scenario = "started; set_property live general/enabled false
        set_property live general_ovr/enabled true; stop";
    under_every_shell(scenario, |shell, lines| {
        in_order(shell, lines, &["terminated"]);
        never(shell, lines, "draining");
    });
}

#[test]
fn the_property_drain_overrules() {
    under_every_shell("started; set_property running config/drain always; stop", |shell, lines| {
        in_order(shell, lines, &["draining", "drained"]);
    });
    let scenario = "started; set_property live general/enabled false
        set_property running config/drain never; stop";
    under_every_shell(scenario, |shell, lines| {
        in_order(shell, lines, &["terminated"]);
        never(shell, lines, "draining");
    });
}

#[test]
fn a_drain_that_takes_too_long_leaves_its_reserve() {
    let scenario = "behave jobs endless; started; set_property live general/enabled false
        set_property running stop/timeout_seconds 40; stop; ended";
    under_every_shell(scenario, |shell, lines| {
        in_order(shell, lines, &["stop ended with 0", "start ended with 0"]);
        in_order(shell, lines, &["draining", "jobs still run after 10 seconds", "terminated"]);
        let seconds = lines.iter().filter(|line| *line == "sleep 1").count();
        assert!((10..=20).contains(&seconds), "{shell}: {seconds} s");
        never(shell, lines, "contract not empty");
    });
}

#[test]
fn a_stop_without_limit_drains_too() {
    for limit in ["0", "18446744073709551615"] {
        let scenario = format!(
            "started; set_property running stop/timeout_seconds {limit}
            set_property live general/enabled false; stop"
        );
        under_every_shell(&scenario, |shell, lines| {
            in_order(shell, lines, &["stop ended with 0"]);
            in_order(shell, lines, &["draining", "drained"]);
        });
    }
}

#[test]
fn a_command_that_outlives_the_daemon_is_ended_after_a_while() {
    let scenario = "behave command stubborn; started; set_property live general/enabled false
        stop; ended";
    under_every_shell(scenario, |shell, lines| {
        in_order(shell, lines, &["stop ended with 0", "start ended with 0"]);
        in_order(shell, lines, &["draining", "drained", "sleep 1"]);
        never(shell, lines, "contract not empty");
    });
}

#[test]
fn a_drain_is_told_to_the_daemon_alone() {
    let scenario = "behave command fragile; started; set_property live general/enabled false; stop";
    under_every_shell(scenario, |shell, lines| {
        in_order(shell, lines, &["stop ended with 0"]);
        in_order(shell, lines, &["draining", "drained", "the command was alive"]);
    });
}

#[test]
fn a_refresh_ends_the_daemon_if_the_configuration_is_right() {
    under_every_shell("started; refresh; ended", |shell, lines| {
        in_order(shell, lines, &["refresh ended with 0", "start ended with 0"]);
        in_order(
            shell,
            lines,
            &["check --config /etc/solstice/orch", "starting anew", "terminated"],
        );
    });
    let scenario = "set_property running config/file /etc/solstice/server.kdl
        service=server; started; refresh; ended";
    under_every_shell(scenario, |shell, lines| {
        in_order(shell, lines, &["refresh ended with 0", "start ended with 0"]);
        in_order(shell, lines, &["check --config /etc/solstice/server.kdl", "terminated"]);
    });
}

#[test]
fn a_refresh_with_a_wrong_configuration_leaves_the_daemon_alone() {
    for status in [2, 3] {
        // What stops it afterwards is the stop; until then it has to live.
        let scenario = format!(
            "behave check {status}; started; refresh
            $state/pgrep -P $contract >/dev/null && echo alive
            set_property running config/file x; refresh
            $state/pgrep -P $contract >/dev/null && echo alive still"
        );
        under_every_shell(&scenario, |shell, lines| {
            let expected = ["refresh ended with 0", "alive", "refresh ended with 0", "alive still"];
            in_order(shell, lines, &expected);
            in_order(shell, lines, &["orchestrator.kdl is not used", "not an absolute path: x"]);
            never(shell, lines, "terminated");
        });
    }
}

#[test]
fn the_agent_s_machine_is_switched_off_whatever_came_of_the_job() {
    for status in [0, 1] {
        let scenario = format!("service=agent; behave exit {status}; start; ended");
        under_every_shell(&scenario, |shell, lines| {
            in_order(shell, lines, &["start ended with 0"]);
            let run = "--seed /etc/solstice/seed --delete-seed --work /work";
            in_order(shell, lines, &[run, "power off"]);
            let told = lines.iter().any(|line| line.contains("the agent ended with status 1"));
            assert_eq!(told, status == 1, "{shell}: {lines:#?}");
        });
    }
}

#[test]
fn an_unknown_word_is_fatal() {
    let scenario = "for service in server orchestrator agent; do
        method restart 2>/dev/null || echo \"ended with $?\"; done";
    under_every_shell(scenario, |shell, lines| {
        assert_eq!(lines, ["ended with 95"; 3], "{shell}");
    });
}
