//! Where metrics are to be had, and where traces go: the same in both files.

use std::net::SocketAddr;
use std::path::Path;

use solstice_kdl::{Reader, Refusal, Value, value};
use solstice_metrics::Place;
use url::Url;

const METRICS_HELP: &str = "write for example \"127.0.0.1:9464\" or \"unix:/run/solstice/metrics\"";

const OTLP_HELP: &str = "write for example telemetry otlp=\"http://127.0.0.1:4318\"";

/// `metrics "127.0.0.1:9464"`: nobody is asked who they are, so only this computer
/// gets there.
pub(crate) fn metrics(base: &Path, given: &Value) -> Result<Place, Refusal> {
    let text = value::string(given)?;
    if let Some(path) = text.strip_prefix("unix:") {
        if path.is_empty() || path.contains('\0') {
            return Err(Refusal::because("it names no socket").help(METRICS_HELP));
        }
        return Ok(Place::Unix(base.join(path)));
    }
    let address: SocketAddr = text.parse().map_err(|_| {
        Refusal::because("it is neither an address and a port nor a socket").help(METRICS_HELP)
    })?;
    if !address.ip().is_loopback() {
        let why =
            format!("{} can be reached by others, and nobody is asked who they are", address.ip());
        return Err(Refusal::because(why).help(METRICS_HELP));
    }
    Ok(Place::Tcp(address))
}

/// `telemetry otlp="http://127.0.0.1:4318"`.
pub(crate) fn telemetry(mut node: Reader<'_>) -> Option<Url> {
    let endpoint = node.required_prop("otlp", collector);
    node.finish();
    endpoint
}

fn collector(given: &Value) -> Result<Url, Refusal> {
    let url: Url = value::parse(given).map_err(|refusal| refusal.help(OTLP_HELP))?;
    let whole = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !whole {
        let why = "it is not the address of a collector that speaks OTLP over HTTP";
        return Err(Refusal::because(why).help(OTLP_HELP));
    }
    if url.path().ends_with("/v1/traces") {
        return Err(Refusal::because("`/v1/traces` is added to it").help(OTLP_HELP));
    }
    Ok(url)
}
