//! Which zones there are.

use camino::Utf8PathBuf;
use solstice_exec::Command;

use super::cause::ZONEADM;
use super::{State, ZoneName};
use crate::error::{Cause, IllumosError};
use crate::name::cut;
use crate::parsable;
use crate::programs::{PFEXEC, ZONEADM as ZONEADM_PATH};
use crate::run::{not_understood, run};

/// A zone as zoneadm lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    /// Its id while it is ready or running.
    pub id: Option<u32>,
    /// Its name.
    pub name: String,
    /// Its state; `None` for one that is not known here.
    pub state: Option<State>,
    /// Its path.
    pub path: Utf8PathBuf,
    /// Its brand.
    pub brand: String,
}

/// What zoneadm lists.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Zones {
    /// The zones.
    pub zones: Vec<Zone>,
    /// Lines that were not understood.
    pub odd: Vec<String>,
}

/// Every zone but the global one. A line that is not understood spoils nothing
/// but itself; it is in `odd`.
///
/// # Errors
///
/// [`IllumosError`].
pub async fn list() -> Result<Zones, IllumosError> {
    let output = run(list_command(), ZONEADM).await?;
    Ok(parse(&output.stdout_text()))
}

pub(super) fn list_command() -> Command {
    Command::from(&zone::Adm::list_command())
}

/// One zone, `None` if it does not exist.
///
/// # Errors
///
/// [`IllumosError`].
pub async fn find(name: &ZoneName) -> Result<Option<Zone>, IllumosError> {
    let output = match run(find_command(name), ZONEADM).await {
        Err(error) if error.cause() == Cause::Absent => return Ok(None),
        output => output?,
    };
    let text = output.stdout_text();
    let line = text.trim_end_matches('\n');
    let zone = parse_line(line).filter(|zone| zone.name == name.as_str());
    zone.map(Some).ok_or_else(|| not_understood("zoneadm list", line))
}

/// The crate `zone` lists all zones or none.
pub(super) fn find_command(name: &ZoneName) -> Command {
    Command::new(PFEXEC).args([ZONEADM_PATH, "-z", name.as_str(), "list", "-p"])
}

fn parse(text: &str) -> Zones {
    let mut zones = Zones::default();
    for line in text.lines() {
        match parse_line(line) {
            Some(zone) if zone.name == "global" => {}
            Some(zone) => zones.zones.push(zone),
            None => zones.odd.push(cut(line)),
        }
    }
    zones
}

/// `ID:NAME:STATE:ZONEPATH:UUID:BRAND:IPTYPE`, and on OmniOS an eighth field.
fn parse_line(line: &str) -> Option<Zone> {
    let fields = parsable::fields(line);
    let [id, name, state, path, _uuid, brand, _ip_type] = fields.get(..7)?.as_array()?;
    let id = match id.as_str() {
        "-" => None,
        id => Some(id.parse().ok()?),
    };
    (fields.len() <= 8 && !name.is_empty()).then(|| Zone {
        id,
        name: name.clone(),
        state: state.parse().ok(),
        path: path.into(),
        brand: brand.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_of_both_distributions_are_read() {
        let zones = parse(
            "0:global:running:/::ipkg:shared\n\
             7:job1:running:/zones/job1:0e3a5b7c-1111-4222-8333-444455556666:bhyve:excl:7\n\
             -:job2:configured:/zones/job2::bhyve:excl\n\
             -:odd:shutting_down:/z/a\\:b:uuid:bhyve:excl\n",
        );
        assert_eq!(zones.odd, [""; 0]);
        let [job1, job2, odd] = &zones.zones[..] else { panic!("{zones:?}") };
        assert_eq!((job1.id, job1.state), (Some(7), Some(State::Running)));
        assert_eq!((job1.path.as_str(), job1.brand.as_str()), ("/zones/job1", "bhyve"));
        assert_eq!((job2.id, job2.state), (None, Some(State::Configured)));
        assert_eq!((odd.path.as_str(), odd.state), ("/z/a:b", Some(State::ShuttingDown)));
    }

    #[test]
    fn an_odd_line_spoils_only_itself() {
        let zones = parse(
            "rubbish\n-:new:dreaming:/zones/new::bhyve:excl\n-:a:installed:/z/a:b:c:bhyve:excl:1:2\n",
        );
        assert_eq!(zones.odd.len(), 2);
        assert_eq!(zones.zones.len(), 1);
        assert_eq!((zones.zones[0].name.as_str(), zones.zones[0].state), ("new", None));
    }
}
