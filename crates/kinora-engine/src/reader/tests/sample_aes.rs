//! SAMPLE-AES in MPEG-TS.

use super::*;
use crate::sim::packager::{AUDIO, sample_aes};

fn encrypted(segment: &[u8], key: [u8; 16], vector: Iv) -> Vec<u8> {
    sample_aes(segment, key, vector, true)
}

fn clear() -> [Vec<Packet>; 2] {
    let mut world = World::new();
    put_segments(&mut world, "s", &Film::ts_segments());
    world.put("list.m3u8", list(&names("s", 4), "") + "#EXT-X-ENDLIST\n");
    world.all("list.m3u8")
}

#[test]
fn samples_come_decrypted_by_the_key_of_the_playlist() {
    let mut world = World::new();
    for (number, data) in Film::ts_segments().iter().enumerate() {
        let vector = Iv::from_sequence(number as u64);
        world.put(&format!("s{number}.ts"), encrypted(data, [7; 16], vector));
    }
    world.put("key", vec![7; 16]);
    let head = "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"key\"\n";
    world.put("list.m3u8", list(&names("s", 4), head) + "#EXT-X-ENDLIST\n");
    assert!(world.all("list.m3u8") == clear());
    assert_eq!(asked(&world, "key"), 1);
    // With another key they come too, and are others.
    world.put("key", vec![8; 16]);
    let [pictures, sound] = world.all("list.m3u8");
    let [clear_pictures, clear_sound] = clear();
    assert_eq!(sound.len(), clear_sound.len());
    assert!(pictures != clear_pictures && sound != clear_sound);
}

#[test]
fn streams_whose_types_do_not_say_so_are_encrypted_by_the_playlist() {
    let mut world = World::new();
    for (number, data) in Film::ts_segments().iter().enumerate() {
        let data = sample_aes(data, [7; 16], Iv::from_sequence(number as u64), false);
        world.put(&format!("s{number}.ts"), data);
    }
    world.put("key", vec![7; 16]);
    let head = "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"key\"\n";
    world.put("list.m3u8", list(&names("s", 4), head) + "#EXT-X-ENDLIST\n");
    assert!(world.all("list.m3u8") == clear());
}

/// The frames of AAC of a transport stream, behind each other.
fn packed(stream: &[u8]) -> Vec<u8> {
    let mut frames = Vec::new();
    for packet in stream.chunks(188) {
        if u16::from(packet[1] & 31) << 8 | u16::from(packet[2]) != AUDIO {
            continue;
        }
        let adapted = packet[3] & 0x20 != 0;
        let mut body = 4 + usize::from(adapted) * (1 + usize::from(packet[4]));
        if packet[1] & 0x40 != 0 {
            body += 9 + usize::from(packet[body + 8]);
        }
        frames.extend(&packet[body..]);
    }
    frames
}

#[test]
fn packed_audio_is_encrypted_as_in_a_transport_stream() {
    let read = |head: &str, segments: Vec<Vec<u8>>| {
        let mut world = World::new();
        for (number, data) in segments.into_iter().enumerate() {
            world.put(&format!("s{number}.ts"), data);
        }
        world.put("key", vec![7; 16]);
        world.put("list.m3u8", list(&names("s", 4), head) + "#EXT-X-ENDLIST\n");
        let [_, sound] = world.all("list.m3u8");
        assert!(sound.len() > 100, "{}", sound.len());
        sound
    };
    let clear = Film::ts_segments().map(|data| packed(&data)).into();
    let secret = (0u64..).zip(Film::ts_segments());
    let secret =
        secret.map(|(number, data)| packed(&encrypted(&data, [7; 16], Iv::from_sequence(number))));
    let key = "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"key\"\n";
    assert!(read(key, secret.collect()) == read("", clear));
}

#[test]
fn keys_rotate_between_segments_and_clear_ones_lie_between() {
    let mut world = World::new();
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n".to_owned();
    for (number, data) in (0u8..).zip(Film::ts_segments()) {
        let (name, key) = (format!("s{number}.ts"), [number; 16]);
        let vector = Iv([number + 0x20; 16]);
        match number {
            2 => {
                text += "#EXT-X-KEY:METHOD=NONE\n";
                world.put(&name, data);
            }
            _ => {
                let digits = format!("{:02x}", number + 0x20).repeat(16);
                text +=
                    &format!("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"key{number}\",IV=0x{digits}\n");
                world.put(&name, encrypted(&data, key, vector));
                world.put(&format!("key{number}"), key.to_vec());
            }
        }
        text += &format!("#EXTINF:2,\n{name}\n");
    }
    world.put("list.m3u8", text + "#EXT-X-ENDLIST\n");
    assert!(world.all("list.m3u8") == clear());
}

#[test]
fn a_stream_that_stands_alone_says_that_its_samples_are_encrypted() {
    let [first, ..] = Film::ts_segments();
    let packets = demuxed(&encrypted(&first, [7; 16], Iv::default()).into());
    assert!(packets.iter().all(|packet| packet.crypto.is_some()));
    let clear = demuxed(&first);
    assert_eq!(packets.len(), clear.len());
    assert!(packets.iter().zip(&clear).any(|(a, b)| a.data != b.data));
}
