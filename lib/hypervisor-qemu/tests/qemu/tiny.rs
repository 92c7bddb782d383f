//! Guests of a hundred bytes: real kernels to QEMU, booted in milliseconds.
//!
//! Each is a 32-bit ELF file with a note that makes it bootable by PVH
//! (Xen, docs/misc/pvh.pandoc): it starts in protected mode, without paging, with the
//! address of a `hvm_start_info` in `ebx`. Some are disks as well, which a BIOS
//! starts in real mode, or files that UEFI firmware starts.

/// Where a guest is loaded.
const BASE: u32 = 0x0010_0000;
/// The ELF header, two program headers and the note.
const HEAD: u32 = 52 + 2 * 32 + 20;

/// What a guest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tiny {
    /// Prints [`text`] and stays.
    Talks,
    /// Prints [`text`] and ends.
    PowersOff,
    /// Stays.
    Silent,
    /// Ends at once.
    Dies,
    /// Prints its kernel command line and ends.
    Echoes,
    /// Prints without an end.
    Floods,
}

/// What the guests that print something print.
pub(crate) fn text() -> Vec<u8> {
    (0..100).flat_map(|n| format!("line {n:02} of the guest\r\n").into_bytes()).collect()
}

/// `lodsb; mov dx, 0x3f8; out dx, al`: prints a byte of `[esi]`.
const PRINT: [u8; 6] = [0xac, 0x66, 0xba, 0xf8, 0x03, 0xee];
/// `hlt; jmp -3`: stays, deaf to everything.
const STAY: [u8; 3] = [0xf4, 0xeb, 0xfd];
/// `push 0; push 0; lidt [esp]; int3`: a triple fault, which ends the machine.
const END: [u8; 9] = [0x6a, 0, 0x6a, 0, 0x0f, 0x01, 0x1c, 0x24, 0xcc];

impl Tiny {
    /// The guest's kernel.
    pub(crate) fn kernel(self) -> Vec<u8> {
        elf(&match self {
            Tiny::Talks => print_text_and(&STAY),
            Tiny::PowersOff => print_text_and(&END),
            Tiny::Silent => STAY.to_vec(),
            Tiny::Dies => END.to_vec(),
            Tiny::Echoes => [&print_command_line()[..], &END].concat(),
            // `mov dx, 0x3f8; out dx, al; jmp -3`
            Tiny::Floods => vec![0x66, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xfd],
        })
    }
}

/// Where a BIOS loads a boot sector, and where that loads what follows it.
const SECTOR: u16 = 0x7c00;
const BEHIND: u16 = 0x7e00;
/// `lidt [SECTOR + 256]; int3`: the same end in real mode, by zeros in the sector.
const END_REAL: [u8; 6] = [0x0f, 0x01, 0x1e, 0x00, 0x7d, 0xcc];

impl Tiny {
    /// The guest as a disk of 1 MiB that a BIOS starts.
    pub(crate) fn disk(self) -> Vec<u8> {
        let mut disk = match self {
            Tiny::Talks => boot_sector(&STAY),
            Tiny::PowersOff => boot_sector(&END_REAL),
            Tiny::Silent => STAY.to_vec(),
            other => panic!("{other:?} is not needed as a disk"),
        };
        disk.resize(510, 0);
        disk.extend([0x55, 0xaa]);
        disk.extend(text());
        disk.resize(1 << 20, 0);
        disk
    }
}

/// Prints the text, which begins in the next sector.
fn boot_sector(end: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text().len()).unwrap();
    let sectors = u8::try_from(length.div_ceil(512)).unwrap();
    assert_eq!(SECTOR + 512, BEHIND);
    // xor ax, ax; mov ds, ax; mov es, ax
    let mut code = vec![0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0];
    // mov ax, 0x0200 | sectors; mov bx, BEHIND; mov cx, 2; mov dh, 0; int 0x13
    let [low, high] = BEHIND.to_le_bytes();
    code.extend([0xb8, sectors, 0x02, 0xbb, low, high, 0xb9, 0x02, 0x00, 0xb6, 0x00, 0xcd, 0x13]);
    // mov si, BEHIND; mov cx, length; mov dx, 0x3f8
    code.extend([0xbe, low, high, 0xb9]);
    code.extend(length.to_le_bytes());
    code.extend([0xba, 0xf8, 0x03]);
    // lodsb; out dx, al; loop -4
    code.extend([0xac, 0xee, 0xe2, 0xfc]);
    code.extend(end);
    code
}

/// A program for UEFI that prints the text and stays: a PE32+ file (Microsoft's
/// PE format) whose one section lies in the file as in memory.
pub(crate) fn efi_program() -> Vec<u8> {
    const AT: u32 = 0x200;
    let text = text();
    // lea rsi, [rip + 21]; mov ecx, length; mov edx, 0x3f8; lodsb; out dx, al; loop -4; STAY
    let mut code = vec![0x48, 0x8d, 0x35, 17, 0, 0, 0, 0xb9];
    code.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
    code.extend([0xba, 0xf8, 0x03, 0, 0, 0xac, 0xee, 0xe2, 0xfc]);
    code.extend(STAY);
    code.extend(text);
    code.resize(code.len().next_multiple_of(512), 0);
    let size = u32::try_from(code.len()).unwrap();
    let mut file = b"MZ".to_vec();
    file.resize(60, 0);
    file.extend(64u32.to_le_bytes());
    file.extend(b"PE\0\0");
    let mut put = |words: &[u32]| words.iter().for_each(|w| file.extend(w.to_le_bytes()));
    // x86-64, one section; an optional header of 240 bytes; executable, no relocations.
    put(&[0x0001_8664, 0, 0, 0, 0x0022_0000 | 240 | 0x0001_0000]);
    // PE32+; sizes of code and data; entry and base of code; image base.
    put(&[0x0000_020b, size, 0, 0, AT, AT, 0x0040_0000, 0]);
    // Alignment in memory and in the file, versions, sizes of image and headers.
    put(&[AT, AT, 0, 0, 0, 0, AT + size, AT, 0]);
    // An EFI application; stack and heap; no data directories.
    put(&[10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16]);
    file.resize(64 + 24 + 240, 0);
    file.extend(b".text\0\0\0");
    let mut put = |words: &[u32]| words.iter().for_each(|w| file.extend(w.to_le_bytes()));
    // Executable, readable and writable code.
    put(&[size, AT, size, AT, 0, 0, 0, 0xe000_0020]);
    file.resize(AT as usize, 0);
    file.extend(code);
    file
}

/// Prints the text, which follows the code.
fn print_text_and(end: &[u8]) -> Vec<u8> {
    let text = text();
    let length = u32::try_from(text.len()).unwrap();
    let address = BASE + 5 + 5 + 8 + u32::try_from(end.len()).unwrap();
    let mut code = vec![0xbe]; // mov esi, address
    code.extend(address.to_le_bytes());
    code.push(0xb9); // mov ecx, length
    code.extend(length.to_le_bytes());
    code.extend(PRINT);
    code.extend([0xe2, 0xf8]); // loop PRINT
    code.extend(end);
    code.extend(text);
    code
}

/// Prints the string at `hvm_start_info.cmdline_paddr`.
fn print_command_line() -> Vec<u8> {
    // mov esi, [ebx+24]; print: cmp byte [esi], 0; je +8; PRINT; jmp print
    let mut code = vec![0x8b, 0x73, 0x18, 0x80, 0x3e, 0x00, 0x74, 0x08];
    code.extend(PRINT);
    code.extend([0xeb, 0xf3]);
    code
}

fn elf(code: &[u8]) -> Vec<u8> {
    let length = u32::try_from(code.len()).unwrap();
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let mut put = |words: &[u32]| words.iter().for_each(|w| file.extend(w.to_le_bytes()));
    // An executable for the i386, version 1, entry, program headers at 52.
    put(&[0x0003_0002, 1, BASE, 52, 0, 0]);
    // Sizes and counts: two program headers of 32 bytes, no sections.
    put(&[52 | 32 << 16, 2, 0]);
    // The code, readable, writable and executable.
    put(&[1, HEAD, BASE, BASE, length, length, 7, 1]);
    // The note.
    put(&[4, HEAD - 20, 0, 0, 20, 20, 4, 4]);
    // XEN_ELFNOTE_PHYS32_ENTRY, of "Xen".
    put(&[4, 4, 18, u32::from_le_bytes(*b"Xen\0"), BASE]);
    file.extend(code);
    file
}
