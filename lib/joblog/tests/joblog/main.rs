//! The logs through their public door, on real files.

mod crash;
mod fixture;
mod full;
mod paging;
mod records;
