//! A file of the default branch.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use solstice_forge::workflows::MAX_FILE_BYTES;
use solstice_forge::{ForgeError, Unusable, WorkflowFile};
use solstice_model::RepoName;

use crate::ask::{Answer, ask, ask_up_to, unusable};
use crate::client::{Client, below};

/// The largest answer that is read: the largest file in Base64, and what the
/// API says of it.
const MAX_ENTRY_BYTES: usize = MAX_FILE_BYTES / 3 * 4 + 64 * 1024;

/// What the API says of a path that is no directory. The content is in it, so
/// that nobody can move the branch in between.
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    size: u64,
    content: Option<String>,
}

/// Reads a file of the default branch; `None` if there is none.
pub(crate) async fn of_default_branch(
    client: &Client,
    repository: &RepoName,
    path: &str,
) -> Result<Option<WorkflowFile>, ForgeError> {
    let parts: Vec<&str> = path.split('/').collect();
    // No tree has these, and in an address they would mean another file.
    if parts.iter().any(|part| ["", ".", ".."].contains(part)) {
        return Ok(None);
    }
    let call = below(repository, &[&["contents"], &parts[..]].concat());
    let found = match ask_up_to(client, &call, &[], MAX_ENTRY_BYTES).await {
        Ok(Answer::Told(Value::Array(_))) => return Ok(None),
        Ok(Answer::Told(entry)) => read(entry),
        Ok(Answer::TooLarge) => Ok(Some(Err(Unusable::TooLarge))),
        Err(ForgeError::Refused { status: 404, .. }) => {
            // No file, or no repository: only the first is fine.
            let _: Value = ask(client, &below(repository, &[]), &[]).await?;
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let content = found.map_err(|why| unusable(format!("GET /{}", call.join("/")), why))?;
    Ok(content.map(|content| WorkflowFile { path: path.to_owned(), content }))
}

/// The content of an entry, if it can be read; `None` of what is no file.
fn read(entry: Value) -> Result<Option<Result<Vec<u8>, Unusable>>, String> {
    let entry = Entry::deserialize(entry).map_err(|error| error.to_string())?;
    match entry.kind.as_str() {
        "symlink" => return Ok(Some(Err(Unusable::SymbolicLink))),
        "file" => {}
        _ => return Ok(None),
    }
    if entry.size > MAX_FILE_BYTES as u64 {
        return Ok(Some(Err(Unusable::TooLarge)));
    }
    let content = STANDARD.decode(entry.content.ok_or("it has no content")?.trim_end());
    let content = content.map_err(|error| format!("its content is not Base64: {error}"))?;
    if content.len() as u64 != entry.size {
        return Err(format!("it holds {} of {} bytes", content.len(), entry.size));
    }
    Ok(Some(Ok(content)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(json: &str) -> Result<Option<Result<Vec<u8>, Unusable>>, String> {
        read(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn only_plain_files_are_read() {
        let plain =
            entry(r#"{"type": "file", "size": 3, "content": "YWJj", "encoding": "base64"}"#);
        assert_eq!(plain, Ok(Some(Ok(b"abc".to_vec()))));
        let link = entry(r#"{"type": "symlink", "size": 3, "target": "../x"}"#);
        assert_eq!(link, Ok(Some(Err(Unusable::SymbolicLink))));
        assert_eq!(entry(r#"{"type": "submodule"}"#), Ok(None));
        let large = entry(r#"{"type": "file", "size": 262145, "content": null}"#);
        assert_eq!(large, Ok(Some(Err(Unusable::TooLarge))));
    }

    #[test]
    fn content_that_is_not_whole_is_no_content() {
        for json in [
            r#"{"type": "file", "size": 3}"#,
            r#"{"type": "file", "size": 3, "content": ""}"#,
            r#"{"type": "file", "size": 3, "content": "YWJjZA=="}"#,
            r#"{"type": "file", "size": 3, "content": "???"}"#,
        ] {
            assert!(entry(json).is_err(), "{json}");
        }
    }
}
