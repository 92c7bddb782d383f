//! Rules for the values of a workflow file: what each may be.

use std::str::FromStr;
use std::time::Duration;

use solstice_kdl::{Problem, Reader, Refusal, Span, Value, quoted, value};
use solstice_model::BadName;
use solstice_model::spec::{MAX_RETRIES, MAX_TIMEOUT_S};

use crate::limits::{MAX_NAME_CHARS, MAX_PATH_BYTES, MAX_PRIORITY, MAX_RUN_BYTES};

/// Words of the planned language.
const PLANNED: [&str; 6] = ["cache", "concurrency", "from", "network", "secrets", "service"];

/// Refuses what later versions will know, so that it is not called unknown.
pub(crate) fn refuse_planned(reader: &mut Reader<'_>) {
    reader.reserved(&PLANNED, "it is planned; remove it until then");
}

/// There are more of something than one file or job may have.
pub(crate) fn too_many_of(what: &str, most: usize, span: Span) -> Problem {
    Problem::new(span, format!("there are more than {most} {what}"))
        .label("one too many")
        .help("put several commands into one, or split the file")
}

/// Makes a decoder of a rule for texts.
pub(crate) fn text<T>(
    rule: impl Fn(&str) -> Result<T, Refusal>,
) -> impl Fn(&Value) -> Result<T, Refusal> {
    move |given| rule(&value::string(given)?)
}

/// A name for people: one line, not empty.
pub(crate) fn name(text: &str) -> Result<String, Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::because("a name cannot be empty").help("write one, or leave it out"));
    }
    if text.chars().count() > MAX_NAME_CHARS {
        let reason = format!("a name has at most {MAX_NAME_CHARS} characters");
        return Err(Refusal::because(reason).help("shorten it"));
    }
    no_controls("a name", text)
}

/// A job's id, a label or a size.
pub(crate) fn word<T: FromStr<Err = BadName>>(text: &str) -> Result<T, Refusal> {
    let help = "write up to 63 letters, digits, - _ and ., such as \"build-1.2\"";
    text.parse().map_err(|error| Refusal::because(error).help(help))
}

/// How many more times something is tried.
pub(crate) fn retries(given: &Value) -> Result<u32, Refusal> {
    let help = format!("choose a number from 0 to {MAX_RETRIES}");
    match value::integer::<u32>(given) {
        Ok(retries) if retries <= MAX_RETRIES => Ok(retries),
        Ok(_) => Err(Refusal::because("this is too often").help(help)),
        Err(refusal) => Err(refusal.help(help)),
    }
}

/// Which of two waiting jobs begins first.
pub(crate) fn priority(given: &Value) -> Result<i8, Refusal> {
    let help = format!("choose a number from -{MAX_PRIORITY} to {MAX_PRIORITY}");
    match value::integer::<i8>(given) {
        Ok(priority) if (-MAX_PRIORITY..=MAX_PRIORITY).contains(&priority) => Ok(priority),
        Ok(_) => Err(Refusal::because("this priority is out of range").help(help)),
        Err(refusal) => Err(refusal.help(help)),
    }
}

/// A time limit in whole seconds.
pub(crate) fn timeout(given: &Value) -> Result<u32, Refusal> {
    let limit = value::duration(given)?;
    let longest = Duration::from_secs(MAX_TIMEOUT_S.into());
    if limit < Duration::from_secs(1) || limit > longest {
        let hours = MAX_TIMEOUT_S / 3600;
        return Err(Refusal::because("this time limit is out of range")
            .help(format!("choose one from 1s to {hours}h")));
    }
    let seconds = u32::try_from(limit.as_secs()).ok().filter(|_| limit.subsec_nanos() == 0);
    seconds.ok_or_else(|| {
        Refusal::because("a time limit is a whole number of seconds").help("round it up")
    })
}

/// A script.
pub(crate) fn run(script: &str) -> Result<String, Refusal> {
    if script.trim().is_empty() {
        return Err(
            Refusal::because("there is nothing to run").help("write a command, or remove the step")
        );
    }
    if script.len() > MAX_RUN_BYTES {
        let reason = format!("this script has {} bytes, over {MAX_RUN_BYTES}", script.len());
        return Err(Refusal::because(reason).help("put it into the repository and call it"));
    }
    no_nul("a script", script)
}

/// A program and its arguments, split at blanks.
pub(crate) fn shell(text: &str) -> Result<Vec<String>, Refusal> {
    let line = no_controls("a shell", text)?;
    if line.len() > MAX_PATH_BYTES {
        return Err(Refusal::because(format!("a shell has at most {MAX_PATH_BYTES} bytes"))
            .help("put the arguments into a script and name that"));
    }
    if line.contains(['"', '\'', '\\']) {
        return Err(Refusal::because("a shell is split at blanks; quotes mean nothing in it")
            .help("put what needs quotes into a script and name that"));
    }
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let Some(program) = words.first() else {
        return Err(Refusal::because("there is no program")
            .help("name one, as in \"/bin/bash -e\", or leave `shell` out"));
    };
    if program.contains('/') && !program.starts_with('/') {
        let reason = format!("{} is neither a path from / nor a bare name", quoted(program));
        return Err(Refusal::because(reason).help("write \"/bin/bash -e\" or \"bash -e\""));
    }
    Ok(words)
}

/// A directory of the source.
pub(crate) fn working_dir(text: &str) -> Result<String, Refusal> {
    let dir = no_controls("a directory", text)?;
    let help = "write a path from the root of the source, such as \"web/app\"";
    let refuse = |why: &str| Err(Refusal::because(why).help(help));
    if dir.is_empty() {
        return refuse("a directory cannot be empty");
    }
    if dir.len() > MAX_PATH_BYTES {
        return refuse("this path is too long");
    }
    if dir.starts_with('/') {
        return refuse("the directory must be relative to the source");
    }
    if dir.split('/').any(|part| part == "..") {
        return refuse("the directory must not leave the source");
    }
    Ok(dir)
}

/// The value of an environment variable.
pub(crate) fn env_value(text: &str) -> Result<String, Refusal> {
    no_nul("a variable", text)
}

fn no_nul(what: &str, text: &str) -> Result<String, Refusal> {
    if text.contains('\0') {
        return Err(
            Refusal::because(format!("{what} cannot contain a NUL")).help("remove the \\u{0}")
        );
    }
    Ok(text.to_owned())
}

/// Takes a text of one line.
pub(crate) fn no_controls(what: &str, text: &str) -> Result<String, Refusal> {
    match text.chars().find(|c| c.is_control()) {
        Some(c) => Err(Refusal::because(format!("{what} cannot contain U+{:04X}", u32::from(c)))
            .help("write it on one line, without control characters")),
        None => Ok(text.to_owned()),
    }
}
