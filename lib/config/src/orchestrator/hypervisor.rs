//! Which hypervisor makes the machines.

use std::path::PathBuf;

use solstice_kdl::{Reader, Refusal, Value, nearest, value};

/// The hypervisors that can be configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HypervisorConfig {
    /// QEMU, started directly.
    Qemu(QemuSettings),
}

/// What there is to say about QEMU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QemuSettings {
    /// How guests' instructions are run.
    pub accelerator: Accelerator,
    /// The emulator; `/usr/bin/qemu-system-x86_64` if absent.
    pub qemu: Option<PathBuf>,
    /// `qemu-img`; `/usr/bin/qemu-img` if absent.
    pub qemu_img: Option<PathBuf>,
}

/// How guests' instructions are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// By KVM if a guest really makes progress on it, else by emulation.
    Auto,
    /// By KVM; unusable where that does not work.
    Kvm,
    /// By emulation (QEMU's TCG).
    Tcg,
}

pub(super) fn hypervisor(mut node: Reader<'_>) -> Option<HypervisorConfig> {
    node.required_arg("a kind", |given| one_of(given, "hypervisors of kind", &[("qemu", ())]));
    let accelerator = node.setting("accelerator", |given| {
        use Accelerator::{Auto, Kvm, Tcg};
        one_of(given, "accelerators named", &[("auto", Auto), ("kvm", Kvm), ("tcg", Tcg)])
    });
    let qemu = node.setting("qemu", value::absolute_path);
    let qemu_img = node.setting("qemu_img", value::absolute_path);
    node.finish();
    let accelerator = accelerator.unwrap_or(Accelerator::Auto);
    Some(HypervisorConfig::Qemu(QemuSettings { accelerator, qemu, qemu_img }))
}

fn one_of<T: Copy>(given: &Value, what: &str, known: &[(&str, T)]) -> Result<T, Refusal> {
    let text = value::string(given)?;
    if let Some((_, found)) = known.iter().find(|(name, _)| *name == text) {
        return Ok(*found);
    }
    let refusal = Refusal::because(format!("{what} {text:?} are not known"));
    Err(match nearest(&text, known.iter().map(|(name, _)| *name)) {
        Some(meant) => refusal.help(format!("did you mean \"{meant}\"?")),
        None => {
            let names: Vec<_> = known.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            refusal.help(format!("write {}", names.join(" or ")))
        }
    })
}
