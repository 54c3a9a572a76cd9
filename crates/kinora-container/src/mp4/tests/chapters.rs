use bytes::Bytes;
use kinora_media::{Chapter, MediaInfo, Packet, Time};

use super::build::*;
use super::make;
use crate::{Demuxer, Step};

fn told(chapters: &[Chapter]) -> Vec<(i64, Option<i64>, Option<&str>)> {
    let told = chapters.iter().map(|it| {
        let end = it.end.map(Time::as_millis);
        (it.start.as_millis(), end, it.title.as_deref())
    });
    told.collect()
}

/// What is told and given, and what was asked for.
#[derive(Default)]
struct Read {
    infos: Vec<MediaInfo>,
    packets: Vec<Packet>,
    wants: Vec<u64>,
}

fn read_on(demuxer: &mut dyn Demuxer, bytes: &[u8], read: &mut Read, until_info: bool) {
    let mut at = None;
    loop {
        match demuxer.poll().unwrap() {
            Step::Info(info) => {
                read.infos.push((*info).clone());
                if until_info {
                    return;
                }
            }
            Step::Packet(packet) => read.packets.push(packet),
            Step::Pending => panic!("it waits for nobody"),
            Step::End => return,
            Step::Want(range) => {
                read.wants.push(range.start);
                let from = range.start as usize;
                let end = (from + 4096).min(bytes.len());
                demuxer.push(range.start, Bytes::copy_from_slice(&bytes[from..end]));
                at = Some(end);
            }
            Step::NeedMore => {
                let from = at.unwrap_or(0);
                let end = (from + 4096).min(bytes.len());
                assert!(from < end, "more than there is");
                demuxer.push(from as u64, Bytes::copy_from_slice(&bytes[from..end]));
                at = Some(end);
            }
        }
    }
}

/// A film whose chapters a text track holds: the titles lie among `padding` of other media.
fn film(titles: &[&[u8]], padding: usize) -> Vec<u8> {
    let mut pictures = video(1, titles.len());
    for sample in &mut pictures.samples {
        sample.resize(padding, 7);
    }
    pictures.keys = None;
    pictures.more_track = boxed(b"tref", boxed(b"chap", words_of(&[9])));
    let sample = |title: &&[u8]| {
        let len = u16::try_from(title.len()).unwrap().to_be_bytes();
        [&len[..], title].concat()
    };
    let text = TrackSpec {
        handler: b"text",
        samples: titles.iter().map(sample).collect(),
        keys: None,
        entry: boxed(b"text", vec![0; 51]),
        ..video(9, 0)
    };
    fast_start(&[pictures, text])
}

#[test]
fn neros_list_is_told_with_the_headers() {
    let mut list = words_of(&[0x0100_0000, 0]);
    list.push(3);
    for (start, title) in [(0u64, "One"), (40, "夜"), (20, "")] {
        list.extend((start * 10_000).to_be_bytes());
        list.push(title.len() as u8);
        list.extend(title.as_bytes());
    }
    for cut in [0, 1, 5] {
        let list = &list[..list.len() - cut];
        let chpl = boxed(b"udta", boxed(b"chpl", list));
        let bytes = with_movie_boxes(&[video(1, 4)], &chpl);
        let mut read = Read::default();
        read_on(&mut *make(), &bytes, &mut read, true);
        let mut expected = vec![
            (0, None, Some("One")),
            (20, None, None),
            (40, None, Some("夜")),
        ];
        if cut > 0 {
            expected.remove(1);
        }
        assert_eq!(told(&read.infos[0].chapters), expected, "{cut}");
    }
}

#[test]
fn titles_of_a_text_track_are_read_when_nothing_is_more_urgent() {
    let wide = [&[0xfe, 0xff][..], &[0x59, 0x1c]].concat();
    let titles: [&[u8]; 4] = [b"Opening", b"", &wide, b"Credits"];
    for padding in [20, 5_000_000] {
        let bytes = film(&titles, padding);
        let plain = {
            let mut read = Read::default();
            let mut demuxer = make();
            demuxer.set_len(bytes.len() as u64);
            read_on(&mut *demuxer, &bytes, &mut read, false);
            read
        };
        let mut demuxer = make();
        demuxer.set_len(bytes.len() as u64);
        let mut read = Read::default();
        read_on(&mut *demuxer, &bytes, &mut read, true);
        let untold = [
            (0, Some(40), None),
            (80, Some(120), None),
            (120, None, None),
        ];
        assert_eq!(told(&read.infos[0].chapters), untold);
        assert_eq!(read.infos[0].tracks.len(), 1, "titles are no subtitles");
        assert!(demuxer.find_duration());
        assert!(!demuxer.find_duration(), "once");
        read_on(&mut *demuxer, &bytes, &mut read, true);
        assert_eq!(
            told(&read.infos[1].chapters),
            [
                (0, Some(40), Some("Opening")),
                (80, Some(120), Some("夜")),
                (120, None, Some("Credits"))
            ]
        );
        assert_eq!(read.wants.is_empty(), padding < 1_000);
        read_on(&mut *demuxer, &bytes, &mut read, false);
        assert!(read.packets == plain.packets, "no packet is lost by it");
    }
}

#[test]
fn a_text_track_that_names_bytes_which_are_not_there_gives_chapters_without_titles() {
    let whole = film(&[b"Opening", b"Middle", b"Credits"], 20);
    let bytes = &whole[..whole.len() - 30];
    let mut demuxer = make();
    demuxer.set_len(bytes.len() as u64);
    let mut read = Read::default();
    read_on(&mut *demuxer, bytes, &mut read, true);
    assert!(demuxer.find_duration());
    read_on(&mut *demuxer, bytes, &mut read, false);
    assert_eq!(told(&read.infos[0].chapters).len(), 3);
    assert!(!read.packets.is_empty());
}
