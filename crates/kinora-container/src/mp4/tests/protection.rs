//! Protected files that are built here.

use std::sync::Arc;

use bytes::Bytes;
use kinora_media::{
    CryptPattern, Iv, KeyId, MediaInfo, Packet, Protection, ProtectionScheme, SampleIv,
    SampleProtection, Subsample,
};

use super::build::{
    TrackSpec, boxed, fast_start, fragment, ftyp, full, init, slow_start, video, with_movie_boxes,
    words_of,
};
use super::{make, mutate};
use crate::Step;
use crate::contract::{assert_demuxer, assert_survives};
use crate::mp4::sample_crypto::{Descriptions, SampleCryptos, SampleState, Surroundings};
use crate::mp4::tables::Sample;

const KEY_ID: KeyId = KeyId([0xa5; 16]);
const OTHER_KEY: KeyId = KeyId([0x5a; 16]);

struct Read {
    info: Arc<MediaInfo>,
    packets: Vec<Packet>,
    damage: u64,
}

fn read(bytes: &[u8]) -> Read {
    let mut demuxer = make();
    demuxer.push(0, Bytes::copy_from_slice(bytes));
    demuxer.finish();
    let mut read = Read {
        info: Arc::default(),
        packets: Vec::new(),
        damage: 0,
    };
    loop {
        match demuxer.poll().unwrap() {
            Step::Info(info) => read.info = info,
            Step::Packet(packet) => read.packets.push(packet),
            Step::End => break,
            other => panic!("{other:?}"),
        }
    }
    read.damage = demuxer.damage();
    read
}

/// A `tenc` without its head, or an entry of `seig`.
fn defaults(blocks: u8, protected: u8, iv_len: u8, key: KeyId, constant: &[u8]) -> Vec<u8> {
    let mut fields = [&[0, blocks, protected, iv_len][..], &key.0].concat();
    if protected == 1 && iv_len == 0 {
        fields.push(constant.len() as u8);
        fields.extend_from_slice(constant);
    }
    fields
}

/// The track, its entry wrapped as a protected one.
fn protect(mut track: TrackSpec, scheme: &[u8; 4], version: u32, tenc: &[u8]) -> TrackSpec {
    let tenc = boxed(b"tenc", [&words_of(&[version << 24])[..], tenc].concat());
    let schm = boxed(
        b"schm",
        [&words_of(&[0])[..], scheme, &words_of(&[0x1_0000])].concat(),
    );
    let sinf = [boxed(b"frma", b"vp09"), schm, boxed(b"schi", tenc)].concat();
    let fields = track.entry.get(8..).unwrap();
    track.entry = boxed(b"encv", [fields, &boxed(b"sinf", sinf)].concat());
    track
}

/// One entry of a `senc`: a vector and subsamples.
fn entry(iv: &[u8], parts: &[(u16, u32)]) -> Vec<u8> {
    let mut entry = iv.to_vec();
    entry.extend((parts.len() as u16).to_be_bytes());
    for (clear, protected) in parts {
        entry.extend(clear.to_be_bytes());
        entry.extend(protected.to_be_bytes());
    }
    entry
}

fn senc(flags: u32, entries: &[Vec<u8>]) -> Vec<u8> {
    let head = words_of(&[flags, entries.len() as u32]);
    boxed(b"senc", [head, entries.concat()].concat())
}

fn iv(number: u8) -> [u8; 8] {
    [number, 1, 2, 3, 4, 5, 6, 7]
}

/// Three samples of 20, 21 and 22 bytes by `cenc`, with a vector and subsamples each.
fn cenc() -> TrackSpec {
    protect(video(1, 3), b"cenc", 0, &defaults(0, 1, 8, KEY_ID, &[]))
}

fn cenc_entries() -> Vec<Vec<u8>> {
    (0..3)
        .map(|n| entry(&iv(n), &[(3, 5), (2, 10 + u32::from(n))]))
        .collect()
}

/// How long entries are.
fn saiz(entries: &[Vec<u8>]) -> Vec<u8> {
    let sizes: Vec<u8> = entries.iter().map(|entry| entry.len() as u8).collect();
    let count = words_of(&[entries.len() as u32]);
    boxed(b"saiz", [&[0; 5][..], &count, &sizes].concat())
}

/// What the entries of [`cenc_entries`] say, of packets.
fn assert_cenc(packets: &[Packet]) {
    assert_eq!(packets.len(), 3);
    for (n, packet) in (0u8..).zip(packets) {
        let crypto = packet.crypto.as_ref().unwrap();
        assert_eq!(
            (crypto.scheme, crypto.key_id, crypto.pattern),
            (ProtectionScheme::Cenc, KEY_ID, None)
        );
        assert_eq!(Some(crypto.iv), Iv::from_wire(&iv(n)));
        let part = |clear, protected| Subsample { clear, protected };
        let parts = [part(3, 5), part(2, 10 + u32::from(n))];
        assert!(crypto.subsamples.iter().eq(parts));
        assert_eq!(crypto.subsamples.total_len(), packet.data.len() as u64);
    }
}

#[test]
fn a_protected_file_names_its_scheme_keys_and_samples() {
    let mut track = cenc();
    track.more_tables = senc(2, &cenc_entries());
    let head = [&words_of(&[1 << 24])[..], &[9; 16], &words_of(&[1])].concat();
    let pssh = boxed(
        b"pssh",
        [&head[..], &OTHER_KEY.0, &words_of(&[4]), b"data"].concat(),
    );
    let bytes = with_movie_boxes(&[track], &pssh);
    let read = read(&bytes);
    let protection = read.info.tracks[0].protection.as_ref().unwrap();
    assert_eq!(protection.scheme, ProtectionScheme::Cenc);
    assert_eq!(
        protection.default,
        Some(SampleProtection {
            key_id: KEY_ID,
            iv: SampleIv::PerSample(8),
            pattern: None
        })
    );
    let [system] = &protection.key_systems[..] else {
        panic!("one key system")
    };
    assert_eq!(
        (system.system_id, &system.key_ids[..]),
        ([9; 16], &[OTHER_KEY][..])
    );
    assert_eq!(system.data, pssh);
    assert_cenc(&read.packets);
    assert_demuxer(make, &bytes);
}

#[test]
fn fragments_by_a_pattern_and_a_constant_vector_are_read() {
    let tenc = defaults(0x19, 1, 0, KEY_ID, &[7; 16]);
    let mut track = protect(video(1, 3), b"cbcs", 1, &tenc);
    let entries: Vec<_> = (0..3).map(|n| entry(&[], &[(4, 16 + n)])).collect();
    track.more_runs = senc(2, &entries);
    let tracks = [track];
    let read = read(&[init(&tracks), fragment(&tracks, 0..3)].concat());
    for (n, packet) in (0..).zip(&read.packets) {
        let crypto = packet.crypto.as_ref().unwrap();
        assert_eq!(
            (crypto.scheme, crypto.iv),
            (ProtectionScheme::Cbcs, Iv([7; 16]))
        );
        assert_eq!(crypto.pattern, Some(CryptPattern { crypt: 1, skip: 9 }));
        let protected = 16 + n;
        assert!(crypto.subsamples.iter().eq([Subsample {
            clear: 4,
            protected
        }]));
    }
    assert_eq!((read.packets.len(), read.damage), (3, 0));
}

#[test]
fn samples_without_an_entry_are_encrypted_whole_with_the_constant_vector() {
    let tenc = defaults(0, 1, 0, KEY_ID, &[7; 8]);
    let tracks = [protect(video(1, 2), b"cbcs", 1, &tenc)];
    let read = read(&[init(&tracks), fragment(&tracks, 0..2)].concat());
    assert_eq!(read.packets.len(), 2);
    for packet in &read.packets {
        let crypto = packet.crypto.as_ref().unwrap();
        assert!(crypto.subsamples.is_empty());
        assert_eq!(Some(crypto.iv), Iv::from_wire(&[7; 8]));
    }
}

#[test]
fn auxiliary_information_is_found_by_its_sizes_and_place() {
    let entries = cenc_entries();
    let saiz = saiz(&entries);
    let made = |place: u32| {
        let mut track = cenc();
        let saio = full(b"saio", 0, &[1, place]);
        track.more_runs = [saiz.clone(), saio, boxed(b"free", entries.concat())].concat();
        [track]
    };
    let moof = fragment(&made(0), 0..3);
    let begin = entries[0].as_slice();
    let place = moof
        .windows(begin.len())
        .position(|at| at == begin)
        .unwrap();
    let tracks = made(place as u32);
    assert_cenc(&read(&[init(&tracks), fragment(&tracks, 0..3)].concat()).packets);
}

#[test]
fn auxiliary_information_among_the_media_is_waited_for() {
    let entries = cenc_entries();
    let saiz = saiz(&entries);
    let made = |place: u32| {
        let mut track = cenc();
        track.more_runs = [saiz.clone(), full(b"saio", 0, &[1, place])].concat();
        [track]
    };
    let media = fragment(&made(0), 0..3).len() as u32;
    let tracks = made(media + 8);
    let behind = boxed(b"mdat", entries.concat());
    let file = [init(&tracks), fragment(&tracks, 0..3), behind].concat();
    assert_cenc(&read(&file).packets);
    assert_demuxer(make, &file);
    // Where they are cut off the samples are told as damage.
    let cut = &file[..file.len() - 1];
    let read = read(cut);
    assert!(read.packets.is_empty() && read.damage >= 3);
    assert_survives(make, cut);
}

#[test]
fn auxiliary_information_of_a_table_is_read_among_the_media() {
    let entries = cenc_entries();
    let saiz = saiz(&entries);
    let made = |place: u32| {
        let mut track = cenc();
        track.more_tables = [saiz.clone(), full(b"saio", 0, &[1, place])].concat();
        [track]
    };
    let vectors = boxed(b"mdat", entries.concat());
    // Behind the media, with the index in front; and before them, with the index behind.
    let len = fast_start(&made(0)).len() as u32;
    let behind = [fast_start(&made(len + 8)), vectors.clone()].concat();
    let padding = entries.concat();
    let index_behind = |place: u32| {
        let mut file = slow_start(&made(place), padding.len(), false);
        let at = place as usize;
        if let Some(room) = file.get_mut(at..at + padding.len()).filter(|_| at > 0) {
            room.copy_from_slice(&padding);
        }
        file
    };
    let media = made(0)[0].samples.concat().len() as u32;
    let first = ftyp().len() as u32 + 8;
    for file in [behind, index_behind(first + media)] {
        assert_cenc(&read(&file).packets);
        assert_demuxer(make, &file);
    }
    // Where they are cut off the samples are told as damage, not given as if they were clear.
    let whole = [fast_start(&made(len + 8)), vectors].concat();
    let cut = &whole[..whole.len() - 1];
    let told = read(cut);
    assert!(
        told.packets.is_empty() && told.damage >= 3,
        "{}",
        told.damage
    );
    assert_survives(make, cut);
}

#[test]
fn auxiliary_information_of_several_runs_lies_at_a_place_for_each() {
    let entries = cenc_entries();
    let around = [&[0; 10][..], &entries[2], &[0; 5], &entries[..2].concat()].concat();
    let (last, first) = (110, 115 + entries[2].len() as u32);
    let runs = |saio: Vec<u8>| {
        let trun = |count| full(b"trun", 0, &[count]);
        Bytes::from([trun(2), trun(1), saiz(&entries), saio].concat())
    };
    let protection = Protection {
        default: Some(SampleProtection {
            key_id: KEY_ID,
            iv: SampleIv::PerSample(8),
            pattern: None,
        }),
        ..Protection::of_scheme(ProtectionScheme::Cenc)
    };
    let states = |traf: &Bytes| {
        let bytes = &Bytes::from(around.clone());
        let around = Surroundings { bytes, start: 100 };
        let none = Descriptions::default();
        let cryptos = SampleCryptos::parse(traf, &protection, &none, around, 0).unwrap();
        [0, 1, 2].map(|number| cryptos.of(&sample(number)))
    };
    for (n, state) in (0u8..).zip(states(&runs(full(b"saio", 0, &[2, first, last])))) {
        let SampleState::Encrypted(crypto) = state else {
            panic!("{state:?}")
        };
        assert_eq!(Some(crypto.iv), Iv::from_wire(&iv(n)));
        assert_eq!(crypto.subsamples.total_len(), 20 + u64::from(n));
    }
    // The second run's lie outside.
    let states = states(&runs(full(b"saio", 0, &[2, first, 9_999])));
    assert!(matches!(states[1], SampleState::Encrypted(_)));
    assert_eq!(states[2], SampleState::Unknown);
}

fn sample(number: u32) -> Sample {
    Sample {
        offset: 0,
        size: 20 + number,
        dts: 0,
        cts: 0,
        duration: 1,
        key: true,
        disposable: false,
        entry: 1,
        number,
    }
}

/// A box of PIFF: named by a UUID.
fn uuid_box(uuid: &str, body: &[u8]) -> Vec<u8> {
    let uuid = kinora_media::sixteen_from_hex(uuid).unwrap();
    boxed(b"uuid", [&uuid[..], body].concat())
}

#[test]
fn the_boxes_of_piff_say_the_same_under_other_names() {
    let tenc = [&words_of(&[0])[..], &[0, 0, 1, 8], &KEY_ID.0].concat();
    let mut track = protect(video(1, 3), b"piff", 0, &[]);
    let fields = video(1, 1).entry.split_off(8);
    let schm = full(b"schm", 0, &[u32::from_be_bytes(*b"piff"), 0x1_0001]);
    let schi = boxed(
        b"schi",
        uuid_box("8974dbce-7be7-4c51-84f9-7148f9882554", &tenc),
    );
    let sinf = boxed(b"sinf", [boxed(b"frma", b"vp09"), schm, schi].concat());
    track.entry = boxed(b"encv", [fields, sinf].concat());
    let entries = cenc_entries();
    let senc = [words_of(&[2, 3]), entries.concat()].concat();
    track.more_runs = uuid_box("a2394f52-5a9b-4f14-a244-6c427c648df4", &senc);
    let read_one = read(
        &[
            init(std::slice::from_ref(&track)),
            fragment(std::slice::from_ref(&track), 0..3),
        ]
        .concat(),
    );
    assert_cenc(&read_one.packets);
    // The box of samples may name another key than the track does.
    let other = [&words_of(&[3])[..], &[0, 0, 1, 8], &OTHER_KEY.0].concat();
    let senc = [other, words_of(&[3]), entries.concat()].concat();
    track.more_runs = uuid_box("a2394f52-5a9b-4f14-a244-6c427c648df4", &senc);
    let tracks = [track];
    let read = read(&[init(&tracks), fragment(&tracks, 0..3)].concat());
    let keys = read
        .packets
        .iter()
        .map(|it| it.crypto.as_ref().unwrap().key_id);
    assert!(keys.eq([OTHER_KEY; 3]), "{:?}", read.packets);
}

#[test]
fn a_fragment_brings_headers_of_key_systems_for_its_keys() {
    let tenc = defaults(0x19, 1, 0, KEY_ID, &[7; 16]);
    let tracks = [protect(video(1, 4), b"cbcs", 1, &tenc)];
    let pssh = |data: &[u8]| {
        let head = [
            &words_of(&[0])[..],
            &[9; 16],
            &words_of(&[data.len() as u32]),
        ]
        .concat();
        boxed(b"pssh", [&head, data].concat())
    };
    // Behind the boxes of the fragment: offsets of data stay as they are without it, so that it is built in twice.
    let with_header = |data: &[u8], range: std::ops::Range<usize>| {
        let mut track = tracks.clone();
        track[0].more_runs = pssh(data);
        let mut fragment = fragment(&track, range);
        let traf = fragment.windows(4).position(|at| at == b"traf").unwrap() - 4;
        let grown = pssh(data).len();
        let len = u32::from_be_bytes(fragment[traf..traf + 4].try_into().unwrap());
        let shorter = (len as usize - grown) as u32;
        fragment[traf..traf + 4].copy_from_slice(&shorter.to_be_bytes());
        fragment
    };
    let film = [
        init(&tracks),
        with_header(b"first", 0..2),
        with_header(b"second", 2..4),
    ]
    .concat();
    let read = read(&film);
    assert_eq!((read.packets.len(), read.damage), (4, 0));
    let protection = read.info.tracks[0].protection.as_ref().unwrap();
    let systems: Vec<_> = protection.key_systems.iter().map(|it| &it.data).collect();
    assert_eq!(systems, [&pssh(b"first"), &pssh(b"second")]);
}

/// `seig` descriptions, of a `stbl` or `traf`.
fn described(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut body = words_of(&[1 << 24]);
    body.extend(b"seig");
    body.extend(words_of(&[0, entries.len() as u32]));
    for entry in entries {
        body.extend(words_of(&[entry.len() as u32]));
        body.extend(entry);
    }
    boxed(b"sgpd", body)
}

#[test]
fn keys_rotate_within_a_fragment_by_groups_that_the_movie_describes() {
    let tenc = defaults(0x19, 1, 0, KEY_ID, &[7; 16]);
    let mut track = protect(video(1, 3), b"cbcs", 1, &tenc);
    track.more_tables = described(&[defaults(0x28, 1, 0, OTHER_KEY, &[8; 16])]);
    let mut sbgp = words_of(&[0]);
    sbgp.extend(b"seig");
    sbgp.extend(words_of(&[2, 1, 0, 2, 1]));
    track.more_runs = boxed(b"sbgp", sbgp);
    let tracks = [track];
    let read = read(&[init(&tracks), fragment(&tracks, 0..3)].concat());
    let told = read.packets.iter().map(|packet| {
        let crypto = packet.crypto.as_ref().unwrap();
        (crypto.key_id, crypto.iv.0[0], crypto.pattern.unwrap().crypt)
    });
    let (first, second) = ((KEY_ID, 7, 1), (OTHER_KEY, 8, 2));
    assert!(told.eq([first, second, second]), "{:?}", read.packets);
}

#[test]
fn groups_of_samples_have_keys_of_their_own_or_none() {
    let clear = defaults(0, 0, 0, KeyId::default(), &[]);
    let other = defaults(0, 1, 16, OTHER_KEY, &[]);
    let sgpd = described(&[clear, other]);
    // The first two samples are clear, the third has the other key, the last no group.
    let mut sbgp = words_of(&[0]);
    sbgp.extend(b"seig");
    sbgp.extend(words_of(&[2, 2, 0x1_0001, 1, 0x1_0002]));
    let entries = [
        entry(&[], &[]),
        entry(&[], &[]),
        entry(&[6; 16], &[(2, 20)]),
        entry(&iv(3), &[]),
    ];
    let mut track = protect(video(1, 4), b"cenc", 0, &defaults(0, 1, 8, KEY_ID, &[]));
    track.more_runs = [sgpd, boxed(b"sbgp", sbgp), senc(2, &entries)].concat();
    let tracks = [track];
    let read = read(&[init(&tracks), fragment(&tracks, 0..4)].concat());
    let reported: Vec<_> = read
        .packets
        .iter()
        .map(|packet| {
            packet
                .crypto
                .as_ref()
                .map(|crypto| (crypto.key_id, crypto.iv))
        })
        .collect();
    assert_eq!(
        reported,
        [
            None,
            None,
            Some((OTHER_KEY, Iv([6; 16]))),
            Some((KEY_ID, Iv::from_wire(&iv(3)).unwrap()))
        ]
    );
    assert_eq!(read.damage, 0);
}

#[test]
fn samples_whose_vector_is_missing_or_too_long_are_not_given_as_clear() {
    let mut track = cenc();
    // The second says more bytes than it has, the third has no entry.
    track.more_tables = senc(2, &[entry(&iv(0), &[(20, 0)]), entry(&iv(1), &[(20, 9)])]);
    let read = read(&with_movie_boxes(&[track], &[]));
    assert_eq!((read.packets.len(), read.damage), (1, 2));
    assert!(read.packets[0].crypto.is_some());
}

#[test]
fn a_known_scheme_without_its_parameters_is_not_opened() {
    let track = protect(video(1, 2), b"cenc", 0, &[0; 4]);
    let read = read(&with_movie_boxes(&[track], &[]));
    let protection = read.info.tracks[0].protection.as_ref().unwrap();
    assert_eq!(protection.scheme, ProtectionScheme::Other(*b"cenc"));
}

#[test]
fn damaged_protection_is_survived() {
    let mut tables = cenc();
    tables.more_tables = senc(2, &cenc_entries());
    let mut runs = [cenc()];
    runs[0].more_runs = senc(2, &cenc_entries());
    let files = [
        with_movie_boxes(&[tables], &boxed(b"pssh", [0; 24])),
        [init(&runs), fragment(&runs, 0..3)].concat(),
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15;
    for file in files {
        for _ in 0..400 {
            let mut bytes = file.clone();
            mutate(&mut bytes, &mut state);
            assert_survives(make, &bytes);
        }
    }
}
