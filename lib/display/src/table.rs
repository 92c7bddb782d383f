//! Tables that fit: columns as wide as their widest cell, two blanks apart. Where
//! there is less room, columns are cut, then left out; no line is ever longer.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::harmless;

/// No column is cut to less than this.
const NARROWEST: usize = 8;

/// Blanks between two columns.
const GAP: usize = 2;

/// A table with a head.
#[derive(Clone, Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
    /// Columns that give way before the others, the first of them first.
    gives_way: Vec<usize>,
}

impl Table {
    /// A table with this head.
    pub fn new(head: &[&str]) -> Self {
        let head = head.iter().map(|&cell| cell.to_owned()).collect();
        Self { rows: vec![head], gives_way: Vec::new() }
    }

    /// Names columns by their heads that are cut, and left out, before all others.
    pub fn give_way(mut self, heads: &[&str]) -> Self {
        let index = |head: &&str| self.rows[0].iter().position(|cell| cell == head);
        self.gives_way = heads.iter().filter_map(index).collect();
        self
    }

    /// Adds a row; line breaks and controls in it become harmless.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows
            .push(cells.iter().map(|cell| harmless(cell).replace(['\n', '\t'], " ")).collect());
    }

    /// Whether there is nothing but the head.
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }

    /// The table in at most `room` columns of a terminal.
    pub fn text(&self, room: usize) -> String {
        let columns = self.fitting(room);
        let mut text = String::new();
        for row in &self.rows {
            let cells = columns.iter().map(|(index, width)| {
                let cell = row.get(*index).map(String::as_str).unwrap_or_default();
                pad(&cut(cell, *width), *width)
            });
            let line = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
            text.push_str(&cut(line.trim_end(), room));
            text.push('\n');
        }
        text
    }

    /// The columns that are shown and how wide they are.
    fn fitting(&self, room: usize) -> Vec<(usize, usize)> {
        let natural = |index: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(index));
            cells.map(|cell| cell.width()).max().unwrap_or(0)
        };
        let mut shown: Vec<(usize, usize)> =
            (0..self.rows[0].len()).map(|index| (index, natural(index))).collect();
        loop {
            self.shrink(&mut shown, room);
            if taken(&shown) <= room || shown.len() == 1 {
                return shown;
            }
            // What gives way first; else the last, but never the first.
            let is = |wanted: usize| shown.iter().position(|(index, _)| *index == wanted);
            let gone = self.gives_way.iter().find_map(|wanted| is(*wanted));
            shown.remove(gone.unwrap_or(shown.len() - 1));
        }
    }

    /// Makes columns narrower: those that give way, then the widest of all.
    fn shrink(&self, shown: &mut [(usize, usize)], room: usize) {
        for wanted in &self.gives_way {
            let over = taken(shown).saturating_sub(room);
            let column = shown.iter_mut().find(|(index, _)| index == wanted);
            if let Some((_, width)) = column.filter(|_| over > 0) {
                *width = width.saturating_sub(over).max(NARROWEST.min(*width));
            }
        }
        while taken(shown) > room {
            let widest = shown.iter_mut().max_by_key(|(_, width)| *width);
            let Some((_, width)) = widest.filter(|(_, width)| *width > NARROWEST) else { return };
            *width -= 1;
        }
    }
}

/// How wide a line with these columns is.
fn taken(shown: &[(usize, usize)]) -> usize {
    let gaps = GAP * shown.len().saturating_sub(1);
    shown.iter().map(|(_, width)| width).sum::<usize>().saturating_add(gaps)
}

fn pad(cell: &str, width: usize) -> String {
    format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width())))
}

/// The text in at most `width` columns, with an ellipsis where it was cut.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut out, mut used) = (String::new(), 1);
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        out.push(c);
    }
    if width > 0 { out + "…" } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_cut_where_it_is_widest() {
        let mut table = Table::new(&["ID", "TITLE"]);
        table.row(vec!["12345678".to_owned(), "a very long title that goes on".to_owned()]);
        table.row(vec!["abc".to_owned(), "日本語の題名は二列分の幅".to_owned()]);
        assert_eq!(
            table.text(24),
            "ID        TITLE\n12345678  a very long t…\nabc       日本語の題名…\n"
        );
        assert!(table.text(usize::MAX).contains("that goes on\n"));
    }

    #[test]
    fn lines_are_lines_and_have_no_blanks_at_their_ends() {
        let mut table = Table::new(&["A", "LONG"]);
        table.row(vec!["äöü".to_owned(), "two\nlines".to_owned()]);
        table.row(vec!["x".to_owned(), String::new()]);
        assert_eq!(table.text(80), "A    LONG\näöü  two lines\nx\n");
    }

    #[test]
    fn at_every_width_what_matters_most_stays() {
        let heads = ["RUN", "STATE", "REPOSITORY", "FROM", "COMMIT", "TOOK", "TITLE"];
        let mut table = Table::new(&heads).give_way(&["TITLE", "COMMIT", "TOOK", "FROM"]);
        let row = ["3f2a91bc", "needs approval", "ada/engine", "pull request 7"];
        let more = ["a1b2c3d4e5", "1 min 07 s", "Mend the 日本語 of the boiler, once and for all"];
        table.row(row.iter().chain(&more).map(|&cell| cell.to_owned()).collect());
        let mut shown = String::new();
        for room in [40, 80, 200] {
            let text = table.text(room);
            assert!(text.lines().all(|line| line.width() <= room), "{text}");
            assert!(text.contains("3f2a91bc  needs a"), "{text}");
            shown.push_str(&format!("{room}:\n{text}"));
        }
        expectorate::assert_contents("tests/golden/table.txt", &shown);
        for room in 1..300 {
            assert!(table.text(room).lines().all(|line| line.width() <= room), "{room}");
        }
    }
}
