#![allow(clippy::unwrap_used)] // These are tests, and their helpers too.
//! Zones with true guests: from zonecfg to the guest's last byte. Every test
//! has a host of its own.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use illumos_host::guest::{self, Guest};
use illumos_host::{enter, state_dir};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

const PROGRAM: &str = "/usr/lib/illumos-host/program";
/// How long anything may take that happens by itself.
const LIMIT: Duration = Duration::from_secs(60);
const TEXT: &[u8] = b"hello from the guest\r\n";

/// A command as root of the host.
fn command(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(PROGRAM);
    command.arg("as-root").arg(words.next().unwrap());
    let rest: Vec<&str> = words.collect();
    // The rest of zonecfg's command line is one word.
    match rest.as_slice() {
        ["-z", zone, input @ ..] if line.starts_with("zonecfg") => {
            command.args(["-z", zone]).arg(input.join(" "));
        }
        rest => {
            command.args(rest);
        }
    }
    command
}

/// What a command printed on both streams, and its exit code.
fn run(line: &str) -> (String, i32) {
    let output = command(line).stdin(Stdio::null()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.code().unwrap())
}

#[track_caller]
fn ok(line: &str) -> String {
    let (text, code) = run(line);
    assert_eq!(code, 0, "{line}: {text}");
    text
}

/// A setting of the simulator itself.
fn set(words: &[&str]) {
    assert!(Command::new(PROGRAM).arg("set").args(words).status().unwrap().success());
}

/// Makes a zone, installed, whose guest is on a volume.
fn install(zone: &str, guest: Guest, text: &[u8], more: &str) {
    ok(&format!("zfs create -s -V 1M rpool/solstice/{zone}"));
    let device = format!("/dev/zvol/rdsk/rpool/solstice/{zone}");
    File::options()
        .write(true)
        .open(&device)
        .unwrap()
        .write_all(&guest::disk(guest, text))
        .unwrap();
    ok(&format!(
        "zonecfg -z {zone} create -b; set zonepath=/solstice/zones/{zone}; set brand=bhyve; \
         set ip-type=exclusive; add device; set match={device}; end; \
         add attr; set name=bootdisk; set type=string; set value=rpool/solstice/{zone}; end; \
         add attr; set name=ram; set type=string; set value=64M; end; {more}"
    ));
    ok(&format!("zoneadm -z {zone} install"));
}

fn state(zone: &str) -> String {
    ok(&format!("zoneadm -z {zone} list -p")).split(':').nth(2).unwrap().to_owned()
}

/// Waits until something is so.
#[track_caller]
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !so() {
        assert!(since.elapsed() < LIMIT, "{what} does not come");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until a zoneadm has asked zoneadmd and waits for its answer.
fn until_it_waits(zoneadm: &Child) {
    let proc = format!("/proc/{}", zoneadm.id());
    until("the wait for zoneadmd", || {
        let links = std::fs::read_dir(format!("{proc}/fd")).unwrap();
        let mut targets = links.filter_map(|link| std::fs::read_link(link.ok()?.path()).ok());
        let connected = targets.any(|target| target.to_string_lossy().starts_with("socket:"));
        let stat = std::fs::read_to_string(format!("{proc}/stat")).unwrap();
        connected && stat.contains("(zoneadm) S ")
    });
}

/// zlogin at a terminal.
struct Terminal {
    zlogin: Child,
    master: File,
    seen: Vec<u8>,
}

impl Terminal {
    fn attach(zone: &str, options: &str) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = || File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let mut zlogin = command(&format!("zlogin -C {options} {zone}"));
        let zlogin = zlogin.stdin(slave()).stdout(slave()).stderr(slave()).spawn().unwrap();
        Self { zlogin, master: master.into(), seen: Vec::new() }
    }

    /// Reads until this was printed, or nothing more comes.
    fn wait_for(&mut self, text: &str) -> String {
        let mut buffer = [0; 4096];
        while !String::from_utf8_lossy(&self.seen).contains(text) {
            // Without the other side the terminal fails.
            match self.master.read(&mut buffer) {
                Ok(read) if read > 0 => self.seen.extend(&buffer[..read]),
                _ => break,
            }
        }
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// All that was printed until it ended.
    fn end(mut self) -> String {
        let seen = self.wait_for("there is no such text");
        assert!(self.zlogin.wait().unwrap().success());
        seen
    }
}

#[test]
fn a_zone_lives_as_long_as_its_guest() {
    let Some(_host) = enter::this_test("a_zone_lives_as_long_as_its_guest") else { return };
    install("job1", Guest::PowersOff, TEXT, "");
    let mut terminal = Terminal::attach("job1", "-d -E");
    terminal.wait_for("console]\r\n");
    assert_eq!(run("zoneadm -z job1 boot"), (String::new(), 0));
    assert_eq!(
        terminal.end(),
        "[Connected to zone 'job1' console]\r\n\
         \r\n[NOTICE: Zone booting up]\r\n\
         hello from the guest\r\n\
         \r\n[NOTICE: Zone halted.  Disconnecting...]\r\n\
         \r\n[Connection to zone 'job1' console closed]\r\n"
    );
    assert_eq!(state("job1"), "installed");
    let exited = std::fs::read_to_string("/solstice/zones/job1/lastexited").unwrap();
    assert!(exited.ends_with(" 256\n"), "{exited}");
}

#[test]
fn eight_kibibytes_arrive_whole() {
    let Some(_host) = enter::this_test("eight_kibibytes_arrive_whole") else { return };
    let text: String = (0..).map(|n| format!("line {n:04} of many lines\r\n")).take(300).collect();
    install("job1", Guest::PowersOff, text.as_bytes(), "");
    let mut terminal = Terminal::attach("job1", "-d -E");
    terminal.wait_for("console]\r\n");
    ok("zoneadm -z job1 boot");
    let seen = terminal.end();
    assert!(seen.contains(&text), "{} of {} bytes", seen.len(), text.len());
}

#[test]
fn a_deaf_guest_holds_a_halt_up_until_bhyve_is_killed() {
    let Some(_host) = enter::this_test("a_deaf_guest_holds_a_halt_up_until_bhyve_is_killed") else {
        return;
    };
    install("job1", Guest::Talks, TEXT, "");
    ok("zoneadm -z job1 boot");
    assert_eq!(
        run("zoneadm -z job1 boot"),
        ("zone 'job1': zone is already booted\n".to_owned(), 0)
    );
    let mut halt = command("zoneadm -z job1 halt").stderr(Stdio::piped()).spawn().unwrap();
    until_it_waits(&halt);
    // Behind the halt, for as long as that takes.
    let mut second = command("zoneadm -z job1 boot").stderr(Stdio::piped()).spawn().unwrap();
    until_it_waits(&second);
    assert!(halt.try_wait().unwrap().is_none() && second.try_wait().unwrap().is_none());
    assert_eq!(state("job1"), "running");
    assert_eq!(run("pkill -9 -z job1 bhyve"), (String::new(), 0));
    assert!(halt.wait().unwrap().success());
    assert!(second.wait().unwrap().success());
    assert_eq!(state("job1"), "running");
}

#[test]
fn a_halt_goes_on_without_the_client_who_asked() {
    let Some(_host) = enter::this_test("a_halt_goes_on_without_the_client_who_asked") else {
        return;
    };
    install("job1", Guest::Talks, TEXT, "");
    set(&["halt-patience", "1"]);
    ok("zoneadm -z job1 boot");
    let mut halt = command("zoneadm -z job1 halt").spawn().unwrap();
    until_it_waits(&halt);
    halt.kill().unwrap();
    halt.wait().unwrap();
    assert_eq!(state("job1"), "running");
    until("the end of the zone", || state("job1") == "installed");
}

#[test]
fn the_power_button_is_the_guests_to_obey() {
    let Some(_host) = enter::this_test("the_power_button_is_the_guests_to_obey") else { return };
    install("job1", Guest::Obeys, TEXT, "");
    let mut terminal = Terminal::attach("job1", "-d -E");
    terminal.wait_for("console]\r\n");
    ok("zoneadm -z job1 boot");
    terminal.wait_for("from the guest\r\n");
    assert_eq!(run("pkill -z job1 bhyve"), (String::new(), 0));
    terminal.end();
    until("the end of the zone", || state("job1") == "installed");
    assert_eq!(run("pkill -z job1 bhyve"), (String::new(), 1));

    install("job2", Guest::Talks, TEXT, "");
    set(&["shutdown-patience", "1"]);
    ok("zoneadm -z job2 boot");
    let text = "zone 'job2': unable to shutdown zone\n".to_owned();
    assert_eq!(run("zoneadm -z job2 shutdown"), (text, 1));
    assert_eq!(state("job2"), "running");
}

#[test]
fn a_guest_that_reboots_stays_in_its_zone() {
    let Some(_host) = enter::this_test("a_guest_that_reboots_stays_in_its_zone") else { return };
    install("job1", Guest::Reboots, b"again\r\n", "");
    let mut terminal = Terminal::attach("job1", "-E");
    terminal.wait_for("console]\r\n");
    ok("zoneadm -z job1 boot");
    terminal.wait_for("again\r\nagain\r\nagain\r\n");
    assert_eq!(state("job1"), "running");
    ok("pkill -9 -z job1 bhyve");
    let seen = terminal.wait_for("[NOTICE: Zone halted]\r\n");
    assert!(!seen.contains("Disconnecting"));
    terminal.zlogin.kill().unwrap();
}

#[test]
fn a_console_has_one_client_and_passes_on_what_he_types() {
    let Some(_host) = enter::this_test("a_console_has_one_client_and_passes_on_what_he_types")
    else {
        return;
    };
    install("job1", Guest::Echoes, TEXT, "");
    let mut first = Terminal::attach("job1", "");
    first.wait_for("console]\r\n");
    let pid = first.zlogin.id();
    let (text, code) = run("zlogin -C job1");
    assert_eq!(code, 1);
    assert!(text.starts_with("zlogin: Console is already in use by process ID "), "{text}");
    assert!(text.contains(&pid.to_string()) || text.contains("ID "), "{text}");
    ok("zoneadm -z job1 boot");
    first.wait_for("from the guest\r\n");
    first.master.write_all(b"typed").unwrap();
    first.wait_for("typed");
    first.master.write_all(b"\r~.").unwrap();
    assert!(first.end().ends_with("\r\n[Connection to zone 'job1' console closed]\r\n"));
    // Whoever comes now has missed all of it.
    let mut second = Terminal::attach("job1", "");
    second.wait_for("console]\r\n");
    second.master.write_all(b"more").unwrap();
    assert!(second.wait_for("more").ends_with("console]\r\nmore"));
    ok("pkill -9 -z job1 bhyve");
    second.wait_for("Zone halted]");
    second.zlogin.kill().unwrap();
}

#[test]
fn a_zone_without_its_disk_goes_down_at_once() {
    let Some(_host) = enter::this_test("a_zone_without_its_disk_goes_down_at_once") else { return };
    let more = "add attr; set name=disk0; set type=string; set value=rpool/solstice/none; end";
    install("job1", Guest::Talks, TEXT, more);
    assert_eq!(run("zoneadm -z job1 boot"), (String::new(), 0));
    until("the end of the zone", || state("job1") == "installed");
    let log = std::fs::read_to_string("/solstice/zones/job1/root/tmp/init.log").unwrap();
    assert!(log.contains("/dev/zvol/rdsk/rpool/solstice/none"), "{log}");
    let exited = std::fs::read_to_string("/solstice/zones/job1/lastexited").unwrap();
    assert!(exited.ends_with(" 1024\n"), "{exited}");
}

#[test]
fn a_volume_is_busy_while_its_zone_runs() {
    let Some(_host) = enter::this_test("a_volume_is_busy_while_its_zone_runs") else { return };
    install("job1", Guest::Talks, TEXT, "");
    ok("zoneadm -z job1 boot");
    let text = "cannot destroy 'rpool/solstice/job1': dataset is busy\n".to_owned();
    assert_eq!(run("zfs destroy rpool/solstice/job1"), (text, 1));
    let text = "zoneadm: zone 'job1': uninstall operation is invalid for running zones.\n";
    assert_eq!(run("zoneadm -z job1 uninstall -F"), (text.to_owned(), 1));
    let text = "job1: Zone state is invalid for the requested operation\n".to_owned();
    assert_eq!(run("zonecfg -z job1 delete -F"), (text, 1));
    ok("pkill -9 -z job1 bhyve");
    until("the end of the zone", || state("job1") == "installed");
    ok("zfs destroy rpool/solstice/job1");
    ok("zoneadm -z job1 uninstall -F");
    ok("zonecfg -z job1 delete -F");
}

#[test]
fn a_stuck_zone_shuts_down_for_ever() {
    let Some(_host) = enter::this_test("a_stuck_zone_shuts_down_for_ever") else { return };
    install("job1", Guest::Talks, TEXT, "");
    ok("zoneadm -z job1 boot");
    set(&["stuck", "job1"]);
    ok("pkill -9 -z job1 bhyve");
    until("the zone on its way down", || state("job1") == "shutting_down");
    let text = "zoneadm: zone 'job1': uninstall operation is invalid for running zones.\n";
    assert_eq!(run("zoneadm -z job1 uninstall -F"), (text.to_owned(), 1));
    set(&["unstuck", "job1"]);
    until("the end of the zone", || state("job1") == "installed");
}

#[test]
fn another_zoneadmd_takes_a_running_zone_over() {
    let Some(_host) = enter::this_test("another_zoneadmd_takes_a_running_zone_over") else {
        return;
    };
    install("job1", Guest::Talks, TEXT, "");
    let mut terminal = Terminal::attach("job1", "-E");
    terminal.wait_for("console]\r\n");
    ok("zoneadm -z job1 boot");
    // Only now bhyve has certainly opened the console.
    terminal.wait_for("from the guest");
    ok(&format!("kill -9 {}", pid_of("zoneadmd")));
    terminal.end();
    assert_eq!(state("job1"), "running");
    let text = "zone 'job1': WARNING: zone is in state 'running', but zoneadmd does not appear to \
                be available; restarted zoneadmd to recover.\nzone 'job1': zone is already booted\n";
    assert_eq!(run("zoneadm -z job1 boot"), (text.to_owned(), 0));
    ok("pkill -9 -z job1 bhyve");
    until("the end of the zone", || state("job1") == "installed");
}

/// The process whose command line contains this.
fn pid_of(name: &str) -> u32 {
    let processes = std::fs::read_dir("/proc").unwrap();
    let mut pids = processes.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let named = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).split('\0').next().is_some_and(|word| word.ends_with(name))
    };
    pids.find(named).expect("it runs")
}

#[test]
fn a_link_belongs_to_the_zone_that_runs() {
    let Some(_host) = enter::this_test("a_link_belongs_to_the_zone_that_runs") else { return };
    ok("dladm create-etherstub stub0");
    ok("dladm create-vnic -t -l stub0 job0");
    let net = "add net; set physical=job0; end";
    install("job1", Guest::Talks, TEXT, net);
    install("job2", Guest::Talks, TEXT, net);
    ok("zoneadm -z job1 boot");
    assert_eq!(run("dladm delete-vnic -t job0").1, 1);
    let text = "WARNING: skipping network interface 'job0' which is used by the non-global zone \
                'job1'.\nzone 'job2': failed to add network device: Device busy\n\
                zoneadm: zone 'job2': call to zoneadmd failed\n";
    assert_eq!(run("zoneadm -z job2 boot"), (text.to_owned(), 1));
    assert_eq!(state("job2"), "installed");
    ok("pkill -9 -z job1 bhyve");
    until("the end of the zone", || state("job1") == "installed");
    ok("zoneadm -z job2 boot");
    ok("pkill -9 -z job2 bhyve");
    until("the end of the zone", || state("job2") == "installed");
    ok("dladm delete-vnic -t job0");
}

#[test]
fn openindianas_brand_has_ways_of_its_own() {
    let Some(_host) = enter::this_test("openindianas_brand_has_ways_of_its_own") else { return };
    set(&["brand", "openindiana"]);
    let seed = state_dir().join("seed.img");
    std::fs::write(&seed, [0; 512]).unwrap();
    let more = format!(
        "add fs; set dir=/seed.img; set special={seed}; set type=lofs; add options ro; end; \
         add attr; set name=disk0; set type=string; set value=../../../seed.img; end; \
         add attr; set name=bootrom; set type=string; set value=BHYVE_RELEASE_CSM; end"
    );
    install("job1", Guest::Talks, TEXT, &more);
    ok("zoneadm -z job1 boot");
    let line = ok("zoneadm -z job1 list -p");
    assert_eq!(line.trim_end().split(':').count(), 7, "{line}");
    // Its hook does not wait for the guest.
    assert_eq!(run("zoneadm -z job1 halt"), (String::new(), 0));
    assert_eq!(state("job1"), "installed");
    ok("zonecfg -z job1 select attr name=bootrom; set value=NOPE; end");
    ok("zoneadm -z job1 boot");
    until("the end of the zone", || state("job1") == "installed");
    let log = std::fs::read_to_string("/solstice/zones/job1/root/tmp/init.log").unwrap();
    assert_eq!(log, "bootrom NOPE not found.\n");
}
