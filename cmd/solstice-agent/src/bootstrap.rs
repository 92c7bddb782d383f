//! Where the agent learns its endpoint and its token: the kernel command line
//! in a machine, flags for an ordinary process.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use solstice_model::Token;

/// What has to be known before anything can be asked.
#[derive(Debug)]
pub(crate) struct Bootstrap {
    /// The host's agent endpoint, `http://ADDRESS:PORT`.
    pub(crate) endpoint: String,
    /// The single-use token.
    pub(crate) token: Token,
    /// The directory for the source and the scripts.
    pub(crate) work: PathBuf,
}

/// Why the parameters are of no use. None of them shows the token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BootstrapError {
    #[error("cannot read /proc/cmdline")]
    CommandLine(#[source] std::io::Error),
    #[error("the kernel command line has no {0}=")]
    Missing(&'static str),
    #[error("usage: solstice-agent --endpoint http://ADDRESS:PORT --token TOKEN --work DIR")]
    Usage,
    #[error("the endpoint {0:?} is not http:// and a numeric address")]
    Endpoint(String),
}

impl Bootstrap {
    /// Reads the kernel command line.
    pub(crate) fn from_kernel() -> Result<Self, BootstrapError> {
        let text = std::fs::read_to_string("/proc/cmdline").map_err(BootstrapError::CommandLine)?;
        Self::from_command_line(&text)
    }

    /// Takes the parameters out of a kernel command line; the last one of a name wins.
    fn from_command_line(text: &str) -> Result<Self, BootstrapError> {
        let find = |name: &'static str| {
            let mut values = text
                .split_ascii_whitespace()
                .filter_map(|word| word.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')));
            values.next_back().ok_or(BootstrapError::Missing(name))
        };
        Ok(Self {
            endpoint: endpoint(find("solstice.endpoint")?)?,
            token: Token::from_text(find("solstice.token")?),
            work: PathBuf::from("/work"),
        })
    }

    /// Takes the parameters from the program's own arguments.
    pub(crate) fn from_flags(
        mut arguments: impl Iterator<Item = String>,
    ) -> Result<Self, BootstrapError> {
        let (mut address, mut token, mut work) = (None, None, None);
        while let Some(flag) = arguments.next() {
            let place = match flag.as_str() {
                "--endpoint" => &mut address,
                "--token" => &mut token,
                "--work" => &mut work,
                _ => return Err(BootstrapError::Usage),
            };
            *place = Some(arguments.next().ok_or(BootstrapError::Usage)?);
        }
        let (Some(address), Some(token), Some(work)) = (address, token, work) else {
            return Err(BootstrapError::Usage);
        };
        Ok(Self {
            endpoint: endpoint(&address)?,
            token: Token::from_text(token),
            work: PathBuf::from(work),
        })
    }
}

/// Checks an endpoint and writes it the one way. Names are refused: a static
/// program cannot rely on the resolver, and a guest has none anyway.
fn endpoint(text: &str) -> Result<String, BootstrapError> {
    let address = text.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    let parsed = address.and_then(|address| {
        address
            .parse::<SocketAddr>()
            .or_else(|_| address.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 80)))
            .ok()
    });
    let parsed = parsed.ok_or_else(|| BootstrapError::Endpoint(text.to_owned()))?;
    Ok(format!("http://{parsed}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_among_the_kernel_s_own() {
        let line =
            "console=ttyS0 quiet solstice.endpoint=http://10.0.2.100:80 solstice.token=sol_a=b\n";
        let found = Bootstrap::from_command_line(line).unwrap();
        assert_eq!(found.endpoint, "http://10.0.2.100:80");
        assert_eq!(found.token.secret(), "sol_a=b");
    }

    #[test]
    fn a_missing_parameter_is_named() {
        let error =
            Bootstrap::from_command_line("solstice.endpoint=http://10.0.2.100").unwrap_err();
        assert_eq!(error.to_string(), "the kernel command line has no solstice.token=");
        assert!(Bootstrap::from_command_line("xsolstice.endpoint=http://10.0.2.100").is_err());
    }

    #[test]
    fn an_endpoint_is_a_numeric_address_over_plain_http() {
        assert_eq!(endpoint("http://10.0.2.100/").unwrap(), "http://10.0.2.100:80");
        assert_eq!(endpoint("http://[::1]:8080").unwrap(), "http://[::1]:8080");
        for bad in ["10.0.2.100:80", "https://10.0.2.100", "http://host:80", "http://", ""] {
            assert!(endpoint(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn flags_need_all_three_values() {
        let flags = |text: &str| {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            Bootstrap::from_flags(words.into_iter())
        };
        assert!(flags("--endpoint http://127.0.0.1:1 --token t --work /w").is_ok());
        assert!(flags("--endpoint http://127.0.0.1:1 --token t").is_err());
        assert!(flags("--endpoint http://127.0.0.1:1 --token t --work").is_err());
        assert!(flags("--help").is_err());
    }
}
