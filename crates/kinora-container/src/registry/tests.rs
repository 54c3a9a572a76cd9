use super::*;

fn known(head: &[u8]) -> Option<ContainerKind> {
    match sniff(head) {
        Sniff::Known(kind) => Some(kind),
        _ => None,
    }
}

/// ADTS frames of silence: LC, 44.1 kHz, stereo, `len` bytes each.
fn adts(frames: usize, len: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..frames {
        out.extend([0xff, 0xf1, 0x50, 0x80 | (len >> 11) as u8]);
        out.extend([(len >> 3) as u8, (len << 5) as u8 | 0x1f, 0xfc]);
        out.resize(out.len() + len - 7, 0x21);
    }
    out
}

/// MPEG-1 layer III frames, 128 kbit/s, 44.1 kHz: 417 bytes each.
fn mp3(frames: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..frames {
        out.extend([0xff, 0xfb, 0x90, 0x64]);
        out.resize(out.len() + 413, 0);
    }
    out
}

fn id3(payload: usize) -> Vec<u8> {
    let size = [payload >> 21, payload >> 14, payload >> 7, payload].map(|part| part as u8 & 0x7f);
    let mut out = b"ID3\x04\0\0".to_vec();
    out.extend(size);
    out.resize(out.len() + payload, 0);
    out
}

#[test]
fn containers_are_told_by_their_content() {
    let mut ts = vec![0; 188 * 3];
    for packet in ts.chunks_mut(188) {
        packet[0] = 0x47;
    }
    let shifted = [vec![1; 50], ts.clone(), ts.clone()].concat();
    for (head, kind) in [
        (b"\0\0\0\x18ftypisom".to_vec(), ContainerKind::Mp4),
        (b"\0\0\0\x08wide\0\0\x10\0mdat".to_vec(), ContainerKind::Mp4),
        (b"\0\0\0\x18stypmsdh".to_vec(), ContainerKind::Mp4),
        (ts, ContainerKind::Ts),
        (shifted, ContainerKind::Ts),
        (adts(2, 100), ContainerKind::Adts),
        (mp3(2), ContainerKind::Mp3),
        ([id3(300), adts(2, 100)].concat(), ContainerKind::Adts),
        ([id3(300), mp3(2)].concat(), ContainerKind::Mp3),
        (id3(300_000), ContainerKind::Mp3),
        (b"#EXTM3U\n".to_vec(), ContainerKind::HlsPlaylist),
        (
            b"\xef\xbb\xbf#EXTM3U\r\n".to_vec(),
            ContainerKind::HlsPlaylist,
        ),
        (b"\x1a\x45\xdf\xa3 ".to_vec(), ContainerKind::Matroska),
        (b"FLV\x01\x05".to_vec(), ContainerKind::Flv),
    ] {
        let start: Vec<u8> = head.iter().take(12).copied().collect();
        assert_eq!(known(&head), Some(kind), "{start:02x?}");
    }
}

/// AC-3 frames, 48 kHz, stereo: 768 bytes each.
fn ac3(frames: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..frames {
        out.extend([0x0b, 0x77, 0, 0, 0x14, 0x40, 0x43, 0xe0]);
        out.resize(out.len() + 760, 0x21);
    }
    out
}

#[test]
fn junk_before_a_file_is_looked_behind_however_the_bytes_come() {
    let junk = vec![0x55; 3000];
    assert_eq!(sniff(&junk), Sniff::NeedMore);
    let mut ts = vec![0; 188 * 5];
    ts.iter_mut().step_by(188).for_each(|byte| *byte = 0x47);
    for (file, kind) in [
        (ts, ContainerKind::Ts),
        (adts(2, 100), ContainerKind::Adts),
        (mp3(2), ContainerKind::Mp3),
        (ac3(2), ContainerKind::Ac3),
    ] {
        assert_eq!(known(&[&junk[..], &file].concat()), Some(kind));
    }
}

#[test]
fn sound_in_the_midst_of_another_file_is_not_taken_for_all() {
    for magic in [
        &b"\0\0\x01\xba"[..],
        b"\x7f\xfe\x80\x01",
        b"\xff\xd8\xff\xe0",
    ] {
        assert_eq!(sniff(&[magic, &mp3(3)].concat()), Sniff::Unknown);
    }
}

#[test]
fn a_tag_too_long_to_look_behind_does_not_make_a_file_mpeg_audio() {
    for (sound, container) in [
        (adts(3, 100), "adts"),
        (ac3(3), "ac3"),
        (mp3(3), "mp3"),
        ([id3(90_000), adts(3, 100)].concat(), "adts"),
    ] {
        let bytes = Bytes::from([id3(300_000), sound].concat());
        let mut demuxer = ProbingDemuxer::new();
        let mut rest = bytes.chunks(10_000);
        let info = loop {
            match demuxer.poll().unwrap() {
                Step::Info(info) => break info,
                Step::NeedMore => match rest.next() {
                    Some(chunk) => {
                        let at = bytes.len() - rest.clone().map(<[u8]>::len).sum::<usize>();
                        demuxer.push((at - chunk.len()) as u64, bytes.slice_ref(chunk));
                    }
                    None => demuxer.finish(),
                },
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(info.container, container);
    }
}

#[test]
fn what_begins_nothing_is_not_guessed_at() {
    for head in [
        &b"<!DOCTYPE html><html><body>gone</body></html>"[..],
        &[0; 4096],
        &[0xff; 4096],
    ] {
        assert_eq!(known(head), None);
    }
    assert_eq!(sniff(b""), Sniff::NeedMore);
    assert_eq!(sniff(b"\0\0\0"), Sniff::NeedMore);
    assert_eq!(sniff(&adts(1, 100)), Sniff::NeedMore);
    assert_eq!(sniff(&[0xff; SNIFF_LIMIT]), Sniff::Unknown);
}

#[test]
fn unknown_bytes_are_described_to_people() {
    for (head, part) in [
        (&b""[..], "empty"),
        (b"\n <html>", "HTML"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"{\"code\":403}", "JSON"),
        (b"<?xml version='1.0'?><MPD>", "DASH"),
        (b"hello there", "text"),
        (b"\x01\x02\x03", "01 02 03"),
    ] {
        assert!(describe(head).contains(part), "{}", describe(head));
    }
}

#[test]
fn a_probe_that_finds_nothing_says_what_it_saw() {
    let mut demuxer = ProbingDemuxer::new();
    assert_eq!(demuxer.poll(), Ok(Step::NeedMore));
    demuxer.push(0, Bytes::from_static(b"<html><body>404</body></html>"));
    demuxer.finish();
    let Err(DemuxError::UnknownContainer(what)) = demuxer.poll() else {
        panic!("a page is no media");
    };
    assert!(what.contains("HTML"), "{what}");
}

#[test]
fn a_probe_becomes_the_demuxer_however_the_bytes_come() {
    let bytes = Bytes::from(mp3(20));
    let count = |chunk: usize| {
        let mut demuxer = ProbingDemuxer::new();
        let (mut at, mut packets) = (0, 0);
        loop {
            match demuxer.poll().unwrap() {
                Step::Packet(_) => packets += 1,
                Step::End => return packets,
                Step::Info(_) => {}
                Step::NeedMore | Step::Want(_) if at == bytes.len() => demuxer.finish(),
                _ => {
                    let end = (at + chunk).min(bytes.len());
                    demuxer.push(at as u64, bytes.slice(at..end));
                    at = end;
                }
            }
        }
    };
    assert_eq!(count(bytes.len()), 20);
    assert_eq!(count(1), 20);
}

#[test]
fn an_mpeg_probe_ends_on_every_short_start() {
    let whole = [id3(40), mp3(1)].concat();
    for len in 0..whole.len() {
        let mut demuxer = ProbingDemuxer::new();
        demuxer.push(0, Bytes::copy_from_slice(&whole[..len]));
        demuxer.finish();
        let ends = (0..20).any(|_| matches!(demuxer.poll(), Ok(Step::End) | Err(_)));
        assert!(ends, "of the first {len} bytes");
    }
}

#[test]
fn tags_without_end_are_not_looked_behind_one_by_one() {
    let tags = b"ID3\x04\0\0\0\0\0\0".repeat(100_000);
    assert_eq!(sniff(&tags), Sniff::Known(ContainerKind::Mp3));
}
