//! The cookies by which a browser is known again.
//!
//! Where the pages are at `https`, the names begin with `__Host-`: a browser
//! takes such a cookie from this host alone, over TLS alone, for all of its
//! paths (RFC 6265bis, section 4.1.3). Plain `http` is for loopback and for
//! trying things out: no prefix there, and no `Secure`.

use http::{HeaderMap, HeaderValue, header};
use solstice_model::Token;
use url::Url;

/// A cookie of ours. Its value is a secret of 256 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// Who is signed in.
    Session,
    /// Which browser is about to sign in.
    SignIn,
}

impl Cookie {
    fn name(self, base: &Url) -> String {
        let name = match self {
            Cookie::Session => "solstice",
            Cookie::SignIn => "solstice-sign-in",
        };
        if is_secure(base) { format!("__Host-{name}") } else { name.to_owned() }
    }

    /// How long a browser keeps it, in seconds; the server may forget it earlier.
    fn max_age(self) -> u32 {
        match self {
            Cookie::Session => 30 * 24 * 60 * 60,
            Cookie::SignIn => 60 * 60,
        }
    }

    /// The secret that a request brings; none if there are two, so that nobody
    /// can slip in one of theirs.
    pub(crate) fn read(self, headers: &HeaderMap, base: &Url) -> Option<Token> {
        let name = self.name(base);
        let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.split_once('='));
        let mut ours = pairs.filter(|(key, _)| key.trim() == name);
        let (Some((_, value)), None) = (ours.next(), ours.next()) else { return None };
        let value = value.trim();
        is_secret(value).then(|| Token::from_text(value))
    }

    /// The header that sets it.
    pub(crate) fn set(self, secret: &Token, base: &Url) -> HeaderValue {
        self.header(secret.secret(), self.max_age(), base)
    }

    /// The header that removes it.
    pub(crate) fn clear(self, base: &Url) -> HeaderValue {
        self.header("", 0, base)
    }

    fn header(self, value: &str, max_age: u32, base: &Url) -> HeaderValue {
        let secure = if is_secure(base) { "; Secure" } else { "" };
        let name = self.name(base);
        let text =
            format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}");
        text.parse().expect("names and secrets of ours are header values")
    }
}

fn is_secure(base: &Url) -> bool {
    base.scheme() == "https"
}

/// Whether this looks like a secret that we made.
fn is_secret(value: &str) -> bool {
    value.strip_prefix(Token::PREFIX).is_some_and(|rest| {
        rest.len() == 43 && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn read(cookies: &[&str], base: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, cookie.parse().unwrap());
        }
        Cookie::Session.read(&headers, &url(base)).map(|token| token.secret().to_owned())
    }

    #[test]
    fn a_cookie_over_tls_is_this_host_s_alone() {
        let secret = Token::generate();
        let set = Cookie::Session.set(&secret, &url("https://ci.example.org"));
        let expected = format!(
            "__Host-solstice={}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure",
            secret.secret()
        );
        assert_eq!(set, expected.as_str());
        let plain = Cookie::SignIn.clear(&url("http://127.0.0.1:8080"));
        assert_eq!(plain, "solstice-sign-in=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn only_the_one_cookie_of_the_right_name_is_read() {
        let (one, two) = (Token::generate(), Token::generate());
        let (one, two) = (one.secret(), two.secret());
        let (https, http) = ("https://ci.example.org", "http://127.0.0.1");
        let ours = format!("a=b; __Host-solstice={one}; c=d");
        assert_eq!(read(&[&ours], https).as_deref(), Some(one));
        assert_eq!(read(&[&ours], http), None, "it has another name there");
        assert_eq!(read(&[&format!("solstice={one}")], http).as_deref(), Some(one));
        assert_eq!(read(&[&format!("solstice={one}")], https), None);
        assert_eq!(read(&[&format!("solstice={one}; solstice={two}")], http), None);
        assert_eq!(read(&[&format!("solstice={one}"), &format!("solstice={two}")], http), None);
        for bad in ["", "sol_", "sol_short", &format!("{one}x"), &format!("{one} x")] {
            assert_eq!(read(&[&format!("solstice={bad}")], http), None, "{bad}");
        }
    }
}
