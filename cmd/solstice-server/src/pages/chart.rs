//! How long the last runs of a workflow took, as a drawing.

use solstice_api::user::RunStatus;

/// The size of the drawing, in its own units.
pub(super) const WIDTH: i64 = 640;
pub(super) const HEIGHT: i64 = 120;

/// Room for the marks at the edges.
const PAD: i64 = 12;

/// A mark: where, and of which shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) x: i64,
    pub(super) y: i64,
}

/// Where the marks are; times go from left (oldest) to right, durations from the
/// bottom (none) to the top. One that took more than four times the median is
/// drawn at the top, so that it does not flatten all others.
pub(super) fn marks(took_ms: &[i64]) -> (Vec<Mark>, i64) {
    let median = median(took_ms).unwrap_or(0);
    let longest = took_ms.iter().copied().max().unwrap_or(0);
    let top = longest.min(median.saturating_mul(4)).max(1);
    let count = i64::try_from(took_ms.len()).unwrap_or(1);
    let step = (WIDTH - 2 * PAD) / (count - 1).max(1);
    let mark = |(at, took): (usize, &i64)| {
        let behind = count - 1 - i64::try_from(at).unwrap_or(0);
        let up = (*took).clamp(0, top) * (HEIGHT - 2 * PAD) / top;
        // The newest is at the right edge, however few there are.
        Mark { x: WIDTH - PAD - behind * step.min(24), y: HEIGHT - PAD - up }
    };
    (took_ms.iter().enumerate().map(mark).collect(), top)
}

/// The middle of some durations.
pub(super) fn median(took_ms: &[i64]) -> Option<i64> {
    let mut sorted = took_ms.to_vec();
    sorted.sort_unstable();
    match sorted.len() {
        0 => None,
        even if even % 2 == 0 => Some((sorted[even / 2 - 1] + sorted[even / 2]) / 2),
        odd => Some(sorted[odd / 2]),
    }
}

/// The mark of an outcome: no two have the same, so that no colour is needed.
pub(super) fn shape(status: RunStatus) -> &'static str {
    match status {
        // A disc, a cross, a triangle, a ring.
        RunStatus::Succeeded => "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
        RunStatus::Failed => "M-5-3l2-2 3 3 3-3 2 2-3 3 3 3-2 2-3-3-3 3-2-2 3-3z",
        RunStatus::InfraFailed => "M0-5l5.5 9h-11z",
        _ => {
            "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0zM-2.5 0a2.5 2.5 0 1 1 5 0a2.5 2.5 0 1 1-5 0z"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stay_inside_and_go_from_old_to_new() {
        for count in [0, 1, 2, 7, 60] {
            let took: Vec<i64> = (0..count).map(|n| n * n * 1_000).collect();
            let (marks, _) = marks(&took);
            assert_eq!(marks.len(), took.len());
            for pair in marks.windows(2) {
                assert!(pair[0].x < pair[1].x && pair[0].y >= pair[1].y);
            }
            assert!(marks.iter().all(|m| m.x >= PAD && m.x <= WIDTH - PAD));
            assert!(marks.iter().all(|m| m.y >= PAD && m.y <= HEIGHT - PAD));
        }
    }

    #[test]
    fn one_that_took_for_ever_does_not_flatten_the_others() {
        let (marks, top) = marks(&[100, 100, 100, 1_000_000]);
        assert_eq!(top, 400);
        assert!(marks[0].y < HEIGHT - PAD - 10);
        assert_eq!(marks[3].y, PAD);
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3, 1, 2]), Some(2));
        assert_eq!(median(&[4, 1, 2, 3]), Some(2));
    }

    #[test]
    fn each_outcome_has_a_shape_of_its_own() {
        use RunStatus::{Cancelled, Failed, InfraFailed, Succeeded};
        let shapes: std::collections::BTreeSet<_> =
            [Succeeded, Failed, InfraFailed, Cancelled].map(shape).into();
        assert_eq!(shapes.len(), 4);
    }
}
