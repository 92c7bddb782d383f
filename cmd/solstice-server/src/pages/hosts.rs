//! The page of the hosts: what each can do and does.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use dropshot::HttpError;
use solstice_api::user::{Host, WorkingJob};
use solstice_display::duration;
use solstice_model::{HostName, Role};
use solstice_store::{HostPhases, MAX_PAGE, Sight};

use super::format::{Badge, When, iso, job_badge};
use super::nav::Section;
use super::{Frame, Rqctx, operator, rendered};
use crate::auth::require_form;
use crate::csrf::Form;
use crate::error::{from_store, not_found};
use crate::user::act;

struct HostView {
    name: String,
    badge: Badge,
    seen: When,
    draining: bool,
    labels: String,
    sizes: String,
    room: u32,
    busy: usize,
    machines: Vec<MachineView>,
    /// `boot 1.2 s`, in the mean.
    phases: Vec<String>,
    /// Of how many machines.
    phases_of: usize,
    action: String,
}

/// What a machine is doing.
struct MachineView {
    href: String,
    job: String,
    repository: String,
    badge: Badge,
    step: String,
    since: String,
    so_far: String,
}

impl MachineView {
    fn new(working: &WorkingJob, now: DateTime<Utc>) -> Self {
        let since = working.started_at.unwrap_or(working.claimed_at);
        Self {
            href: format!("/jobs/{}", working.job.id),
            job: working.job.name.to_string(),
            repository: working.job.repository.to_string(),
            badge: job_badge(&working.state),
            step: working.step.as_ref().map_or_else(String::new, |step| step.name.clone()),
            since: iso(since),
            so_far: duration(now - since),
        }
    }
}

impl HostView {
    fn new(
        host: Host,
        working: &[WorkingJob],
        phases: Option<&HostPhases>,
        now: DateTime<Utc>,
    ) -> Self {
        let here =
            |job: &&WorkingJob| job.state.holding().is_some_and(|held| held.host == host.name);
        let (kind, text) = match (host.online, host.draining) {
            (false, _) => ("bad", "not heard of"),
            (true, true) => ("warn", "draining"),
            (true, false) => ("ok", "online"),
        };
        let took = |ms: u64| duration(TimeDelta::milliseconds(i64::try_from(ms).unwrap_or(0)));
        let known = phases.map_or(&[][..], |of| &of.phases);
        Self {
            badge: Badge { kind, text },
            seen: When::new(host.seen_at, now),
            draining: host.draining,
            labels: joined(&host.labels),
            sizes: joined(&host.sizes),
            room: host.room,
            busy: host.jobs.len(),
            machines: working.iter().filter(here).map(|job| MachineView::new(job, now)).collect(),
            phases: known.iter().map(|one| format!("{} {}", one.name, took(one.took_ms))).collect(),
            phases_of: phases.map_or(0, |of| of.machines),
            action: format!("/hosts/{}", host.name),
            name: host.name.to_string(),
        }
    }
}

pub(super) fn joined<T: ToString>(words: &[T]) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[derive(Template)]
#[template(path = "hosts.html")]
struct HostsPage {
    frame: Frame,
    hosts: Vec<HostView>,
    online: usize,
}

pub(super) async fn render(rqctx: &Rqctx) -> Result<String, HttpError> {
    let principal = operator(rqctx).await?;
    let context = rqctx.context();
    let (store, now) = (&context.store, context.clock.now());
    let hosts = store.hosts(now, context.lease).await.map_err(from_store)?;
    let working = store.working(Sight::Everything, MAX_PAGE).await.map_err(from_store)?;
    let phases = store.host_phases().await.map_err(from_store)?;
    let online = hosts.iter().filter(|host| host.online).count();
    let view = |host: Host| {
        let phases = phases.iter().find(|of| of.host == host.name);
        HostView::new(host, &working, phases, now)
    };
    rendered(&HostsPage {
        frame: Frame::new(context, Some(&principal)).at(Section::Hosts),
        hosts: hosts.into_iter().map(view).collect(),
        online,
    })
}

/// A button: `drain` or `undrain`.
pub(super) async fn act(
    rqctx: &Rqctx,
    host: HostName,
    action: &str,
    form: &Form,
) -> Result<String, HttpError> {
    let principal = require_form(rqctx, form, Role::Operator).await?;
    let draining = match action {
        "drain" => true,
        "undrain" => false,
        _ => return Err(not_found("there is no such button")),
    };
    act::set_draining(rqctx.context(), principal.actor(), host, draining).await?;
    Ok("/hosts".to_owned())
}
