//! A forge's own description of its API (Swagger 2), as a judge of requests.
//!
//! A request has to name a described path and method, only described query
//! parameters with values of the described type, and a body that fits the
//! described schema. Where the published text is laxer than the server, or than
//! a client should be, the judge is stricter: bodies are closed, a status needs
//! a state, and only the states that the forge's handler knows are taken.

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// The forges whose descriptions are at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Forgejo 17.
    Forgejo,
    /// Gitea 1.23.
    Gitea,
}

/// A described call that a request was recognised as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// The method and the path's template, e.g. `GET /repos/{owner}/{repo}`.
    pub(super) operation: String,
    /// The values of the path's parameters, in order, decoded.
    pub(super) path: Vec<String>,
    /// The query's parameters, decoded.
    pub(super) query: Vec<(String, String)>,
}

/// Why a request is none that the description allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    /// The HTTP status to answer with.
    pub(super) status: u16,
    /// What is wrong.
    pub(super) why: String,
}

impl Violation {
    fn new(status: u16, why: impl Into<String>) -> Self {
        Self { status, why: why.into() }
    }
}

/// The description of one forge.
#[derive(Debug)]
pub(super) struct Description {
    operations: Vec<Operation>,
}

#[derive(Debug)]
struct Operation {
    method: String,
    template: String,
    query: Vec<Value>,
    body: Option<Validator>,
}

impl Description {
    pub(super) fn of(flavour: Flavour) -> Self {
        let text = match flavour {
            Flavour::Forgejo => include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../lib/forge-forgejo/tests/data/forgejo.swagger.json"
            )),
            Flavour::Gitea => include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../lib/forge-forgejo/tests/data/gitea.swagger.json"
            )),
        };
        let mut whole: Value = serde_json::from_str(text).expect("the description is JSON");
        tighten(&mut whole["definitions"]);
        let paths = whole["paths"].as_object().expect("the description has paths");
        let mut operations = Vec::new();
        for (template, methods) in paths {
            for (method, about) in methods.as_object().into_iter().flatten() {
                operations.push(Operation::new(method, template, about, &whole["definitions"]));
            }
        }
        Self { operations }
    }

    /// Recognises a request below `/api/v1`, or says what is wrong with it.
    pub(super) fn judge(
        &self,
        method: &str,
        path: &str,
        query: &str,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<Call, Violation> {
        let fitting: Vec<_> = self
            .operations
            .iter()
            .filter_map(|operation| Some((operation, match_path(&operation.template, path)?)))
            .collect();
        let (operation, path) = fitting
            .iter()
            .find(|(operation, _)| operation.method.eq_ignore_ascii_case(method))
            .ok_or_else(|| match fitting.is_empty() {
                true => Violation::new(404, format!("no such path: {path}")),
                false => Violation::new(405, format!("{method} is not described for {path}")),
            })?;
        let path = path.clone().map_err(|why| Violation::new(400, why))?;
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        operation.check_query(&query)?;
        operation.check_body(content_type, body)?;
        let operation = format!("{} {}", operation.method.to_uppercase(), operation.template);
        Ok(Call { operation, path, query })
    }
}

impl Operation {
    fn new(method: &str, template: &str, about: &Value, definitions: &Value) -> Self {
        let parameters = about["parameters"].as_array().cloned().unwrap_or_default();
        let body = parameters.iter().find(|parameter| parameter["in"] == "body").map(|body| {
            let schema = json!({ "allOf": [body["schema"]], "definitions": definitions });
            jsonschema::draft4::new(&schema).expect("the description's schemas are JSON schemas")
        });
        let query = parameters.into_iter().filter(|parameter| parameter["in"] == "query").collect();
        Self { method: method.to_owned(), template: template.to_owned(), query, body }
    }

    fn check_query(&self, given: &[(String, String)]) -> Result<(), Violation> {
        for (at, (name, value)) in given.iter().enumerate() {
            let described = self.query.iter().find(|parameter| parameter["name"] == **name);
            let described = described
                .ok_or_else(|| Violation::new(400, format!("undescribed parameter {name}")))?;
            let fits = match described["type"].as_str() {
                Some("integer") => value.parse::<i64>().is_ok(),
                Some("boolean") => ["true", "false"].contains(&value.as_str()),
                _ => described["enum"].as_array().is_none_or(|all| all.contains(&json!(value))),
            };
            if !fits || value.is_empty() {
                return Err(Violation::new(400, format!("bad value of {name}: {value:?}")));
            }
            if given[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(Violation::new(400, format!("{name} is given twice")));
            }
        }
        Ok(())
    }

    fn check_body(&self, content_type: Option<&str>, body: &[u8]) -> Result<(), Violation> {
        let Some(schema) = &self.body else {
            return match body.is_empty() {
                true => Ok(()),
                false => Err(Violation::new(400, "a body where none is described")),
            };
        };
        if content_type != Some("application/json") {
            return Err(Violation::new(415, format!("content type {content_type:?}")));
        }
        let body: Value = serde_json::from_slice(body)
            .map_err(|error| Violation::new(400, format!("the body is not JSON: {error}")))?;
        match schema.validate(&body) {
            Ok(()) => Ok(()),
            Err(error) => {
                Err(Violation::new(422, format!("body{}: {error}", error.instance_path())))
            }
        }
    }
}

/// Fits a path to a template: `None` if it does not, an error if a part of it
/// is wrongly encoded. Only `{filepath}` spans several parts.
fn match_path(template: &str, path: &str) -> Option<Result<Vec<String>, String>> {
    let mut parts = path.split('/');
    let mut values = Vec::new();
    for wanted in template.split('/') {
        if wanted == "{filepath}" {
            let rest: Vec<_> = parts.by_ref().collect();
            values.push(decode(&rest.join("/")));
            if rest.iter().any(|part| part.is_empty()) {
                return None;
            }
        } else if wanted.starts_with('{') {
            values.push(decode(parts.next().filter(|part| !part.is_empty())?));
        } else if parts.next() != Some(wanted) {
            return None;
        }
    }
    if parts.next().is_some() {
        return None;
    }
    Some(values.into_iter().collect())
}

/// Percent-decoding (RFC 3986): the rest has to be of characters that may stand in a path.
fn decode(part: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    let mut rest = part.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'%' => {
                let digits = rest.split_at_checked(2).ok_or(format!("bad escape in {part}"))?;
                bytes.extend(hex::decode(digits.0).map_err(|_| format!("bad escape in {part}"))?);
                rest = digits.1;
            }
            b if b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(b) => bytes.push(*b),
            _ => return Err(format!("a character of {part} has to be encoded")),
        }
    }
    String::from_utf8(bytes).map_err(|_| format!("{part} is not UTF-8"))
}

/// The ways in which the judge is stricter than the published text.
fn tighten(definitions: &mut Value) {
    let empty = &mut Map::new();
    let definitions = definitions.as_object_mut().unwrap_or(empty);
    for (name, definition) in definitions.iter_mut() {
        if name.ends_with("Option") {
            definition["additionalProperties"] = json!(false);
        }
        match name.as_str() {
            "CreateStatusOption" => definition["required"] = json!(["state"]),
            "CommitStatusState" if definition["enum"].is_null() => {
                definition["enum"] = json!(["pending", "success", "error", "failure", "warning"]);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "/repos/o/r/statuses/9e1f";

    fn post(flavour: Flavour, body: &str) -> Result<Call, Violation> {
        let json = Some("application/json");
        Description::of(flavour).judge("POST", STATUS, "", json, body.as_bytes())
    }

    #[test]
    fn a_described_status_passes_with_both_forges() {
        let body =
            r#"{"state":"pending","context":"c","description":"d","target_url":"http://h/"}"#;
        for flavour in [Flavour::Forgejo, Flavour::Gitea] {
            let call = post(flavour, body).unwrap();
            assert_eq!(call.operation, "POST /repos/{owner}/{repo}/statuses/{sha}");
            assert_eq!(call.path, ["o", "r", "9e1f"]);
        }
    }

    #[test]
    fn what_the_description_does_not_allow_is_refused() {
        for (body, status) in [
            (r#"{"state":"running"}"#, 422),
            (r#"{"context":"c"}"#, 422),
            (r#"{"state":"success","target-url":"http://h/"}"#, 422),
            (r#"{"state":"success","description":null}"#, 422),
            ("{", 400),
            ("", 400),
        ] {
            assert_eq!(post(Flavour::Gitea, body).unwrap_err().status, status, "{body}");
        }
        let skipped = r#"{"state":"skipped"}"#;
        assert!(post(Flavour::Forgejo, skipped).is_ok());
        assert_eq!(post(Flavour::Gitea, skipped).unwrap_err().status, 422);
    }

    #[test]
    fn paths_and_queries_are_judged_too() {
        let forgejo = Description::of(Flavour::Forgejo);
        let judge = |method, path, query| forgejo.judge(method, path, query, None, b"");
        let raw = "/repos/o/r/raw/.solstice/a%20b%23%2525.kdl";
        let call = judge("GET", raw, "ref=main").unwrap();
        assert_eq!(call.path, ["o", "r", ".solstice/a b#%25.kdl"]);
        assert_eq!(call.query, [("ref".to_owned(), "main".to_owned())]);
        for (method, path, query, status) in [
            ("GET", "/repos/o/r/nothing", "", 404),
            ("PUT", STATUS, "", 405),
            ("GET", raw, "rev=main", 400),
            ("GET", raw, "ref=", 400),
            ("GET", raw, "ref=a&ref=b", 400),
            ("GET", "/repos/o/r/raw/%zz", "", 400),
            ("GET", "/repos/o/r/raw/%", "", 400),
            ("GET", "/repos/o/r/raw/a\"b", "", 400),
            ("GET", "/repos/o/r/raw/a//b", "", 404),
            ("GET", STATUS, "page=one", 400),
            ("GET", STATUS, "sort=random", 400),
        ] {
            assert_eq!(judge(method, path, query).unwrap_err().status, status, "{path}?{query}");
        }
    }
}
