//! When pictures are shown, where their container tells only when they are decoded: AVI counts frames.
//!
//! So many pictures as are decoded are shown, and at the same times: the picture that is shown first gets the first of them,
//! and so on. Which one that is, the pictures tell.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use kinora_media::bitstream::h264::{self, AvcConfig, Pps, SliceHeader, Sps};
use kinora_media::bitstream::{NalFraming, mpeg_video, mpeg4, nal_units, units_to_slice};
use kinora_media::{CodecId, Packet, Time, TrackInfo};

/// More packets wait for none of their successors.
const MAX_WAITING: usize = 64;
/// So long after it is decoded a picture may be shown, before anything is known: five frames of 25 a second.
pub(super) const USUAL_DELAY: Time = Time::from_millis(200);
/// Pictures between two that others refer to have room there.
const BETWEEN: i64 = 1 << 16;
/// MPEG-4's marker for a picture that is shown in the place of one that came packed with another (DivX).
const PLACEHOLDER: usize = 20;

/// The packets of a track, until their times are known.
pub(super) struct Reorder {
    pictures: Pictures,
    /// In the order of decoding.
    waiting: VecDeque<Waiting>,
    /// Times at which something is shown, that are not taken.
    times: VecDeque<Time>,
    /// How long after it is decoded a picture was shown, at the most.
    delay: Option<Time>,
}

struct Waiting {
    packet: Packet,
    /// Its place in the order of presentation, among those that wait.
    rank: i64,
    is_timed: bool,
}

impl Reorder {
    /// For a track whose packets have no time of presentation; `None` where its codec shows pictures as they come, or
    /// nothing is known of it. `sets`: parameter sets that the packets may lack.
    pub(super) fn of(track: &TrackInfo, sets: &Bytes) -> Option<Self> {
        let pictures = match track.codec {
            CodecId::H264 => Pictures::H264(Box::new(H264::new(&track.config, sets))),
            CodecId::Mpeg4 => Pictures::Mpeg(Mpeg::new(Coding::Mpeg4)),
            CodecId::Mpeg1Video | CodecId::Mpeg2Video => Pictures::Mpeg(Mpeg::new(Coding::Mpeg2)),
            _ => return None,
        };
        Some(Self {
            pictures,
            waiting: VecDeque::new(),
            times: VecDeque::new(),
            delay: None,
        })
    }

    /// How long after it is decoded a picture may be shown.
    pub(super) fn delay(&self) -> Time {
        self.delay.unwrap_or(USUAL_DELAY)
    }

    /// Takes the next packet, whose times are those of its decoding.
    pub(super) fn push(&mut self, packet: Packet) {
        let picture = self.pictures.look(&packet.data);
        if picture.begins_anew {
            self.finish();
        }
        self.times.push_back(packet.dts);
        self.waiting.push_back(Waiting {
            packet,
            rank: picture.rank,
            is_timed: false,
        });
        let untimed = self.waiting.iter().filter(|it| !it.is_timed).count();
        if untimed > self.pictures.depth() {
            self.time_next();
        }
        if self.waiting.len() > MAX_WAITING {
            self.finish();
        }
    }

    /// The next packet whose times are known.
    pub(super) fn pop(&mut self) -> Option<Packet> {
        let is_timed = self.waiting.front().is_some_and(|it| it.is_timed);
        if !is_timed {
            return None;
        }
        self.waiting.pop_front().map(|it| it.packet)
    }

    /// No picture follows that may be shown before one of these.
    pub(super) fn finish(&mut self) {
        while self.time_next() {}
    }

    /// What follows is elsewhere.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.times.clear();
    }

    /// Gives the next time to the picture that is shown next.
    fn time_next(&mut self) -> bool {
        let untimed = self.waiting.iter_mut().filter(|it| !it.is_timed);
        let (Some(next), Some(time)) = (untimed.min_by_key(|it| it.rank), self.times.front())
        else {
            return false;
        };
        next.is_timed = true;
        next.packet.pts = *time;
        self.delay = self.delay.max(Some(*time - next.packet.dts));
        next.packet.dts = next.packet.dts.min(*time);
        self.times.pop_front();
        true
    }
}

/// What a packet tells of its picture.
struct Picture {
    rank: i64,
    /// All that came before is shown before it.
    begins_anew: bool,
}

enum Pictures {
    H264(Box<H264>),
    Mpeg(Mpeg),
}

impl Pictures {
    fn look(&mut self, data: &[u8]) -> Picture {
        match self {
            Self::H264(h264) => h264.look(data),
            Self::Mpeg(mpeg) => mpeg.look(data),
        }
    }

    /// So many pictures may be decoded before one that is shown earlier.
    fn depth(&self) -> usize {
        match self {
            Self::H264(h264) => usize::try_from(h264.depth).unwrap_or(0),
            Self::Mpeg(_) => 1,
        }
    }
}

/// Picture order counts (ITU-T H.264 8.2.1).
struct H264 {
    framing: NalFraming,
    sps: BTreeMap<u8, Sps>,
    pps: BTreeMap<u8, Pps>,
    depth: u32,
    /// `prevPicOrderCntMsb` and `prevPicOrderCntLsb`.
    previous: (i64, i64),
    last: i64,
}

impl H264 {
    fn new(config: &[u8], sets: &[u8]) -> Self {
        let mut h264 = Self {
            framing: NalFraming::of(CodecId::H264, config).unwrap_or(NalFraming::StartCodes),
            sps: BTreeMap::new(),
            pps: BTreeMap::new(),
            depth: 0,
            previous: (0, 0),
            last: 0,
        };
        if let Ok(config) = AvcConfig::parse(config) {
            let sets = config.sps.iter().chain(&config.pps);
            sets.for_each(|unit| h264.learn(unit));
        }
        nal_units(sets).for_each(|unit| h264.learn(unit));
        h264
    }

    /// Keeps a parameter set.
    fn learn(&mut self, unit: &[u8]) {
        match h264::nal_type_of(unit) {
            h264::nal_type::SPS => {
                if let Ok(sps) = Sps::parse(unit) {
                    self.depth = self.depth.max(sps.reorder_depth());
                    self.sps.insert(sps.id, sps);
                }
            }
            h264::nal_type::PPS => {
                if let Ok(pps) = Pps::parse(unit) {
                    self.pps.insert(pps.id, pps);
                }
            }
            _ => {}
        }
    }

    fn look(&mut self, data: &[u8]) -> Picture {
        let mut slice = None;
        for unit in units_to_slice(CodecId::H264, self.framing, data) {
            match h264::nal_type_of(unit) {
                h264::nal_type::SLICE | h264::nal_type::IDR => slice = Some(unit),
                _ => self.learn(unit),
            }
        }
        let picture = slice.and_then(|slice| self.count(slice));
        // What can not be read is shown when its turn is.
        let picture = picture.unwrap_or(Picture {
            rank: self.last.saturating_add(1),
            begins_anew: false,
        });
        self.last = picture.rank;
        picture
    }

    fn count(&mut self, slice: &[u8]) -> Option<Picture> {
        let pps = self.pps.get(&SliceHeader::pps_id_of(slice).ok()?)?;
        let sps = self.sps.get(&pps.sps_id)?;
        if sps.poc_type != 0 {
            return None;
        }
        let header = SliceHeader::parse(slice, sps, pps).ok()?;
        let (previous_msb, previous_lsb) = match header.idr {
            true => (0, 0),
            false => self.previous,
        };
        let (lsb, max) = (header.poc.0, 1i64 << sps.poc_lsb_bits);
        let msb = match lsb - previous_lsb {
            back if back <= -max / 2 => previous_msb.saturating_add(max),
            ahead if ahead > max / 2 => previous_msb.saturating_sub(max),
            _ => previous_msb,
        };
        if header.reference {
            self.previous = (msb, lsb);
        }
        Some(Picture {
            rank: msb.saturating_add(lsb),
            begins_anew: header.idr,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Coding {
    /// ISO/IEC 14496-2.
    Mpeg4,
    /// ISO/IEC 11172-2 and 13818-2.
    Mpeg2,
}

/// Pictures that others refer to are shown in the order of decoding, B pictures before the last of them.
struct Mpeg {
    coding: Coding,
    references: i64,
    between: i64,
}

impl Mpeg {
    const fn new(coding: Coding) -> Self {
        Self {
            coding,
            references: 0,
            between: 0,
        }
    }

    fn look(&mut self, data: &[u8]) -> Picture {
        if self.is_b(data) {
            self.between = (self.between + 1).min(BETWEEN / 2);
        } else {
            self.references = self.references.saturating_add(1);
            self.between = 0;
        }
        let place = self.references.saturating_mul(BETWEEN);
        let rank = match self.between {
            0 => place,
            between => place.saturating_sub(BETWEEN / 2).saturating_add(between),
        };
        Picture {
            rank,
            begins_anew: false,
        }
    }

    fn is_b(&self, data: &[u8]) -> bool {
        // The start code of a picture's header, and what stands for B in it.
        let (code, b_type) = match self.coding {
            Coding::Mpeg4 if data.len() < PLACEHOLDER => return true,
            Coding::Mpeg4 => (0xb6, 2),
            Coding::Mpeg2 => (0, 3),
        };
        let mut places = data.windows(4);
        let at = places.position(|it| it == [0, 0, 1, code]);
        let header = at.and_then(|at| data.get(at + 4..));
        let kind = header.and_then(|header| match self.coding {
            Coding::Mpeg4 => mpeg4::plane_type(header).ok(),
            Coding::Mpeg2 => mpeg_video::picture_type(header).ok(),
        });
        kind == Some(b_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_media::{PacketFlags, TrackId};

    fn packet(at: i64, kind: u8) -> Packet {
        let mut data = vec![0, 0, 1, 0xb6, kind << 6];
        data.resize(40, 0);
        let time = Time::from_millis(at * 40);
        Packet {
            track: TrackId(0),
            pts: time,
            dts: time,
            duration: Time::ZERO,
            flags: PacketFlags::default(),
            data: data.into(),
            crypto: None,
        }
    }

    #[test]
    fn pictures_get_the_times_in_the_order_in_which_they_are_shown() {
        let track = TrackInfo::new(TrackId(0), CodecId::Mpeg4);
        let mut reorder = Reorder::of(&track, &Bytes::new()).unwrap();
        let mut shown = Vec::new();
        // I P B B P B P
        for (at, kind) in [0, 1, 2, 2, 1, 2, 1].into_iter().enumerate() {
            reorder.push(packet(i64::try_from(at).unwrap(), kind));
            shown.extend(std::iter::from_fn(|| reorder.pop()));
        }
        assert_eq!(
            shown.len(),
            6,
            "the last one waits for what may be shown before it"
        );
        reorder.finish();
        shown.extend(reorder.pop());
        let frames: Vec<i64> = shown.iter().map(|it| it.pts.as_millis() / 40).collect();
        assert_eq!(frames, [0, 3, 1, 2, 5, 4, 6]);
        assert!(shown.iter().all(|it| it.dts <= it.pts));
        assert!(shown.is_sorted_by_key(|it| it.dts));
    }

    #[test]
    fn what_waits_is_bounded() {
        let track = TrackInfo::new(TrackId(0), CodecId::H264);
        let mut reorder = Reorder::of(&track, &Bytes::new()).unwrap();
        if let Pictures::H264(h264) = &mut reorder.pictures {
            h264.depth = 1_000;
        }
        for at in 0..200 {
            reorder.push(packet(at, 0));
            while reorder.pop().is_some() {}
            assert!(reorder.waiting.len() <= MAX_WAITING);
        }
    }
}
