//! Privileges of this process; see privileges(7).

/// What was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// These, by their names in privileges(7), from the permitted set.
    These(Vec<&'static str>),
    /// Nothing: this system has no privileges to drop.
    NotHere,
}

/// Drops for good what the orchestrator never needs itself, but for what the
/// programs that it executes get back from their profiles.
///
/// # Errors
///
/// If the system refuses.
pub fn drop_unneeded() -> std::io::Result<Dropped> {
    todo!()
}
