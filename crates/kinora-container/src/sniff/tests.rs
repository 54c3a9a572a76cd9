use super::*;
use crate::test_files::{ac3, adts, id3, mp3};

fn known(head: &[u8]) -> Option<ContainerKind> {
    match sniff(head) {
        Sniff::Known(kind) => Some(kind),
        _ => None,
    }
}

#[test]
fn containers_are_recognised_by_their_content() {
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
        (b"<MPD>".to_vec(), ContainerKind::DashManifest),
        (
            b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- <html> -->\n <d:MPD xmlns:d='urn'>".to_vec(),
            ContainerKind::DashManifest,
        ),
        (
            b"<?xml version='1.0'?><!DOCTYPE MPD><MPD a='1'>".to_vec(),
            ContainerKind::DashManifest,
        ),
        (
            b"<!DOCTYPE MPD [<!ELEMENT MPD ANY>]>\n<MPD/>".to_vec(),
            ContainerKind::DashManifest,
        ),
        (
            b"\xef\xbb\xbf#EXTM3U\r\n".to_vec(),
            ContainerKind::HlsPlaylist,
        ),
        (
            b" \r\n\xef\xbb\xbf\n\t#EXTM3U\n".to_vec(),
            ContainerKind::HlsPlaylist,
        ),
        (b"\x1a\x45\xdf\xa3 ".to_vec(), ContainerKind::Matroska),
        (b"FLV\x01\x05".to_vec(), ContainerKind::Flv),
        (b"RIFF\x24\0\0\0WAVEfmt ".to_vec(), ContainerKind::Wav),
        (b"RF64\xff\xff\xff\xffWAVEds64".to_vec(), ContainerKind::Wav),
        (b"RIFF\x24\0\0\0AVI LIST".to_vec(), ContainerKind::Avi),
        (b"fLaC\0\0\0\x22".to_vec(), ContainerKind::Flac),
        (
            [id3(300), b"fLaC\0\0\0\x22\x10\0".to_vec()].concat(),
            ContainerKind::Flac,
        ),
        (b"\x7f\xfe\x80\x01\xfc".to_vec(), ContainerKind::Dts),
        (b"\x56\xe0\x01x".repeat(3), ContainerKind::Loas),
        (b"#!AMR\n".to_vec(), ContainerKind::Amr),
        (b"#!AMR-WB\n".to_vec(), ContainerKind::Amr),
        (b"FORM\0\0\0\x24AIFCFVER".to_vec(), ContainerKind::Aiff),
        (b"caff\0\x01\0\0desc".to_vec(), ContainerKind::Caf),
    ] {
        let start: Vec<u8> = head.iter().take(12).copied().collect();
        assert_eq!(known(&head), Some(kind), "{start:02x?}");
    }
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
fn audio_within_another_file_does_not_make_it_audio() {
    for magic in [
        &b"\0\0\x01\xba"[..],
        b"\x30\x26\xb2\x75",
        b"\xff\xd8\xff\xe0",
    ] {
        assert_eq!(sniff(&[magic, &mp3(3)].concat()), Sniff::Unknown);
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
fn blanks_may_go_on_before_a_playlist() {
    assert_eq!(sniff(b" \n\n"), Sniff::NeedMore);
    assert_eq!(sniff(b"\xef\xbb\xbf\n#EXT"), Sniff::NeedMore);
    assert_eq!(sniff(&b"\n".repeat(SNIFF_LIMIT)), Sniff::Unknown);
}

#[test]
fn unknown_bytes_are_described_to_people() {
    for (head, part) in [
        (&b""[..], "empty"),
        (b"\n <html>", "HTML"),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE html>", "HTML"),
        (b"\n\xef\xbb\xbfWEBVTT", "WebVTT"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WEBP"),
        (b"#!AMR_MC1.0\n", "several channels"),
        (b"{\"code\":403}", "JSON"),
        (b"<?xml version='1.0'?><MPD>", "DASH"),
        (b"hello there", "text"),
        (b"\x01\x02\x03", "01 02 03"),
    ] {
        assert!(describe(head).contains(part), "{}", describe(head));
    }
}

#[test]
fn tags_without_end_are_not_looked_behind_one_by_one() {
    let tags = b"ID3\x04\0\0\0\0\0\0".repeat(100_000);
    assert_eq!(sniff(&tags), Sniff::Known(ContainerKind::Mp3));
}
