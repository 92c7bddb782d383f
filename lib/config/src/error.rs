//! Why a configuration cannot be used.

use std::path::PathBuf;

use solstice_kdl::Diagnostics;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration {}", path.display())]
    #[diagnostic(help("name another file with --config, or start from a sample in manifests/"))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Wrong(#[from] Diagnostics),
}
