//! The section `Why` of a run's and a job's page; the template is `why.html`.

use dropshot::HttpError;
use solstice_api::user::{Fault, JobWhy, Reason, RunWhy, Standing};
use solstice_model::{JobId, RunId};

use crate::context::Context;
use crate::user::why;

/// What the section shows.
pub(super) struct WhyView {
    /// Whose fault it is, in a few words; empty if nobody's.
    pub(super) fault: &'static str,
    /// All of it in one line.
    pub(super) summary: String,
    /// Why it stands where it stands.
    pub(super) reasons: Vec<ReasonView>,
    /// How it came to be.
    pub(super) cause: Vec<ReasonView>,
    /// Whether the section is shown unfolded: where neither the log nor the page's
    /// head says what is to be done.
    pub(super) open: bool,
}

/// One reason.
pub(super) struct ReasonView {
    pub(super) text: String,
    /// `file:line` and where the forge shows it, empty if nowhere.
    pub(super) place: Option<(String, String)>,
    pub(super) link: Option<String>,
    pub(super) remedy: Option<String>,
}

impl ReasonView {
    fn new(reason: Reason) -> Self {
        let Reason { text, place, link, remedy, .. } = reason;
        let place = place.map(|place| {
            let url = place.url.filter(|url| matches!(url.scheme(), "http" | "https"));
            let url = url.map(String::from).unwrap_or_default();
            (format!("{}:{}", place.file, place.line), url)
        });
        Self { text, place, link, remedy }
    }
}

impl WhyView {
    /// Why a job, which may be seen, is where it is.
    pub(super) async fn of_job(context: &Context, job: JobId) -> Result<Self, HttpError> {
        let JobWhy { standing, fault, summary, reasons, cause, .. } =
            why::job(context, job).await?;
        Ok(Self::new(standing, fault, summary, reasons, cause))
    }

    /// Why a run, which may be seen, is where it is.
    pub(super) async fn of_run(context: &Context, run: RunId) -> Result<Self, HttpError> {
        let RunWhy { standing, fault, summary, reasons, cause, .. } =
            why::run(context, run).await?;
        Ok(Self::new(standing, fault, summary, reasons, cause))
    }

    fn new(
        standing: Standing,
        fault: Option<Fault>,
        summary: String,
        reasons: Vec<Reason>,
        cause: Vec<Reason>,
    ) -> Self {
        let views = |all: Vec<Reason>| all.into_iter().map(ReasonView::new).collect();
        Self {
            fault: fault.map_or("", fault_text),
            summary,
            open: !matches!(standing, Standing::Succeeded | Standing::Runs)
                && fault != Some(Fault::Author),
            reasons: views(reasons),
            cause: views(cause),
        }
    }
}

fn fault_text(fault: Fault) -> &'static str {
    match fault {
        Fault::Author => "the change",
        Fault::Limit => "a time limit",
        Fault::Infrastructure => "not the change: the machines",
        Fault::Person => "somebody stopped it",
        Fault::Need => "a job that it needs",
        Fault::Policy => "an approval is missing",
    }
}
