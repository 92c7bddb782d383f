//! The portable archive format of cpio, `odc` (POSIX.1-1997, pax: cpio
//! interchange format). `newc`, today's usual one, is not what metadata-agent
//! looks for.

use crate::content::File;

/// Disks consist of whole blocks.
const BLOCK: usize = 512;

/// The largest number that six octal digits hold.
const LARGEST: usize = 0o777_777;

/// Makes an archive of these files, padded to whole blocks.
pub(crate) fn archive(files: &[File]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (index, file) in files.iter().enumerate() {
        append(&mut archive, index + 1, file.name, 0o100_000 | file.mode, &file.data);
    }
    append(&mut archive, 0, "TRAILER!!!", 0, &[]);
    archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    archive
}

/// Appends one member, owned by root and of no time.
fn append(archive: &mut Vec<u8>, inode: usize, name: &str, mode: u32, data: &[u8]) {
    assert!(inode <= LARGEST, "a seed has a handful of files");
    // Magic, device, inode, mode, user, group, links, special device, time,
    // length of the name with its final zero, size.
    let header = format!(
        "070707{:06o}{inode:06o}{mode:06o}{:06o}{:06o}{:06o}{:06o}{:011o}{:06o}{:011o}",
        0,
        0,
        0,
        1,
        0,
        0,
        name.len() + 1,
        data.len()
    );
    archive.extend_from_slice(header.as_bytes());
    archive.extend_from_slice(name.as_bytes());
    archive.push(0);
    archive.extend_from_slice(data);
}
