//! Finds the files that a job's rules want kept.
//!
//! The tree is what a job left behind, and may still be changed by what it left
//! running: names and links in it prove nothing. Each folder is opened by its
//! parent's descriptor and never through a symbolic link, so that nothing that
//! is found lies outside the tree, and [`open`] comes to the same file or to
//! none. Only regular files are found. What is searched is bounded (invariant I12).

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, statat};
use solstice_model::ArtifactRule;

use crate::glob::Glob;

/// The most files that are kept; as `solstice_api::agent` has it.
const MAX_FILES: usize = 10_000;

/// The longest path of a file that is kept, in bytes; likewise.
const MAX_PATH_BYTES: usize = 1024;

/// The most entries of folders that are looked at for one rule.
const MAX_SEEN: usize = 1_000_000;

const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A rule that cannot be met, in words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The rule's pattern.
    pub(crate) pattern: String,
    /// What is wrong.
    pub(crate) why: String,
}

/// A file to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The folder that is opened by its path.
    base: PathBuf,
    /// The path below that, which is opened part by part.
    below: String,
    /// The rules that want it, by index.
    pub(crate) rules: Vec<usize>,
}

/// What the rules came to.
#[derive(Debug, Default)]
pub(crate) struct Catch {
    /// The files by what they are called: from the source's root, or from `/`
    /// without that slash.
    pub(crate) files: BTreeMap<String, Found>,
    /// Rules that are wrong or match too much.
    pub(crate) failures: Vec<Failure>,
    /// What was left out though it matches, for people.
    pub(crate) notes: Vec<String>,
}

/// Finds the files of all rules; each file once.
pub(crate) fn find(rules: &[ArtifactRule], source: &Path) -> Catch {
    let mut catch = Catch::default();
    for (index, rule) in rules.iter().enumerate() {
        let found = Search::new(rule, source).and_then(|search| search.run(index, &mut catch));
        if let Err(why) = found {
            catch.failures.push(Failure { pattern: rule.pattern.clone(), why });
        }
    }
    catch
}

/// Opens a file that was found, if it still is a regular one at the same place.
///
/// # Errors
///
/// If it is gone, or is now something else.
pub(crate) fn open(found: &Found) -> io::Result<File> {
    let mut folder = open_base(&found.base)?;
    let mut parts = found.below.split('/').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_some() {
            folder = openat(&folder, part, FOLDER, Mode::empty())?;
            continue;
        }
        // Not to wait for the other end of a pipe that has taken its place.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&folder, part, flags, Mode::empty())?);
        if file.metadata()?.is_file() {
            return Ok(file);
        }
    }
    Err(io::Error::other("it is no regular file any more"))
}

/// Opens a folder that the job's author has named in full, links and all.
fn open_base(base: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(CWD, base, flags, Mode::empty())?)
}

/// One rule at work.
struct Search {
    /// Where the search begins.
    base: PathBuf,
    /// What the base is called in front of the names of files, with a slash.
    prefix: String,
    /// The folders below the base that the pattern names in full.
    fixed: Vec<String>,
    wanted: Glob,
    /// By a file's name, and by its path from `/`.
    unwanted: [Vec<Glob>; 2],
    source: PathBuf,
    /// How many slashes a name has at most; any number if absent.
    deepest: Option<usize>,
    seen: usize,
}

impl Search {
    fn new(rule: &ArtifactRule, source: &Path) -> Result<Self, String> {
        let pattern = within_source(&rule.pattern, source);
        let absolute = pattern.starts_with('/');
        let text = pattern.trim_start_matches('/').trim_start_matches("./");
        let parts: Vec<&str> = text.split('/').collect();
        if parts.contains(&"..") {
            return Err("a pattern must not have `..` in it".to_owned());
        }
        let fixed = parts.iter().take(parts.len() - 1).take_while(|part| is_plain(part));
        let fixed: Vec<String> = fixed.map(|part| (*part).to_owned()).collect();
        let any_depth = text.contains("**");
        let search = Self {
            base: source.to_owned(),
            prefix: String::new(),
            fixed: Vec::new(),
            wanted: glob(text)?,
            unwanted: unwanted(&rule.exclude)?,
            source: source.to_owned(),
            deepest: (!any_depth).then(|| text.matches('/').count()),
            seen: 0,
        };
        Ok(match absolute {
            false => Self { fixed, ..search },
            true => {
                let name = fixed.join("/");
                let prefix = if name.is_empty() { name.clone() } else { format!("{name}/") };
                Self { base: Path::new("/").join(name), prefix, ..search }
            }
        })
    }

    fn run(mut self, rule: usize, catch: &mut Catch) -> Result<(), String> {
        let Ok(mut folder) = open_base(&self.base) else { return Ok(()) };
        let mut below = String::new();
        for part in std::mem::take(&mut self.fixed) {
            // What is absent, or a link, has no files.
            let Ok(next) = openat(&folder, part.as_str(), FOLDER, Mode::empty()) else {
                return Ok(());
            };
            folder = next;
            below = format!("{below}{part}/");
        }
        self.descend(&folder, &below, rule, catch)
    }

    /// Looks through a folder; `below` is its path, empty or with a slash at its end.
    fn descend(
        &mut self,
        folder: &OwnedFd,
        below: &str,
        rule: usize,
        catch: &mut Catch,
    ) -> Result<(), String> {
        for entry in self.entries(folder)? {
            let name = String::from_utf8_lossy(&entry);
            let path = format!("{below}{name}");
            // What vanishes meanwhile is not there.
            let Ok(about) = statat(folder.as_fd(), entry.as_slice(), AtFlags::SYMLINK_NOFOLLOW)
            else {
                continue;
            };
            match FileType::from_raw_mode(about.st_mode) {
                FileType::Directory if self.may_hold(&path) => {
                    if let Ok(next) = openat(folder, entry.as_slice(), FOLDER, Mode::empty()) {
                        self.descend(&next, &format!("{path}/"), rule, catch)?;
                    }
                }
                FileType::RegularFile if self.wants(&path) => {
                    let faithful = std::str::from_utf8(&entry).is_ok();
                    self.take(path, faithful, rule, catch)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The names in a folder.
    fn entries(&mut self, folder: &OwnedFd) -> Result<Vec<Vec<u8>>, String> {
        let mut names = Vec::new();
        let Ok(mut listing) = Dir::read_from(folder) else { return Ok(names) };
        while let Some(Ok(entry)) = listing.read() {
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            self.seen += 1;
            if self.seen > MAX_SEEN {
                return Err(format!("there are more than {MAX_SEEN} files to look at"));
            }
            names.push(name.to_vec());
        }
        Ok(names)
    }

    /// Whether a folder of this path can have files that are wanted.
    fn may_hold(&self, below: &str) -> bool {
        let name_bytes = self.prefix.len() + below.len();
        let depth = self.prefix.matches('/').count() + below.matches('/').count();
        name_bytes < MAX_PATH_BYTES && self.deepest.is_none_or(|deepest| depth < deepest)
    }

    fn wants(&self, below: &str) -> bool {
        let name = format!("{}{below}", self.prefix);
        let [by_name, by_path] = &self.unwanted;
        let any = |globs: &[Glob], path: &str| globs.iter().any(|glob| glob.matches(path));
        self.wanted.matches(&name)
            && !any(by_name, &name)
            && (by_path.is_empty() || !any(by_path, &self.path_from_root(&name)))
    }

    /// A file's path from `/`, without that slash.
    fn path_from_root(&self, name: &str) -> String {
        if self.base != self.source {
            return name.to_owned();
        }
        let root = self.source.to_string_lossy();
        format!("{}/{name}", root.trim_matches('/'))
    }

    fn take(
        &self,
        below: String,
        faithful: bool,
        rule: usize,
        catch: &mut Catch,
    ) -> Result<(), String> {
        let name = format!("{}{below}", self.prefix);
        if !faithful || name.chars().any(char::is_control) || name.len() > MAX_PATH_BYTES {
            let shown: String = name.chars().take(200).collect();
            catch.notes.push(format!(
                "left out {shown:?}: its name is not UTF-8, has control characters or more than {MAX_PATH_BYTES} bytes"
            ));
            catch.notes.truncate(MAX_NOTES);
            return Ok(());
        }
        if let Some(found) = catch.files.get_mut(&name) {
            found.rules.push(rule);
            return Ok(());
        }
        if catch.files.len() == MAX_FILES {
            return Err(format!("there are more than {MAX_FILES} files to keep"));
        }
        catch.files.insert(name, Found { base: self.base.clone(), below, rules: vec![rule] });
        Ok(())
    }
}

/// The most files that are named for being left out.
const MAX_NOTES: usize = 20;

/// A pattern that names the source's root in full, from there.
fn within_source<'a>(pattern: &'a str, source: &Path) -> &'a str {
    let inside = source.to_str().and_then(|source| pattern.strip_prefix(source)?.strip_prefix('/'));
    inside.unwrap_or(pattern)
}

fn is_plain(part: &str) -> bool {
    !part.is_empty() && part != "." && !part.contains(['*', '?', '[', ']', '{', '}', '\\'])
}

fn glob(text: &str) -> Result<Glob, String> {
    Glob::new(text).map_err(|why| format!("{text:?} is no pattern: {why}"))
}

/// What is left out by name, and by the path from `/`.
fn unwanted(patterns: &[String]) -> Result<[Vec<Glob>; 2], String> {
    let (absolute, relative): (Vec<&str>, Vec<&str>) =
        patterns.iter().map(String::as_str).partition(|pattern| pattern.starts_with('/'));
    let globs = |patterns: Vec<&str>| {
        let plain =
            patterns.into_iter().map(|it| it.trim_start_matches('/').trim_start_matches("./"));
        plain.map(glob).collect::<Result<Vec<_>, _>>()
    };
    Ok([globs(relative)?, globs(absolute)?])
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn rule(pattern: &str, exclude: &[&str]) -> ArtifactRule {
        let exclude = exclude.iter().map(|it| (*it).to_owned()).collect();
        ArtifactRule {
            pattern: pattern.to_owned(),
            exclude,
            required: false,
            may_change: false,
            junit: false,
        }
    }

    /// A tree with these files.
    fn tree(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, file).unwrap();
        }
        dir
    }

    fn names(rules: &[ArtifactRule], source: &Path) -> Vec<String> {
        let catch = find(rules, source);
        assert_eq!(catch.failures, []);
        catch.files.into_keys().collect()
    }

    #[test]
    fn patterns_mean_what_they_say() {
        let dir = tree(&["a.log", "b.txt", "x/a.log", "x/y/a.log", "x/y/c1", "x/y/c2", "z/.h/l"]);
        let outside = tree(&["deep/er/report"]);
        let absolute = format!("{}/*/er/report", outside.path().display());
        let inside = format!("{}/b.txt", dir.path().display());
        let kept = format!("{}/deep/er/report", outside.path().display());
        for (pattern, expected) in [
            ("*.log", &["a.log"][..]),
            ("./*.log", &["a.log"]),
            ("**/*.log", &["a.log", "x/a.log", "x/y/a.log"]),
            ("x/**", &["x/a.log", "x/y/a.log", "x/y/c1", "x/y/c2"]),
            ("x/*", &["x/a.log"]),
            ("{b.txt,x/y/c[12]}", &["b.txt", "x/y/c1", "x/y/c2"]),
            ("x/?/c2", &["x/y/c2"]),
            ("**/.h/*", &["z/.h/l"]),
            ("x", &[]),
            ("none/*", &[]),
            (&absolute, &[kept.trim_start_matches('/')]),
            (&inside, &["b.txt"]),
        ] {
            assert_eq!(names(&[rule(pattern, &[])], dir.path()), expected, "{pattern}");
        }
    }

    #[test]
    fn what_is_excluded_is_left_out_and_files_of_two_rules_are_found_once() {
        let dir = tree(&["a/1", "a/2", "a/tmp/3", "b"]);
        assert_eq!(names(&[rule("a/**", &["a/tmp/**", "a/2"])], dir.path()), ["a/1"]);
        let absolute = format!("{}/a/1", dir.path().display());
        assert_eq!(names(&[rule("a/*", &[&absolute])], dir.path()), ["a/2"]);
        let catch = find(&[rule("a/1", &[]), rule("**", &[])], dir.path());
        assert_eq!(catch.files["a/1"].rules, [0, 1]);
        assert_eq!(catch.files["b"].rules, [1]);
    }

    #[test]
    fn links_and_what_is_no_file_are_never_found() {
        let dir = tree(&["in/file"]);
        symlink("/etc/passwd", dir.path().join("passwd")).unwrap();
        symlink("/etc", dir.path().join("etc")).unwrap();
        symlink("in", dir.path().join("again")).unwrap();
        symlink(".", dir.path().join("loop")).unwrap();
        let pipe = dir.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for pattern in ["**", "*/*", "etc/*", "passwd", "again/file", "pipe"] {
            let found = names(&[rule(pattern, &[])], dir.path());
            assert!(found.is_empty() || found == ["in/file"], "{pattern}: {found:?}");
        }
    }

    #[test]
    fn a_file_that_became_a_link_a_pipe_or_a_folder_is_not_opened() {
        for swapped in ["file", "folder"] {
            let dir = tree(&["folder/file"]);
            let catch = find(&[rule("**", &[])], dir.path());
            let found = &catch.files["folder/file"];
            assert!(open(found).is_ok());
            let folder = dir.path().join("folder");
            if swapped == "file" {
                std::fs::remove_file(folder.join("file")).unwrap();
                symlink("/etc/passwd", folder.join("file")).unwrap();
                assert!(open(found).is_err());
                std::fs::remove_file(folder.join("file")).unwrap();
                let mode = nix::sys::stat::Mode::S_IRWXU;
                nix::unistd::mkfifo(&folder.join("file"), mode).unwrap();
            } else {
                let outside = tree(&["file"]);
                std::fs::remove_dir_all(&folder).unwrap();
                symlink(outside.path(), &folder).unwrap();
            }
            assert!(open(found).is_err(), "{swapped}");
        }
    }

    #[test]
    fn patterns_that_lead_outside_or_are_none_fail() {
        let dir = tree(&["a/b"]);
        for (pattern, exclude, part) in [
            ("../x", None, "`..`"),
            ("a/../../x", None, "`..`"),
            ("/tmp/../etc/passwd", None, "`..`"),
            ("a[", None, "no pattern"),
            ("a", Some("{"), "no pattern"),
        ] {
            let exclude: Vec<&str> = exclude.into_iter().collect();
            let catch = find(&[rule(pattern, &exclude)], &dir.path().join("a"));
            assert!(catch.files.is_empty());
            assert!(catch.failures[0].why.contains(part), "{pattern}: {:?}", catch.failures);
        }
    }

    #[test]
    fn names_that_cannot_be_told_are_left_out_with_a_note() {
        use std::os::unix::ffi::OsStrExt as _;

        let dir = tree(&["plain"]);
        for name in [&b"not-\xff-text"[..], b"new\nline", &[b'x'; 250]] {
            std::fs::write(dir.path().join(std::ffi::OsStr::from_bytes(name)), "x").unwrap();
        }
        let catch = find(&[rule("*", &[])], dir.path());
        assert_eq!(catch.files.len(), 2);
        assert_eq!(catch.notes.len(), 2, "{:?}", catch.notes);
    }

    #[test]
    fn the_number_of_files_is_bounded() {
        let dir = tree(&[]);
        for index in 0..=MAX_FILES {
            File::create(dir.path().join(index.to_string())).unwrap();
        }
        let catch = find(&[rule("*", &[])], dir.path());
        assert_eq!(catch.files.len(), MAX_FILES);
        assert!(catch.failures[0].why.contains("10000 files"), "{:?}", catch.failures);
    }
}
