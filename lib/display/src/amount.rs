//! Stretches of time and sizes, in few characters.

use chrono::TimeDelta;

/// A stretch of time: `1.4 s`, `42 s`, `3 min 07 s`, `2 h 05 min`.
pub fn duration(delta: TimeDelta) -> String {
    let seconds = delta.num_seconds().max(0);
    match seconds {
        ..10 => {
            let tenths = delta.num_milliseconds().max(0) / 100;
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// A size: `812 B`, `4.1 KiB`, `33 MiB`.
pub fn size(bytes: u64) -> String {
    let (mut rest, mut unit) = (bytes, "B");
    let mut tenths = 0;
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if rest < 1024 {
            break;
        }
        (tenths, rest, unit) = (rest % 1024 * 10 / 1024, rest / 1024, next);
    }
    if unit == "B" || rest >= 10 {
        format!("{rest} {unit}")
    } else {
        format!("{rest}.{tenths} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_short() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (4200, "4.1 KiB"),
            (33 << 20, "33 MiB"),
            (u64::MAX, "16777215 TiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(duration(TimeDelta::milliseconds(1_450)), "1.4 s");
        assert_eq!(duration(TimeDelta::seconds(187)), "3 min 07 s");
        assert_eq!(duration(TimeDelta::seconds(-1)), "0.0 s");
    }
}
