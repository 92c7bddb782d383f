//! How the process fares, by the names that Prometheus' own libraries use
//! (<https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>).

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

/// The names, each with a sentence.
pub(crate) const METRICS: [(&str, &str); 3] = [
    ("process_start_time_seconds", "When the process began, in seconds since 1970."),
    ("process_resident_memory_bytes", "Memory in use; only where /proc tells it as Linux does."),
    ("process_open_fds", "Open file descriptors."),
];

/// Reads it at each scrape.
#[derive(Debug)]
pub(crate) struct Process {
    began: f64,
}

impl Process {
    pub(crate) fn begun_now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: since.as_secs_f64() }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let values = [Some(self.began), resident_bytes(), open_files()];
        for ((name, help), value) in METRICS.iter().zip(values) {
            let Some(value) = value else { continue };
            let metric = encoder.encode_descriptor(
                name,
                help.trim_end_matches('.'),
                None,
                MetricType::Gauge,
            )?;
            ConstGauge::new(value).encode(metric)?;
        }
        Ok(())
    }
}

/// proc_pid_status(5): a line `VmRSS:  123 kB`.
fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

/// proc_pid_fd(5), and proc(5) of illumos: a name per descriptor, and one for
/// looking.
fn open_files() -> Option<f64> {
    let names = std::fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
    u32::try_from(names).ok().map(f64::from)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_files() {
        assert!(resident_bytes().unwrap() > 100_000.0);
        let before = open_files().unwrap();
        let _held: Vec<_> = (0..20).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
        assert!(open_files().unwrap() > before + 10.0);
    }
}
