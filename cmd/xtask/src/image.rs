//! `cargo xtask images`: making the golden images, comparing them with their
//! locks, and booting them. The one place that knows the recipes.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand, ValueEnum};

use crate::run::{Failure, Step, root, target};
use crate::{build, setup};

/// Make, check and try the golden images.
#[derive(Args)]
pub(crate) struct Images {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make the images that are not up to date
    Build(Names),
    /// Compare every file of the images with their locks
    Verify(Names),
    /// Write an image's locks anew, after a change of its files that was meant
    Lock {
        /// The image
        name: Image,
    },
    /// Boot debian-12 by a BIOS and by UEFI, and take the agent from a seed by cloud-init
    Test,
}

/// Some of the images.
#[derive(Args)]
struct Names {
    /// The images; all of them if none is named
    names: Vec<Image>,
}

/// A golden image.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Image {
    /// A kernel and a disk, for a hypervisor that loads kernels
    LinuxMini,
    /// The same as a disk that boots by itself
    LinuxMiniDisk,
    /// Debian 12 for daily work; only root can make it
    #[value(name = "debian-12")]
    Debian12,
    /// The same without the agent and with cloud-init, as stock images are
    #[value(name = "debian-12-cloud")]
    Debian12Cloud,
}

/// How an image is made.
struct Recipe {
    /// The folder of the recipe, below `images`.
    folder: &'static str,
    /// What the recipe is told besides.
    option: Option<&'static str>,
    /// Whether the agent is in the image.
    with_agent: bool,
    /// The locks that the recipe writes.
    locks: &'static [&'static str],
}

impl Image {
    fn name(self) -> &'static str {
        match self {
            Image::LinuxMini => "linux-mini",
            Image::LinuxMiniDisk => "linux-mini-disk",
            Image::Debian12 => "debian-12",
            Image::Debian12Cloud => "debian-12-cloud",
        }
    }

    fn recipe(self) -> Recipe {
        let (folder, option, with_agent, locks): (_, _, _, &[_]) = match self {
            Image::LinuxMini => ("linux-mini", None, true, &["image.lock"]),
            Image::LinuxMiniDisk => ("linux-mini", Some("--disk"), true, &["image.lock"]),
            Image::Debian12 => ("debian-12", None, true, &["image.lock", "uefi.lock"]),
            Image::Debian12Cloud => {
                ("debian-12", Some("--cloud-init"), false, &["image.lock", "uefi.lock"])
            }
        };
        Recipe { folder, option, with_agent, locks }
    }

    /// Where the image is, or will be.
    fn folder(self) -> Utf8PathBuf {
        target().join("images").join(self.name())
    }

    /// Makes the image if it is not up to date. Returns its folder.
    pub(crate) fn build(self) -> Result<Utf8PathBuf, Failure> {
        let Recipe { folder, option, with_agent, .. } = self.recipe();
        let out = self.folder();
        let recipe = root().join("images").join(folder).join("build");
        let mut arguments = vec!["--out".to_owned(), out.to_string()];
        if with_agent {
            arguments.extend(["--agent".to_owned(), build::agent()?.into_string()]);
        }
        arguments.extend(option.map(str::to_owned));
        Step::new(recipe.as_str(), arguments).run()?;
        Ok(out)
    }

    /// Lets `ciadm image` do something with each of the image's locks.
    fn each_lock(self, words: &[&str]) -> Result<(), Failure> {
        for lock in self.recipe().locks {
            let lock = self.folder().join(lock);
            if !lock.exists() {
                let name = self.name();
                return Err(Failure::Needs(format!(
                    "there is no {lock}; type: cargo xtask images build {name}"
                )));
            }
            let run = ["run", "--quiet", "--package", "ciadm", "--", "image"];
            Step::cargo(run.iter().chain(words).copied().chain([lock.as_str()])).run()?;
        }
        Ok(())
    }
}

impl Names {
    fn each(self, act: impl Fn(Image) -> Result<(), Failure>) -> Result<(), Failure> {
        let all = if self.names.is_empty() { Image::value_variants() } else { &self.names };
        all.iter().try_for_each(|image| act(*image))
    }
}

impl Images {
    /// Does what was said.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.verb {
            Verb::Build(names) => {
                setup::for_images()?;
                names.each(|image| image.build().map(|_| ()))
            }
            Verb::Verify(names) => names.each(|image| image.each_lock(&["verify", "--lock"])),
            Verb::Lock { name } => name.each_lock(&["relock"]),
            Verb::Test => test(),
        }
    }
}

/// Runs the tests that boot what only root can make, and so are left out otherwise.
fn test() -> Result<(), Failure> {
    setup::for_images()?;
    let debian = Image::Debian12.build()?;
    let cloud = Image::Debian12Cloud.build()?;
    let agent = build::agent()?;
    let tests = ["test", "--package", "solstice-agent", "--test", "agent"];
    Step::cargo(tests.into_iter().chain(["debian::", "--", "--ignored", "--test-threads=1"]))
        .env("SOLSTICE_TEST_DEBIAN_IMAGE", debian.as_str())
        .env("SOLSTICE_TEST_CLOUD_IMAGE", cloud.as_str())
        .env("SOLSTICE_TEST_GUEST_AGENT", agent.as_str())
        .run()
}
