//! Which golden images there are, and which label means which.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use camino::Utf8PathBuf;
use solstice_image::{Lock, VerifiedImage};
use solstice_model::{Label, Sha256Digest};

use super::plan::Plan;
use super::{Options, RunError};

/// An image and the labels that stand for it.
#[derive(Debug)]
pub(crate) struct LocalImage {
    /// The image, verified.
    pub(crate) image: VerifiedImage,
    /// The digest of its lock.
    pub(crate) digest: Sha256Digest,
    /// The labels of the workflow's jobs that mean it.
    pub(crate) labels: Vec<Label>,
}

/// Finds an image for every label that the jobs ask for and checks it against
/// its lock. A label means the image of its own name, or what `--label` says.
pub(crate) fn find(options: &Options, plan: &Plan) -> Result<Vec<LocalImage>, RunError> {
    let folder = folder(options)?;
    let there = names(&folder);
    let renamed: BTreeMap<&str, &str> =
        options.label.iter().map(|(label, image)| (label.as_str(), image.as_str())).collect();
    let mut labels: BTreeMap<String, Vec<Label>> = BTreeMap::new();
    for job in &plan.jobs {
        let label = job.runs_on.as_str();
        let name = renamed.get(label).copied().unwrap_or(label);
        if !there.iter().any(|image| image == name) {
            return Err(RunError::NoImage {
                label: label.to_owned(),
                job: job.name.to_string(),
                help: remedy(&folder, &there, label),
            });
        }
        let same = labels.entry(name.to_owned()).or_default();
        if !same.contains(&job.runs_on) {
            same.push(job.runs_on.clone());
        }
    }
    labels.into_iter().map(|(name, labels)| verified(&folder.join(name), labels)).collect()
}

/// Where images are unless the command line says otherwise.
fn folder(options: &Options) -> Result<PathBuf, RunError> {
    let given = options.images.clone();
    let data = || {
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
        std::env::var_os("XDG_DATA_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(home)
    };
    let folder = given.or_else(|| Some(data()?.join("solstice/images")));
    let folder = folder.unwrap_or_else(|| PathBuf::from("/usr/local/share/solstice/images"));
    std::path::absolute(&folder).map_err(RunError::io("find", folder))
}

/// The images of a folder, by name; none if there is no folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let images = entries.filter(|entry| entry.path().join("image.lock").is_file());
    let mut names: Vec<String> =
        images.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn remedy(folder: &Path, there: &[String], label: &str) -> String {
    let folder = folder.display();
    match there {
        [] => format!(
            "{folder} has no image; say with --images where they are, or make one: \
             cargo xtask images build linux-mini"
        ),
        [first, ..] => format!(
            "{folder} has {}; name the one that is meant: --label {label}={first}",
            there.join(", ")
        ),
    }
}

fn verified(folder: &Path, labels: Vec<Label>) -> Result<LocalImage, RunError> {
    let path = Utf8PathBuf::from_path_buf(folder.join("image.lock"))
        .map_err(|path| RunError::Path { path })?;
    let broken = |source| RunError::Image { folder: folder.to_owned(), source };
    let (lock, digest) = Lock::read_with_digest(path).map_err(broken)?;
    Ok(LocalImage { image: lock.verify().map_err(broken)?, digest, labels })
}
