//! Names for the jobs that a matrix makes: readable, stable, of their own.

use std::collections::BTreeMap;

use solstice_kdl::{Problem, Spanned, quoted};
use solstice_model::{JobName, Sha256Digest};

use crate::job::Draft;
use crate::matrix::Cell;

/// The most characters of a job's name.
const MAX_CHARS: usize = 63;

/// Digits of the hash that stands for what a name does not say.
const HASH_DIGITS: usize = 8;

/// The names of each draft's cells, in order; one name for a job without a matrix.
///
/// A cell is called by the job's id and its values. If that is too long, or
/// meant twice in the file, it ends with a hash of both, which is the same in
/// every run.
pub(crate) fn of(drafts: &[Draft]) -> Result<Vec<Vec<JobName>>, Problem> {
    let wished: Vec<Vec<String>> = drafts.iter().map(wishes).collect();
    let mut count: BTreeMap<&str, u32> = BTreeMap::new();
    for wish in wished.iter().flatten() {
        *count.entry(wish).or_default() += 1;
    }
    let mut taken = BTreeMap::new();
    let mut names = Vec::new();
    for (draft, wishes) in drafts.iter().zip(&wished) {
        let Some(id) = &draft.id else {
            names.push(Vec::new());
            continue;
        };
        let mut of_draft = Vec::new();
        for (at, wish) in wishes.iter().enumerate() {
            let fits = wish.len() <= MAX_CHARS && count[wish.as_str()] == 1;
            let name = match draft.matrix.as_ref().and_then(|matrix| matrix.cells.get(at)) {
                Some(cell) if !fits => hashed(id.value.as_str(), wish, cell),
                _ => wish.clone(),
            };
            let name: JobName = name.parse().expect("an id and what was made fit for one");
            if taken.insert(name.clone(), ()).is_some() {
                return Err(twice(&name, id));
            }
            of_draft.push(name);
        }
        names.push(of_draft);
    }
    Ok(names)
}

fn twice(name: &JobName, id: &Spanned<JobName>) -> Problem {
    let message = format!("two jobs would be called {}", quoted(name.as_str()));
    Problem::new(id.span, message).label("one of them").help("give this job another id")
}

fn wishes(draft: &Draft) -> Vec<String> {
    let Some(id) = &draft.id else { return Vec::new() };
    let id = id.value.as_str();
    match &draft.matrix {
        None => vec![id.to_owned()],
        Some(matrix) => matrix.cells.iter().map(|cell| wish(id, cell)).collect(),
    }
}

fn wish(id: &str, cell: &Cell) -> String {
    let mut name = id.to_owned();
    for (_, value) in &cell.place {
        name.push('-');
        let fit = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        name.extend(value.chars().map(fit));
        if value.is_empty() {
            name.push_str("none");
        }
    }
    name
}

fn hashed(id: &str, wish: &str, cell: &Cell) -> String {
    let mut all = id.to_owned();
    for (name, value) in &cell.place {
        // No name or value has a NUL.
        all.extend(["\0", name, "\0", value]);
    }
    let hash = Sha256Digest::of(all.as_bytes()).hex();
    let kept = wish.len().min(MAX_CHARS - HASH_DIGITS - 1);
    format!("{}-{}", &wish[..kept], &hash[..HASH_DIGITS])
}
