//! Properties that are to be set: read, checked, applied.
//!
//! illumos-gate usr/src/lib/libzfs/common/libzfs_dataset.c
//! (`zfs_valid_proplist`, `zfs_setprop_error`, `zfs_add_synthetic_resv`),
//! libzfs_util.c (`zprop_parse_value`).

use std::collections::BTreeMap;

use super::data;
use super::name::user_property;
use super::number;
use super::property::{self, Form, Property};
use super::session::{Done, Session};
use super::space;
use super::state::Kind;

/// Bytes of a user property's name (`ZAP_MAXNAMELEN`).
const NAME_MAX: usize = 256;
/// Bytes of a property's value (`ZAP_MAXVALUELEN`).
const VALUE_MAX: usize = 8192;
/// Bytes of a volume's block unless said otherwise.
pub(super) const VOLBLOCKSIZE: u64 = 8192;

/// Checked properties, native ones in their parsable form.
pub(super) type Settings = BTreeMap<String, String>;

/// What the properties are for.
#[derive(Clone, Copy)]
pub(super) struct For<'a> {
    /// `f`ile system, `v`olume or `s`napshot.
    pub(super) kind: char,
    /// The size and block size of the volume that is there already (for a
    /// clone, its origin's).
    pub(super) volume: Option<(u64, u64)>,
    /// What the complaint begins with.
    pub(super) what: &'a str,
}

impl Session<'_> {
    /// `parseprop` for each argument; `repeated` is the exit code for a property given twice.
    pub(super) fn parse_settings<'b>(
        &mut self,
        arguments: impl IntoIterator<Item = &'b str>,
        repeated: u8,
    ) -> Done<Settings> {
        let mut settings = Settings::new();
        for argument in arguments {
            let Some((name, value)) = argument.split_once('=') else {
                self.complain("missing '=' for property=value argument");
                return Err(super::session::End::Code(repeated));
            };
            if settings.insert(name.to_owned(), value.to_owned()).is_some() {
                self.complain(format!("property '{name}' specified multiple times"));
                return Err(super::session::End::Code(repeated));
            }
        }
        Ok(settings)
    }

    /// `zfs_valid_proplist`: the properties in their parsable form.
    pub(super) fn check_settings(
        &mut self,
        settings: &Settings,
        target: For<'_>,
    ) -> Done<Settings> {
        let mut checked = Settings::new();
        for (name, value) in settings {
            let value = self.check_setting(name, value, target)?;
            let name = property::find(name).map_or(name.as_str(), |property| property.name);
            checked.insert(name.to_owned(), value);
        }
        Ok(checked)
    }

    fn check_setting(&mut self, name: &str, value: &str, target: For<'_>) -> Done<String> {
        let refused = |why: String| format!("{}: {why}", target.what);
        let found = property::find(name);
        if found.is_none() && user_property(name) {
            if name.len() >= NAME_MAX {
                return self.fail(refused(format!("property name '{name}' is too long")));
            }
            return match value.len() >= VALUE_MAX {
                true => self.fail(refused("property value too long".to_owned())),
                false => Ok(value.to_owned()),
            };
        }
        if target.kind == 's' {
            return self
                .fail(refused("this property can not be modified for snapshots".to_owned()));
        }
        if name.contains('@') || property::of_encryption(name) {
            return self.not_simulated(&format!("the property {name}"));
        }
        let Some(found) = found else {
            return self.fail(refused(format!("invalid property '{name}'")));
        };
        if !found.applies_to(target.kind) {
            let why = format!("'{name}' does not apply to datasets of this type");
            return self.fail(refused(why));
        }
        if found.readonly() || found.once() && target.volume.is_some() {
            return self.fail(refused(format!("'{name}' is readonly")));
        }
        match native(found, value, target) {
            Ok(Some(value)) => Ok(value),
            Ok(None) => self.not_simulated(&format!("{name}={value}")),
            Err(why) => self.fail(refused(why)),
        }
    }

    /// Applies checked properties to a dataset as `zfs set` does, all or none;
    /// says what to complain of otherwise.
    pub(super) fn apply(&mut self, name: &str, mut settings: Settings) -> Result<(), String> {
        self.keep_reservation(name, &mut settings);
        for (property, value) in &settings {
            self.fits(name, property, value)?;
        }
        let dataset = self.state.datasets.get_mut(name).expect("the caller opened it");
        if let Some(bytes) = settings.remove("volsize").and_then(|value| value.parse().ok()) {
            dataset.volsize = bytes;
            data::resize(&data::volume(name), bytes).map_err(|error| error.to_string())?;
        }
        for (property, value) in settings {
            let none = value == "0" && property::find(&property).is_some_and(is_bytes);
            match none {
                true => dataset.properties.remove(&property),
                false => dataset.properties.insert(property, value),
            };
        }
        Ok(())
    }

    /// A volume that was reserved as a whole stays so when it grows.
    fn keep_reservation(&self, name: &str, settings: &mut Settings) {
        let dataset = &self.state.datasets[name];
        let whole = |volsize| space::reservation(volsize, dataset.volblocksize);
        let new = settings.get("volsize").and_then(|value| value.parse().ok());
        if let Some(new) = new
            && dataset.number("refreservation") == whole(dataset.volsize)
            && !settings.contains_key("refreservation")
        {
            settings.insert("refreservation".to_owned(), whole(new).to_string());
        }
    }

    /// Whether there is room for a reservation or a quota.
    fn fits(&self, name: &str, property: &str, value: &str) -> Result<(), String> {
        let new: u64 = value.parse().unwrap_or(0);
        let dataset = &self.state.datasets[name];
        let used = self.state.used(name);
        let greater = || Err("size is greater than available space".to_owned());
        let less = || Err("size is less than current used or reserved space".to_owned());
        match property {
            "refreservation" => {
                let unique = self.state.unique(name, dataset);
                let old = dataset.number("refreservation").max(unique);
                let more = new.max(unique).saturating_sub(old);
                if more > self.state.left(name) { greater() } else { Ok(()) }
            }
            "reservation" => {
                let old = dataset.number("reservation").max(used.total());
                let more = new.max(used.total()).saturating_sub(old);
                let above = name.rsplit_once('/').map_or(name, |(parent, _)| parent);
                let quota = dataset.number("quota");
                let beyond = quota != 0 && new > quota;
                if more > self.state.left(above) || beyond { greater() } else { Ok(()) }
            }
            "quota" if new != 0 => {
                let reserved = dataset.number("reservation");
                if new < used.total() || new < reserved { less() } else { Ok(()) }
            }
            "refquota" if new != 0 => {
                let reserved = dataset.number("refreservation");
                if new < used.referenced || new < reserved { less() } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }
}

fn is_bytes(property: &'static Property) -> bool {
    property.form == Form::Bytes
}

/// The parsable form of a native property's value; nothing for what is not simulated.
fn native(property: &Property, value: &str, target: For<'_>) -> Result<Option<String>, String> {
    let name = property.name;
    match property.form {
        Form::OneOf(["off"]) => Ok((value == "off").then(|| value.to_owned())),
        Form::OneOf(values) if values.contains(&value) => Ok(Some(value.to_owned())),
        Form::OneOf(_) => Err(format!("'{name}' must be one of '{}'", property.values)),
        Form::Path => match value {
            "legacy" => Ok(None),
            "none" => Ok(Some(value.to_owned())),
            path if path.starts_with('/') => Ok(Some(value.to_owned())),
            _ => Err(format!("'{name}' must be an absolute path, 'none', or 'legacy'")),
        },
        Form::Bytes => bytes(name, value, target).map(|bytes| Some(bytes.to_string())),
        Form::Volsize => volsize(value, target),
        Form::Volblocksize => {
            let bytes = number::parse(value)?;
            match (512..=128 << 10).contains(&bytes) && bytes.is_power_of_two() {
                true => Ok(Some(bytes.to_string())),
                false => Err(format!("'{name}' must be power of 2 from 512B to 128KB")),
            }
        }
        Form::Fact | Form::Count | Form::Unknown => Ok(None),
    }
}

fn bytes(name: &str, value: &str, target: For<'_>) -> Result<u64, String> {
    if value == "none" {
        return Ok(0);
    }
    if value == "auto" && name == "refreservation" {
        return match target.volume {
            Some((volsize, volblocksize)) => Ok(space::reservation(volsize, volblocksize)),
            None => Err(format!("'{name}=auto' only allowed on volumes")),
        };
    }
    let bytes = number::parse(value)?;
    if bytes == 0 && matches!(name, "quota" | "refquota") {
        return Err("use 'none' to disable quota/refquota".to_owned());
    }
    match target.volume {
        Some((volsize, _)) if bytes > volsize => {
            Err(format!("'{name}' is greater than current volume size"))
        }
        _ => Ok(bytes),
    }
}

fn volsize(value: &str, target: For<'_>) -> Result<Option<String>, String> {
    let bytes = number::parse(value)?;
    let Some((current, block)) = target.volume else { return Ok(Some(bytes.to_string())) };
    if !bytes.is_multiple_of(block) {
        let block = number::nice(block);
        return Err(format!("'volsize' must be a multiple of volume block size ({block})"));
    }
    if bytes == 0 {
        return Err("'volsize' cannot be zero".to_owned());
    }
    Ok((bytes >= current).then(|| bytes.to_string()))
}

/// The letter for a kind of dataset.
pub(super) fn letter(kind: Kind) -> char {
    match kind {
        Kind::Filesystem => 'f',
        Kind::Volume => 'v',
    }
}
