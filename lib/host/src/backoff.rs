//! How long to wait before trying again: longer each time, and not all at once.

use std::time::Duration;

/// Growing pauses with jitter, so that hosts do not return to a restarted
/// server in step.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    least: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    /// Pauses from about `least`, doubled each time, up to `most`.
    pub(crate) fn new(least: Duration, most: Duration) -> Self {
        Self { least, most, next: least }
    }

    /// The next pause: between half and all of what has grown so far.
    pub(crate) fn pause(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(self.most);
        let mut random = [0; 1];
        // Without randomness the pause is merely the longest one.
        let share = getrandom::fill(&mut random).map_or(255, |()| random[0]);
        whole / 2 + whole / 2 * u32::from(share) / 255
    }

    /// Begins anew after a success.
    pub(crate) fn reset(&mut self) {
        self.next = self.least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_limit_and_begin_anew_after_a_success() {
        let (least, most) = (Duration::from_millis(100), Duration::from_secs(1));
        let mut backoff = Backoff::new(least, most);
        for whole in [100, 200, 400, 800, 1000, 1000].map(Duration::from_millis) {
            let pause = backoff.pause();
            assert!((whole / 2..=whole).contains(&pause), "{pause:?} of {whole:?}");
        }
        backoff.reset();
        assert!(backoff.pause() <= least);
    }
}
