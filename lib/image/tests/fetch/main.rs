//! Downloads from a real server that misbehaves.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[allow(dead_code, reason = "what only the tests of ciadm need of it")]
mod server;

use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use server::{Asked, Server, Way};
use solstice_image::{Download, FetchError, Fetched, Patience};
use solstice_model::Sha256Digest;

const SIZE: usize = 1_000_000;

/// A file that is nowhere the same.
fn body() -> Vec<u8> {
    let words = (0_u32..).map(|n| n.wrapping_mul(0x9E37_79B9).to_le_bytes());
    words.flatten().take(SIZE).collect()
}

struct World {
    _keep: tempfile::TempDir,
    server: Server,
    download: Download,
}

impl World {
    fn new() -> Self {
        let keep = tempfile::tempdir().unwrap();
        let server = Server::new(body());
        let patience = Patience {
            silence: Duration::from_millis(400),
            tries: 3,
            pause: Duration::from_millis(1),
        };
        let download = Download {
            url: server.url(),
            sha256: Sha256Digest::of(&body()),
            folder: Utf8PathBuf::from_path_buf(keep.path().join("parts")).unwrap(),
            max_bytes: 2 * SIZE as u64,
            patience,
        };
        Self { _keep: keep, server, download }
    }

    fn run(&self) -> Result<Fetched, FetchError> {
        self.download.run(&mut |_| {})
    }

    /// The names of all files that there are.
    fn left(&self) -> Vec<String> {
        let entries = self.download.folder.read_dir_utf8().unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_owned()).collect()
    }

    /// The offsets that were asked for.
    fn offsets(&self) -> Vec<Option<usize>> {
        let offset = |asked: Asked| {
            let range = asked.range?;
            Some(range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().unwrap())
        };
        self.server.asked().into_iter().map(offset).collect()
    }
}

fn assert_whole(fetched: Result<Fetched, FetchError>) {
    assert!(std::fs::read(fetched.unwrap().path).unwrap() == body());
}

#[test]
fn a_file_comes_whole_and_progress_is_told() {
    let world = World::new();
    let mut seen = Vec::new();
    let fetched = world.download.run(&mut |progress| seen.push(progress));
    assert_whole(fetched);
    assert!(seen.iter().all(|it| it.total == Some(SIZE as u64)));
    assert!(seen.is_sorted_by_key(|it| it.done));
    assert_eq!(seen.last().unwrap().done, SIZE as u64);
    assert_eq!(world.offsets(), [None]);
    world.run().unwrap().discard().unwrap();
    assert_eq!(world.left(), [""; 0]);
    assert_eq!(world.offsets().len(), 1, "what is whole is not asked for again");
}

#[test]
fn broken_connections_are_continued_where_they_broke() {
    let world = World::new();
    world.server.script([Way::CutAfter(300_000), Way::CutAfter(1), Way::CutAfter(400_000)]);
    assert_whole(world.run());
    assert_eq!(world.offsets(), [None, Some(300_000), Some(300_001), Some(700_001)]);
    assert_eq!(world.server.asked()[1].if_range.as_deref(), Some("\"1\""));
    assert_eq!(world.server.sent(), SIZE);
}

#[test]
fn a_server_that_says_nothing_more_is_left() {
    let world = World::new();
    world.server.script([Way::StallAfter(500_000)]);
    let started = Instant::now();
    assert_whole(world.run());
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(world.offsets(), [None, Some(500_000)]);
}

#[test]
fn a_server_without_ranges_sends_it_all_again() {
    let world = World::new();
    world.server.script([Way::CutAfter(300_000), Way::IgnoreRange]);
    assert_whole(world.run());
}

#[test]
fn without_a_strong_validator_nothing_is_continued() {
    for way in [Way::NoValidator, Way::WeakTag] {
        let world = World::new();
        world.server.script([way]);
        world.server.script([]);
        world.download.run(&mut |_| {}).unwrap();
        // A part as a process leaves it that is killed just then.
        let part = world.download.folder.join(format!("{}.part", world.download.sha256.hex()));
        std::fs::File::options().write(true).open(part).unwrap().set_len(10).unwrap();
        assert_whole(world.run());
        assert_eq!(world.offsets(), [None, None]);
    }
}

#[test]
fn a_file_that_changed_on_the_server_is_begun_anew() {
    let world = World::new();
    world.server.replace(vec![7; SIZE + 5], "\"old\"");
    world.server.script([Way::CutAfter(300_000), Way::Head("404 Not Found")]);
    assert!(matches!(world.run(), Err(FetchError::Refused { .. })));
    world.server.replace(body(), "\"new\"");
    assert_whole(world.run());
    assert_eq!(world.server.asked()[2].if_range.as_deref(), Some("\"old\""));
}

#[test]
fn pieces_of_several_files_are_noticed_and_fetched_anew() {
    let world = World::new();
    // A server that calls both files by the same tag.
    world.server.replace(vec![7; SIZE], "\"1\"");
    world.server.script([Way::CutAfter(300_000), Way::Head("404 Not Found")]);
    assert!(matches!(world.run(), Err(FetchError::Refused { .. })));
    world.server.replace(body(), "\"1\"");
    assert_whole(world.run());
    assert_eq!(world.offsets(), [None, Some(300_000), Some(300_000), None]);
}

#[test]
fn a_server_that_promises_more_than_it_has_is_given_up_and_named() {
    let world = World::new();
    world.server.always(Way::Claim(SIZE as u64 + 10));
    let error = world.run().unwrap_err();
    assert!(matches!(error, FetchError::Broken { .. } | FetchError::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("/disk.raw"), "{error}");
}

#[test]
fn a_server_that_promises_less_than_it_has_has_the_wrong_file() {
    let world = World::new();
    world.server.always(Way::Claim(SIZE as u64 - 10));
    let error = world.run().unwrap_err();
    assert!(matches!(error, FetchError::Differs { .. }), "{error:?}");
    assert_eq!(world.left(), [""; 0]);
}

#[test]
fn the_wrong_file_is_refused_and_nothing_is_kept() {
    let mut world = World::new();
    world.download.sha256 = Sha256Digest::of(b"another");
    let error = world.run().unwrap_err();
    let FetchError::Differs { found, wanted, .. } = &error else { panic!("{error:?}") };
    assert_eq!((*found, *wanted), (Sha256Digest::of(&body()), Sha256Digest::of(b"another")));
    assert_eq!(world.left(), [""; 0]);
    assert_eq!(world.offsets(), [None], "the same wrong file twice is no help");
}

#[test]
fn what_is_too_large_is_not_stored() {
    let mut world = World::new();
    world.download.max_bytes = SIZE as u64 - 1;
    assert!(matches!(world.run(), Err(FetchError::TooLarge { .. })));
    assert_eq!(world.server.asked().len(), 1);
    world.server.always(Way::Endless);
    assert!(matches!(world.run(), Err(FetchError::TooLarge { .. })));
    let part = world.download.folder.join(format!("{}.part", world.download.sha256.hex()));
    assert_eq!(part.metadata().unwrap().len(), 0);
}

#[test]
fn busy_servers_are_asked_again_and_refusals_are_final() {
    let world = World::new();
    world.server.script([
        Way::Head("503 Service Unavailable"),
        Way::Head("429 Too Many Requests"),
        Way::CutAfter(10),
        Way::Head("500 Internal Server Error"),
        Way::Head("502 Bad Gateway"),
    ]);
    assert_whole(world.run());

    let world = World::new();
    world.server.always(Way::Head("503 Service Unavailable"));
    let error = world.run().unwrap_err();
    assert!(error.to_string().ends_with("the server answered 503 Service Unavailable"), "{error}");
    assert_eq!(world.server.asked().len(), 3);

    let world = World::new();
    world.server.always(Way::Head("403 Forbidden"));
    assert!(matches!(world.run(), Err(FetchError::Refused { .. })));
    assert_eq!(world.server.asked().len(), 1);
}

#[test]
fn redirections_are_followed_and_loops_are_not() {
    let world = World::new();
    world.server.script([Way::Head("302 Found\r\nLocation: /mirror/disk.raw"), Way::CutAfter(9)]);
    assert_whole(world.run());
    let world = World::new();
    world.server.always(Way::Head("302 Found\r\nLocation: /again"));
    assert!(world.run().is_err());
    assert!(world.server.asked().len() < 20);
}

#[test]
fn an_answer_that_makes_no_sense_is_told() {
    let world = World::new();
    let part = "206 Partial Content\r\nContent-Range: bytes 5-6/7";
    world.server.script([Way::Head(part)]);
    let error = world.run().unwrap_err().to_string();
    assert!(error.ends_with("it is a part, and the whole was asked for"), "{error}");
    world
        .server
        .script([Way::CutAfter(10), Way::Head("206 Partial Content\r\nContent-Range: all")]);
    let error = world.run().unwrap_err().to_string();
    assert!(error.ends_with("it has Content-Range: \"all\""), "{error}");
    // Another part than the one that was asked for: from the beginning.
    world.server.script([Way::Head("206 Partial Content\r\nContent-Range: bytes 5-6/7")]);
    assert_whole(world.run());
}

#[test]
fn nobody_there_is_told_with_the_address() {
    let mut world = World::new();
    world.download.url = "http://127.0.0.1:1/disk.raw".to_owned();
    let error = world.run().unwrap_err();
    assert_eq!(error.to_string(), "cannot ask for http://127.0.0.1:1/disk.raw");
}

#[test]
fn addresses_of_no_use_are_refused() {
    let mut world = World::new();
    for (url, why) in [
        ("ftp://127.0.0.1/disk.raw", "http:// or https:// is wanted"),
        ("file:///etc/passwd", "http:// or https:// is wanted"),
        ("disk.raw", "relative URL without a base"),
        ("https://me:secret@127.0.0.1/disk.raw", "a name or a password"),
    ] {
        world.download.url = url.to_owned();
        let error = world.run().unwrap_err().to_string();
        assert!(error.contains(why) && !error.contains("secret"), "{error}");
    }
}

#[test]
fn two_downloads_of_one_file_do_not_meet() {
    let world = World::new();
    let first = world.run().unwrap();
    let error = world.run().unwrap_err();
    assert!(matches!(error, FetchError::Busy(_)), "{error}");
    drop(first);
    world.run().unwrap();
}
