//! The programs that change the kernel's network, as command lines.

use camino::Utf8Path;
use rustix::process::geteuid;
use solstice_exec::Command;

use crate::launch::PATH;

/// A program of iproute2.
pub(crate) fn iproute2(program: &str) -> Command {
    tool(program).remedy("apt-get install iproute2")
}

/// The packet filter's.
pub(crate) fn nft() -> Command {
    tool("nft").remedy("apt-get install nftables")
}

/// What QEMU is started by, so that neither it nor whoever breaks out of it has
/// the privileges that make bridges (setpriv(1), capabilities(7)).
pub(crate) fn without_privileges() -> Vec<String> {
    let mut words = vec![path_of("setpriv")];
    words.extend(["--no-new-privs", "--inh-caps=-all", "--ambient-caps=-all"].map(str::to_owned));
    if geteuid().is_root() {
        // Root gets at execve(2) whatever is not taken away here.
        words.push("--bounding-set=-all".to_owned());
    }
    words
}

fn tool(name: &str) -> Command {
    Command::new(path_of(name))
}

/// Where a program is: users' own search paths may lack the system's folders.
fn path_of(name: &str) -> String {
    let places = PATH.split(':').map(|folder| Utf8Path::new(folder).join(name));
    places.into_iter().find(|path| path.is_file()).map_or(name.to_owned(), String::from)
}
