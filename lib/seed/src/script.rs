//! The script that installs and starts the agent in a guest.
//!
//! It is one text for every guest, [`script/seed.sh`], with values in place of
//! words between `@`. The values were checked to have no character that means
//! anything to a shell between single quotes, and no `@`.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::{Network, Seed};

const SCRIPT: &str = include_str!("script/seed.sh");
const RUN: &str = include_str!("script/run.sh");
const MANIFEST: &str = include_str!("script/agent.xml");

/// The line behind which the agent's program is.
const MARK: &str = "#solstice-agent:";

/// Columns of base64, as RFC 2045 has them: every decoder takes such lines.
const COLUMNS: usize = 76;

/// Who gives the guest its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Addressing {
    /// Somebody did before the script runs.
    Done,
    /// The script, by illumos' ipadm(8).
    Ipadm,
}

/// The script of this seed, with the agent's program at its end if the seed carries one.
pub(crate) fn text(seed: &Seed<'_>, addressing: Addressing) -> Vec<u8> {
    let Network { mac, address, prefix, gateway } = seed.network;
    let addressing = match addressing {
        Addressing::Done => "done",
        Addressing::Ipadm => "ipadm",
    };
    let values = [
        ("@instance@", seed.instance.to_owned()),
        ("@words@", crate::content::words(seed).trim_end().to_owned()),
        ("@addressing@", addressing.to_owned()),
        // dladm(8) writes no leading zeros.
        ("@mac@", mac.map(|byte| format!("{byte:x}")).join(":")),
        ("@address@", format!("{address}/{prefix}")),
        ("@gateway@", gateway.map(|to| to.to_string()).unwrap_or_default()),
        ("@agent@", seed.agent.map_or("in the image", |_| "enclosed").to_owned()),
        ("@run@\n", RUN.to_owned()),
        ("@manifest@\n", MANIFEST.to_owned()),
    ];
    let script =
        values.iter().fold(SCRIPT.to_owned(), |text, (name, value)| text.replacen(name, value, 1));
    let mut script = script.into_bytes();
    if let Some(agent) = seed.agent {
        append(&mut script, agent);
    }
    script
}

/// Appends a program as compressed text.
fn append(script: &mut Vec<u8>, program: &[u8]) {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    let packed = packer.write_all(program).and_then(|()| packer.finish());
    let text = STANDARD.encode(packed.expect("a Vec takes everything"));
    script.extend_from_slice(format!("{MARK}\n").as_bytes());
    for line in text.as_bytes().chunks(COLUMNS) {
        script.extend_from_slice(line);
        script.push(b'\n');
    }
}
