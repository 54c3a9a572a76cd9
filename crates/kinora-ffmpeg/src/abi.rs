//! Where the fields of the structs of libavcodec and libavformat lie, one table for each major version, which both share. A table is measured
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
    pub(crate) packet_stream_index: usize,
    pub(crate) packet_duration: usize,
    pub(crate) parameters_codec_type: usize,
    pub(crate) parameters_codec_id: usize,
    pub(crate) parameters_codec_tag: usize,
    pub(crate) parameters_extradata: usize,
    pub(crate) parameters_extradata_size: usize,
    pub(crate) parameters_bit_rate: usize,
    pub(crate) parameters_bits_per_coded_sample: usize,
    pub(crate) parameters_bits_per_raw_sample: usize,
    pub(crate) parameters_width: usize,
    pub(crate) parameters_height: usize,
    pub(crate) parameters_pixel_aspect: usize,
    pub(crate) parameters_color_range: usize,
    pub(crate) parameters_color_primaries: usize,
    pub(crate) parameters_color_transfer: usize,
    pub(crate) parameters_color_matrix: usize,
    pub(crate) parameters_video_delay: usize,
    pub(crate) parameters_channels: usize,
    pub(crate) parameters_sample_rate: usize,
    pub(crate) parameters_block_align: usize,
    pub(crate) parameters_initial_padding: usize,
    pub(crate) parameters_trailing_padding: usize,
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
    pub(crate) descriptor_id: usize,
    pub(crate) descriptor_name: usize,
    pub(crate) format_input: usize,
    pub(crate) format_io: usize,
    pub(crate) format_stream_count: usize,
    pub(crate) format_streams: usize,
    pub(crate) format_start_time: usize,
    pub(crate) format_duration: usize,
    pub(crate) format_flags: usize,
    pub(crate) format_chapter_count: usize,
    pub(crate) format_chapters: usize,
    pub(crate) format_metadata: usize,
    pub(crate) format_interrupt: usize,
    pub(crate) format_io_open: usize,
    pub(crate) input_name: usize,
    pub(crate) input_flags: usize,
    pub(crate) io_buffer: usize,
    pub(crate) io_end_reached: usize,
    pub(crate) io_error: usize,
    pub(crate) stream_parameters: usize,
    pub(crate) stream_time_base: usize,
    pub(crate) stream_start_time: usize,
    pub(crate) stream_duration: usize,
    pub(crate) stream_disposition: usize,
    pub(crate) stream_pixel_aspect: usize,
    pub(crate) stream_metadata: usize,
    pub(crate) stream_frame_rate: usize,
    pub(crate) chapter_time_base: usize,
    pub(crate) chapter_start: usize,
    pub(crate) chapter_end: usize,
    pub(crate) chapter_metadata: usize,
    pub(crate) entry_key: usize,
    pub(crate) entry_value: usize,
    /// In an `AVStream`, or in its `AVCodecParameters`: see [`Abi::side_data_is_of_parameters`].
    pub(crate) side_data: usize,
    pub(crate) side_data_count: usize,
}

impl Abi {
    /// Where what is known of a stream beside its parameters lies: FFmpeg 7 moved it.
    pub(crate) const fn side_data_is_of_parameters(&self) -> bool {
        self.avcodec_major >= 61
    }

    /// The libswscale that goes with it.
    pub(crate) const fn swscale_major(&self) -> u32 {
        self.avcodec_major - 53
    }
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
                abi.side_data,
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
