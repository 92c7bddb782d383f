//! ZFS: datasets, volumes, snapshots, clones, holds and user properties.
//!
//! Called without pfexec: the caller is root, or `zfs allow` delegates to it.
//!
//! Source: zfs(8), illumos-gate usr/src/cmd/zfs and usr/src/lib/libzfs.

mod cause;
mod name;
mod query;
mod verb;

pub use name::{Dataset, Property, Setting, Snapshot, VolumeSize};
pub use query::{Kind, List, Row, Source, Value, get, holds, list};
pub use verb::{
    clone, create_filesystem, create_volume, destroy, destroy_recursively, destroy_snapshot, hold,
    promote, release, rename, set, snapshot,
};

use crate::name::NameError;

/// Checks the name of a dataset or of a snapshot.
fn any_name(name: &str) -> Result<(), NameError> {
    if name.contains('@') {
        return name.parse::<Snapshot>().map(drop);
    }
    name.parse::<Dataset>().map(drop)
}

/// Checks the tag of a hold; `.` at its beginning is for ZFS itself.
fn hold_tag(tag: &str) -> Result<(), NameError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if tag.is_empty() || tag.len() > 200 || tag.starts_with(['.', '-']) || !tag.chars().all(legal) {
        let why = "it must have 1 to 200 letters, digits and - _ . : and not begin with . or -";
        return Err(NameError::new("hold tag", tag, why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use solstice_exec::Command;

    use super::*;
    use crate::Cause;

    #[test]
    fn every_argument_vector_is_the_recorded_one() {
        let job: Dataset = "rpool/solstice/jobs/j1".parse().unwrap();
        let golden: Snapshot = "rpool/solstice/golden@v1".parse().unwrap();
        let size = VolumeSize::at_least(1_000_000).unwrap();
        let settings = [
            Setting::new("org.solstice:job", "17").unwrap(),
            Setting::new("org.solstice:note", "two words; $x").unwrap(),
        ];
        let properties: Vec<Property> =
            ["org.solstice:job", "used"].map(|name| name.parse().unwrap()).to_vec();
        let list = List { root: job.as_str(), kinds: &[], depth: None, properties: &[] };
        let commands: Vec<Command> = vec![
            verb::create_volume_command(&job, size, true, &settings),
            verb::create_volume_command(&job, size, false, &[]),
            verb::create_filesystem_command(&job, &settings[..1]),
            verb::snapshot_command(&golden, &settings[..1]),
            verb::clone_command(&golden, &job, &settings),
            verb::destroy_command(&job),
            verb::destroy_recursively_command(&job),
            verb::destroy_snapshot_command(&golden, false),
            verb::destroy_snapshot_command(&golden, true),
            verb::promote_command(&job),
            verb::rename_command(&job, &job.child("x").unwrap()),
            verb::hold_command(&golden, "solstice"),
            verb::release_command(&golden, "solstice"),
            verb::set_command(job.as_str(), &settings),
            query::get_command(job.as_str(), &properties),
            query::holds_command(&golden),
            query::list_command(&list),
            query::list_command(&List {
                kinds: &[Kind::Volume, Kind::Snapshot],
                depth: Some(1),
                properties: &properties,
                ..list
            }),
        ];
        crate::golden::check("zfs", &commands);
    }

    #[tokio::test]
    async fn what_would_be_misread_never_reaches_the_command() {
        let snapshot: Snapshot = "rpool/golden@v1".parse().unwrap();
        for tag in ["", ".x", "-r", "a b", "a\n"] {
            assert_eq!(hold(&snapshot, tag).await.unwrap_err().cause(), Cause::BadName);
        }
        assert_eq!(set("-a", &[]).await.unwrap_err().cause(), Cause::BadName);
        assert_eq!(get("rpool@", &[]).await.unwrap_err().cause(), Cause::BadName);
    }

    #[tokio::test]
    async fn a_whole_pool_is_not_destroyed() {
        let pool: Dataset = "rpool".parse().unwrap();
        assert_eq!(destroy_recursively(&pool).await.unwrap_err().cause(), Cause::WrongState);
    }
}
