//! The service management facility: states and properties of services.
//!
//! Source: svcs(1), svcprop(1); illumos-gate usr/src/cmd/svc/{svcs,svcprop}.

use solstice_exec::Command;

use crate::error::Cause::{Absent, BadName, NotPermitted};
use crate::error::IllumosError;
use crate::name::NameError;
use crate::programs::{SVCPROP, SVCS};
use crate::run::{Rule, not_understood, run};

/// Source: illumos-gate usr/src/cmd/svc/svcs/svcs.c, svcprop/svcprop.c.
const RULES: &[Rule] = &[
    ("doesn't match any", Absent),
    ("Couldn't find property", Absent),
    ("Permission denied", NotPermitted),
    ("Invalid component name", BadName),
];

/// A service's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The state, such as `online` or `maintenance`.
    pub state: String,
    /// Whether it is on its way to another one.
    pub changing: bool,
    /// The full name of the instance.
    pub fmri: String,
}

/// The state of one instance.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `BadName` (a pattern, or nothing like an FMRI).
pub async fn status(fmri: &str) -> Result<Status, IllumosError> {
    check(fmri)?;
    let output = run(status_command(fmri), RULES).await?;
    let text = output.stdout_text();
    parse_status(&text).ok_or_else(|| not_understood("svcs", &text))
}

fn status_command(fmri: &str) -> Command {
    Command::new(SVCS).args(["-H", "-o", "state,fmri", fmri])
}

/// The values of `group/property`, of the running snapshot: what a service
/// was last refreshed or started with.
///
/// # Errors
///
/// [`IllumosError`]: `Absent` (instance, group or property), `BadName`.
pub async fn property(fmri: &str, property: &str) -> Result<Vec<String>, IllumosError> {
    check(fmri)?;
    // Without the slash it would be a group, which is printed in another form.
    if property.split('/').filter(|part| !part.is_empty()).count() != 2 {
        return Err(NameError::new("property", property, "it must be GROUP/NAME").into());
    }
    let output = run(property_command(fmri, property), RULES).await?;
    let text = output.stdout_text();
    parse_values(&text).ok_or_else(|| not_understood("svcprop", &text))
}

fn property_command(fmri: &str, property: &str) -> Command {
    Command::new(SVCPROP).args(["-p", property, fmri])
}

/// Both commands take patterns and would answer for several services.
fn check(fmri: &str) -> Result<(), NameError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "/:._-,%".contains(c);
    if fmri.is_empty() || fmri.starts_with('-') || !fmri.chars().all(legal) {
        return Err(NameError::new("FMRI", fmri, "it must name one instance, without patterns"));
    }
    Ok(())
}

fn parse_status(text: &str) -> Option<Status> {
    let [state, fmri] = text.split_whitespace().collect::<Vec<_>>()[..] else { return None };
    let still = state.trim_end_matches('*');
    Some(Status { state: still.to_owned(), changing: still != state, fmri: fmri.to_owned() })
}

/// Values stand on one line with blanks between them; in each a backslash
/// stands before what a shell would take amiss, and an empty one is `""`
/// (svcprop.c#print_value).
fn parse_values(text: &str) -> Option<Vec<String>> {
    let mut values = Vec::new();
    let mut value: Option<String> = None;
    let mut rest = text.strip_suffix('\n')?.chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' => values.extend(value.take()),
            '"' if value.is_none() => {
                (rest.next()? == '"').then_some(())?;
                value = Some(String::new());
            }
            '\\' => value.get_or_insert_default().push(rest.next()?),
            '"' | '\n' => return None,
            _ => value.get_or_insert_default().push(c),
        }
    }
    values.extend(value);
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FMRI: &str = "svc:/application/solstice/orchestrator:default";

    #[test]
    fn every_argument_vector_is_the_recorded_one() {
        crate::golden::check("smf", &[status_command(FMRI), property_command(FMRI, "config/x")]);
    }

    #[test]
    fn a_state_may_be_on_its_way() {
        let status = parse_status(&format!("online         {FMRI}\n")).unwrap();
        assert_eq!((status.state.as_str(), status.changing), ("online", false));
        assert_eq!(status.fmri, FMRI);
        assert!(parse_status(&format!("offline*       {FMRI}\n")).unwrap().changing);
        assert_eq!(parse_status(""), None);
        assert_eq!(parse_status("online svc:/a:x\nonline svc:/a:y\n"), None);
    }

    #[test]
    fn values_lose_what_protects_them_from_a_shell() {
        let values = |text: &str| parse_values(text).unwrap();
        assert_eq!(values("rpool/solstice\n"), ["rpool/solstice"]);
        assert_eq!(values("hello\\ world\\ \\(x\\)\n"), ["hello world (x)"]);
        assert_eq!(values("illumos amd64\n"), ["illumos", "amd64"]);
        assert_eq!(values("\"\" a\\\"\\\\ \"\"\n"), ["", "a\"\\", ""]);
        assert_eq!(values("two\\\nlines\n"), ["two\nlines"]);
        assert_eq!(values("\n"), [""; 0]);
        assert_eq!(
            [parse_values("x"), parse_values("a\nb\n"), parse_values("\"a\"\n")],
            [None, None, None]
        );
    }

    #[test]
    fn what_smf_says_is_sorted() {
        for (said, expected) in [
            ("svcs: Pattern 'nosuch' doesn't match any instances", Absent),
            ("svcprop: Pattern 'x' doesn't match any entities", Absent),
            ("svcprop: Couldn't find property `a/b' for instance `svc:/x:y'.", Absent),
            ("svcprop: Couldn't find property group `a' for instance `svc:/x:y'.", Absent),
        ] {
            assert_eq!(crate::run::sort(said, RULES), expected, "{said}");
        }
    }

    #[tokio::test]
    async fn patterns_are_refused() {
        for bad in ["", "-a", "*", "svc:/a:?", "a b"] {
            assert_eq!(status(bad).await.unwrap_err().cause(), BadName, "{bad}");
        }
        assert_eq!(property(FMRI, "config").await.unwrap_err().cause(), BadName);
    }
}
