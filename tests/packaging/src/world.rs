//! Everything that the rules look at, read once.

use std::collections::BTreeMap;

use crate::ips::{Action, Package};
use crate::method::Script;
use crate::problem::Problem;
use crate::rbac::Rbac;
use crate::smf::Service;
use crate::tree::Tree;

/// The files of `smf/` and `ips-pkg/`, and what of the rest they refer to.
pub struct World {
    pub(crate) tree: Tree,
    pub(crate) services: Vec<Service>,
    /// By their paths in the tree.
    pub(crate) scripts: BTreeMap<String, Script>,
    pub(crate) packages: Vec<Package>,
    pub(crate) rbac: Rbac,
    /// The version that the Makefile gives the packages.
    pub(crate) version: String,
}

/// Where the functions are that methods share, once installed.
pub(crate) const INCLUDE: &str = "/lib/svc/share/solstice_include.sh";

impl World {
    /// Reads everything.
    ///
    /// # Errors
    ///
    /// The first file that is missing or cannot be parsed.
    pub fn read(tree: Tree) -> Result<Self, Problem> {
        let mut services = Vec::new();
        for file in tree.files("smf", ".xml")? {
            services.push(Service::parse(&file, &tree.text(&file)?)?);
        }
        let mut scripts = BTreeMap::new();
        for folder in ["smf/method", "smf/share"] {
            for file in tree.files(folder, "")? {
                let script = Script::read(&tree, &file)?;
                scripts.insert(file, script);
            }
        }
        let makefile = tree.text("ips-pkg/Makefile")?;
        let variable = |name: &str| {
            let mut values = makefile.lines().filter_map(|line| line.strip_prefix(name));
            let value = values.find_map(|rest| rest.strip_prefix('=')).map(str::trim);
            value.ok_or_else(|| Problem::new("ips-pkg/Makefile", format!("does not set {name}")))
        };
        let (prefix, version) = (variable("PREFIX")?, variable("VERSION")?);
        let macros = [("PREFIX", prefix), ("VERSION", version)];
        let mut packages = Vec::new();
        for file in tree.files("ips-pkg", ".p5m")? {
            packages.push(Package::parse(&file, &tree.text(&file)?, &macros)?);
        }
        let rbac = Rbac::read(&tree)?;
        let version = version.to_owned();
        Ok(Self { tree, services, scripts, packages, rbac, version })
    }

    /// The first action of any package that delivers this path, which has no
    /// slash at its beginning.
    pub(crate) fn delivery(&self, path: &str) -> Option<(&Package, &Action)> {
        self.packages.iter().find_map(|package| {
            let mut actions = package.actions.iter();
            let found = actions.find(|action| action.get("path") == Some(path));
            found.map(|action| (package, action))
        })
    }

    /// The package that delivers a file of the tree.
    pub(crate) fn package_of(&self, payload: &str) -> Option<&Package> {
        let delivers = |package: &&Package| {
            package.of("file").any(|action| action.payload.as_deref() == Some(payload))
        };
        self.packages.iter().find(delivers)
    }

    /// What is installed with a package: itself and what it requires of ours.
    pub(crate) fn installed_with<'a>(&'a self, package: &'a Package) -> Vec<&'a Package> {
        let mut found = vec![package];
        for name in package.requires() {
            found.extend(self.packages.iter().filter(|other| other.name() == name));
        }
        found
    }

    /// The script that a method executes, by the path where it is installed.
    pub(crate) fn script_at(&self, path: &str) -> Option<&Script> {
        let (_, action) = self.delivery(path.strip_prefix('/')?)?;
        self.scripts.get(action.payload.as_deref()?)
    }

    /// The script of a service's method with what it sources.
    pub(crate) fn scripts_of(&self, service: &Service) -> Vec<&Script> {
        let mut found: Vec<&Script> = Vec::new();
        for method in service.methods.values() {
            let path = method.exec.split(' ').next().unwrap_or_default();
            let Some(script) = self.script_at(path) else { continue };
            found.push(script);
            if script.sources(INCLUDE) {
                found.extend(self.script_at(INCLUDE));
            }
        }
        found.sort_by(|one, other| one.file.cmp(&other.file));
        found.dedup_by(|one, other| one.file == other.file);
        found
    }
}
