//! A shell script of SMF, read word by word: enough to say what it names.

use crate::problem::Problem;
use crate::tree::Tree;

/// A method, or a file that methods source.
pub(crate) struct Script {
    /// Its path in the tree.
    pub(crate) file: String,
    /// Its lines without comments.
    code: String,
}

impl Script {
    pub(crate) fn read(tree: &Tree, file: &str) -> Result<Self, Problem> {
        let text = tree.text(file)?;
        if !text.starts_with("#!/sbin/sh\n") {
            return Err(Problem::new(file, "does not begin with #!/sbin/sh"));
        }
        let code = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        Ok(Self { file: file.to_owned(), code: code.map(|line| format!("{line}\n")).collect() })
    }

    /// The words between blanks, quotes and the shell's operators.
    fn words(&self) -> impl Iterator<Item = &str> {
        let between = |c: char| c.is_whitespace() || "\"'`$(){}<>|&;=".contains(c);
        self.code.split(between).filter(|word| !word.is_empty())
    }

    /// Absolute paths; patterns of `case` are none.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.words().filter(|word| word.starts_with('/') && word.len() > 1 && !word.contains('*'))
    }

    /// The properties that it asks for, `GROUP/NAME`.
    pub(crate) fn properties(&self) -> Vec<&str> {
        let words: Vec<_> = self.words().collect();
        let asked = words.windows(2).filter(|pair| pair[0].ends_with("property"));
        asked.map(|pair| pair[1]).filter(|name| name.contains('/')).collect()
    }

    /// The exit statuses that it names.
    pub(crate) fn exits(&self) -> impl Iterator<Item = &str> {
        self.words().filter(|word| word.starts_with("SMF_EXIT_"))
    }

    /// The numbers that it exits with.
    pub(crate) fn numeric_exits(&self) -> Vec<&str> {
        let words: Vec<_> = self.words().collect();
        let exits = words.windows(2).filter(|pair| pair[0] == "exit");
        exits.map(|pair| pair[1]).filter(|word| word.parse::<u8>().is_ok()).collect()
    }

    /// The number that a variable is set to at the beginning of a line.
    pub(crate) fn constant(&self, name: &str) -> Option<u64> {
        let mut values = self.code.lines().filter_map(|line| line.strip_prefix(name));
        values.find_map(|rest| rest.strip_prefix('=')?.parse().ok())
    }

    /// Whether it sources this file.
    pub(crate) fn sources(&self, path: &str) -> bool {
        self.code.lines().any(|line| line.strip_prefix(". ") == Some(path))
    }

    /// Whether one of its `case` branches, or usage, takes this word.
    pub(crate) fn takes(&self, verb: &str) -> bool {
        self.code.lines().any(|line| line.trim_start().starts_with(&format!("{verb})")))
    }
}
