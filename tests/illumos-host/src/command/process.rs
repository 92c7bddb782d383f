//! Processes: ctrun(1) and pkill(1).

mod ctrun;
mod pkill;

pub use ctrun::ctrun;
pub use pkill::pkill;
