//! Measures the structs of libavcodec and libavformat and writes the table that `kinora-ffmpeg` reads them with at run time: by the
//! headers that are installed, or by bindings that `bindgen` made from the headers of another major.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// What is measured: the table's field, the C struct, the C field.
const OFFSETS: &[(&str, &str, &str)] = &[
    ("packet_pts", "AVPacket", "pts"),
    ("packet_dts", "AVPacket", "dts"),
    ("packet_data", "AVPacket", "data"),
    ("packet_size", "AVPacket", "size"),
    ("packet_flags", "AVPacket", "flags"),
    ("packet_stream_index", "AVPacket", "stream_index"),
    ("packet_duration", "AVPacket", "duration"),
    ("parameters_codec_type", "AVCodecParameters", "codec_type"),
    ("parameters_codec_id", "AVCodecParameters", "codec_id"),
    ("parameters_codec_tag", "AVCodecParameters", "codec_tag"),
    ("parameters_extradata", "AVCodecParameters", "extradata"),
    (
        "parameters_extradata_size",
        "AVCodecParameters",
        "extradata_size",
    ),
    ("parameters_bit_rate", "AVCodecParameters", "bit_rate"),
    (
        "parameters_bits_per_coded_sample",
        "AVCodecParameters",
        "bits_per_coded_sample",
    ),
    (
        "parameters_bits_per_raw_sample",
        "AVCodecParameters",
        "bits_per_raw_sample",
    ),
    ("parameters_width", "AVCodecParameters", "width"),
    ("parameters_height", "AVCodecParameters", "height"),
    (
        "parameters_pixel_aspect",
        "AVCodecParameters",
        "sample_aspect_ratio",
    ),
    ("parameters_color_range", "AVCodecParameters", "color_range"),
    (
        "parameters_color_primaries",
        "AVCodecParameters",
        "color_primaries",
    ),
    (
        "parameters_color_transfer",
        "AVCodecParameters",
        "color_trc",
    ),
    (
        "parameters_color_matrix",
        "AVCodecParameters",
        "color_space",
    ),
    ("parameters_video_delay", "AVCodecParameters", "video_delay"),
    (
        "parameters_channels",
        "AVCodecParameters",
        "ch_layout.nb_channels",
    ),
    ("parameters_sample_rate", "AVCodecParameters", "sample_rate"),
    ("parameters_block_align", "AVCodecParameters", "block_align"),
    (
        "parameters_initial_padding",
        "AVCodecParameters",
        "initial_padding",
    ),
    (
        "parameters_trailing_padding",
        "AVCodecParameters",
        "trailing_padding",
    ),
    ("frame_data", "AVFrame", "data"),
    ("frame_linesize", "AVFrame", "linesize"),
    ("frame_extended_data", "AVFrame", "extended_data"),
    ("frame_width", "AVFrame", "width"),
    ("frame_height", "AVFrame", "height"),
    ("frame_samples", "AVFrame", "nb_samples"),
    ("frame_format", "AVFrame", "format"),
    ("frame_pixel_aspect", "AVFrame", "sample_aspect_ratio"),
    ("frame_pts", "AVFrame", "pts"),
    ("frame_sample_rate", "AVFrame", "sample_rate"),
    ("frame_channels", "AVFrame", "ch_layout.nb_channels"),
    ("frame_color_range", "AVFrame", "color_range"),
    ("frame_color_primaries", "AVFrame", "color_primaries"),
    ("frame_color_transfer", "AVFrame", "color_trc"),
    ("frame_color_matrix", "AVFrame", "colorspace"),
    ("descriptor_id", "AVCodecDescriptor", "id"),
    ("descriptor_name", "AVCodecDescriptor", "name"),
    ("format_input", "AVFormatContext", "iformat"),
    ("format_io", "AVFormatContext", "pb"),
    ("format_stream_count", "AVFormatContext", "nb_streams"),
    ("format_streams", "AVFormatContext", "streams"),
    ("format_start_time", "AVFormatContext", "start_time"),
    ("format_duration", "AVFormatContext", "duration"),
    ("format_flags", "AVFormatContext", "flags"),
    ("format_chapter_count", "AVFormatContext", "nb_chapters"),
    ("format_chapters", "AVFormatContext", "chapters"),
    ("format_metadata", "AVFormatContext", "metadata"),
    ("format_interrupt", "AVFormatContext", "interrupt_callback"),
    ("format_io_open", "AVFormatContext", "io_open"),
    ("input_name", "AVInputFormat", "name"),
    ("input_flags", "AVInputFormat", "flags"),
    ("io_buffer", "AVIOContext", "buffer"),
    ("io_end_reached", "AVIOContext", "eof_reached"),
    ("io_error", "AVIOContext", "error"),
    ("stream_parameters", "AVStream", "codecpar"),
    ("stream_time_base", "AVStream", "time_base"),
    ("stream_start_time", "AVStream", "start_time"),
    ("stream_duration", "AVStream", "duration"),
    ("stream_disposition", "AVStream", "disposition"),
    ("stream_pixel_aspect", "AVStream", "sample_aspect_ratio"),
    ("stream_metadata", "AVStream", "metadata"),
    ("stream_frame_rate", "AVStream", "avg_frame_rate"),
    ("chapter_time_base", "AVChapter", "time_base"),
    ("chapter_start", "AVChapter", "start"),
    ("chapter_end", "AVChapter", "end"),
    ("chapter_metadata", "AVChapter", "metadata"),
    ("entry_key", "AVDictionaryEntry", "key"),
    ("entry_value", "AVDictionaryEntry", "value"),
];

/// What libavformat knows of a stream beside its parameters, which lies in another struct from this major on.
const SIDE_DATA_MOVED: u32 = 61;
/// The table's field, and struct and field before and since.
const MOVED: &[(&str, [(&str, &str); 2])] = &[
    (
        "side_data",
        [
            ("AVStream", "side_data"),
            ("AVCodecParameters", "coded_side_data"),
        ],
    ),
    (
        "side_data_count",
        [
            ("AVStream", "nb_side_data"),
            ("AVCodecParameters", "nb_coded_side_data"),
        ],
    ),
];

/// Writes `crates/kinora-ffmpeg/src/abi/v<major>.rs` from the headers that `cc` finds, or from those bindings.
pub(crate) fn run(root: &Path, bindings: Option<&Path>) -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("kinora-ffmpeg-abi-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let table = measure(&folder, bindings);
    let _ = std::fs::remove_dir_all(&folder);
    let (major, text) = table?;
    let file = root.join(format!("crates/kinora-ffmpeg/src/abi/v{major}.rs"));
    std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    println!("wrote {}", file.display());
    Ok(())
}

fn measure(folder: &Path, bindings: Option<&Path>) -> Result<(String, String), String> {
    let program = folder.join("measure");
    let (source, text, mut compiler, hint) = match bindings {
        None => (
            folder.join("measure.c"),
            c_program(),
            Command::new("cc"),
            "no headers? apt-get install libavformat-dev",
        ),
        Some(bindings) => (
            folder.join("measure.rs"),
            rust_program(bindings)?,
            Command::new("rustc"),
            "are these bindings of libavcodec, libavformat and libavutil?",
        ),
    };
    if bindings.is_some() {
        compiler.args(["--edition", "2021", "--cap-lints", "allow"]);
    } else {
        compiler.arg("-w");
    }
    std::fs::write(&source, text).map_err(|error| error.to_string())?;
    let compiled = compiler.arg("-o").arg(&program).arg(&source).output();
    let compiled = compiled.map_err(|error| format!("the compiler does not run: {error}"))?;
    if !compiled.status.success() {
        let said = String::from_utf8_lossy(&compiled.stderr).into_owned();
        return Err(format!("{hint}\n{said}"));
    }
    let output = Command::new(&program)
        .output()
        .map_err(|error| error.to_string())?;
    let measured = String::from_utf8_lossy(&output.stdout).into_owned();
    let value = |name: &str| {
        let found = measured
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found
            .map(str::to_owned)
            .ok_or_else(|| format!("{name} was not measured"))
    };
    let (avcodec, avutil) = (value("avcodec")?, value("avutil")?);
    let mut text = format!(
        "//! libavcodec {avcodec}, libavutil {avutil}. Generated by `cargo xtask ffmpeg-abi`; do not edit.\n\
         use super::Abi;\n\n/// Where the fields lie.\npub(crate) const ABI: Abi = Abi {{\n"
    );
    let _ = writeln!(
        text,
        "    avcodec_major: {avcodec},\n    avutil_major: {avutil},"
    );
    let fixed = OFFSETS.iter().map(|(name, _, _)| name);
    for name in fixed.chain(MOVED.iter().map(|(name, _)| name)) {
        let _ = writeln!(text, "    {name}: {},", value(name)?);
    }
    let _ = writeln!(text, "}};");
    Ok((avcodec, text))
}

fn c_program() -> String {
    let mut text = String::from(
        "#include <stddef.h>\n#include <stdio.h>\n#include <libavcodec/avcodec.h>\n#include <libavutil/frame.h>\n#include <libavutil/dict.h>\n#include <libavformat/avformat.h>\n\
         int main(void) {\n  printf(\"avcodec %d\\navutil %d\\n\", LIBAVCODEC_VERSION_MAJOR, LIBAVUTIL_VERSION_MAJOR);\n",
    );
    let line = |name: &str, (kind, field): (&str, &str)| {
        format!("  printf(\"{name} %zu\\n\", offsetof({kind}, {field}));\n")
    };
    for (name, kind, field) in OFFSETS {
        text += &line(name, (kind, field));
    }
    for (name, [before, since]) in MOVED {
        text += &format!(
            "#if LIBAVCODEC_VERSION_MAJOR < {SIDE_DATA_MOVED}\n{}#else\n{}#endif\n",
            line(name, *before),
            line(name, *since)
        );
    }
    text.push_str("  return 0;\n}\n");
    text
}

fn rust_program(bindings: &Path) -> Result<String, String> {
    let moved = major_of(bindings)? >= SIDE_DATA_MOVED;
    let mut text = format!(
        "mod ffi {{ include!({:?}); }}\nfn main() {{\n    println!(\"avcodec {{}}\", ffi::LIBAVCODEC_VERSION_MAJOR);\n    println!(\"avutil {{}}\", ffi::LIBAVUTIL_VERSION_MAJOR);\n",
        bindings.display().to_string()
    );
    let fixed = (OFFSETS.iter()).map(|(name, kind, field)| (name, (kind, field)));
    let moved = (MOVED.iter()).map(|(name, [before, since])| {
        let (kind, field) = if moved { since } else { before };
        (name, (kind, field))
    });
    for (name, (kind, field)) in fixed.chain(moved) {
        let _ = writeln!(
            text,
            "    println!(\"{name} {{}}\", std::mem::offset_of!(ffi::{kind}, {field}));"
        );
    }
    text.push_str("}\n");
    Ok(text)
}

/// The major version that bindings are of.
fn major_of(bindings: &Path) -> Result<u32, String> {
    let text = std::fs::read_to_string(bindings).map_err(|error| error.to_string())?;
    let stated = text.split("LIBAVCODEC_VERSION_MAJOR").nth(1);
    let number = stated.and_then(|rest| rest.split_once('=')?.1.split_once(';'));
    let number = number.and_then(|(number, _)| number.trim().parse().ok());
    number.ok_or_else(|| "LIBAVCODEC_VERSION_MAJOR is not in them".to_owned())
}
