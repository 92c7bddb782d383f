//! Importing and verifying.

use std::io::IsTerminal as _;

use solstice_golden::{Imported, Pool, Progress};
use solstice_image::Lock;

use crate::failure::Failure;

/// Brings an image into the pool, telling how far it is where somebody watches.
pub(crate) async fn import(pool: &Pool, lock: &Lock) -> Result<(), Failure> {
    let watched = std::io::stderr().is_terminal();
    let mut told = 0;
    let progress = move |progress: Progress| {
        let percent = progress.done * 100 / progress.total.max(1);
        if watched && percent != told {
            told = percent;
            eprint!("\r{percent} % of {}", bytes(progress.total));
        }
    };
    let imported = pool.import(lock, progress).await;
    if watched {
        eprintln!();
    }
    match imported? {
        Imported::Now(golden) => println!("{} is golden", golden.snapshot),
        Imported::Before(golden) => println!("{} was golden already", golden.snapshot),
    }
    Ok(())
}

/// Reads every file of an image, and looks whether its volume is golden.
pub(crate) async fn verify(pool: Option<&Pool>, lock: &Lock) -> Result<(), Failure> {
    let mut good = true;
    match lock.verify() {
        Ok(image) => println!("files    ok      {} is {}", image.disk.path, image.disk.sha256),
        Err(error) => {
            good = false;
            println!("files    WRONG   {}", solstice_log::chain(&error));
        }
    }
    if let Some(pool) = pool {
        match pool.find(&lock.files.disk.sha256).await? {
            Some(golden) => println!("volume   ok      {}", golden.snapshot),
            None => {
                good = false;
                println!("volume   WRONG   it is not in {}; import it", pool.images());
            }
        }
    }
    if good { Ok(()) } else { Err(Failure::Found) }
}

/// A size for people.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut rest = bytes;
    while rest >= 10 * 1024 && unit + 1 < UNITS.len() {
        rest /= 1024;
        unit += 1;
    }
    format!("{rest} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (size, text) in [
            (0, "0 B"),
            (10_239, "10239 B"),
            (10_240, "10 KiB"),
            (4 << 30, "4096 MiB"),
            (40 << 30, "40 GiB"),
            (u64::MAX, "16777215 TiB"),
        ] {
            assert_eq!(bytes(size), text);
        }
    }
}
