//! An IPS manifest (pkg(7)) before pkgmogrify: actions, with our macros.

use crate::problem::Problem;

/// A package.
pub(crate) struct Package {
    /// The manifest's path.
    pub(crate) file: String,
    pub(crate) actions: Vec<Action>,
}

/// One action.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    /// `FILE:LINE`, where it begins.
    pub(crate) place: String,
    /// Such as `file`.
    pub(crate) kind: String,
    /// What comes before the attributes.
    pub(crate) payload: Option<String>,
    attributes: Vec<(String, String)>,
}

impl Action {
    /// The value of an attribute.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every attribute with its value.
    pub(crate) fn attributes(&self) -> &[(String, String)] {
        &self.attributes
    }

    /// A finding at this action.
    pub(crate) fn problem(&self, text: impl Into<String>) -> Problem {
        Problem::new(self.place.clone(), text)
    }
}

impl Package {
    /// Reads a manifest; `macros` are what pkgmogrify gets with `-D`.
    pub(crate) fn parse(file: &str, text: &str, macros: &[(&str, &str)]) -> Result<Self, Problem> {
        let mut actions = Vec::new();
        let mut lines = text.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            let mut whole = line.to_owned();
            while let Some(begun) = whole.strip_suffix('\\') {
                let (_, next) = lines.next().unwrap_or_default();
                whole = format!("{begun} {next}");
            }
            let whole = whole.trim();
            if !whole.is_empty() && !whole.starts_with('#') {
                actions.push(action(format!("{file}:{}", index + 1), whole, macros)?);
            }
        }
        Ok(Self { file: file.to_owned(), actions })
    }

    /// The actions of a kind.
    pub(crate) fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Action> {
        self.actions.iter().filter(move |action| action.kind == kind)
    }

    /// The values of `set name=NAME`.
    pub(crate) fn set<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        let set = self.of("set").filter(|action| action.get("name") == Some(name));
        set.filter_map(|action| action.get("value")).collect()
    }

    /// The package's name without publisher and version.
    pub(crate) fn name(&self) -> &str {
        let fmri = self.set("pkg.fmri").first().copied().unwrap_or_default();
        name_of(fmri).unwrap_or_default()
    }

    /// The names of the packages that it requires.
    pub(crate) fn requires(&self) -> impl Iterator<Item = &str> {
        self.of("depend")
            .filter(|action| action.get("type") == Some("require"))
            .filter_map(|action| name_of(action.get("fmri")?))
    }
}

/// The name in an FMRI; none if it names a publisher.
pub(crate) fn name_of(fmri: &str) -> Option<&str> {
    let rest = fmri.strip_prefix("pkg:/")?;
    let name = rest.split_once('@').map_or(rest, |(name, _)| name);
    (!name.starts_with('/') && !name.is_empty()).then_some(name)
}

fn action(place: String, line: &str, macros: &[(&str, &str)]) -> Result<Action, Problem> {
    let mut line = line.to_owned();
    for (name, value) in macros {
        line = line.replace(&format!("$({name})"), value);
    }
    if line.contains("$(") {
        return Err(Problem::new(place, "has a macro that the Makefile does not define"));
    }
    let words = words(&line).ok_or_else(|| Problem::new(place.clone(), "has an open quote"))?;
    let mut words = words.into_iter();
    let kind = words.next().unwrap_or_default();
    let mut payload = None;
    let mut attributes = Vec::new();
    for word in words {
        match word.split_once('=') {
            Some((name, value)) => attributes.push((name.to_owned(), value.to_owned())),
            None if payload.is_none() && attributes.is_empty() => payload = Some(word),
            None => return Err(Problem::new(place, format!("does not say what `{word}` is"))),
        }
    }
    Ok(Action { place, kind, payload, attributes })
}

/// Splits at blanks outside double quotes, which it takes away.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut begun) = (false, false);
    for c in line.chars() {
        match c {
            '"' => (quoted, begun) = (!quoted, true),
            c if c.is_whitespace() && !quoted => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    (!quoted).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Package, String> {
        Package::parse("x.p5m", text, &[("PREFIX", "usr")]).map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn lines_are_continued_quotes_removed_and_macros_replaced() {
        let package = parse("# note\nset name=a \\\n    value=\"b c\"\nfile p path=$(PREFIX)/x\n");
        let package = package.unwrap();
        assert_eq!(package.set("a"), ["b c"]);
        let file = package.of("file").next().unwrap();
        assert_eq!((file.payload.as_deref(), file.get("path")), (Some("p"), Some("usr/x")));
        assert_eq!(file.place, "x.p5m:4");
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        for text in ["set value=\"open", "file a b path=x", "file path=x payload", "dir path=$(X)"]
        {
            assert!(parse(text).err().unwrap().starts_with("x.p5m:1: "), "{text}");
        }
    }
}
