//! What a program wrote, as text with style classes.
//!
//! Of all escape sequences only `CSI … m` (SGR, ECMA-48 8.3.117) is honoured,
//! and of that the colours and five attributes. The style sheet knows sixteen
//! colours, each legible in the light and in the dark; those of the palette of 256
//! and all others show as the one of them that is nearest in hue, or in lightness
//! if it has none. Every other sequence and control character is dropped, a carriage
//! return starts the line over as a terminal would, and bidirectional overrides
//! show as U+FFFD: a log cannot move, hide or reorder anything on the page. The
//! result is data: the template escapes it, and the script makes text of it.

use solstice_api::user::LineSpan;
use solstice_display::{MAX_LINE_BYTES, escape};

use super::colour;

/// The graphic rendition in force.
#[derive(Clone, Copy, Default)]
struct Style {
    /// Foreground, one of the sixteen colours.
    fore: Option<u16>,
    /// Background, likewise.
    back: Option<u16>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    inverse: bool,
}

/// Splits one line into styled text. A style ends with its line.
pub(crate) fn spans(line: &[u8]) -> Vec<LineSpan> {
    let text = String::from_utf8_lossy(&line[..line.len().min(MAX_LINE_BYTES)]);
    let mut out = Vec::new();
    let mut style = Style::default();
    let mut over = false;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\x1b' => {
                if let Some(params) = escape::consume(&mut rest) {
                    style.apply(&params);
                }
            }
            '\r' => over = true,
            '\t' => put(&mut out, &mut over, style, c),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                put(&mut out, &mut over, style, '\u{fffd}');
            }
            c if c.is_control() => {}
            c => put(&mut out, &mut over, style, c),
        }
    }
    out
}

/// Adds a character; the first one after a carriage return clears the line.
fn put(out: &mut Vec<LineSpan>, over: &mut bool, style: Style, c: char) {
    if std::mem::take(over) {
        out.clear();
    }
    let class = style.class();
    match out.last_mut() {
        Some(last) if last.class == class => last.text.push(c),
        _ => out.push(LineSpan { class, text: c.to_string() }),
    }
}

impl Style {
    fn apply(&mut self, params: &str) {
        let numbers: Vec<u16> =
            params.split([';', ':']).map(|number| number.parse().unwrap_or(0)).collect();
        let mut at = 0;
        while let Some(&number) = numbers.get(at) {
            match number {
                38 => at += colour::extended(&numbers[at + 1..], &mut self.fore),
                48 => at += colour::extended(&numbers[at + 1..], &mut self.back),
                other => self.set(other),
            }
            at += 1;
        }
    }

    fn set(&mut self, number: u16) {
        match number {
            0 => *self = Style::default(),
            1 => self.bold = true,
            2 => self.dim = true,
            3 => self.italic = true,
            4 => self.underline = true,
            7 => self.inverse = true,
            22 => (self.bold, self.dim) = (false, false),
            23 => self.italic = false,
            24 => self.underline = false,
            27 => self.inverse = false,
            30..=37 => self.fore = Some(number - 30),
            39 => self.fore = None,
            40..=47 => self.back = Some(number - 40),
            49 => self.back = None,
            90..=97 => self.fore = Some(number - 82),
            100..=107 => self.back = Some(number - 92),
            _ => {}
        }
    }

    fn class(self) -> String {
        let (fore, back) =
            if self.inverse { (self.back, self.fore.or(Some(7))) } else { (self.fore, self.back) };
        let mut names: Vec<String> = Vec::new();
        names.extend(fore.map(|colour| format!("f{colour}")));
        names.extend(back.map(|colour| format!("b{colour}")));
        // What has a colour is not dimmed: it would be illegible.
        let dim = self.dim && fore.is_none() && back.is_none();
        let attributes =
            [(self.bold, "so"), (dim, "sd"), (self.italic, "si"), (self.underline, "su")];
        names.extend(attributes.into_iter().filter(|(on, _)| *on).map(|(_, name)| name.to_owned()));
        names.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        spans(line.as_bytes())
            .iter()
            .map(|span| match span.class.as_str() {
                "" => span.text.clone(),
                class => format!("<{class}>{}</>", span.text),
            })
            .collect()
    }

    #[test]
    fn colours_and_attributes_become_classes_and_end_when_reset() {
        assert_eq!(shown("a\x1b[31mb\x1b[1mc\x1b[0md"), "a<f1>b</><f1 so>c</>d");
        assert_eq!(shown("\x1b[1;38;5;9merror\x1b[m: x"), "<f9 so>error</>: x");
        assert_eq!(shown("\x1b[42;97mok\x1b[49mx"), "<f15 b2>ok</><f15>x</>");
        assert_eq!(shown("\x1b[7mx\x1b[27my"), "<b7>x</>y");
    }

    #[test]
    fn colours_beyond_sixteen_show_as_the_nearest_of_them() {
        assert_eq!(shown("\x1b[38;2;1;4;7mx"), "<f0>x</>");
        assert_eq!(shown("\x1b[38;5;196;1mx"), "<f9 so>x</>");
        assert_eq!(shown("\x1b[38:5:208;48;5;22mx"), "<f11 b2>x</>");
        assert_eq!(shown("\x1b[38mx\x1b[38;5mx\x1b[48;2;1mx"), "xxx");
    }

    #[test]
    fn dim_text_keeps_its_colour() {
        assert_eq!(shown("\x1b[2ma\x1b[31mb\x1b[22;39mc"), "<sd>a</><f1>b</>c");
    }

    #[test]
    fn every_other_sequence_and_control_character_is_dropped() {
        assert_eq!(shown("a\x1b[2Jb\x1b[?25lc\x1b]0;title\x07d\x1b]8;;http://x\x1b\\e"), "abcde");
        assert_eq!(shown("a\x1b(Bb\x1bcc\x07\x08\0\u{9b}31md\x1b"), "abc31md");
        assert_eq!(shown("safe\u{202e}txt"), "safe\u{fffd}txt");
    }

    #[test]
    fn a_carriage_return_starts_the_line_over() {
        assert_eq!(shown("10%\r\x1b[32m20%\r100%\r"), "<f2>100%</>");
        assert_eq!(shown("dos line\r"), "dos line");
    }

    #[test]
    fn a_line_is_cut_and_never_splits_what_is_escaped() {
        let long = "x".repeat(MAX_LINE_BYTES + 5);
        assert_eq!(shown(&long).len(), MAX_LINE_BYTES);
        assert_eq!(shown("<script>&\"'"), "<script>&\"'", "escaping is the template's");
    }
}
