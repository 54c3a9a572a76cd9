//! What comes of a track's packets, for what is reported of them: failures, and a decoder that takes all and gives nothing.

use kinora_errors::{Fault, codes};
use kinora_media::{Packet, Time};

use crate::Role;

/// A decoder that has taken so much of a track, in packets and in time, and gave nothing, will hardly give anything:
/// none holds back as much.
const SILENT_PACKETS: u32 = 48;
const SILENT_TIME: Time = Time::from_millis(3_000);

/// Counts from the last frame on.
#[derive(Debug, Default)]
pub(crate) struct DecodeYield {
    failures: u32,
    last_failure: Option<Fault>,
    /// Packets that the decoder was given, and the time of the first.
    taken: u32,
    since: Option<Time>,
    silence_reported: bool,
    slowness_reported: bool,
}

impl DecodeYield {
    /// A frame came.
    pub(crate) fn frame(&mut self) {
        *self = Self {
            silence_reported: self.silence_reported,
            slowness_reported: self.slowness_reported,
            ..Self::default()
        };
    }

    /// Packets from elsewhere come next, or none for a while.
    pub(crate) fn flushed(&mut self) {
        self.taken = 0;
        self.since = None;
    }

    /// A packet could not be decoded.
    pub(crate) fn failed(&mut self, fault: &Fault) {
        self.failures = self.failures.saturating_add(1);
        self.last_failure = Some(fault.clone());
    }

    /// Whether the last packets have failed.
    pub(crate) const fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// The decoder is given a packet. What is to be reported where it has given nothing for long, once a track.
    pub(crate) fn taken(&mut self, packet: &Packet, role: Role) -> Option<Fault> {
        // No frame is seen of packets that are decoded for others.
        if packet.flags.decode_only {
            return None;
        }
        let since = *self.since.get_or_insert(packet.dts);
        self.taken = self.taken.saturating_add(1);
        let silent = packet.dts - since;
        if self.silence_reported || self.taken < SILENT_PACKETS || silent < SILENT_TIME {
            return None;
        }
        self.silence_reported = true;
        Some(self.silence(role, silent))
    }

    /// Pictures are left out because the decoder is too slow. What is to be reported of it, once a track.
    pub(crate) fn too_slow(&mut self) -> Option<Fault> {
        if std::mem::replace(&mut self.slowness_reported, true) {
            return None;
        }
        let fault = Fault::new(codes::ERROR_DECODE_VIDEO, "decoder.slow");
        Some(fault.because(
            "the decoder does not keep up with the pictures: some are left out, up to the next key frame each time, and the sound plays on",
        ))
    }

    fn silence(&self, role: Role, silent: Time) -> Fault {
        let code = match role {
            Role::Video => codes::ERROR_DECODE_VIDEO,
            Role::Audio | Role::Text => codes::ERROR_DECODE_AUDIO,
        };
        let seconds = silent.as_millis() / 1_000;
        let (packets, failures) = (self.taken, self.failures);
        let fault = Fault::new(code, "decoder.silent").because(format!(
            "the decoder has given nothing for {packets} packets, which are {seconds} s of the track; {failures} of them failed"
        ));
        let failure = self.last_failure.iter().flat_map(Fault::causes);
        failure.fold(fault, |fault, cause| fault.because(cause.0.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use kinora_media::{PacketFlags, TrackId};

    fn packet(number: i64) -> Packet {
        let time = Time::from_millis(number * 100);
        Packet {
            track: TrackId(1),
            pts: time,
            dts: time,
            duration: Time::from_millis(100),
            flags: PacketFlags::default(),
            data: Bytes::new(),
            crypto: None,
        }
    }

    #[test]
    fn silence_is_reported_once() {
        let mut yields = DecodeYield::default();
        let first = (0..500).find(|number| yields.taken(&packet(*number), Role::Audio).is_some());
        assert_eq!(first, Some(47));
        assert!((501..900).all(|number| yields.taken(&packet(number), Role::Audio).is_none()));
    }

    #[test]
    fn a_frame_now_and_then_is_no_silence() {
        let fault = Fault::new(codes::ERROR_DECODE_VIDEO, "decoder.corrupt_packet");
        let mut yields = DecodeYield::default();
        for number in 0..5_000 {
            assert_eq!(yields.taken(&packet(number), Role::Video).map(|_| ()), None);
            match number % 30 {
                0 => yields.frame(),
                _ => yields.failed(&fault),
            }
        }
        assert!(yields.is_failing());
        yields.frame();
        assert!(!yields.is_failing());
    }

    #[test]
    fn a_seek_begins_anew() {
        let mut yields = DecodeYield::default();
        for round in 0..20 {
            for number in 0..40 {
                assert!(
                    yields
                        .taken(&packet(round * 1_000 + number), Role::Video)
                        .is_none()
                );
            }
            yields.flushed();
        }
    }
}
