//! Which operation of an API a request is of.

/// What a request is called that is of no operation.
const UNKNOWN: &str = "unknown";

/// The operations of one listener.
pub(crate) struct Operations(Vec<Operation>);

struct Operation {
    method: String,
    segments: Vec<Segment>,
    name: String,
}

enum Segment {
    Fixed(String),
    Any,
    /// This and whatever follows.
    Rest,
}

impl Operations {
    /// Operations by path, method and name, paths as an API trait writes them.
    pub(crate) fn new<P, M, N>(all: impl IntoIterator<Item = (P, M, N)>) -> Self
    where
        P: AsRef<str>,
        M: Into<String>,
        N: Into<String>,
    {
        let all = all.into_iter().map(|(path, method, name)| {
            let (method, name) = (method.into(), name.into());
            let segments = path.as_ref().split('/').filter(|it| !it.is_empty()).map(segment);
            Operation { method, segments: segments.collect(), name }
        });
        Self(all.collect())
    }

    /// The name of the operation of this method at this URI.
    pub(crate) fn of(&self, method: &str, uri: &str) -> &str {
        let path = uri.split(['?', '#']).next().unwrap_or(uri);
        let parts: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
        let found = self.0.iter().find(|it| it.method == method && it.fits(&parts));
        found.map_or(UNKNOWN, |it| &it.name)
    }
}

impl Operation {
    fn fits(&self, parts: &[&str]) -> bool {
        let open = matches!(self.segments.last(), Some(Segment::Rest));
        let long_enough = match open {
            true => parts.len() + 1 >= self.segments.len(),
            false => parts.len() == self.segments.len(),
        };
        let fits = |(segment, part): (&Segment, &&str)| match segment {
            Segment::Fixed(text) => text == part,
            Segment::Any | Segment::Rest => true,
        };
        long_enough && self.segments.iter().zip(parts).all(fits)
    }
}

fn segment(text: &str) -> Segment {
    match text.strip_prefix('{') {
        Some(name) if name.contains(":.*") => Segment::Rest,
        Some(_) => Segment::Any,
        None => Segment::Fixed(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_writes_into_a_path_is_no_name() {
        let operations = Operations::new([
            ("/", "GET", "page_runs"),
            ("/jobs/{job}", "GET", "job"),
            ("/jobs/{job}/log", "GET", "log"),
            ("/files/{path:.*}", "GET", "file"),
        ]);
        for (method, uri, name) in [
            ("GET", "/", "page_runs"),
            ("GET", "/?token=x", "page_runs"),
            ("GET", "/jobs/7", "job"),
            ("POST", "/jobs/7", "unknown"),
            ("GET", "/jobs/7/log?from=1", "log"),
            ("GET", "/jobs/7/secret", "unknown"),
            ("GET", "/files/a/b/c", "file"),
            ("BREW", "/coffee", "unknown"),
        ] {
            assert_eq!(operations.of(method, uri), name, "{method} {uri}");
        }
    }
}
