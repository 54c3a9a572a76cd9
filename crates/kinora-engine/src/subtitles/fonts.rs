//! Fonts that the film's own file brings along, for scripts that name them.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::BytesMut;
use kinora_errors::Secret;
use kinora_fetch::{FetchEvent, Progress, RequestSpec, RetryContext, Transfer};
use kinora_media::{Attachment, ByteRange, RequestId, Time};
use kinora_subtitle::AttachedFonts;

use crate::cx::Cx;
use crate::{Initiator, Purpose};

/// Bytes that may be under way at a time.
const WINDOW: u64 = 256 << 10;
/// Bytes of one font: the largest ones of Han characters are half of it.
const MAX_FONT: u64 = 32 << 20;
/// Bytes of all.
const MAX_FONTS: u64 = 64 << 20;
const MAX_COUNT: usize = 64;

/// The fonts of a session: fetched one after the other, once a script is shown.
#[derive(Default)]
pub(crate) struct Fonts {
    known: AttachedFonts,
    asked: bool,
    url: Option<Secret>,
    waiting: VecDeque<ByteRange>,
    coming: Option<Coming>,
}

struct Coming {
    transfer: Transfer,
    body: BytesMut,
}

impl Fonts {
    /// Those that are there.
    pub(super) fn known(&self) -> &AttachedFonts {
        &self.known
    }

    /// Asks for the fonts among the files that the resource holds, the first time.
    pub(super) fn ask(&mut self, cx: &mut Cx, url: &Secret, attachments: &[Attachment]) {
        let mut fonts = attachments.iter().filter(|file| is_font(file)).peekable();
        if fonts.peek().is_none() || std::mem::replace(&mut self.asked, true) {
            return;
        }
        let draws = || cx.capabilities.draws_cues().then_some(true);
        if cx.tape.see_some("draws cues", draws).is_none() {
            return;
        }
        let mut room = MAX_FONTS;
        let ranges = fonts.filter_map(|file| {
            let length = file.range.len().filter(|length| *length <= MAX_FONT)?;
            room = room.checked_sub(length)?;
            Some(file.range)
        });
        self.waiting = ranges.take(MAX_COUNT).collect();
        self.url = Some(url.clone());
        self.next(cx);
    }

    fn next(&mut self, cx: &mut Cx) {
        self.coming = None;
        let Some((range, url)) = self.waiting.pop_front().zip(self.url.clone()) else {
            return;
        };
        let spec = RequestSpec {
            purpose: Purpose::Subtitle,
            url,
            range,
            initiator: Initiator::User,
        };
        self.coming = Some(Coming {
            transfer: Transfer::start(cx, spec, WINDOW),
            body: BytesMut::new(),
        });
    }

    pub(super) fn is_for(&self, id: RequestId) -> bool {
        self.coming.as_ref().is_some_and(|it| it.transfer.is(id))
    }

    pub(super) fn deadline(&self, cx: &Cx) -> Option<Time> {
        self.coming.as_ref().and_then(|it| it.transfer.deadline(cx))
    }

    pub(super) fn on_event(&mut self, cx: &mut Cx, event: FetchEvent) {
        if let Some(coming) = &mut self.coming {
            let progress = coming.transfer.on_event(cx, event, RetryContext::default());
            self.take(cx, progress);
        }
    }

    pub(super) fn on_time(&mut self, cx: &mut Cx) {
        if let Some(coming) = &mut self.coming {
            let progress = coming.transfer.on_time(cx, RetryContext::default());
            self.take(cx, progress);
        }
    }

    pub(super) fn close(&mut self, cx: &mut Cx) {
        self.waiting.clear();
        if let Some(mut coming) = self.coming.take() {
            coming.transfer.cancel(cx);
        }
    }

    fn take(&mut self, cx: &mut Cx, progress: Progress) {
        let Some(coming) = &mut self.coming else {
            return;
        };
        match progress {
            Progress::None | Progress::Head(_) => {}
            // A server that gives more than was asked for.
            Progress::Data(_, data) if (coming.body.len() + data.len()) as u64 > MAX_FONT => {
                coming.transfer.cancel(cx);
                self.next(cx);
            }
            Progress::Data(_, data) => {
                coming.body.extend_from_slice(&data);
                coming.transfer.grant(cx);
            }
            Progress::Done => {
                let font = std::mem::take(&mut coming.body).freeze();
                let fonts = self.known.iter().cloned();
                self.known = fonts.chain([font]).collect();
                self.next(cx);
            }
            // What is written in it is drawn with another font.
            Progress::Expired(fault)
            | Progress::Parked(fault)
            | Progress::Elsewhere(fault)
            | Progress::Failed(fault) => {
                coming.transfer.cancel(cx);
                cx.recovered(fault);
                self.next(cx);
            }
        }
    }
}

/// By its media type (RFC 8081, and what was written before it), or by its name.
fn is_font(file: &Attachment) -> bool {
    let media_type = file.media_type.to_ascii_lowercase();
    let name = file.name.to_ascii_lowercase();
    let before_rfc_8081 = [
        "application/x-truetype-font",
        "application/vnd.ms-opentype",
        "application/font-sfnt",
        "application/x-font-ttf",
        "application/x-font-otf",
        "application/x-font",
    ];
    media_type.starts_with("font/")
        || before_rfc_8081.contains(&media_type.as_str())
        || [".ttf", ".otf", ".ttc", ".otc"]
            .iter()
            .any(|ending| name.ends_with(ending))
}

/// The fonts are no others than before.
pub(super) fn are_same(one: &AttachedFonts, other: &AttachedFonts) -> bool {
    Arc::ptr_eq(one, other) || one.is_empty() && other.is_empty()
}
