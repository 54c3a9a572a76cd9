//! What every decoder must keep to, as a suite: given a way to open one and the packets of a whole clip.
#![allow(
    clippy::panic,
    clippy::expect_used,
    reason = "a broken contract fails its test"
)]

use bytes::Bytes;
use kinora_media::{AudioFrame, Packet, Time, VideoFrame};

use crate::{DecodeError, Decoder, Received};

/// A packet is never worth more frames than that; nor does a decoder hold back more packets.
const MAX_AT_ONCE: usize = 64;

/// A frame, as far as two decodings of one clip are compared.
pub trait Comparable {
    /// So many frames after a flush are shaped by what was before it: the windows of sound overlap.
    const OVERLAP: usize;
    /// When it is shown.
    fn pts(&self) -> Time;
    /// All of its samples.
    fn samples(&self) -> Vec<u8>;
}

impl Comparable for VideoFrame {
    const OVERLAP: usize = 0;
    fn pts(&self) -> Time {
        self.pts
    }
    fn samples(&self) -> Vec<u8> {
        (0..self.format.planes())
            .flat_map(|plane| self.rows(plane))
            .flatten()
            .copied()
            .collect()
    }
}

impl Comparable for AudioFrame {
    const OVERLAP: usize = 1;
    fn pts(&self) -> Time {
        self.pts
    }
    fn samples(&self) -> Vec<u8> {
        self.samples
            .iter()
            .flat_map(|sample| sample.to_le_bytes())
            .collect()
    }
}

/// Runs the whole suite. `packets` begin with a key frame.
///
/// # Panics
/// When the decoder breaks the contract.
pub fn assert_decoder<F: Comparable>(
    open: impl Fn() -> Box<dyn Decoder<Frame = F>>,
    packets: &[Packet],
) {
    let whole = decode(&mut *open(), packets);
    assert!(!whole.is_empty(), "no frame came out");
    assert!(
        whole.is_sorted_by_key(|(pts, _)| *pts),
        "frames come in presentation order"
    );
    a_flush_makes_it_new(&mut *open(), packets, &whole);
    a_flush_mid_way_forgets(&mut *open(), packets, &whole);
    damage_stays_with_its_packet(&mut *open(), packets, &whole);
    an_empty_packet_is_survived(&mut *open(), packets);
    without_packets_there_is_nothing(&mut *open());
}

/// All frames of the packets, in the order in which they came.
pub fn decode<F: Comparable>(
    decoder: &mut dyn Decoder<Frame = F>,
    packets: &[Packet],
) -> Vec<(Time, Vec<u8>)> {
    let mut frames = Vec::new();
    for packet in packets {
        send(decoder, packet, &mut frames).expect("a sound packet");
    }
    decoder.drain();
    finish(decoder, &mut frames);
    frames
}

fn send<F: Comparable>(
    decoder: &mut dyn Decoder<Frame = F>,
    packet: &Packet,
    frames: &mut Vec<(Time, Vec<u8>)>,
) -> Result<(), DecodeError> {
    for _ in 0..MAX_AT_ONCE {
        match decoder.send(packet) {
            Err(DecodeError::Full) => match decoder.receive()? {
                Received::Frame(frame) => frames.push((frame.pts(), frame.samples())),
                reported => panic!("full, and yet no frame: {}", name(&reported)),
            },
            sent => {
                while let Received::Frame(frame) = decoder.receive()? {
                    frames.push((frame.pts(), frame.samples()));
                }
                return sent;
            }
        }
    }
    panic!("a packet is refused for ever")
}

fn finish<F: Comparable>(decoder: &mut dyn Decoder<Frame = F>, frames: &mut Vec<(Time, Vec<u8>)>) {
    for _ in 0..MAX_AT_ONCE {
        match decoder.receive() {
            Ok(Received::Frame(frame)) => frames.push((frame.pts(), frame.samples())),
            Ok(Received::End) => return,
            Ok(Received::NeedPacket) => panic!("a drained decoder asks for a packet"),
            // Damage of a packet that was held back.
            Err(_) => {}
        }
    }
    panic!("a drained decoder comes to no end")
}

const fn name<F>(received: &Received<F>) -> &'static str {
    match received {
        Received::Frame(_) => "a frame",
        Received::NeedPacket => "needs a packet",
        Received::End => "the end",
    }
}

fn a_flush_makes_it_new<F: Comparable>(
    decoder: &mut dyn Decoder<Frame = F>,
    packets: &[Packet],
    whole: &[(Time, Vec<u8>)],
) {
    let first = decode(decoder, packets);
    decoder.flush();
    let second = decode(decoder, packets);
    assert_same(&first, whole, 0, "the same packets give the same frames");
    assert_same(
        &second,
        whole,
        F::OVERLAP,
        "drain and flush leave nothing behind",
    );
}

fn a_flush_mid_way_forgets<F: Comparable>(
    decoder: &mut dyn Decoder<Frame = F>,
    packets: &[Packet],
    whole: &[(Time, Vec<u8>)],
) {
    let mut left = Vec::new();
    for packet in &packets[..packets.len() / 2] {
        send(decoder, packet, &mut left).expect("a sound packet");
    }
    decoder.flush();
    assert_same(
        &decode(decoder, packets),
        whole,
        F::OVERLAP,
        "nothing from before a flush comes after it",
    );
}

fn assert_same(frames: &[(Time, Vec<u8>)], whole: &[(Time, Vec<u8>)], but: usize, rule: &str) {
    let pairs = frames.iter().zip(whole).skip(but);
    let different = pairs.into_iter().position(|(one, other)| one != other);
    assert_eq!((frames.len(), different), (whole.len(), None), "{rule}");
}

/// Every third packet is damaged: no panic, no end, and the decoder is good as new after a flush.
fn damage_stays_with_its_packet<F: Comparable>(
    decoder: &mut dyn Decoder<Frame = F>,
    packets: &[Packet],
    whole: &[(Time, Vec<u8>)],
) {
    let mut frames = Vec::new();
    for (number, packet) in packets.iter().enumerate() {
        let sent = if number % 3 == 2 {
            send(decoder, &damaged(packet, number), &mut frames)
        } else {
            send(decoder, packet, &mut frames)
        };
        match sent {
            Ok(()) | Err(DecodeError::Corrupt { .. }) => {}
            Err(error) => panic!("damage of a packet is told as damage, not as: {error}"),
        }
    }
    decoder.drain();
    finish(decoder, &mut frames);
    decoder.flush();
    assert_same(
        &decode(decoder, packets),
        whole,
        F::OVERLAP,
        "damage does not outlast a flush",
    );
}

/// The packet with some of its bytes inverted, or cut in half.
fn damaged(packet: &Packet, number: usize) -> Packet {
    let mut bytes = packet.data.to_vec();
    if number.is_multiple_of(2) {
        bytes.truncate(bytes.len() / 2);
    }
    let step = bytes.len() / 5 + 1;
    for byte in bytes.iter_mut().skip(step / 2).step_by(step) {
        *byte = !*byte;
    }
    Packet {
        data: Bytes::from(bytes),
        ..packet.clone()
    }
}

fn an_empty_packet_is_survived<F: Comparable>(
    decoder: &mut dyn Decoder<Frame = F>,
    packets: &[Packet],
) {
    let mut frames = Vec::new();
    let empty = Packet {
        data: Bytes::new(),
        ..packets[0].clone()
    };
    let _ = send(decoder, &empty, &mut frames);
    decoder.flush();
    assert!(!decode(decoder, packets).is_empty());
}

fn without_packets_there_is_nothing<F: Comparable>(decoder: &mut dyn Decoder<Frame = F>) {
    assert!(matches!(decoder.receive(), Ok(Received::NeedPacket)));
    decoder.drain();
    assert!(matches!(decoder.receive(), Ok(Received::End)));
    assert!(matches!(decoder.receive(), Ok(Received::End)));
}
