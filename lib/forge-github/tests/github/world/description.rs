//! GitHub's own description of its API (OpenAPI 3.0), as a judge of requests
//! and of the fake's own answers.
//!
//! A request has to name a described path and method, only described query
//! parameters with values of the described type, and a body that fits the
//! described schema. Where the published text is laxer than the server, the
//! judge is stricter: bodies are closed, a run that is completed needs its
//! conclusion when it is made too, and texts are limited in bytes. An answer
//! may leave fields out, but not have others than GitHub's.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};

/// The largest text of a check run, in bytes.
const MAX_TEXT_BYTES: usize = 65_535;

/// A described call that a request was recognised as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// The method and the path's template, e.g. `GET /repos/{owner}/{repo}`.
    pub(crate) operation: String,
    /// The values of the path's parameters, in order, decoded.
    pub(crate) path: Vec<String>,
    /// The query's parameters, decoded.
    pub(crate) query: Vec<(String, String)>,
    /// The body, `null` if there is none.
    pub(crate) body: Value,
}

impl Call {
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// Why a request is none that the description allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The HTTP status to answer with.
    pub(crate) status: u16,
    /// What is wrong.
    pub(crate) why: String,
}

impl Violation {
    fn new(status: u16, why: impl Into<String>) -> Self {
        Self { status, why: why.into() }
    }
}

struct Operation {
    method: String,
    template: String,
    about: Value,
}

static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../data/github.openapi.json");
    let mut whole: Value = serde_json::from_str(text).unwrap();
    allow_null(&mut whole);
    // Not so described, but so it is for a fork that was deleted.
    let repo = "/components/schemas/pull-request-simple/properties/head/properties/repo";
    let repo = whole.pointer_mut(repo).unwrap();
    *repo = json!({ "anyOf": [repo, { "type": "null" }] });
    whole
});

static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let paths = DESCRIPTION["paths"].as_object().unwrap();
    let operation = |(template, methods): (&String, &Value)| {
        let methods = methods.as_object().unwrap().clone();
        let template = template.clone();
        methods.into_iter().map(move |(method, about)| Operation {
            method: method.to_uppercase(),
            template: template.clone(),
            about,
        })
    };
    paths.iter().flat_map(operation).collect()
});

/// Those that were needed, by operation; making one takes a while.
static VALIDATORS: Mutex<Option<HashMap<String, Arc<Validator>>>> = Mutex::new(None);

/// Recognises a request, or says what is wrong with it.
pub(crate) fn judge(
    method: &str,
    path: &str,
    query: &str,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Call, Violation> {
    let fitting: Vec<_> = OPERATIONS
        .iter()
        .filter_map(|operation| Some((operation, match_path(&operation.template, path)?)))
        .collect();
    let (operation, path) = fitting
        .iter()
        .find(|(operation, _)| operation.method == method)
        .ok_or_else(|| match fitting.is_empty() {
            true => Violation::new(404, format!("no such path: {path}")),
            false => Violation::new(405, format!("{method} is not described for {path}")),
        })?;
    let path = path.clone().map_err(|why| Violation::new(400, why))?;
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    operation.check_query(&query)?;
    let body = operation.check_body(content_type, body)?;
    Ok(Call { operation: operation.name(), path, query, body })
}

/// Says what of an answer GitHub would not say.
pub(crate) fn check_answer(operation: &str, status: u16, answer: &Value) -> Result<(), String> {
    let operation = OPERATIONS.iter().find(|it| it.name() == operation).unwrap();
    let described = &operation.about["responses"][status.to_string()];
    let schema = described["content"]["application/json"]["schema"].clone();
    if schema.is_null() {
        return Ok(());
    }
    let validator = validator(&format!("{} {status}", operation.name()), || {
        let mut root = json!({ "allOf": [schema], "components": DESCRIPTION["components"] });
        loosen(&mut root);
        root
    });
    validator.validate(answer).map_err(|error| format!("{}: {error}", error.instance_path()))
}

impl Operation {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    fn check_query(&self, given: &[(String, String)]) -> Result<(), Violation> {
        let parameters = self.about["parameters"].as_array().unwrap();
        let described: Vec<&Value> = parameters.iter().map(resolved).collect();
        for (at, (name, value)) in given.iter().enumerate() {
            let known = |it: &&&Value| it["in"] == "query" && it["name"] == **name;
            let parameter = described.iter().find(known);
            let parameter = parameter
                .ok_or_else(|| Violation::new(400, format!("undescribed parameter {name}")))?;
            let schema = &parameter["schema"];
            let fits = match schema["type"].as_str() {
                Some("integer") => value.parse::<i64>().is_ok(),
                Some("boolean") => ["true", "false"].contains(&value.as_str()),
                _ => schema["enum"].as_array().is_none_or(|all| all.contains(&json!(value))),
            };
            let few = name != "per_page" || value.parse::<u32>().is_ok_and(|value| value <= 100);
            if !fits || !few || value.is_empty() {
                return Err(Violation::new(400, format!("bad value of {name}: {value:?}")));
            }
            if given[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(Violation::new(400, format!("{name} is given twice")));
            }
        }
        Ok(())
    }

    fn check_body(&self, content_type: Option<&str>, body: &[u8]) -> Result<Value, Violation> {
        let schema = &self.about["requestBody"]["content"]["application/json"]["schema"];
        if schema.is_null() || body.is_empty() {
            let needed = self.about["requestBody"]["required"] == true;
            return match body.is_empty() && !needed {
                true => Ok(Value::Null),
                false => Err(Violation::new(400, "a body where none is described, or none")),
            };
        }
        if content_type != Some("application/json") {
            return Err(Violation::new(415, format!("content type {content_type:?}")));
        }
        let body: Value = serde_json::from_slice(body)
            .map_err(|error| Violation::new(400, format!("the body is not JSON: {error}")))?;
        let validator = validator(&self.name(), || {
            let mut root = json!({ "allOf": [schema], "components": DESCRIPTION["components"] });
            close(&mut root);
            root
        });
        validator.validate(&body).map_err(|error| {
            Violation::new(422, format!("body{}: {error}", error.instance_path()))
        })?;
        check_run(&body).map_err(|why| Violation::new(422, why))?;
        Ok(body)
    }
}

/// What the description of check runs says in words only.
fn check_run(body: &Value) -> Result<(), String> {
    if (body["status"] == "completed") != body["conclusion"].is_string() {
        return Err("completed and conclusion go together".to_owned());
    }
    if body["completed_at"].is_string() && !body["conclusion"].is_string() {
        return Err("completed_at needs a conclusion".to_owned());
    }
    for field in ["summary", "text"] {
        let bytes = body["output"][field].as_str().unwrap_or_default().len();
        if bytes > MAX_TEXT_BYTES {
            return Err(format!("Only 65535 characters are allowed; {bytes} were supplied."));
        }
    }
    if !body["output"].is_null() && !body["output"]["summary"].is_string() {
        return Err("output needs a title and a summary".to_owned());
    }
    for remark in body["output"]["annotations"].as_array().into_iter().flatten() {
        let lines = remark["start_line"] != remark["end_line"];
        if lines && ["start_column", "end_column"].iter().any(|it| !remark[*it].is_null()) {
            return Err("columns of more than one line".to_owned());
        }
        let text = |field: &str| remark[field].as_str().unwrap_or_default();
        if text("message").is_empty() || text("message").len() > 64 * 1024 {
            return Err("a message is empty or too long".to_owned());
        }
        if text("title").chars().count() > 255 || text("path").is_empty() {
            return Err("a title is too long, or a path empty".to_owned());
        }
    }
    Ok(())
}

fn validator(name: &str, schema: impl FnOnce() -> Value) -> Arc<Validator> {
    let mut all = VALIDATORS.lock().unwrap();
    let all = all.get_or_insert_default();
    if !all.contains_key(name) {
        let options = jsonschema::draft4::options().should_validate_formats(true);
        let made = options.build(&schema()).expect("the description's schemas are JSON schemas");
        all.insert(name.to_owned(), Arc::new(made));
    }
    all[name].clone()
}

fn resolved(parameter: &Value) -> &Value {
    match parameter["$ref"].as_str() {
        Some(path) => DESCRIPTION.pointer(path.trim_start_matches('#')).unwrap(),
        None => parameter,
    }
}

/// Fits a path to a template: `None` if it does not, an error if a part of it
/// is wrongly encoded. Only the last of contents and refs spans several parts.
fn match_path(template: &str, path: &str) -> Option<Result<Vec<String>, String>> {
    let mut parts = path.split('/');
    let mut values = Vec::new();
    let wanted: Vec<&str> = template.split('/').collect();
    for (at, part) in wanted.iter().enumerate() {
        let spans = *part == "{path}" || (*part == "{ref}" && at + 1 == wanted.len());
        if spans {
            let rest: Vec<_> = parts.by_ref().collect();
            if rest.iter().any(|part| part.is_empty()) || rest.is_empty() {
                return None;
            }
            values.push(decode(&rest.join("/")));
        } else if part.starts_with('{') {
            values.push(decode(parts.next().filter(|part| !part.is_empty())?));
        } else if parts.next() != Some(part) {
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

/// Every schema below, outermost first.
fn each(schema: &mut Value, change: &mut impl FnMut(&mut serde_json::Map<String, Value>)) {
    match schema {
        Value::Object(object) => {
            change(object);
            object.values_mut().for_each(|value| each(value, change));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| each(value, change)),
        _ => {}
    }
}

/// OpenAPI's `nullable` in the words of JSON Schema.
fn allow_null(schema: &mut Value) {
    each(schema, &mut |object| {
        if object.get("nullable") != Some(&json!(true)) {
            return;
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(Value::Array(choices)) = object.get_mut(choice) {
                choices.push(json!({ "type": "null" }));
            }
        }
        if let Some(Value::String(kind)) = object.get("type").cloned() {
            object["type"] = json!([kind, "null"]);
        }
        if let Some(Value::Array(values)) = object.get_mut("enum") {
            values.push(Value::Null);
        }
    });
}

/// No other fields than those that are described.
fn close(schema: &mut Value) {
    each(schema, &mut |object| {
        if object.get("properties").is_some_and(Value::is_object)
            && object.get("type").is_some_and(|kind| *kind == "object" || kind[0] == "object")
            && !object.contains_key("additionalProperties")
        {
            object.insert("additionalProperties".to_owned(), json!(false));
        }
    });
}

/// Fields may be missing, but none may be there that are not described.
fn loosen(schema: &mut Value) {
    each(schema, &mut |object| {
        if object.get("required").is_some_and(Value::is_array) {
            object.remove("required");
        }
        if let Some(one) = object.remove("oneOf") {
            object.insert("anyOf".to_owned(), one);
        }
    });
    close(schema);
}

#[test]
fn what_the_description_does_not_allow_is_refused() {
    let judge = |body: &Value| {
        let body = body.to_string();
        let json = Some("application/json");
        judge("POST", "/repos/o/r/check-runs", "", json, body.as_bytes())
    };
    let good = json!({ "name": "b", "head_sha": "ce58", "status": "in_progress" });
    assert_eq!(judge(&good).unwrap().path, ["o", "r"]);
    let remark = json!({ "path": "a", "start_line": 1, "end_line": 1, "annotation_level": "notice",
        "message": "m" });
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    let output = |field: &str, value: Value| {
        let mut output = json!({ "title": "t", "summary": "s" });
        output[field] = value;
        with("output", output)
    };
    assert!(judge(&output("annotations", json!(vec![remark.clone(); 50]))).is_ok());
    assert!(judge(&output("text", json!("ü".repeat(32_767)))).is_ok());
    let label = json!([{ "label": "x".repeat(21), "description": "d", "identifier": "i" }]);
    let mut two_lines = remark.clone();
    (two_lines["end_line"], two_lines["start_column"]) = (json!(2), json!(1));
    for bad in [
        with("status", json!("running")),
        with("status", json!("completed")),
        with("external-id", json!("7")),
        with("external_id", Value::Null),
        with("started_at", json!("yesterday")),
        with("actions", label),
        with("name", Value::Null),
        with("output", json!({ "title": "t" })),
        output("annotations", json!(vec![remark; 51])),
        output("annotations", json!([two_lines])),
        output("text", json!("ü".repeat(32_768))),
        output("summary", json!("x".repeat(65_536))),
    ] {
        assert_eq!(judge(&bad).unwrap_err().status, 422, "{bad}");
    }
}
