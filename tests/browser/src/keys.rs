//! Keys that have no character (WebDriver, section 17.4.2).

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Forward to the next control.
    Tab,
    /// Back to the control before.
    BackTab,
    /// Presses what is focused, or sends a form.
    Enter,
    /// Leaves.
    Escape,
    /// A screen up.
    PageUp,
    /// To the end.
    End,
    /// To the beginning.
    Home,
    /// The key of a character.
    Char(char),
}

const SHIFT: char = '\u{e008}';

impl Key {
    /// The key codes that go down, in this order.
    pub(crate) fn codes(self) -> Vec<char> {
        match self {
            Self::Tab => vec!['\u{e004}'],
            Self::BackTab => vec![SHIFT, '\u{e004}'],
            Self::Enter => vec!['\u{e007}'],
            Self::Escape => vec!['\u{e00c}'],
            Self::PageUp => vec!['\u{e00e}'],
            Self::End => vec!['\u{e010}'],
            Self::Home => vec!['\u{e011}'],
            Self::Char(character) => vec![character],
        }
    }
}
