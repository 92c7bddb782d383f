//! Where the source lies in the guest, and which files belong to it.

use solstice_model::annotation::MAX_PATH_BYTES;

/// Folders of other people's code, wherever they are: what tools say of it is
/// nothing that the author of a change can mend.
const FOREIGN: [&str; 5] = [".cargo", ".rustup", "node_modules", "site-packages", ".git"];

/// Where a step's output says that files are.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The source's root in the guest, absolute, without a slash at its end.
    root: String,
    /// Where the step runs, absolute.
    working_dir: String,
    /// The repository's name without its owner, after which Go's packages may be named.
    repository: Option<String>,
}

impl Workspace {
    /// The source is at `root`, an absolute path, and steps run there.
    pub fn new(root: &str) -> Self {
        let root = root.trim_end_matches('/').to_owned();
        Self { working_dir: root.clone(), root, repository: None }
    }

    /// The same for a step that runs in a folder of the source, or in an absolute one.
    #[must_use]
    pub fn in_dir(mut self, dir: &str) -> Self {
        self.working_dir = match dir.starts_with('/') {
            true => dir.to_owned(),
            false => format!("{}/{dir}", self.root),
        };
        self
    }

    /// The same for a repository of this name, `owner/name` or `name`.
    #[must_use]
    pub fn of_repository(mut self, name: &str) -> Self {
        self.repository = name.rsplit('/').next().map(str::to_owned);
        self
    }

    /// The path from the source's root, if a path that a tool has printed is of
    /// the source. `dir` is where the tool ran, if it said so.
    pub(crate) fn resolve(&self, dir: Option<&str>, path: &str) -> Option<String> {
        if path.is_empty() || path.len() > MAX_PATH_BYTES || path.chars().any(char::is_control) {
            return None;
        }
        let dir = dir.filter(|dir| dir.starts_with('/')).unwrap_or(&self.working_dir);
        let all = if path.starts_with('/') { path.to_owned() } else { format!("{dir}/{path}") };
        let mut parts: Vec<&str> = Vec::new();
        for part in all.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()?),
                part => parts.push(part),
            }
        }
        let root: Vec<&str> = self.root.split('/').filter(|part| !part.is_empty()).collect();
        let inside = parts.strip_prefix(root.as_slice())?;
        let is_built = |two: &[&str]| matches!(two, ["target", "debug" | "release"]);
        let foreign =
            inside.iter().any(|part| FOREIGN.contains(part)) || inside.windows(2).any(is_built);
        let path = inside.join("/");
        (!path.is_empty() && path.len() <= MAX_PATH_BYTES && !foreign).then_some(path)
    }

    /// The folder, from the source's root, of a Go package: what follows the
    /// repository's name in it. A package without a slash is the root's own.
    pub(crate) fn go_package(&self, package: &str) -> Option<String> {
        let name = self.repository.as_deref()?;
        let parts: Vec<&str> = package.split('/').collect();
        if parts.len() == 1 {
            return Some(String::new());
        }
        let at = parts.iter().position(|part| *part == name)?;
        // `example.org/owner/name/v2`: the major version is no folder.
        let rest = &parts[at + 1..];
        let rest = match rest.split_first() {
            Some((version, rest)) if is_major(version) => rest,
            _ => rest,
        };
        Some(rest.join("/"))
    }

    /// The absolute path of a file from the source's root.
    pub(crate) fn absolute(&self, path: &str) -> String {
        format!("{}/{path}", self.root)
    }
}

fn is_major(part: &str) -> bool {
    let digits = part.strip_prefix('v');
    digits.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_source_are_found() {
        let workspace = Workspace::new("/work/src");
        let sub = workspace.clone().in_dir("sub");
        for (path, at_root, below) in [
            ("src/main.rs", Some("src/main.rs"), Some("sub/src/main.rs")),
            ("./src//a/../main.rs", Some("src/main.rs"), Some("sub/src/main.rs")),
            ("/work/src/a.c", Some("a.c"), Some("a.c")),
            ("../a.c", None, Some("a.c")),
            ("../../a.c", None, None),
            ("../src/a.c", Some("a.c"), Some("src/a.c")),
            ("/work/srcs/a.c", None, None),
            ("/work/src", None, None),
            ("/usr/include/stdio.h", None, None),
            ("/root/.cargo/registry/src/x/lib.rs", None, None),
            ("web/node_modules/x.js", None, None),
            ("target/debug/build/x/out/gen.rs", None, None),
            ("target/lib.c", Some("target/lib.c"), Some("sub/target/lib.c")),
            ("a\u{7}b.c", None, None),
            ("../../../../../../etc/passwd", None, None),
            ("", None, None),
        ] {
            assert_eq!(workspace.resolve(None, path).as_deref(), at_root, "{path}");
            assert_eq!(sub.resolve(None, path).as_deref(), below, "{path} in sub");
        }
        let deep = workspace.resolve(Some("/work/src/lib/x"), "../y.c");
        assert_eq!(deep.as_deref(), Some("lib/y.c"));
        assert_eq!(workspace.resolve(None, &"a/".repeat(600)), None);
    }

    #[test]
    fn a_go_package_s_folder_follows_the_repository_s_name() {
        let workspace = Workspace::new("/work/src").of_repository("ada/engine");
        for (package, folder) in [
            ("github.com/ada/engine", Some("")),
            ("github.com/ada/engine/gear/teeth", Some("gear/teeth")),
            ("github.com/ada/engine/v2/gear", Some("gear")),
            ("engine", Some("")),
            ("example.org/other/gear", None),
        ] {
            assert_eq!(workspace.go_package(package).as_deref(), folder, "{package}");
        }
    }
}
