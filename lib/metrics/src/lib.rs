//! Metrics for Prometheus: what a program counts, and how a scraper gets it.
//!
//! A program makes one [`Catalogue`], which hands out the metrics and remembers
//! what each is called and which labels it has, so that a test can hold the
//! documentation and the dashboards to it. [`Catalogue::text`] writes all of them
//! as OpenMetrics 1.0, the format that Prometheus asks for first
//! (<https://prometheus.io/docs/specs/om/open_metrics_spec/>).
//!
//! Nothing that a stranger controls is the value of a label: each has values from
//! a list that a programmer or an operator wrote.
//!
//! [`serve`] is a listener for scrapers alone, on loopback or a Unix socket. It
//! asks nobody who they are.
//!
//! ```
//! use solstice_metrics::Catalogue;
//!
//! let mut catalogue = Catalogue::new("solstice-example", "0.1.0");
//! let taken = catalogue.counters("solstice_example_deliveries", "Deliveries taken.", ["forge"]);
//! taken.get_or_create(&[("forge", "codeberg".to_owned())]).inc();
//! assert!(catalogue.text().contains("deliveries_total{forge=\"codeberg\"} 1"));
//! ```

mod catalogue;
mod process;
mod serve;

pub use catalogue::{
    Catalogue, CountersBy, Described, GaugesBy, Kind, Labels, SecondsBy, seconds_histogram,
};
pub use prometheus_client::metrics::counter::Counter;
pub use prometheus_client::metrics::gauge::Gauge;
pub use prometheus_client::metrics::histogram::Histogram;
pub use serve::{Listener, Place, serve};

/// The media type of [`Catalogue::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
