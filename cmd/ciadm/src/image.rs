//! `ciadm image`: the golden images of a host.

mod collect;
mod fetch;
mod import;
mod table;

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, Subcommand, ValueEnum};
use solstice_golden::Pool;
use solstice_illumos::zfs::Dataset;
use solstice_image::{Firmware, Lock, NewImage, Published, Renewed, SeedFormat, Store, Stored};
use solstice_model::{ImageName, Sha256Digest};

use crate::failure::Failure;

/// Where the images are, unless the command line says otherwise.
const STORE: &str = "/var/lib/solstice-images";

/// What to do with images.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show the versions of every image
    List {
        #[command(flatten)]
        place: Place,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a disk that somebody else made into the store, as it is
    ///
    /// The digest comes from whoever published the disk; another one is refused.
    Lock {
        #[command(flatten)]
        place: Folder,
        #[command(flatten)]
        disk: Disk,
        /// Its file
        #[arg(long = "disk", value_name = "FILE")]
        file: Utf8PathBuf,
    },
    /// Download a disk that somebody publishes, and take it into the store
    ///
    /// What was cut off, or killed, goes on where it was when the same command is
    /// given again. The digest comes from whoever published the disk; of another
    /// file nothing is kept.
    Fetch {
        #[command(flatten)]
        place: Folder,
        #[command(flatten)]
        disk: Disk,
        /// Where the disk is: http:// or https://
        url: String,
        /// The largest file that is taken, in GiB
        #[arg(long, value_name = "GIB", default_value_t = 64,
              value_parser = clap::value_parser!(u64).range(1..=2048))]
        max_gib: u64,
    },
    /// Bring an image's disk into the ZFS pool; needs root
    ///
    /// It is streamed, zeros are left out, and an import that was cut off goes on
    /// where it was. It becomes golden only if every byte is the locked one.
    Import {
        #[command(flatten)]
        place: Folder,
        /// The host's ZFS dataset; the volume will be in DATASET/images
        #[arg(long, value_name = "DATASET")]
        dataset: Dataset,
        /// The image's name
        #[arg(required_unless_present = "lock")]
        name: Option<ImageName>,
        /// The version, as `list` shows it; may be left out if there is one
        version: Option<String>,
        /// The lock of an image that is in no store
        #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "version"])]
        lock: Option<Utf8PathBuf>,
    },
    /// Compare every file of an image, and its golden volume, with its lock
    Verify {
        #[command(flatten)]
        place: Place,
        /// The image's name
        #[arg(required_unless_present = "lock")]
        name: Option<ImageName>,
        /// The version, as `list` shows it; may be left out if there is one
        version: Option<String>,
        /// The lock of an image that is in no store
        #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "version"])]
        lock: Option<Utf8PathBuf>,
    },
    /// Write down anew what the files of a lock are, after a change that was meant
    ///
    /// For images that are in no store: there, a changed disk is a new version.
    Relock {
        /// The lock
        lock: Utf8PathBuf,
    },
    /// Make a version the one that hosts use
    Promote {
        #[command(flatten)]
        place: Folder,
        #[command(flatten)]
        which: Which,
    },
    /// Remove versions that are not current, unless machines live on them
    Gc {
        #[command(flatten)]
        place: Place,
        /// Only say what would be removed
        #[arg(long)]
        dry_run: bool,
    },
}

/// The folder of images.
#[derive(Debug, Args)]
pub(crate) struct Folder {
    /// The folder of the images
    #[arg(long, value_name = "DIR", default_value = STORE)]
    store: Utf8PathBuf,
}

/// Where images are: in the folder, and in the pool if one is named.
#[derive(Debug, Args)]
pub(crate) struct Place {
    #[command(flatten)]
    folder: Folder,
    /// The host's ZFS dataset; golden volumes are in DATASET/images
    #[arg(long, value_name = "DATASET")]
    dataset: Option<Dataset>,
}

/// One version of one image.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The image's name
    name: ImageName,
    /// The version, as `list` shows it; may be left out if there is one
    version: Option<String>,
}

/// A disk to be locked.
#[derive(Debug, Args)]
pub(crate) struct Disk {
    /// The name to give it
    #[arg(long)]
    name: ImageName,
    /// The digest that its maker published: 64 hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = digest)]
    sha256: Sha256Digest,
    /// How the disk is written into the file; found out if left out
    #[arg(long)]
    format: Option<Format>,
    /// Which firmware starts it
    #[arg(long)]
    firmware: FirmwareKind,
    /// What its guest reads to learn who it is
    #[arg(long, default_value = "no_cloud")]
    seed: SeedKind,
    /// The agent's program for that guest, if the disk has none
    #[arg(long, value_name = "FILE")]
    agent: Option<Utf8PathBuf>,
}

/// The formats, as they are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Raw,
    #[value(name = "raw.zst")]
    RawZst,
    Qcow2,
    #[value(name = "qcow2.zst")]
    Qcow2Zst,
}

/// The kinds of firmware, as they are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FirmwareKind {
    Bios,
    Uefi,
}

/// The forms of a seed, as they are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SeedKind {
    #[value(name = "no_cloud")]
    NoCloud,
    #[value(name = "metadata_agent")]
    MetadataAgent,
}

/// Does it.
pub(crate) async fn run(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::List { place, json } => table::list(&place, json).await,
        Verb::Lock { place, disk, file } => lock(&place.store(), disk, file),
        Verb::Fetch { place, disk, url, max_gib } => {
            fetch::fetch(&place.store(), disk, url, max_gib << 30)
        }
        Verb::Import { place, dataset, name, version, lock } => {
            let lock = place.lock(lock, name, version)?;
            import::import(&Pool::of(&dataset)?, &lock).await
        }
        Verb::Verify { place, name, version, lock } => {
            let lock = place.folder.lock(lock, name, version)?;
            import::verify(place.pool()?.as_ref(), &lock).await
        }
        Verb::Relock { lock } => relock(&lock),
        Verb::Promote { place, which } => promote(&place.store(), &which),
        Verb::Gc { place, dry_run } => collect::collect(&place, dry_run).await,
    }
}

fn lock(store: &Store, disk: Disk, file: Utf8PathBuf) -> Result<(), Failure> {
    tell(&store.add(&disk.at(file)?)?);
    Ok(())
}

/// Says which version of an image there is now.
fn tell(stored: &Stored) {
    println!("{} {}{}", stored.lock.name, stored.version, mark(stored.current));
}

fn promote(store: &Store, which: &Which) -> Result<(), Failure> {
    let stored = which.find(store)?;
    store.promote(&stored.lock.name, &stored.version)?;
    println!("{} {} (current)", stored.lock.name, stored.version);
    println!("Orchestrators use it from their next start on.");
    Ok(())
}

fn relock(path: &Utf8Path) -> Result<(), Failure> {
    for Renewed { path, from, to } in solstice_image::renew(path)? {
        println!("{path} was {from}, is {to}");
    }
    println!("{path} is what its files are");
    Ok(())
}

fn mark(current: bool) -> &'static str {
    if current { " (current)" } else { "" }
}

fn digest(text: &str) -> Result<Sha256Digest, String> {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    format!("sha256:{}", hex.to_ascii_lowercase())
        .parse()
        .map_err(|_| "it is not 64 hexadecimal digits".to_owned())
}

impl Folder {
    fn store(&self) -> Store {
        Store::at(self.store.clone())
    }

    /// The lock that a file is, or that a version in the store has.
    fn lock(
        &self,
        file: Option<Utf8PathBuf>,
        name: Option<ImageName>,
        version: Option<String>,
    ) -> Result<Lock, Failure> {
        match (file, name) {
            (Some(path), _) => Ok(Lock::read(path)?),
            (None, Some(name)) => Ok(self.store().find(&name, version.as_deref())?.lock),
            (None, None) => unreachable!("clap asks for one of them"),
        }
    }
}

impl Place {
    fn pool(&self) -> Result<Option<Pool>, Failure> {
        Ok(self.dataset.as_ref().map(Pool::of).transpose()?)
    }
}

impl Which {
    fn find(&self, store: &Store) -> Result<Stored, Failure> {
        Ok(store.find(&self.name, self.version.as_deref())?)
    }
}

impl Disk {
    /// As what the file that was found at this place is locked.
    fn at(self, file: Utf8PathBuf) -> Result<NewImage, Failure> {
        Ok(NewImage {
            format: match self.format {
                Some(Format::Raw) => Published::Raw,
                Some(Format::RawZst) => Published::RawZstd,
                Some(Format::Qcow2) => Published::Qcow2,
                Some(Format::Qcow2Zst) => Published::Qcow2Zstd,
                None => Published::of(&file)?,
            },
            name: self.name,
            disk: file,
            sha256: self.sha256,
            firmware: match self.firmware {
                FirmwareKind::Bios => Firmware::Bios,
                FirmwareKind::Uefi => Firmware::Uefi,
            },
            seed: match self.seed {
                SeedKind::NoCloud => SeedFormat::NoCloud,
                SeedKind::MetadataAgent => SeedFormat::MetadataAgent,
            },
            agent: self.agent,
        })
    }
}
