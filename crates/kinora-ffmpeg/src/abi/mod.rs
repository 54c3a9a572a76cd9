//! Where the fields of libavcodec's structs lie, one table for each major version. A table is measured
//! from that version's headers by `cargo xtask ffmpeg-abi`; a version without one is refused.

mod v59;

/// Byte offsets of the fields that we read or write.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Abi {
    pub(crate) avcodec_major: u32,
    pub(crate) avutil_major: u32,
    pub(crate) packet_pts: usize,
    pub(crate) packet_dts: usize,
    pub(crate) packet_data: usize,
    pub(crate) packet_size: usize,
    pub(crate) packet_flags: usize,
    pub(crate) packet_duration: usize,
    pub(crate) parameters_extradata: usize,
    pub(crate) parameters_extradata_size: usize,
    pub(crate) frame_data: usize,
    pub(crate) frame_linesize: usize,
    pub(crate) frame_extended_data: usize,
    pub(crate) frame_width: usize,
    pub(crate) frame_height: usize,
    pub(crate) frame_samples: usize,
    pub(crate) frame_format: usize,
    pub(crate) frame_pixel_aspect: usize,
    pub(crate) frame_pts: usize,
    pub(crate) frame_sample_rate: usize,
    pub(crate) frame_channels: usize,
    pub(crate) frame_color_range: usize,
    pub(crate) frame_color_primaries: usize,
    pub(crate) frame_color_transfer: usize,
    pub(crate) frame_color_matrix: usize,
}

/// The versions we know, the newest first.
pub(crate) const TABLES: &[Abi] = &[v59::ABI];
