//! Guests of a few sectors: true programs to the machine that boots them, up in
//! the time that SeaBIOS needs.
//!
//! A disk begins with a boot sector (512 bytes in real mode at 0:0x7c00, the
//! drive's number in `dl`); the text follows from the second sector on and is
//! read by the BIOS (int 0x13, ah = 0x42). SeaBIOS itself prints nothing to COM1.

/// The longest text of a guest.
pub const MOST_TEXT: usize = 8 * 1024;

/// What a guest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guest {
    /// Prints its text and stays, deaf to everything.
    Talks,
    /// Prints its text and turns the machine off.
    PowersOff,
    /// Prints its text and resets the machine, so that it prints it again.
    Reboots,
    /// Prints its text, waits for the power button and turns the machine off.
    Obeys,
    /// Prints every byte that it is sent, after its text.
    Echoes,
    /// Stays without a word.
    Silent,
}

/// `cli; hlt; jmp -4`: stays, deaf.
const STAY: [u8; 4] = [0xfa, 0xf4, 0xeb, 0xfc];
/// Sleep type 5 (S5) and sleep enable, to PM1a_CNT of q35 as SeaBIOS lays it
/// out: `mov dx, 0x604; mov ax, 0x2000; out dx, ax`.
const POWER_OFF: [u8; 7] = [0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef];
/// A hard reset through the reset control register: `mov dx, 0xcf9; mov al, 6; out dx, al`.
const RESET: [u8; 6] = [0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee];
/// Enables the power button's event (PM1a_EN, bit 8) and waits for it (PM1a_STS, bit 8):
/// `mov dx, 0x602; mov ax, 0x100; out dx, ax; mov dx, 0x600; in ax, dx; test ah, 1; jz -6`.
const AWAIT_BUTTON: [u8; 16] = [
    0xba, 0x02, 0x06, 0xb8, 0x00, 0x01, 0xef, 0xba, 0x00, 0x06, 0xed, 0xf6, 0xc4, 0x01, 0x74, 0xfa,
];
/// Sends back what comes in: `mov dx, 0x3fd; in al, dx; test al, 1; jz -5; mov dx, 0x3f8;
/// in al, dx; out dx, al; jmp -15`.
const ECHO: [u8; 15] =
    [0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xfb, 0xba, 0xf8, 0x03, 0xec, 0xee, 0xeb, 0xf1];
/// Waits until COM1 has sent everything (line status, bit 6):
/// `mov dx, 0x3fd; in al, dx; test al, 0x40; jz -5`.
const DRAIN: [u8; 8] = [0xba, 0xfd, 0x03, 0xec, 0xa8, 0x40, 0x74, 0xfb];
/// Where the text is loaded, just behind the boot sector.
const TEXT_ADDRESS: u16 = 0x7e00;
/// The offset of the disk address packet in the boot sector.
const PACKET: usize = 0x1a0;
const SECTOR: usize = 512;

/// A bootable disk of 1 MiB with this guest, which prints `text`.
///
/// # Panics
///
/// If the text is longer than [`MOST_TEXT`].
pub fn disk(guest: Guest, text: &[u8]) -> Vec<u8> {
    assert!(text.len() <= MOST_TEXT, "a guest's text has at most {MOST_TEXT} bytes");
    let text: &[u8] = if guest == Guest::Silent { &[] } else { text };
    let mut disk = vec![0; 1024 * 1024];
    let code = code(guest, text.len());
    disk[..code.len()].copy_from_slice(&code);
    disk[PACKET..PACKET + 16].copy_from_slice(&packet());
    disk[SECTOR - 2..SECTOR].copy_from_slice(&[0x55, 0xaa]);
    disk[SECTOR..SECTOR + text.len()].copy_from_slice(text);
    disk
}

/// Reads [`MOST_TEXT`] bytes from the second sector to [`TEXT_ADDRESS`].
fn packet() -> [u8; 16] {
    let sectors = (MOST_TEXT / SECTOR).to_le_bytes();
    let [low, high] = TEXT_ADDRESS.to_le_bytes();
    [16, 0, sectors[0], sectors[1], low, high, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
}

#[rustfmt::skip] // An instruction or two per line.
fn code(guest: Guest, length: usize) -> Vec<u8> {
    let [packet_low, packet_high] = (0x7c00 + u16::try_from(PACKET).expect("small")).to_le_bytes();
    let [text_low, text_high] = TEXT_ADDRESS.to_le_bytes();
    let [length_low, length_high] = u16::try_from(length).expect("bounded").to_le_bytes();
    let mut code = vec![
        0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, // xor ax, ax; mov ds, ax; mov ss, ax
        0xbc, 0x00, 0x7c, 0xfc, // mov sp, 0x7c00; cld
        0xbe, packet_low, packet_high, 0xb4, 0x42, 0xcd, 0x13, // mov si, packet; mov ah, 0x42; int 0x13
        0xbe, text_low, text_high, // mov si, text
        0xb9, length_low, length_high, // mov cx, length
        0xe3, 15, // jcxz behind the loop
        // print: mov dx, 0x3fd; in al, dx; test al, 0x20; jz -5
        0xba, 0xfd, 0x03, 0xec, 0xa8, 0x20, 0x74, 0xfb,
        0xba, 0xf8, 0x03, 0xac, 0xee, // mov dx, 0x3f8; lodsb; out dx, al
        0xe2, 0xf1, // loop print
    ];
    match guest {
        Guest::Talks | Guest::Silent => {}
        Guest::PowersOff => code.extend([&DRAIN[..], &POWER_OFF].concat()),
        Guest::Reboots => code.extend([&DRAIN[..], &RESET].concat()),
        Guest::Obeys => code.extend([&AWAIT_BUTTON[..], &POWER_OFF].concat()),
        Guest::Echoes => code.extend(ECHO),
    }
    code.extend(STAY);
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_bootable_and_holds_its_text() {
        let disk = disk(Guest::Talks, b"hello\r\n");
        assert_eq!(disk[510..512], [0x55, 0xaa]);
        assert_eq!(&disk[512..519], b"hello\r\n");
        assert!(code(Guest::Obeys, MOST_TEXT).len() <= PACKET);
    }
}
