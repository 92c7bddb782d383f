//! What to do with an answer, by its status and headers alone.

use ureq::Body;
use ureq::http::{HeaderName, Response, StatusCode, header};

/// The longest validator that is kept, in bytes.
const MAX_VALIDATOR_BYTES: usize = 1024;

/// What counts of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    status: StatusCode,
    length: Option<u64>,
    range: Option<String>,
    validator: Option<String>,
}

/// What its body is to be taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// The whole file, from the first byte.
    Whole { total: Option<u64>, validator: Option<String> },
    /// What is missing.
    Rest,
    /// Nothing that fits; the whole has to be asked for.
    Again,
}

impl Answer {
    /// Reads the headers.
    pub(crate) fn of(answer: &Response<Body>) -> Self {
        let text = |name: HeaderName| {
            let value = answer.headers().get(name)?.to_str().ok()?;
            (value.len() <= MAX_VALIDATOR_BYTES).then(|| value.to_owned())
        };
        // A weak tag does not promise the same bytes (RFC 9110, 8.8.1), and where
        // there is a tag, the time of the last change is not to be used.
        let validator = match text(header::ETAG) {
            Some(tag) if tag.starts_with('"') => Some(tag),
            Some(_) => None,
            None => text(header::LAST_MODIFIED),
        };
        Self {
            status: answer.status(),
            length: text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
            range: text(header::CONTENT_RANGE),
            validator,
        }
    }

    /// Decides. `asked` is the offset that was asked for, if any, and `total` the
    /// size of the file as it was known before.
    ///
    /// # Errors
    ///
    /// What is wrong with the answer; nothing if it is a plain refusal.
    pub(crate) fn plan(
        self,
        asked: Option<u64>,
        total: Option<u64>,
    ) -> Result<Plan, Option<String>> {
        match (self.status, asked) {
            (StatusCode::OK, _) => {
                Ok(Plan::Whole { total: self.length, validator: self.validator })
            }
            (StatusCode::PARTIAL_CONTENT, Some(offset)) => {
                let range = self.range.unwrap_or_default();
                let (first, whole) = parse_range(&range)
                    .ok_or_else(|| Some(format!("it has Content-Range: {range:?}")))?;
                Ok(if first == offset && Some(whole) == total { Plan::Rest } else { Plan::Again })
            }
            (StatusCode::PARTIAL_CONTENT, None) => {
                Err(Some("it is a part, and the whole was asked for".to_owned()))
            }
            (StatusCode::RANGE_NOT_SATISFIABLE, Some(_)) => Ok(Plan::Again),
            _ => Err(None),
        }
    }
}

/// The first byte and the size of the whole of `bytes FIRST-LAST/WHOLE`, if it
/// goes to the end.
fn parse_range(text: &str) -> Option<(u64, u64)> {
    let (range, whole) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, whole): (u64, u64, u64) =
        (first.parse().ok()?, last.parse().ok()?, whole.parse().ok()?);
    (first <= last && last.checked_add(1)? == whole).then_some((first, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, range: Option<&str>) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            length: Some(100),
            range: range.map(str::to_owned),
            validator: None,
        }
    }

    #[test]
    fn an_answer_is_taken_for_what_it_is() {
        let whole = Plan::Whole { total: Some(100), validator: None };
        for (status, range, asked, plan) in [
            (200, None, None, whole.clone()),
            // A server that knows no ranges, or whose file has changed.
            (200, None, Some(40), whole),
            (206, Some("bytes 40-99/100"), Some(40), Plan::Rest),
            // Another part than asked for, or of a file of another size.
            (206, Some("bytes 0-99/100"), Some(40), Plan::Again),
            (206, Some("bytes 40-199/200"), Some(40), Plan::Again),
            (416, Some("bytes */20"), Some(40), Plan::Again),
        ] {
            assert_eq!(
                answer(status, range).plan(asked, Some(100)),
                Ok(plan),
                "{status} {range:?}"
            );
        }
    }

    #[test]
    fn nonsense_and_refusals_are_told_apart() {
        for range in ["", "bytes 40-98/100", "bytes 99-40/100", "bytes 40-99/*", "lines 40-99/100"]
        {
            let refused = answer(206, Some(range)).plan(Some(40), Some(100));
            assert!(matches!(refused, Err(Some(_))), "{range:?}: {refused:?}");
        }
        let last = format!("bytes 40-{}/0", u64::MAX);
        assert!(answer(206, Some(&last)).plan(Some(40), Some(100)).is_err());
        assert!(matches!(answer(206, None).plan(None, None), Err(Some(_))));
        for status in [204, 304, 404, 416, 500] {
            assert_eq!(answer(status, None).plan(None, None), Err(None), "{status}");
        }
    }
}
