//! Laws of webhook requests.

use http::HeaderValue;

use super::{Happening, SUBJECT, Sample, World, branch};
use crate::headers::MAX_HEADER_CHARS;
use crate::seam::{CheckAction, Event, Forge as _, Interpretation, MAX_TITLE_CHARS, Rejection};

async fn sample(world: &impl World) -> Sample {
    let commit = world.commit(&[(".solstice/ci.kdl", b"workflow { }")]).await;
    world.delivery(&Happening::Pushed { git_ref: branch(), commit }).await
}

/// What the forge sends is genuine and means the push that happened.
pub async fn an_authentic_delivery_is_accepted_and_understood(world: &impl World) {
    let sample = sample(world).await;
    let genuine = world.forge().authenticate(&sample.headers, &sample.body).expect("it is genuine");
    for text in [&genuine.id, &genuine.event] {
        assert!((1..=MAX_HEADER_CHARS).contains(&text.len()), "{text:?}");
        assert!(text.bytes().all(|b| b.is_ascii_graphic()), "{text:?}");
    }
    let meaning = world.forge().interpret(&genuine.event, &sample.body);
    assert_eq!(meaning, Interpretation::Event(sample.event));
}

/// Pull requests and refs that go away mean what happened; whoever is outside is.
pub async fn every_kind_of_event_is_understood(world: &impl World) {
    let commit = world.commit(&[(".solstice/ci.kdl", b"workflow { }")]).await;
    let pull_request =
        |outside| Happening::PullRequest { number: 7, commit: commit.clone(), outside };
    for happening in [
        pull_request(false),
        pull_request(true),
        Happening::PullRequestClosed { number: 7 },
        Happening::Deleted { git_ref: branch() },
        Happening::Deleted { git_ref: "refs/tags/v1".parse().expect("a ref") },
    ] {
        let sample = world.delivery(&happening).await;
        let genuine = world.forge().authenticate(&sample.headers, &sample.body);
        let genuine = genuine.expect("it is genuine");
        let meaning = world.forge().interpret(&genuine.event, &sample.body);
        assert_eq!(meaning, Interpretation::Event(sample.event), "{happening:?}");
    }
}

/// Where there are merge queues and buttons, each means what it says.
pub async fn merge_queues_and_buttons_are_understood(world: &impl World) {
    if !world.has_merge_queue() {
        return;
    }
    let commit = world.commit(&[(".solstice/ci.kdl", b"workflow { }")]).await;
    let mut samples = vec![
        world.merge_group(&commit).await,
        world.button(&commit, None, CheckAction::Rerun).await,
    ];
    for action in CheckAction::ALL {
        samples.push(world.button(&commit, Some(SUBJECT), action).await);
    }
    for sample in samples {
        let genuine = world.forge().authenticate(&sample.headers, &sample.body);
        let genuine = genuine.expect("it is genuine");
        let meaning = world.forge().interpret(&genuine.event, &sample.body);
        let event = sample.event;
        assert!(matches!(event, Event::MergeGroup(_) | Event::CheckRequest(_)), "{event:?}");
        assert_eq!(meaning, Interpretation::Event(event));
    }
}

/// A signature is for one body only.
pub async fn a_changed_body_is_refused(world: &impl World) {
    let sample = sample(world).await;
    let length = sample.body.len();
    for at in [0, 1, length / 2, length - 1] {
        let mut body = sample.body.clone();
        body[at] ^= 1;
        let answer = world.forge().authenticate(&sample.headers, &body);
        assert_eq!(answer, Err(Rejection::Signature), "byte {at}");
    }
    for body in [&sample.body[..length - 1], &[&sample.body[..], b"\n"].concat(), b""] {
        let answer = world.forge().authenticate(&sample.headers, body);
        assert_eq!(answer, Err(Rejection::Signature));
    }
}

/// What nobody signed is nobody's.
pub async fn a_delivery_without_signature_is_refused(world: &impl World) {
    let mut sample = sample(world).await;
    let names: Vec<_> = sample.headers.keys().cloned().collect();
    for name in names.into_iter().filter(|name| name.as_str().contains("signature")) {
        sample.headers.remove(name);
    }
    let answer = world.forge().authenticate(&sample.headers, &sample.body);
    assert_eq!(answer, Err(Rejection::Signature));
}

/// Other digits, other cases and other lengths are no signature; the answer is
/// the same for all.
pub async fn a_changed_signature_is_refused(world: &impl World) {
    let sample = sample(world).await;
    let changes: [fn(&str) -> String; 6] = [
        |value| value.to_uppercase(),
        |value| format!("{value}0"),
        |value| value[..value.len() - 1].to_owned(),
        |value| value.replace(|c: char| c.is_ascii_digit(), "a"),
        |_| String::new(),
        |value| format!("{}zz", &value[..value.len() - 2]),
    ];
    for change in changes {
        let mut headers = sample.headers.clone();
        for (name, value) in headers.iter_mut().filter(|(name, _)| is_signature(name.as_str())) {
            let changed = change(value.to_str().expect("digits are ASCII"));
            *value = HeaderValue::from_str(&changed).unwrap_or_else(|_| panic!("{name}"));
        }
        let answer = world.forge().authenticate(&headers, &sample.body);
        assert_eq!(answer, Err(Rejection::Signature), "{headers:?}");
    }
}

fn is_signature(name: &str) -> bool {
    name.contains("signature")
}

/// A second value of any header is refused or ignored, but never believed.
pub async fn a_doubled_header_deceives_nobody(world: &impl World) {
    let sample = sample(world).await;
    let genuine = world.forge().authenticate(&sample.headers, &sample.body);
    for name in sample.headers.keys() {
        let mut headers = sample.headers.clone();
        headers.append(name, HeaderValue::from_static("another"));
        let answer = world.forge().authenticate(&headers, &sample.body);
        assert!(answer.is_err() || answer == genuine, "{name}: {answer:?}");
    }
}

/// Bytes that are not ASCII are refused or ignored, never a panic.
pub async fn headers_of_any_bytes_are_answered(world: &impl World) {
    let sample = sample(world).await;
    let genuine = world.forge().authenticate(&sample.headers, &sample.body);
    for name in sample.headers.keys() {
        for bytes in [&b"\x80\xff"[..], b"", b"\xc3\xa4", &[b'a'; 4096]] {
            let mut headers = sample.headers.clone();
            headers.insert(name, HeaderValue::from_bytes(bytes).expect("no control characters"));
            let answer = world.forge().authenticate(&headers, &sample.body);
            assert!(answer.is_err() || answer == genuine, "{name}: {answer:?}");
        }
        let mut headers = sample.headers.clone();
        headers.remove(name);
        let answer = world.forge().authenticate(&headers, &sample.body);
        assert!(answer.is_err() || answer == genuine, "without {name}: {answer:?}");
    }
}

/// Only JSON is signed as it is.
pub async fn another_media_type_is_refused(world: &impl World) {
    let sample = sample(world).await;
    for other in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"] {
        let mut headers = sample.headers.clone();
        headers.insert("content-type", HeaderValue::from_static(other));
        let answer = world.forge().authenticate(&headers, &sample.body);
        assert!(matches!(answer, Err(Rejection::MediaType(_))), "{other}: {answer:?}");
    }
}

/// Whatever the bytes, there is an answer, and it keeps the limits.
pub async fn interpret_never_panics(world: &impl World) {
    let commit = world.commit(&[(".solstice/ci.kdl", b"workflow { }")]).await;
    for happening in [
        Happening::Pushed { git_ref: branch(), commit: commit.clone() },
        Happening::PullRequest { number: 7, commit: commit.clone(), outside: true },
        Happening::PullRequestClosed { number: 7 },
        Happening::Deleted { git_ref: branch() },
    ] {
        let sample = world.delivery(&happening).await;
        let genuine = world.forge().authenticate(&sample.headers, &sample.body).expect("genuine");
        for body in bodies_like(&sample.body) {
            for event in [genuine.event.as_str(), "", "ping", "\u{0}\u{202e}"] {
                if let Interpretation::Event(event) = world.forge().interpret(event, &body) {
                    assert_bounded(&event);
                }
            }
        }
    }
}

/// Bodies that are none, and changes and parts of this one.
fn bodies_like(body: &[u8]) -> Vec<Vec<u8>> {
    let mut numbers = Numbers(7);
    let mut bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"null".to_vec(),
        b"{}".to_vec(),
        b"[]".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        b"\"\\ud800\"".to_vec(),
        "[".repeat(100_000).into_bytes(),
        "{\"a\":".repeat(100_000).into_bytes(),
    ];
    for _ in 0..64 {
        bodies.push((0..numbers.below(200)).map(|_| numbers.byte()).collect());
        bodies.push(body[..numbers.below(body.len())].to_vec());
        let mut changed = body.to_vec();
        for _ in 0..4 {
            let at = numbers.below(changed.len());
            changed[at] = numbers.byte();
        }
        bodies.push(changed);
    }
    bodies
}

fn assert_bounded(event: &Event) {
    let texts = match event {
        Event::Push(push) => vec![&push.title, &push.actor],
        Event::PullRequest(told) => {
            vec![&told.base, &told.author, &told.head.title, &told.head.actor]
        }
        Event::MergeGroup(told) => vec![&told.base, &told.head.title, &told.head.actor],
        Event::CheckRequest(told) => told.subject.iter().chain([&told.actor]).collect(),
        Event::PullRequestClosed { actor, .. } | Event::RefDeleted { actor, .. } => vec![actor],
    };
    for text in texts {
        // A branch's name is bounded in bytes, which are more.
        assert!(text.chars().count() <= MAX_TITLE_CHARS.max(250), "{event:?}");
    }
}

/// Events that forges invent later do no harm.
pub async fn an_unknown_event_is_ignored(world: &impl World) {
    let sample = sample(world).await;
    for event in ["star", "an_event_of_next_year"] {
        let meaning = world.forge().interpret(event, &sample.body);
        assert!(matches!(meaning, Interpretation::Ignored { .. }), "{meaning:?}");
    }
}

/// Numbers that look random and are the same in every run (a linear congruence).
struct Numbers(u64);

impl Numbers {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.0.to_be_bytes()[0]
    }

    fn below(&mut self, bound: usize) -> usize {
        let number = usize::from(self.byte()) << 8 | usize::from(self.byte());
        number % bound.max(1)
    }
}
