//! Files that lie, or are torn.

use kinora_errors::Coded;

use super::super::id;
use super::build::*;
use super::*;
use crate::DemuxError;

fn first_error(bytes: &[u8]) -> Option<DemuxError> {
    let mut demuxer = make();
    demuxer.set_len(bytes.len() as u64);
    demuxer.push(0, Bytes::copy_from_slice(bytes));
    demuxer.finish();
    loop {
        match demuxer.poll() {
            Err(error) => return Some(error),
            Ok(Step::End) => return None,
            Ok(_) => {}
        }
    }
}

#[test]
fn what_can_not_be_played_says_why() {
    let later = master(id::EBML, &[uint(id::EBML_READ_VERSION, 2)]);
    assert_eq!(first_error(&later).unwrap().reason(), "mkv.ebml.version");
    let cut = [ebml(), master(id::SEGMENT, &[info(None)])].concat();
    assert_eq!(first_error(&cut).unwrap().reason(), "container.truncated");
    let bare = file(&[info(None), cluster(0, &[simple(1, 0, KEY, b"a")])]);
    assert_eq!(first_error(&bare).unwrap().reason(), "mkv.tracks.missing");
    let data = master(id::TRACKS, &[track(1, 33, "D_META", &[])]);
    assert_eq!(
        first_error(&file(&[data])).unwrap().reason(),
        "container.no_tracks"
    );
}

#[test]
fn headers_alone_are_told() {
    let (info, packets, _) = read(&file(&[info(None), master(id::TRACKS, &[audio(1, &[])])]));
    assert_eq!((info.tracks.len(), packets.len()), (1, 0));
}

/// Where the clusters of a file begin.
fn clusters(bytes: &[u8]) -> Vec<usize> {
    let id = id::CLUSTER.0.to_be_bytes();
    let at = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(&id));
    at.collect()
}

#[test]
fn after_damage_the_next_cluster_goes_on() {
    for film in [Film::default(), Film::live()] {
        let mut bytes = film.bytes();
        let places = clusters(&bytes);
        // From the midst of the third cluster to the midst of the fifth.
        let (from, to) = (places[2] + 150, places[4] + 150);
        bytes[from..to].fill(0);
        let (_, packets, damage) = read(&bytes);
        assert!((1..4).contains(&damage), "{damage}");
        let of_video = packets.iter().filter(|packet| packet.track.0 == 1);
        let times: Vec<_> = of_video.map(|packet| packet.pts.as_millis()).collect();
        assert_eq!(times.len(), 9 * 5 + 2);
        assert_eq!(times[12], 1_000);
    }
}

#[test]
fn a_cluster_that_is_cut_gives_what_is_whole() {
    let bytes = Film::default().bytes();
    let last = clusters(&bytes)[11];
    let (_, packets, damage) = read(&bytes[..last + 200]);
    assert_eq!(damage, 1);
    assert!(packets.len() > 11 * 15 && packets.len() < 12 * 15);
}

#[test]
fn sizes_that_lead_far_away_do_not_lose_what_follows() {
    let mut bytes = Film::default().bytes();
    let places = clusters(&bytes);
    // The size of the first block of the third cluster.
    let block = places[2] + 4 + 8 + 1 + 8 + 8;
    assert_eq!(bytes[block], 0xa3);
    for size in [1 << 20, 1 << 40, (1u64 << 55) - 1] {
        bytes[block + 1..block + 9].copy_from_slice(&(size | 1u64 << 56).to_be_bytes());
        let (_, packets, damage) = read(&bytes);
        assert_eq!((packets.len(), damage), (11 * 15, 1), "a size of {size}");
    }
}

#[test]
fn a_lacing_that_does_not_fit_costs_one_block() {
    let blocks = [
        simple(1, 0, KEY | 2, b"\x05\xff\xff"),
        simple(1, 20, KEY, b"\xfcb"),
        simple(9, 20, KEY, b"of no track"),
    ];
    let bytes = file(&[master(id::TRACKS, &[audio(1, &[])]), cluster(0, &blocks)]);
    let (_, packets, damage) = read(&bytes);
    assert_eq!((packets.len(), damage), (1, 1));
}

#[test]
fn a_size_of_zero_was_meant_to_be_written_later() {
    let mut bytes = Film::default().bytes();
    for at in clusters(&bytes) {
        bytes[at + 5..at + 12].fill(0);
    }
    let (_, packets, damage) = read(&bytes);
    assert_eq!((packets.len(), damage), (12 * 15, 0));
}
