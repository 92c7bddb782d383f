//! `cargo xtask package`: is what goes to illumos right, as far as that can be
//! known on any computer? The rules are those of `tests/packaging`.

use crate::run::{Failure, Step};

/// Prints what was checked, what is wrong, and what only illumos can tell.
pub(crate) fn check() -> Result<(), Failure> {
    Step::cargo(["run", "--quiet", "--package", "solstice-packaging"]).run()
}
