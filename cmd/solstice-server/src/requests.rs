//! What Dropshot logs of connections and requests, at the level it belongs to.
//!
//! Dropshot writes a line at level info for every connection and request. For
//! us that is debug: at info, a line means that something changed. A request
//! that failed by our fault is told at any level, with the internal text that
//! its caller did not get.

use std::fmt;

use slog::{Drain, KV as _, Key, Level, Logger, Never, OwnedKVList, Record, Serializer};

/// Makes the logger that is given to Dropshot.
pub(crate) fn logger(log: &Logger) -> Logger {
    Logger::root(Requests(log.clone()), slog::o!())
}

struct Requests(Logger);

impl Drain for Requests {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), Never> {
        let chatter = record.level() == Level::Info && !self.0.is_debug_enabled();
        if chatter && !is_failure(record) {
            return Ok(());
        }
        Drain::log(&self.0, record, values)
    }
}

fn is_failure(record: &Record<'_>) -> bool {
    let mut status = Status(0);
    // Looking at values of ours cannot fail.
    let _ = record.kv().serialize(record, &mut status);
    status.0 >= 500
}

/// Finds the response's status among a record's values.
struct Status(u16);

impl Serializer for Status {
    fn emit_arguments(&mut self, _: Key, _: &fmt::Arguments<'_>) -> slog::Result {
        Ok(())
    }

    fn emit_u16(&mut self, key: Key, value: u16) -> slog::Result {
        if AsRef::<str>::as_ref(&key) == "response_code" {
            self.0 = value;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use slog::{info, o, warn};

    use super::*;

    /// Keeps the messages that reach it.
    struct Kept(Arc<Mutex<Vec<String>>>);

    impl Drain for Kept {
        type Ok = ();
        type Err = Never;

        fn log(&self, record: &Record<'_>, _: &OwnedKVList) -> Result<(), Never> {
            self.0.lock().unwrap().push(record.msg().to_string());
            Ok(())
        }
    }

    #[test]
    fn requests_are_told_only_when_we_failed() {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let drain = Kept(Arc::clone(&kept)).filter_level(Level::Info).fuse();
        let log = logger(&Logger::root(drain, o!()));
        info!(log, "accepted connection");
        info!(log, "request completed"; "response_code" => 404u16);
        info!(log, "request failed"; "response_code" => 500u16);
        warn!(log, "client disconnected");
        assert_eq!(*kept.lock().unwrap(), ["request failed", "client disconnected"]);
    }
}
