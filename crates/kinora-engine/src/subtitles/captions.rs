//! Captions that lie within the pictures (ANSI/CTA-608, ANSI/CTA-708): which services there are.

use std::collections::VecDeque;

use kinora_manifest::select::{self, TextCandidate, TextPreference};
use kinora_media::bitstream::captions;
use kinora_media::{CodecId, Packet, Time, TrackInfo, TrackKind};
use kinora_subtitle::{CaptionChannel, CaptionDecoder, CaptionService, Update};

use crate::cx::Cx;
use crate::tape::{NotedCaptions, NotedUpdates};
use crate::{FIRST_CAPTIONS, TrackOption};

/// Pictures that are kept for captions that are chosen later: some seconds.
const MAX_RECENT: usize = 512;
/// Services that are listed: a stream that is noise names more.
const MAX_SERVICES: usize = 16;

/// A service that is known.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) service: CaptionService,
    /// What it is called, where that is announced.
    pub(crate) name: String,
    pub(crate) language: Option<String>,
    pub(crate) default: bool,
    pub(crate) autoselect: bool,
}

/// What is said of captions outside the pictures.
#[derive(Clone, Debug, Default)]
pub(crate) enum Announced {
    /// Nothing: the pictures are looked at.
    #[default]
    Untold,
    /// There are none (RFC 8216 4.3.4.2, `CLOSED-CAPTIONS=NONE`).
    None,
    /// These.
    Services(Vec<Known>),
}

/// The captions of a session.
#[derive(Default)]
pub(crate) struct Captions {
    known: Vec<Known>,
    /// The pictures are known to have none.
    absent: bool,
    /// Pictures that were looked at.
    looked: u64,
    /// Those of late that carry any, as [`CaptionDecoder::push`] takes them: what is shown when captions are chosen began before.
    recent: VecDeque<(Time, Time, Vec<u8>)>,
}

impl Captions {
    /// Takes what is announced, once.
    pub(crate) fn announce(&mut self, announced: Announced) {
        match announced {
            Announced::Untold => {}
            Announced::None => self.absent = true,
            Announced::Services(known) => self.known = known,
        }
        self.known.truncate(MAX_SERVICES);
    }

    /// The index of those that are shown where nobody chose any: of those that are announced.
    pub(crate) fn choose(&self, preference: TextPreference<'_>) -> Option<u32> {
        let candidates: Vec<TextCandidate<'_>> = self.known.iter().map(candidate).collect();
        let chosen = self.known.get(select::text(&candidates, preference)?)?;
        Some(index_of(chosen.service))
    }

    /// The service of an index, if it is known.
    pub(crate) fn service(&self, index: u32) -> Option<CaptionService> {
        let mut services = self.known.iter().map(|known| known.service);
        services.find(|service| index_of(*service) == index)
    }

    pub(crate) fn options(&self, on: Option<u32>) -> impl Iterator<Item = TrackOption> {
        self.known.iter().map(move |known| TrackOption {
            index: index_of(known.service),
            kind: TrackKind::Subtitle,
            label: label(known),
            size: None,
            bitrate: None,
            selected: on == Some(index_of(known.service)),
        })
    }

    /// Looks at a picture on its way to the decoder: for services that are not known, and for what `decoder`'s says.
    pub(super) fn look(
        &mut self,
        cx: &Cx,
        (track, packet): (&TrackInfo, &Packet),
        decoder: Option<&mut CaptionDecoder>,
    ) -> Looked {
        if self.absent || !may_carry(track.codec) {
            return Looked::default();
        }
        self.looked += 1;
        let (known, recent) = (&self.known, &mut self.recent);
        let seen = cx.tape.spot("captions", self.looked, || {
            let data = captions(track.codec, &track.config, &packet.data);
            let mut services = CaptionService::within(&data);
            services.retain(|service| !known.iter().any(|it| it.service == *service));
            let updates = decoder.map(|it| it.push(packet.pts, packet.dts, &data));
            if !data.is_empty() {
                recent.push_back((packet.pts, packet.dts, data));
                recent.drain(..recent.len().saturating_sub(MAX_RECENT));
            }
            NotedCaptions::of(services.into_iter().map(index_of), updates)
        });
        let Some(NotedCaptions { services, updates }) = seen else {
            return Looked::default();
        };
        let before = self.known.len();
        for service in services.into_iter().filter_map(service_of) {
            if !self.knows(service) && self.known.len() < MAX_SERVICES {
                self.known.push(unannounced(service));
            }
        }
        Looked {
            updates: updates.0,
            is_new: self.known.len() > before,
        }
    }

    /// A decoder that knows what the last pictures said, and what that was.
    pub(super) fn decoder(
        &self,
        cx: &Cx,
        service: CaptionService,
    ) -> (CaptionDecoder, Vec<Update>) {
        let mut decoder = CaptionDecoder::new(service);
        let mut read = || {
            let recent = self.recent.iter();
            let updates = recent.flat_map(|(pts, dts, data)| decoder.push(*pts, *dts, data));
            NotedUpdates(updates.collect())
        };
        let NotedUpdates(updates) = cx.tape.see("cues", &mut read);
        (decoder, updates)
    }

    /// What comes next does not go on with the last pictures.
    pub(super) fn restart(&mut self) {
        self.recent.clear();
    }

    fn knows(&self, service: CaptionService) -> bool {
        self.known.iter().any(|known| known.service == service)
    }
}

/// What a picture brought.
#[derive(Default)]
pub(super) struct Looked {
    pub(super) updates: Vec<Update>,
    /// There is something new to choose.
    pub(super) is_new: bool,
}

fn may_carry(codec: CodecId) -> bool {
    matches!(codec, CodecId::H264 | CodecId::H265 | CodecId::Mpeg2Video)
}

fn candidate(known: &Known) -> TextCandidate<'_> {
    TextCandidate {
        name: &known.name,
        language: known.language.as_deref(),
        default: known.default,
        autoselect: known.autoselect,
        forced: false,
    }
}

fn unannounced(service: CaptionService) -> Known {
    Known {
        service,
        name: String::new(),
        language: None,
        default: false,
        autoselect: false,
    }
}

/// What a person calls it.
fn label(known: &Known) -> String {
    let own = instream_id(known.service);
    match (known.name.as_str(), &known.language) {
        ("", None) => own,
        ("", Some(language)) => format!("{own} ({language})"),
        (name, _) => format!("{name} ({own})"),
    }
}

fn instream_id(service: CaptionService) -> String {
    match service {
        CaptionService::Cea608(channel) => format!("CC{}", place(channel) + 1),
        CaptionService::Cea708(number) => format!("SERVICE{number}"),
    }
}

const CHANNELS: [CaptionChannel; 4] = [
    CaptionChannel::Cc1,
    CaptionChannel::Cc2,
    CaptionChannel::Cc3,
    CaptionChannel::Cc4,
];

fn place(channel: CaptionChannel) -> u32 {
    (0..)
        .zip(CHANNELS)
        .find(|it| it.1 == channel)
        .map_or(0, |it| it.0)
}

/// The index of a service: the four channels, then the services by their numbers.
fn index_of(service: CaptionService) -> u32 {
    FIRST_CAPTIONS
        + match service {
            CaptionService::Cea608(channel) => place(channel),
            CaptionService::Cea708(number) => 3 + u32::from(number),
        }
}

fn service_of(index: u32) -> Option<CaptionService> {
    let place = index.checked_sub(FIRST_CAPTIONS)?;
    let channel = usize::try_from(place)
        .ok()
        .and_then(|place| CHANNELS.get(place));
    if let Some(channel) = channel {
        return Some(CaptionService::Cea608(*channel));
    }
    let number = u8::try_from(place - 3).ok()?;
    (number <= 63).then_some(CaptionService::Cea708(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_have_indices_of_their_own() {
        let services = ["CC1", "CC2", "CC3", "CC4", "SERVICE1", "SERVICE63"];
        let mut indices = Vec::new();
        for name in services {
            let service = CaptionService::from_instream_id(name).unwrap();
            assert_eq!(service_of(index_of(service)), Some(service), "{name}");
            assert_eq!(instream_id(service), name);
            indices.push(index_of(service) - FIRST_CAPTIONS);
        }
        assert_eq!(indices, [0, 1, 2, 3, 4, 66]);
        assert_eq!(service_of(FIRST_CAPTIONS + 67), None);
        assert_eq!(service_of(3), None);
    }
}
