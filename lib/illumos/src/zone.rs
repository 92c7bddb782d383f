//! Zones: their configuration, life and console.
//!
//! Argument vectors are made by the crate `zone` where it is right; see
//! docs/adr/0008-zones-over-the-zone-crate.md for where it is not.
//!
//! Source: zonecfg(8), zoneadm(8), zlogin(1), bhyve(7) of OmniOS;
//! illumos-gate usr/src/cmd/{zonecfg,zoneadm,zoneadmd,zlogin}.

mod cause;
mod config;
mod life;
mod list;
mod name;

pub use ::zone::State;
pub use config::{Mount, ZoneConfig, attributes, configure, delete};
pub use life::{boot, console_command, halt_by_force, install, uninstall};
pub use list::{Zone, Zones, find, list};
pub use name::ZoneName;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_argument_vector_is_the_recorded_one() {
        let name: ZoneName = "solstice-j1".parse().unwrap();
        let commands = [
            config::delete_command(&name),
            config::export_command(&name),
            list::list_command(),
            list::find_command(&name),
            life::install_command(&name),
            life::boot_command(&name),
            life::halt_command(&name),
            life::kill_command(&name),
            life::uninstall_command(&name),
        ];
        crate::golden::check("zone", &commands);
        assert_eq!(
            console_command(&name).to_string(),
            "/usr/bin/pfexec /usr/sbin/zlogin -C -d -E solstice-j1"
        );
    }
}
