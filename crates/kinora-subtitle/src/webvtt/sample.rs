//! Samples of MP4 (`wvtt`, ISO/IEC 14496-30 7.5) and blocks of WebM.

use kinora_media::Time;

use super::Context;
use crate::Cue;
use crate::text::Lines;

/// The boxes of a sample or box: type and body. Ends where one is cut off.
pub(crate) fn boxes(data: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = data;
    core::iter::from_fn(move || {
        let (size, behind) = rest.split_first_chunk::<4>()?;
        let (kind, body) = behind.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*size))
            .ok()?
            .checked_sub(8)?;
        let (body, after) = body.split_at_checked(length)?;
        rest = after;
        Some((kind, body))
    })
}

impl Context {
    /// The cues of an MP4 sample, all of which are shown while it lasts. An empty one (`vtte`) has none.
    pub(crate) fn sample(&self, data: &[u8], times: (Time, Time)) -> Vec<Cue> {
        let cues = boxes(data).filter(|(kind, _)| *kind == b"vttc");
        cues.map(|(_, cue)| {
            let part = |wanted: &[u8; 4]| {
                let mut parts = boxes(cue);
                let body = parts.find(|(kind, _)| *kind == wanted)?.1;
                Some(String::from_utf8_lossy(body))
            };
            let (id, settings, text) = (part(b"iden"), part(b"sttg"), part(b"payl"));
            let id = id.as_deref().unwrap_or_default();
            let settings = settings.as_deref().unwrap_or_default();
            self.cue(id, times, settings, &text.unwrap_or_default())
        })
        .collect()
    }

    /// The cue of a Matroska block: its text; in WebM's older form (`D_WEBVTT`) id and settings stand in two lines before it.
    pub(crate) fn block(&self, text: &str, has_head: bool, times: (Time, Time)) -> Cue {
        let mut lines = Lines::new(text);
        if !has_head {
            return self.cue("", times, "", text);
        }
        let id = lines.next().unwrap_or_default();
        let settings = lines.next().unwrap_or_default();
        self.cue(id, times, settings, lines.rest())
    }
}
