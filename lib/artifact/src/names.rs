//! The names under which a job gets artifacts: `<job>/<path>`.

use std::collections::{HashMap, hash_map::Entry};

use crate::error::ArtifactError;

/// The longest name, in bytes (PATH_MAX of limits.h(0p) is 4096 with what is before it).
const MAX_NAME_BYTES: usize = 2048;

/// The longest part of one, in bytes (NAME_MAX).
const MAX_PART_BYTES: usize = 255;

/// The names of one archive, none of which is in the way of another.
#[derive(Default)]
pub(crate) struct Names {
    /// Each with whether it is a file; directories are those above files.
    taken: HashMap<String, bool>,
}

impl Names {
    /// Takes a name and gives it back joined.
    pub(crate) fn take(&mut self, job: &str, path: &str) -> Result<String, ArtifactError> {
        let name = format!("{job}/{path}");
        let bad = |why| Err(ArtifactError::BadName { name: name.clone(), why });
        if job.contains('/') {
            return bad("a job's name is one part");
        }
        if name.len() > MAX_NAME_BYTES {
            return bad("it is too long");
        }
        if let Some(why) = name.split('/').find_map(bad_part) {
            return bad(why);
        }
        for (at, _) in name.match_indices('/') {
            if *self.taken.entry(name[..at].to_owned()).or_insert(false) {
                return bad("a part of it is a file");
            }
        }
        match self.taken.entry(name.clone()) {
            Entry::Occupied(_) => bad("it is taken"),
            Entry::Vacant(entry) => {
                entry.insert(true);
                Ok(name)
            }
        }
    }
}

fn bad_part(part: &str) -> Option<&'static str> {
    match part {
        "" => Some("a part of it is empty"),
        "." | ".." => Some("it leads elsewhere"),
        _ if part.len() > MAX_PART_BYTES => Some("a part of it is too long"),
        _ if part.contains('\0') => Some("it has a zero byte"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_below_their_job_and_are_not_in_each_others_way() {
        let mut names = Names::default();
        for (job, path) in [("build", "a"), ("build", "dir/b"), ("test", "a"), ("build", "ü …")]
        {
            assert_eq!(names.take(job, path).unwrap(), format!("{job}/{path}"));
        }
        let long = "x".repeat(256);
        let longer = "x/".repeat(1100);
        for (job, path) in [
            ("build", "a"),
            ("build", "a/b"),
            ("build", "dir"),
            ("build", ""),
            ("build", "/etc/passwd"),
            ("build", "../a"),
            ("build", "b/../c"),
            ("build", "./c"),
            ("build", "c/"),
            ("build", "c\0"),
            ("build", &long),
            ("build", &longer),
            ("", "a"),
            ("..", "a"),
            ("a/b", "c"),
        ] {
            let refused = names.take(job, path);
            assert!(matches!(refused, Err(ArtifactError::BadName { .. })), "{job:?} {path:?}");
        }
    }
}
