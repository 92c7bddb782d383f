//! Downloading a disk into the store.

use indicatif::{ProgressBar, ProgressStyle};
use solstice_image::{Download, FetchError, FetchProgress, Patience, Store};

use super::{Disk, tell};
use crate::failure::Failure;

/// Downloads a disk, or the rest of one, and locks it. Does nothing if its
/// version is in the store already.
pub(crate) fn fetch(store: &Store, disk: Disk, url: String, max_bytes: u64) -> Result<(), Failure> {
    let download = Download {
        url,
        sha256: disk.sha256,
        folder: store.downloads(),
        max_bytes,
        patience: Patience::default(),
    };
    if let Ok(stored) = store.find(&disk.name, Some(&Store::version_of(disk.sha256))) {
        // What a command left that was killed at its very end.
        match download.forget() {
            Err(FetchError::Busy(_)) | Ok(()) => {}
            Err(error) => return Err(error.into()),
        }
        tell(&stored);
        return Ok(());
    }
    let bar = ProgressBar::no_length().with_style(style(false));
    let fetched = download.run(&mut |progress| show(&bar, progress));
    bar.finish_and_clear();
    let fetched = fetched?;
    let stored = store.add(&disk.at(fetched.path.clone())?)?;
    fetched.discard()?;
    tell(&stored);
    Ok(())
}

/// Moves the bar, which is on standard error and only where that is a terminal.
fn show(bar: &ProgressBar, progress: FetchProgress) {
    if bar.length() != progress.total {
        match progress.total {
            Some(total) => bar.set_length(total),
            None => bar.unset_length(),
        }
        bar.set_style(style(progress.total.is_some()));
        // What was there before is not part of the speed.
        bar.set_position(progress.done);
        bar.reset_eta();
    }
    bar.set_position(progress.done);
}

fn style(known: bool) -> ProgressStyle {
    let template = if known {
        "{bar:30} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left"
    } else {
        "{spinner} {binary_bytes}, {binary_bytes_per_sec}"
    };
    ProgressStyle::with_template(template).expect("the templates are well formed")
}
