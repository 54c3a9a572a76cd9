//! The lines through the decoders: what goes in, and what becomes of one that fails.

use std::sync::Arc;

use kinora_errors::{Fault, codes};
use kinora_media::Time;

use super::Session;
use crate::cx::Cx;
use crate::line::Health;
use crate::select::Selection;
use crate::{InfoCode, Slot, TimingMark};

impl Session {
    pub(super) fn configured(
        &mut self,
        cx: &mut Cx,
        slot: Slot,
        decoder: &str,
        fell_back: Option<Fault>,
    ) {
        cx.mark(TimingMark::DecoderOpen);
        self.lines.line(slot).answered();
        if let Some(fault) = fell_back {
            let line = match slot {
                Slot::Video => "pictures",
                Slot::Audio => "sound",
            };
            cx.info(
                InfoCode::SwitchToSoftwareDecoder,
                format!("{decoder} decodes the {line}"),
            );
            cx.recovered(fault);
        }
    }

    pub(super) fn decode_failed(&mut self, cx: &mut Cx, slot: Slot, fault: Fault, fatal: bool) {
        cx.tally.corrupt += u64::from(!fatal);
        let line = self.lines.line(slot);
        let hopeless = line.decoded.failed(&fault);
        if fatal {
            line.answered();
        }
        if !line.is_on() || !fatal && !hopeless {
            return;
        }
        self.line_died(cx, slot, fault);
    }

    /// The other line plays on; without one there is nothing to play.
    fn line_died(&mut self, cx: &mut Cx, slot: Slot, fault: Fault) {
        let unsupported = [
            codes::ERROR_CODEC_VIDEO_NOT_SUPPORT,
            codes::ERROR_CODEC_AUDIO_NOT_SUPPORT,
        ]
        .contains(&fault.code());
        let epoch = self.epoch;
        let line = self.lines.line(slot);
        line.flush(cx, epoch);
        line.queue.clear();
        line.health = Health::Dead;
        let code = match (slot, unsupported) {
            (Slot::Audio, true) => InfoCode::AudioCodecNotSupport,
            (Slot::Audio, false) => InfoCode::AudioDecoderDeviceError,
            (Slot::Video, true) => InfoCode::VideoCodecNotSupport,
            (Slot::Video, false) => InfoCode::VideoDecoderDeviceError,
        };
        cx.info(code, fault.to_string());
        if self.lines.video.is_on() || self.lines.audio.is_on() {
            cx.recovered(fault);
            return;
        }
        self.doom = Some(if unsupported {
            no_valid_stream(&fault)
        } else {
            fault
        });
    }

    pub(super) fn follow(&mut self, cx: &mut Cx, selection: &Selection) {
        let epoch = self.epoch;
        for (line, track) in self
            .lines
            .each()
            .into_iter()
            .zip([&selection.video, &selection.audio])
        {
            let Some(track) = track else { continue };
            line.follow(Arc::clone(track));
            // The decoder opens while the first packets are on their way.
            if line.is_on() && line.queue.is_drained() {
                line.configure(cx, epoch, track);
            }
        }
    }

    pub(super) fn feed(&mut self, cx: &mut Cx) {
        let (epoch, ended) = (self.epoch, self.ended || self.doom.is_some());
        let mut took_key = false;
        if self.is_moving() {
            // A decoder that is behind catches up by what no other picture needs.
            self.lines.video.late_until = self.clock.position(cx.mono());
        }
        for line in self.lines.each() {
            let before = line.queue.read_packets();
            line.feed(cx, epoch, ended);
            took_key |= line.queue.read_packets() > before;
        }
        // Cheap enough once in a while; each time would walk the queue for each packet.
        if took_key
            && (self.lines.video.queue.read_packets() > 256
                || self.lines.audio.queue.read_packets() > 512)
        {
            let position = self.clock.position(cx.mono());
            self.lines
                .trim(position - Time::from(cx.config.max_backward_buffer));
        }
    }
}

fn no_valid_stream(cause: &Fault) -> Fault {
    let mut fault = Fault::new(codes::ERROR_DEMUXER_NO_VALID_STREAM, "decoder.none")
        .because("no track of the source can be decoded here");
    for link in cause.causes() {
        fault = fault.because(link.0.clone());
    }
    fault
}
