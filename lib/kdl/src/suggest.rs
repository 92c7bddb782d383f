//! Names in messages: quoting what a stranger wrote, finding what they meant.

/// The most characters of a foreign text that a message repeats.
const SHOWN_CHARS: usize = 60;

/// Bytes of the longest name that is compared: the costs are those of a square.
const MOST_COMPARED: usize = 64;

/// How many names are compared.
const MOST_NAMES: usize = 100;

/// The known name that is nearest to `given`, if any is near enough to be meant.
///
/// Near means that one of the two begins the other, or at most one edit for every
/// three characters; an edit inserts, deletes or replaces a character or swaps
/// two neighbours. Of many names the first hundred are compared.
///
/// ```
/// use solstice_kdl::nearest;
///
/// assert_eq!(nearest("stpe", ["step", "env"]), Some("step"));
/// assert_eq!(nearest("environment", ["step", "env"]), Some("env"));
/// assert_eq!(nearest("banana", ["step", "env"]), None);
/// ```
pub fn nearest<'n>(given: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    if given.len() > MOST_COMPARED {
        return None;
    }
    let given = given.to_lowercase();
    known
        .into_iter()
        .filter(|name| name.len() <= MOST_COMPARED)
        .take(MOST_NAMES)
        .map(|name| (strsim::osa_distance(&given, &name.to_lowercase()), name))
        .filter(|(edits, name)| is_near(&given, name, *edits))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

fn is_near(given: &str, name: &str, edits: usize) -> bool {
    let shorter = given.len().min(name.len());
    let begins = given.starts_with(name) || name.starts_with(given);
    let longer = given.chars().count().max(name.chars().count());
    edits <= longer / 3 || (shorter >= 3 && begins)
}

/// The text in backticks, fit for one line of a terminal: escaped, and cut to
/// 60 characters.
///
/// ```
/// use solstice_kdl::quoted;
///
/// assert_eq!(quoted("a\u{1b}[31m"), r"`a\u{1b}[31m`");
/// ```
pub fn quoted(text: &str) -> String {
    let shown = escaped(text);
    format!("`{shown}`")
}

/// As [`quoted`], without the backticks.
pub(crate) fn escaped(text: &str) -> String {
    let mut chars = text.chars();
    let mut shown = String::new();
    for c in chars.by_ref().take(SHOWN_CHARS) {
        // Quotes and backslashes are harmless and read better as they are.
        if matches!(c, '"' | '\'' | '\\') { shown.push(c) } else { shown.extend(c.escape_debug()) }
    }
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_a_slip_and_a_change_of_case_are_near() {
        let known = ["runs_on", "needs", "timeout", "env"];
        assert_eq!(nearest("run_on", known), Some("runs_on"));
        assert_eq!(nearest("TIMEOUT", known), Some("timeout"));
        assert_eq!(nearest("nedes", known), Some("needs"));
        assert_eq!(nearest("evn", known), Some("env"));
    }

    #[test]
    fn short_names_are_not_near_to_everything() {
        assert_eq!(nearest("x", ["on", "env"]), None);
        assert_eq!(nearest("", ["on"]), None);
    }

    #[test]
    fn a_very_long_name_costs_nothing() {
        assert_eq!(nearest(&"x".repeat(1_000_000), ["on"]), None);
        assert_eq!(nearest("xxx", [&*"x".repeat(1_000_000)]), None);
    }

    #[test]
    fn long_foreign_texts_are_cut() {
        assert_eq!(quoted(&"é".repeat(61)), format!("`{}…`", "é".repeat(60)));
    }
}
