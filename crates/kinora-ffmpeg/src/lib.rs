//! Decoders on libavcodec and demuxers on libavformat, loaded at run time where it is installed; never linked.
//!
//! All unsafe code of the data path lives here: `raw` calls the library and reads its structs by
//! the table of its major version (`abi`), `decoder` keeps the [`kinora_codec::Decoder`] contract, `demux` that of
//! [`kinora_container::Demuxer`].
//!
//! libavcodec is told to skip no samples at the start of a stream: cutting is the player's business.

mod abi;
mod backend;
mod decoder;
mod demux;
mod extradata;
mod frame;
mod library;
mod raw;
mod scale;
mod tag;
#[cfg(test)]
mod tests;

pub use backend::FfmpegBackend;
pub use demux::FfmpegDemuxers;
pub use library::LoadError;
