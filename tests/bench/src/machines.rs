//! How long a machine takes to be made and to be gone.

use std::time::{Duration, Instant};

use camino::Utf8Path;
use futures::future::try_join_all;
use solstice_hypervisor::Hypervisor as _;
use solstice_model::{JobName, JobSpec, Label};
use tokio::process::Command;

use crate::bare::Bare;
use crate::report::Section;
use crate::stats::Figure;
use crate::{Failure, Run};

const ABOUT: &str = "QEMU: making is the clone of the golden image's disk and everything until the \
emulator runs, and then, while the guest boots, the second for which one that prints nothing is \
watched for a sudden death; destroying ends a guest that is booting and leaves nothing. Beside \
them a full copy of the image's disk, which is what a clone saves, and `qemu-img create` alone, \
which is the least that a clone costs.";

/// Machines at once, where there are several.
const TOGETHER: usize = 8;

pub(crate) async fn measure(run: &Run) -> Result<Section, Failure> {
    let folder = tempfile::Builder::new().prefix("solstice-").tempdir_in("/tmp")?;
    let folder = Utf8Path::from_path(folder.path()).ok_or("the temporary folder is not UTF-8")?;
    let spec = JobSpec {
        name: "a".parse::<JobName>()?,
        matrix: None,
        runs_on: "linux-mini".parse::<Label>()?,
        size: None,
        needs: Vec::new(),
        unmet: None,
        env: Default::default(),
        timeout_s: 60,
        retries: 0,
        continue_on_error: false,
        priority: 0,
        steps: Vec::new(),
        artifacts: Vec::new(),
    };
    let bare = Bare::open(run, folder, spec).await?;
    let (mut make, mut destroy, mut copy, mut create) =
        <(Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
    for _ in 0..run.pick(20, 2) {
        let machine = bare.machine();
        make.push(timed(bare.hypervisor.ensure(&machine)).await?);
        destroy.push(timed(bare.hypervisor.destroy(machine.id)).await?);
        let disk = bare.image.disk.path.as_str();
        let target = folder.join("copy");
        copy.push(timed(command("cp", &["--reflink=never", disk, target.as_str()])).await?);
        let backed = ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", disk, target.as_str()];
        create.push(timed(command("qemu-img", &backed)).await?);
    }
    let together: Vec<_> = (0..TOGETHER).map(|_| bare.machine()).collect();
    let all = timed(try_join_all(together.iter().map(|it| bare.hypervisor.ensure(it)))).await?;
    let gone =
        timed(try_join_all(together.iter().map(|it| bare.hypervisor.destroy(it.id)))).await?;
    let mut section = Section::new("Machines", ABOUT);
    let (copy, create) = (Figure::of_times(&copy), Figure::of_times(&create));
    section.beside("make", Figure::of_times(&make), "copy of the disk", copy);
    section.beside("make", Figure::of_times(&make), "`qemu-img create` alone", create);
    section.beside("destroy", Figure::of_times(&destroy), "`qemu-img create` alone", create);
    let each = |all: Duration| Figure::of_times(&[all / u32::try_from(TOGETHER).unwrap_or(1)]);
    section.beside("make 8 at once, each", each(all), "one alone", Figure::of_times(&make));
    section.beside("destroy 8 at once, each", each(gone), "one alone", Figure::of_times(&destroy));
    Ok(section)
}

async fn timed<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<Duration, Failure>
where
    E: Into<Failure>,
{
    let begun = Instant::now();
    work.await.map_err(Into::into)?;
    Ok(begun.elapsed())
}

async fn command(program: &str, arguments: &[&str]) -> Result<(), Failure> {
    let status = Command::new(program).args(arguments).status().await?;
    if status.success() { Ok(()) } else { Err(format!("{program} ended with {status}").into()) }
}
