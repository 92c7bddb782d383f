//! Names of services and patterns for them, smf(7).

use super::repository::State;

/// Where a name leads: a service, and an instance if it says which.
pub(super) type Target = (String, Option<String>);

/// A full name of a service or an instance, `svc:/a/b` or `svc:/a/b:c`, taken apart.
pub(super) fn exact(fmri: &str) -> Option<(&str, Option<&str>)> {
    let name = fmri.strip_prefix("svc:/").or(fmri.strip_prefix("svc://localhost/"))?;
    Some(divided(name))
}

fn divided(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once(':') {
        Some((service, instance)) => (service, Some(instance)),
        None => (name, None),
    }
}

/// The full name of an instance.
pub(super) fn instance(service: &str, instance: &str) -> String {
    format!("svc:/{service}:{instance}")
}

/// The instances that a full name, an abbreviation or a pattern means, in order.
pub(super) fn instances(state: &State, text: &str) -> Vec<(String, String)> {
    let matching =
        state.instances().filter(|(service, name, _)| matches(text, service, Some(name)));
    matching.map(|(service, name, _)| (service.to_owned(), name.to_owned())).collect()
}

/// The services and instances that it means; an instance only if it says so.
pub(super) fn entities(state: &State, text: &str) -> Vec<Target> {
    let (_, named) = exact(text).unwrap_or_else(|| divided(text));
    if named.is_some() {
        let found = instances(state, text);
        return found.into_iter().map(|(service, name)| (service, Some(name))).collect();
    }
    let services = state.services.keys().filter(|service| matches(text, service, None));
    services.map(|service| (service.clone(), None)).collect()
}

/// Whether the text means this. An abbreviation is the end of a service's name,
/// from a `/` on; with `*`, `?` or `[` in it the text is a pattern for the whole.
fn matches(text: &str, service: &str, instance: Option<&str>) -> bool {
    if text.contains(['*', '?', '[']) {
        let full = |name: String| {
            glob(text.as_bytes(), name.as_bytes())
                || glob(text.as_bytes(), format!("svc:/{name}").as_bytes())
        };
        let whole = instance.is_some_and(|instance| full(format!("{service}:{instance}")));
        return whole || full(service.to_owned());
    }
    if let Some((wanted, name)) = exact(text) {
        return wanted == service && (name.is_none() || name == instance);
    }
    let (wanted, name) = divided(text);
    let abbreviates =
        service == wanted || service.strip_suffix(wanted).is_some_and(|rest| rest.ends_with('/'));
    abbreviates && !wanted.is_empty() && (name.is_none() || name == instance)
}

/// fnmatch(3C) without character classes.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=text.len()).any(|at| glob(rest, &text[at..])),
        ([b'?', rest @ ..], [_, text @ ..]) => glob(rest, text),
        ([first, rest @ ..], [letter, text @ ..]) => first == letter && glob(rest, text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        instances(&State::default(), text).len()
    }

    #[test]
    fn services_have_short_names() {
        for text in [
            "svc:/application/solstice/orchestrator:default",
            "svc:/application/solstice/orchestrator",
            "application/solstice/orchestrator:default",
            "solstice/orchestrator",
            "orchestrator",
            "*/orchestrator",
            "svc:/app*orchestrator:default",
        ] {
            assert_eq!(found(text), 1, "{text}");
        }
        assert_eq!(found("solstice/*"), 0);
        assert_eq!(found("*solstice/*"), 2);
        for text in ["", "strator", "orchestrator:other", "svc:/orchestrator", "solstice"] {
            assert_eq!(found(text), 0, "{text}");
        }
    }
}
