//! Subtitles and captions: text, packets and caption data in, [`Cue`]s out.
//!
//! [`parse`] reads a file of any format in any charset, [`TrackDecoder`] the packets of a subtitle track, [`CaptionDecoder`]
//! the captions that lie within video. All of them give cues, which [`Cues`] keeps: what is shown at a time, and when that
//! changes. Nothing here draws.
#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::arithmetic_side_effects
    )
)]

pub mod ass;
mod bitmap;
mod caption;
mod cea608;
mod cea708;
pub mod charset;
mod color;
mod error;
mod format;
mod layout;
mod microdvd;
mod model;
mod motion;
mod shown;
pub mod sprites;
pub mod srt;
mod text;
mod timeline;
mod track;
mod ttml;
mod tx3g;
pub mod webvtt;

pub use bitmap::file::{VobSubPart, parse_vobsub};
pub use bitmap::{Bitmap, Pixels};
pub use caption::{CaptionChannel, CaptionDecoder, CaptionService};
pub use color::Color;
pub use error::SubtitleError;
pub use format::{Format, Limits, Options, parse};
pub use layout::{Align, Anchor, Layout, LinePosition, Region, Vertical};
pub use model::{Cue, Document, FontSize, Ruby, ScriptEvent, Span, Style, Update};
pub use motion::{Effects, Fade, Karaoke, KaraokeKind, Motion, Path, Transition};
pub use shown::{AttachedFonts, ShownCues};
pub use timeline::Cues;
pub use track::TrackDecoder;
