//! One segment on its way through decryption and its demuxer onto the timeline.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use kinora_container::Step;
use kinora_container::registry::{self, ContainerKind, ProbingDemuxer, Sniff};
use kinora_container::ts::TsDemuxer;
use kinora_errors::{Coded, Fault, codes};
use kinora_media::{MediaInfo, Packet, Time, TrackId, TrackKind};
use kinora_protect::{ContentKey, HlsDecryptor, Iv};

use super::plan::{Key, Segment};
use crate::tape::{Tape, TapedDemuxer};

/// A jump so large is no drift of the playlist's durations: the clock was set anew.
const JUMP: Time = Time::from_millis(10_000);

/// How the clocks of the media relate to the presentation's timeline, by discontinuity sequence
/// number; all renditions of a stream share it.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    shifts: BTreeMap<u64, Time>,
}

impl Timeline {
    /// Nothing was placed on it so far.
    pub(super) fn is_empty(&self) -> bool {
        self.shifts.is_empty()
    }

    fn shift(&mut self, segment: &Segment, first: Time, wraps: bool) -> Time {
        let fresh = segment.start - first;
        let known = self.shifts.get(&segment.discontinuity).copied();
        let known = known.map(|shift| if wraps { unwrap(shift, fresh) } else { shift });
        let shift = match known {
            Some(shift) if (shift - fresh).abs() < JUMP => shift,
            _ => fresh,
        };
        self.shifts.insert(segment.discontinuity, shift);
        if self.shifts.len() > 64 {
            self.shifts.pop_first();
        }
        shift
    }
}

/// The same shift modulo the 33-bit clock, as near to the other as can be.
fn unwrap(shift: Time, near: Time) -> Time {
    let period = TsDemuxer::CLOCK_PERIOD;
    if near - shift > period.scale(0.5) {
        shift + period
    } else if shift - near > period.scale(0.5) {
        shift - period
    } else {
        shift
    }
}

/// What the load has for the loader.
pub(super) enum Given {
    Packet(Packet),
    Info(Arc<MediaInfo>),
    /// More bytes of it must come first.
    Starved,
    /// It is through.
    Over,
}

/// A segment that is being read.
pub(super) struct Load {
    pub(super) segment: Segment,
    pieces: VecDeque<Bytes>,
    complete: bool,
    tape: Tape,
    demuxer: Option<TapedDemuxer>,
    crypt: Option<HlsDecryptor>,
    unlocked: bool,
    pushed: u64,
    finished: bool,
    /// The clock is not the media's own: it begins at zero in each segment.
    relative: bool,
    wraps: bool,
    video: Option<TrackId>,
    shift: Option<Time>,
    /// Packets that wait for the first one that places them on the timeline.
    held: VecDeque<Packet>,
    discontinuity: bool,
}

impl Load {
    pub(super) fn new(segment: Segment, discontinuity: bool, tape: Tape) -> Self {
        Self {
            tape,
            segment,
            pieces: VecDeque::new(),
            complete: false,
            demuxer: None,
            crypt: None,
            unlocked: false,
            pushed: 0,
            finished: false,
            relative: false,
            wraps: false,
            video: None,
            shift: None,
            held: VecDeque::new(),
            discontinuity,
        }
    }

    pub(super) fn add(&mut self, data: Bytes) {
        self.pieces.push_back(data);
    }

    /// Places of damage in it that were passed over.
    pub(super) fn damage(&self) -> u64 {
        self.demuxer.as_ref().map_or(0, TapedDemuxer::damage)
    }

    /// All its bytes came.
    pub(super) fn complete(&mut self) {
        self.complete = true;
    }

    pub(super) fn needs_key(&self) -> Option<&Arc<Key>> {
        self.segment.key.as_ref().filter(|_| !self.unlocked)
    }

    pub(super) fn unlock(&mut self, key: &ContentKey, iv: Iv) {
        self.crypt = Some(HlsDecryptor::new(key, iv));
        self.unlocked = true;
    }

    /// Gives the next thing. The key, if there is one, must have been set before; `init` is the init
    /// section's content.
    pub(super) fn give(
        &mut self,
        init: Option<&Bytes>,
        timeline: &mut Timeline,
    ) -> Result<Given, Fault> {
        loop {
            if self.shift.is_some()
                && let Some(packet) = self.held.pop_front()
            {
                return Ok(Given::Packet(self.placed(packet)));
            }
            if !self.push(init)? {
                return Ok(Given::Starved);
            }
            let Some(demuxer) = &mut self.demuxer else {
                return Ok(Given::Over);
            };
            match demuxer.poll().map_err(|fault| self.fault(fault))? {
                Step::Info(info) => {
                    self.video = info.first(TrackKind::Video).map(|track| track.id);
                    return Ok(Given::Info(info));
                }
                Step::Packet(packet) => {
                    let decides = self.video.is_none_or(|video| video == packet.track);
                    if self.shift.is_none() && decides {
                        self.anchor(packet.pts, timeline);
                    }
                    self.held.push_back(packet);
                }
                Step::NeedMore | Step::Want(_) if !self.finished => {
                    if self.pieces.is_empty() && !self.complete {
                        return Ok(Given::Starved);
                    }
                }
                Step::NeedMore | Step::Want(_) | Step::End => {
                    if self.held.is_empty() {
                        return Ok(Given::Over);
                    }
                    // Sound alone, though pictures were announced.
                    let first = self.held.front().map_or(Time::ZERO, |packet| packet.pts);
                    if self.shift.is_none() {
                        self.anchor(first, timeline);
                    }
                }
            }
        }
    }

    fn anchor(&mut self, first: Time, timeline: &mut Timeline) {
        self.shift = Some(match self.relative {
            true => self.segment.start - first,
            false => timeline.shift(&self.segment, first, self.wraps),
        });
    }

    fn placed(&mut self, mut packet: Packet) -> Packet {
        let shift = self.shift.unwrap_or_default();
        packet.pts += shift;
        packet.dts += shift;
        packet.flags.discontinuity |= std::mem::take(&mut self.discontinuity);
        packet
    }

    /// Hands bytes to the demuxer. `false`: there are none yet.
    fn push(&mut self, init: Option<&Bytes>) -> Result<bool, Fault> {
        while let Some(piece) = self.pieces.pop_front() {
            let Some(crypt) = &mut self.crypt else {
                self.feed(init, piece);
                continue;
            };
            for data in crypt.push(piece) {
                self.feed(init, data);
            }
        }
        if self.complete && !self.finished {
            if let Some(crypt) = self.crypt.take() {
                let mut rest = Bytes::new();
                let ended = self.tape.try_see("decrypt", || {
                    rest = crypt.finish().map_err(|error| error.fault())?;
                    Ok(())
                });
                ended.map_err(|fault| self.placed_fault(fault))?;
                if !rest.is_empty() {
                    self.feed(init, rest);
                }
            }
            self.finished = true;
            if let Some(demuxer) = &mut self.demuxer {
                demuxer.set_len(self.pushed);
                demuxer.finish();
            }
        }
        Ok(self.demuxer.is_some() || self.finished)
    }

    fn feed(&mut self, init: Option<&Bytes>, data: Bytes) {
        if self.demuxer.is_none() {
            let head = init.unwrap_or(&data);
            (self.wraps, self.relative) = self.tape.see("clock", || {
                let kind = match registry::sniff(head) {
                    Sniff::Known(kind) => Some(kind),
                    _ => None,
                };
                let relative = !matches!(kind, Some(ContainerKind::Ts | ContainerKind::Mp4) | None);
                (kind == Some(ContainerKind::Ts), relative)
            });
            let mut demuxer = TapedDemuxer::new(&self.tape, || match self.wraps {
                true => Box::new(TsDemuxer::with_timestamps_kept()),
                false => Box::new(ProbingDemuxer::new()),
            });
            if let Some(init) = init {
                demuxer.push(0, init.clone());
                self.pushed = init.len() as u64;
            }
            self.demuxer = Some(demuxer);
        }
        let offset = self.pushed;
        self.pushed += data.len() as u64;
        if let Some(demuxer) = &mut self.demuxer {
            demuxer.push(offset, data);
        }
    }

    fn fault(&self, fault: Fault) -> Fault {
        match self.segment.key {
            // Wrong keys give noise, in which no container is found.
            Some(_) if self.video.is_none() => self.placed_fault(wrong_key()),
            _ => self.placed_fault(fault),
        }
    }

    fn placed_fault(&self, fault: Fault) -> Fault {
        let number = self.segment.number;
        fault
            .at_url(self.segment.url.expose())
            .with(|context| context.segment = Some(number))
    }
}

fn wrong_key() -> Fault {
    Fault::new(codes::ERROR_DEMUXER_OPENSTREAM, "hls.key.wrong")
        .because("what was decrypted is no media: the key does not fit, or the segment is damaged")
}
