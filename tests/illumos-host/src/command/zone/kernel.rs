//! What the kernel knows of zones: those that are ready, running or on their
//! way down.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde::{Deserialize, Serialize};

/// Whose distribution the host runs. It decides how the bhyve brand behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// OmniOS (omniosorg/pkg5 src/brand/bhyve).
    #[default]
    Omnios,
    /// OpenIndiana (OpenIndiana/pkg5 src/brand/bhyve).
    Openindiana,
}

/// What the host remembers of zones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// Whose bhyve brand is installed.
    pub brand: Variant,
    /// The brands that are installed.
    pub brands: BTreeSet<String>,
    /// The last zone id that was given out.
    pub last_id: u32,
    /// Zones that the kernel has, by name.
    pub active: BTreeMap<String, Active>,
    /// Zones that do not get beyond `shutting_down`, until they are taken out of here.
    pub stuck: BTreeSet<String>,
    /// For how many seconds the brand's halt hook waits for the guest;
    /// what the brand has if absent.
    pub halt_patience_s: Option<u64>,
    /// The same for `zoneadm shutdown` altogether.
    pub shutdown_patience_s: Option<u64>,
}

/// A zone that the kernel has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Active {
    /// Its id, never given out twice.
    pub id: u32,
    /// How far it is.
    pub status: Status,
    /// Its bhyve.
    pub init: Option<Process>,
}

/// How far an active zone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its file systems and devices are there.
    Ready,
    /// Its first process was started.
    Running,
    /// Its processes are being ended.
    ShuttingDown,
    /// It has none, and is being taken apart.
    Down,
}

/// A process, for as long as there is one of this number that started then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// When it started, in the system's ticks since its own start.
    pub started: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            brand: Variant::Omnios,
            brands: ["bhyve", "ipkg", "lipkg", "lx", "sparse"].map(str::to_owned).into(),
            last_id: 0,
            active: BTreeMap::new(),
            stuck: BTreeSet::new(),
            halt_patience_s: None,
            shutdown_patience_s: None,
        }
    }
}

impl State {
    /// Notices whose bhyve has ended: the kernel has such a zone on its way
    /// down at once.
    pub fn settle(&mut self) {
        for active in self.active.values_mut() {
            let ended = active.init.is_some_and(|process| !process.runs());
            if ended && active.status == Status::Running {
                active.status = Status::ShuttingDown;
            }
        }
    }

    /// Sets up what a test wants: `stuck` or `unstuck` a zone, `brand`,
    /// `halt-patience` or `shutdown-patience` in seconds.
    ///
    /// # Errors
    ///
    /// If that cannot be set, or not to this.
    pub fn set(&mut self, what: &str, value: &str) -> Result<(), String> {
        let wrong = || format!("{what} cannot be {value}");
        match what {
            "stuck" => {
                self.stuck.insert(value.to_owned());
            }
            "unstuck" => {
                self.stuck.remove(value);
            }
            "brand" if value == "omnios" => self.brand = Variant::Omnios,
            "brand" if value == "openindiana" => self.brand = Variant::Openindiana,
            "halt-patience" => self.halt_patience_s = Some(value.parse().map_err(|_| wrong())?),
            "shutdown-patience" => {
                self.shutdown_patience_s = Some(value.parse().map_err(|_| wrong())?);
            }
            _ => return Err(wrong()),
        }
        Ok(())
    }

    /// Makes a zone.
    pub(super) fn create(&mut self, zone: &str) {
        self.last_id += 1;
        let active = Active { id: self.last_id, status: Status::Ready, init: None };
        self.active.insert(zone.to_owned(), active);
    }
}

impl Status {
    /// As zoneadm(8) prints it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Status::Ready => "ready",
            Status::Running => "running",
            Status::ShuttingDown => "shutting_down",
            Status::Down => "down",
        }
    }
}

impl Process {
    /// The process of this number; `None` if it has ended.
    pub(super) fn find(pid: i32) -> Option<Self> {
        let (state, started) = look(pid)?;
        (state != 'Z').then_some(Self { pid, started })
    }

    /// Whether it has not ended.
    pub fn runs(self) -> bool {
        Self::find(self.pid) == Some(self)
    }
}

/// A process's state and start (proc(5), `/proc/PID/stat`).
fn look(pid: i32) -> Option<(char, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may contain anything.
    let mut fields = text.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_itself_only() {
        let own = Process::find(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(own.runs());
        assert!(!Process { started: own.started + 1, ..own }.runs());
    }

    #[test]
    fn a_zone_whose_bhyve_has_ended_is_on_its_way_down() {
        let mut state = State::default();
        state.create("job1");
        state.settle();
        assert_eq!(state.active["job1"].status, Status::Ready);
        let active = state.active.get_mut("job1").unwrap();
        active.status = Status::Running;
        active.init = Some(Process { pid: 1, started: u64::MAX });
        state.settle();
        assert_eq!(state.active["job1"].status, Status::ShuttingDown);
    }
}
