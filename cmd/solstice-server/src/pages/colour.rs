//! The colours of terminals beyond the first sixteen, as the nearest of those.

/// The six levels of the palette's colour cube.
const LEVELS: [u16; 6] = [0, 95, 135, 175, 215, 255];

/// Takes `5;n` or `2;r;g;b` (ISO 8613-6, 13.1.8, as xterm writes it) and sets
/// the colour; gives how many numbers that are.
pub(super) fn extended(rest: &[u16], colour: &mut Option<u16>) -> usize {
    *colour = None;
    match rest {
        [5, number, ..] => {
            *colour = of_palette(*number);
            2
        }
        [5, ..] => 2,
        [2, red, green, blue, ..] => {
            *colour = Some(nearest([*red, *green, *blue]));
            4
        }
        [2, ..] => 4,
        _ => 0,
    }
}

/// A colour of the palette of 256: sixteen, a cube, a ramp of grey.
fn of_palette(number: u16) -> Option<u16> {
    match number {
        0..16 => Some(number),
        16..232 => {
            let cube = usize::from(number - 16);
            Some(nearest([LEVELS[cube / 36], LEVELS[cube / 6 % 6], LEVELS[cube % 6]]))
        }
        232..256 => Some(nearest([8 + 10 * (number - 232); 3])),
        _ => None,
    }
}

/// The colour of the sixteen with the nearest hue; of what is grey the one that
/// is about as light.
fn nearest(rgb: [u16; 3]) -> u16 {
    let [red, green, blue] = rgb.map(|part| i32::from(part.min(255)));
    let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
    let spread = most - least;
    if spread * 5 < most.max(40) {
        return match most {
            0..64 => 0,
            64..150 => 8,
            150..225 => 7,
            _ => 15,
        };
    }
    // In degrees: 0 is red, 120 green, 240 blue.
    let hue = if most == red {
        60 * (green - blue) / spread
    } else if most == green {
        120 + 60 * (blue - red) / spread
    } else {
        240 + 60 * (red - green) / spread
    };
    let base = match (hue + 360) % 360 {
        25..75 => 3,
        75..160 => 2,
        160..200 => 6,
        200..265 => 4,
        265..335 => 5,
        _ => 1,
    };
    if most > 200 { base + 8 } else { base }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn every_colour_is_one_of_the_sixteen() {
        for (number, expected) in [(0, 0), (15, 15), (21, 12), (46, 10), (201, 13), (244, 8)] {
            assert_eq!(of_palette(number), Some(expected), "{number}");
        }
        assert!((0..256).all(|number| of_palette(number).is_some_and(|colour| colour < 16)));
        assert_eq!(of_palette(256), None);
        assert_eq!(nearest([u16::MAX, 0, 0]), 9);
        assert_eq!(nearest([0, 0, 0]), 0);
        assert_eq!(nearest([0, 128, 128]), 6);
    }

    /// The custom properties of the style sheet: of the light theme, then of the dark.
    fn themes() -> [HashMap<String, [f64; 3]>; 2] {
        let css = include_str!("../../assets/log.css");
        let (light, dark) = css.split_once("@media (prefers-color-scheme: dark)").unwrap();
        [light, dark].map(|part| {
            let declared = part.split([';', '{']).filter_map(|one| one.trim().split_once(':'));
            let colour = |text: &str| {
                let hex = text.trim().strip_prefix('#').filter(|hex| hex.len() == 6)?;
                let part = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).ok();
                Some([part(0)?, part(2)?, part(4)?].map(f64::from))
            };
            let declared = declared.filter_map(|(name, value)| {
                Some((name.trim().strip_prefix("--")?.to_owned(), colour(value)?))
            });
            declared.collect()
        })
    }

    /// How much lighter one is than the other (WCAG 2.2, contrast ratio).
    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let luminance = |colour: [f64; 3]| {
            let linear = |part: f64| match part / 255.0 {
                low if low <= 0.04045 => low / 12.92,
                high => ((high + 0.055) / 1.055).powf(2.4),
            };
            let [red, green, blue] = colour.map(linear);
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn every_colour_is_legible_in_the_light_and_in_the_dark() {
        for (theme, colours) in ["light", "dark"].into_iter().zip(themes()) {
            let [bg, ink, hit, found] =
                ["log-bg", "log-ink", "log-hit", "log-found"].map(|name| colours[name]);
            for number in 0..16 {
                let colour = colours[&format!("c{number}")];
                // As `color-mix(in srgb, … 30%, var(--log-bg))`.
                let tint = [0, 1, 2].map(|at| colour[at] * 0.3 + bg[at] * 0.7);
                for (text, ground) in [(colour, bg), (colour, hit), (ink, tint)] {
                    let ratio = contrast(text, ground);
                    assert!(ratio >= 4.5, "{theme}: c{number} on {ground:?}: {ratio:.2}");
                }
            }
            assert!(contrast(ink, found) >= 4.5 && contrast(ink, hit) >= 4.5, "{theme}");
        }
        assert!((contrast([0.0; 3], [255.0; 3]) - 21.0).abs() < 0.001);
    }
}
