//! What a commit shows for one job: a wish in few words, and its details for
//! forges that show more.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use solstice_model::{Annotation, CommitSha, RepoName};
use url::Url;

use crate::seam::CheckAction;

/// The longest [`CheckReport::context`], in characters.
pub const MAX_CONTEXT_CHARS: usize = 100;

/// The longest [`CheckReport::description`], in characters.
pub const MAX_DESCRIPTION_CHARS: usize = 140;

/// The longest [`CheckDetails::summary`] and [`CheckDetails::text`], in bytes.
pub const MAX_DETAIL_BYTES: usize = 65_535;

/// The most [`CheckDetails::actions`].
pub const MAX_ACTIONS: usize = 3;

/// A check, as a forge is told of it.
#[derive(Clone, Copy, Debug)]
pub struct Check<'c> {
    /// Where.
    pub repository: &'c RepoName,
    /// The commit.
    pub commit: &'c CommitSha,
    /// What it is of, the id of a job or run: a forge that keeps checks apart
    /// shows one for each, and gives it back when somebody presses a button.
    pub subject: &'c str,
    /// What it is to show.
    pub report: &'c CheckReport,
    /// More of it, where [`Pace::details`] asks for that.
    pub details: Option<&'c CheckDetails>,
}

/// What a commit is to show for one job, in few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Its name on the commit, stable for the same job: `solstice/CI/build`.
    /// One line of at most 100 characters.
    pub context: String,
    /// The state.
    pub state: CheckState,
    /// One line for people, at most 140 characters.
    pub description: String,
    /// The page with the log.
    pub target_url: Url,
}

/// The states of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// It waits for a machine.
    Pending,
    /// It has one.
    Running,
    /// It waits for somebody's approval; must keep the change from being merged.
    ActionRequired,
    /// The author's change is fine.
    Success,
    /// It is not run, by the author's own wish; must not keep the change from
    /// being merged.
    Skipped,
    /// The author's change is not fine.
    Failure,
    /// It took longer than its author allows.
    TimedOut,
    /// Somebody stopped it.
    Cancelled,
    /// We could not find out (invariant I9); never shown as a failure of the
    /// change, nor as something that lets it be merged.
    Error,
}

impl CheckState {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Running,
        Self::ActionRequired,
        Self::Success,
        Self::Skipped,
        Self::Failure,
        Self::TimedOut,
        Self::Cancelled,
        Self::Error,
    ];

    /// Whether nothing more comes of it by itself.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Pending | Self::Running | Self::ActionRequired)
    }

    /// What is left of it where a commit has only the four states of a commit
    /// status: `Pending`, `Success`, `Failure` and `Error`.
    pub fn of_four(self) -> Self {
        match self {
            Self::Pending | Self::Running | Self::ActionRequired => Self::Pending,
            Self::Success | Self::Skipped => Self::Success,
            Self::Failure | Self::TimedOut => Self::Failure,
            Self::Cancelled | Self::Error => Self::Error,
        }
    }
}

/// More of a check, for forges that show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckDetails {
    /// When its machine began to run; time in the queue is not part of it.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub completed_at: Option<DateTime<Utc>>,
    /// One line; not empty.
    pub title: String,
    /// Markdown, at most [`MAX_DETAIL_BYTES`]; not empty. What programs wrote is
    /// in it only as code, which mentions and embeds nothing.
    pub summary: String,
    /// Likewise, shown below; may be empty.
    pub text: String,
    /// All remarks, in an order that does not change: a later report has the
    /// same and perhaps more.
    pub annotations: Vec<Annotation>,
    /// The buttons, at most [`MAX_ACTIONS`].
    pub actions: Vec<CheckAction>,
}

impl Pace {
    /// How many requests it takes to tell a check with these details, at most.
    pub fn requests(&self, details: Option<&CheckDetails>) -> usize {
        let annotations = details.map_or(0, |details| details.annotations.len());
        self.annotations.map_or(1, |most| annotations.div_ceil(most.max(1)).max(1))
    }
}

/// How often checks may be told, and how much of one is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Whether [`Check::details`] are shown.
    pub details: bool,
    /// The least time between two reports of one check that is not over.
    pub progress: Duration,
    /// How many annotations go with one request; more take further ones.
    pub annotations: Option<usize>,
    /// The most requests within a minute for one owner of repositories.
    pub per_minute: Option<u32>,
    /// Likewise within an hour.
    pub per_hour: Option<u32>,
}
