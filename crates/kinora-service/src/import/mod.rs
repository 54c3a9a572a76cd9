//! Brings a file in: FFmpeg as a child process, in a staging directory that nobody sees until all is done.

mod error;
mod ffmpeg;
mod plan;
mod probe;
mod staging;

use std::path::Path;

use crate::domain::{Definition, Encryption, Format, Rendition, Video, VideoId, VideoStatus};
use crate::library::Core;

pub use error::ImportError;
use ffmpeg::Ffmpeg;
use plan::{Plan, Rung};
use probe::Probed;
use staging::Staging;
pub(crate) use staging::{is_abandoned, sweep_staging};

const COVER: &str = "cover.jpg";
const MASTER: &str = "auto.m3u8";
/// Share of the work that encoding is; packaging is the rest.
const ENCODING_SHARE: f64 = 0.85;
/// A rendition shorter than this share of what the file promised means that the file is cut off.
const MIN_KEPT: f64 = 0.95;
const CUT_SLACK_S: f64 = 1.0;

/// How a file is brought in.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ImportOptions {
    /// The title; the file's name where there is none.
    pub title: Option<String>,
    /// Encrypts the HLS renditions with AES-128. They then have no adaptive playlist.
    pub encrypt_hls: bool,
    /// Makes the ladder of renditions also where copying would do.
    pub ladder: bool,
}

/// Tells progress only forward, and not for every small step.
struct Progress<F> {
    tell: F,
    told: f64,
}

impl<F: FnMut(f64)> Progress<F> {
    fn set(&mut self, done: f64) {
        let done = done.clamp(0.0, 1.0);
        if done - self.told >= 0.001 || (done >= 1.0 && self.told < 1.0) {
            self.told = done;
            (self.tell)(done);
        }
    }
}

pub(crate) async fn import(
    core: &Core,
    file: &Path,
    options: ImportOptions,
    tell: impl FnMut(f64) + Send,
) -> Result<VideoId, ImportError> {
    let mut progress = Progress { tell, told: -1.0 };
    progress.set(0.0);
    let source = readable(file).await?;
    let probed = probe::probe(&source, false).await?;
    let plan = plan::plan(&probed, options.ladder)?;
    let id = Core::new_video_id().map_err(ImportError::work("draw a random id"))?;
    // A dropped import's files are removed by this; what a killed one left, by the next import or start.
    let staging = Staging::begin(&core.staging(), &id)?;
    let title = options.title.clone().unwrap_or_else(|| {
        source.file_stem().map_or_else(
            || id.to_string(),
            |name| name.to_string_lossy().into_owned(),
        )
    });
    let size = tokio::fs::metadata(&source)
        .await
        .map(|about| about.len())
        .unwrap_or(0);
    let mut video = Video {
        id: id.clone(),
        title: title
            .chars()
            .filter(|letter| !letter.is_control())
            .take(128)
            .collect(),
        status: VideoStatus::Transcoding,
        duration_s: probed.duration_s,
        size,
        cover: None,
        created_ms: core.clock.unix_ms(),
    };
    core.videos.insert_video(&video).await?;
    let made = make(
        core,
        &source,
        &probed,
        &plan,
        &options,
        &staging,
        &mut video,
        &mut progress,
    )
    .await;
    if let Err(error) = made {
        // First the files: a full disk takes no change of the database. What stays all the same is swept by the next import
        // or start.
        drop(staging);
        let _ = core.objects.remove(&id).await;
        let _ = core.videos.delete_video(&id).await;
        return Err(error);
    }
    progress.set(1.0);
    Ok(id)
}

/// The absolute path of a file that can be opened and holds something.
async fn readable(file: &Path) -> Result<std::path::PathBuf, ImportError> {
    let unreadable = |source| ImportError::Unreadable {
        path: file.to_path_buf(),
        source,
    };
    let path = tokio::fs::canonicalize(file).await.map_err(unreadable)?;
    let about = tokio::fs::metadata(&path).await.map_err(unreadable)?;
    if about.is_dir() {
        return Err(ImportError::Directory(file.to_path_buf()));
    }
    if !about.is_file() {
        return Err(ImportError::NotRegular(file.to_path_buf()));
    }
    if about.len() == 0 {
        return Err(ImportError::Empty(file.to_path_buf()));
    }
    tokio::fs::File::open(&path).await.map_err(unreadable)?;
    Ok(path)
}

#[expect(
    clippy::too_many_arguments,
    reason = "one step of one import, split for its length"
)]
async fn make<F: FnMut(f64) + Send>(
    core: &Core,
    source: &Path,
    probed: &Probed,
    plan: &Plan,
    options: &ImportOptions,
    staging: &Staging,
    video: &mut Video,
    progress: &mut Progress<F>,
) -> Result<(), ImportError> {
    let out = staging.out();
    encode(source, probed, plan, out, progress).await?;
    let mut renditions = Vec::new();
    let steps = (plan.rungs.len().max(1)) as f64;
    for (done, rung) in plan.rungs.iter().enumerate() {
        let made = measure(out, rung, probed).await?;
        if rung.format == Format::Mp4 && !made.audio_only {
            let hls = package(out, rung, &made, options.encrypt_hls, staging).await?;
            renditions.push(made);
            renditions.push(hls);
        } else {
            renditions.push(made);
        }
        progress.set(ENCODING_SHARE + (1.0 - ENCODING_SHARE) * 0.9 * (done + 1) as f64 / steps);
    }
    let adaptive: Vec<&Rendition> = renditions
        .iter()
        .filter(|rendition| rendition.format == Format::M3u8)
        .collect();
    if adaptive.len() > 1 && !options.encrypt_hls {
        let auto = adaptive_playlist(out, &adaptive).await?;
        renditions.push(auto);
    }
    if let Some(rung) = plan.rungs.first().filter(|_| probed.video.is_some()) {
        cover(out, &rung.file, probed.duration_s).await?;
        video.cover = Some(COVER.to_owned());
    }
    video.duration_s = renditions
        .first()
        .map_or(probed.duration_s, |rendition| rendition.duration_s);
    video.status = VideoStatus::Normal;
    sync_tree(out).await?;
    core.objects
        .adopt(&video.id, out)
        .await
        .map_err(ImportError::work("move the media into place"))?;
    core.videos.finish_video(video, &renditions).await?;
    Ok(())
}

async fn encode<F: FnMut(f64) + Send>(
    source: &Path,
    probed: &Probed,
    plan: &Plan,
    out: &Path,
    progress: &mut Progress<F>,
) -> Result<(), ImportError> {
    let mut ffmpeg = Ffmpeg::new(out);
    ffmpeg.input(source);
    for rung in &plan.rungs {
        ffmpeg.args(plan::outputs(probed, rung));
        ffmpeg.arg(&rung.file);
    }
    ffmpeg
        .run(|time_s| {
            if probed.duration_s > 0.0 {
                progress.set((time_s / probed.duration_s).min(1.0) * ENCODING_SHARE);
            }
        })
        .await
}

/// What was really made, and whether it is all of it.
async fn measure(out: &Path, rung: &Rung, probed: &Probed) -> Result<Rendition, ImportError> {
    let path = out.join(&rung.file);
    let made = probe::probe(&path, true).await?;
    let promised = probed.duration_s;
    if made.duration_s < promised * MIN_KEPT && promised - made.duration_s > CUT_SLACK_S {
        return Err(ImportError::CutOff {
            promised_s: promised,
            found_s: made.duration_s,
        });
    }
    let size = tokio::fs::metadata(&path)
        .await
        .map_err(ImportError::work("look at what FFmpeg made"))?
        .len();
    let video = made.video.as_ref();
    Ok(Rendition {
        file: rung.file.clone(),
        format: rung.format,
        definition: rung.definition,
        encryption: Encryption::None,
        audio_only: video.is_none(),
        bitrate_kbps: bitrate(size, made.duration_s),
        fps: video.map_or(0.0, |video| video.fps),
        duration_s: made.duration_s,
        size,
        width: video.map_or(0, |video| video.width),
        height: video.map_or(0, |video| video.height),
    })
}

fn bitrate(size: u64, duration_s: f64) -> f64 {
    if duration_s > 0.0 {
        size as f64 * 8.0 / 1000.0 / duration_s
    } else {
        0.0
    }
}

/// Cuts an MP4 into HLS segments, without coding again.
async fn package(
    out: &Path,
    rung: &Rung,
    made: &Rendition,
    encrypt: bool,
    staging: &Staging,
) -> Result<Rendition, ImportError> {
    let stem = rung.stem();
    let playlist = format!("{stem}.m3u8");
    let mut ffmpeg = Ffmpeg::new(out);
    ffmpeg.input(&out.join(&rung.file));
    ffmpeg.args([
        "-map",
        "0",
        "-c",
        "copy",
        "-f",
        "hls",
        "-hls_time",
        "4",
        "-hls_playlist_type",
        "vod",
        "-hls_list_size",
        "0",
    ]);
    ffmpeg.args([
        "-hls_segment_filename".to_owned(),
        format!("{stem}-%05d.ts"),
    ]);
    if encrypt {
        let info = staging.key_info(stem).await?;
        ffmpeg.arg("-hls_key_info_file");
        ffmpeg.arg(info);
    }
    ffmpeg.arg(&playlist);
    ffmpeg.run(|_| {}).await?;
    let size = segments_size(out, &format!("{stem}-")).await?;
    Ok(Rendition {
        file: playlist,
        format: Format::M3u8,
        encryption: if encrypt {
            Encryption::Hls
        } else {
            Encryption::None
        },
        bitrate_kbps: bitrate(size, made.duration_s),
        size,
        ..made.clone()
    })
}

async fn segments_size(out: &Path, prefix: &str) -> Result<u64, ImportError> {
    let look = || ImportError::work("look at what FFmpeg made");
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
async fn adaptive_playlist(
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
        .map_err(ImportError::work("write the adaptive playlist"))?;
    let highest = renditions.last().map(|rendition| (*rendition).clone());
    let highest = highest.ok_or(ImportError::NothingPlayable)?;
    Ok(Rendition {
        file: MASTER.to_owned(),
        definition: Definition::Auto,
        ..highest
    })
}

async fn cover(out: &Path, file: &str, duration_s: f64) -> Result<(), ImportError> {
    let at = (duration_s * 0.1).min(10.0);
    let mut ffmpeg = Ffmpeg::new(out);
    ffmpeg.args(["-ss".to_owned(), format!("{at:.3}")]);
    ffmpeg.input(&out.join(file));
    ffmpeg.args([
        "-frames:v",
        "1",
        "-q:v",
        "3",
        "-f",
        "image2",
        "-update",
        "1",
        COVER,
    ]);
    ffmpeg.run(|_| {}).await
}

/// Media that the database knows must be there after a power failure.
async fn sync_tree(out: &Path) -> Result<(), ImportError> {
    let out = out.to_path_buf();
    let synced = tokio::task::spawn_blocking(move || -> std::io::Result<()> {
        for entry in std::fs::read_dir(&out)? {
            std::fs::File::open(entry?.path())?.sync_all()?;
        }
        std::fs::File::open(&out)?.sync_all()
    });
    synced
        .await
        .map_err(|error| std::io::Error::other(error.to_string()))
        .and_then(|done| done)
        .map_err(ImportError::work("write the media to the disk"))
}
