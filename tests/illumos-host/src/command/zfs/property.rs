//! The native properties.
//!
//! illumos-gate usr/src/common/zfs/zfs_prop.c (`zfs_prop_init`). Those of
//! encryption, which came later, are not simulated.

/// What can be done with a property, and what its values are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One of these; the first is the default.
    OneOf(&'static [&'static str]),
    /// Bytes, or `none`; the default is none.
    Bytes,
    /// An absolute path, `none` or `legacy`.
    Path,
    /// Bytes of a volume.
    Volsize,
    /// Bytes of a volume's block; set once.
    Volblocksize,
    /// A fact that is simulated.
    Fact,
    /// A fact that is a number.
    Count,
    /// It exists, and is not simulated.
    Unknown,
}

/// A native property.
#[derive(Debug)]
pub(super) struct Property {
    /// Its name.
    pub(super) name: &'static str,
    /// The title of its column, which is another name of it, in lower case.
    pub(super) column: &'static str,
    /// How zfs describes its values.
    pub(super) values: &'static str,
    /// What they are.
    pub(super) form: Form,
    /// What it applies to, of `f`ile systems, `v`olumes and `s`napshots.
    applies: &'static str,
    /// Whether it can be changed (`rw`), is only read (`ro`) or `once` set; whether children inherit it (`inherit`).
    access: &'static str,
}

impl Property {
    /// Whether nobody can ever set it.
    pub(super) fn readonly(&self) -> bool {
        self.access == "ro"
    }

    /// Whether it can only be set when the dataset is made.
    pub(super) fn once(&self) -> bool {
        self.access == "once"
    }

    /// Whether children have it from their parents.
    pub(super) fn inherits(&self) -> bool {
        self.access == "inherit"
    }

    /// Whether it applies to `f`ile systems, `v`olumes or `s`napshots.
    pub(super) fn applies_to(&self, kind: char) -> bool {
        self.applies.contains(kind)
    }

    /// Whether it is a number, and stands to the right.
    pub(super) fn is_number(&self) -> bool {
        matches!(self.form, Form::Bytes | Form::Volsize | Form::Volblocksize | Form::Count)
            || matches!(self.name, "creation" | "recordsize")
    }
}

/// A property by its name, or by the title of its column.
pub(super) fn find(name: &str) -> Option<&'static Property> {
    TABLE.iter().find(|p| p.name == name || p.column.eq_ignore_ascii_case(name))
}

/// The end of the usage of commands that take properties.
pub(super) fn usage() -> String {
    let mut text = "\nThe following properties are supported:\n".to_owned();
    text += &format!("\n\t{:<14} {}  {}   {}\n\n", "PROPERTY", "EDIT", "INHERIT", "VALUES");
    let mut shown: Vec<&Property> = TABLE.iter().filter(|p| !p.values.is_empty()).collect();
    shown.sort_by_key(|property| property.name);
    for property in shown {
        let edit = if property.readonly() || property.once() { " NO    " } else { "YES    " };
        let inherit = if property.inherits() { "  YES   " } else { "   NO   " };
        text += &format!("\t{:<15} {edit}{inherit}{}\n", property.name, property.values);
    }
    text + QUOTAS
}

const QUOTAS: &str = "\tuserused@...     NO       NO   <size>\n\
    \tgroupused@...    NO       NO   <size>\n\
    \tuserquota@...   YES       NO   <size> | none\n\
    \tgroupquota@...  YES       NO   <size> | none\n\
    \twritten@<snap>   NO       NO   <size>\n\
    \nSizes are specified in bytes with standard units such as K, M, G, etc.\n\
    \nUser-defined properties can be specified by using a name containing a colon (:).\n\
    \nThe {user|group}{used|quota}@ properties must be appended with\n\
    a user or group specifier of one of these forms:\n    \
    POSIX name      (eg: \"matt\")\n    \
    POSIX id        (eg: \"126829\")\n    \
    SMB name@domain (eg: \"matt@sun\")\n    \
    SMB SID         (eg: \"S-1-234-567-89\")\n";

const ON_OFF: &[&str] = &["on", "off"];
const OFF_ON: &[&str] = &["off", "on"];

const fn property(
    name: &'static str,
    column: &'static str,
    access: &'static str,
    applies: &'static str,
    values: &'static str,
    form: Form,
) -> Property {
    Property { name, column, values, form, applies, access }
}

/// All of them.
#[rustfmt::skip]
pub(super) const TABLE: &[Property] = &[
    property("redundant_metadata", "REDUND_MD", "inherit", "fv", "all | most", Form::OneOf(&["all", "most"])),
    property("sync", "SYNC", "inherit", "fv", "standard | always | disabled", Form::OneOf(&["standard", "always", "disabled"])),
    property("checksum", "CHECKSUM", "inherit", "fv", "on | off | fletcher2 | fletcher4 | sha256 | sha512 | skein | edonr", Form::OneOf(&["on", "off", "fletcher2", "fletcher4", "sha256", "sha512", "skein", "edonr"])),
    property("dedup", "DEDUP", "inherit", "fv", "on | off | verify | sha256[,verify], sha512[,verify], skein[,verify], edonr,verify", Form::Unknown),
    property("compression", "COMPRESS", "inherit", "fv", "on | off | lzjb | gzip | gzip-[1-9] | zle | lz4", Form::OneOf(&["off", "on", "lzjb", "gzip", "gzip-1", "gzip-2", "gzip-3", "gzip-4", "gzip-5", "gzip-6", "gzip-7", "gzip-8", "gzip-9", "zle", "lz4"])),
    property("snapdir", "SNAPDIR", "inherit", "f", "hidden | visible", Form::OneOf(&["hidden", "visible"])),
    property("aclmode", "ACLMODE", "inherit", "f", "discard | groupmask | passthrough | restricted", Form::Unknown),
    property("aclinherit", "ACLINHERIT", "inherit", "f", "discard | noallow | restricted | passthrough | passthrough-x", Form::Unknown),
    property("copies", "COPIES", "inherit", "fv", "1 | 2 | 3", Form::Unknown),
    property("primarycache", "PRIMARYCACHE", "inherit", "fvs", "all | none | metadata", Form::OneOf(&["all", "none", "metadata"])),
    property("secondarycache", "SECONDARYCACHE", "inherit", "fvs", "all | none | metadata", Form::OneOf(&["all", "none", "metadata"])),
    property("logbias", "LOGBIAS", "inherit", "fv", "latency | throughput", Form::OneOf(&["latency", "throughput"])),
    property("atime", "ATIME", "inherit", "f", "on | off", Form::OneOf(ON_OFF)),
    property("devices", "DEVICES", "inherit", "fs", "on | off", Form::OneOf(ON_OFF)),
    property("exec", "EXEC", "inherit", "fs", "on | off", Form::OneOf(ON_OFF)),
    property("setuid", "SETUID", "inherit", "fs", "on | off", Form::OneOf(ON_OFF)),
    property("readonly", "RDONLY", "inherit", "fv", "on | off", Form::Unknown),
    property("zoned", "ZONED", "inherit", "f", "on | off", Form::OneOf(OFF_ON)),
    property("xattr", "XATTR", "inherit", "fs", "on | off", Form::Unknown),
    property("vscan", "VSCAN", "inherit", "f", "on | off", Form::Unknown),
    property("nbmand", "NBMAND", "inherit", "fs", "on | off", Form::Unknown),
    property("version", "VERSION", "rw", "fs", "1 | 2 | 3 | 4 | 5 | current", Form::Unknown),
    property("canmount", "CANMOUNT", "rw", "f", "on | off | noauto", Form::OneOf(&["on", "off", "noauto"])),
    property("mounted", "MOUNTED", "ro", "f", "yes | no", Form::Fact),
    property("defer_destroy", "DEFER_DESTROY", "ro", "s", "yes | no", Form::Fact),
    property("normalization", "NORMALIZATION", "once", "fs", "none | formC | formD | formKC | formKD", Form::Unknown),
    property("casesensitivity", "CASE", "once", "fs", "sensitive | insensitive | mixed", Form::Unknown),
    property("utf8only", "UTF8ONLY", "once", "fs", "on | off", Form::Unknown),
    property("origin", "ORIGIN", "ro", "fv", "<snapshot>", Form::Fact),
    property("clones", "CLONES", "ro", "s", "<dataset>[,...]", Form::Fact),
    property("mountpoint", "MOUNTPOINT", "inherit", "f", "<path> | legacy | none", Form::Path),
    property("sharenfs", "SHARENFS", "inherit", "f", "on | off | share(1M) options", Form::OneOf(&["off"])),
    property("type", "TYPE", "ro", "fvs", "filesystem | volume | snapshot | bookmark", Form::Fact),
    property("sharesmb", "SHARESMB", "inherit", "f", "on | off | sharemgr(1M) options", Form::OneOf(&["off"])),
    property("mlslabel", "MLSLABEL", "inherit", "fvs", "<sensitivity label>", Form::Unknown),
    property("receive_resume_token", "RESUMETOK", "ro", "fv", "<string token>", Form::Unknown),
    property("used", "USED", "ro", "fvs", "<size>", Form::Count),
    property("available", "AVAIL", "ro", "fv", "<size>", Form::Count),
    property("referenced", "REFER", "ro", "fvs", "<size>", Form::Count),
    property("compressratio", "RATIO", "ro", "fvs", "<1.00x or higher if compressed>", Form::Unknown),
    property("refcompressratio", "REFRATIO", "ro", "fvs", "<1.00x or higher if compressed>", Form::Unknown),
    property("volblocksize", "VOLBLOCK", "once", "v", "512 to 128k, power of 2", Form::Volblocksize),
    property("usedbysnapshots", "USEDSNAP", "ro", "fv", "<size>", Form::Unknown),
    property("usedbydataset", "USEDDS", "ro", "fv", "<size>", Form::Count),
    property("usedbychildren", "USEDCHILD", "ro", "fv", "<size>", Form::Count),
    property("usedbyrefreservation", "USEDREFRESERV", "ro", "fv", "<size>", Form::Count),
    property("userrefs", "USERREFS", "ro", "s", "<count>", Form::Count),
    property("written", "WRITTEN", "ro", "fvs", "<size>", Form::Unknown),
    property("logicalused", "LUSED", "ro", "fvs", "<size>", Form::Unknown),
    property("logicalreferenced", "LREFER", "ro", "fvs", "<size>", Form::Unknown),
    property("filesystem_count", "FSCOUNT", "ro", "f", "<count>", Form::Unknown),
    property("snapshot_count", "SSCOUNT", "ro", "fv", "<count>", Form::Unknown),
    property("quota", "QUOTA", "rw", "f", "<size> | none", Form::Bytes),
    property("reservation", "RESERV", "rw", "fv", "<size> | none", Form::Bytes),
    property("volsize", "VOLSIZE", "rw", "v", "<size>", Form::Volsize),
    property("refquota", "REFQUOTA", "rw", "f", "<size> | none", Form::Bytes),
    property("refreservation", "REFRESERV", "rw", "fv", "<size> | none", Form::Bytes),
    property("filesystem_limit", "FSLIMIT", "rw", "f", "<count> | none", Form::Unknown),
    property("snapshot_limit", "SSLIMIT", "rw", "fv", "<count> | none", Form::Unknown),
    property("recordsize", "RECSIZE", "inherit", "f", "512 to 1M, power of 2", Form::Unknown),
    property("creation", "CREATION", "ro", "fvs", "<date>", Form::Fact),
    // Hidden ones.
    property("createtxg", "CREATETXG", "ro", "fvs", "", Form::Count),
    property("name", "NAME", "ro", "fvs", "", Form::Fact),
    property("guid", "GUID", "ro", "fvs", "", Form::Unknown),
    property("numclones", "NUMCLONES", "ro", "s", "", Form::Unknown),
    property("unique", "UNIQUE", "ro", "fvs", "", Form::Unknown),
    property("objsetid", "OBJSETID", "ro", "fvs", "", Form::Unknown),
    property("inconsistent", "INCONSISTENT", "ro", "fvs", "", Form::Unknown),
    property("useraccounting", "USERACCOUNTING", "ro", "fvs", "", Form::Unknown),
    property("prevsnap", "PREVSNAP", "ro", "fv", "", Form::Unknown),
];

/// Whether it is a property of encryption (zfs-load-key(8)): it exists in newer
/// illumos and is not simulated.
pub(super) fn of_encryption(name: &str) -> bool {
    const ALL: &[&str] =
        &["encryption", "keylocation", "keyformat", "pbkdf2iters", "encryptionroot", "keystatus"];
    ALL.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_is_found_by_its_column_too() {
        assert_eq!(find("avail").map(|p| p.name), Some("available"));
        assert_eq!(find("refreservation").map(|p| p.name), Some("refreservation"));
        assert!(find("nosuch").is_none());
    }

    #[test]
    fn no_two_properties_have_one_name() {
        let mut names: Vec<&str> = TABLE.iter().map(|p| p.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
    }
}
