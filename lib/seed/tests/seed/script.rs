//! The script, run for real.

use std::io::{Cursor, Read};
use std::process::Output;

use fatfs::{FileSystem, FsOptions};
use solstice_seed::{Seed, metadata_agent, no_cloud};

use crate::guest::{AGENT, Guest};
use crate::{WORDS, noise, seed, token};

const DASH: &[&str] = &["/bin/dash"];
const BUSYBOX: &[&str] = &["/bin/busybox", "sh"];

const STARTED: &str =
    "solstice-agent --seed /etc/solstice/seed --delete-seed --work /work\npoweroff \n";

/// The NoCloud script of a seed.
fn user_data(seed: &Seed<'_>) -> Vec<u8> {
    let system = FileSystem::new(Cursor::new(no_cloud(seed).unwrap()), FsOptions::new()).unwrap();
    let mut script = Vec::new();
    system.root_dir().open_file("user-data").unwrap().read_to_end(&mut script).unwrap();
    script
}

/// The metadata-agent's script of a seed: it is the one member that starts like one.
fn firstboot(seed: &Seed<'_>) -> Vec<u8> {
    let archive = metadata_agent(seed).unwrap();
    let find = |text: &[u8]| archive.windows(text.len()).position(|part| part == text).unwrap();
    archive[find(b"#!/bin/sh")..find(b"070707000000000003")].to_vec()
}

/// An agent for [`Guest`]s of some size.
fn agent() -> Vec<u8> {
    let mut program = format!("{AGENT}exit 0\n").into_bytes();
    program.extend(noise(200_000));
    program
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_agent_is_installed_and_started_by_every_shell_and_decoder() {
    let (token, agent) = (token(), agent());
    let script = user_data(&Seed { agent: Some(&agent), ..seed(&token) });
    // busybox' shell takes its own base64 whatever there is.
    for (shell, decoder) in
        [(DASH, "base64"), (DASH, "uudecode"), (DASH, "openssl"), (BUSYBOX, "base64")]
    {
        let guest = Guest::new(&[]);
        match decoder {
            "openssl" => guest.program("bin/openssl", "#!/bin/sh\nexec busybox \"$@\"\n"),
            _ => std::os::unix::fs::symlink("busybox", guest.path("bin").join(decoder)).unwrap(),
        }
        let output = guest.run(shell, &script);
        assert!(output.status.success(), "{shell:?} {decoder}");
        assert_eq!(guest.calls_until_off(), STARTED);
        assert_eq!(guest.read("taken"), WORDS);
        let program = "opt/solstice/bin/solstice-agent";
        assert!(std::fs::read(guest.path(program)).unwrap() == agent, "{shell:?} {decoder}");
        for (path, mode) in [
            (program, 0o755),
            ("opt/solstice/bin/run-agent", 0o755),
            ("opt/solstice/bin", 0o755),
            ("etc/solstice", 0o700),
            ("etc/solstice/seed", 0o600),
        ] {
            assert_eq!(guest.mode(path), mode, "{path}");
        }
    }
}

#[test]
fn an_agent_of_the_image_s_own_is_found() {
    let guest = Guest::new(&[]);
    guest.program("bin/solstice-agent", AGENT);
    let token = token();
    assert!(guest.run(BUSYBOX, &user_data(&seed(&token))).status.success());
    assert_eq!(guest.calls_until_off(), STARTED);
    assert_eq!(guest.read("taken"), WORDS);
}

#[test]
fn one_machine_starts_one_agent_and_a_clone_of_it_another() {
    let guest = Guest::new(&[]);
    guest.program("bin/solstice-agent", AGENT);
    let token = token();
    let script = user_data(&seed(&token));
    assert!(guest.run(DASH, &script).status.success());
    assert_eq!(guest.calls_until_off(), STARTED);
    let again = guest.run(DASH, &script);
    assert!(again.status.success());
    assert!(stderr(&again).contains("was started already"));
    assert_eq!(guest.read("calls"), STARTED);

    std::fs::remove_file(guest.path("off")).unwrap();
    let clone = user_data(&Seed { instance: "clone", ..seed(&token) });
    assert!(guest.run(DASH, &clone).status.success());
    assert_eq!(guest.calls_until_off(), [STARTED, STARTED].concat());
}

#[test]
fn a_guest_without_an_agent_says_so_and_is_switched_off() {
    let guest = Guest::new(&[]);
    let output = guest.run(DASH, &user_data(&seed(&token())));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("this image has no solstice-agent"));
    assert_eq!(guest.calls_until_off(), "poweroff \n");
}

#[test]
fn a_damaged_agent_is_not_started() {
    let (token, agent) = (token(), agent());
    let script = user_data(&Seed { agent: Some(&agent), ..seed(&token) });
    // The tail of the text, a piece of whole lines in its middle, or no decoder at all.
    let shorter = script[..script.len() - 4000].to_vec();
    let mut cut = script.clone();
    cut.drain(script.len() - 77 * 200..script.len() - 77 * 100);
    for (tools, damaged) in [(&["base64"][..], shorter), (&["base64"], cut), (&[], script)] {
        let guest = Guest::new(tools);
        let output = guest.run(DASH, &damaged);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("cannot unpack the agent"));
        assert_eq!(guest.calls_until_off(), "poweroff \n");
        assert!(!guest.path("opt/solstice/bin/solstice-agent").exists());
    }
}

#[test]
fn systemd_starts_the_agent_where_there_is_one() {
    let guest = Guest::new(&[]);
    guest.program("bin/solstice-agent", AGENT);
    std::fs::create_dir_all(guest.path("run/systemd/system")).unwrap();
    guest.fake("systemd-run", "");
    assert!(guest.run(DASH, &user_data(&seed(&token()))).status.success());
    assert_eq!(
        guest.read("calls"),
        "systemd-run --unit=solstice-agent --no-block /opt/solstice/bin/run-agent\n"
    );
    assert_eq!(guest.read("etc/solstice/seed"), WORDS);
}

/// A guest that answers like illumos with two links.
fn illumos() -> Guest {
    let guest = Guest::new(&[]);
    guest.program("bin/solstice-agent", AGENT);
    guest.program("bin/uname", "#!/bin/sh\necho SunOS\n");
    guest.program(
        "bin/dladm",
        "#!/bin/sh\ncase $* in\n\
         'show-phys -p -o link') echo e1000g0; echo vioif0; echo vioif1 ;;\n\
         'show-phys -m -p -o address e1000g0') echo 0:c:29:1:2:3 ;;\n\
         'show-phys -m -p -o address vioif0') echo 2:8:20:0:a:2 ;;\n\
         'show-phys -m -p -o address vioif1') echo 2:8:20:0:a:1 ;;\n\
         *) exit 1 ;;\nesac\n",
    );
    guest.fake("ipadm", "[ \"$1\" != show-addr ] && [ \"$1\" != show-if ]");
    guest.fake("route", "");
    guest.fake("svccfg", "");
    guest.fake("svcadm", "");
    guest
}

const SMF: &str = "svccfg import /var/svc/manifest/site/solstice-agent.xml\n\
     svcadm enable svc:/site/solstice-agent:default\n";

#[test]
fn on_illumos_the_script_sets_the_address_and_imports_a_service() {
    let guest = illumos();
    assert!(guest.run(DASH, &firstboot(&seed(&token()))).status.success());
    let calls = "ipadm show-addr -p -o addr vioif1/solstice\n\
         ipadm show-if vioif1\n\
         ipadm create-if vioif1\n\
         ipadm delete-addr vioif1/solstice\n\
         ipadm create-addr -T static -a 10.77.0.2/30 vioif1/solstice\n\
         route add default 10.77.0.1\n";
    assert_eq!(guest.read("calls"), format!("{calls}{SMF}"));
    assert_eq!(
        guest.read("var/svc/manifest/site/solstice-agent.xml"),
        include_str!("../../src/script/agent.xml")
    );
}

#[test]
fn on_illumos_an_address_that_is_there_stays_and_a_single_card_will_do() {
    let guest = illumos();
    guest.program("bin/dladm", "#!/bin/sh\n[ \"$2\" = -p ] && echo e1000g0 && echo vioif0\n");
    guest.fake("ipadm", "[ \"$1\" != show-addr ] || echo 10.77.0.2/30");
    let mut alone = seed(&token()).network;
    alone.gateway = None;
    let token = token();
    let script = firstboot(&Seed { network: alone, ..seed(&token) });
    assert!(guest.run(DASH, &script).status.success());
    let calls = "ipadm show-addr -p -o addr vioif0/solstice\n";
    assert_eq!(guest.read("calls"), format!("{calls}{SMF}"));
}

#[test]
fn on_illumos_a_machine_without_a_network_card_is_switched_off() {
    let guest = illumos();
    guest.program("bin/dladm", "#!/bin/sh\n");
    let output = guest.run(DASH, &firstboot(&seed(&token())));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("network card 2:8:20:0:a:1"), "{}", stderr(&output));
    assert_eq!(guest.calls_until_off(), "poweroff \n");
}
