//! Text within the source.

use std::sync::Arc;

use kinora_media::{CodecId, Packet, TrackInfo};
use kinora_subtitle::{CaptionDecoder, Cues, SubtitleError, TrackDecoder, Update};

use crate::cx::Cx;
use crate::tape::NotedUpdates;

/// The text within the source that is on. What it brought is kept, within the bound of [`Cues`]: a seek in what is buffered
/// reads none of it again.
pub(crate) struct Embedded {
    pub(crate) index: u32,
    from: Origin,
    pub(super) cues: Cues,
}

/// What brings its cues.
enum Origin {
    /// A track, by its packets.
    Track(Arc<TrackInfo>, Box<TrackDecoder>),
    /// A rendition, which the ingest reads.
    Rendition,
    /// Captions within the pictures.
    Captions(Box<CaptionDecoder>),
}

impl Embedded {
    /// # Errors
    /// When the track holds no text.
    pub(crate) fn track(index: u32, track: Arc<TrackInfo>) -> Result<Self, SubtitleError> {
        let decoder = Box::new(TrackDecoder::new(&track)?);
        Ok(Self::of(index, Origin::Track(track, decoder)))
    }

    pub(crate) fn rendition(index: u32) -> Self {
        Self::of(index, Origin::Rendition)
    }

    pub(super) fn captions(index: u32, decoder: CaptionDecoder) -> Self {
        Self::of(index, Origin::Captions(Box::new(decoder)))
    }

    /// Whether it is a rendition.
    pub(crate) fn is_rendition(&self) -> bool {
        matches!(self.from, Origin::Rendition)
    }

    /// Its cues are events of a script.
    pub(super) fn is_script(&self) -> bool {
        matches!(&self.from, Origin::Track(track, _) if track.codec == CodecId::Ass)
    }

    /// What reads the captions within the pictures.
    pub(super) fn caption_decoder(&mut self) -> Option<&mut CaptionDecoder> {
        match &mut self.from {
            Origin::Captions(decoder) => Some(decoder),
            Origin::Track(..) | Origin::Rendition => None,
        }
    }

    fn of(index: u32, from: Origin) -> Self {
        let cues = Cues::default();
        Self { index, from, cues }
    }

    pub(super) fn push(&mut self, cx: &Cx, packet: &Packet) {
        let Origin::Track(_, decoder) = &mut self.from else {
            return;
        };
        let read = || NotedUpdates(decoder.decode(packet));
        let NotedUpdates(updates) = cx.tape.see("cues", read);
        self.apply(updates);
    }

    pub(super) fn apply(&mut self, updates: Vec<Update>) {
        for update in updates {
            self.cues.apply(update);
        }
    }

    /// The pictures begin anew, be it with those that were read before.
    pub(super) fn restart(&mut self) {
        if let Origin::Captions(decoder) = &mut self.from {
            decoder.reset();
            self.cues.clear();
        }
    }

    pub(super) fn interrupt(&mut self) {
        let Origin::Track(track, decoder) = &mut self.from else {
            return;
        };
        decoder.reset();
        // What replaces what would be told twice; cues with an end of their own are known again.
        if matches!(
            track.codec,
            CodecId::Cea608 | CodecId::Cea708 | CodecId::Pgs | CodecId::DvbSubtitle
        ) {
            self.cues.clear();
        }
    }
}
