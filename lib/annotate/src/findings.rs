//! What was found in all output of an attempt: without repeats, bounded, in order.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use solstice_model::annotation::MAX_ANNOTATIONS;
use solstice_model::{Annotation, AnnotationLevel};

/// The most different annotations of which repeats are known.
const MAX_SEEN: usize = 100_000;

/// The annotations of one attempt, in the order in which they were found.
///
/// When there are too many, what is worse is kept: a failure takes the place of
/// the last notice, or else of the last warning.
#[derive(Debug, Default)]
pub struct Findings {
    kept: Vec<Annotation>,
    /// Digests of what was found, be it kept or not.
    seen: HashSet<u64>,
    omitted: u32,
}

impl Findings {
    /// Adds one, unless it is a repeat.
    pub fn add(&mut self, annotation: Annotation) {
        let digest = BuildHasherDefault::<DefaultHasher>::default().hash_one(&annotation);
        if self.seen.contains(&digest) {
            return;
        }
        if self.seen.len() < MAX_SEEN {
            self.seen.insert(digest);
        }
        if self.kept.len() == MAX_ANNOTATIONS {
            self.omitted = self.omitted.saturating_add(1);
            let Some(place) = self.last_below(annotation.level) else { return };
            self.kept.remove(place);
        }
        self.kept.push(annotation);
    }

    /// Adds all of others, which were found later.
    pub fn append(&mut self, others: Self) {
        let (annotations, omitted) = others.into_annotations();
        annotations.into_iter().for_each(|one| self.add(one));
        self.omitted = self.omitted.saturating_add(omitted);
    }

    /// Whether a failure is known at this line.
    pub fn fails_at(&self, path: &str, line: u32) -> bool {
        let here = |one: &&Annotation| one.path == path && one.line == line;
        self.kept.iter().filter(here).any(|one| one.level == AnnotationLevel::Failure)
    }

    /// All that is kept, and how many more there were.
    pub fn into_annotations(self) -> (Vec<Annotation>, u32) {
        (self.kept, self.omitted)
    }

    /// The last of those that matter least, if they matter less than `level`.
    fn last_below(&self, level: AnnotationLevel) -> Option<usize> {
        // The levels are in order, the worst first.
        let least = self.kept.iter().map(|one| one.level).max()?;
        let below = least > level;
        below.then(|| self.kept.iter().rposition(|one| one.level == least)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: u32, level: AnnotationLevel) -> Annotation {
        let message = "wrong".to_owned();
        let (path, title) = ("a.c".to_owned(), String::new());
        Annotation { path, line, end_line: line, column: None, level, title, message }
    }

    #[test]
    fn what_is_worse_takes_the_place_of_what_matters_less() {
        use AnnotationLevel::{Failure, Notice, Warning};
        let mut findings = Findings::default();
        let most = u32::try_from(MAX_ANNOTATIONS).unwrap();
        findings.add(one(1, Notice));
        (2..=most).for_each(|line| findings.add(one(line, Warning)));
        findings.add(one(1, Notice));
        assert_eq!(findings.omitted, 0, "a repeat is nothing new");
        findings.add(one(most + 1, Failure));
        findings.add(one(most + 2, Failure));
        findings.add(one(most + 3, Warning));
        let (kept, omitted) = findings.into_annotations();
        assert_eq!((kept.len(), omitted), (MAX_ANNOTATIONS, 3));
        let lines: Vec<u32> = kept.iter().map(|one| one.line).collect();
        let expected: Vec<u32> = (2..most).chain([most + 1, most + 2]).collect();
        assert_eq!(lines, expected);
    }
}
