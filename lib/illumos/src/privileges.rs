//! Privileges of this process; see privileges(7).
//!
//! What is given up, and from which of the four sets:
//!
//! - From *Permitted* and *Effective*: this process loses it for good.
//! - Not from *Inheritable*: at exec(2) the sets of the new program begin with
//!   it (`P' = E' = I'`). pkill looks at processes of others and needs
//!   `proc_info`; what zoneadm, dladm and ipadm need of the basic ones is their
//!   business.
//! - Never from *Limit*: what a profile grants through pfexec is cut to it, and
//!   zoneadm refuses whoever has less than all privileges
//!   (illumos-gate usr/src/cmd/zoneadm/zoneadm.c#sanity_check).
//!
//! A process that changes its own sets becomes privilege-aware, and as such its
//! children would not get all privileges with the user 0. For a process of an
//! ordinary user exec(2) takes that back (illumos-gate
//! usr/src/uts/common/os/exec.c#gexec, priv.c#priv_adjust_PA).

/// What was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// These, by their names in privileges(7), from the permitted set.
    These(Vec<&'static str>),
    /// Nothing: this system has no privileges to drop.
    NotHere,
}

/// Drops for good what the orchestrator never needs itself, but for what the
/// programs that it executes get back from their profiles:
/// `file_link_any` (hard links to the files of others), `proc_info` (looking at
/// the processes of others), `proc_secflags` (security flags of processes).
///
/// Of the basic privileges it keeps reading, writing, the network, fork and
/// exec, and `proc_session`: it ends processes that it started before it was
/// restarted, which belong to another session.
///
/// # Errors
///
/// If the system refuses.
pub fn drop_unneeded() -> std::io::Result<Dropped> {
    here::drop_unneeded()
}

#[cfg(target_os = "illumos")]
mod here {
    use illumos_priv::{PrivOp, PrivPtype, PrivSet, Privilege, getppriv, setppriv};

    use super::Dropped;

    /// By functions: a `Privilege` is used up by each question and cannot be copied.
    const UNNEEDED: [(&str, fn() -> Privilege); 3] = [
        ("file_link_any", || Privilege::FileLinkAny),
        ("proc_info", || Privilege::ProcInfo),
        ("proc_secflags", || Privilege::ProcSecflags),
    ];

    pub(super) fn drop_unneeded() -> std::io::Result<Dropped> {
        let permitted = getppriv(PrivPtype::Permitted)?;
        let mut unneeded = PrivSet::new_empty()?;
        let mut names = Vec::new();
        for (name, privilege) in UNNEEDED {
            // A privilege that this system does not know is no member either.
            if permitted.is_member(privilege()) {
                unneeded.addset(privilege())?;
                names.push(name);
            }
        }
        // In this order: the effective set may never exceed the permitted one.
        setppriv(PrivOp::Off, PrivPtype::Effective, &unneeded)?;
        setppriv(PrivOp::Off, PrivPtype::Permitted, &unneeded)?;
        Ok(Dropped::These(names))
    }
}

#[cfg(not(target_os = "illumos"))]
mod here {
    use super::Dropped;

    pub(super) fn drop_unneeded() -> std::io::Result<Dropped> {
        Ok(Dropped::NotHere)
    }
}

#[cfg(test)]
mod tests {
    #[cfg(not(target_os = "illumos"))]
    #[test]
    fn other_systems_have_none_to_drop() {
        assert_eq!(super::drop_unneeded().unwrap(), super::Dropped::NotHere);
    }
}
