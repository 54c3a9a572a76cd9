//! What the tables do not say, or say late.

use super::*;
use crate::contract::assert_demuxer;

fn make() -> Box<dyn Demuxer> {
    Box::new(TsDemuxer::default())
}

fn private(frames: impl Fn(u8) -> Vec<u8>) -> Muxer {
    let mut muxer = Muxer::with_streams(&[(0x1b, VIDEO, &[]), (0x06, DATA, &[])]);
    for number in 0..20u8 {
        let pts = Some(u64::from(number) * 3600);
        muxer.pes(VIDEO, pts, None, &picture(number == 0, number.into(), 100));
        muxer.pes(DATA, pts, None, &frames(number));
    }
    muxer
}

#[test]
fn private_data_that_are_frames_of_aac_are_sound() {
    for frames in [1, 2] {
        let bytes = private(|number| adts(&[number; 60]).repeat(frames)).bytes;
        let steps = demux(&bytes);
        let tracks = &infos(&steps)[0].tracks;
        assert_eq!(infos(&steps).len(), 1, "they are sound from the start");
        assert_eq!(
            (tracks[1].codec, &tracks[1].config[..]),
            (CodecId::Aac, &[0x12, 0x10][..])
        );
        assert_eq!(tracks[1].codec_tag, "0x06");
        let sound = packets(&steps, DATA);
        assert_eq!(sound.len(), 20 * frames);
        assert_eq!(sound[0].data[..], [0; 60]);
        assert_eq!(ms(&sound)[..2], [[0, 40], [0, 23]][frames - 1]);
        assert_demuxer(make, &bytes);
    }
}

#[test]
fn private_data_that_are_no_sound_stay_data() {
    let bytes = private(|number| vec![number; 40]).bytes;
    let steps = demux(&bytes);
    assert_eq!(infos(&steps)[0].tracks[1].codec, CodecId::UnknownData);
    let data = packets(&steps, DATA);
    assert_eq!((data.len(), &data[3].data[..]), (20, &[3; 40][..]));
    assert_demuxer(make, &bytes);
}

/// A map of Blu-ray: a stream of type 0x80, registered for HDMV or not.
fn disc(registration: &[u8]) -> Muxer {
    let mut muxer = Muxer::new();
    muxer.pat(&[(1, PMT)]);
    let mut map = vec![0xe1, 0x01, 0xf0, registration.len() as u8];
    map.extend(registration);
    map.extend([0x80, 0xe1, 0x01, 0xf0, 0]);
    muxer.section(PMT, &table(2, 1, 0, &map));
    for number in 0..20u8 {
        let samples = vec![number; 960];
        let payload = [&[0x03, 0xc0, 0x31, 0x40][..], &samples].concat();
        muxer.pes(AUDIO, Some(u64::from(number) * 450), None, &payload);
    }
    muxer
}

#[test]
fn pcm_of_blu_ray_is_pcm() {
    let bytes = disc(b"\x05\x04HDMV").bytes;
    let steps = demux(&bytes);
    let track = &infos(&steps)[0].tracks[0];
    assert_eq!(
        (track.codec, &track.config[..]),
        (CodecId::Pcm, &[0, 16][..])
    );
    let audio = track.audio.unwrap();
    assert_eq!((audio.sample_rate, audio.channels), (48_000, 2));
    let sound = packets(&steps, AUDIO);
    assert_eq!((sound.len(), &sound[3].data[..]), (20, &[3; 960][..]));
    assert_eq!(ms(&sound)[..3], [0, 5, 10]);
    assert_demuxer(make, &bytes);
    let elsewhere = demux(&disc(b"").bytes);
    assert_eq!(infos(&elsewhere)[0].tracks[0].codec, CodecId::UnknownData);
}

#[test]
fn packets_before_the_tables_wait_for_them() {
    let film = film(3, 0, 300).bytes;
    let whole = demux(&film);
    // The tables behind the first ten packets of what they tell of.
    let (tables, rest) = film.split_at(2 * 188);
    let (first, others) = rest.split_at(10 * 188);
    let late = [first, tables, others].concat();
    let steps = demux(&late);
    for pid in [VIDEO, AUDIO] {
        assert_eq!(packets(&steps, pid), packets(&whole, pid), "{pid:#x}");
    }
    assert_demuxer(make, &late);
}

#[test]
fn no_more_waits_for_the_tables_than_a_bound() {
    let mut muxer = Muxer::new();
    let mut number = 0u32;
    while muxer.bytes.len() < 3 << 20 {
        muxer.pes(
            VIDEO,
            Some(u64::from(number) * 3600),
            None,
            &picture(number.is_multiple_of(25), number % 25, 3000),
        );
        number += 1;
    }
    muxer.pat(&[(1, PMT)]);
    muxer.pmt(PMT, 1, 0, &[(0x1b, VIDEO, &[])]);
    muxer.pes(
        VIDEO,
        Some(u64::from(number) * 3600),
        None,
        &picture(true, 0, 100),
    );
    let steps = demux(&muxer.bytes);
    let kept: usize = packets(&steps, VIDEO)
        .iter()
        .map(|packet| packet.data.len())
        .sum();
    assert!((1 << 19..1 << 20).contains(&kept), "{kept}");
}
