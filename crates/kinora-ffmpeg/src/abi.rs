//! Where the fields of libavcodec's structs lie, one table for each major version. A table is measured
//! from that version's headers by `cargo xtask ffmpeg-abi`; a version without one is refused.

mod v59;
mod v60;
mod v61;
mod v62;

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
    pub(crate) parameters_video_delay: usize,
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
pub(crate) const TABLES: &[Abi] = &[v62::ABI, v61::ABI, v60::ABI, v59::ABI];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_aligned_and_in_its_place() {
        const POINTER: usize = size_of::<*const u8>();
        for abi in TABLES {
            // The order in which the headers of all these majors declare them.
            let packet = [
                abi.packet_pts,
                abi.packet_dts,
                abi.packet_data,
                abi.packet_size,
                abi.packet_flags,
            ];
            let frame = [
                abi.frame_data,
                abi.frame_linesize,
                abi.frame_extended_data,
                abi.frame_width,
                abi.frame_height,
                abi.frame_samples,
                abi.frame_format,
            ];
            assert!(packet.is_sorted() && frame.is_sorted(), "{abi:?}");
            let wide = [
                abi.packet_pts,
                abi.packet_dts,
                abi.packet_data,
                abi.packet_duration,
                abi.parameters_extradata,
                abi.frame_data,
                abi.frame_extended_data,
                abi.frame_pts,
            ];
            assert!(wide.iter().all(|offset| offset % POINTER == 0), "{abi:?}");
            // Eight planes lie between the pointers and their strides.
            assert_eq!(abi.frame_linesize - abi.frame_data, 8 * POINTER);
            assert_eq!(abi.frame_extended_data - abi.frame_linesize, POINTER * 4);
            assert_eq!(
                (abi.frame_height, abi.frame_samples),
                (abi.frame_width + 4, abi.frame_width + 8)
            );
            let color = [
                abi.frame_color_primaries,
                abi.frame_color_transfer,
                abi.frame_color_matrix,
            ];
            assert_eq!(
                color.map(|offset| offset - abi.frame_color_range),
                [4, 8, 12]
            );
            assert_eq!(
                abi.avutil_major + 2,
                abi.avcodec_major,
                "libavutil is two majors behind in all of them"
            );
        }
    }

    #[test]
    fn the_newest_is_tried_first() {
        assert!(TABLES.is_sorted_by(|one, next| one.avcodec_major > next.avcodec_major));
    }
}
