//! Where make is: `make[1]: Entering directory '/work/src/lib'`.

/// The deepest nesting that is followed.
const MAX_DEPTH: usize = 64;

/// The folders that makes have entered and not left (GNU make, `--print-directory`).
#[derive(Debug, Default)]
pub(crate) struct Folders(Vec<String>);

impl Folders {
    /// The folder that was entered last.
    pub(crate) fn current(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    pub(crate) fn line(&mut self, line: &str) {
        let Some((who, what)) = line.split_once(": ") else { return };
        if !who.split('[').next().is_some_and(|name| name.ends_with("make")) {
            return;
        }
        let named = |verb| {
            let quoted = what.strip_prefix(verb)?.strip_prefix(['\'', '`', '‘'])?;
            quoted.strip_suffix(['\'', '’'])
        };
        if let Some(dir) = named("Entering directory ")
            && self.0.len() < MAX_DEPTH
        {
            self.0.push(dir.to_owned());
        }
        if let Some(dir) = named("Leaving directory ")
            && let Some(at) = self.0.iter().rposition(|entered| entered == dir)
        {
            // Those that were entered later and never left were killed.
            self.0.truncate(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn make_says_where_it_is() {
        let mut folders = Folders::default();
        folders.line("make[1]: Entering directory '/work/src/lib'");
        folders.line("gmake[2]: Entering directory `/work/src/lib/c'");
        assert_eq!(folders.current(), Some("/work/src/lib/c"));
        folders.line("remake: Entering directory");
        folders.line("make[1]: Leaving directory '/work/src/lib'");
        assert_eq!(folders.current(), None);
        (0..1000).for_each(|_| folders.line("make[1]: Entering directory '/x'"));
        assert_eq!(folders.0.len(), MAX_DEPTH);
    }
}
