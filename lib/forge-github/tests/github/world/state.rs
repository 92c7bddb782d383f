//! What the fake knows.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use solstice_forge::{CheckReport, CheckState};

/// The App's id.
pub(crate) const APP_ID: u64 = 29_310;

/// The fake's one repository.
pub(crate) const REPOSITORY: &str = "alice/widgets";

pub(crate) const REPOSITORY_ID: u64 = 17;

/// What a path of a commit is.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    File(Vec<u8>),
    Link,
}

#[derive(Clone, Debug)]
pub(crate) struct Commit {
    pub(crate) tree: BTreeMap<String, Entry>,
    pub(crate) message: String,
}

/// A check run, in the words of the API.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) id: u64,
    /// What was told of it last, field by field.
    pub(crate) fields: Value,
    pub(crate) annotations: Vec<Value>,
}

/// An attempt to deliver a webhook.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) id: u64,
    pub(crate) guid: String,
    pub(crate) delivered_at: DateTime<Utc>,
    pub(crate) status_code: u16,
}

pub(crate) struct State {
    pub(crate) installation: u64,
    /// Tokens that are taken.
    pub(crate) tokens: Vec<String>,
    /// How long a new token lasts.
    pub(crate) lifetime: TimeDelta,
    /// How many there were.
    pub(crate) minted: usize,
    pub(crate) commits: BTreeMap<String, Commit>,
    /// What each ref points to, by full name.
    pub(crate) refs: BTreeMap<String, String>,
    /// What each annotated tag is of.
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) runs: Vec<Run>,
    /// What commits were made to show, in order.
    pub(crate) history: Vec<(String, CheckReport)>,
    pub(crate) people: BTreeMap<String, &'static str>,
    pub(crate) pulls: Vec<Value>,
    pub(crate) deliveries: Vec<Delivery>,
    /// What was asked for again.
    pub(crate) redelivered: Vec<u64>,
}

impl State {
    pub(crate) fn new() -> Self {
        Self {
            installation: 71,
            tokens: Vec::new(),
            lifetime: TimeDelta::hours(1),
            minted: 0,
            commits: BTreeMap::new(),
            refs: BTreeMap::new(),
            tags: BTreeMap::new(),
            runs: Vec::new(),
            history: Vec::new(),
            people: BTreeMap::new(),
            pulls: Vec::new(),
            deliveries: Vec::new(),
            redelivered: Vec::new(),
        }
    }

    /// A new id of an object.
    pub(crate) fn id(&self) -> String {
        format!("{:040x}", 0x00c0_ffee_0000 + self.commits.len() + self.tags.len())
    }

    pub(crate) fn commit(&mut self, message: &str, tree: BTreeMap<String, Entry>) -> String {
        let id = self.id();
        self.commits.insert(id.clone(), Commit { tree, message: message.to_owned() });
        id
    }

    /// A new token: of the older format first, then of the newer one.
    pub(crate) fn mint(&mut self) -> String {
        self.minted += 1;
        let token = match self.minted % 2 {
            1 => format!("ghs_{:036}", self.minted),
            _ => format!("ghs_{APP_ID}_eyJ{}.{}-_.x", "a".repeat(500), self.minted),
        };
        self.tokens.push(token.clone());
        token
    }

    /// Takes what was told of a run, and remembers what it shows now.
    pub(crate) fn tell(&mut self, id: Option<u64>, told: &Value) -> Option<&Run> {
        let at = match id {
            Some(id) => self.runs.iter().position(|run| run.id == id)?,
            None => {
                let id = 1_000 + self.runs.len() as u64;
                let fields = json!({ "status": "queued", "output": {} });
                self.runs.push(Run { id, fields, annotations: Vec::new() });
                self.runs.len() - 1
            }
        };
        let run = &mut self.runs[at];
        for (field, value) in told.as_object().unwrap() {
            run.fields[field] = value.clone();
        }
        if told["conclusion"].is_null() {
            run.fields["conclusion"] = Value::Null;
        }
        let added = told["output"]["annotations"].as_array().cloned().unwrap_or_default();
        run.annotations.extend(added);
        let sha = run.fields["head_sha"].as_str().unwrap().to_owned();
        self.history.push((sha, report(&run.fields)));
        Some(run)
    }
}

/// What a commit shows by a run.
fn report(run: &Value) -> CheckReport {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let title = text(&run["output"]["title"]);
    let not_run = title.strip_prefix("Could not be run: ");
    let state = match (run["status"].as_str().unwrap(), run["conclusion"].as_str()) {
        ("queued", None) => CheckState::Pending,
        ("in_progress", None) => CheckState::Running,
        (_, Some("action_required")) => CheckState::ActionRequired,
        (_, Some("success")) => CheckState::Success,
        (_, Some("skipped")) => CheckState::Skipped,
        (_, Some("failure")) => CheckState::Failure,
        (_, Some("timed_out")) => CheckState::TimedOut,
        (_, Some("cancelled")) if not_run.is_some() => CheckState::Error,
        (_, Some("cancelled")) => CheckState::Cancelled,
        other => panic!("{other:?}"),
    };
    CheckReport {
        context: text(&run["name"]),
        state,
        description: not_run.map_or(title.clone(), str::to_owned),
        target_url: run["details_url"].as_str().unwrap().parse().unwrap(),
    }
}
