//! How the browser looks at pages.

/// What the reader's system prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Light, Self::Dark];

    /// As `prefers-color-scheme` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The reader's screen and settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looks {
    /// What they prefer.
    pub theme: Theme,
    /// The window's width in CSS pixels.
    pub width: u32,
    /// The window's height in CSS pixels.
    pub height: u32,
    /// Whether pages may run script.
    pub script: bool,
}

impl Looks {
    /// A desk: 1280 by 800, light, with script.
    pub const DESK: Self = Self { theme: Theme::Light, width: 1280, height: 800, script: true };

    /// The narrowest phone that counts: 360 pixels (WCAG 2.1, 1.4.10 asks for 320
    /// CSS pixels of a page that is not bound to two dimensions).
    pub const PHONE: Self = Self { width: 360, height: 740, ..Self::DESK };
}
