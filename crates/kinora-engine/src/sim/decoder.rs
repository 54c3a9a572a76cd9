use std::collections::{BTreeMap, VecDeque};

use kinora_errors::{Fault, codes};
use kinora_media::{Packet, Time, TrackInfo};

use super::{Agenda, Dice, Happening, ms};
use crate::{DecoderFailures, DecoderRecovery, Epoch, FrameId, Input, Preroll, Role};

/// Packets, of those that are shown and those before, and what is asked for between them.
const MAX_JOBS: usize = 48;

/// What a decoder refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Damage {
    /// Nothing.
    #[default]
    None,
    /// The whole track.
    Unsupported,
    /// One packet in so many.
    EveryNth(u64),
    /// Nothing, and yet no frame comes of it.
    Mute,
}

/// A packet to decode, and how.
pub(super) struct Work {
    pub(super) packet: Packet,
    pub(super) urgent: bool,
    pub(super) discard_before: Time,
}

enum Job {
    Configure(Epoch),
    Packet(Epoch, Work),
    Drain(Epoch),
}

/// Gives a frame for each packet, in presentation order, after a while.
pub(super) struct Decoder {
    role: Role,
    jobs: VecDeque<Job>,
    busy: bool,
    newest: Epoch,
    open: bool,
    /// Pictures that wait for those shown before them.
    held: BTreeMap<Time, (Packet, Epoch)>,
    preroll: Preroll<(Packet, Epoch)>,
    failures: DecoderFailures,
    dice: Dice,
    next_frame: u64,
    pub(super) packets: u64,
    pub(super) damage: Damage,
    /// How long each packet takes, where that is more than usual.
    pub(super) slowness: Time,
}

impl Decoder {
    pub(super) fn new(role: Role, seed: u64) -> Self {
        Self {
            role,
            jobs: VecDeque::new(),
            busy: false,
            newest: Epoch(0),
            open: false,
            held: BTreeMap::new(),
            preroll: Preroll::default(),
            failures: DecoderFailures::default(),
            dice: Dice::new(seed),
            next_frame: if role == Role::Video { 1 } else { 1 << 40 },
            packets: 0,
            damage: Damage::None,
            slowness: Time::ZERO,
        }
    }

    pub(super) fn configure(
        &mut self,
        agenda: &mut Agenda,
        now: Time,
        epoch: Epoch,
        _track: &TrackInfo,
    ) {
        self.add(agenda, now, Job::Configure(epoch));
    }
    pub(super) fn decode(&mut self, agenda: &mut Agenda, now: Time, epoch: Epoch, work: Work) {
        assert!(
            work.packet.crypto.is_none(),
            "an encrypted packet is decoded"
        );
        self.add(agenda, now, Job::Packet(epoch, work));
        assert!(
            self.jobs.len() <= MAX_JOBS,
            "too many packets in the mailbox of {:?}",
            self.role
        );
    }
    pub(super) fn drain(&mut self, agenda: &mut Agenda, now: Time, epoch: Epoch) {
        self.add(agenda, now, Job::Drain(epoch));
    }
    pub(super) fn flush(&mut self, epoch: Epoch) {
        self.newest = epoch;
        self.held.clear();
        self.preroll.flush();
        self.jobs.retain(|job| match job {
            Job::Configure(of) | Job::Packet(of, ..) | Job::Drain(of) => *of >= epoch,
        });
    }
    pub(super) fn close(&mut self) {
        self.jobs.clear();
        self.held.clear();
        self.preroll.flush();
        self.open = false;
    }

    fn add(&mut self, agenda: &mut Agenda, now: Time, job: Job) {
        self.jobs.push_back(job);
        if !self.busy {
            self.busy = true;
            agenda.add(now + self.effort(), Happening::Work(self.role));
        }
    }

    fn effort(&mut self) -> Time {
        let usual = Time::from_micros(200 + i64::try_from(self.dice.below(3_000)).unwrap_or(0));
        usual.max(self.slowness)
    }

    pub(super) fn step(&mut self, agenda: &mut Agenda, now: Time) -> Vec<Input> {
        let mut reported = Vec::new();
        match self.jobs.pop_front() {
            None => {}
            Some(Job::Configure(epoch)) => self.open(epoch, &mut reported),
            Some(Job::Packet(epoch, work)) => self.take(epoch, work, &mut reported),
            Some(Job::Drain(epoch)) => {
                self.give_all(&mut reported);
                reported.push(Input::Drained {
                    role: self.role,
                    epoch,
                });
            }
        }
        self.busy = !self.jobs.is_empty();
        if self.busy {
            agenda.add(now + self.effort(), Happening::Work(self.role));
        }
        reported
    }

    fn open(&mut self, epoch: Epoch, reported: &mut Vec<Input>) {
        self.give_all(reported);
        self.failures = DecoderFailures::default();
        self.open = self.damage != Damage::Unsupported;
        reported.push(match self.open {
            true => Input::Configured {
                role: self.role,
                epoch,
                decoder: "simulated".into(),
                fell_back: None,
            },
            false => {
                let code = match self.role {
                    Role::Video => codes::ERROR_CODEC_VIDEO_NOT_SUPPORT,
                    Role::Audio | Role::Text => codes::ERROR_CODEC_AUDIO_NOT_SUPPORT,
                };
                let fault = Fault::new(code, "decoder.unsupported");
                Input::DecodeFailed {
                    role: self.role,
                    epoch,
                    fault,
                    fatal: true,
                }
            }
        });
    }

    fn take(&mut self, epoch: Epoch, work: Work, reported: &mut Vec<Input>) {
        let Work { packet, urgent, .. } = work;
        self.packets += 1;
        self.preroll.discard_before(work.discard_before);
        let damaged =
            matches!(self.damage, Damage::EveryNth(nth) if self.packets.is_multiple_of(nth));
        if damaged {
            let fault = Fault::new(codes::ERROR_DECODE_VIDEO, "decoder.corrupt_packet");
            let fatal = self.failures.failed(false) == DecoderRecovery::GiveUp;
            reported.push(Input::DecodeFailed {
                role: self.role,
                epoch,
                fault,
                fatal,
            });
        } else {
            assert!(
                self.open || self.damage == Damage::Unsupported,
                "{:?} are to be decoded by a decoder that is not open",
                self.role
            );
            let dts = packet.dts;
            if !packet.flags.decode_only && self.damage != Damage::Mute {
                self.held.insert(packet.pts, (packet, epoch));
            }
            // What is shown before the next packet is decoded can have no predecessor any more.
            let until = if self.role == Role::Audio || urgent {
                Time::MAX
            } else {
                dts
            };
            self.give_until(until, reported);
        }
        reported.push(Input::PacketTaken {
            role: self.role,
            epoch,
        });
    }

    fn give_until(&mut self, until: Time, reported: &mut Vec<Input>) {
        while let Some(entry) = self.held.first_entry() {
            if *entry.key() > until {
                return;
            }
            let (packet, epoch) = entry.remove();
            self.failures.frame();
            let times = (packet.pts, packet.duration.max(ms(1)));
            for frame in self.preroll.pass(self.role, (packet, epoch), times) {
                self.give(frame, reported);
            }
        }
    }

    /// No packet follows.
    fn give_all(&mut self, reported: &mut Vec<Input>) {
        self.give_until(Time::MAX, reported);
        if let Some(frame) = self.preroll.drain() {
            self.give(frame, reported);
        }
    }

    fn give(&mut self, (packet, epoch): (Packet, Epoch), reported: &mut Vec<Input>) {
        self.next_frame += 1;
        reported.push(Input::FrameReady {
            role: self.role,
            epoch,
            frame: FrameId(self.next_frame),
            pts: packet.pts,
            duration: packet.duration.max(ms(1)),
            size: (self.role == Role::Video).then_some((64, 48)),
        });
    }
}
