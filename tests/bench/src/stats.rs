//! Medians and their spread.

use std::fmt;
use std::time::Duration;

/// What several rounds came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figure {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
    pub(crate) rounds: usize,
    pub(crate) unit: &'static str,
}

impl Figure {
    /// The figure of these values, at least one.
    pub(crate) fn of(values: &[f64], unit: &'static str) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (sorted[0], sorted[sorted.len() - 1]);
        Self { median: median(&sorted), least, most, rounds: sorted.len(), unit }
    }

    /// A figure that was taken once.
    pub(crate) fn once(value: f64, unit: &'static str) -> Self {
        Self::of(&[value], unit)
    }

    /// The figure of times, in milliseconds.
    pub(crate) fn of_times(times: &[Duration]) -> Self {
        let ms: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1000.0).collect();
        Self::of(&ms, "ms")
    }
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", number(self.median), self.unit)?;
        if self.rounds > 1 {
            write!(f, " ({}-{}, {} rounds)", number(self.least), number(self.most), self.rounds)?;
        }
        Ok(())
    }
}

/// Two or three digits that mean something, thousands apart.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        large if large >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        small if small > 0.0 && small < 0.1 => 4,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(a, b)| (a, Some(b)));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        let left = whole.len() - place;
        if place > 0 && left.is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    rest.map_or(grouped.clone(), |rest| format!("{grouped}.{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let figure = Figure::of(&[3.0, 1.0, 2.0], "s");
        assert_eq!((figure.median, figure.least, figure.most), (2.0, 1.0, 3.0));
        assert!((Figure::of(&[1.0, 2.0], "s").median - 1.5).abs() < f64::EPSILON);
        assert_eq!(figure.to_string(), "2.00 s (1.00-3.00, 3 rounds)");
        assert_eq!(Figure::once(1.0, "s").to_string(), "1.00 s");
    }

    #[test]
    fn numbers_are_short() {
        let shown = [1234567.0, 1000.4, 99.96, 12.34, 0.123, 0.00123, 0.0, -1234.0].map(number);
        assert_eq!(
            shown,
            ["1,234,567", "1,000", "100.0", "12.3", "0.12", "0.0012", "0.00", "-1,234"]
        );
    }
}
