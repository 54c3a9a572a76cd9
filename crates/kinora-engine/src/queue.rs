//! The packets of one track that are there: those that wait for the decoder, and behind them as many
//! as a seek may want again.

use std::collections::VecDeque;
use std::sync::Arc;

use kinora_media::{Packet, Time, TrackInfo};

/// A packet and what must be known to decode it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) packet: Packet,
    pub(crate) track: Arc<TrackInfo>,
}

/// Times are given in microseconds: what a picture's time is rounded to is its time.
const ROUNDING: Time = Time::from_micros(1);

/// Whether a picture that begins at `pts` is on screen at a time, or was before.
#[must_use]
pub fn is_shown_by(pts: Time, time: Time) -> bool {
    pts < time + ROUNDING
}

/// The picture that is on screen at a time, as far as the packets so far say.
#[derive(Clone, Copy, Debug)]
struct Aim {
    target: Time,
    shown: Option<Time>,
    /// Pictures may be decoded so much later than they are shown (ISO/IEC 14496-12 8.6.1.3, negative offsets).
    lag: Time,
    /// No packet that comes later is shown before the target.
    settled: bool,
    /// A key frame came from which the picture can be decoded, and nobody has looked since.
    key_came: bool,
}

impl Aim {
    fn at(target: Time) -> Self {
        Self {
            target,
            shown: None,
            lag: Time::ZERO,
            settled: false,
            key_came: false,
        }
    }

    fn look(&mut self, packet: &Packet) {
        if packet.flags.decode_only {
            return;
        }
        if is_shown_by(packet.pts, self.target) {
            self.shown = self.shown.max(Some(packet.pts));
            self.key_came |= packet.flags.key;
        }
        self.lag = self.lag.max(packet.dts - packet.pts);
        self.settled |= !is_shown_by(packet.dts - self.lag, self.target);
    }
}

/// Packets in the order of their decoding.
#[derive(Debug, Default)]
pub(crate) struct PacketQueue {
    entries: VecDeque<Entry>,
    /// How many of them the decoder was given.
    read: usize,
    bytes: usize,
    unread_bytes: usize,
    /// The earliest time since the last [`clear`](Self::clear).
    first: Option<Time>,
    /// Where the latest packet ends.
    end: Option<Time>,
    aim: Option<Aim>,
}

/// What a packet costs beside its payload.
const OVERHEAD: usize = 160;

fn cost(entry: &Entry) -> usize {
    entry.packet.data.len() + OVERHEAD
}

fn end_of(packet: &Packet) -> Time {
    packet.pts + packet.duration
}

impl PacketQueue {
    pub(crate) fn push(&mut self, packet: Packet, track: &Arc<TrackInfo>) {
        if !packet.flags.decode_only {
            self.first = Some(self.first.map_or(packet.pts, |first| first.min(packet.pts)));
        }
        if let Some(aim) = &mut self.aim {
            aim.look(&packet);
        }
        let end = end_of(&packet);
        self.end = Some(self.end.map_or(end, |known| known.max(end)));
        let entry = Entry {
            packet,
            track: Arc::clone(track),
        };
        self.bytes += cost(&entry);
        self.unread_bytes += cost(&entry);
        self.entries.push_back(entry);
    }

    /// The packet that the decoder gets next.
    pub(crate) fn peek(&self) -> Option<&Entry> {
        self.entries.get(self.read)
    }

    /// The time of the packet that was taken so many packets ago, of the next one with none.
    pub(crate) fn pts_back(&self, count: usize) -> Option<Time> {
        let entry = self.entries.get(self.read.saturating_sub(count))?;
        Some(entry.packet.pts)
    }

    /// Gives the next packet; it stays here until it is trimmed.
    pub(crate) fn take(&mut self) -> Option<Entry> {
        let entry = self.entries.get(self.read)?.clone();
        self.read += 1;
        self.unread_bytes -= cost(&entry);
        Some(entry)
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.read == self.entries.len()
    }
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
    pub(crate) fn unread_bytes(&self) -> usize {
        self.unread_bytes
    }
    pub(crate) fn first(&self) -> Option<Time> {
        self.first
    }
    pub(crate) fn end(&self) -> Option<Time> {
        self.end
    }
    pub(crate) fn read_packets(&self) -> usize {
        self.read
    }

    pub(crate) fn clear(&mut self) {
        *self = Self {
            aim: self.aim.map(|aim| Aim::at(aim.target)),
            ..Self::default()
        };
    }

    /// The picture that is on screen at a time is looked for; `None`: none is any more.
    pub(crate) fn aim(&mut self, target: Option<Time>) {
        self.aim = target.map(|target| {
            let mut aim = Aim::at(target);
            let packets = self.entries.iter().map(|entry| &entry.packet);
            packets.for_each(|packet| aim.look(packet));
            aim
        });
    }

    /// The time of the picture that is looked for, once no packet can come that changes it.
    pub(crate) fn on_screen(&self) -> Option<Time> {
        self.aim.filter(|aim| aim.settled)?.shown
    }

    /// The earliest picture that may be the one that is looked for: those before it are decoded for others alone. `None`:
    /// none is looked for.
    pub(crate) fn not_before(&self) -> Option<Time> {
        self.aim?.shown
    }

    /// Whether a picture is shown at the time that is looked for, or later.
    pub(crate) fn is_wanted(&self, pts: Time) -> bool {
        let Some(aim) = self.aim else { return true };
        pts >= aim.target || self.on_screen().is_some_and(|shown| pts >= shown)
    }

    /// Whether another picture takes its place before the time that is looked for.
    pub(crate) fn is_overtaken(&self, pts: Time) -> bool {
        self.not_before().is_some_and(|shown| pts < shown)
    }

    /// How many packets are decoded before a time.
    fn before(&self, time: Time) -> usize {
        let mut entries = self.entries.iter();
        let last = entries.rposition(|entry| entry.packet.dts < time);
        last.map_or(0, |at| at + 1)
    }

    /// Whether the decoder was given nothing that is decoded at a time or later.
    pub(crate) fn can_cut(&self, from: Time) -> bool {
        self.before(from) >= self.read
    }

    /// The time at which a picture is looked for.
    pub(crate) fn target(&self) -> Option<Time> {
        Some(self.aim?.target)
    }

    /// Whether a key frame comes next, or later, that is shown until a time.
    pub(crate) fn has_key_until(&self, time: Time) -> bool {
        let mut unread = self.entries.range(self.read..);
        unread.any(|entry| entry.packet.flags.key && is_shown_by(entry.packet.pts, time))
    }

    /// No packet can come any more that the picture that is looked for could be decoded from sooner.
    pub(crate) fn is_settled(&self) -> bool {
        self.aim.is_none_or(|aim| aim.settled)
    }

    /// Passes over what comes before the last key frame from which the picture that is looked for can be decoded. `false`:
    /// there is nothing to be passed over.
    pub(crate) fn skip_to_key(&mut self) -> bool {
        let Some(aim) = &mut self.aim else {
            return false;
        };
        if !std::mem::take(&mut aim.key_came) {
            return false;
        }
        let target = aim.target;
        let skipped = self.before_last_key(target);
        if let Some(skipped) = skipped {
            self.go_to(self.read + skipped);
        }
        skipped.is_some()
    }

    /// The last key frame that waits and is shown until a time, and how many packets wait before it; `None`: it comes next, or
    /// there is none.
    pub(crate) fn before_last_key(&self, until: Time) -> Option<usize> {
        let mut unread = self.entries.range(self.read..);
        let key = unread
            .rposition(|entry| entry.packet.flags.key && is_shown_by(entry.packet.pts, until));
        key.filter(|skipped| *skipped > 0)
    }

    /// Takes back what is decoded at a time or later. `false`: the decoder has some of it, nothing is changed.
    pub(crate) fn cut(&mut self, from: Time) -> bool {
        if !self.can_cut(from) {
            return false;
        }
        let keep = self.before(from);
        for entry in self.entries.drain(keep..) {
            self.bytes -= cost(&entry);
            self.unread_bytes -= cost(&entry);
        }
        self.end = self.entries.iter().map(|entry| end_of(&entry.packet)).max();
        true
    }

    /// Forgets packets that were decoded and that no seek back to `keep` needs.
    pub(crate) fn trim(&mut self, keep: Time, keyed: bool) {
        let wanted = |entry: &Entry| !keyed || entry.packet.flags.key;
        let until = self
            .entries
            .iter()
            .take(self.read)
            .rposition(|entry| wanted(entry) && entry.packet.pts <= keep);
        self.drop_front(until.unwrap_or(0));
    }

    /// Forgets all that was decoded.
    pub(crate) fn trim_all(&mut self) {
        self.drop_front(self.read);
    }

    fn drop_front(&mut self, count: usize) {
        for entry in self.entries.drain(..count) {
            self.bytes -= cost(&entry);
        }
        self.read -= count;
    }

    /// The time of the last key frame at or before a time, if all from there to that time is here.
    pub(crate) fn key_before(&self, time: Time) -> Option<Time> {
        if self.end? <= time {
            return None;
        }
        let mut entries = self.entries.iter().rev();
        let key = entries.find(|entry| entry.packet.flags.key && entry.packet.pts <= time)?;
        Some(key.packet.pts)
    }

    /// Whether sound from a time on is here.
    pub(crate) fn covers(&self, time: Time) -> bool {
        let begins = self
            .entries
            .front()
            .is_some_and(|entry| entry.packet.pts <= time);
        begins && self.end.is_some_and(|end| end > time)
    }

    /// Goes to the last key frame at or before a time; without one, to the first packet.
    pub(crate) fn rewind_to_key(&mut self, time: Time) {
        let at = self
            .entries
            .iter()
            .rposition(|entry| entry.packet.flags.key && entry.packet.pts <= time);
        self.go_to(at.unwrap_or(0));
    }

    /// Goes to the packet that sounds at a time.
    pub(crate) fn rewind_to(&mut self, time: Time) {
        let at = self
            .entries
            .iter()
            .position(|entry| end_of(&entry.packet) > time);
        self.go_to(at.unwrap_or(self.entries.len()));
    }

    fn go_to(&mut self, read: usize) {
        self.read = read;
        self.unread_bytes = self.entries.iter().skip(read).map(cost).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use kinora_media::{CodecId, PacketFlags, TrackId};

    fn queue(count: i64) -> PacketQueue {
        let track = Arc::new(TrackInfo::new(TrackId(1), CodecId::H264));
        let mut queue = PacketQueue::default();
        for n in 0..count {
            let flags = PacketFlags {
                key: n % 10 == 0,
                ..PacketFlags::default()
            };
            queue.push(
                Packet {
                    track: TrackId(1),
                    pts: Time::from_millis(n * 100),
                    dts: Time::from_millis(n * 100),
                    duration: Time::from_millis(100),
                    flags,
                    data: Bytes::from_static(&[0; 40]),
                    crypto: None,
                },
                &track,
            );
        }
        queue
    }

    #[test]
    fn trimming_keeps_what_the_shown_picture_needs() {
        let mut queue = queue(40);
        for _ in 0..27 {
            queue.take();
        }
        queue.trim(Time::from_millis(2_500), true);
        assert_eq!((queue.read_packets(), queue.bytes()), (7, 20 * 200));
        assert_eq!(queue.peek().unwrap().packet.pts, Time::from_millis(2_700));
        assert_eq!(queue.unread_bytes(), 13 * 200);
    }

    #[test]
    fn a_seek_within_it_finds_the_key_frame() {
        let mut queue = queue(40);
        for _ in 0..25 {
            queue.take();
        }
        assert_eq!(
            queue.key_before(Time::from_millis(1_950)),
            Some(Time::from_millis(1_000))
        );
        assert_eq!(
            queue.key_before(Time::from_millis(4_000)),
            None,
            "its end is not in it"
        );
        queue.rewind_to_key(Time::from_millis(1_950));
        assert_eq!(queue.peek().unwrap().packet.pts, Time::from_millis(1_000));
        assert_eq!(queue.unread_bytes(), 30 * 200);
    }

    #[test]
    fn the_picture_on_screen_is_known_before_it_is_decoded() {
        let mut queue = queue(20);
        queue.aim(Some(Time::from_millis(1_250)));
        assert_eq!(queue.on_screen(), Some(Time::from_millis(1_200)));
        assert!(queue.is_overtaken(Time::from_millis(1_100)));
        assert!(queue.is_wanted(Time::from_millis(1_200)));
        assert!(!queue.is_wanted(Time::from_millis(1_100)));
        queue.aim(Some(Time::from_millis(1_950)));
        assert_eq!(queue.on_screen(), None, "one more may come");
        assert!(!queue.is_overtaken(Time::from_millis(1_900)));
        queue.clear();
        assert!(!queue.is_overtaken(Time::ZERO), "its packets come anew");
    }

    #[test]
    fn of_several_key_frames_the_last_before_the_picture_is_decoded_from() {
        let mut queue = queue(25);
        queue.aim(Some(Time::from_millis(1_850)));
        assert!(queue.skip_to_key());
        assert_eq!(queue.peek().unwrap().packet.pts, Time::from_millis(1_000));
        assert_eq!(queue.unread_bytes(), 15 * 200);
        assert!(!queue.skip_to_key(), "nothing came since");
        queue.aim(Some(Time::from_millis(1_050)));
        assert!(!queue.skip_to_key(), "it comes next");
    }

    #[test]
    fn what_no_decoder_has_can_be_taken_back() {
        let mut queue = queue(40);
        for _ in 0..25 {
            queue.take();
        }
        assert!(!queue.cut(Time::from_millis(2_000)), "it is being decoded");
        assert!(queue.cut(Time::from_millis(3_000)));
        assert_eq!(queue.unread_bytes(), 5 * 200);
        assert_eq!(queue.end(), Some(Time::from_millis(3_000)));
    }
}
