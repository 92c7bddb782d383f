//! How the subcommands are used, as zfs says it.
//!
//! omniosorg/illumos-omnios usr/src/cmd/zfs/zfs_main.c (`get_usage`, `usage`).

use super::property;

/// The text for a subcommand, or for `zfs` itself if that is empty.
pub(super) fn of(subcommand: &str) -> String {
    if subcommand.is_empty() {
        return general();
    }
    let lines = LINES.iter().find(|(name, _)| *name == subcommand).map_or("", |(_, lines)| lines);
    let mut text = format!("usage:\n{lines}");
    match subcommand {
        "set" | "get" | "inherit" | "list" => text += &property::usage(),
        _ => {
            text += "\nFor the property list, run: zfs set|get\n\
                     \nFor the delegated permission list, run: zfs allow|unallow\n";
        }
    }
    text
}

fn general() -> String {
    let mut text =
        "usage: zfs command args ...\nwhere 'command' is one of the following:\n\n".to_owned();
    for (name, lines) in LINES {
        text += if name.is_empty() { "\n" } else { lines };
    }
    text + "\nEach dataset is of the form: pool/[dataset/]*dataset[@name]\n"
}

/// Every subcommand of zfs, in the order of its own table; an empty one is an
/// empty line.
pub(super) const LINES: &[(&str, &str)] = &[
    (
        "create",
        "\tcreate [-p] [-o property=value] ... <filesystem>\n\
         \tcreate [-ps] [-b blocksize] [-o property=value] ... -V <size> <volume>\n",
    ),
    (
        "destroy",
        "\tdestroy [-fnpRrv] <filesystem|volume>\n\
         \tdestroy [-dnpRrv] <filesystem|volume>@<snap>[%<snap>][,...]\n\
         \tdestroy <filesystem|volume>#<bookmark>\n",
    ),
    ("", ""),
    ("snapshot", "\tsnapshot [-r] [-o property=value] ... <filesystem|volume>@<snap> ...\n"),
    ("rollback", "\trollback [-rRf] <snapshot>\n"),
    ("clone", "\tclone [-p] [-o property=value] ... <snapshot> <filesystem|volume>\n"),
    ("promote", "\tpromote <clone-filesystem>\n"),
    (
        "rename",
        "\trename [-f] <filesystem|volume|snapshot> <filesystem|volume|snapshot>\n\
         \trename [-f] -p <filesystem|volume> <filesystem|volume>\n\
         \trename -r <snapshot> <snapshot>\n",
    ),
    ("bookmark", "\tbookmark <snapshot> <bookmark>\n"),
    (
        "program",
        "\tprogram [-jn] [-t <instruction limit>] [-m <memory limit (b)>] <pool> <program file> \
         [lua args...]\n",
    ),
    ("", ""),
    (
        "list",
        "\tlist [-Hp] [-r|-d max] [-o property[,...]] [-s property]...\n\
         \t    [-S property]... [-t type[,...]] [filesystem|volume|snapshot] ...\n",
    ),
    ("", ""),
    ("set", "\tset <property=value> ... <filesystem|volume|snapshot> ...\n"),
    (
        "get",
        "\tget [-rHp] [-d max] [-o \"all\" | field[,...]]\n\
         \t    [-t type[,...]] [-s source[,...]]\n\
         \t    <\"all\" | property[,...]> [filesystem|volume|snapshot|bookmark] ...\n",
    ),
    ("inherit", "\tinherit [-rS] <property> <filesystem|volume|snapshot> ...\n"),
    ("upgrade", "\tupgrade [-v]\n\tupgrade [-r] [-V version] <-a | filesystem ...>\n"),
    ("", ""),
    (
        "userspace",
        "\tuserspace [-Hinp] [-o field[,...]] [-s field] ...\n\
         \t    [-S field] ... [-t type[,...]] <filesystem|snapshot>\n",
    ),
    (
        "groupspace",
        "\tgroupspace [-Hinp] [-o field[,...]] [-s field] ...\n\
         \t    [-S field] ... [-t type[,...]] <filesystem|snapshot>\n",
    ),
    (
        "projectspace",
        "\tprojectspace [-Hp] [-o field[,...]] [-s field] ... \n\
         \t    [-S field] ... <filesystem|snapshot>\n",
    ),
    ("", ""),
    (
        "project",
        "\tproject [-d|-r] <directory|file ...>\n\
         \tproject -c [-0] [-d|-r] [-p id] <directory|file ...>\n\
         \tproject -C [-k] [-r] <directory ...>\n\
         \tproject [-p id] [-r] [-s] <directory ...>\n",
    ),
    ("", ""),
    ("mount", "\tmount\n\tmount [-lvO] [-o opts] <-a | filesystem>\n"),
    ("unmount", "\tunmount [-f] <-a | filesystem|mountpoint>\n"),
    ("share", "\tshare [-l] <-a | filesystem>\n"),
    ("unshare", "\tunshare <-a | filesystem|mountpoint>\n"),
    ("", ""),
    (
        "send",
        "\tsend [-DnPpRvLecwhb] [-[iI] snapshot] <snapshot>\n\
         \tsend [-nvPLecw] [-i snapshot|bookmark] <filesystem|volume|snapshot>\n\
         \tsend [-nvPe] -t <receive_resume_token>\n",
    ),
    (
        "receive",
        "\treceive [-vnsFhu] [-o <property>=<value>] ... [-x <property>] ...\n\
         \t    <filesystem|volume|snapshot>\n\
         \treceive [-vnsFhu] [-o <property>=<value>] ... [-x <property>] ... \n\
         \t    [-d | -e] <filesystem>\n\
         \treceive -A <filesystem|volume>\n",
    ),
    ("", ""),
    (
        "allow",
        "\tallow <filesystem|volume>\n\
         \tallow [-ldug] <\"everyone\"|user|group>[,...] <perm|@setname>[,...]\n\
         \t    <filesystem|volume>\n\
         \tallow [-ld] -e <perm|@setname>[,...] <filesystem|volume>\n\
         \tallow -c <perm|@setname>[,...] <filesystem|volume>\n\
         \tallow -s @setname <perm|@setname>[,...] <filesystem|volume>\n",
    ),
    ("", ""),
    (
        "unallow",
        "\tunallow [-rldug] <\"everyone\"|user|group>[,...]\n\
         \t    [<perm|@setname>[,...]] <filesystem|volume>\n\
         \tunallow [-rld] -e [<perm|@setname>[,...]] <filesystem|volume>\n\
         \tunallow [-r] -c [<perm|@setname>[,...]] <filesystem|volume>\n\
         \tunallow [-r] -s @setname [<perm|@setname>[,...]] <filesystem|volume>\n",
    ),
    ("", ""),
    ("hold", "\thold [-r] <tag> <snapshot> ...\n"),
    ("holds", "\tholds [-r] <snapshot> ...\n"),
    ("release", "\trelease [-r] <tag> <snapshot> ...\n"),
    ("diff", "\tdiff [-FHt] <snapshot> [snapshot|filesystem]\n"),
    ("remap", "\tremap <filesystem | volume>\n"),
    ("load-key", "\tload-key [-rn] [-L <keylocation>] <-a | filesystem|volume>\n"),
    ("unload-key", "\tunload-key [-r] <-a | filesystem|volume>\n"),
    (
        "change-key",
        "\tchange-key [-l] [-o keyformat=<value>]\n\
         \t    [-o keylocation=<value>] [-o pbkfd2iters=<value>]\n\
         \t    <filesystem|volume>\n\
         \tchange-key -i [-l] <filesystem|volume>\n",
    ),
];
