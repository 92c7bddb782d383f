//! What a commit says, and which files it changes.

use std::collections::BTreeSet;

use serde::Deserialize;
use solstice_forge::{Changed, ForgeError, MAX_COMMIT_MESSAGE_BYTES};
use solstice_model::{CommitSha, RepoName};

use crate::ask::{Answer, MAX_ANSWER_BYTES, ask, ask_up_to};
use crate::client::{Client, below};

/// What is not read of a commit may as well not be sent.
pub(crate) const BRIEF: [(&str, &str); 3] =
    [("stat", "false"), ("verification", "false"), ("files", "false")];

/// A commit, as the API describes it.
#[derive(Deserialize)]
pub(crate) struct Commit {
    pub(crate) sha: String,
    pub(crate) commit: Message,
}

#[derive(Deserialize)]
pub(crate) struct Message {
    pub(crate) message: String,
}

/// The commits that one has and the other has not, newest first.
#[derive(Deserialize)]
struct Compare {
    total_commits: usize,
    commits: Option<Vec<Compared>>,
}

#[derive(Deserialize)]
struct Compared {
    /// What it changes; of a merge, what none of its parents has so. A renamed
    /// file is there under both names.
    files: Option<Vec<Affected>>,
}

#[derive(Deserialize)]
struct Affected {
    filename: String,
}

/// The message of a commit, cut.
pub(crate) async fn message(
    client: &Client,
    repository: &RepoName,
    commit: &CommitSha,
) -> Result<String, ForgeError> {
    let path = below(repository, &["git", "commits", commit.as_str()]);
    let found: Commit = ask(client, &path, &BRIEF).await?;
    let mut message = found.commit.message;
    message.truncate(message.floor_char_boundary(MAX_COMMIT_MESSAGE_BYTES));
    Ok(message)
}

/// The files that the commits between change. A merge that takes all of one
/// side's version of a file changes it for nobody who reads this list: the API
/// tells no more.
pub(crate) async fn changed_files(
    client: &Client,
    repository: &RepoName,
    base: &CommitSha,
    head: &CommitSha,
) -> Result<Changed, ForgeError> {
    let both = format!("{base}...{head}");
    let path = below(repository, &["compare", &both]);
    let compare = match ask_up_to(client, &path, &[], MAX_ANSWER_BYTES).await {
        Ok(Answer::Told(compare)) => compare,
        Ok(Answer::TooLarge) => return Ok(Changed::Unknown),
        Err(ForgeError::Refused { status: 404, .. }) => {
            // It is the base that may be gone, and nothing else.
            let path = below(repository, &["git", "commits", head.as_str()]);
            let _: Commit = ask(client, &path, &BRIEF).await?;
            return Ok(Changed::Unknown);
        }
        Err(error) => return Err(error),
    };
    if base == head {
        return Ok(Changed::Files(Vec::new()));
    }
    Ok(union(compare).map_or(Changed::Unknown, Changed::Files))
}

/// Every file of every commit, if the list is whole. That of two histories that
/// have nothing in common is empty, as is that of a head that only goes back.
fn union(compare: Compare) -> Option<Vec<String>> {
    let commits = compare.commits.filter(|commits| !commits.is_empty())?;
    if commits.len() != compare.total_commits {
        return None;
    }
    let mut files = BTreeSet::new();
    for commit in commits {
        files.extend(commit.files?.into_iter().map(|file| file.filename));
    }
    Some(files.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(json: &str) -> Option<Vec<String>> {
        union(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_whole_list_is_joined() {
        let json = r#"{"total_commits": 2, "commits": [
            {"files": [{"filename": "b", "status": "modified"}, {"filename": "a"}]},
            {"files": [{"filename": "b"}]}]}"#;
        assert_eq!(files(json), Some(vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn a_list_that_may_be_cut_tells_nothing() {
        for json in [
            r#"{"total_commits": 0, "commits": []}"#,
            r#"{"total_commits": 0, "commits": null}"#,
            r#"{"total_commits": 2, "commits": [{"files": []}]}"#,
            r#"{"total_commits": 1, "commits": [{"files": null}]}"#,
            r#"{"total_commits": 1, "commits": [{}]}"#,
        ] {
            assert_eq!(files(json), None, "{json}");
        }
    }
}
