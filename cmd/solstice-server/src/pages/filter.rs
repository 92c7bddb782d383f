//! Filters of lists, as links: they work without script and can be bookmarked.

use url::form_urlencoded;

/// What a list is narrowed to: names and values of the query, in the order in which
/// addresses have them.
#[derive(Clone, Debug, Default)]
pub(super) struct Filters {
    path: String,
    set: Vec<(&'static str, String)>,
}

/// A choice among the values of one filter.
pub(super) struct Choice {
    pub(super) name: &'static str,
    pub(super) links: Vec<Link>,
}

/// One value of a filter.
pub(super) struct Link {
    pub(super) text: String,
    pub(super) href: String,
    /// Whether the list is narrowed to it.
    pub(super) current: bool,
}

impl Filters {
    /// Those of the page at `path` that have a value.
    pub(super) fn new(
        path: impl Into<String>,
        set: impl IntoIterator<Item = (&'static str, Option<String>)>,
    ) -> Self {
        let given = |(name, value): (_, Option<String>)| {
            value.filter(|value| !value.is_empty()).map(|value| (name, value))
        };
        Self { path: path.into(), set: set.into_iter().filter_map(given).collect() }
    }

    /// The value of one.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Whether the list is narrowed at all.
    pub(super) fn any(&self) -> bool {
        !self.set.is_empty()
    }

    /// Where the list is narrowed as now, but for this.
    pub(super) fn href(&self, name: &str, value: Option<&str>) -> String {
        let others = self.set.iter().filter(|(known, _)| *known != name);
        let mut pairs: Vec<(&str, &str)> =
            others.map(|(known, value)| (*known, value.as_str())).collect();
        pairs.extend(value.map(|value| (name, value)));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) }
    }

    /// The ways to these values of a filter, and to all. What is chosen now is
    /// among them, even if it is not among the values.
    pub(super) fn choice<'v>(
        &self,
        heading: &'static str,
        name: &'static str,
        values: impl IntoIterator<Item = (&'v str, &'v str)>,
    ) -> Choice {
        let now = self.get(name);
        let link = |text: &str, value: Option<&str>| Link {
            text: text.to_owned(),
            href: self.href(name, value),
            current: now == value,
        };
        let mut links = vec![link("all", None)];
        links.extend(values.into_iter().map(|(value, text)| link(text, Some(value))));
        if let Some(now) = now
            && !links.iter().any(|link| link.current)
        {
            links.push(link(now, Some(now)));
        }
        Choice { name: heading, links }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_changes_one_filter_and_keeps_the_others() {
        let set = [("branch", Some("a&b=\"<".to_owned())), ("status", None)];
        let filters = Filters::new("/r", set);
        assert_eq!(
            filters.href("status", Some("failed")),
            "/r?branch=a%26b%3D%22%3C&status=failed"
        );
        assert_eq!(filters.href("branch", None), "/r");
        let choice = filters.choice("Branch", "branch", [("main", "main")]);
        let marked: Vec<_> = choice.links.iter().map(|link| link.current).collect();
        assert_eq!(marked, [false, false, true], "what is chosen is always there");
    }
}
