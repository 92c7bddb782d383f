//! What people do with the pages, in a real browser on a real server.
//!
//! | module | what it is |
//! | --- | --- |
//! | `world` | the server, and the forge and the host that we play |
//! | `tape` | what the agent of a job says |
//! | `scene` | a world in which something of everything has happened |
//! | `story` | a world, a browser in it, and what no story may ever show |
//! | `tour` | every page there is, found by its links |
//!
//! The others are stories.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod acting;
mod every_page;
mod files;
mod hostile;
mod keyboard;
mod live;
mod log_links;
mod needle;
mod no_script;
mod scene;
mod signing_in;
mod story;
mod tape;
mod tour;
mod world;
