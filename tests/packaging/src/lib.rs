//! Checks of what is delivered to illumos: SMF manifests and methods (`smf/`),
//! IPS manifests and RBAC fragments (`ips-pkg/`), against each other, against
//! the programs, and against the rules of illumos that can be written down.
//!
//! What only an illumos computer can check is listed in [`ELSEWHERE`]; nothing
//! of it is claimed here.
//!
//! ```no_run
//! use solstice_packaging::{CHECKS, Tree, World};
//!
//! let world = World::read(Tree::at("/home/me/solstice".into())).expect("files that can be parsed");
//! for check in CHECKS {
//!     for problem in (check.run)(&world) {
//!         println!("{problem}");
//!     }
//! }
//! ```

mod dtd;
mod ips;
mod ips_rules;
mod method;
mod problem;
mod rbac;
mod rbac_rules;
mod smf;
mod smf_rules;
mod system;
mod template_rules;
mod tree;
mod world;

pub use problem::Problem;
pub use tree::Tree;
pub use world::World;

/// One rule, or a few that belong together.
pub struct Check {
    /// What holds if it finds nothing.
    pub title: &'static str,
    /// Finds what is wrong.
    pub run: fn(&World) -> Vec<Problem>,
}

const fn check(title: &'static str, run: fn(&World) -> Vec<Problem>) -> Check {
    Check { title, run }
}

/// All that is checked.
pub const CHECKS: &[Check] = &[
    check("SMF manifests are valid by illumos' own DTD", dtd::valid),
    check("instances wait to be enabled", smf_rules::instances),
    check(
        "dependencies name services that exist, each known from its source",
        smf_rules::dependencies,
    ),
    check("methods exist, are called rightly and have time", smf_rules::methods),
    check("the way of running fits the methods", smf_rules::durations),
    check("a drain has its time within that of the stop method", smf_rules::drain_time),
    check("users and groups of methods are delivered", smf_rules::credentials),
    check("privileges of methods are as decided", smf_rules::privileges),
    check("authorizations that manifests name exist", smf_rules::authorizations),
    check("properties: set, described and read, each of them", template_rules::templates),
    check("methods use exit statuses that SMF defines", smf_rules::exits),
    check("methods and manifests name nothing that is not delivered", smf_rules::references),
    check("RBAC fragments are well formed and name what exists", rbac_rules::fragments),
    check("the profile covers the commands of lib/illumos, and nothing else", rbac_rules::commands),
    check("security.md explains every command of the profile", rbac_rules::explained),
    check("packages describe themselves", ips_rules::descriptions),
    check("actions and their attributes are of the known kinds", ips_rules::actions),
    check("everything that a package delivers exists here", ips_rules::payloads),
    check("modes and owners are sane and known", ips_rules::modes),
    check("no path is delivered twice, every directory once", ips_rules::paths),
    check("services and fragments have their actuators", ips_rules::actuators),
    check("packages depend on packages that are named rightly", ips_rules::depends),
    check("users and groups are well formed", ips_rules::users),
    check("configuration is preserved and not for everybody", ips_rules::configuration),
];

/// What only an illumos computer can check, and how.
pub const ELSEWHERE: &[&str] = &[
    "svccfg validate smf/*.xml: against the templates of the framework itself",
    "pkgdepend resolve: the packages of the libraries that the programs are linked with",
    "pkglint: ELF files, and clashes with the packages of the distribution",
    "pkg install -nv, then pkg verify: that users, groups and actuators work",
    "svcadm enable, refresh, disable: startd itself, contracts, privileges in effect",
    "profiles -l solstice; pfexec of each command: that the profile is enough",
];
