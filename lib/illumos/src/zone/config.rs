//! Configurations: zonecfg(8).
//!
//! zonecfg joins its arguments with one blank each and reads the result as a
//! script, so the words into which the crate `zone` cuts its commands arrive as
//! they were. Two things it must not be left alone with: zonecfg has no escape
//! in values, and the crate does not quote them (`quoted`); and zonecfg goes on
//! after an error, may keep what it had until then, and ends with 0 after some
//! (`configure`). See docs/adr/0008-zones-over-the-zone-crate.md.

use std::collections::BTreeSet;
use std::path::PathBuf;

use camino::{Utf8Path, Utf8PathBuf};
use solstice_exec::{Command, Output};
use zone::{Attr, AttributeValue, Config, CreationOptions, Device, Fs, IpType, Net};

use super::cause::ZONECFG;
use super::list::{Zone, find};
use super::{State, ZoneName};
use crate::dladm::LinkName;
use crate::error::{Cause, IllumosError};
use crate::name::{NameError, no_controls};
use crate::programs::{PFEXEC, ZONECFG as ZONECFG_PATH};
use crate::run::{not_understood, run, sort};

/// What an attribute's value may have; zonecfg.c#validate_attr_type_val.
const LONGEST_ATTRIBUTE: usize = 255;

/// The configuration of a zone with an IP stack of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneConfig {
    /// Its name.
    pub name: ZoneName,
    /// Its path; the parent is a mounted ZFS file system.
    pub path: Utf8PathBuf,
    /// Its brand, such as `bhyve`.
    pub brand: String,
    /// Its network links.
    pub nets: Vec<LinkName>,
    /// Devices that appear in it, such as `/dev/zvol/rdsk/rpool/x`.
    pub devices: Vec<String>,
    /// Files and directories of the global zone that appear in it, read-only, by lofs.
    pub mounts: Vec<Mount>,
    /// Attributes, in this order; names without `_`, values of at most 255 bytes.
    pub attributes: Vec<(String, String)>,
}

/// A file or directory of the global zone that appears in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where it is in the global zone.
    pub special: Utf8PathBuf,
    /// Where it appears in the zone.
    pub directory: Utf8PathBuf,
}

/// Configures a zone that does not exist. What a failure half made is removed
/// again; after a crash in between the zone is there, in the state `configured`.
///
/// Whether it exists is looked up first: of an installed zone zonecfg says so
/// and edits it all the same.
///
/// # Errors
///
/// [`IllumosError`]: `Exists`, `BadName`, `NotPermitted`.
pub async fn configure(config: &ZoneConfig) -> Result<(), IllumosError> {
    let command = configure_command(config)?;
    if let Some(zone) = find(&config.name).await? {
        return Err(found(&zone, "exists already", Cause::Exists));
    }
    let Err(error) = zonecfg(command).await else { return Ok(()) };
    if error.cause() != Cause::Exists {
        // It was not there before, so whatever is there now is of this call.
        match delete(&config.name).await {
            Err(left) if left.cause() != Cause::Absent => return Err(left),
            _ => {}
        }
    }
    Err(error)
}

pub(super) fn configure_command(config: &ZoneConfig) -> Result<Command, NameError> {
    no_duplicates(config)?;
    let mut script = Config::create(config.name.as_str(), false, CreationOptions::Blank);
    script
        .get_global()
        .set_path(PathBuf::from(path("zone path", &config.path)?))
        .set_brand(brand(&config.brand)?)
        .set_autoboot(false)
        .set_ip_type(IpType::Exclusive);
    for net in &config.nets {
        let physical = quoted("link name", net.as_str())?;
        script.add_net(&Net { physical, ..Net::default() });
    }
    for device in &config.devices {
        script.add_device(&Device { name: device_path(device)? });
    }
    for mount in &config.mounts {
        script.add_fs(&Fs {
            ty: "lofs".to_owned(),
            dir: path("mount point", &mount.directory)?,
            special: path("path to mount", &mount.special)?,
            raw: None,
            options: vec!["ro".to_owned()],
        });
    }
    for (name, value) in &config.attributes {
        script.add_attr(&attribute(name, value)?);
    }
    Ok(Command::from(&script.as_command()))
}

/// Removes a zone's configuration; the zone must be configured only.
///
/// The state is looked up first: the configuration of an installed zone would
/// be removed as well, and leave its file system behind.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `WrongState` (installed or more), `NotPermitted`.
pub async fn delete(name: &ZoneName) -> Result<(), IllumosError> {
    match find(name).await? {
        None => {
            let what = format!("the zone {name} does not exist");
            Err(IllumosError::Found { what, cause: Cause::Absent })
        }
        Some(Zone { state: Some(State::Configured), .. }) => {
            zonecfg(delete_command(name)).await.map(drop)
        }
        Some(zone) => Err(found(&zone, "must be uninstalled first", Cause::WrongState)),
    }
}

pub(super) fn delete_command(name: &ZoneName) -> Command {
    let mut script = Config::new(name.as_str());
    Command::from(&script.delete(true).as_command())
}

/// The attributes of a zone's configuration.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`.
pub async fn attributes(name: &ZoneName) -> Result<Vec<(String, String)>, IllumosError> {
    let output = zonecfg(export_command(name)).await?;
    parse_attributes(&output.stdout_text()).map_err(|line| not_understood("zonecfg export", &line))
}

/// The crate `zone` exports into files only.
pub(super) fn export_command(name: &ZoneName) -> Command {
    Command::new(PFEXEC).args([ZONECFG_PATH, "-z", name.as_str(), "export"])
}

/// Runs zonecfg. Whoever got 0 and a complaint got something else than asked for.
async fn zonecfg(command: Command) -> Result<Output, IllumosError> {
    let line = command.line().to_string();
    let output = run(command, ZONECFG).await?;
    match output.stderr.trim() {
        "" => Ok(output),
        complaint => Err(IllumosError::Complaint {
            command: line,
            complaint: complaint.to_owned(),
            cause: sort(complaint, ZONECFG),
        }),
    }
}

fn found(zone: &Zone, what: &str, cause: Cause) -> IllumosError {
    let state = zone.state.map_or("of an unknown state".to_owned(), |state| format!("{state:?}"));
    let what = format!("the zone {} {what}; it is {}", zone.name, state.to_lowercase());
    IllumosError::Found { what, cause }
}

/// A value as zonecfg takes it whatever is in it. There is no way to write a
/// quotation mark or a newline (illumos-gate usr/src/cmd/zonecfg/zonecfg_lex.l).
fn quoted(what: &'static str, value: &str) -> Result<String, NameError> {
    no_controls(what, value)?;
    if value.is_empty() || value.contains('"') {
        let why = "it must not be empty and must not have a quotation mark";
        return Err(NameError::new(what, value, why));
    }
    Ok(format!("\"{value}\""))
}

fn path(what: &'static str, path: &Utf8Path) -> Result<String, NameError> {
    if !path.is_absolute() || path == "/" {
        let why = "it must be an absolute path and not the root";
        return Err(NameError::new(what, path.as_str(), why));
    }
    quoted(what, path.as_str())
}

/// A device is matched as a pattern; one that has pattern characters would
/// bring others with it.
fn device_path(device: &str) -> Result<String, NameError> {
    if !device.starts_with("/dev/") || device.contains(['*', '?', '[', '\\']) {
        let why = "it must be a path in /dev without pattern characters";
        return Err(NameError::new("device", device, why));
    }
    quoted("device", device)
}

fn brand(name: &str) -> Result<String, NameError> {
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(NameError::new("brand", name, "only letters, digits and - may occur"));
    }
    Ok(name.to_owned())
}

/// zonecfg.c#validate_attr_name: letters, digits, `.` and `-`, no `_`.
fn attribute(name: &str, value: &str) -> Result<Attr, NameError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(legal) {
        let why = "it must begin with a letter or digit and have only letters, digits, . and -";
        return Err(NameError::new("attribute name", name, why));
    }
    if value.len() > LONGEST_ATTRIBUTE {
        return Err(NameError::new("attribute value", value, "it is longer than 255 bytes"));
    }
    let value = AttributeValue::String(quoted("attribute value", value)?);
    Ok(Attr { name: name.to_owned(), value })
}

/// A second one of a name would be refused in the middle of the script.
fn no_duplicates(config: &ZoneConfig) -> Result<(), NameError> {
    let named = [
        ("list of nets", config.nets.iter().map(LinkName::as_str).collect::<Vec<_>>()),
        ("list of devices", config.devices.iter().map(String::as_str).collect()),
        ("list of mounts", config.mounts.iter().map(|mount| mount.directory.as_str()).collect()),
        ("list of attributes", config.attributes.iter().map(|(name, _)| name.as_str()).collect()),
    ];
    for (what, names) in named {
        let mut seen = BTreeSet::new();
        if let Some(twice) = names.into_iter().find(|name| !seen.insert(*name)) {
            return Err(NameError::new(what, twice, "it occurs twice"));
        }
    }
    Ok(())
}

/// Reads what `zonecfg export` prints; the error is the line.
fn parse_attributes(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut attributes = Vec::new();
    let mut lines = text.lines();
    while lines.by_ref().any(|line| line == "add attr") {
        let (mut name, mut value) = (None, None);
        for line in lines.by_ref().take_while(|line| *line != "end") {
            match line.split_once('=') {
                Some(("set name", text)) => name = unquoted(text),
                Some(("set value", text)) => value = unquoted(text),
                Some(("set type", _)) => {}
                _ => return Err(line.to_owned()),
            }
        }
        let complete = name.zip(value).ok_or_else(|| "add attr".to_owned())?;
        attributes.push(complete);
    }
    Ok(attributes)
}

fn unquoted(text: &str) -> Option<String> {
    Some(text.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of everything, with everything that zonecfg could stumble over.
    pub(crate) fn full() -> ZoneConfig {
        let attribute = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        ZoneConfig {
            name: "solstice-j1".parse().unwrap(),
            path: "/zones/solstice-j1".into(),
            brand: "bhyve".to_owned(),
            nets: vec!["solj1".parse().unwrap(), "solj2".parse().unwrap()],
            devices: vec!["/dev/zvol/rdsk/rpool/solstice/j1".to_owned()],
            mounts: vec![Mount {
                special: "/var/solstice/seeds/j 1.iso".into(),
                directory: "/seed.iso".into(),
            }],
            attributes: vec![
                attribute("bootdisk", "rpool/solstice/j1,serial=J1"),
                attribute("vcpus", "cpus=2,cores=2"),
                attribute("extra", "-o a  b; delete -F [x](y) 'z' #"),
            ],
        }
    }

    fn fault(change: impl FnOnce(&mut ZoneConfig)) -> NameError {
        let mut config = full();
        change(&mut config);
        configure_command(&config).expect_err("it is refused")
    }

    /// What zonecfg makes of the words behind `-z ZONE`: one blank between them.
    fn script(config: &ZoneConfig) -> String {
        let line = configure_command(config).unwrap().line();
        let words: Vec<_> = line.0.iter().map(|word| word.to_string_lossy()).collect();
        assert_eq!(words[..4], [PFEXEC, ZONECFG_PATH, "-z", config.name.as_str()]);
        words[4..].join(" ").replace(" ; ", "\n") + "\n"
    }

    #[test]
    fn the_script_of_a_full_configuration_is_the_recorded_one() {
        expectorate::assert_contents("tests/golden/zonecfg.txt", &script(&full()));
    }

    #[test]
    fn no_value_can_end_its_quotes() {
        let attribute = |value: &str| {
            let value = value.to_owned();
            move |config: &mut ZoneConfig| config.attributes[0].1 = value
        };
        for bad in ["", "a\"b", "a\nb", "a\rb", "a\0b", "a\tb", &"x".repeat(256)] {
            assert_eq!(fault(attribute(bad)).what, "attribute value", "{bad:?}");
        }
        assert_eq!(fault(|c| c.path = "/zones/\"".into()).what, "zone path");
        assert_eq!(fault(|c| c.mounts[0].special = "/a\nb".into()).what, "path to mount");
        assert_eq!(fault(|c| c.brand = "bhyve; delete -F".to_owned()).what, "brand");
    }

    #[test]
    fn names_that_zonecfg_refuses_are_refused_before_it() {
        for bad in ["", "job_id", "-a", "a b", "a=b", "é"] {
            let what = fault(|c| c.attributes[0].0 = bad.to_owned()).what;
            assert_eq!(what, "attribute name", "{bad:?}");
        }
        for bad in ["", "rpool/x", "/dev/zvol/rdsk/*", "/dev/[ab]"] {
            assert_eq!(fault(|c| c.devices[0] = bad.to_owned()).what, "device", "{bad:?}");
        }
        for bad in ["", "zones/j1", "/"] {
            assert_eq!(fault(|c| c.path = bad.into()).what, "zone path", "{bad:?}");
        }
    }

    #[test]
    fn nothing_occurs_twice() {
        fault(|c| c.attributes.push(("bootdisk".to_owned(), "x".to_owned())));
        fault(|c| c.devices.push(c.devices[0].clone()));
        fault(|c| c.nets.push(c.nets[0].clone()));
        fault(|c| c.mounts.push(c.mounts[0].clone()));
    }

    #[test]
    fn attributes_are_read_from_an_export() {
        let text = "create -b\nset zonepath=/zones/job1\nset brand=bhyve\nadd net\n\
            set physical=\"job0\"\nend\nadd attr\nset name=\"bootdisk\"\nset type=\"string\"\n\
            set value=\"rpool/jobs/job1,serial=J1\"\nend\nadd attr\nset name=\"ram\"\n\
            set type=\"string\"\nset value=\"2G\"\nend\n";
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = [pair("bootdisk", "rpool/jobs/job1,serial=J1"), pair("ram", "2G")];
        assert_eq!(parse_attributes(text).unwrap(), expected);
        assert_eq!(parse_attributes("create -b\n").unwrap(), []);
        parse_attributes("add attr\nset name=\"a\"\nend\n").unwrap_err();
        parse_attributes("add attr\nset colour=\"a\"\nend\n").unwrap_err();
    }
}
