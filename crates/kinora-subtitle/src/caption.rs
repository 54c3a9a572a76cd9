//! Captions that lie within video: triplets of `cc_data` (ANSI/CTA-708 4.3) in the order of decoding become what is on the screen.

pub(crate) mod grid;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use kinora_media::Time;

use crate::cea608::Cea608;
use crate::cea708::Cea708;
use crate::{Cue, Update};

/// A caption channel of analogue television (ANSI/CTA-608): two on each field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CaptionChannel {
    /// The first on field 1: what is meant by "closed captions".
    Cc1,
    /// The second on field 1.
    Cc2,
    /// The first on field 2: often another language.
    Cc3,
    /// The second on field 2.
    Cc4,
}

/// Whose captions are wanted of those that lie side by side.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CaptionService {
    /// A channel of CEA-608. HLS calls them `CC1` to `CC4`.
    Cea608(CaptionChannel),
    /// A service of CEA-708, 1 to 63. HLS calls them `SERVICE1` to `SERVICE63`.
    Cea708(u8),
}

impl CaptionService {
    /// The channel that most programmes use.
    pub const CC1: Self = Self::Cea608(CaptionChannel::Cc1);

    /// By `INSTREAM-ID` (RFC 8216 4.3.4.1): `CC1`, `SERVICE3`.
    #[must_use]
    pub fn from_instream_id(name: &str) -> Option<Self> {
        Some(Self::Cea608(match name {
            "CC1" => CaptionChannel::Cc1,
            "CC2" => CaptionChannel::Cc2,
            "CC3" => CaptionChannel::Cc3,
            "CC4" => CaptionChannel::Cc4,
            _ => {
                let number = name.strip_prefix("SERVICE")?.parse().ok()?;
                return (1..=63).contains(&number).then_some(Self::Cea708(number));
            }
        }))
    }

    /// The services that a picture's triplets speak of: an application learns of tracks that nothing announces. Of CEA-608
    /// what commands name, of CEA-708 the first service of each packet.
    #[must_use]
    pub fn within(cc_data: &[u8]) -> Vec<Self> {
        let mut found = Vec::new();
        for triplet in triplets(cc_data) {
            let service = match triplet {
                Triplet::Line21 { field, pair } => {
                    let [first, second] = pair.map(|byte| byte & 0x7f);
                    let is_command = (0x10..=0x1f).contains(&first) && second >= 0x20;
                    is_command.then(|| Self::Cea608(CaptionChannel::of(field, first)))
                }
                Triplet::Start([_, header]) => Some(header >> 5)
                    .filter(|number| (1..=6).contains(number))
                    .map(Self::Cea708),
                Triplet::Data(_) => None,
            };
            found.extend(service.filter(|service| !found.contains(service)));
        }
        found
    }
}

impl CaptionChannel {
    /// The channel of a command on a field, counted from 0.
    const fn of(field: u8, command: u8) -> Self {
        match (field, command & 0x08) {
            (0, 0) => Self::Cc1,
            (0, _) => Self::Cc2,
            (_, 0) => Self::Cc3,
            (..) => Self::Cc4,
        }
    }

    /// Field, counted from 0, and whether it is the second channel on it.
    const fn place(self) -> (u8, bool) {
        match self {
            Self::Cc1 => (0, false),
            Self::Cc2 => (0, true),
            Self::Cc3 => (1, false),
            Self::Cc4 => (1, true),
        }
    }
}

/// What three bytes of `cc_data` are.
enum Triplet {
    /// Two bytes of CEA-608.
    Line21 { field: u8, pair: [u8; 2] },
    /// The start of a packet of CEA-708.
    Start([u8; 2]),
    /// Its continuation.
    Data([u8; 2]),
}

/// The triplets that are valid (ANSI/CTA-708 table 3).
fn triplets(cc_data: &[u8]) -> impl Iterator<Item = Triplet> {
    let (triplets, _) = cc_data.as_chunks::<3>();
    triplets.iter().filter_map(|[flags, first, second]| {
        let pair = [*first, *second];
        let is_valid = flags & 0x04 != 0;
        is_valid.then(|| match flags & 0x03 {
            2 => Triplet::Data(pair),
            3 => Triplet::Start(pair),
            field => Triplet::Line21 { field, pair },
        })
    })
}

/// Reads the captions of one service.
///
/// It is given each picture's triplets as [`kinora_media::bitstream::captions`] finds them, in the order of decoding, and puts
/// them into that of presentation.
#[derive(Debug)]
pub struct CaptionDecoder {
    screen: Screen,
    /// Pictures that others may still come before.
    waiting: VecDeque<(Time, Vec<u8>)>,
    shown: Vec<Cue>,
}

#[derive(Debug)]
enum Screen {
    Cea608 { field: u8, decoder: Box<Cea608> },
    Cea708(Box<Cea708>),
}

/// Pictures that wait: as many as a decoder may reorder (ITU-T H.264 A.3.1).
const MAX_WAITING: usize = 32;
/// Bytes of triplets of one picture: 31 of them.
const MAX_TRIPLETS: usize = 31 * 3;

impl CaptionDecoder {
    /// One for that service.
    #[must_use]
    pub fn new(service: CaptionService) -> Self {
        let screen = match service {
            CaptionService::Cea608(channel) => {
                let (field, is_second) = channel.place();
                Screen::Cea608 {
                    field,
                    decoder: Box::new(Cea608::new(is_second)),
                }
            }
            CaptionService::Cea708(number) => Screen::Cea708(Box::new(Cea708::new(number))),
        };
        Self {
            screen,
            waiting: VecDeque::new(),
            shown: Vec::new(),
        }
    }

    /// Takes the triplets of a picture; gives back how the screen changed in the pictures that none can come before any more.
    pub fn push(&mut self, pts: Time, dts: Time, cc_data: &[u8]) -> Vec<Update> {
        let data = cc_data.get(..MAX_TRIPLETS).unwrap_or(cc_data);
        let at = self.waiting.partition_point(|(time, _)| *time <= pts);
        self.waiting.insert(at, (pts, data.to_vec()));
        let mut updates = Vec::new();
        while let Some((time, _)) = self.waiting.front() {
            if *time > dts && self.waiting.len() <= MAX_WAITING {
                break;
            }
            updates.extend(self.next());
        }
        updates
    }

    /// What still waits: at the end.
    pub fn finish(&mut self) -> Vec<Update> {
        let mut updates = Vec::new();
        while !self.waiting.is_empty() {
            updates.extend(self.next());
        }
        updates
    }

    /// The pictures that follow do not continue those before: after a seek.
    pub fn reset(&mut self) {
        self.waiting.clear();
        self.shown.clear();
        match &mut self.screen {
            Screen::Cea608 { decoder, .. } => decoder.reset(),
            Screen::Cea708(decoder) => decoder.reset(),
        }
    }

    fn next(&mut self) -> Option<Update> {
        let (at, data) = self.waiting.pop_front()?;
        for triplet in triplets(&data) {
            match (&mut self.screen, triplet) {
                (Screen::Cea608 { field, decoder }, Triplet::Line21 { field: of, pair })
                    if *field == of =>
                {
                    decoder.push(pair);
                }
                (Screen::Cea708(decoder), Triplet::Start(pair)) => decoder.start(pair),
                (Screen::Cea708(decoder), Triplet::Data(pair)) => decoder.push(pair),
                _ => {}
            }
        }
        let cues = match &self.screen {
            Screen::Cea608 { decoder, .. } => decoder.cues(),
            Screen::Cea708(decoder) => decoder.cues(),
        };
        if cues == self.shown {
            return None;
        }
        self.shown.clone_from(&cues);
        let cues = cues.into_iter().map(|cue| Cue { start: at, ..cue });
        Some(Update::Replace {
            at,
            cues: cues.collect(),
        })
    }
}
