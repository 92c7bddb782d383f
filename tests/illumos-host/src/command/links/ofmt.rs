//! Parsable output, as libofmt makes it for dladm and ipadm.
//!
//! The tables for people are not simulated: nothing should read them.
//!
//! illumos-gate usr/src/lib/libofmt/common/ofmt.c.

/// The fields of a row that were asked for.
pub(super) struct Output {
    /// Their places in the list of all.
    chosen: Vec<usize>,
}

impl Output {
    /// Takes the argument of `-o` apart; `known` are the fields in upper case.
    ///
    /// # Errors
    ///
    /// What libofmt says, without the program's name.
    pub(super) fn of(fields: Option<&str>, known: &[&str]) -> Result<Self, String> {
        let fields = fields.ok_or("output fields must be specified in parsable mode")?;
        if fields.eq_ignore_ascii_case("all") {
            return Err(format!("output field `{fields}' invalid in parsable mode"));
        }
        let (mut chosen, mut bad) = (Vec::new(), Vec::new());
        for field in fields.split(',').filter(|field| !field.is_empty()) {
            match known.iter().position(|name| name.eq_ignore_ascii_case(field)) {
                Some(at) => chosen.push(at),
                None => bad.push(format!(" `{field}'")),
            }
        }
        match bad.len() {
            0 if chosen.is_empty() => {
                Err("output fields must be specified in parsable mode".to_owned())
            }
            0 => Ok(Self { chosen }),
            1 => Err(format!("unknown output field:{}", bad[0])),
            _ => Err(format!("unknown output fields:{}", bad.concat())),
        }
    }

    /// One line. Only if there is more than one field are `:` and `\` in them
    /// escaped.
    pub(super) fn row(&self, values: &[String]) -> String {
        let chosen = self.chosen.iter().map(|at| &values[*at]);
        let fields: Vec<String> = match self.chosen.len() {
            1 => chosen.cloned().collect(),
            _ => chosen.map(|value| value.replace('\\', "\\\\").replace(':', "\\:")).collect(),
        };
        format!("{}\n", fields.join(":"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["LINK", "OVER"];

    fn row(fields: &str) -> String {
        Output::of(Some(fields), KNOWN).unwrap().row(&["a:b\\".to_owned(), "c".to_owned()])
    }

    #[test]
    fn a_single_field_is_not_escaped() {
        assert_eq!(row("link"), "a:b\\\n");
        assert_eq!(row("over,LINK"), "c:a\\:b\\\\\n");
    }

    #[test]
    fn what_cannot_be_shown_is_named() {
        let wrong = |fields| Output::of(fields, KNOWN).err().unwrap();
        assert_eq!(wrong(None), "output fields must be specified in parsable mode");
        assert_eq!(wrong(Some("all")), "output field `all' invalid in parsable mode");
        assert_eq!(wrong(Some("link,x")), "unknown output field: `x'");
        assert_eq!(wrong(Some("x,y")), "unknown output fields: `x' `y'");
    }
}
