//! Which metrics there are.

use std::fmt;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

use crate::process::{self, Process};

/// The values of a metric's labels, in the order of its description.
pub type Labels<const N: usize> = [(&'static str, String); N];

/// Counters, one for each set of labels.
pub type CountersBy<const N: usize> = Family<Labels<N>, Counter>;

/// Gauges, likewise.
pub type GaugesBy<const N: usize> = Family<Labels<N>, Gauge>;

/// Histograms of seconds, likewise.
pub type SecondsBy<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;

/// From a millisecond to two hours: a request and a job both find their place.
const BUCKETS: [f64; 18] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    300.0, 1800.0, 7200.0,
];

/// A histogram of how long something took, in seconds.
pub fn seconds_histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, until the program starts anew.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It counts by size.
    Histogram,
    /// It says what is, and is always 1.
    Info,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Info => "info",
        })
    }
}

/// A metric as operators know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// What scrapers see; of a histogram without `_bucket`, `_sum` and `_count`.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The labels' names.
    pub labels: Vec<&'static str>,
    /// A sentence.
    pub help: &'static str,
}

/// The metrics of one program.
#[derive(Debug)]
pub struct Catalogue {
    registry: Registry,
    described: Vec<Described>,
}

impl Catalogue {
    /// Metrics of this program, which begin with what it is and how it fares.
    pub fn new(program: &'static str, version: &'static str) -> Self {
        let mut catalogue = Self { registry: Registry::default(), described: Vec::new() };
        let build = Info::new([("program", program), ("version", version)]);
        let help = "Which program this is.";
        catalogue.describe("solstice_build_info", Kind::Info, &["program", "version"], help);
        catalogue.registry.register("solstice_build", sentence(help), build);
        for (name, help) in process::METRICS {
            catalogue.describe(name, Kind::Gauge, &[], help);
        }
        catalogue.registry.register_collector(Box::new(Process::begun_now()));
        catalogue
    }

    /// Counters by these labels. The name is without `_total`, which scrapers see.
    pub fn counters<const N: usize>(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
    ) -> CountersBy<N> {
        let family = CountersBy::default();
        self.add_counter(name, help, &labels, family.clone());
        family
    }

    /// A counter. The name is without `_total`, which scrapers see.
    pub fn counter(&mut self, name: &'static str, help: &'static str) -> Counter {
        let counter = Counter::default();
        self.add_counter(name, help, &[], counter.clone());
        counter
    }

    /// Adds what somebody else counts.
    pub fn add_counter(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[&'static str],
        metric: impl Metric,
    ) {
        self.describe(&format!("{name}_total"), Kind::Counter, labels, help);
        self.registry.register(name, sentence(help), metric);
    }

    /// Gauges by these labels.
    pub fn gauges<const N: usize>(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
    ) -> GaugesBy<N> {
        let family = GaugesBy::default();
        self.add_gauge(name, help, &labels, family.clone());
        family
    }

    /// A gauge.
    pub fn gauge(&mut self, name: &'static str, help: &'static str) -> Gauge {
        let gauge = Gauge::default();
        self.add_gauge(name, help, &[], gauge.clone());
        gauge
    }

    /// Adds what somebody else sets.
    pub fn add_gauge(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[&'static str],
        metric: impl Metric,
    ) {
        self.describe(name, Kind::Gauge, labels, help);
        self.registry.register(name, sentence(help), metric);
    }

    /// Histograms of seconds by these labels.
    pub fn seconds<const N: usize>(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
    ) -> SecondsBy<N> {
        let family = SecondsBy::new_with_constructor(seconds_histogram as fn() -> Histogram);
        self.add_histogram(name, help, &labels, family.clone());
        family
    }

    /// Adds what somebody else measures.
    pub fn add_histogram(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[&'static str],
        metric: impl Metric,
    ) {
        self.describe(name, Kind::Histogram, labels, help);
        self.registry.register(name, sentence(help), metric);
    }

    /// Every metric there is, those included of which nothing was counted yet.
    pub fn described(&self) -> &[Described] {
        &self.described
    }

    /// What a scraper gets, of the type [`crate::CONTENT_TYPE`].
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a String takes all that is written to it");
        text
    }

    fn describe(&mut self, name: &str, kind: Kind, labels: &[&'static str], help: &'static str) {
        let (name, labels) = (name.to_owned(), labels.to_vec());
        self.described.push(Described { name, kind, labels, help });
    }
}

/// The encoder puts the full stop.
fn sentence(help: &'static str) -> &'static str {
    help.trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_described_is_what_a_scraper_sees() {
        let mut catalogue = Catalogue::new("solstice-test", "1.2.3");
        catalogue.counters("solstice_a", "A.", ["x"]).get_or_create(&[("x", "1".to_owned())]).inc();
        catalogue.gauge("solstice_b", "B.").set(7);
        let labels = [("y", "2".to_owned())];
        catalogue.seconds("solstice_c_seconds", "C.", ["y"]).get_or_create(&labels).observe(0.3);
        let text = catalogue.text();
        for line in [
            "solstice_build_info{program=\"solstice-test\",version=\"1.2.3\"} 1",
            "solstice_a_total{x=\"1\"} 1",
            "solstice_b 7",
            "solstice_c_seconds_bucket{le=\"0.5\",y=\"2\"} 1",
            "# HELP solstice_b B.",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
        for one in catalogue.described() {
            assert!(text.contains(&one.name), "{one:?} is not in\n{text}");
        }
    }
}
