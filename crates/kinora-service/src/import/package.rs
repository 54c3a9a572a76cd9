//! MP4 files into HLS (RFC 8216).

use std::path::Path;

use super::plan::Rung;
use super::transcode::{Transcode, bitrate};
use super::{Ffmpeg, ImportError};
use crate::domain::{Definition, Format, Rendition, RenditionEncryption};

const MASTER: &str = "auto.m3u8";

/// Cuts an MP4 into HLS segments, without coding again; into encrypted ones, if the video is to be.
pub(super) async fn package(
    transcode: &Transcode<'_>,
    rung: &Rung,
    made: &Rendition,
) -> Result<Rendition, ImportError> {
    let out = transcode.staging.out();
    let stem = rung.stem();
    let playlist = format!("{stem}.m3u8");
    let mut ffmpeg = Ffmpeg::new(&out, transcode.budget);
    ffmpeg.input(&transcode.files().join(&rung.file));
    ffmpeg.args(["-map", "0", "-c", "copy", "-f", "hls", "-hls_time", "4"]);
    ffmpeg.args(["-hls_playlist_type", "vod", "-hls_list_size", "0"]);
    ffmpeg.args([
        "-hls_segment_filename".to_owned(),
        format!("{stem}-%05d.ts"),
    ]);
    if transcode.encrypt {
        ffmpeg.arg("-hls_key_info_file");
        ffmpeg.arg(transcode.staging.key_info(stem).await?);
    }
    ffmpeg.arg(&playlist);
    ffmpeg.run(|_| {}).await?;
    let size = segments_size(&out, &format!("{stem}-")).await?;
    Ok(Rendition {
        file: playlist,
        format: Format::M3u8,
        encryption: if transcode.encrypt {
            RenditionEncryption::Hls
        } else {
            RenditionEncryption::None
        },
        bitrate_kbps: bitrate(size, made.duration_s),
        size,
        ..made.clone()
    })
}

async fn segments_size(out: &Path, prefix: &str) -> Result<u64, ImportError> {
    let look = || ImportError::io("look at what FFmpeg made");
    let mut size = 0_u64;
    let mut entries = tokio::fs::read_dir(out).await.map_err(look())?;
    while let Some(entry) = entries.next_entry().await.map_err(look())? {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            size = size.saturating_add(entry.metadata().await.map_err(look())?.len());
        }
    }
    Ok(size)
}

/// One playlist over all renditions (RFC 8216 4.3.4.2). Peak rate is unknown: a third above the mean is said.
pub(super) async fn adaptive_playlist(
    out: &Path,
    renditions: &[&Rendition],
) -> Result<Rendition, ImportError> {
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:3\n");
    for rendition in renditions {
        let average = rendition.bitrate_kbps * 1000.0;
        text.push_str(&format!(
            "#EXT-X-STREAM-INF:BANDWIDTH={:.0},AVERAGE-BANDWIDTH={average:.0},RESOLUTION={}x{},FRAME-RATE={:.3}\n{}\n",
            average * 4.0 / 3.0,
            rendition.width,
            rendition.height,
            rendition.fps,
            rendition.file
        ));
    }
    tokio::fs::write(out.join(MASTER), text)
        .await
        .map_err(ImportError::io("write the adaptive playlist"))?;
    let highest = renditions.last().map(|rendition| (*rendition).clone());
    let highest = highest.ok_or(ImportError::NothingPlayable)?;
    Ok(Rendition {
        file: MASTER.to_owned(),
        definition: Definition::Auto,
        ..highest
    })
}
