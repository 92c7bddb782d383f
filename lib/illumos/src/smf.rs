//! The service management facility: states and properties of services.
//!
//! Source: svcs(1), svcprop(1), svcadm(8), svccfg(8).

use crate::error::IllumosError;

/// A service's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The state, such as `online` or `maintenance`.
    pub state: String,
    /// Whether it is on its way to another one.
    pub changing: bool,
    /// The full name of the instance.
    pub fmri: String,
}

/// The state of one instance.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`.
pub async fn status(fmri: &str) -> Result<Status, IllumosError> {
    let _ = fmri;
    todo!()
}

/// The values of `group/property`, of the running snapshot.
///
/// # Errors
///
/// [`IllumosError`]: `Absent` (instance, group or property).
pub async fn property(fmri: &str, property: &str) -> Result<Vec<String>, IllumosError> {
    let _ = (fmri, property);
    todo!()
}
