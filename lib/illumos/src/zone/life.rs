//! What a zone goes through: zoneadm(8), zlogin(1).

use std::ffi::OsStr;
use std::time::Duration;

use solstice_exec::{Command, CommandLine, ExecError};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use zone::Adm;

use super::cause::ZONEADM;
use super::list::find;
use super::{State, ZoneName};
use crate::error::{Cause, IllumosError};
use crate::programs::{PFEXEC, PKILL, ZLOGIN};
use crate::run::{LONG, run};

/// How often bhyve is killed while halt waits for it.
const BETWEEN_KILLS: Duration = Duration::from_millis(250);
/// How often a zone is looked at that is on its way down.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Installs a configured zone.
///
/// Killed in between (by a time limit, by a crash) it leaves the zone
/// `incomplete`, for [`uninstall`].
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `WrongState`, `NotPermitted`, `NoRoom`.
pub async fn install(name: &ZoneName) -> Result<(), IllumosError> {
    run(install_command(name), ZONEADM).await.map(drop)
}

pub(super) fn install_command(name: &ZoneName) -> Command {
    let none: &[&OsStr] = &[];
    Command::from(&adm(name).install_command(none)).timeout(LONG)
}

/// Boots an installed zone; one that runs already is fine.
///
/// zoneadmd goes on with it even if this is given up, and does one thing at a
/// time: behind a halt that waits this waits as well.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `WrongState`, `NotPermitted`.
pub async fn boot(name: &ZoneName) -> Result<(), IllumosError> {
    run(boot_command(name), ZONEADM).await.map(drop)
}

pub(super) fn boot_command(name: &ZoneName) -> Command {
    Command::from(&adm(name).boot_command()).timeout(LONG)
}

/// Ends a bhyve zone without asking its guest: kills bhyve, again and again
/// while `zoneadm halt` waits for it (up to 1,800 s otherwise), until the zone
/// is down. One that is down already is fine.
///
/// When the limit is reached zoneadmd goes on halting; the same call again
/// waits for it and kills what it waits for.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `NotPermitted`, `TimedOut` after `limit`.
pub async fn halt_by_force(name: &ZoneName, limit: Duration) -> Result<(), IllumosError> {
    let deadline = Instant::now() + limit;
    let halt = run(halt_command(name).timeout(limit), ZONEADM);
    let halted = tokio::select! {
        halted = halt => halted,
        refused = kill_again_and_again(name) => return Err(refused),
    };
    // Of a zone that was never up halt says that it cannot; its state decides.
    match halted {
        Err(error) if error.cause() == Cause::TimedOut || !is_down(name).await? => Err(error),
        _ => wait_until_down(name, deadline, limit).await,
    }
}

pub(super) fn halt_command(name: &ZoneName) -> Command {
    Command::from(&adm(name).halt_command())
}

/// Ends only with an error.
async fn kill_again_and_again(name: &ZoneName) -> IllumosError {
    let mut turns = interval(BETWEEN_KILLS);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        if let Err(error) = kill(name).await {
            return error;
        }
    }
}

/// Kills bhyve once, if it is there.
async fn kill(name: &ZoneName) -> Result<(), IllumosError> {
    let command = kill_command(name);
    let line = command.line().to_string();
    match command.run().await {
        Ok(output) if refused(&output.stderr) => Err(IllumosError::Complaint {
            command: line,
            complaint: output.stderr.trim().to_owned(),
            cause: Cause::NotPermitted,
        }),
        Ok(_) => Ok(()),
        // 1: there is no such process; 2: there is no such zone, any more.
        Err(ExecError::Failed { status, .. }) if matches!(status.code(), Some(1 | 2)) => Ok(()),
        Err(source) => Err(IllumosError::Command { cause: Cause::Other, source }),
    }
}

pub(super) fn kill_command(name: &ZoneName) -> Command {
    Command::new(PFEXEC).args([PKILL, "-9", "-z", name.as_str(), "bhyve"])
}

/// pkill ends with 0 if a process fits, whether or not it could be signalled
/// (illumos-gate usr/src/cmd/pgrep/pgrep.c#kill_proc). That it has ended by
/// itself meanwhile is fine.
fn refused(stderr: &str) -> bool {
    let mut lines = stderr.lines();
    lines.any(|line| line.contains("Failed to signal") && !line.contains("No such process"))
}

/// A zone is `shutting_down` and `down` for a while after bhyve has gone.
async fn wait_until_down(
    name: &ZoneName,
    deadline: Instant,
    limit: Duration,
) -> Result<(), IllumosError> {
    while !is_down(name).await? {
        if Instant::now() >= deadline {
            let what = format!("the zone {name} is not down after {} s", limit.as_secs_f32());
            return Err(IllumosError::Found { what, cause: Cause::TimedOut });
        }
        sleep(BETWEEN_LOOKS).await;
    }
    Ok(())
}

async fn is_down(name: &ZoneName) -> Result<bool, IllumosError> {
    let zone = find(name).await?.ok_or_else(|| absent(name))?;
    Ok(matches!(zone.state, Some(State::Configured | State::Incomplete | State::Installed)))
}

fn absent(name: &ZoneName) -> IllumosError {
    let what = format!("the zone {name} does not exist");
    IllumosError::Found { what, cause: Cause::Absent }
}

/// Removes an installed or half-installed zone with everything below its path;
/// its configuration stays. A clone elsewhere of what is below its path makes
/// it fail, and leaves the zone `incomplete`.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `WrongState` (running, or only configured), `Busy`.
pub async fn uninstall(name: &ZoneName) -> Result<(), IllumosError> {
    run(uninstall_command(name), ZONEADM).await.map(drop)
}

pub(super) fn uninstall_command(name: &ZoneName) -> Command {
    Command::from(&adm(name).uninstall_command(true)).timeout(LONG)
}

/// The command that attaches to a zone's console and ends when the zone halts;
/// its standard streams must be a terminal. It starts zoneadmd, so that it can
/// be attached before the zone boots and nothing is lost.
///
/// One client at a time; zoneadmd, and with it the guest, waits for one that
/// does not read (illumos-gate usr/src/cmd/zoneadmd/zcons.c). No character ends
/// it (`-E`), so that what is sent arrives.
pub fn console_command(name: &ZoneName) -> CommandLine {
    Command::new(PFEXEC).args([ZLOGIN, "-C", "-d", "-E", name.as_str()]).line()
}

fn adm(name: &ZoneName) -> Adm {
    Adm::new(name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pkill_says_on_the_side_what_it_may_not() {
        assert!(refused("pkill: Failed to signal pid 7: Not owner\n"));
        assert!(!refused("pkill: Failed to signal pid 7: No such process\n"));
        assert!(!refused(""));
    }
}
