//! Runs the transcripts of `data/`, one test per file. To run one case only,
//! set `TRANSCRIPT_CASE` to its name.

use camino::Utf8Path;
use illumos_host::transcript;

fn holds(file: &str) {
    let path = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file);
    let only = std::env::var("TRANSCRIPT_CASE").ok();
    if let Err(failures) = transcript::check(&path, only.as_deref()) {
        panic!("{failures}");
    }
}

/// A test for each of these files.
macro_rules! transcripts {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            holds(concat!(stringify!($name), ".txt"));
        })*

        #[test]
        fn every_file_is_run() {
            let dir = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
            let mut files: Vec<String> = dir
                .read_dir_utf8()
                .expect("the directory of the transcripts is there")
                .filter_map(|entry| entry.ok()?.file_name().strip_suffix(".txt").map(str::to_owned))
                .collect();
            files.sort();
            let mut run = [$(stringify!($name)),*];
            run.sort_unstable();
            assert_eq!(files, run);
        }
    };
}

transcripts! {
    links
    rbac
    smf
    zfs
    zoneadm
    zonecfg
}
