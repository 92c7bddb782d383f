//! Packages of other languages, installed below the target folder as files of the
//! project pin them: for Node.js by version and digest, for Python by version.

use camino::{Utf8Path, Utf8PathBuf};

use crate::run::{Failure, Step, root, target};

/// Installs what `package-lock.json` in `source`, a folder of the project, pins; runs
/// nothing of theirs. Returns the folder of the packages.
pub(crate) fn node(source: &str, name: &str) -> Result<Utf8PathBuf, Failure> {
    let (source, folder) = (root().join(source), folder(name));
    let (lock, packages) = ("package-lock.json", folder.join("node_modules"));
    // Within the folder that npm empties first, so that it says what is there.
    let done = packages.join("installed.json");
    if !is_copied(&source.join(lock), &done) {
        for file in ["package.json", lock] {
            copy(&source.join(file), &folder.join(file))?;
        }
        let options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"];
        let words = ["ci", "--prefix", folder.as_str()];
        Step::new("npm", words.into_iter().chain(options)).run()?;
        copy(&source.join(lock), &done)?;
    }
    Ok(packages)
}

/// Installs what a file of the project lists into an environment of their own.
/// Returns where it is.
pub(crate) fn python(requirements: &str, name: &str) -> Result<Utf8PathBuf, Failure> {
    let (wanted, folder) = (root().join(requirements), folder(name));
    let done = folder.join("requirements.txt");
    if !is_copied(&wanted, &done) {
        Step::new("python3", ["-m", "venv", "--clear", folder.as_str()]).run()?;
        let pip = folder.join("bin/pip");
        let words = ["install", "--quiet", "--disable-pip-version-check", "-r", wanted.as_str()];
        Step::new(pip.as_str(), words).run()?;
        copy(&wanted, &done)?;
    }
    Ok(folder)
}

fn folder(name: &str) -> Utf8PathBuf {
    target().join("tools").join(name)
}

/// Whether one file is the copy of the other: what it asks for is installed.
fn is_copied(from: &Utf8Path, to: &Utf8Path) -> bool {
    matches!((std::fs::read(from), std::fs::read(to)), (Ok(from), Ok(to)) if from == to)
}

fn copy(from: &Utf8Path, to: &Utf8Path) -> Result<(), Failure> {
    let folder = to.parent().expect("a file lies in a folder");
    let copied = std::fs::create_dir_all(folder).and_then(|()| std::fs::copy(from, to));
    copied.map(drop).map_err(|error| Failure::Needs(format!("cannot write {to}: {error}")))
}
