//! Brings a file in: FFmpeg as a child process, in a staging directory that nobody sees until all is done.

mod child;
mod diagnostics;
mod error;
mod ffmpeg;
mod limits;
mod package;
mod plan;
mod probe;
mod staging;
#[cfg(test)]
mod tests;
mod transcode;

use std::path::Path;

use crate::data_dir::{Core, roll_back};
use crate::domain::{Video, VideoDetails, VideoId, VideoStatus, clean_title};

pub use error::ImportError;
use ffmpeg::Ffmpeg;
use limits::ImportBudget;
pub use limits::{ExceededLimit, ImportLimits};
use staging::Staging;
pub(crate) use staging::{begun, claim};
use transcode::Transcode;

/// How a file is brought in.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ImportOptions {
    /// The title; the file's name where there is none. What does not show, and what turns the direction of text, is
    /// left out of it.
    pub title: Option<String>,
    /// Gives the video out as HLS that is encrypted with AES-128, and in no other form: neither whole files nor an
    /// adaptive playlist are kept. Only its cover, a small picture, is not encrypted.
    pub encrypt_hls: bool,
    /// Makes the ladder of renditions also where copying would do.
    pub ladder: bool,
    /// What it may cost.
    pub limits: ImportLimits,
}

/// Reports progress only forward, and not for every small step.
struct Progress<F> {
    report: F,
    reported: f64,
}

impl<F: FnMut(f64)> Progress<F> {
    fn set(&mut self, done: f64) {
        let done = done.clamp(0.0, 1.0);
        if done - self.reported >= 0.001 || (done >= 1.0 && self.reported < 1.0) {
            self.reported = done;
            (self.report)(done);
        }
    }
}

pub(crate) async fn import(
    core: &Core,
    file: &Path,
    options: ImportOptions,
    report: impl FnMut(f64) + Send,
) -> Result<VideoId, ImportError> {
    let mut progress = Progress {
        report,
        reported: -1.0,
    };
    progress.set(0.0);
    let mut budget = ImportBudget::begin(options.limits);
    let source = readable(file).await?;
    let probed = probe::probe(&source, false, &budget).await?;
    let plan = plan::plan(&probed, options.ladder, options.encrypt_hls)?;
    let id = Core::new_video_id().map_err(ImportError::io("draw a random id"))?;
    // A dropped import's files are removed by this; its record, and what a killed one left, by the next import or start.
    let staging = Staging::begin(&core.staging(), &id)?;
    budget.watch([staging.out(), staging.clear()]);
    let size = tokio::fs::metadata(&source)
        .await
        .map(|about| about.len())
        .unwrap_or(0);
    let mut video = Video {
        title: title(options.title.as_deref(), &source, &id),
        id: id.clone(),
        status: VideoStatus::Transcoding,
        duration_s: probed.duration_s,
        size,
        cover: None,
        created_ms: core.clock.unix_ms(),
        details: VideoDetails::default(),
    };
    let transcode = Transcode {
        source: &source,
        probed: &probed,
        plan: &plan,
        encrypt: options.encrypt_hls,
        staging: &staging,
        budget: &budget,
    };
    if let Err(error) = publish(core, &transcode, &mut video, &mut progress).await {
        // First the files: a full disk takes no change of the database. What stays all the same is swept by the next
        // import or start.
        staging.discard();
        if roll_back(core, &id).await.is_ok() {
            staging.settle();
        }
        return Err(error);
    }
    staging.settle();
    progress.set(1.0);
    Ok(id)
}

/// Makes the media, moves them into place and lets the video be seen.
async fn publish<F: FnMut(f64) + Send>(
    core: &Core,
    transcode: &Transcode<'_>,
    video: &mut Video,
    progress: &mut Progress<F>,
) -> Result<(), ImportError> {
    core.videos.insert_video(video).await?;
    let made = transcode.run(progress).await?;
    video.duration_s = made.duration_s;
    video.cover = made.cover;
    video.status = VideoStatus::Normal;
    core.objects
        .adopt(&video.id, &transcode.staging.out())
        .await
        .map_err(ImportError::io("move the media into place"))?;
    core.videos.finish_video(video, &made.renditions).await?;
    Ok(())
}

/// The title that was given, else the file's name, else the id: the first of them that shows anything.
fn title(given: Option<&str>, source: &Path, id: &VideoId) -> String {
    let stem = source.file_stem().map(|name| name.to_string_lossy());
    [given, stem.as_deref()]
        .into_iter()
        .flatten()
        .map(clean_title)
        .find(|title| !title.is_empty())
        .unwrap_or_else(|| id.to_string())
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
