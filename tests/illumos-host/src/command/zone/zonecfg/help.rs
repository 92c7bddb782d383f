//! What zonecfg prints to those who ask or err.
//!
//! Source: illumos-gate usr/src/cmd/zonecfg/zonecfg.c (#usage, helptab); OmniOS' own lines.

/// The commands and their short usages, in the order in which they are listed.
const COMMANDS: [(&str, &str); 16] = [
    (
        "add",
        "add <resource-type>\n\t(global scope)\nadd <property-name> <property-value>\n\t(resource scope)",
    ),
    ("cancel", "cancel"),
    ("clear", "clear <property-name>"),
    ("commit", "commit"),
    ("create", "create [-F] [ -a <path> | -b | -t <template> ]"),
    ("delete", "delete [-F]"),
    ("end", "end"),
    ("exit", "exit [-F]"),
    ("export", "export [-f output-file]"),
    ("help", "help [commands] [syntax] [usage] [<command-name>]"),
    ("info", "info [<resource-type> [property-name=property-value]*]"),
    (
        "remove",
        "remove [-F] <resource-type> [ <property-name>=<property-value> ]*\n\t(global scope)\n\
         remove <property-name> <property-value>\n\t(resource scope)",
    ),
    ("revert", "revert [-F]"),
    ("select", "select <resource-type> { <property-name>=<property-value> }"),
    ("set", "set <property-name>=<property-value>"),
    ("verify", "verify"),
];

/// What a zone's name is.
pub(super) const SYNTAX: &str = "
<zone> := [A-Za-z0-9][A-Za-z0-9_.-]*
\t(except the reserved words 'global' and anything starting with 'SUNW')
\tName must be less than 64 characters.
";

/// How zonecfg is called.
pub(super) const USAGE: &str = "\
usage:\tzonecfg help
\tzonecfg -z <zone>\t\t\t(interactive)
\tzonecfg -z <zone> <command>
\tzonecfg -z <zone> -f <command-file>
";

/// What an address is.
pub(super) const ADDRESS: &str = "
<net-addr> :=\t<IPv4-address>[/<IPv4-prefix-length>] |
\t\t<IPv6-address>/<IPv6-prefix-length> |
\t\t<hostname>[/<IPv4-prefix-length>]
See inet(3C) for IPv4 and IPv6 address syntax.
<IPv4-prefix-length> := [0-32]
<IPv6-prefix-length> := [0-128]
<hostname> := [A-Za-z0-9][A-Za-z0-9-.]*
";

/// Types of resources.
pub(super) const RESOURCES: &str = "\
<resource type> := fs | net | device | rctl | attr |
\tdataset | dedicated-cpu | capped-cpu | capped-memory | admin | security-flags

";

/// Every command, for a syntax error.
pub(super) fn commands() -> String {
    let mut text = "Commands:\n\n".to_owned();
    for (_, usage) in COMMANDS {
        text += usage;
        text.push('\n');
    }
    text
}

/// One command's usage.
pub(super) fn short(command: &str) -> String {
    let usage = COMMANDS.iter().find(|(name, _)| *name == command).map_or("", |(_, usage)| *usage);
    format!("usage:\n{usage}\n")
}

/// One command's usage and what it is for.
pub(super) fn long(command: &str) -> String {
    let purpose = match command {
        "add" => "Add specified resource to configuration.",
        "remove" => {
            "Remove specified resource from configuration.  The -F flag can be used\n\t\
             to force the action."
        }
        "set" => "Sets property values.",
        _ => "Clears property values.",
    };
    format!("{}\t{purpose}\n", short(command))
}

/// Which properties there are, by resource.
pub(super) fn properties(omnios: bool) -> String {
    let mut text = "For resource type ... there are property types ...:\n".to_owned();
    let global = [
        "zonename",
        "zonepath",
        "brand",
        "autoboot",
        "bootargs",
        "pool",
        "limitpriv",
        "scheduling-class",
        "ip-type",
        "hostid",
        "fs-allowed",
        "max-lwps",
        "max-processes",
        "max-shm-memory",
        "max-shm-ids",
        "max-msg-ids",
        "max-sem-ids",
        "cpu-shares",
    ];
    for name in global.into_iter().chain(omnios.then_some("zfs-io-priority")) {
        text += &format!("\t(global)\t{name}\n");
    }
    text += "\tfs\t\tdir, special, raw, type, options\n";
    text += if omnios {
        "\tnet\t\taddress, allowed-address, global-nic, mac-addr, physical, property, vlan-id defrouter\n\
         \tdevice\t\tmatch, property\n"
    } else {
        "\tnet\t\taddress, allowed-address, physical, defrouter\n\tdevice\t\tmatch\n"
    };
    text + "\trctl\t\tname, value\n\
        \tattr\t\tname, type, value\n\
        \tdataset\t\tname\n\
        \tdedicated-cpu\tncpus, importance\n\
        \tcapped-cpu\tncpus\n\
        \tcapped-memory\tphysical, swap, locked\n\
        \tadmin\t\tuser, auths\n\
        \tsecurity-flags\t\tdefault, lower, upper\n"
}
