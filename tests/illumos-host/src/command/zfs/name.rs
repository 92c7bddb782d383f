//! What may be the name of a dataset or snapshot.
//!
//! illumos-gate usr/src/common/zfs/zfs_namecheck.c (`entity_namecheck`,
//! `dataset_nestcheck`), usr/src/lib/libzfs/common/libzfs_dataset.c
//! (`zfs_validate_name`).

/// Bytes of a name, with the snapshot's.
const LENGTH_MAX: usize = 255;
/// Components of a name.
const DEPTH_MAX: usize = 50;

/// What is expected where a name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// A file system or a volume.
    Dataset,
    /// A snapshot.
    Snapshot,
    /// Any of them.
    Any,
}

/// Whether a name is one; else what libzfs says of it. `new` for a name that is
/// to be given.
pub(super) fn check(name: &str, expected: Expected, new: bool) -> Result<(), String> {
    spelling(name)?;
    let snapshot = name.contains('@');
    match expected {
        Expected::Dataset if snapshot => {
            return Err("snapshot delimiter '@' is not expected here".to_owned());
        }
        Expected::Snapshot if !snapshot => {
            return Err("missing '@' delimiter in snapshot name".to_owned());
        }
        _ => {}
    }
    if new && name.contains('%') {
        return Err("invalid character % in name".to_owned());
    }
    Ok(())
}

fn spelling(name: &str) -> Result<(), String> {
    let wrong = |why: &str| Err(why.to_owned());
    if name.len() > LENGTH_MAX {
        return wrong("name is too long");
    }
    if name.starts_with('/') {
        return wrong("leading slash in name");
    }
    if name.is_empty() {
        return wrong("empty component in name");
    }
    if name.ends_with('/') {
        return wrong("trailing slash in name");
    }
    let (dataset, snapshot) = match name.split_once('@') {
        Some((dataset, snapshot)) => (dataset, Some(snapshot)),
        None => (name, None),
    };
    for component in dataset.split('/').chain(snapshot) {
        if component.is_empty() {
            return wrong("empty component in name");
        }
        if component.contains('#') {
            return wrong("bookmark delimiter '#' is not expected here");
        }
        if component.contains('@') {
            return wrong("multiple '@' and/or '#' delimiters in name");
        }
        if let Some(bad) = component.chars().find(|c| !valid(*c)) {
            return Err(format!("invalid character '{bad}' in name"));
        }
    }
    Ok(())
}

fn valid(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-_.: %".contains(letter)
}

/// Whether a new dataset of this name would lie too deep.
pub(super) fn too_deep(name: &str) -> bool {
    name.split('/').count() >= DEPTH_MAX
}

/// A user property: lower case, with a colon (`zfs_prop_user`).
pub(super) fn user_property(name: &str) -> bool {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.:".contains(c);
    name.contains(':') && name.chars().all(valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_name_is_said_as_libzfs_says_it() {
        let said = |name: &str| check(name, Expected::Dataset, true).unwrap_err();
        assert_eq!(said("rpool/a*b"), "invalid character '*' in name");
        assert_eq!(said("rpool//x"), "empty component in name");
        assert_eq!(said("rpool/x/"), "trailing slash in name");
        assert_eq!(said("/rpool/x"), "leading slash in name");
        assert_eq!(said("rpool/x@y"), "snapshot delimiter '@' is not expected here");
        assert_eq!(said("rpool/%recv"), "invalid character % in name");
        assert_eq!(said(&format!("rpool/{}", "x".repeat(250))), "name is too long");
    }

    #[test]
    fn a_space_is_legal() {
        assert_eq!(check("rpool/bad name", Expected::Dataset, true), Ok(()));
        assert_eq!(check("rpool/v@s", Expected::Snapshot, true), Ok(()));
        assert!(check("rpool/v", Expected::Snapshot, false).is_err());
    }
}
