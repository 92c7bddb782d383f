//! Check runs: one for each subject and commit, however often it is told.
//!
//! A run is found again by its `external_id`, which is the subject. Which run
//! is whose is remembered; what is not remembered, because we were restarted or
//! an answer was lost, is asked for before a run is made, so that a second one
//! never is.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, PoisonError};

use http::{Method, StatusCode};
use serde::Deserialize;
use solstice_forge::{Check, ForgeError};
use solstice_model::{CommitSha, RepoName};

use crate::api::{Api, MAX_ANSWER_BYTES, parsed};
use crate::client::below;
use crate::output::{CreateRun, Shown, UpdateRun};

/// The most runs that are remembered.
const MAX_REMEMBERED: usize = 20_000;

/// The most pages of runs of one name on one commit that are looked through.
const MAX_PAGES: usize = 10;

/// The most runs on one page.
const PER_PAGE: usize = 100;

/// The largest page of runs: each has its whole output.
const MAX_PAGE_BYTES: usize = 32 * 1024 * 1024;

/// How many reports may be under way at once, at most.
const LANES: usize = 64;

/// The check runs of one App.
pub(crate) struct CheckRuns {
    /// Guards which run is whose; held for no more than a look.
    runs: Mutex<HashMap<Key, Known>>,
    /// One report of a subject at a time, or two would each make a run.
    lanes: Vec<tokio::sync::Mutex<()>>,
    hasher: RandomState,
}

/// What a run is of.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    repository: RepoName,
    commit: CommitSha,
    subject: String,
}

/// A run that is there.
#[derive(Clone, Copy)]
struct Known {
    id: u64,
    /// How many of our annotations it has.
    annotations: usize,
}

/// A check run, as the API describes one.
#[derive(Deserialize)]
struct Run {
    id: u64,
    external_id: Option<String>,
    output: Option<RunOutput>,
}

#[derive(Deserialize)]
struct RunOutput {
    annotations_count: usize,
}

#[derive(Deserialize)]
struct Runs {
    check_runs: Vec<Run>,
}

impl Default for CheckRuns {
    fn default() -> Self {
        Self {
            runs: Mutex::default(),
            lanes: (0..LANES).map(|_| tokio::sync::Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl CheckRuns {
    /// Makes the commit show this check.
    pub(crate) async fn report(&self, api: &Api, check: &Check<'_>) -> Result<(), ForgeError> {
        let key = Key {
            repository: check.repository.clone(),
            commit: check.commit.clone(),
            subject: check.subject.to_owned(),
        };
        let hash = self.hasher.hash_one(&key);
        let lane = usize::try_from(hash % LANES as u64).expect("it is less than the lanes");
        let _turn = self.lanes[lane].lock().await;
        let remembered = self.runs(|runs| runs.get(&key).copied());
        let told = self.tell(api, check, &key, remembered).await;
        match told {
            // It was deleted, or the repository moved: look once more.
            Err(ForgeError::Refused { status: 404, .. }) if remembered.is_some() => {
                self.tell(api, check, &key, None).await
            }
            told => told,
        }
    }

    async fn tell(
        &self,
        api: &Api,
        check: &Check<'_>,
        key: &Key,
        remembered: Option<Known>,
    ) -> Result<(), ForgeError> {
        // Until all of it is told, nobody knows what GitHub has of it.
        self.runs(|runs| runs.remove(key));
        let mut known = match remembered {
            Some(known) => Some(known),
            None => find(api, check).await?,
        };
        let shown = Shown::of(check);
        loop {
            let from = known.map_or(0, |known| known.annotations);
            let (batch, rest) = shown.batch(from);
            let sent = from + batch.len();
            let run = match known {
                None => create(api, check, &shown.create(check, batch)).await?,
                Some(known) => update(api, check, known.id, &shown.update(check, batch)).await?,
            };
            let annotations = sent.max(run.annotations());
            known = Some(Known { id: run.id, annotations });
            if rest == 0 {
                break;
            }
        }
        self.runs(|runs| {
            if runs.len() >= MAX_REMEMBERED {
                runs.clear();
            }
            runs.extend(known.map(|known| (key.clone(), known)));
        });
        Ok(())
    }

    fn runs<T>(&self, look: impl FnOnce(&mut HashMap<Key, Known>) -> T) -> T {
        look(&mut self.runs.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Run {
    fn annotations(&self) -> usize {
        self.output.as_ref().map_or(0, |output| output.annotations_count)
    }
}

/// Our run of the subject, the newest if there are several.
async fn find(api: &Api, check: &Check<'_>) -> Result<Option<Known>, ForgeError> {
    let app = api.installations.app().id().to_string();
    let mut newest: Option<Known> = None;
    for page in 1..=MAX_PAGES {
        let (page, per_page) = (page.to_string(), PER_PAGE.to_string());
        let query = [
            ("check_name", check.report.context.as_str()),
            ("app_id", &app),
            ("filter", "all"),
            ("per_page", &per_page),
            ("page", &page),
        ];
        let path = ["commits", check.commit.as_str(), "check-runs"];
        let call = api.get(check.repository, &path, &query);
        let answer = api.send(check.repository, &call, StatusCode::OK).await?;
        let Runs { check_runs } = parsed(&call.what, answer, MAX_PAGE_BYTES).await?;
        let last = check_runs.len() < PER_PAGE;
        for run in check_runs {
            let ours = run.external_id.as_deref() == Some(check.subject);
            if ours && newest.is_none_or(|newest| newest.id < run.id) {
                newest = Some(Known { id: run.id, annotations: run.annotations() });
            }
        }
        if last {
            break;
        }
    }
    Ok(newest)
}

async fn create(api: &Api, check: &Check<'_>, body: &CreateRun<'_>) -> Result<Run, ForgeError> {
    let path = below(check.repository, &["check-runs"]);
    let call = api.client.call(Method::POST, path, &[]).json(body);
    let answer = api.send(check.repository, &call, StatusCode::CREATED).await?;
    parsed(&call.what, answer, MAX_ANSWER_BYTES).await
}

async fn update(
    api: &Api,
    check: &Check<'_>,
    id: u64,
    body: &UpdateRun<'_>,
) -> Result<Run, ForgeError> {
    let id = id.to_string();
    let path = below(check.repository, &["check-runs", &id]);
    let call = api.client.call(Method::PATCH, path, &[]).json(body);
    let answer = api.send(check.repository, &call, StatusCode::OK).await?;
    parsed(&call.what, answer, MAX_ANSWER_BYTES).await
}
