//! The laws of the seam.

solstice_forge::conformance_suite!(crate::world::GitHub::new());
