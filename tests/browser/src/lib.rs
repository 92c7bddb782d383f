//! A browser that tests drive: Chromium without a screen, through WebDriver
//! (<https://www.w3.org/TR/webdriver2/>) and, for what that does not have, the
//! DevTools protocol behind it.
//!
//! | module | what it is |
//! | --- | --- |
//! | `driver` | the program chromedriver, one for each browser |
//! | `wire` | WebDriver's commands and answers |
//! | `browser` | one browser with one window: what a person does with it |
//! | `keys` | keyboard and wheel |
//! | `looks` | theme, width, with or without script |
//! | `told` | what the browser says of a visit: messages, requests |
//! | `axe` | the check for accessibility, by axe-core |
//!
//! Every command and every wait has a limit, so that a browser that hangs fails
//! its test and says where. A browser ends with its [`Browser`].
//!
//! The stories that are told with it are in `tests/browser/`.

mod axe;
mod browser;
mod driver;
mod error;
mod keys;
mod looks;
mod told;
mod wire;

pub use axe::{AXE, Axe, Violation};
pub use browser::{Browser, PATIENCE};
pub use error::BrowserError;
pub use keys::Key;
pub use looks::{Looks, Theme};
pub use told::{Message, Told};
