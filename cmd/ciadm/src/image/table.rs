//! The list of images.

use serde::Serialize;
use solstice_golden::Golden;
use solstice_image::Stored;

use super::import::bytes;
use super::{Place, mark};
use crate::failure::Failure;

/// A version as JSON.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    version: &'a str,
    current: bool,
    sha256: String,
    bytes: u64,
    disk_bytes: Option<u64>,
    /// The golden snapshot; absent if the image is not in the pool, or no pool was named.
    golden: Option<String>,
    machines: usize,
}

/// Prints every version of every image.
pub(crate) async fn list(place: &Place, json: bool) -> Result<(), Failure> {
    let stored = place.folder.store().list()?;
    let golden = match place.pool()? {
        Some(pool) => pool.list().await?,
        None => Vec::new(),
    };
    let lines = stored.iter().map(|stored| line(stored, &golden));
    if json {
        let lines: Vec<_> = lines.collect();
        println!("{}", serde_json::to_string_pretty(&lines).expect("lines can be written"));
        return Ok(());
    }
    for line in lines {
        let size = bytes(line.disk_bytes.unwrap_or(line.bytes));
        let pool = match (&place.dataset, &line.golden) {
            (None, _) => String::new(),
            (Some(_), None) => "  not imported".to_owned(),
            (Some(_), Some(_)) => format!("  imported, {} machines", line.machines),
        };
        println!("{:<20} {}  {size:>10}{pool}{}", line.name, line.version, mark(line.current));
    }
    Ok(())
}

fn line<'a>(stored: &'a Stored, golden: &[Golden]) -> Line<'a> {
    let disk = &stored.lock.files.disk;
    let found = golden.iter().find(|golden| golden.digest == disk.sha256);
    Line {
        name: stored.lock.name.as_str(),
        version: &stored.version,
        current: stored.current,
        sha256: disk.sha256.to_string(),
        bytes: disk.bytes,
        disk_bytes: disk.virtual_bytes,
        golden: found.map(|golden| golden.snapshot.to_string()),
        machines: found.map_or(0, |golden| golden.clones.len()),
    }
}
