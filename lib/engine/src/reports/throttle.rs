//! How fast the owners of repositories are told: windows that slide, and pauses.
//!
//! Forges count requests for each account that an app is installed in, so one owner's
//! busy day is no reason to keep another waiting. What was sent before a restart is
//! not known after it; a forge that minds says so, and is obeyed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use solstice_forge::Pace;

const MINUTE: Duration = Duration::from_secs(60);

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Counts what is sent to each owner. Times are [`Clock::elapsed`](crate::Clock::elapsed):
/// a clock that is set does not move a window.
pub(crate) struct Throttle {
    windows: Vec<Window>,
    /// Guards what was sent to whom within the longest window.
    owners: Mutex<BTreeMap<String, Owner>>,
}

struct Window {
    length: Duration,
    most: usize,
}

#[derive(Default)]
struct Owner {
    /// When something was sent, the oldest first.
    sent: VecDeque<Duration>,
    /// Until when nothing is to be sent.
    paused_until: Duration,
}

impl Throttle {
    /// Obeys this pace.
    pub(crate) fn new(pace: Pace) -> Self {
        let window = |most: Option<u32>, length| {
            let most = usize::try_from(most?.max(1)).unwrap_or(usize::MAX);
            Some(Window { length, most })
        };
        let windows = [window(pace.per_minute, MINUTE), window(pace.per_hour, HOUR)];
        Self { windows: windows.into_iter().flatten().collect(), owners: Mutex::default() }
    }

    /// Counts so many requests to an owner, unless they may not be sent to it now:
    /// then it is told nothing until they may.
    pub(crate) fn take(&self, owner: &str, requests: usize, now: Duration) -> bool {
        let mut owners = self.lock();
        let one = owners.entry(owner.to_owned()).or_default();
        let free_at = one.free_at(&self.windows, requests);
        if free_at > now {
            one.paused_until = free_at;
            return false;
        }
        if let Some(most) = self.windows.iter().map(|window| window.most).max() {
            one.sent.extend(std::iter::repeat_n(now, requests.min(most)));
            // What is older than the most that counts can no longer matter.
            let surplus = one.sent.len().saturating_sub(most);
            one.sent.drain(..surplus);
        }
        true
    }

    /// Sends an owner nothing for so long.
    pub(crate) fn pause(&self, owner: &str, pause: Duration, now: Duration) {
        let mut owners = self.lock();
        let one = owners.entry(owner.to_owned()).or_default();
        one.paused_until = one.paused_until.max(now + pause);
    }

    /// The owners to whom nothing may be sent now, and when the first of them is
    /// free again. Forgets those who had nothing for long.
    pub(crate) fn busy(&self, now: Duration) -> (Vec<String>, Option<Duration>) {
        let mut owners = self.lock();
        let longest = self.windows.iter().map(|window| window.length).max().unwrap_or_default();
        owners.retain(|_, one| {
            while one.sent.front().is_some_and(|at| *at + longest <= now) {
                one.sent.pop_front();
            }
            !one.sent.is_empty() || one.paused_until > now
        });
        let busy = owners.iter().map(|(name, one)| (name, one.free_at(&self.windows, 1)));
        let busy: Vec<_> = busy.filter(|(_, free_at)| *free_at > now).collect();
        let first = busy.iter().map(|(_, free_at)| *free_at).min();
        (busy.into_iter().map(|(name, _)| name.clone()).collect(), first)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Owner>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Owner {
    /// From when on so many requests may be sent; as many as a window takes if
    /// they are more.
    fn free_at(&self, windows: &[Window], requests: usize) -> Duration {
        let full_until = windows.iter().filter_map(|window| {
            let after = self.sent.len() + requests.clamp(1, window.most);
            let last_in_the_way = after.checked_sub(window.most + 1)?;
            Some(*self.sent.get(last_in_the_way)? + window.length)
        });
        full_until.max().unwrap_or_default().max(self.paused_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle(per_minute: Option<u32>, per_hour: Option<u32>) -> Throttle {
        let (annotations, progress) = (None, Duration::ZERO);
        Throttle::new(Pace { details: true, annotations, progress, per_minute, per_hour })
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn no_window_of_either_length_ever_holds_more_than_its_most() {
        let throttle = throttle(Some(3), Some(10));
        let sent: Vec<u64> =
            (0..7200).filter(|second| throttle.take("ada", 1, seconds(*second))).collect();
        for (length, most) in [(60, 3), (3600, 10)] {
            for begin in 0..7200 - length {
                let within = sent.iter().filter(|at| (begin..begin + length).contains(*at)).count();
                assert!(within <= most, "{within} from {begin} s on in {length} s");
            }
        }
        assert_eq!(sent.len(), 20, "and all of it is used: {sent:?}");
    }

    #[test]
    fn one_owner_keeps_no_other_waiting() {
        let throttle = throttle(Some(1), None);
        assert!(throttle.take("ada", 1, seconds(0)));
        assert!(!throttle.take("ada", 1, seconds(59)));
        assert!(throttle.take("bob", 1, seconds(59)));
        let (busy, first) = throttle.busy(seconds(59));
        assert_eq!((busy, first), (vec!["ada".to_owned(), "bob".to_owned()], Some(seconds(60))));
        assert!(throttle.take("ada", 1, seconds(60)));
    }

    #[test]
    fn a_pause_is_kept_and_then_forgotten() {
        let throttle = throttle(None, None);
        throttle.pause("ada", seconds(90), seconds(10));
        throttle.pause("ada", seconds(1), seconds(11));
        assert!(!throttle.take("ada", 1, seconds(99)));
        assert!(throttle.take("ada", 1, seconds(100)));
        assert_eq!(throttle.busy(seconds(100)), (Vec::new(), None));
        assert!(throttle.lock().is_empty(), "nothing is remembered of who is free");
    }

    #[test]
    fn what_takes_several_requests_waits_until_there_is_room_for_all() {
        let throttle = throttle(Some(10), None);
        assert!(throttle.take("ada", 7, seconds(0)));
        assert!(!throttle.take("ada", 6, seconds(1)), "3 are left");
        assert_eq!(throttle.busy(seconds(1)), (vec!["ada".to_owned()], Some(seconds(60))));
        assert!(throttle.take("ada", 6, seconds(60)));
        assert!(!throttle.take("ada", 99, seconds(61)), "never more than a window");
        assert!(throttle.take("ada", 99, seconds(120)));
        assert!(!throttle.take("ada", 1, seconds(179)));
        assert!(throttle.take("ada", 1, seconds(180)));
    }
}
