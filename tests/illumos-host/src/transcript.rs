//! Transcripts: what a person would see at the terminal of the host, as tests.
//!
//! ```text
//! # A comment.
//! == the name of a case
//! setup: zfs create -s -V 64M rpool/solstice/v
//! user=solstice
//! $ zfs snapshot rpool/solstice/v@s
//! rc=0
//! $ zfs destroy rpool/solstice/none
//! rc=1
//! err| cannot open 'rpool/solstice/none': dataset does not exist
//! ```
//!
//! Every case has a host of its own. `setup:` runs as root and must succeed;
//! `background:` runs as root until the case ends, and has begun when it has
//! printed a line; `user=root` (at first) and `user=solstice` say who runs what
//! follows. Behind `out|` and `err|` and a blank stands one line of standard
//! output or error; `<*>` in it is any text, and a line of only `<...>` any
//! further lines. A last line without a newline is followed by ` (no newline)`.
//! Words are divided at blanks and may be quoted by `'` or `"`; no shell is involved.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use camino::Utf8Path;

use crate::command::rbac::{CALLER_VARIABLE, Caller};
use crate::{World, state_dir};

/// One case of a transcript.
#[derive(Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name, unique in its file.
    pub name: String,
    steps: Vec<Step>,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Setup(Vec<String>),
    Background(Vec<String>),
    User(String),
    Expect {
        line: usize,
        words: Vec<String>,
        code: Option<i32>,
        out: Vec<String>,
        err: Vec<String>,
    },
}

/// The cases of a transcript.
///
/// # Errors
///
/// The line that is not understood.
pub fn parse(text: &str) -> Result<Vec<Case>, String> {
    let mut cases: Vec<Case> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let wrong = |what: &str| format!("line {number}: {what}: {line}");
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix("== ") {
            if cases.iter().any(|case| case.name == name) {
                return Err(wrong("a second case of this name"));
            }
            cases.push(Case { name: name.to_owned(), steps: Vec::new() });
            continue;
        }
        let case = cases.last_mut().ok_or_else(|| wrong("outside a case (`== NAME`)"))?;
        case.line(number, line).map_err(wrong)?;
    }
    match cases.iter().find_map(Case::unfinished) {
        Some(line) => Err(format!("line {line}: no `rc=` follows")),
        None => Ok(cases),
    }
}

impl Case {
    fn line(&mut self, number: usize, line: &str) -> Result<(), &'static str> {
        let step = if let Some(command) = line.strip_prefix("setup: ") {
            Step::Setup(words(command)?)
        } else if let Some(command) = line.strip_prefix("background: ") {
            Step::Background(words(command)?)
        } else if let Some(user) = line.strip_prefix("user=") {
            Step::User(user.to_owned())
        } else if let Some(command) = line.strip_prefix("$ ") {
            let (code, out, err) = (None, Vec::new(), Vec::new());
            Step::Expect { line: number, words: words(command)?, code, out, err }
        } else {
            return self.expectation(line);
        };
        self.steps.push(step);
        Ok(())
    }

    fn expectation(&mut self, line: &str) -> Result<(), &'static str> {
        let Some(Step::Expect { code, out, err, .. }) = self.steps.last_mut() else {
            return Err("no command (`$ …`) before it");
        };
        if let Some(number) = line.strip_prefix("rc=") {
            *code = Some(number.parse().map_err(|_| "no exit code")?);
        } else if let Some(text) = line.strip_prefix("out|") {
            out.push(text.strip_prefix(' ').unwrap_or(text).to_owned());
        } else if let Some(text) = line.strip_prefix("err|") {
            err.push(text.strip_prefix(' ').unwrap_or(text).to_owned());
        } else {
            return Err("not understood");
        }
        Ok(())
    }

    /// The line of a command whose exit code is not said.
    fn unfinished(&self) -> Option<usize> {
        self.steps.iter().find_map(|step| match step {
            Step::Expect { line, code: None, .. } => Some(*line),
            _ => None,
        })
    }

    /// Runs the case in the host in which this process is.
    ///
    /// # Errors
    ///
    /// What was expected and what came instead.
    pub fn run(&self) -> Result<(), String> {
        let mut user = "root".to_owned();
        let mut background = Background(Vec::new());
        for step in &self.steps {
            match step {
                Step::Setup(words) => setup(words)?,
                Step::Background(words) => background.start(words)?,
                Step::User(name) => user.clone_from(name),
                Step::Expect { .. } => expect(step, &user)?,
            }
        }
        Ok(())
    }
}

/// Runs the cases of a file, or the one of this name, each in a host of its
/// own, and says which did not go as written.
///
/// # Errors
///
/// The file's or the cases' failures as text.
pub fn check(file: &Utf8Path, only: Option<&str>) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("{file}: {e}"))?;
    let cases = parse(&text).map_err(|e| format!("{file}: {e}"))?;
    let chosen: Vec<&Case> =
        cases.iter().filter(|case| only.is_none_or(|name| name == case.name)).collect();
    if chosen.is_empty() {
        return Err(format!("{file}: no such case"));
    }
    let failures: Vec<String> =
        chosen.iter().filter_map(|case| outside(file, case).err()).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

/// Runs one case in a new host.
fn outside(file: &Utf8Path, case: &Case) -> Result<(), String> {
    let failed = |what: String| format!("{file}: == {}\n{what}", case.name);
    let dir = tempfile::tempdir().map_err(|e| failed(e.to_string()))?;
    let path = Utf8Path::from_path(dir.path()).ok_or_else(|| failed("no UTF-8".to_owned()))?;
    let inner = ["illumos-host", "transcript-case", file.as_str(), &case.name];
    let output = crate::enter::command(path, &inner).output();
    let output = output.map_err(|e| failed(e.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// What runs until the case ends.
struct Background(Vec<Child>);

impl Background {
    fn start(&mut self, words: &[String]) -> Result<(), String> {
        let mut child = command(words, "root")?
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("background {words:?}: {e}"))?;
        let stdout = child.stdout.take().expect("it is piped");
        self.0.push(child);
        let mut first = String::new();
        let read = BufReader::new(stdout).read_line(&mut first);
        match read {
            Ok(bytes) if bytes > 0 => Ok(()),
            Ok(_) => Err(format!("background {words:?} ended without a line")),
            Err(error) => Err(format!("background {words:?}: {error}")),
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It may have ended already.
            let _ended = child.kill();
            let _ended = child.wait();
        }
    }
}

fn command(words: &[String], user: &str) -> Result<Command, String> {
    let (program, arguments) = words.split_first().ok_or("an empty command")?;
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C").env("TZ", "UTC").env_remove(CALLER_VARIABLE);
    let root = || World::with(state_dir(), |world| Caller::root(world).variable());
    match user {
        "solstice" => {}
        "root" => {
            command.env(CALLER_VARIABLE, root().map_err(|e| e.to_string())?);
        }
        other => return Err(format!("user={other}: root or solstice")),
    }
    Ok(command)
}

fn setup(words: &[String]) -> Result<(), String> {
    let output = command(words, "root")?.stdin(Stdio::null()).output();
    let output = output.map_err(|e| format!("setup {words:?}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(format!("setup {words:?} failed ({}): {text}", output.status))
}

fn expect(step: &Step, user: &str) -> Result<(), String> {
    let Step::Expect { line, words, code, out, err } = step else { return Ok(()) };
    let output = command(words, user)?.stdin(Stdio::null()).output();
    let output = output.map_err(|e| format!("line {line}: {words:?}: {e}"))?;
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() == *code && same(out, &stdout) && same(err, &stderr) {
        return Ok(());
    }
    let mut report =
        format!("line {line}: {words:?} as {user} gave\nrc={:?}\n", output.status.code());
    for (name, text) in [("out", &stdout), ("err", &stderr)] {
        for line in text.split_inclusive('\n') {
            report.push_str(&format!("{name}| {}", line));
        }
    }
    report.push_str(&format!("\ninstead of rc={code:?} {out:#?} {err:#?}"));
    Err(report)
}

/// Whether the text is these lines, each ended by a newline.
fn same(expected: &[String], text: &str) -> bool {
    let open = !text.is_empty() && !text.ends_with('\n');
    let text = if open { format!("{text} (no newline)") } else { text.to_owned() };
    let mut lines = text.lines();
    for expected in expected {
        if expected == "<...>" {
            return true;
        }
        if !lines.next().is_some_and(|line| matches(expected, line)) {
            return false;
        }
    }
    lines.next().is_none()
}

/// Whether the line is the pattern, with any text for each `<*>`.
fn matches(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split("<*>");
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

fn words(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(letter),
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    if quote.is_some() { Err("a quotation that does not end") } else { Ok(words) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_divided_at_blanks_that_are_not_quoted() {
        assert_eq!(words("zfs set  a:b='x \"y' \"\"").unwrap(), ["zfs", "set", "a:b=x \"y", ""]);
        assert!(words("'open").is_err());
    }

    #[test]
    fn lines_must_be_the_same_but_for_what_is_left_open() {
        let expected = |lines: &[&str]| lines.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        assert!(same(&expected(&["a", "b <*> d <*>"]), "a\nb c d e\n"));
        assert!(!same(&expected(&["a"]), "a\nb\n"));
        assert!(!same(&expected(&["a", "b"]), "a\n"));
        assert!(!same(&expected(&["a"]), "a"));
        assert!(same(&expected(&["a (no newline)"]), "a"));
        assert!(!same(&expected(&["b <*> d"]), "b c e\n"));
        assert!(same(&expected(&["a", "<...>"]), "a\nb\nc\n"));
        assert!(same(&[], "") && !same(&[], "\n"));
    }

    #[test]
    fn a_command_without_an_exit_code_is_no_test() {
        assert_eq!(parse("== x\n$ true\n"), Err("line 2: no `rc=` follows".to_owned()));
        assert!(parse("$ true\nrc=0\n").is_err());
        assert!(parse("== x\nrc=0\n").is_err());
        assert_eq!(parse("== x\n$ true\nrc=0\n").unwrap().len(), 1);
    }
}
