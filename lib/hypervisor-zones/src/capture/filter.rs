//! What on a console is not the guest's: the lines of zlogin and of zoneadmd.
//!
//! ```text
//! [Connected to zone 'Z' console]⏎                    zlogin, when it is attached
//! ␍⏎[NOTICE: Zone readied]␍⏎                           zoneadmd, each at most once,
//! ␍⏎[NOTICE: Zone booting up]␍⏎                        before the guest begins
//! … the guest …
//! ␍⏎[NOTICE: Zone halted.  Disconnecting...]␍⏎         zoneadmd, at the end
//! ⏎[Connection to zone 'Z' console closed]⏎            zlogin, last of all
//! ```
//!
//! They are left out at these places only: a guest can print the same, and what
//! it prints is its own. Source: illumos-gate usr/src/cmd/zlogin/zlogin.c and
//! usr/src/cmd/zoneadmd/zcons.c (`event_message`).

use std::time::Duration;

/// How long the beginning of a last line is kept back. zoneadmd writes a line
/// at once, so the rest of a true one is there by then.
const PIECE_PATIENCE: Duration = Duration::from_millis(250);
/// How long a whole last line is kept back: zlogin is about to end.
const LINE_PATIENCE: Duration = Duration::from_secs(5);
/// A first line is not longer; it holds a zone's name.
const LONGEST_BANNER: usize = 200;

/// How a console ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The zone ran, and has halted.
    Halted,
    /// Anything else: the boot failed, the zone is being removed, or nobody said.
    Other,
}

/// What is still to come.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    /// zlogin's first line.
    Banner,
    /// What zoneadmd says before the guest begins; these are left.
    Leading(Vec<&'static str>),
    /// The guest.
    Guest,
}

/// Takes a console's bytes apart as they come.
#[derive(Debug)]
pub(crate) struct Filter {
    stage: Stage,
    /// What has come and may not be the guest's.
    held: Vec<u8>,
    /// The notices that may be last, and whether each means that the zone ran.
    notices: [(&'static str, End); 3],
    /// zlogin's last line.
    closing: String,
}

impl Filter {
    pub(crate) fn new(zone: &str) -> Self {
        Self {
            stage: Stage::Banner,
            held: Vec::new(),
            notices: [
                ("\r\n[NOTICE: Zone halted.  Disconnecting...]\r\n", End::Halted),
                ("\r\n[NOTICE: Zone boot failed.  Disconnecting...]\r\n", End::Other),
                ("\r\n[NOTICE: Zone is being uninstalled.  Disconnecting...]\r\n", End::Other),
            ],
            closing: format!("\n[Connection to zone '{zone}' console closed]\n"),
        }
    }

    /// Whether zlogin has said that it is attached.
    pub(crate) fn is_attached(&self) -> bool {
        self.stage != Stage::Banner
    }

    /// Takes what came and gives what is the guest's.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        if self.stage == Stage::Banner {
            self.skip_banner();
        }
        if let Stage::Leading(_) = self.stage {
            self.skip_leading();
        }
        if self.stage != Stage::Guest {
            return Vec::new();
        }
        let from = self.held.len().saturating_sub(self.longest_ending());
        let kept = (from..self.held.len()).find(|start| self.may_be_last(&self.held[*start..]));
        self.held.drain(..kept.unwrap_or(self.held.len())).collect()
    }

    /// When what is kept back is to be given up if nothing more comes.
    pub(crate) fn patience(&self) -> Option<Duration> {
        if self.held.is_empty() || self.stage == Stage::Banner {
            None
        } else if self.last_line().is_some() {
            Some(LINE_PATIENCE)
        } else {
            Some(PIECE_PATIENCE)
        }
    }

    /// Gives up what was kept back: it is the guest's after all.
    pub(crate) fn release(&mut self) -> Vec<u8> {
        if let Stage::Leading(_) = self.stage {
            self.stage = Stage::Guest;
        }
        std::mem::take(&mut self.held)
    }

    /// At the end: the rest of what is the guest's, and how it ended.
    pub(crate) fn finish(mut self) -> (Vec<u8>, End) {
        match (&self.stage, self.last_line()) {
            (Stage::Banner, _) => (Vec::new(), End::Other),
            (_, Some(end)) => (Vec::new(), end),
            (_, None) => (self.release(), End::Other),
        }
    }

    /// zlogin says nothing on standard output before it is attached, so
    /// whatever its first line is, it is attached then.
    fn skip_banner(&mut self) {
        let end = self.held.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let Some(end) = end.or((self.held.len() > LONGEST_BANNER).then_some(0)) else { return };
        if self.held.starts_with(b"[Connected to zone '") {
            self.held.drain(..end);
        }
        let leading = ["\r\n[NOTICE: Zone readied]\r\n", "\r\n[NOTICE: Zone booting up]\r\n"];
        self.stage = Stage::Leading(leading.to_vec());
    }

    fn skip_leading(&mut self) {
        let Stage::Leading(left) = &mut self.stage else { return };
        while let Some(found) = left.iter().position(|line| self.held.starts_with(line.as_bytes()))
        {
            self.held.drain(..left[found].len());
            // They come in this order.
            left.drain(..=found);
        }
        let may_come = left.iter().any(|line| line.as_bytes().starts_with(&self.held));
        if !may_come {
            self.stage = Stage::Guest;
        }
    }

    /// Whether the console may end with this, or with more that begins so.
    fn may_be_last(&self, bytes: &[u8]) -> bool {
        let closing = self.closing.as_bytes();
        let notice = |notice: &str| match bytes.strip_prefix(notice.as_bytes()) {
            Some(rest) => closing.starts_with(rest),
            None => notice.as_bytes().starts_with(bytes),
        };
        closing.starts_with(bytes) || self.notices.iter().any(|(line, _)| notice(line))
    }

    /// What the whole line means that is kept back, if it is one.
    fn last_line(&self) -> Option<End> {
        let found = self.notices.iter().find(|(line, _)| self.held.starts_with(line.as_bytes()));
        let closed = || (self.held == self.closing.as_bytes()).then_some(End::Other);
        found.map(|(_, end)| *end).or_else(closed)
    }

    fn longest_ending(&self) -> usize {
        let longest = self.notices.iter().map(|(line, _)| line.len()).max().unwrap_or_default();
        longest + self.closing.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BANNER: &str = "[Connected to zone 'z' console]\n";
    const BOOTING: &str = "\r\n[NOTICE: Zone booting up]\r\n";
    const HALTED: &str = "\r\n[NOTICE: Zone halted.  Disconnecting...]\r\n";
    const FAILED: &str = "\r\n[NOTICE: Zone boot failed.  Disconnecting...]\r\n";
    const CLOSED: &str = "\n[Connection to zone 'z' console closed]\n";

    /// What is the guest's when the console comes in pieces of this size.
    fn guest(console: &str, size: usize) -> (String, End) {
        let mut filter = Filter::new("z");
        let mut bytes = Vec::new();
        for piece in console.as_bytes().chunks(size) {
            bytes.extend(filter.feed(piece));
        }
        let (rest, end) = filter.finish();
        bytes.extend(rest);
        (String::from_utf8(bytes).unwrap(), end)
    }

    #[test]
    fn only_the_guest_is_left_however_the_console_is_cut_up() {
        let text = "line 1\r\nline 2\r\n";
        for size in [1, 2, 7, 64, 10_000] {
            for (before, after, end) in [
                (BOOTING.to_owned(), format!("{HALTED}{CLOSED}"), End::Halted),
                (format!("\r\n[NOTICE: Zone readied]\r\n{BOOTING}"), HALTED.into(), End::Halted),
                (BOOTING.to_owned(), format!("{FAILED}{CLOSED}"), End::Other),
                (String::new(), CLOSED.to_owned(), End::Other),
                (String::new(), String::new(), End::Other),
            ] {
                let console = format!("{BANNER}{before}{text}{after}");
                assert_eq!(guest(&console, size), (text.to_owned(), end), "{size} {console:?}");
            }
        }
    }

    #[test]
    fn what_a_guest_imitates_is_its_own() {
        for text in [
            format!("{HALTED}and on"),
            format!("{BOOTING}again"),
            "\r\n[NOTICE: Zone readied]\r\n".to_owned(),
            format!("x{HALTED}"),
            format!("{HALTED}{CLOSED}{HALTED}{CLOSED}"),
            "\r\n\r\n[NOTICE: Zone".to_owned(),
        ] {
            for size in [1, 5, 1000] {
                let console = format!("{BANNER}{BOOTING}{text}{HALTED}{CLOSED}");
                assert_eq!(guest(&console, size), (text.clone(), End::Halted), "{size}");
            }
        }
    }

    #[test]
    fn a_guest_that_says_nothing_leaves_nothing() {
        assert_eq!(guest("", 1), (String::new(), End::Other));
        assert_eq!(guest(BANNER, 1), (String::new(), End::Other));
        assert_eq!(guest(&format!("{BANNER}{BOOTING}{HALTED}"), 1), (String::new(), End::Halted));
    }

    #[test]
    fn it_is_attached_when_zlogin_says_so_and_not_before() {
        let mut filter = Filter::new("z");
        filter.feed(&BANNER.as_bytes()[..10]);
        assert!(!filter.is_attached());
        filter.feed(&BANNER.as_bytes()[10..]);
        assert!(filter.is_attached());
    }

    #[test]
    fn what_looks_like_an_end_is_kept_back_and_then_given_up() {
        let mut filter = Filter::new("z");
        filter.feed(BANNER.as_bytes());
        filter.feed(BOOTING.as_bytes());
        assert_eq!(filter.feed(b"login:\r\n"), b"login:");
        assert_eq!(filter.patience(), Some(PIECE_PATIENCE));
        assert_eq!(filter.release(), b"\r\n");
        assert_eq!(filter.patience(), None);
        assert_eq!(filter.feed(HALTED.as_bytes()), b"");
        assert_eq!(filter.patience(), Some(LINE_PATIENCE));
    }
}
