//! The words of media that every other crate speaks: time, tracks, packets,
//! frames, and requests as data.
//!
//! Nothing here reads a clock, opens a file or starts a thread. Values that come
//! from outside (bytes, the time of day) arrive as arguments.
#![forbid(unsafe_code)]

mod address;
mod bits;
pub mod bitstream;
mod codec_id;
mod display;
mod frame;
mod language;
mod orientation;
mod packet;
mod palette;
mod protection;
mod request;
mod time;
mod timed_event;
mod track;

pub use address::{is_local_name, is_public_address};
pub use bits::{BitReader, OutOfBits, unescape_rbsp};
pub use codec_id::{CodecDescriptor, CodecId, TrackKind};
pub use display::DisplayHints;
pub use frame::{
    AudioFrame, ColorInfo, ColorRange, FrameBuffer, PixelFormat, PlaneView, VecPlanes, VideoFrame,
};
pub use language::{LanguageFit, language_fit};
pub use orientation::{Mirror, Orientation, Rotation};
pub use packet::{Packet, PacketFlags};
pub use palette::Palette;
pub use protection::{
    CryptPattern, Iv, KeyId, KeySystemHeader, Protection, ProtectionScheme, SampleCrypto, SampleIv,
    SampleProtection, Subsample, Subsamples, sixteen_from_hex,
};
pub use request::{ByteRange, Chunk, Freshness, Header, RequestId, ResponseInfo};
pub use time::{Now, Time, Timebase};
pub use timed_event::TimedEvent;
pub use track::{
    Attachment, AudioParams, Chapter, Disposition, MediaInfo, Program, ProgramStream, TrackId,
    TrackInfo, VideoParams, pcm_flag,
};
