//! The privileges by name.

use std::collections::BTreeSet;

/// Every privilege (illumos-gate usr/src/uts/common/os/priv_defs).
const ALL: &[&str] = &[
    "contract_event",
    "contract_identity",
    "contract_observer",
    "cpc_cpu",
    "dtrace_kernel",
    "dtrace_proc",
    "dtrace_user",
    "file_chown",
    "file_chown_self",
    "file_dac_execute",
    "file_dac_read",
    "file_dac_search",
    "file_dac_write",
    "file_downgrade_sl",
    "file_flag_set",
    "file_link_any",
    "file_owner",
    "file_read",
    "file_setid",
    "file_upgrade_sl",
    "file_write",
    "graphics_access",
    "graphics_map",
    "ipc_dac_read",
    "ipc_dac_write",
    "ipc_owner",
    "net_access",
    "net_bindmlp",
    "net_icmpaccess",
    "net_mac_aware",
    "net_mac_implicit",
    "net_observability",
    "net_privaddr",
    "net_rawaccess",
    "proc_audit",
    "proc_chroot",
    "proc_clock_highres",
    "proc_exec",
    "proc_fork",
    "proc_info",
    "proc_lock_memory",
    "proc_meminfo",
    "proc_owner",
    "proc_priocntl",
    "proc_prioup",
    "proc_secflags",
    "proc_session",
    "proc_setid",
    "proc_taskid",
    "proc_zone",
    "sys_acct",
    "sys_admin",
    "sys_audit",
    "sys_config",
    "sys_devices",
    "sys_dl_config",
    "sys_ip_config",
    "sys_ipc_config",
    "sys_iptun_config",
    "sys_linkdir",
    "sys_mount",
    "sys_net_config",
    "sys_nfs",
    "sys_ppp_config",
    "sys_res_bind",
    "sys_res_config",
    "sys_resource",
    "sys_smb",
    "sys_suser_compat",
    "sys_time",
    "sys_trans_label",
    "virt_manage",
    "win_colormap",
    "win_config",
    "win_dac_read",
    "win_dac_write",
    "win_devices",
    "win_dga",
    "win_downgrade_sl",
    "win_fontpath",
    "win_mac_read",
    "win_mac_write",
    "win_selection",
    "win_upgrade_sl",
    "xvm_control",
];

/// What every process has unless it was taken away.
const BASIC: &[&str] = &[
    "file_link_any",
    "file_read",
    "file_write",
    "net_access",
    "proc_exec",
    "proc_fork",
    "proc_info",
    "proc_secflags",
    "proc_session",
];

/// What a privilege allows besides itself ("Allows all that … allow").
const IMPLIED: &[(&str, &[&str])] = &[
    ("proc_priocntl", &["proc_prioup"]),
    ("sys_dl_config", &["sys_iptun_config"]),
    ("sys_net_config", &["sys_dl_config", "sys_ip_config", "sys_iptun_config", "sys_ppp_config"]),
    ("sys_res_config", &["sys_res_bind"]),
];

/// The basic set.
pub(super) fn basic() -> BTreeSet<String> {
    owned(BASIC)
}

/// The full set.
pub(super) fn all() -> BTreeSet<String> {
    owned(ALL)
}

fn owned(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Whether a privilege of the set allows what `wanted` allows.
pub(super) fn allows(set: &BTreeSet<String>, wanted: &str) -> bool {
    set.contains(wanted)
        || IMPLIED.iter().any(|(name, also)| set.contains(*name) && also.contains(&wanted))
}

/// A set as priv_str_to_set(3C) reads it: names divided by commas, `basic`,
/// `all`, `zone`, `none`, and `!` or `-` before what is taken away again.
/// `None` if a name is unknown: the whole text is useless then.
pub(super) fn parse(text: &str) -> Option<BTreeSet<String>> {
    let mut set = BTreeSet::new();
    for word in text.split(',') {
        let taken = word.strip_prefix(['!', '-']);
        let named = named(taken.unwrap_or(word))?;
        match taken {
            Some(_) => set.retain(|name| !named.contains(name)),
            None => set.extend(named),
        }
    }
    Some(set)
}

fn named(word: &str) -> Option<BTreeSet<String>> {
    let word = word.to_ascii_lowercase();
    let word = word.strip_prefix("priv_").unwrap_or(&word);
    match word {
        "all" | "zone" => Some(all()),
        "basic" => Some(basic()),
        "none" => Some(BTreeSet::new()),
        _ => ALL.contains(&word).then(|| BTreeSet::from([word.to_owned()])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_read_as_the_library_reads_them() {
        let set = parse("basic,!proc_info,PRIV_PROC_OWNER").unwrap();
        assert!(set.contains("proc_owner") && !set.contains("proc_info"));
        assert_eq!(parse("none"), Some(BTreeSet::new()));
        assert_eq!(parse("all"), Some(all()));
        assert_eq!(parse("proc_owner,proc_nonsense"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn the_wide_network_privilege_allows_the_narrow_ones() {
        let set = parse("sys_net_config").unwrap();
        assert!(allows(&set, "sys_dl_config") && allows(&set, "sys_ip_config"));
        assert!(!allows(&set, "sys_mount"));
    }
}
