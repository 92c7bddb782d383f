//! Words in a commit's message that ask for no run.
//!
//! They are those of GitHub ("Skipping workflow runs" and "About status checks" in
//! its documentation), which Forgejo knows as well; case does not matter.

/// The words, anywhere in the message.
const MARKERS: [&str; 5] =
    ["[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]"];

/// The trailer that asks for the same.
const TRAILER: (&str, &str) = ("skip-checks", "true");

/// The words of this message that ask for no run, if there are any.
pub fn skip_marker(message: &str) -> Option<String> {
    let lower = message.to_ascii_lowercase();
    if let Some(marker) = MARKERS.iter().find(|marker| lower.contains(**marker)) {
        return Some((*marker).to_owned());
    }
    // A trailer is in the last paragraph, which is not the first.
    let text = lower.trim_end().replace("\r\n", "\n");
    let last = text.rsplit_once("\n\n")?.1;
    let asks = last
        .lines()
        .filter_map(|line| line.split_once(':'))
        .any(|(key, said)| (key.trim_end(), said.trim()) == TRAILER);
    asks.then(|| format!("{}: {}", TRAILER.0, TRAILER.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_count_anywhere_and_in_any_case() {
        for (message, marker) in [
            ("Fix a typo [skip ci]", "[skip ci]"),
            ("[CI Skip] Fix a typo", "[ci skip]"),
            ("Fix\n\nbody [no ci] body\n", "[no ci]"),
            ("x [skip actions]", "[skip actions]"),
            ("x [ACTIONS SKIP]", "[actions skip]"),
            ("Fix\n\n\nskip-checks: true", "skip-checks: true"),
            (
                "Fix\r\n\r\nbody\r\n\r\nSkip-Checks:TRUE\r\nSigned-off-by: ada\r\n",
                "skip-checks: true",
            ),
        ] {
            assert_eq!(skip_marker(message).as_deref(), Some(marker), "{message:?}");
        }
    }

    #[test]
    fn what_only_looks_like_one_does_not() {
        for message in [
            "",
            "skip ci",
            "[skip  ci]",
            "[skip-ci]",
            "skip-checks: true",
            "Fix\n\nskip-checks: true\n\nmore",
            "Fix\n\nskip-checks: false",
            "Fix\n\nrequest-checks: true",
        ] {
            assert_eq!(skip_marker(message), None, "{message:?}");
        }
    }
}
