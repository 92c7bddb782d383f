//! What zonecfg(8) and zoneadm(8) say when they fail.

use crate::error::Cause::{Absent, BadName, Busy, Exists, NoRoom, NotPermitted, WrongState};
use crate::run::Rule;

/// Source: illumos-gate usr/src/cmd/zonecfg/zonecfg.c, and
/// usr/src/lib/libzonecfg/common/libzonecfg.c#zonecfg_strerror.
pub(super) const ZONECFG: &[Rule] = &[
    ("Zone exists, input not from terminal", Exists),
    ("already installed; create not allowed", Exists),
    ("in read-only mode", NotPermitted),
    ("Permission denied", NotPermitted),
    ("No such zone configured", Absent),
    ("Zone state is invalid for the requested operation", WrongState),
    ("Bogus zone name", BadName),
    ("zones beginning with SUNW are read-only", BadName),
    ("Invalid attr name", BadName),
    ("invalid attr value", BadName),
    ("invalid physical interface name", BadName),
    ("is not an absolute path", BadName),
];

/// Source: illumos-gate usr/src/cmd/zoneadm/zoneadm.c#sanity_check, zoneadmd/
/// zoneadmd.c; what the brand's hooks get from zfs is passed on.
///
/// A link that is missing at boot is not among them ("object not found"): it
/// must not look as if the zone were.
pub(super) const ZONEADM: &[Rule] = &[
    ("No such zone configured", Absent),
    ("only a privileged user may", NotPermitted),
    ("is not authorized to", NotPermitted),
    ("is already installed.", WrongState),
    ("zone is incomplete; uninstall required.", WrongState),
    ("must be installed before", WrongState),
    ("is already in state 'configured'.", WrongState),
    ("uninstall operation is invalid for running zones.", WrongState),
    ("cannot manage a zone which is in state", WrongState),
    ("These file systems are mounted on subdirectories of", Busy),
    ("dataset is busy", Busy),
    ("has dependent clones", Busy),
    ("out of space", NoRoom),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Cause::{self, Other};
    use crate::run::sort;

    const ZONECFG_SAID: &[(&str, Cause)] = &[
        ("job9: No such zone configured\n", Absent),
        ("_bad: Bogus zone name\n\n<zone> := …", BadName),
        (
            "Invalid attr name job_id: can only contain alpha-numeric characters, plus '-' and \
             '.'.\nResource incomplete.\n",
            BadName,
        ),
        ("invalid attr value for type=string\nResource incomplete.\n", BadName),
        ("syntax error at '='\nvalue not specified\nResource incomplete.\n", Other),
        ("Zone exists, input not from terminal and -F not specified:\ncreate command …", Exists),
        ("Zone job1 already installed; create not allowed.\n", Exists),
        ("job1: unknown brand.\n\njob1: Invalid document\nConfiguration not saved.\n", Other),
        ("job1: Zone state is invalid for the requested operation\n", WrongState),
        ("job1: cannot create in read-only mode.\n", NotPermitted),
        ("zonecfg: Could not access zone configuration store: Permission denied\n", NotPermitted),
    ];

    const ZONEADM_SAID: &[(&str, Cause)] = &[
        ("zoneadm: job9: No such zone configured", Absent),
        ("zoneadm: zone 'job1': is already installed.", WrongState),
        ("zoneadm: zone 'job1': zone is incomplete; uninstall required.", WrongState),
        ("zoneadm: zone 'job1': must be installed before boot.", WrongState),
        ("zoneadm: zone 'job1': is already in state 'configured'.", WrongState),
        ("zoneadm: zone 'job1': uninstall operation is invalid for running zones.", WrongState),
        (
            "cannot manage a zone which is in state 'configured'\n\
             zone 'job1': could not start zoneadmd",
            WrongState,
        ),
        (
            "WARNING: skipping network interface 'job0': object not found\n\
             zone 'job1': failed to add network device: No such device or address\n\
             zoneadm: zone 'job1': call to zoneadmd failed",
            Other,
        ),
        ("zoneadm: zone 'job1': only a privileged user may boot a zone.", NotPermitted),
        ("zoneadm: zone 'job1': User x is not authorized to boot this zone.", NotPermitted),
        ("cannot destroy 'rpool/zones/job1': dataset is busy", Busy),
    ];

    #[test]
    fn what_the_zone_commands_say_is_sorted() {
        for (said, expected) in ZONECFG_SAID {
            assert_eq!(sort(said, ZONECFG), *expected, "{said}");
        }
        for (said, expected) in ZONEADM_SAID {
            assert_eq!(sort(said, ZONEADM), *expected, "{said}");
        }
    }
}
