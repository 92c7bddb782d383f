//! A `policy` node: what one place has to say, each node by itself.

use std::collections::BTreeSet;

use solstice_kdl::{
    Diagnostics, Document, Limits, Problem, Reader, Refusal, Span, Spanned, Value, nearest, quoted,
    value,
};
use solstice_workflow::Pattern;

/// Size of a policy file.
pub const MAX_FILE_BYTES: usize = 64 * 1024;

/// Names of one `policy`.
pub const MAX_USERS: usize = 256;

/// Patterns of one `branches` or `tags`.
pub const MAX_PATTERNS: usize = 64;

/// Characters of a user's name.
const MAX_USER_CHARS: usize = 200;

/// Who may start jobs at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// Who may push to the repository, or is named.
    Members,
    /// Everyone; what strangers may start then is for [`Approval`] to say.
    #[default]
    Everyone,
}

/// What waits until somebody approves of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approval {
    /// Nothing: whoever has an account on the forge runs what they like.
    Never,
    /// Pull requests from outside, unless all who are behind them are members.
    #[default]
    Outside,
    /// Every pull request, whoever made it.
    PullRequests,
    /// Every pull request and every push.
    All,
}

/// What one place says; what it does not is `None` and left to the layers below.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    pub(crate) start: Option<Start>,
    /// In lower case: forges tell names apart without it.
    pub(crate) users: Option<BTreeSet<String>>,
    pub(crate) approval: Option<Approval>,
    pub(crate) branches: Option<Vec<Pattern>>,
    pub(crate) tags: Option<Vec<Pattern>>,
    pub(crate) skip_markers: Option<bool>,
    pub(crate) supersede: Option<bool>,
}

/// Reads a policy file; `file_name` is what diagnostics call it.
///
/// # Errors
///
/// Returns all that is wrong with the file, up to a bound.
pub fn parse(file_name: &str, bytes: &[u8]) -> Result<Layer, Diagnostics> {
    let limits = Limits { max_bytes: MAX_FILE_BYTES, max_items: 2_000, max_depth: 4 };
    let document = Document::parse(file_name, bytes, limits)?;
    document.decode(|file| file.required_child("policy").map(Layer::read))
}

impl Layer {
    /// Reads a `policy` node.
    pub fn read(mut node: Reader<'_>) -> Self {
        let branches = node.list("branches", value::spanned(pattern));
        let tags = node.list("tags", value::spanned(pattern));
        let layer = Self {
            start: node.setting("start", |given| {
                word(given, [("members", Start::Members), ("everyone", Start::Everyone)])
            }),
            users: users(&mut node),
            approval: node.setting("approval", |given| {
                word(
                    given,
                    [
                        ("never", Approval::Never),
                        ("outside", Approval::Outside),
                        ("pull_requests", Approval::PullRequests),
                        ("all", Approval::All),
                    ],
                )
            }),
            branches: branches.map(|all| bounded(&node, all, MAX_PATTERNS, "patterns")),
            tags: tags.map(|all| bounded(&node, all, MAX_PATTERNS, "patterns")),
            skip_markers: node.setting("skip_markers", value::boolean),
            supersede: node.setting("supersede", value::boolean),
        };
        node.finish();
        layer
    }
}

fn users(node: &mut Reader<'_>) -> Option<BTreeSet<String>> {
    let nodes = node.children("user");
    if nodes.is_empty() {
        return None;
    }
    let mut all = Vec::new();
    for mut child in nodes {
        all.extend(child.required_args("a user's name", value::spanned(user)));
        child.finish();
    }
    Some(bounded(node, all, MAX_USERS, "users").into_iter().collect())
}

fn user(given: &Value) -> Result<String, Refusal> {
    let name = value::string(given)?;
    if let Some(bare) = name.strip_prefix('@') {
        return Err(Refusal::because("a user is named as the forge does, without @")
            .help(format!("write \"{bare}\"")));
    }
    let length = name.chars().count();
    let odd = |c: char| c.is_whitespace() || c.is_control();
    if !(1..=MAX_USER_CHARS).contains(&length) || name.contains(odd) {
        let reason = format!("{} is no user's name", quoted(&name));
        return Err(Refusal::because(reason).help("write it as the forge shows it"));
    }
    Ok(name.to_lowercase())
}

fn pattern(given: &Value) -> Result<Pattern, Refusal> {
    Pattern::of_names(&value::string(given)?)
}

/// One of several words.
fn word<T, const N: usize>(given: &Value, words: [(&str, T); N]) -> Result<T, Refusal> {
    let text = value::string(given)?;
    let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    let help = match nearest(&text, names.iter().copied()) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => format!("write \"{}\"", names.join("\" or \"")),
    };
    let found = words.into_iter().find(|(name, _)| *name == text);
    let unknown = || Refusal::because(format!("{} is none of its values", quoted(&text)));
    found.map(|(_, value)| value).ok_or_else(|| unknown().help(help))
}

/// The values of a list that is not too long.
fn bounded<T>(node: &Reader<'_>, all: Vec<Spanned<T>>, most: usize, what: &str) -> Vec<T> {
    let surplus: Option<Span> = all.get(most).map(|one| one.span);
    if let Some(span) = surplus {
        let problem = Problem::new(span, format!("there are more than {most} {what}"));
        node.report(problem.label("one too many").help("use patterns, or fewer of them"));
    }
    all.into_iter().map(|one| one.value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_it_says_and_nothing_else() {
        let file = br#"policy {
            start "members"
            user "dependabot[bot]" "Alice"
            user "bob"
            approval "pull_requests"
            branches "main" "release/*"
            skip_markers #false
        }"#;
        let layer = parse("policy.kdl", file).unwrap();
        assert_eq!(
            (layer.start, layer.approval),
            (Some(Start::Members), Some(Approval::PullRequests))
        );
        let users = ["alice", "bob", "dependabot[bot]"].map(str::to_owned);
        assert_eq!(layer.users, Some(users.into()));
        assert_eq!(layer.branches.unwrap().len(), 2);
        assert_eq!((layer.tags, layer.skip_markers, layer.supersede), (None, Some(false), None));
        assert_eq!(parse("policy.kdl", b"policy").unwrap(), Layer::default());
    }

    #[test]
    fn what_is_wrong_is_said_with_a_remedy() {
        for (inside, said, help) in [
            ("start \"member\"", "none of its values", "did you mean \"members\"?"),
            ("approval \"sometimes\"", "none of its values", "\"never\" or \"outside\" or"),
            ("aproval \"never\"", "no node", "did you mean `approval`"),
            ("user \"@bob\"", "without @", "\"bob\""),
            ("user \"b ob\"", "no user's name", "as the forge shows it"),
            ("user", "needs a user's name", "user"),
            ("branches \"refs/heads/main\"", "short name", "\"main\""),
            ("skip_markers \"no\"", "boolean", "#true or #false"),
        ] {
            let wrong = parse("policy.kdl", format!("policy {{ {inside}; }}").as_bytes());
            let wrong = wrong.expect_err(inside);
            let one = &wrong.list()[0];
            assert!(one.one_line().contains(said), "{}", one.one_line());
            assert!(one.help().unwrap_or_default().contains(help), "{:?}", one.help());
        }
        assert!(parse("policy.kdl", b"").is_err());
        assert!(parse("policy.kdl", b"polcy").is_err());
    }

    #[test]
    fn lists_and_files_are_bounded() {
        let many = "\"x\" ".repeat(MAX_PATTERNS + 1);
        let wrong = parse("policy.kdl", format!("policy {{ tags {many}; }}").as_bytes());
        assert!(wrong.unwrap_err().list()[0].one_line().contains("more than 64"));
        let many = (0..=MAX_USERS).map(|n| format!("u{n} ")).collect::<String>();
        let wrong = parse("policy.kdl", format!("policy {{ user {many}; }}").as_bytes());
        assert!(wrong.unwrap_err().list()[0].one_line().contains("more than 256"));
        assert!(parse("policy.kdl", &vec![b' '; MAX_FILE_BYTES + 1]).is_err());
    }
}
