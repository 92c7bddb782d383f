//! Numbers as libzfs reads and shows them.
//!
//! illumos-gate usr/src/lib/libzfs/common/libzfs_util.c (`zfs_nicestrtonum`,
//! `zfs_nicenum`, `str2shift`).

const UNITS: &[u8; 7] = b"BKMGTPE";

/// Reads bytes: digits, perhaps a fraction, perhaps a unit such as `K`, `KB` or `KiB`.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let bad = || format!("bad numeric value '{text}'");
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Err(bad());
    }
    let shift = shift(unit).ok_or_else(|| format!("invalid numeric suffix '{unit}'"))?;
    let large = || "numeric value is too large".to_owned();
    if !digits.contains('.') {
        let number: u64 = digits.parse().map_err(|_| large())?;
        return number.checked_mul(1 << shift).ok_or_else(large);
    }
    // What libzfs makes of a fraction is a matter of its floating point; only
    // those that are whole bytes are certain.
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| bad())? };
    let tenths = u32::try_from(fraction.len()).map_err(|_| bad())?;
    let below: u64 = if fraction.is_empty() { 0 } else { fraction.parse().map_err(|_| bad())? };
    let scale = 10_u64.checked_pow(tenths).ok_or_else(bad)?;
    let below = below.checked_mul(1 << shift).ok_or_else(large)? / scale;
    whole.checked_mul(1 << shift).and_then(|bytes| bytes.checked_add(below)).ok_or_else(large)
}

fn shift(unit: &str) -> Option<u32> {
    let mut letters = unit.bytes().map(|letter| letter.to_ascii_uppercase());
    let Some(first) = letters.next() else { return Some(0) };
    let power = UNITS.iter().position(|unit| *unit == first)?;
    let rest: Vec<u8> = letters.collect();
    let known = match rest.as_slice() {
        b"" => true,
        b"B" | b"IB" => first != b'B',
        _ => false,
    };
    known.then(|| u32::try_from(power * 10).unwrap_or_default())
}

/// Shows bytes with at most five characters.
pub(super) fn nice(number: u64) -> String {
    let mut index = 0;
    let mut whole = number;
    while whole >= 1024 && index < 6 {
        whole /= 1024;
        index += 1;
    }
    let unit = if index == 0 { "" } else { &"BKMGTPE"[index..=index] };
    if index == 0 || number.is_multiple_of(1 << (10 * index)) {
        return format!("{whole}{unit}");
    }
    // As many decimals as still fit into five characters.
    let scale = 1_u128 << (10 * index);
    for decimals in (0..=2_u32).rev() {
        let ten = 10_u128.pow(decimals);
        let rounded = (u128::from(number) * ten + scale / 2) / scale;
        let text = match decimals {
            0 => format!("{rounded}{unit}"),
            _ => format!(
                "{}.{:0width$}{unit}",
                rounded / ten,
                rounded % ten,
                width = decimals as usize
            ),
        };
        if text.len() <= 5 {
            return text;
        }
    }
    format!("{whole}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        assert_eq!(parse("1000000"), Ok(1_000_000));
        assert_eq!(parse("8k"), Ok(8192));
        assert_eq!(parse("64MiB"), Ok(64 << 20));
        assert_eq!(parse("1.5G"), Ok(3 << 29));
        assert_eq!(parse("abc"), Err("bad numeric value 'abc'".to_owned()));
        assert_eq!(parse("1X"), Err("invalid numeric suffix 'X'".to_owned()));
        assert_eq!(parse("99999999999999999999"), Err("numeric value is too large".to_owned()));
    }

    #[test]
    fn sizes_are_shown_in_five_characters() {
        let shown: Vec<String> =
            [0, 1023, 1024, 1536, 110_362_624, 20 << 30, 12_345_678_901].map(nice).into();
        assert_eq!(shown, ["0", "1023", "1K", "1.50K", "105M", "20G", "11.5G"]);
    }
}
