//! A FAT file system in memory.
