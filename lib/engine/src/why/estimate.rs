//! When something begins and ends, by what was seen before; and how sure that is.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono::{DateTime, TimeDelta, Utc};
use solstice_api::user::{Confidence, Estimate};
use solstice_display::duration;
use solstice_store::{JobFacts, QueueFacts};

/// So many alike are good to go by.
const GOOD: usize = 5;

/// So many are enough to say something.
const FAIR: usize = 3;

/// What is expected of a job on a machine, or of one that waits for that.
pub(super) fn of(facts: &JobFacts, room: u32, now: DateTime<Utc>) -> Option<Estimate> {
    let usual = median(&facts.took);
    let begins_at = match (&facts.queue, facts.job.claimed_at) {
        (Some(queue), _) => begins(queue, room).map(|after| now + after),
        (None, _) => None,
    };
    let began = begins_at.or(facts.job.claimed_at.filter(|_| facts.queue.is_none()));
    // What takes longer than ever is not expected in the past.
    let ends_at = usual.zip(began).map(|(usual, began)| (began + usual).max(now));
    if usual.is_none() && begins_at.is_none() {
        return None;
    }
    let own = confidence(&facts.took);
    let confidence = match &facts.queue {
        // Who is before it may take longer, and others may come between.
        Some(queue) if queue.more || queue.ahead > 10 => Confidence::Low,
        Some(queue) if queue.ahead > 0 || room == 0 => confidence(&queue.took).min(own),
        _ => own,
    };
    Some(Estimate {
        begins_at,
        ends_at,
        usual_s: usual.and_then(|usual| u32::try_from(usual.num_seconds()).ok()),
        samples: u32::try_from(facts.took.len()).unwrap_or(u32::MAX),
        confidence,
    })
}

/// One line for people.
pub(super) fn text(estimate: &Estimate, now: DateTime<Utc>) -> Option<String> {
    let sure = match estimate.confidence {
        Confidence::Low => "a guess",
        Confidence::Fair => "fairly sure",
        Confidence::Good => "rather sure",
    };
    let usual = estimate.usual_s.map(|usual| {
        let usual = duration(TimeDelta::seconds(usual.into()));
        format!("it usually takes {usual} (median of {}, {sure})", estimate.samples)
    });
    let begins = estimate.begins_at.map(|at| match (at - now).num_seconds() {
        ..5 => "it should begin at any moment".to_owned(),
        _ => format!("it should begin in about {}", duration(at - now)),
    });
    match (begins, usual) {
        (Some(begins), Some(usual)) => Some(format!("{begins}; {usual}")),
        (Some(begins), None) => Some(format!("{begins} ({sure})")),
        (None, usual) => usual,
    }
}

/// How long until a machine is free for the job, if those before it take as long
/// as such jobs usually do.
fn begins(queue: &QueueFacts, room: u32) -> Option<TimeDelta> {
    if room > queue.ahead {
        return Some(TimeDelta::zero());
    }
    let usual = median(&queue.took)?;
    // What runs for longer than usual is as likely to go on for a while.
    let left = |so_far: &TimeDelta| (usual - *so_far).max(usual / 10);
    let free = (0..room.min(1024)).map(|_| TimeDelta::zero());
    let mut free: BinaryHeap<Reverse<TimeDelta>> =
        free.chain(queue.busy.iter().map(left)).map(Reverse).collect();
    for _ in 0..queue.ahead {
        let Reverse(next) = free.pop()?;
        free.push(Reverse(next + usual));
    }
    free.pop().map(|Reverse(next)| next)
}

fn median(all: &[TimeDelta]) -> Option<TimeDelta> {
    quantile(all, 2)
}

/// The value that `quarters` of four are not above.
fn quantile(all: &[TimeDelta], quarters: usize) -> Option<TimeDelta> {
    let mut sorted = all.to_vec();
    sorted.sort();
    let last = sorted.len().checked_sub(1)?;
    sorted.get(last * quarters / 4).copied()
}

/// By how many there are and how much they differ.
fn confidence(all: &[TimeDelta]) -> Confidence {
    let at = |quarters| quantile(all, quarters).map_or(0, |delta| delta.num_milliseconds());
    let (spread, median) = (at(3) - at(1), at(2).max(1));
    match all.len() {
        GOOD.. if spread * 100 <= median * 30 => Confidence::Good,
        FAIR.. if spread * 100 <= median * 75 => Confidence::Fair,
        _ => Confidence::Low,
    }
}
