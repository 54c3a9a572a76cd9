//! A text track within the source.

use std::sync::Arc;

use kinora_media::{CodecId, Packet, TrackInfo};
use kinora_subtitle::{Cues, SubtitleError, TrackDecoder};

use crate::cx::Cx;
use crate::tape::NotedUpdates;

/// The text track that is on. What its packets brought is kept, within the bound of [`Cues`]: a seek in what is buffered
/// reads none of them again.
pub(crate) struct Embedded {
    pub(crate) index: u32,
    track: Arc<TrackInfo>,
    decoder: TrackDecoder,
    pub(super) cues: Cues,
}

impl Embedded {
    /// # Errors
    /// When the track holds no text.
    pub(crate) fn new(index: u32, track: Arc<TrackInfo>) -> Result<Self, SubtitleError> {
        Ok(Self {
            index,
            decoder: TrackDecoder::new(&track)?,
            track,
            cues: Cues::default(),
        })
    }

    pub(super) fn push(&mut self, cx: &Cx, packet: &Packet) {
        let read = || NotedUpdates(self.decoder.decode(packet));
        let NotedUpdates(updates) = cx.tape.see("cues", read);
        for update in updates {
            self.cues.apply(update);
        }
    }

    pub(super) fn interrupt(&mut self) {
        self.decoder.reset();
        // What replaces what would be told twice; cues with an end of their own are known again.
        if matches!(
            self.track.codec,
            CodecId::Cea608 | CodecId::Cea708 | CodecId::Pgs | CodecId::DvbSubtitle
        ) {
            self.cues.clear();
        }
    }
}
