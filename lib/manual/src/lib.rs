//! The parts of a man page that the definition of a command line has to say: its
//! synopsis, and its commands with their options, as mdoc(7).
//!
//! The help texts are the one source of what options do; the rest of a page is
//! written by hand. It does not: read or write files, or describe hidden commands.
//!
//! ```
//! use clap::{Arg, Command};
//!
//! let tool = Command::new("tool")
//!     .subcommand(Command::new("show").about("Show it").arg(Arg::new("id").required(true)));
//! let page = solstice_manual::sections(&tool);
//! assert!(page.starts_with(".Sh SYNOPSIS\n.Nm\n.Cm show\n.Ar id\n"));
//! ```

mod text;

use clap::{Arg, ArgAction, Command};

use crate::text::{argument, paragraph};

/// A command at the end of its words, such as `run show`.
struct Leaf<'c> {
    words: Vec<&'c str>,
    command: &'c Command,
}

/// The sections `SYNOPSIS` and `COMMANDS` of a program's page. Options of more than
/// half of the commands are described once.
pub fn sections(program: &Command) -> String {
    let mut leaves = Vec::new();
    collect(program, &mut Vec::new(), &mut leaves);
    let common = common(&leaves);
    let mut page = ".Sh SYNOPSIS\n".to_owned();
    for leaf in &leaves {
        page.push_str(".Nm\n");
        if !leaf.words.is_empty() {
            page.push_str(&format!(".Cm {}\n", argument(&leaf.words.join(" "))));
        }
        for arg in own(leaf, &common) {
            page.push_str(&usage(arg));
        }
    }
    page.push_str(".Sh COMMANDS\n.Bl -tag -width Ds\n");
    for leaf in &leaves {
        page.push_str(&described(leaf, &common));
    }
    page.push_str(".El\n");
    if let (false, Some(leaf)) = (common.is_empty(), leaves.first()) {
        let which = common.iter().filter_map(|name| find(&leaves, name).or(find_in(leaf, name)));
        page.push_str(".Pp\nMost commands take:\n");
        page.push_str(&options(which));
    }
    page
}

fn collect<'c>(command: &'c Command, words: &mut Vec<&'c str>, leaves: &mut Vec<Leaf<'c>>) {
    let shown = || command.get_subcommands().filter(|sub| !sub.is_hide_set());
    if shown().next().is_none() || command.is_args_conflicts_with_subcommands_set() {
        leaves.push(Leaf { words: words.clone(), command });
    }
    for sub in shown().filter(|sub| sub.get_name() != "help") {
        words.push(sub.get_name());
        collect(sub, words, leaves);
        words.pop();
    }
}

/// What somebody may say to a command.
fn args<'c>(leaf: &Leaf<'c>) -> impl Iterator<Item = &'c Arg> + use<'c> {
    let inherent = ["help", "version"];
    leaf.command
        .get_arguments()
        .filter(move |arg| !arg.is_hide_set() && !inherent.contains(&arg.get_id().as_str()))
}

/// The long names of the options that more than half of the commands have.
fn common(leaves: &[Leaf<'_>]) -> Vec<String> {
    let mut all: Vec<(String, usize)> = Vec::new();
    for name in leaves.iter().flat_map(args).filter_map(Arg::get_long) {
        match all.iter_mut().find(|(known, _)| known == name) {
            Some((_, count)) => *count += 1,
            None => all.push((name.to_owned(), 1)),
        }
    }
    let often = |count: usize| count * 2 > leaves.len() && count > 2;
    all.into_iter().filter(|(_, count)| often(*count)).map(|(name, _)| name).collect()
}

/// Those that are not common, options first.
fn own<'c>(leaf: &Leaf<'c>, common: &[String]) -> Vec<&'c Arg> {
    let is_own = |arg: &&Arg| !arg.get_long().is_some_and(|name| common.iter().any(|c| c == name));
    let (options, positionals): (Vec<_>, Vec<_>) =
        args(leaf).filter(is_own).partition(|arg| !arg.is_positional());
    options.into_iter().chain(positionals).collect()
}

fn find<'c>(leaves: &[Leaf<'c>], long: &str) -> Option<&'c Arg> {
    leaves.iter().find_map(|leaf| find_in(leaf, long))
}

fn find_in<'c>(leaf: &Leaf<'c>, long: &str) -> Option<&'c Arg> {
    args(leaf).find(|arg| arg.get_long() == Some(long))
}

/// How an argument is written: a line of the synopsis.
fn usage(arg: &Arg) -> String {
    let said = words(arg);
    if arg.is_required_set() { format!(".{said}\n") } else { format!(".Op {said}\n") }
}

/// `Fl -limit Ar n` or `Ar run`.
fn words(arg: &Arg) -> String {
    let more = match arg.get_num_args() {
        Some(range) if range.max_values() > 1 => " ...",
        _ if matches!(arg.get_action(), ArgAction::Append) => " ...",
        _ => "",
    };
    let value = arg.get_value_names().and_then(|names| names.first());
    let value =
        value.map_or_else(|| arg.get_id().as_str().to_lowercase(), |name| name.to_lowercase());
    match arg.get_long() {
        None => format!("Ar {}{more}", argument(&value)),
        Some(long) if arg.get_action().takes_values() => {
            format!("Fl -{long} Ar {}{more}", argument(&value))
        }
        Some(long) => format!("Fl -{long}"),
    }
}

/// An entry of the list of commands.
fn described(leaf: &Leaf<'_>, common: &[String]) -> String {
    let words = leaf.words.join(" ");
    let mut text = match words.is_empty() {
        true => String::new(),
        false => format!(".It Cm {}\n", argument(&words)),
    };
    let about = leaf.command.get_long_about().or(leaf.command.get_about());
    text.push_str(&paragraph(&about.map(ToString::to_string).unwrap_or_default()));
    let own = own(leaf, common);
    if !own.is_empty() {
        text.push_str(&options(own));
    }
    text
}

/// A list of arguments with their help.
fn options<'c>(all: impl IntoIterator<Item = &'c Arg>) -> String {
    let mut text = ".Bl -tag -width Ds\n".to_owned();
    for arg in all {
        let short = arg.get_short().map(|short| format!("Fl {short} , ")).unwrap_or_default();
        text.push_str(&format!(".It {short}{}\n", words(arg)));
        let help = arg.get_long_help().or(arg.get_help());
        text.push_str(&paragraph(&help.map(ToString::to_string).unwrap_or_default()));
        text.push_str(&notes(arg));
    }
    text + ".El\n"
}

/// The values that an argument can have, its usual one, and its variable.
fn notes(arg: &Arg) -> String {
    let mut text = String::new();
    let values = arg.get_possible_values();
    let values: Vec<&str> =
        values.iter().filter(|one| !one.is_hide_set()).map(|one| one.get_name()).collect();
    if arg.get_action().takes_values() && !values.is_empty() {
        text.push_str(&paragraph(&format!("One of {}", values.join(", "))));
    }
    let usual = arg.get_default_values().first().and_then(|value| value.to_str());
    if let (true, Some(usual)) = (arg.get_action().takes_values(), usual) {
        text.push_str(&paragraph(&format!("Without it: {usual}")));
    }
    if let Some(variable) = arg.get_env().and_then(|name| name.to_str()) {
        text.push_str(&format!("The environment variable\n.Ev {variable}\nsays it as well.\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool() -> Command {
        let json = || Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON");
        let leaf = |name: &'static str| Command::new(name).about("Do it").arg(json());
        Command::new("tool")
            .subcommand(leaf("a").arg(Arg::new("id").required(true).help("Which one")))
            .subcommand(leaf("b").subcommand(leaf("c")).arg_required_else_help(true))
            .subcommand(leaf("d").arg(
                Arg::new("limit").long("limit").short('l').value_name("N").default_value("20"),
            ))
            .subcommand(leaf("secret").hide(true))
    }

    #[test]
    fn each_command_has_its_place_and_what_most_have_is_said_once() {
        let page = sections(&tool());
        let expected =
            ".Sh SYNOPSIS\n.Nm\n.Cm a\n.Ar id\n.Nm\n.Cm b c\n.Nm\n.Cm d\n.Op Fl -limit Ar n\n";
        assert!(page.starts_with(expected), "{page}");
        assert_eq!(page.matches("Fl -json").count(), 1, "{page}");
        assert!(page.contains(".It Fl l , Fl -limit Ar n\nWithout it: 20.\n"), "{page}");
        assert!(!page.contains("secret"));
    }
}
