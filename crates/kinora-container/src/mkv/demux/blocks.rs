//! From blocks to packets (RFC 9559 5.1.3.4, 5.1.3.5).

use std::collections::VecDeque;

use bytes::Bytes;
use kinora_media::{Packet, PacketFlags, Time};

use super::super::block::{self, BlockHead};
use super::super::ebml::{Element, children};
use super::super::id;
use super::super::track::Track;
use super::{MkvDemuxer, Sink};

/// Frames that one block can hold.
const MAX_LACED: i64 = 256;

/// What stands beside a block in its group.
#[derive(Clone, Copy, Default)]
struct Beside {
    /// Nothing before it is needed to decode it; `None`: the block itself tells.
    is_key: Option<bool>,
    /// How long it lasts.
    duration: Option<Time>,
    /// Sound at its end that is not to be heard.
    discard: Time,
}

impl MkvDemuxer {
    pub(super) fn read_simple_block(&mut self, block: Bytes) {
        self.read_block(block, Beside::default());
    }

    pub(super) fn read_block_group(&mut self, group: &Element) {
        let (mut block, mut ticks, mut is_key) = (None, None, true);
        let mut discard = Time::ZERO;
        for child in children(&group.body) {
            match child.id {
                id::BLOCK => block = Some(child.body),
                id::BLOCK_DURATION => ticks = child.uint().and_then(|t| i64::try_from(t).ok()),
                id::REFERENCE_BLOCK => is_key = false,
                id::DISCARD_PADDING => {
                    discard = Time::from_nanos(child.int().unwrap_or(0)).max(Time::ZERO);
                }
                _ => {}
            }
        }
        let segment = self.cluster.and_then(|one| self.segments.get(one.segment));
        let duration = ticks.and_then(|ticks| Some(segment?.span(ticks)));
        match block {
            Some(block) => self.read_block(
                block,
                Beside {
                    is_key: Some(is_key),
                    duration: duration.filter(|duration| *duration > Time::ZERO),
                    discard,
                },
            ),
            None => self.damaged(),
        }
    }

    #[allow(clippy::arithmetic_side_effects)] // Times saturate.
    fn read_block(&mut self, block: Bytes, beside: Beside) {
        let mut frames = core::mem::take(&mut self.frames);
        frames.clear();
        let read = block::read(block, &mut frames);
        if let (Ok(head), Some(time)) = (read, self.time_of(read.ok())) {
            let mut tracks = self.tracks.iter_mut();
            if let Some(track) = tracks.find(|track| u64::from(track.info.id.0) == head.track) {
                let pts = time - track.codec_delay;
                let lost = packets(track, head, pts, beside, &mut frames, &mut self.made);
                self.damage = self.damage.saturating_add(lost);
            }
        } else {
            self.damaged();
        }
        self.frames = frames;
        self.route();
    }

    /// The time of a block; `None` where its cluster has not told its own.
    fn time_of(&self, head: Option<BlockHead>) -> Option<Time> {
        let cluster = self.cluster?;
        let ticks = cluster.ticks?.saturating_add(head?.ticks.into());
        Some(self.segments.get(cluster.segment)?.time(ticks))
    }

    /// Sends packets where they are wanted.
    #[allow(clippy::arithmetic_side_effects)] // Times saturate.
    fn route(&mut self) {
        while let Some(packet) = self.made.pop_front() {
            match &mut self.sink {
                Sink::Give => {
                    self.end = self.end.max(packet.pts + packet.duration);
                    self.ready.push_back(packet);
                }
                Sink::Search(_) => {}
                Sink::Measure(tail) => tail.measure(&packet),
                Sink::Collect(_) => {
                    if !self.collect(packet) {
                        // What is left of this block is of the place that was left.
                        self.made.clear();
                    }
                }
            }
        }
    }
}

/// Makes packets of the frames of a block; gives how many could not be restored.
#[allow(clippy::arithmetic_side_effects)] // Times saturate.
fn packets(
    track: &mut Track,
    head: BlockHead,
    mut pts: Time,
    beside: Beside,
    frames: &mut Vec<Bytes>,
    made: &mut VecDeque<Packet>,
) -> u64 {
    let count = i64::try_from(frames.len()).unwrap_or(MAX_LACED);
    let each = beside.duration.map(|all| {
        let nanos = all.as_nanos().checked_div(count);
        Time::from_nanos(nanos.unwrap_or(0))
    });
    let key = track.is_intra_only() || beside.is_key.unwrap_or(head.is_key());
    let is_discardable = beside.is_key.is_none() && head.is_discardable();
    let mut left = frames.len();
    let mut lost = 0u64;
    for frame in frames.drain(..) {
        left = left.saturating_sub(1);
        let Ok(restored) = track.encodings.restore(frame) else {
            lost = lost.saturating_add(1);
            continue;
        };
        let whole = each.unwrap_or_else(|| track.frame_duration(&restored.data));
        let duration = match left {
            0 => (whole - beside.discard).max(Time::ZERO),
            _ => whole,
        };
        if !restored.data.is_empty() {
            made.push_back(Packet {
                track: track.info.id,
                pts,
                dts: track.clock.decoded(pts, whole),
                duration,
                flags: PacketFlags {
                    key,
                    decode_only: head.is_invisible(),
                    discontinuity: false,
                    disposable: is_discardable || track.is_unreferenced(&restored.data),
                },
                data: restored.data,
                crypto: restored.crypto,
            });
        }
        pts += whole;
    }
    lost
}
