//! Values that could mean something to a shell, YAML or a kernel command line
//! never get onto a seed.

use proptest::prelude::*;
use solstice_model::Token;
use solstice_seed::{MAX_AGENT_BYTES, Seed, SeedError, metadata_agent, no_cloud};

use crate::{seed, token};

#[test]
fn values_of_no_use_are_named() {
    let token = token();
    let good = seed(&token);
    let mut no_prefix = good;
    no_prefix.network.prefix = 0;
    let mut long_prefix = good;
    long_prefix.network.prefix = 33;
    for (bad, message) in [
        (Seed { instance: "", ..good }, "the instance \"\" of a seed: "),
        (Seed { instance: "a b", ..good }, "the instance \"a b\" of a seed: "),
        (Seed { hostname: "-x", ..good }, "the host name \"-x\" of a seed: "),
        (Seed { hostname: "a.b", ..good }, "the host name \"a.b\" of a seed: "),
        (Seed { endpoint: "10.0.0.1:80", ..good }, "the endpoint \"10.0.0.1:80\" of a seed: "),
        (Seed { endpoint: "http://10.0.0.1", ..good }, "the endpoint \"http://10.0.0.1\""),
        (Seed { endpoint: "http://10.0.0.1:080", ..good }, "the endpoint \"http://10.0.0.1:080\""),
        (Seed { endpoint: "http://host:80", ..good }, "the endpoint \"http://host:80\""),
        (no_prefix, "the prefix length \"0\" of a seed: "),
        (long_prefix, "the prefix length \"33\" of a seed: "),
    ] {
        let error = no_cloud(&bad).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
        assert_eq!(metadata_agent(&bad).unwrap_err().to_string(), error);
    }
}

#[test]
fn an_agent_that_is_too_large_is_refused() {
    let (token, agent) = (token(), vec![0; MAX_AGENT_BYTES + 1]);
    let refused = no_cloud(&Seed { agent: Some(&agent), ..seed(&token) });
    assert!(matches!(refused, Err(SeedError::AgentTooLarge { bytes }) if bytes == agent.len()));
}

#[test]
fn a_bad_token_is_refused_and_not_shown() {
    for bad in ["", "sol_'; reboot; '", "sol_a b", "sol_a\n"] {
        let token = Token::from_text(bad);
        let error = no_cloud(&seed(&token)).unwrap_err();
        assert!(matches!(error, SeedError::Token), "{error}");
        assert!(bad.is_empty() || !error.to_string().contains(bad));
    }
}

/// Mostly what is allowed, sometimes one of the characters that break out of something.
fn nearly_good() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9._-]{1,20}",
        "[A-Za-z0-9._-]{0,8}['\"\\\\$`;&|<>@#:{}\\[\\] \n\r\t\0é-]{1,3}[A-Za-z0-9]{0,8}",
        any::<String>(),
    ]
}

proptest! {
    /// Whatever was taken left the script as it is but for plain characters.
    #[test]
    fn nothing_breaks_out_of_its_place(
        instance in nearly_good(),
        hostname in nearly_good(),
        secret in nearly_good(),
        address in nearly_good(),
    ) {
        let own = token();
        let good = seed(&own);
        let given = Token::from_text(secret.clone());
        for (value, bad) in [
            (&instance, Seed { instance: &instance, ..good }),
            (&hostname, Seed { hostname: &hostname, ..good }),
            (&secret, Seed { token: &given, ..good }),
        ] {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-=".contains(c);
            if let Ok(archive) = metadata_agent(&bad) {
                prop_assert!(value.chars().all(plain), "{value:?}");
                let reference = metadata_agent(&good).unwrap();
                prop_assert_eq!(marks(&archive), marks(&reference));
            }
        }
        let endpoint = format!("http://{address}");
        let refused = no_cloud(&Seed { endpoint: &endpoint, ..good }).is_err();
        prop_assert!(refused, "{endpoint}");
    }
}

/// Lines, quotes and the like of an image: what a value must not add to.
fn marks(image: &[u8]) -> Vec<usize> {
    let of = |mark: &u8| image.iter().filter(|byte| *byte == mark).count();
    b"\n'\"\\$`;&|<>@#{}()".iter().map(of).collect()
}
