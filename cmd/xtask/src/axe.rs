//! The check for accessibility that the tests of the pages run in a browser.

use camino::{Utf8Path, Utf8PathBuf};

use crate::run::{Failure, Step, root, target};

/// Installs axe-core below the target folder, as `tests/browser/axe` pins it: by
/// version and digest. Returns where its script is.
pub(crate) fn install() -> Result<Utf8PathBuf, Failure> {
    let folder = target().join("tools/axe");
    let script = folder.join("node_modules/axe-core/axe.min.js");
    let source = root().join("tests/browser/axe");
    let pinned = ["package.json", "package-lock.json"];
    let same = |name: &str| same(&source.join(name), &folder.join(name));
    if script.exists() && pinned.into_iter().all(same) {
        return Ok(script);
    }
    std::fs::create_dir_all(&folder).map_err(|error| cannot_write(&folder, &error))?;
    for name in pinned {
        let copy = folder.join(name);
        std::fs::copy(source.join(name), &copy).map_err(|error| cannot_write(&copy, &error))?;
    }
    let quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
    let install = ["ci", "--prefix", folder.as_str()];
    Step::new("npm", install.into_iter().chain(quiet)).run()?;
    Ok(script)
}

fn same(one: &Utf8Path, other: &Utf8Path) -> bool {
    let read = |path: &Utf8Path| std::fs::read(path).ok();
    read(one).is_some_and(|bytes| Some(bytes) == read(other))
}

fn cannot_write(path: &Utf8Path, error: &std::io::Error) -> Failure {
    Failure::Needs(format!("cannot write {path}: {error}"))
}
