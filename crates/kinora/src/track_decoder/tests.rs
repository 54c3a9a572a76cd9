//! Decoders that fail; those that decode are tested on real media in `tests/configurations.rs`.

use kinora_codec::{AudioDecoder, Decoder, DecoderBackend, Received, VideoDecoder};
use kinora_media::{CodecId, PacketFlags, TrackId, VideoFrame};

use super::*;
use crate::backends::DecoderChoice;

/// What a decoder does with every packet.
#[derive(Clone, Copy, PartialEq)]
enum Habit {
    Breaks,
    BreaksAtTheEnd,
    RefusesAll,
    FindsDamage,
}

/// A decoder of the backend that is preferred.
struct Failing {
    habit: Habit,
    draining: bool,
}

fn broken() -> DecodeError {
    DecodeError::Broken {
        codec: CodecId::H264,
        what: "a test".into(),
    }
}

impl Decoder for Failing {
    type Frame = VideoFrame;
    fn send(&mut self, _: &Packet) -> Result<(), DecodeError> {
        match self.habit {
            Habit::Breaks => Err(broken()),
            Habit::BreaksAtTheEnd => Ok(()),
            Habit::RefusesAll => Err(DecodeError::Full),
            Habit::FindsDamage => Err(DecodeError::Corrupt {
                codec: CodecId::H264,
                what: "a test".into(),
            }),
        }
    }
    fn receive(&mut self) -> Result<Received<VideoFrame>, DecodeError> {
        match self.draining && self.habit == Habit::BreaksAtTheEnd {
            true => Err(broken()),
            false => Ok(Received::NeedPacket),
        }
    }
    fn drain(&mut self) {
        self.draining = true;
    }
    fn flush(&mut self) {
        self.draining = false;
    }
    fn name(&self) -> &str {
        "failing"
    }
}

impl DecoderBackend for Habit {
    fn name(&self) -> &'static str {
        "ffmpeg"
    }
    fn supports(&self, _: CodecId) -> bool {
        true
    }
    fn open_video(&self, _: &TrackInfo, _: DecoderOptions) -> Result<VideoDecoder, DecodeError> {
        Ok(Box::new(Failing {
            habit: *self,
            draining: false,
        }))
    }
    fn open_audio(&self, _: &TrackInfo, _: DecoderOptions) -> Result<AudioDecoder, DecodeError> {
        Err(broken())
    }
}

fn failing(habit: Habit, choice: DecoderChoice) -> TrackDecoder {
    let options = Box::new(|_: &TrackInfo| DecoderOptions::default());
    let mut decoder = TrackDecoder::new(Backends::new(choice), options);
    let track = Arc::new(TrackInfo::new(TrackId(1), CodecId::H264));
    decoder.open = Some(Open {
        decoder: AnyDecoder::open(&habit, &track, DecoderOptions::default()).unwrap(),
        track,
        failures: DecoderFailures::default(),
    });
    decoder
}

fn packet() -> Packet {
    Packet {
        track: TrackId(1),
        pts: Time::ZERO,
        dts: Time::ZERO,
        duration: Time::ZERO,
        flags: PacketFlags::default(),
        data: bytes::Bytes::from_static(&[0, 0, 0, 1, 9, 0x10]),
        crypto: None,
    }
}

/// What comes until a packet is wanted, in short.
fn received(decoder: &mut TrackDecoder) -> Vec<String> {
    let next = || match decoder.receive() {
        Decoded::Opened {
            decoder, fell_back, ..
        } => Some(format!("{decoder} {}", fell_back.is_some())),
        Decoded::Frame(_) => Some("frame".into()),
        Decoded::Damaged(fault) => Some(format!("damaged {}", fault.reason())),
        Decoded::GivenUp(fault) => Some(format!("given up {}", fault.reason())),
        Decoded::Drained => Some("drained".into()),
        Decoded::NeedPacket => None,
    };
    std::iter::from_fn(next).collect()
}

#[test]
fn another_backend_takes_the_place_of_a_decoder_that_breaks() {
    let mut decoder = failing(Habit::Breaks, DecoderChoice::Auto);
    assert!(decoder.send(&packet()));
    assert_eq!(received(&mut decoder), ["rust_h264 true"]);
    assert!(decoder.send(&packet()));
    assert_eq!(received(&mut decoder), [""; 0]);
}

#[test]
fn without_another_backend_the_track_is_given_up_for_what_broke() {
    let mut decoder = failing(Habit::Breaks, DecoderChoice::Ffmpeg);
    assert!(decoder.send(&packet()));
    assert_eq!(received(&mut decoder), ["given up decoder.broken"]);
    assert!(decoder.send(&packet()), "it is passed over");
    decoder.drain();
    assert_eq!(received(&mut decoder), ["drained"]);
}

#[test]
fn a_decoder_that_takes_nothing_and_gives_nothing_is_broken() {
    let mut decoder = failing(Habit::RefusesAll, DecoderChoice::Auto);
    assert!(!decoder.send(&packet()));
    assert_eq!(received(&mut decoder), ["rust_h264 true"]);
}

#[test]
fn failures_in_a_row_end_the_track() {
    let mut decoder = failing(Habit::FindsDamage, DecoderChoice::Auto);
    let mut count = 0;
    let last = loop {
        assert!(decoder.send(&packet()));
        let came = received(&mut decoder);
        if came != ["damaged decoder.corrupt_packet"] {
            break came;
        }
        count += 1;
    };
    assert_eq!(
        (count, &last[..]),
        (1_000, &["given up decoder.corrupt_packet".to_owned()][..])
    );
}

#[test]
fn a_decoder_that_breaks_while_another_track_waits_gives_way_to_that_one() {
    let mut decoder = failing(Habit::BreaksAtTheEnd, DecoderChoice::Rust);
    assert!(decoder.send(&packet()));
    let next = Arc::new(TrackInfo::new(TrackId(2), CodecId::H264));
    decoder.configure(Arc::clone(&next));
    assert!(!decoder.takes(&next), "what the other holds comes first");
    assert!(!decoder.send(&packet()));
    let came = received(&mut decoder);
    assert_eq!(came, ["damaged decoder.broken", "rust_h264 false"]);
    assert!(decoder.takes(&next));
}

#[test]
fn a_flush_forgets_the_end_and_the_track_that_waits() {
    let mut decoder = failing(Habit::BreaksAtTheEnd, DecoderChoice::Rust);
    decoder.drain();
    decoder.flush();
    assert_eq!(received(&mut decoder), [""; 0]);
    assert!(decoder.send(&packet()));
}
