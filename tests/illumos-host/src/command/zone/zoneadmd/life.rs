//! A zone's way up and down.
//!
//! Source: illumos-gate usr/src/cmd/zoneadmd/{zoneadmd.c,vplat.c}; the hooks of
//! omniosorg/pkg5 src/brand/bhyve/support; exit codes of usr/src/cmd/bhyve.

use std::fs::{self, File};
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};

use super::super::brand::{self, Machine, Refusal};
use super::super::config::{Config, Kind, Resource};
use super::super::kernel::{Process, State, Status, Variant};
use super::super::machine::{self, Launch, Signal};
use super::Daemon;
use super::console::{self, Event};
use crate::command::links::{self, LinkError, Tap};
use crate::{World, state_dir};

/// What bhyve ends with when it cannot start (usr/src/cmd/bhyve/bhyverun.c).
const CANNOT_START: i32 = 4;
/// How often the brand's hook looks whether bhyve is still there.
const HOOK_GLANCE: Duration = Duration::from_secs(1);
/// How often it is looked whether a zone is still stuck.
const STUCK_GLANCE: Duration = Duration::from_millis(20);

impl State {
    /// For how long the brand's halt hook waits for the guest.
    fn halt_patience(&self) -> Duration {
        let brand = match self.brand {
            Variant::Omnios => 1800,
            Variant::Openindiana => 0,
        };
        Duration::from_secs(self.halt_patience_s.unwrap_or(brand))
    }

    /// For how long a shutdown waits: the brand's hook, then zoneadmd itself for
    /// as long as svc:/system/zones:default has for its stop.
    pub(super) fn shutdown_patience(&self) -> Duration {
        let brand = match self.brand {
            Variant::Omnios => 300 + 100,
            Variant::Openindiana => 60 + 100,
        };
        Duration::from_secs(self.shutdown_patience_s.unwrap_or(brand))
    }
}

impl Daemon {
    /// How far the kernel has the zone; `None` if it has none.
    pub(super) fn status(&self) -> Option<Status> {
        self.world(|world| {
            world.zones.settle();
            world.zones.active.get(&self.zone).map(|active| active.status)
        })
    }

    /// The zone's bhyve.
    pub(super) fn init(&self) -> Option<Process> {
        self.world(|world| world.zones.active.get(&self.zone)?.init)
    }

    fn world<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        World::with(state_dir(), change).expect("the host's state can be used")
    }

    fn config(&self) -> Result<Config, String> {
        let config = self.store.config(&self.zone);
        config.ok_or_else(|| "unable to get zone configuration".to_owned())
    }

    /// Takes over a zone that another daemon left.
    pub(super) fn resume(self: &Arc<Self>) {
        let active = self.world(|world| world.zones.active.get(&self.zone).cloned());
        let Some(active) = active.filter(|active| active.status != Status::Ready) else { return };
        let daemon = Arc::clone(self);
        thread::spawn(move || {
            if let Some(process) = active.init {
                machine::wait(process);
            }
            // Nobody knows how it ended.
            daemon.ended(active.id, None);
        });
    }

    /// Brings the zone into the kernel, with its file systems and links.
    pub(super) fn ready(&self) -> Result<(), String> {
        let config = self.config()?;
        let root = Utf8PathBuf::from(config.root());
        clear_log(&config).map_err(|error| format!("could not open the zone's log: {error}"))?;
        for fs in config.of_kind(Kind::Fs) {
            let (special, dir) = (fs.get("special"), fs.get("dir"));
            if !Utf8Path::new(special).exists() {
                let options = fs.options.join(",");
                let options = if options.is_empty() { options } else { format!("-o {options} ") };
                return Err(format!(
                    "\"/usr/lib/fs/{}/mount {options}{special} {root}{dir}\" failed with exit code 33",
                    fs.get("type")
                ));
            }
        }
        self.world(|world| {
            world.zones.create(&self.zone);
            let added = config.of_kind(Kind::Net).try_for_each(|net| {
                add_link(world, &self.zone, net.get("physical"), net.get("allowed-address"))
            });
            if added.is_err() {
                self.leave_kernel(world, Some(&config));
            }
            added
        })
    }

    /// Starts the zone's first process.
    pub(super) fn bootup(self: &Arc<Self>) -> Result<(), String> {
        let config = self.config()?;
        let uuid = fs::read_to_string(format!("{}/etc/uuid", config.root()));
        let uuid = uuid.map(|text| text.trim().to_owned()).unwrap_or_default();
        let variant = self.world(|world| world.zones.brand);
        let outcome = brand::machine(variant, &config, &uuid);
        let id = self.world(|world| world.zones.active.get(&self.zone).map(|active| active.id));
        let id = id.ok_or("unable to get zoneid")?;
        let machine = match (outcome, variant) {
            (Ok(machine), _) => machine,
            (Err(refusal), Variant::Omnios) => return Err(self.refused(&config, refusal)),
            // OpenIndiana's brand has no hook: its init finds out in the zone.
            (Err(refusal), Variant::Openindiana) => {
                self.run(id);
                init_log(&config, &text(&refusal));
                self.end_later(id, exit(1));
                return Ok(());
            }
        };
        self.run(id);
        match self.launch(&config, &machine) {
            Ok((child, disks)) => self.watch(id, child, disks),
            Err(_) => self.end_later(id, exit(CANNOT_START)),
        }
        Ok(())
    }

    /// What becomes of a zone whose boot hook refuses.
    fn refused(&self, config: &Config, refusal: Refusal) -> String {
        let text = text(&refusal);
        let log = format!("{}/log/zone.log", config.zonepath);
        let lines = format!("INFO:root:Zone name: {}\nERROR:root:{text}\n", self.zone);
        let _lost = fs::write(log, lines);
        if matches!(refusal, Refusal::NotSimulated(_)) {
            return text;
        }
        format!("exec /usr/lib/brand/bhyve/boot -z {} failed", self.zone)
    }

    fn run(&self, id: u32) {
        self.world(|world| {
            let active = world.zones.active.get_mut(&self.zone);
            if let Some(active) = active.filter(|active| active.id == id) {
                active.status = Status::Running;
            }
        });
    }

    /// Starts bhyve, or says in the zone why it could not. Gives its disks too,
    /// open: they are busy from now on, even if QEMU takes its time.
    fn launch(&self, config: &Config, machine: &Machine) -> io::Result<(Child, Vec<File>)> {
        let mut files = Vec::new();
        for disk in &machine.disks {
            let Some(file) = brand::visible(config, &disk.path) else {
                init_log(
                    config,
                    &format!(
                        "bhyve: Could not open backing file: {}: No such file or directory\n\
                     Device emulation initialization error: No such file or directory",
                        disk.path
                    ),
                );
                return Err(io::ErrorKind::NotFound.into());
            };
            files.push(file);
        }
        let root = Utf8PathBuf::from(config.root());
        let text = format!("#\n# Generated from zone configuration\n#\nname={}\n", self.zone);
        fs::write(root.join("etc/bhyve.cfg"), text)?;
        let disks = files.iter().map(File::open).collect::<io::Result<Vec<File>>>()?;
        let taps = self.taps(&machine.links)?;
        let launch = Launch {
            zone: &self.zone,
            machine,
            files: &files,
            taps: &taps,
            console: &console::device_path(&self.store, &self.zone),
            control: &machine::control_socket(&self.store, &self.zone),
            root: &root,
        };
        Ok((launch.start()?, disks))
    }

    fn taps(&self, names: &[String]) -> io::Result<Vec<Tap>> {
        self.world(|world| names.iter().map(|name| links::tap(world, name)).collect())
    }

    /// Remembers the zone's bhyve and waits for its end.
    fn watch(self: &Arc<Self>, id: u32, mut child: Child, disks: Vec<File>) {
        let pid = i32::try_from(child.id()).expect("a process id is an i32");
        self.world(|world| {
            if let Some(active) = world.zones.active.get_mut(&self.zone) {
                active.init = Process::find(pid);
            }
        });
        let daemon = Arc::clone(self);
        thread::spawn(move || {
            let ended = child.wait().ok();
            drop(disks);
            // To bhyve a guest that turns its machine off is no success.
            let status = ended.map(|status| match (status.code(), status.signal()) {
                (Some(0), _) => exit(1),
                (Some(_), _) => exit(CANNOT_START),
                (None, signal) => signal.unwrap_or(0),
            });
            daemon.ended(id, status);
        });
    }

    fn end_later(self: &Arc<Self>, id: u32, status: i32) {
        let daemon = Arc::clone(self);
        thread::spawn(move || daemon.ended(id, Some(status)));
    }

    /// The zone's first process has ended: the kernel sends the zone down.
    fn ended(&self, id: u32, status: Option<i32>) {
        let ours = |world: &mut World| {
            let active = world.zones.active.get_mut(&self.zone);
            let active = active.filter(|active| active.id == id)?;
            active.init = None;
            if active.status == Status::Running {
                active.status = Status::ShuttingDown;
            }
            Some(world.zones.brand)
        };
        let Some(variant) = self.world(ours) else { return };
        if let (Some(status), Variant::Omnios, Ok(config)) = (status, variant, self.config()) {
            last_exited(&config, status);
        }
        let _guard = self.lock.lock().expect("no thread panics with the lock");
        // It may have been halted meanwhile, and booted again.
        let same = |world: &mut World| {
            world.zones.active.get(&self.zone).is_some_and(|active| active.id == id)
        };
        if self.world(same) {
            self.take_down();
            self.tell(Event::Halted);
        }
        self.tell(Event::Null);
    }

    /// What `zoneadm halt` does, the brand's hook first.
    pub(super) fn halt(&self) {
        let patience = self.world(|world| world.zones.halt_patience());
        if self.status() == Some(Status::Running)
            && let Some(process) = self.init()
        {
            machine::signal(&self.store, &self.zone, process, Signal::Terminate);
            let mut waited = Duration::ZERO;
            while waited < patience && process.runs() {
                thread::sleep(HOOK_GLANCE);
                waited += HOOK_GLANCE;
            }
        }
        self.take_down();
        self.tell(Event::Halted);
    }

    /// Ends what runs in the zone and takes it out of the kernel.
    pub(super) fn take_down(&self) {
        let process = self.world(|world| {
            let active = world.zones.active.get_mut(&self.zone)?;
            active.status = Status::ShuttingDown;
            active.init
        });
        if let Some(process) = process {
            machine::signal(&self.store, &self.zone, process, Signal::Kill);
            machine::wait(process);
        }
        while self.world(|world| world.zones.stuck.contains(&self.zone)) {
            thread::sleep(STUCK_GLANCE);
        }
        self.world(|world| {
            if let Some(active) = world.zones.active.get_mut(&self.zone) {
                active.status = Status::Down;
            }
        });
        let config = self.config().ok();
        self.world(|world| self.leave_kernel(world, config.as_ref()));
    }

    /// Gives the links back and takes the zone out of the kernel.
    fn leave_kernel(&self, world: &mut World, config: Option<&Config>) {
        world.zones.active.remove(&self.zone);
        let ours = |name: &String| {
            world.links.links.get(name).is_some_and(|link| link.zone.as_ref() == Some(&self.zone))
        };
        let names: Vec<String> =
            world.links.links.keys().filter(|name| ours(name)).cloned().collect();
        for name in names {
            let limited = |net: &Resource| {
                net.get("physical") == name && !net.get("allowed-address").is_empty()
            };
            if config.is_some_and(|config| config.of_kind(Kind::Net).any(limited)) {
                links::unprotect(world, &name);
            }
            links::detach(world, &name);
            // The tap of a zone that never ran was never made.
            let _absent = links::untap(&name);
        }
    }
}

/// Moves a link into the zone, limited to its address if it has one.
fn add_link(world: &mut World, zone: &str, link: &str, allowed: &str) -> Result<(), String> {
    let failed = |error: &str| format!("failed to add network device: {error}");
    match links::attach(world, link, zone) {
        Ok(()) => {}
        Err(LinkError::Busy) => return Err(failed("Device busy")),
        Err(_) => return Err(failed("No such file or directory")),
    }
    let address = allowed.split('/').next().unwrap_or_default().parse::<Ipv4Addr>();
    let Ok(address) = address else { return Ok(()) };
    let text = match links::protect(world, link, address) {
        Err(LinkError::Set("protection")) => "Protection is already set".to_owned(),
        Err(LinkError::Set(property)) => format!("{property} is already set"),
        _ => return Ok(()),
    };
    // What was set before the zone stays set.
    links::detach(world, link);
    Err(text)
}

/// The log of the brand's hooks begins anew.
fn clear_log(config: &Config) -> io::Result<()> {
    let dir = format!("{}/log", config.zonepath);
    fs::create_dir_all(&dir)?;
    let log = format!("{dir}/zone.log");
    fs::write(&log, "")?;
    fs::set_permissions(&log, fs::Permissions::from_mode(0o600))
}

fn init_log(config: &Config, text: &str) {
    let _lost = fs::write(format!("{}/tmp/init.log", config.root()), format!("{text}\n"));
}

/// When and how the zone's first process ended, as OmniOS' zoneadmd notes it.
fn last_exited(config: &Config, status: i32) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let text = format!("{}.{:06} {status}\n", now.as_secs(), now.subsec_micros());
    let _lost = fs::write(format!("{}/lastexited", config.zonepath), text);
}

fn text(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Fatal(text) => text.clone(),
        Refusal::NotSimulated(what) => format!("illumos-host: not simulated: {what}"),
    }
}

/// A status as wait(3C) gives it for a process that ended with this code.
fn exit(code: i32) -> i32 {
    code << 8
}
