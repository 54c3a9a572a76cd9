//! What every store promises, and what only a disk can do to one.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::fs::{self, File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use kinora_cache::{
    CacheError, CacheKey, DiskStore, Entry, EntryId, Limits, MemoryStore, Meta, Store,
};
use kinora_errors::Coded as _;
use tempfile::TempDir;

fn id(name: &str) -> EntryId {
    CacheKey::Url
        .id_of(&format!("https://a.example/{name}"))
        .unwrap()
}

fn meta(total_len: u64) -> Meta {
    let validator = Some("\"1\"".to_owned());
    Meta {
        total_len,
        validator,
        ranges: true,
        ..Meta::default()
    }
}

fn bytes(len: usize, seed: u8) -> Bytes {
    (0..len)
        .map(|at| (at as u8).wrapping_mul(31).wrapping_add(seed))
        .collect()
}

fn disk() -> (TempDir, DiskStore) {
    limited(Limits::default())
}

fn limited(limits: Limits) -> (TempDir, DiskStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = DiskStore::open(dir.path().join("cache"), limits).unwrap();
    (dir, store)
}

/// The files of a store.
fn files(store: &DiskStore) -> Vec<PathBuf> {
    fs::read_dir(store.dir())
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect()
}

/// What an entry gives from an offset on.
fn all_from(entry: &mut dyn Entry, offset: u64) -> Vec<u8> {
    let mut all = Vec::new();
    let end = entry.covered_until(offset);
    while offset + (all.len() as u64) < end {
        all.extend_from_slice(&entry.read(offset + all.len() as u64).unwrap());
    }
    all
}

/// Runs on every store.
fn for_each(test: impl Fn(&dyn Store)) {
    let (_dir, disk) = disk();
    test(&disk);
    test(&MemoryStore::new(1 << 20));
}

#[test]
fn what_is_added_anywhere_is_read_from_anywhere() {
    for_each(|store| {
        let film = bytes(10_000, 1);
        assert!(store.open(id("film")).unwrap().is_none());
        let mut entry = store.create(id("film"), &meta(10_000)).unwrap();
        entry
            .append(6_000, &[film.slice(6_000..7_000), film.slice(7_000..8_000)])
            .unwrap();
        entry.append(0, &[film.slice(..500)]).unwrap();
        entry.append(500, &[film.slice(500..900)]).unwrap();
        let mut other = store.open(id("film")).unwrap().unwrap();
        for entry in [&mut entry, &mut other] {
            assert_eq!(entry.meta().total_len, 10_000);
            assert_eq!(all_from(&mut **entry, 100), film[100..900]);
            assert_eq!(all_from(&mut **entry, 6_500), film[6_500..8_000]);
            assert_eq!(
                (entry.next_from(900), entry.next_from(8_000)),
                (Some(6_000), None)
            );
            assert_eq!(entry.cached_len(), 2_900);
            assert!(matches!(entry.read(5_000), Err(CacheError::NoRoom)));
        }
    });
}

#[test]
fn what_another_adds_is_seen_after_a_refresh() {
    for_each(|store| {
        let mut one = store.create(id("film"), &meta(100)).unwrap();
        let mut two = store.open(id("film")).unwrap().unwrap();
        one.append(0, &[bytes(10, 1)]).unwrap();
        two.append(10, &[bytes(10, 2)]).unwrap();
        one.refresh().unwrap();
        two.refresh().unwrap();
        assert_eq!((one.covered_until(0), two.covered_until(0)), (20, 20));
        one.set_meta(Meta {
            ranges: false,
            ..meta(100)
        })
        .unwrap();
        two.refresh().unwrap();
        assert!(!two.meta().ranges);
    });
}

#[test]
fn an_entry_that_takes_the_place_of_another_has_none_of_its_bytes() {
    for_each(|store| {
        let mut old = store.create(id("film"), &meta(100)).unwrap();
        old.append(0, &[bytes(100, 1)]).unwrap();
        let mut new = store.create(id("film"), &meta(50)).unwrap();
        // Whoever has the old one may still add to it: not to the new one.
        let _ = old.append(0, &[bytes(10, 3)]);
        new.append(5, &[bytes(5, 2)]).unwrap();
        let mut found = store.open(id("film")).unwrap().unwrap();
        assert_eq!(
            (
                found.meta().total_len,
                found.next_from(0),
                found.cached_len()
            ),
            (50, Some(5), 5)
        );
        assert_eq!(found.read(5).unwrap(), bytes(5, 2));
        store.remove(id("film")).unwrap();
        store.remove(id("film")).unwrap();
        assert!(store.open(id("film")).unwrap().is_none());
    });
}

#[test]
fn memory_keeps_its_bound_and_what_was_used_last() {
    let store = MemoryStore::new(1_000);
    for name in ["a", "b"] {
        store
            .create(id(name), &meta(400))
            .unwrap()
            .append(0, &[bytes(400, 1)])
            .unwrap();
    }
    assert!(store.open(id("a")).unwrap().is_some());
    let mut large = store.create(id("c"), &meta(5_000)).unwrap();
    large.append(0, &[bytes(500, 1)]).unwrap();
    assert!(
        store.open(id("b")).unwrap().is_none(),
        "it was used longest ago"
    );
    assert!(store.open(id("a")).unwrap().is_some());
    assert!(matches!(
        large.append(500, &[bytes(501, 1)]),
        Err(CacheError::NoRoom)
    ));
    assert_eq!(large.cached_len(), 500, "what is there stays");
}

#[test]
fn a_flipped_byte_is_found_when_it_is_read_and_only_its_stretch_is_lost() {
    let (_dir, store) = disk();
    let mut entry = store.create(id("film"), &meta(300)).unwrap();
    for part in 0..3 {
        entry.append(part * 100, &[bytes(100, part as u8)]).unwrap();
    }
    let path = &files(&store)[0];
    let mut content = fs::read(path).unwrap();
    let at = content
        .windows(100)
        .position(|window| window == bytes(100, 1))
        .unwrap();
    content[at + 50] ^= 1;
    fs::write(path, content).unwrap();
    let mut entry = store.open(id("film")).unwrap().unwrap();
    assert_eq!(entry.read(0).unwrap(), bytes(100, 0));
    let error = entry.read(130).unwrap_err();
    assert_eq!(error.reason(), "cache.damaged");
    assert_eq!(
        (entry.covered_until(0), entry.next_from(100)),
        (100, Some(200))
    );
    // Fetched again: the later record counts.
    entry.append(100, &[bytes(100, 1)]).unwrap();
    let mut entry = store.open(id("film")).unwrap().unwrap();
    assert_eq!(all_from(&mut *entry, 0).len(), 300);
}

#[test]
fn a_file_that_ends_anywhere_is_read_as_far_as_it_is_whole_and_goes_on_there() {
    let (_dir, store) = disk();
    let mut entry = store.create(id("film"), &meta(60)).unwrap();
    let begin = fs::metadata(&files(&store)[0]).unwrap().len();
    for part in 0..3 {
        entry.append(part * 20, &[bytes(20, part as u8)]).unwrap();
    }
    let path = files(&store)[0].clone();
    let whole = fs::read(&path).unwrap();
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        let Ok(Some(mut entry)) = store.open(id("film")) else {
            assert!((len as u64) < begin, "{len}");
            assert!(!path.exists(), "what can not be read is removed");
            continue;
        };
        assert!(len as u64 >= begin);
        let there = (len as u64 - begin) / 44;
        assert_eq!(entry.covered_until(0), there * 20, "{len}");
        entry.append(there * 20, &[bytes(20, there as u8)]).unwrap();
        drop(entry);
        let mut entry = store.open(id("film")).unwrap().unwrap();
        let parts: Vec<u8> = (0..=there).flat_map(|part| bytes(20, part as u8)).collect();
        assert_eq!(all_from(&mut *entry, 0), parts, "{len}");
    }
}

#[test]
fn no_flipped_bit_gives_wrong_bytes() {
    let (_dir, store) = disk();
    let mut entry = store.create(id("film"), &meta(40)).unwrap();
    entry.append(0, &[bytes(20, 1)]).unwrap();
    entry.append(20, &[bytes(20, 2)]).unwrap();
    let right = [bytes(20, 1), bytes(20, 2)].concat();
    let path = files(&store)[0].clone();
    let whole = fs::read(&path).unwrap();
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, flipped).unwrap();
        let Ok(Some(mut entry)) = store.open(id("film")) else {
            continue;
        };
        let mut at = 0;
        while let Some(offset) = entry.next_from(at) {
            at = match entry.read(offset) {
                Ok(read) => {
                    assert_eq!(
                        read,
                        right[offset as usize..offset as usize + read.len()],
                        "bit {bit}"
                    );
                    offset + read.len() as u64
                }
                Err(error) => {
                    assert!(
                        matches!(error, CacheError::Damaged { .. }),
                        "bit {bit}: {error}"
                    );
                    offset + 1
                }
            };
        }
    }
}

#[test]
fn garbage_that_a_power_cut_left_behind_is_cut_off() {
    let (_dir, store) = disk();
    let mut entry = store.create(id("film"), &meta(60)).unwrap();
    entry.append(0, &[bytes(20, 1)]).unwrap();
    let path = files(&store)[0].clone();
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(&[0; 5_000]).unwrap();
    let mut entry = store.open(id("film")).unwrap().unwrap();
    assert_eq!(entry.covered_until(0), 20);
    entry.append(20, &[bytes(20, 2)]).unwrap();
    assert!(fs::metadata(&path).unwrap().len() < 5_000);
    let mut entry = store.open(id("film")).unwrap().unwrap();
    assert_eq!(all_from(&mut *entry, 0).len(), 40);
    let verdict = store.verify().unwrap();
    assert_eq!((verdict.sound, verdict.removed, verdict.bytes), (1, 0, 40));
}

#[test]
fn everything_is_checked_listed_and_removed_and_foreign_files_are_left_alone() {
    let (_dir, store) = disk();
    for (name, len) in [("a", 10), ("b", 20)] {
        let meta = Meta {
            validator: None,
            ..meta(100)
        }
        .at(
            &format!("https://a.example/{name}?sig=S3cr3t"),
            SystemTime::now(),
        );
        store
            .create(id(name), &meta)
            .unwrap()
            .append(0, &[bytes(len, 1)])
            .unwrap();
    }
    let foreign = store.dir().join("film.mp4");
    fs::write(&foreign, "mine").unwrap();
    let entries = store.entries().unwrap();
    let mut listed: Vec<_> = entries
        .iter()
        .map(|it| (it.meta.label.as_str(), it.cached_len))
        .collect();
    listed.sort_unstable();
    assert_eq!(
        listed,
        [("https://a.example/a", 10), ("https://a.example/b", 20)]
    );
    for path in files(&store) {
        assert!(!String::from_utf8_lossy(&fs::read(&path).unwrap()).contains("S3cr3t"));
    }
    // The last byte of one is another.
    let damaged = files(&store)
        .into_iter()
        .find(|path| *path != foreign)
        .unwrap();
    let mut file = OpenOptions::new().write(true).open(&damaged).unwrap();
    file.seek(SeekFrom::End(-1)).unwrap();
    file.write_all(b"?").unwrap();
    let verdict = store.verify().unwrap();
    assert_eq!((verdict.sound, verdict.removed), (1, 1));
    assert!(!damaged.exists());
    assert!(store.clear().unwrap() > 0);
    assert_eq!(files(&store), [foreign]);
}

#[test]
fn eviction_takes_what_was_used_longest_ago_and_what_is_too_old() {
    let limits = Limits {
        max_size: 3_000,
        max_age: Duration::from_secs(1_000),
        min_free: 0,
    };
    let (_dir, store) = limited(limits);
    let now = SystemTime::now();
    for (index, name) in ["old", "a", "b", "c"].into_iter().enumerate() {
        let before = files(&store);
        store
            .create(id(name), &meta(1_000))
            .unwrap()
            .append(0, &[bytes(1_000, 1)])
            .unwrap();
        let path = files(&store)
            .into_iter()
            .find(|path| !before.contains(path))
            .unwrap();
        let ago = Duration::from_secs([2_000, 30, 20, 10][index]);
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(now - ago)
            .unwrap();
    }
    // It is used again: the next one goes.
    assert!(store.open(id("a")).unwrap().is_some());
    assert!(store.evict(now).unwrap() > 2_000);
    let there = |name| store.open(id(name)).unwrap().is_some();
    assert_eq!(
        ["old", "a", "b", "c"].map(there),
        [false, true, false, true]
    );
    assert!(
        store.create(id("huge"), &meta(3_001)).is_err(),
        "it would never fit"
    );
}

#[cfg(unix)]
#[test]
fn what_is_kept_is_its_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, store) = disk();
    store.create(id("film"), &meta(1)).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(store.dir()), mode(&files(&store)[0])), (0o700, 0o600));
}
