//! The least guest of an x86 computer: it prints one byte on the serial port and
//! stays. By that byte a backend sees that a processor really runs guests.

/// The guest, as a kernel for QEMU: a 32-bit ELF file with the note that makes it
/// bootable by PVH (Xen, docs/misc/pvh.pandoc), loaded at 1 MiB.
pub fn kernel() -> Vec<u8> {
    const BASE: u32 = 0x0010_0000;
    const HEAD: u32 = 52 + 2 * 32 + 20;
    // mov al, '.'; mov dx, 0x3f8; out dx, al; hlt; jmp -3
    let code = [0xb0, b'.', 0x66, 0xba, 0xf8, 0x03, 0xee, 0xf4, 0xeb, 0xfd];
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let mut put = |words: &[u32]| words.iter().for_each(|w| file.extend(w.to_le_bytes()));
    // An executable for the i386, version 1, entry, program headers at 52.
    put(&[0x0003_0002, 1, BASE, 52, 0, 0]);
    // Sizes and counts: two program headers of 32 bytes, no sections.
    put(&[52 | 32 << 16, 2, 0]);
    // The code, readable, writable and executable; then the note.
    put(&[1, HEAD, BASE, BASE, 10, 10, 7, 1]);
    put(&[4, HEAD - 20, 0, 0, 20, 20, 4, 4]);
    // XEN_ELFNOTE_PHYS32_ENTRY, of "Xen".
    put(&[4, 4, 18, u32::from_le_bytes(*b"Xen\0"), BASE]);
    file.extend(code);
    file
}
