//! The parsable form of zoneadm, dladm and ipadm: fields between colons, with a
//! backslash before a colon or a backslash that belongs to a value.
//!
//! Source: illumos-gate usr/src/lib/libofmt/common/ofmt.c, and
//! usr/src/cmd/zoneadm/zoneadm.c#zone_print, which escapes colons only.
//! dladm and ipadm do not escape the value where a single field is asked for.

/// The fields of a line.
pub(crate) fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        let next = match c {
            '\\' => rest.next_if(|next| matches!(next, ':' | '\\')).unwrap_or(c),
            ':' => {
                fields.push(String::new());
                continue;
            }
            _ => c,
        };
        fields.last_mut().expect("it begins with one and only grows").push(next);
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colons_of_values_are_no_separators() {
        assert_eq!(
            fields(r"job1:solstub0:2\:8\:20\:5a\:1\:c"),
            ["job1", "solstub0", "2:8:20:5a:1:c"]
        );
        assert_eq!(fields(r"a\\:b\c:"), [r"a\", r"b\c", ""]);
        assert_eq!(fields(""), [""]);
    }
}
