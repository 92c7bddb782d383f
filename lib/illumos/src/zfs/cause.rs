//! What zfs(8) says when it fails.

use crate::error::Cause::{Absent, BadName, Busy, Exists, NoRoom, NotPermitted, WrongState};
use crate::run::Rule;

/// Source: illumos-gate usr/src/lib/libzfs/common/libzfs_util.c
/// (`libzfs_error_description`), libzfs_dataset.c, and usr/src/cmd/zfs/zfs_main.c.
///
/// `Busy` comes first: after it `zfs destroy -r` goes on and says of the parent
/// "dataset already exists".
pub(super) const RULES: &[Rule] = &[
    ("dataset is busy", Busy),
    ("has dependent clones", Busy),
    ("has children", Busy),
    ("snapshot is cloned", Busy),
    ("permission denied", NotPermitted),
    ("dataset already exists", Exists),
    ("pool or dataset exists", Exists),
    ("tag already exists on this dataset", Exists),
    ("dataset does not exist", Absent),
    ("parent does not exist", Absent),
    ("no such pool", Absent),
    ("no such tag on this dataset", Absent),
    ("could not find any snapshots to destroy", Absent),
    ("out of space", NoRoom),
    ("size is greater than available space", NoRoom),
    ("not a cloned filesystem", WrongState),
    ("is not a snapshot", WrongState),
    ("parent is not a filesystem", WrongState),
    ("source and target pools differ", WrongState),
    ("operation does not apply to pools", WrongState),
    ("operation not applicable to datasets of this type", WrongState),
    ("missing '@' delimiter", BadName),
    ("delimiter '@' is not expected here", BadName),
    ("invalid character", BadName),
    ("name is too long", BadName),
    ("empty component", BadName),
    ("trailing slash in name", BadName),
    ("leading slash in name", BadName),
    ("maximum name nesting depth exceeded", BadName),
    ("invalid property", BadName),
    ("bad property list", BadName),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Cause::{self, Other};
    use crate::run::sort;

    /// Texts as OpenZFS 2.1 printed them, or as the sources of illumos have them.
    const SAID: &[(&str, Cause)] = &[
        ("cannot create 'tank/base/img': dataset already exists", Exists),
        ("cannot create 'tank/nope/img': parent does not exist", Absent),
        ("cannot create 'tank/base/img/child': parent is not a filesystem", WrongState),
        ("cannot create 'nopool/x': no such pool 'nopool'", Absent),
        ("cannot open 'nopool': no such pool", Absent),
        ("cannot create 'tank/base/toobig': out of space", NoRoom),
        ("cannot create 'tank/a*b': invalid character '*' in name", BadName),
        ("cannot create 'tank//x': empty component or misplaced '@' in name", BadName),
        ("cannot create 'tank/z': volume size cannot be zero", Other),
        ("cannot open 'rpool/golden@nope': dataset does not exist", Absent),
        ("cannot open 'rpool/golden': missing '@' delimiter in snapshot name", BadName),
        ("cannot create 'b/t': source and target pools differ", WrongState),
        ("cannot create snapshot 'X@s': dataset already exists", Exists),
        // With the usage text behind it and exit status 2.
        ("cannot open 'rpool/nope': dataset does not exist\nusage:\n\tsnapshot [-r] …", Absent),
        ("cannot destroy 'V': volume has children\nuse '-r' to destroy …\nV@v1", Busy),
        ("cannot destroy 'V': volume has dependent clones\nuse '-R' …", Busy),
        ("cannot destroy 'V@s': snapshot has dependent clones\nuse '-R' …\nrpool/j1", Busy),
        ("cannot destroy snapshot V@s: dataset is busy", Busy),
        ("cannot destroy snapshot V@s: snapshot is cloned", Busy),
        ("cannot destroy 'V': dataset is busy", Busy),
        ("could not find any snapshots to destroy; check snapshot names.", Absent),
        ("cannot destroy 'tank': operation does not apply to pools", WrongState),
        ("cannot hold snapshot 'S': tag already exists on this dataset", Exists),
        ("cannot release hold from snapshot 'S': no such tag on this dataset", Absent),
        ("'V' is not a snapshot", WrongState),
        ("cannot promote 'V': not a cloned filesystem", WrongState),
        ("cannot set property for 'V': invalid property 'Org.x:y'", BadName),
        ("cannot set property for 'V': size is greater than available space", NoRoom),
        ("property 'a:b' specified multiple times", Other),
        ("cannot create 'T': permission denied", NotPermitted),
        ("cannot create snapshots : permission denied", NotPermitted),
        ("bad property list: invalid property 'nosuch'", BadName),
        ("internal error: Not owner", Other),
        (
            "cannot destroy 'tank/jobs/j1': dataset is busy\n\
             cannot destroy 'tank/jobs': dataset already exists",
            Busy,
        ),
    ];

    #[test]
    fn what_zfs_says_is_sorted() {
        for (said, expected) in SAID {
            assert_eq!(sort(said, RULES), *expected, "{said}");
        }
    }
}
