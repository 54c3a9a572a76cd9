//! The decoders and outputs of the pipelines: what goes in, and what becomes of those that fail.

use std::sync::Arc;

use kinora_errors::{Fault, codes};

use super::Session;
use crate::cx::Cx;
use crate::pipeline::TrackPipeline;
use crate::pipelines::Pipelines;
use crate::recover::{self, PlaybackRecovery};
use crate::select::Selection;
use crate::{InfoCode, Role, TimingMark};

/// Packets that were decoded are looked through once so many of them are held.
const MAX_DECODED: usize = 512;

impl Session {
    pub(super) fn configured(
        &mut self,
        cx: &mut Cx,
        role: Role,
        decoder: &str,
        fell_back: Option<Fault>,
    ) {
        cx.mark(TimingMark::DecoderOpen);
        self.pipelines[role].answered();
        if let Some(fault) = fell_back {
            let what = match role {
                Role::Video => "video",
                Role::Audio => "audio",
                Role::Text => "text",
            };
            cx.info(
                InfoCode::SwitchToSoftwareDecoder,
                format!("{decoder} decodes the {what}"),
            );
            cx.recovered(fault);
        }
    }

    pub(super) fn decode_failed(&mut self, cx: &mut Cx, role: Role, fault: Fault, fatal: bool) {
        cx.tally.corrupt += u64::from(!fatal);
        let others = self.pipelines.gating().any(|other| other.role != role);
        let pipeline = &mut self.pipelines[role];
        pipeline.decoded.failed(&fault);
        if fatal {
            pipeline.answered();
        }
        if !pipeline.is_on() {
            return;
        }
        let recovery = recover::decode_failed(fatal, others);
        if recovery != PlaybackRecovery::Count && self.other_codec_plays(cx, role) {
            cx.recovered(fault);
            self.load_anew(cx);
            // Not before it was told to pass over what is in its mailbox.
            return self.pipelines[role].forget_decoder();
        }
        self.recover(cx, role, recovery, fault);
    }

    /// Whether a rendition of another codec takes the place of the one whose video no decoder takes.
    fn other_codec_plays(&mut self, cx: &mut Cx, role: Role) -> bool {
        let track = self.pipelines[role].track.as_ref();
        let Some(codec) = track.map(|track| track.codec) else {
            return false;
        };
        role == Role::Video && self.ingest.decoder_failed(cx, codec)
    }

    pub(super) fn output_failed(&mut self, cx: &mut Cx, role: Role, fault: Fault, fatal: bool) {
        match recover::output_failed(role, fatal) {
            // It ends at once: what is there can not be played to its end without the output.
            PlaybackRecovery::Fail => {
                self.pipelines.iter_mut().for_each(TrackPipeline::give_up);
                self.supply.fail(fault);
            }
            recovery => self.recover(cx, role, recovery, fault),
        }
    }

    fn recover(&mut self, cx: &mut Cx, role: Role, recovery: PlaybackRecovery, fault: Fault) {
        match recovery {
            PlaybackRecovery::Count => {}
            PlaybackRecovery::PlayOn => cx.recovered(fault),
            PlaybackRecovery::PlayOthers => {
                self.give_up(cx, role, &fault);
                cx.recovered(fault);
            }
            PlaybackRecovery::Fail => {
                self.give_up(cx, role, &fault);
                self.supply.fail(match is_unsupported(&fault) {
                    true => no_valid_stream(&fault),
                    false => fault,
                });
            }
        }
    }

    fn give_up(&mut self, cx: &mut Cx, role: Role, fault: &Fault) {
        let pipeline = &mut self.pipelines[role];
        pipeline.flush(cx, pipeline.epoch);
        pipeline.give_up();
        let code = match (role, is_unsupported(fault)) {
            (Role::Audio, true) => InfoCode::AudioCodecNotSupport,
            (Role::Audio, false) => InfoCode::AudioDecoderDeviceError,
            (Role::Video, true) => InfoCode::VideoCodecNotSupport,
            (Role::Video, false) => InfoCode::VideoDecoderDeviceError,
            (Role::Text, _) => return,
        };
        cx.info(code, fault.to_string());
    }

    pub(super) fn follow(&mut self, cx: &mut Cx, selection: &Selection) {
        for (role, track) in selection.iter() {
            let pipeline = &mut self.pipelines[role];
            pipeline.follow(Arc::clone(track));
            // The decoder opens while the first packets are on their way.
            if pipeline.is_on() && pipeline.queue.is_drained() {
                pipeline.configure(cx, track);
            }
        }
    }

    pub(super) fn feed(&mut self, cx: &mut Cx) {
        let ended = self.supply.is_over();
        if self.is_running() {
            // A decoder that is behind catches up by what no other frame needs.
            self.pipelines.video.late_until = self.clock.position(cx.mono());
        }
        let decoded = |pipelines: &Pipelines| {
            let read = pipelines.iter().map(|it| it.queue.read_packets());
            read.sum::<usize>()
        };
        let before = decoded(&self.pipelines);
        // Who searches hears nothing.
        let is_silent = self.is_scanning();
        let (subtitles, mut found) = (&mut self.subtitles, false);
        let pipelines = self.pipelines.iter_mut();
        for pipeline in pipelines.filter(|it| !is_silent || it.role == Role::Video) {
            let is_video = pipeline.role == Role::Video;
            pipeline.feed(cx, ended, |cx, entry| {
                found |= is_video && subtitles.look(cx, &entry.track, &entry.packet);
            });
        }
        if found {
            self.captions_found(cx);
        }
        let decoded = decoded(&self.pipelines);
        // Cheap enough once in a while; each time would walk the queue for each packet.
        if decoded > before && decoded > MAX_DECODED {
            let keep = self.kept_from(cx);
            self.pipelines.trim(keep);
        }
    }
}

fn is_unsupported(fault: &Fault) -> bool {
    [
        codes::ERROR_CODEC_VIDEO_NOT_SUPPORT,
        codes::ERROR_CODEC_AUDIO_NOT_SUPPORT,
    ]
    .contains(&fault.code())
}

fn no_valid_stream(cause: &Fault) -> Fault {
    Fault::new(codes::ERROR_DEMUXER_NO_VALID_STREAM, "decoder.none")
        .because("no track of the source can be decoded here")
        .in_place_of(cause)
}
