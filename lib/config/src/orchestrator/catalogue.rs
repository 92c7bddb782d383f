//! The images that a host offers, and the sizes of its machines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use solstice_kdl::{Problem, Reader, Refusal, Value, nearest, quoted, value};
use solstice_model::{ImageName, Label, SizeName};

use super::{capacity, duration_between, path_from};

const MIB: u64 = 1024 * 1024;

/// How large a machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeConfig {
    /// Virtual processors.
    pub cpus: u8,
    /// Memory, in MiB.
    pub memory_mib: u32,
    /// Size of the root disk, in MiB.
    pub disk_mib: u32,
}

/// A golden image and how its machines are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageConfig {
    /// Its name; the lock must have the same.
    pub name: ImageName,
    /// Its lock file.
    pub lock: PathBuf,
    /// What jobs ask for to get it; at least one.
    pub labels: Vec<Label>,
    /// The most machines of it at once, if fewer than of all images together.
    pub capacity: Option<u32>,
    /// How large its machines are.
    pub size: SizeConfig,
    /// How long its agent may take to report; the hypervisor's own limit if absent.
    pub boot_timeout: Option<Duration>,
}

/// The sizes by name.
pub(super) fn sizes(node: &mut Reader<'_>) -> BTreeMap<SizeName, Option<SizeConfig>> {
    let mut sizes = BTreeMap::new();
    for mut child in node.children("size") {
        let span = child.span();
        let name = child.required_arg("a name", value::parse::<SizeName>);
        let size = size(child);
        let Some(name) = name else { continue };
        let message = format!("there are two sizes named {}", quoted(name.as_str()));
        // A wrong size is known nevertheless: images that name it are not to blame.
        if sizes.insert(name, size).is_some() {
            node.report(Problem::new(span, message).label("again").help("remove one"));
        }
    }
    sizes
}

fn size(mut node: Reader<'_>) -> Option<SizeConfig> {
    let cpus = node.required_setting("cpus", |given| match value::integer::<u8>(given)? {
        0 => Err(Refusal::because("a machine needs at least one processor")),
        cpus => Ok(cpus),
    });
    let memory = node.required_setting("memory", |given| mebibytes(given, 64));
    let disk = node.required_setting("disk", |given| mebibytes(given, 1));
    node.finish();
    Some(SizeConfig { cpus: cpus?, memory_mib: memory?, disk_mib: disk? })
}

fn mebibytes(given: &Value, least: u64) -> Result<u32, Refusal> {
    let bytes = value::size(given)?;
    if bytes % MIB != 0 || bytes / MIB < least {
        return Err(Refusal::because(format!("it must be whole MiB, at least {least}"))
            .help("write for example \"512MiB\" or \"4GiB\""));
    }
    u32::try_from(bytes / MIB).map_err(|_| Refusal::because("no machine is that large"))
}

/// The images, each with its size looked up; names and labels are unique.
pub(super) fn images(
    node: &mut Reader<'_>,
    base: &Path,
    sizes: &BTreeMap<SizeName, Option<SizeConfig>>,
) -> Vec<ImageConfig> {
    let nodes = node.children("image");
    if nodes.is_empty() {
        let problem = Problem::new(node.span(), "no image is configured").label("add one here");
        node.report(
            problem.help("write image \"linux-mini\" { lock \"…/image.lock\"; size \"…\" }"),
        );
    }
    let (mut names, mut labels) = (BTreeSet::new(), BTreeSet::new());
    let mut images = Vec::new();
    for child in nodes {
        let span = child.span();
        let Some(image) = image(child, base, sizes) else { continue };
        let again = |message: String, help: &str| {
            node.report(Problem::new(span, message).label("again").help(help));
        };
        if !names.insert(image.name.clone()) {
            again(format!("there are two images named `{}`", image.name), "rename one");
        }
        for label in &image.labels {
            if !labels.insert(label.clone()) {
                let message = format!("the label `{label}` is offered twice");
                again(message, "a job that asks for it must get one certain image: remove one");
            }
        }
        images.push(image);
    }
    images
}

fn image(
    mut node: Reader<'_>,
    base: &Path,
    sizes: &BTreeMap<SizeName, Option<SizeConfig>>,
) -> Option<ImageConfig> {
    let name = node.required_arg("a name", value::parse::<ImageName>);
    let lock = node.required_setting("lock", |given| path_from(base, given));
    let labels = node.list("labels", value::parse::<Label>);
    let capacity = node.setting("capacity", capacity);
    let size = node.required_setting("size", |given| known_size(given, sizes));
    let boot_timeout = node.setting("boot_timeout", |given| {
        duration_between(given, Duration::from_secs(1), Duration::from_secs(3600))
    });
    node.finish();
    let name = name?;
    let labels = match labels {
        Some(labels) => labels,
        None => vec![name.as_str().parse().ok()?],
    };
    Some(ImageConfig { name, lock: lock?, labels, capacity, size: size??, boot_timeout })
}

fn known_size(
    given: &Value,
    sizes: &BTreeMap<SizeName, Option<SizeConfig>>,
) -> Result<Option<SizeConfig>, Refusal> {
    let name: SizeName = value::parse(given)?;
    if let Some(size) = sizes.get(&name) {
        return Ok(*size);
    }
    let name = name.as_str();
    let refusal = Refusal::because(format!("there is no size {}", quoted(name)));
    Err(match nearest(name, sizes.keys().map(SizeName::as_str)) {
        Some(meant) => refusal.help(format!("did you mean \"{meant}\"?")),
        None => refusal.help(format!("add size {name:?} cpus=1 memory=\"512MiB\" disk=\"4GiB\"")),
    })
}
