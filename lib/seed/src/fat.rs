//! A FAT file system in memory, without a partition table.

use std::io::{Cursor, Write};

use fatfs::{Date, DateTime, FileSystem, FormatVolumeOptions, FsOptions, Time, TimeProvider};

use crate::check::SeedError;
use crate::content::File;

/// Lower case, though FAT knows none: metadata-agent compares exactly, and
/// cloud-init takes both.
const LABEL: [u8; 11] = *b"cidata     ";

/// Sizes are multiples of this.
const GRAIN: usize = 64 * 1024;

/// The clusters of a small file system, in bytes: at most 3,840 of them, which is FAT12.
const SMALL_CLUSTER: usize = 4096;
/// What counts as small. The jump keeps the number of clusters away from
/// 4,085 to 4,095, which illumos takes neither for FAT12 nor for FAT16
/// (usr/src/cmd/fs.d/pcfs/fstyp/fstyp.c).
const SMALL: usize = 15 * 1024 * 1024;
/// The clusters of a large one: more than 7,000 of them, which is FAT16.
const LARGE_CLUSTER: usize = 2048;

/// Entries in the root directory: the usual number.
const ROOT_ENTRIES: u16 = 512;

/// Makes a file system that is only as large as these files need.
///
/// # Errors
///
/// [`SeedError::Fat`] if the file system does not take them, which would be a bug.
pub(crate) fn image(volume: u32, files: &[File]) -> Result<Vec<u8>, SeedError> {
    write(volume, files).map_err(SeedError::Fat)
}

fn write(volume: u32, files: &[File]) -> std::io::Result<Vec<u8>> {
    let (bytes, cluster) = size(files);
    let mut disk = vec![0; bytes];
    let options = FormatVolumeOptions::new()
        .volume_id(volume)
        .volume_label(LABEL)
        .bytes_per_cluster(u32::try_from(cluster).expect("clusters are small"))
        .max_root_dir_entries(ROOT_ENTRIES);
    fatfs::format_volume(Cursor::new(&mut disk), options)?;

    let options = FsOptions::new().time_provider(&Epoch).update_accessed_date(false);
    let system = FileSystem::new(Cursor::new(&mut disk), options)?;
    for file in files {
        system.root_dir().create_file(file.name)?.write_all(&file.data)?;
    }
    system.unmount()?;
    Ok(disk)
}

/// The sizes of a file system for these files and of its clusters, in bytes.
fn size(files: &[File]) -> (usize, usize) {
    let small = size_with(files, SMALL_CLUSTER);
    if small <= SMALL {
        (small, SMALL_CLUSTER)
    } else {
        (size_with(files, LARGE_CLUSTER), LARGE_CLUSTER)
    }
}

fn size_with(files: &[File], cluster: usize) -> usize {
    let clusters: usize = files.iter().map(|file| file.data.len().div_ceil(cluster)).sum();
    // Two tables with at most two bytes per cluster, of whole sectors.
    let tables = 2 * (2 * (clusters + 2)).next_multiple_of(512);
    let fixed = 512 + usize::from(ROOT_ENTRIES) * 32;
    // What is rounded up becomes free clusters, and those need room in the tables.
    (fixed + tables + clusters * cluster + 1024).next_multiple_of(GRAIN)
}

/// The first moment that FAT can tell, for every time stamp.
#[derive(Debug)]
struct Epoch;

impl TimeProvider for Epoch {
    fn get_current_date(&self) -> Date {
        Date { year: 1980, month: 1, day: 1 }
    }

    fn get_current_date_time(&self) -> DateTime {
        let time = Time { hour: 0, min: 0, sec: 0, millis: 0 };
        DateTime { date: self.get_current_date(), time }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// Where clusters, tables and the kind of the file system change.
    #[test]
    fn files_of_any_size_are_read_back_and_no_illumos_wonders() {
        let around = [0, SMALL_CLUSTER, GRAIN, SMALL, 16 * 1024 * 1024, 23 * 1024 * 1024];
        for bytes in around.iter().flat_map(|at| [at.saturating_sub(60_000), *at, at + 1]) {
            let data: Vec<u8> = (0_u8..251).cycle().take(bytes).collect();
            let files = [("user-data", data.clone()), ("meta-data", vec![0; 90])];
            let files = files.map(|(name, data)| File { name, mode: 0, data });
            let image = image(7, &files).unwrap();
            assert!(image.len() <= bytes + bytes / 64 + 3 * GRAIN, "{bytes}: {}", image.len());

            let system = FileSystem::new(Cursor::new(image), FsOptions::new()).unwrap();
            let clusters = system.stats().unwrap().total_clusters();
            assert!(!(4085..=4095).contains(&clusters), "{bytes}: {clusters} clusters");
            let mut found = Vec::new();
            system.root_dir().open_file("user-data").unwrap().read_to_end(&mut found).unwrap();
            assert!(found == data, "{bytes}");
        }
    }
}
