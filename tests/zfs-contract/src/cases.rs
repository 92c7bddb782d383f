//! The cases.

use solstice_illumos::Cause::{self, Absent, BadName, Busy, Exists, NoRoom, WrongState};
use solstice_illumos::IllumosError;
use solstice_illumos::zfs::{
    self, Dataset, Kind, List, Property, Setting, Snapshot, Source, VolumeSize,
};

use crate::{Case, Flavor, Ground};

const MIB: u64 = 1024 * 1024;

macro_rules! cases {
    ($($name:ident,)+) => {
        /// Every case.
        pub const CASES: &[Case] = &[$((stringify!($name), |ground| Box::pin($name(ground))),)+];
    };
}

cases! {
    a_volume_lives_and_dies,
    a_volume_has_the_size_that_was_asked_for,
    a_reserved_volume_has_to_fit,
    a_snapshot_is_made_with_its_properties,
    a_clone_is_made_with_its_properties,
    a_clone_can_be_larger,
    a_reservation_can_be_made_afterwards,
    a_snapshot_with_a_clone_cannot_go,
    a_deferred_snapshot_goes_with_its_last_clone,
    a_held_snapshot_cannot_go,
    a_volume_with_dependants_cannot_go,
    a_promoted_clone_owns_the_snapshot,
    a_volume_is_renamed_with_its_snapshots,
    properties_say_where_they_come_from,
    a_list_has_the_kinds_and_depth_that_were_asked_for,
    a_list_names_the_clones,
    values_survive_as_they_are,
    names_reach_their_limit,
}

fn failed<T: std::fmt::Debug>(result: Result<T, IllumosError>, cause: Cause) {
    match result {
        Err(error) if error.cause() == cause => {}
        other => panic!("expected {cause:?}, got {other:?}"),
    }
}

fn done<T>(result: Result<T, IllumosError>) -> T {
    match result {
        Ok(done) => done,
        Err(error) => panic!("{error:?}"),
    }
}

fn size(bytes: u64) -> VolumeSize {
    VolumeSize::at_least(bytes).expect("a size")
}

fn property(name: &str) -> Property {
    name.parse().expect("a property")
}

fn setting(name: &str, value: &str) -> Setting {
    Setting::new(name, value).expect("a property with its value")
}

async fn value(name: &str, of: &str) -> zfs::Value {
    done(zfs::get(name, &[property(of)]).await).remove(0)
}

/// Whether there is such a dataset or snapshot.
async fn exists(name: &str) -> bool {
    match zfs::get(name, &[property("type")]).await {
        Ok(_) => true,
        Err(error) if error.cause() == Absent => false,
        Err(error) => panic!("{error:?}"),
    }
}

impl Ground {
    fn child(&self, name: &str) -> Dataset {
        self.root.child(name).expect("a name")
    }

    /// A sparse volume of 16 MiB.
    async fn volume(&self, name: &str) -> Dataset {
        let volume = self.child(name);
        done(zfs::create_volume(&volume, size(16 * MIB), true, &[]).await);
        volume
    }

    /// A golden volume with its snapshot.
    async fn golden(&self) -> (Dataset, Snapshot) {
        let volume = self.volume("golden").await;
        let snapshot = volume.at("g1").expect("a name");
        done(zfs::snapshot(&snapshot, &[]).await);
        (volume, snapshot)
    }

    async fn clone_of(&self, snapshot: &Snapshot, name: &str) -> Dataset {
        let clone = self.child(name);
        done(zfs::clone(snapshot, &clone, &[]).await);
        clone
    }
}

async fn a_volume_lives_and_dies(ground: Ground) {
    let volume = ground.volume("v").await;
    failed(zfs::create_volume(&volume, size(MIB), true, &[]).await, Exists);
    let orphan = ground.child("nobody").child("v").expect("a name");
    failed(zfs::create_volume(&orphan, size(MIB), true, &[]).await, Absent);
    let elsewhere: Dataset = "nopool/v".parse().expect("a name");
    failed(zfs::create_volume(&elsewhere, size(MIB), true, &[]).await, Absent);
    let below = volume.child("below").expect("a name");
    failed(zfs::create_volume(&below, size(MIB), true, &[]).await, WrongState);
    done(zfs::destroy(&volume).await);
    failed(zfs::destroy(&volume).await, Absent);
    failed(zfs::destroy_recursively(&volume).await, Absent);
}

async fn a_volume_has_the_size_that_was_asked_for(ground: Ground) {
    for (name, bytes, whole) in
        [("odd", 1_000_000, 1_007_616), ("even", 8 * MIB, 8 * MIB), ("least", 1, 8192)]
    {
        let volume = ground.child(name);
        done(zfs::create_volume(&volume, size(bytes), true, &[]).await);
        assert_eq!(value(volume.as_str(), "volsize").await.value, whole.to_string());
        assert_eq!(value(volume.as_str(), "refreservation").await.value, "0");
    }
}

async fn a_reserved_volume_has_to_fit(ground: Ground) {
    // Larger than any pool here, and no larger than a sparse file may be.
    let (huge, volume) = (size(1 << 43), ground.child("huge"));
    failed(zfs::create_volume(&volume, huge, false, &[]).await, NoRoom);
    assert!(!exists(volume.as_str()).await);
    done(zfs::create_volume(&volume, huge, true, &[]).await);
    let thick = ground.child("thick");
    done(zfs::create_volume(&thick, size(8 * MIB), false, &[]).await);
    let reserved: u64 = value(thick.as_str(), "refreservation").await.value.parse().expect("bytes");
    assert!(reserved >= 8 * MIB, "{reserved}");
}

async fn a_snapshot_is_made_with_its_properties(ground: Ground) {
    let volume = ground.volume("v").await;
    let snapshot = volume.at("s").expect("a name");
    done(zfs::snapshot(&snapshot, &[setting("org.solstice:sha256", "sha256:12")]).await);
    let marked = value(&snapshot.to_string(), "org.solstice:sha256").await;
    assert_eq!((marked.value.as_str(), marked.source), ("sha256:12", Source::Local));
    failed(zfs::snapshot(&snapshot, &[]).await, Exists);
    let nobody = ground.child("nobody").at("s").expect("a name");
    failed(zfs::snapshot(&nobody, &[]).await, Absent);
}

async fn a_clone_is_made_with_its_properties(ground: Ground) {
    let (golden, snapshot) = ground.golden().await;
    let clone = ground.child("job");
    let marks = [setting("org.solstice:host", "moon"), setting("org.solstice:slot", "3")];
    done(zfs::clone(&snapshot, &clone, &marks).await);
    let slot = value(clone.as_str(), "org.solstice:slot").await;
    assert_eq!((slot.value.as_str(), slot.source), ("3", Source::Local));
    assert_eq!(value(clone.as_str(), "origin").await.value, snapshot.to_string());
    // A clone begins without a reservation, even of a volume that has one.
    assert_eq!(value(clone.as_str(), "refreservation").await.value, "0");
    failed(zfs::clone(&snapshot, &clone, &marks).await, Exists);
    let missing = golden.at("g2").expect("a name");
    failed(zfs::clone(&missing, &ground.child("other"), &[]).await, Absent);
    let orphan = ground.child("nobody").child("job").expect("a name");
    failed(zfs::clone(&snapshot, &orphan, &[]).await, Absent);
    let elsewhere: Dataset = "nopool/job".parse().expect("a name");
    failed(zfs::clone(&snapshot, &elsewhere, &[]).await, Absent);
}

async fn a_clone_can_be_larger(ground: Ground) {
    let (_, snapshot) = ground.golden().await;
    let at_once = ground.child("at-once");
    let larger = (32 * MIB).to_string();
    done(zfs::clone(&snapshot, &at_once, &[setting("volsize", &larger)]).await);
    let later = ground.clone_of(&snapshot, "later").await;
    assert_eq!(value(later.as_str(), "volsize").await.value, (16 * MIB).to_string());
    done(zfs::set(later.as_str(), &[setting("volsize", &larger)]).await);
    for clone in [at_once, later] {
        assert_eq!(value(clone.as_str(), "volsize").await.value, larger);
    }
}

async fn a_reservation_can_be_made_afterwards(ground: Ground) {
    let (_, snapshot) = ground.golden().await;
    let clone = ground.clone_of(&snapshot, "job").await;
    let sixteen = (16 * MIB).to_string();
    done(zfs::set(clone.as_str(), &[setting("refreservation", &sixteen)]).await);
    assert_eq!(value(clone.as_str(), "refreservation").await.value, sixteen);
    let beyond = setting("refreservation", &(1u64 << 50).to_string());
    assert!(zfs::set(clone.as_str(), &[beyond]).await.is_err(), "more than the pool has");
    let larger = (17 * MIB).to_string();
    let larger = setting("refreservation", &larger);
    let more_than_itself = zfs::set(clone.as_str(), &[larger]).await;
    assert_eq!(more_than_itself.is_ok(), ground.flavor == Flavor::Linux, "{more_than_itself:?}");
}

async fn a_snapshot_with_a_clone_cannot_go(ground: Ground) {
    let (golden, snapshot) = ground.golden().await;
    let clone = ground.clone_of(&snapshot, "job").await;
    failed(zfs::destroy_snapshot(&snapshot, false).await, Busy);
    done(zfs::destroy(&clone).await);
    done(zfs::destroy_snapshot(&snapshot, false).await);
    failed(zfs::destroy_snapshot(&snapshot, false).await, Absent);
    assert!(exists(golden.as_str()).await);
}

async fn a_deferred_snapshot_goes_with_its_last_clone(ground: Ground) {
    let (golden, snapshot) = ground.golden().await;
    let (one, two) =
        (ground.clone_of(&snapshot, "one").await, ground.clone_of(&snapshot, "two").await);
    done(zfs::destroy_snapshot(&snapshot, true).await);
    assert_eq!(value(&snapshot.to_string(), "defer_destroy").await.value, "on");
    done(zfs::destroy(&one).await);
    assert!(exists(&snapshot.to_string()).await);
    done(zfs::destroy(&two).await);
    assert!(!exists(&snapshot.to_string()).await);
    done(zfs::destroy(&golden).await);
}

async fn a_held_snapshot_cannot_go(ground: Ground) {
    let (_, snapshot) = ground.golden().await;
    done(zfs::hold(&snapshot, "solstice").await);
    failed(zfs::hold(&snapshot, "solstice").await, Exists);
    done(zfs::hold(&snapshot, "backup").await);
    let mut tags = done(zfs::holds(&snapshot).await);
    tags.sort();
    assert_eq!(tags, ["backup", "solstice"]);
    failed(zfs::destroy_snapshot(&snapshot, false).await, Busy);
    failed(zfs::release(&snapshot, "nobody").await, Absent);
    for tag in ["backup", "solstice"] {
        done(zfs::release(&snapshot, tag).await);
    }
    assert_eq!(done(zfs::holds(&snapshot).await), Vec::<String>::new());
    done(zfs::destroy_snapshot(&snapshot, false).await);
}

async fn a_volume_with_dependants_cannot_go(ground: Ground) {
    let (golden, snapshot) = ground.golden().await;
    failed(zfs::destroy(&golden).await, Busy);
    let clone = ground.clone_of(&snapshot, "job").await;
    failed(zfs::destroy_recursively(&golden).await, Busy);
    assert!(exists(&snapshot.to_string()).await && exists(clone.as_str()).await);
    done(zfs::destroy(&clone).await);
    done(zfs::destroy_recursively(&golden).await);
    assert!(!exists(golden.as_str()).await);
}

async fn a_promoted_clone_owns_the_snapshot(ground: Ground) {
    let (golden, snapshot) = ground.golden().await;
    failed(zfs::promote(&golden).await, WrongState);
    let clone = ground.clone_of(&snapshot, "next").await;
    done(zfs::promote(&clone).await);
    assert!(exists(&clone.at("g1").expect("a name").to_string()).await);
    assert!(!exists(&snapshot.to_string()).await);
    assert_eq!(value(golden.as_str(), "origin").await.value, format!("{clone}@g1"));
    // Now the old one can go, and the new one could not.
    failed(zfs::destroy_recursively(&clone).await, Busy);
    done(zfs::destroy(&golden).await);
    failed(zfs::promote(&ground.child("nobody")).await, Absent);
}

async fn a_volume_is_renamed_with_its_snapshots(ground: Ground) {
    let (golden, snapshot) = ground.golden().await;
    let other = ground.volume("other").await;
    failed(zfs::rename(&golden, &other).await, Exists);
    let new = ground.child("new");
    done(zfs::rename(&golden, &new).await);
    assert!(exists(&new.at("g1").expect("a name").to_string()).await);
    assert!(!exists(&snapshot.to_string()).await);
    failed(zfs::rename(&golden, &new).await, Absent);
}

async fn properties_say_where_they_come_from(ground: Ground) {
    let volume = ground.volume("v").await;
    done(zfs::set(ground.root.as_str(), &[setting("org.solstice:of", "root")]).await);
    let names = ["org.solstice:of", "org.solstice:none", "type", "volsize", "checksum"];
    let names: Vec<Property> = names.into_iter().map(property).collect();
    let values = done(zfs::get(volume.as_str(), &names).await);
    assert_eq!(values[0].value, "root");
    assert_eq!(values[0].source, Source::Inherited(ground.root.to_string()));
    assert_eq!((values[1].value.as_str(), &values[1].source), ("-", &Source::None));
    assert_eq!((values[2].value.as_str(), &values[2].source), ("volume", &Source::None));
    assert_eq!((values[3].value.as_str(), &values[3].source), ("16777216", &Source::Local));
    assert_eq!(values[4].source, Source::Default);
    failed(zfs::get(ground.child("nobody").as_str(), &names).await, Absent);
    failed(zfs::get(volume.as_str(), &[property("nosuch")]).await, BadName);
    failed(zfs::set(volume.as_str(), &[setting("nosuch", "1")]).await, BadName);
    failed(zfs::set(ground.child("nobody").as_str(), &[setting("a:b", "1")]).await, Absent);
}

async fn names_of(list: &List<'_>) -> Vec<String> {
    let mut names: Vec<_> = done(zfs::list(list).await).into_iter().map(|row| row.name).collect();
    names.sort();
    names
}

async fn a_list_has_the_kinds_and_depth_that_were_asked_for(ground: Ground) {
    let (golden, snapshot) = ground.golden().await;
    let folder = ground.child("folder");
    done(zfs::create_filesystem(&folder, &[]).await);
    let deep = folder.child("deep").expect("a name");
    done(zfs::create_volume(&deep, size(MIB), true, &[]).await);
    let root = ground.root.as_str();
    let everywhere = |kinds| List { root, kinds, depth: None, properties: &[] };
    assert_eq!(names_of(&everywhere(&[Kind::Volume])).await, [deep.as_str(), golden.as_str()]);
    assert_eq!(names_of(&everywhere(&[Kind::Snapshot])).await, [snapshot.to_string()]);
    assert_eq!(names_of(&everywhere(&[Kind::Filesystem])).await, [root, folder.as_str()]);
    let near = List { depth: Some(1), ..everywhere(&[Kind::Volume]) };
    assert_eq!(names_of(&near).await, [golden.as_str()]);
    let none = List { root: deep.as_str(), ..everywhere(&[Kind::Snapshot]) };
    assert_eq!(names_of(&none).await, Vec::<String>::new());
    let nobody = ground.child("nobody");
    failed(zfs::list(&List { root: nobody.as_str(), ..near }).await, Absent);
    let wrong = [property("nosuch")];
    failed(zfs::list(&List { properties: &wrong, ..everywhere(&[Kind::Volume]) }).await, BadName);
}

async fn a_list_names_the_clones(ground: Ground) {
    let (_, snapshot) = ground.golden().await;
    let properties = [property("clones"), property("org.solstice:none"), property("referenced")];
    let list = || List {
        root: ground.root.as_str(),
        kinds: &[Kind::Snapshot],
        depth: None,
        properties: &properties,
    };
    let row = done(zfs::list(&list()).await).remove(0);
    assert_eq!((&row.values[0], &row.values[1]), (&None, &None));
    assert!(row.values[2].as_ref().is_some_and(|bytes| bytes.parse::<u64>().is_ok()));
    for name in ["one", "two"] {
        ground.clone_of(&snapshot, name).await;
    }
    let row = done(zfs::list(&list()).await).remove(0);
    let mut clones: Vec<_> =
        row.values[0].as_deref().unwrap_or_default().split(',').map(str::to_owned).collect();
    clones.sort();
    assert_eq!(clones, [ground.child("one").to_string(), ground.child("two").to_string()]);
}

async fn values_survive_as_they_are(ground: Ground) {
    let long = "x".repeat(8191);
    for text in ["", "two words", "a=b;c 'd' \"e\" $f \\g", "ünï", "-x", long.as_str()] {
        done(zfs::set(ground.root.as_str(), &[setting("a.b_c:d-e", text)]).await);
        let value = value(ground.root.as_str(), "a.b_c:d-e").await;
        assert_eq!((value.value.as_str(), value.source), (text, Source::Local));
    }
}

async fn names_reach_their_limit(ground: Ground) {
    // 255 bytes with a snapshot's name.
    let rest = 255 - ground.root.as_str().len() - "/".len() - "@s".len();
    let volume = ground.child(&"n".repeat(rest));
    done(zfs::create_volume(&volume, size(MIB), true, &[]).await);
    done(zfs::snapshot(&volume.at("s").expect("a name"), &[]).await);
    assert!(volume.at("ss").is_err(), "one byte more");
    done(zfs::destroy_recursively(&volume).await);
}
