//! The laws of the seam, against a forge that judges every request by the
//! description of its API, once Forgejo's and once Gitea's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

mod forgejo {
    use solstice_testbed::forge::Flavour;

    solstice_forge::conformance_suite!(crate::world::Forgejo::new(Flavour::Forgejo));
}

mod gitea {
    use solstice_testbed::forge::Flavour;

    solstice_forge::conformance_suite!(crate::world::Forgejo::new(Flavour::Gitea));
}
