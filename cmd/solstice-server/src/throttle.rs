//! How often somebody may try to sign in, by the address that they come from.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// How long tries are counted.
const WINDOW: TimeDelta = TimeDelta::minutes(5);

/// How many failed tries one address has in that time.
const MAX_TRIES: u32 = 10;

/// How many addresses are told apart; what comes on top shares one count.
const MAX_ADDRESSES: usize = 20_000;

/// The tries of the last minutes.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    /// When each address began to be counted, and how many tries it had.
    tries: Mutex<HashMap<IpAddr, (DateTime<Utc>, u32)>>,
}

/// The address has to wait for so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany(pub(crate) i64);

impl Throttle {
    /// Says whether this address may try.
    pub(crate) fn check(&self, address: IpAddr, now: DateTime<Utc>) -> Result<(), TooMany> {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(&mut tries, address, now);
        match tries.get(&key) {
            Some((since, count)) if now - *since < WINDOW && *count >= MAX_TRIES => {
                Err(TooMany((*since + WINDOW - now).num_seconds().max(1)))
            }
            _ => Ok(()),
        }
    }

    /// Counts a try.
    pub(crate) fn count(&self, address: IpAddr, now: DateTime<Utc>) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(&mut tries, address, now);
        let (since, count) = tries.entry(key).or_insert((now, 0));
        if now - *since >= WINDOW {
            (*since, *count) = (now, 0);
        }
        *count += 1;
    }
}

/// Under which key an address is counted: whoever has one of IPv6 has 2^64 of them.
fn key(
    tries: &mut HashMap<IpAddr, (DateTime<Utc>, u32)>,
    address: IpAddr,
    now: DateTime<Utc>,
) -> IpAddr {
    let key = match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    };
    if tries.len() >= MAX_ADDRESSES && !tries.contains_key(&key) {
        tries.retain(|_, (since, _)| now - *since < WINDOW);
        if tries.len() >= MAX_ADDRESSES {
            return IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_tries_and_then_waits() {
        let (throttle, now) = (Throttle::default(), DateTime::UNIX_EPOCH);
        for _ in 0..MAX_TRIES {
            assert_eq!(throttle.check(ip("192.0.2.1"), now), Ok(()));
            throttle.count(ip("192.0.2.1"), now);
        }
        let later = now + TimeDelta::minutes(2);
        assert_eq!(throttle.check(ip("192.0.2.1"), later), Err(TooMany(180)));
        assert_eq!(throttle.check(ip("::ffff:192.0.2.1"), later), Err(TooMany(180)), "the same");
        assert_eq!(throttle.check(ip("192.0.2.2"), later), Ok(()));
        assert_eq!(throttle.check(ip("192.0.2.1"), now + WINDOW), Ok(()));
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let (throttle, now) = (Throttle::default(), DateTime::UNIX_EPOCH);
        for n in 0..MAX_TRIES {
            throttle.count(ip(&format!("2001:db8::{n}")), now);
        }
        assert!(throttle.check(ip("2001:db8::ffff"), now).is_err());
        assert!(throttle.check(ip("2001:db8:0:1::1"), now).is_ok());
    }

    #[test]
    fn addresses_without_number_share_one_count() {
        let (throttle, now) = (Throttle::default(), DateTime::UNIX_EPOCH);
        for n in 0..MAX_ADDRESSES + 20 {
            throttle.count(IpAddr::V4(u32::try_from(n).unwrap().into()), now);
        }
        assert!(throttle.tries.lock().unwrap().len() <= MAX_ADDRESSES + 1);
        assert!(throttle.check(ip("203.0.113.9"), now).is_err());
    }
}
