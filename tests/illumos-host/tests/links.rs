//! What dladm and ipadm say is what the network does: addresses on VNICs can be
//! used, and etherstubs are worlds apart.
//!
//! Guests are network namespaces with a port of an etherstub's bridge.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use illumos_host::command::links::linux_name;
use illumos_host::enter;

/// Runs a line of words, as root of the host if it is illumos', and insists on success.
fn run(line: &str) -> String {
    let mut words = line.split(' ');
    let program = words.next().expect("a line has a word");
    let output = Command::new(program).args(words).output();
    let output = output.expect("the program can be executed");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {} {stderr}", output.status);
    String::from_utf8(output.stdout).expect("these programs print ASCII")
}

fn root(line: &str) {
    run(&format!("illumos-host as-root {line}"));
}

/// An etherstub, and the host's VNIC on it with an address.
fn network(number: u8) {
    root(&format!("dladm create-etherstub stub{number}"));
    root(&format!("dladm create-vnic -t -l stub{number} gw{number}"));
    root(&format!("ipadm create-addr -t -T static -a 10.99.{number}.1/24 gw{number}/v4"));
}

/// A guest on an etherstub. It ends with its process, whose input this holds.
struct Guest(Child);

impl Guest {
    fn on(etherstub: u8, address: &str) -> Self {
        let mut guest = Command::new("unshare");
        let guest = guest.args(["-n", "sh", "-c", "echo up; exec cat"]);
        let guest = guest.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut guest = guest.expect("unshare can be executed");
        let mut up = [0; 3];
        let stdout = guest.stdout.as_mut().expect("it is piped");
        stdout.read_exact(&mut up).expect("the guest comes up");
        let (pid, guest) = (guest.id(), Self(guest));
        let bridge = linux_name(&format!("stub{etherstub}"));
        run(&format!("ip link add port{pid} type veth peer name eth0 netns {pid}"));
        run(&format!("ip link set port{pid} master {bridge} up"));
        run(&format!("nsenter -n -t {pid} ip address add {address}/16 dev eth0"));
        run(&format!("nsenter -n -t {pid} ip link set eth0 up"));
        guest
    }

    /// What comes of connecting to an address, within a second.
    fn connect(&self, ip: &str, port: u16) -> String {
        let connect = format!("exec 3<>/dev/tcp/{ip}/{port} && echo connected >&2");
        let guest = self.0.id().to_string();
        let arguments = ["-n", "-t", &guest, "timeout", "1", "bash", "-c", &connect];
        let output = Command::new("nsenter").args(arguments).output();
        let output = output.expect("nsenter can be executed");
        String::from_utf8(output.stderr).expect("bash prints ASCII")
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ended = self.0.wait();
    }
}

#[test]
fn an_address_on_a_vnic_can_be_bound_and_connected_to() {
    let Some(_host) = enter::this_test("an_address_on_a_vnic_can_be_bound_and_connected_to") else {
        return;
    };
    assert!(TcpListener::bind("10.99.0.1:0").is_err(), "the address is not there yet");
    network(0);
    let listener = TcpListener::bind("10.99.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    TcpStream::connect(address).unwrap().write_all(b"hello").unwrap();
    let mut text = String::new();
    listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");

    drop(listener);
    root("ipadm delete-if gw0");
    assert!(TcpListener::bind("10.99.0.1:0").is_err(), "the address is gone");
    root("dladm delete-vnic gw0");
    root("dladm delete-etherstub stub0");
    assert_eq!(run("ip -br link").lines().count(), 1, "nothing but the loopback is left");
}

#[test]
fn the_vnic_has_the_mac_that_dladm_shows() {
    let Some(_host) = enter::this_test("the_vnic_has_the_mac_that_dladm_shows") else { return };
    root("dladm create-etherstub stub0");
    root("dladm create-vnic -t -l stub0 -m 2:8:20:a:b:c gw0");
    root("ipadm create-if -t gw0");
    assert_eq!(run("dladm show-vnic -p -o macaddress gw0"), "2:8:20:a:b:c\n");
    let device = linux_name("gw0");
    assert!(run(&format!("ip link show {device}")).contains("02:08:20:0a:0b:0c"));
}

#[test]
fn etherstubs_are_worlds_apart() {
    let Some(_host) = enter::this_test("etherstubs_are_worlds_apart") else { return };
    network(0);
    network(1);
    let same = Guest::on(0, "10.99.0.10");
    let _peer = Guest::on(0, "10.99.0.11");
    let other = Guest::on(1, "10.99.0.12");
    let host = TcpListener::bind("10.99.0.1:0").unwrap();
    let port = host.local_addr().unwrap().port();
    assert_eq!(same.connect("10.99.0.1", port), "connected\n");
    assert_eq!(other.connect("10.99.0.1", port), "", "the host answers on its own link only");
    // Where nobody listens, whoever is reached refuses.
    assert!(same.connect("10.99.0.11", 9).contains("refused"));
    assert_eq!(other.connect("10.99.0.11", 9), "");
    assert_eq!(same.connect("10.99.0.12", 9), "");
}

#[test]
fn what_is_persistent_comes_back_when_the_host_is_entered_again() {
    let dir = tempfile::tempdir().unwrap();
    let dir = camino::Utf8Path::from_path(dir.path()).unwrap();
    let host = |script: &str| {
        let output = enter::command(dir, &["sh", "-e", "-c", script]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    host(
        "alias dladm='illumos-host as-root dladm' ipadm='illumos-host as-root ipadm'
        dladm create-etherstub stub0
        dladm create-vnic -l stub0 gw0
        ipadm create-addr -T static -a 10.99.0.1/24 gw0/v4
        ipadm create-addr -t -T static -a 10.99.1.1/24 gw0/more
        dladm create-vnic -t -l stub0 job1",
    );
    let shown = host("dladm show-vnic -p -o link; ipadm show-addr -p -o addr; ip -br -4 address");
    let mut lines = shown.lines();
    assert_eq!((lines.next(), lines.next()), (Some("gw0"), Some("10.99.0.1/24")));
    let device = linux_name("gw0");
    assert!(lines.any(|line| line.starts_with(&device) && line.contains(" 10.99.0.1/24 ")));
}
