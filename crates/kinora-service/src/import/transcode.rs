//! Makes the media of a video, in the place to work in.

use std::path::{Path, PathBuf};

use super::limits::ImportBudget;
use super::package::{adaptive_playlist, package};
use super::plan::{self, Plan, Rung};
use super::probe::{self, Probed};
use super::staging::Staging;
use super::{Ffmpeg, ImportError, Progress};
use crate::domain::{Format, Rendition, RenditionEncryption};

const COVER: &str = "cover.jpg";
/// The widest cover of an encrypted video: a picture to choose it by, not one of the film.
const MAX_COVER_WIDTH: u32 = 640;
/// Share of the work that encoding is; packaging is the rest.
const ENCODING_SHARE: f64 = 0.85;
/// A rendition shorter than this share of what the file promised means that the file is cut off.
const MIN_KEPT: f64 = 0.95;
const CUT_SLACK_S: f64 = 1.0;

/// What is made of what.
pub(super) struct Transcode<'a> {
    pub(super) source: &'a Path,
    pub(super) probed: &'a Probed,
    pub(super) plan: &'a Plan,
    pub(super) encrypt: bool,
    pub(super) staging: &'a Staging,
    pub(super) budget: &'a ImportBudget,
}

/// What was made.
pub(super) struct Transcoded {
    pub(super) renditions: Vec<Rendition>,
    pub(super) cover: Option<String>,
    pub(super) duration_s: f64,
}

impl Transcode<'_> {
    /// Where the whole files are made. Those of an encrypted video are in the clear, so they do not become its media.
    pub(super) fn files(&self) -> PathBuf {
        if self.encrypt {
            self.staging.clear()
        } else {
            self.staging.out()
        }
    }

    /// Makes all of it, and writes it to the disk.
    pub(super) async fn run<F: FnMut(f64) + Send>(
        &self,
        progress: &mut Progress<F>,
    ) -> Result<Transcoded, ImportError> {
        self.encode(progress).await?;
        let mut renditions = Vec::new();
        let steps = (self.plan.rungs.len().max(1)) as f64;
        for (done, rung) in self.plan.rungs.iter().enumerate() {
            let whole = self.measure(rung).await?;
            let hls = match rung.format {
                Format::Mp4 if self.encrypt || !whole.audio_only => {
                    Some(package(self, rung, &whole).await?)
                }
                _ => None,
            };
            if !self.encrypt {
                renditions.push(whole);
            }
            renditions.extend(hls);
            progress.set(ENCODING_SHARE + (1.0 - ENCODING_SHARE) * 0.9 * (done + 1) as f64 / steps);
        }
        let hls = |rendition: &&Rendition| rendition.format == Format::M3u8;
        let adaptive: Vec<&Rendition> = renditions.iter().filter(hls).collect();
        if adaptive.len() > 1 && !self.encrypt {
            let auto = adaptive_playlist(&self.staging.out(), &adaptive).await?;
            renditions.push(auto);
        }
        let cover = self.cover().await?;
        sync_tree(self.staging.out()).await?;
        self.budget.check_output()?;
        let duration_s = renditions
            .first()
            .map_or(self.probed.duration_s, |rendition| rendition.duration_s);
        Ok(Transcoded {
            renditions,
            cover,
            duration_s,
        })
    }

    async fn encode<F: FnMut(f64) + Send>(
        &self,
        progress: &mut Progress<F>,
    ) -> Result<(), ImportError> {
        let mut ffmpeg = Ffmpeg::new(&self.files(), self.budget);
        ffmpeg.input(self.source);
        for rung in &self.plan.rungs {
            ffmpeg.args(plan::outputs(self.probed, rung));
            ffmpeg.arg(&rung.file);
        }
        let duration_s = self.probed.duration_s;
        ffmpeg
            .run(|time_s| {
                if duration_s > 0.0 {
                    progress.set((time_s / duration_s).min(1.0) * ENCODING_SHARE);
                }
            })
            .await
    }

    /// What was really made, and whether it is all of it.
    async fn measure(&self, rung: &Rung) -> Result<Rendition, ImportError> {
        let path = self.files().join(&rung.file);
        let made = probe::probe(&path, true, self.budget).await?;
        let promised = self.probed.duration_s;
        if made.duration_s < promised * MIN_KEPT && promised - made.duration_s > CUT_SLACK_S {
            return Err(ImportError::CutOff {
                promised_s: promised,
                found_s: made.duration_s,
            });
        }
        let size = tokio::fs::metadata(&path)
            .await
            .map_err(ImportError::io("look at what FFmpeg made"))?
            .len();
        let video = made.video.as_ref();
        Ok(Rendition {
            file: rung.file.clone(),
            format: rung.format,
            definition: rung.definition,
            encryption: RenditionEncryption::None,
            audio_only: video.is_none(),
            bitrate_kbps: bitrate(size, made.duration_s),
            fps: video.map_or(0.0, |video| video.fps),
            duration_s: made.duration_s,
            size,
            width: video.map_or(0, |video| video.width),
            height: video.map_or(0, |video| video.height),
        })
    }

    /// One picture of the video, if it has any.
    async fn cover(&self) -> Result<Option<String>, ImportError> {
        let Some(rung) = self
            .plan
            .rungs
            .first()
            .filter(|_| self.probed.video.is_some())
        else {
            return Ok(None);
        };
        let at = (self.probed.duration_s * 0.1).min(10.0);
        let mut ffmpeg = Ffmpeg::new(&self.staging.out(), self.budget);
        ffmpeg.args(["-ss".to_owned(), format!("{at:.3}")]);
        ffmpeg.input(&self.files().join(&rung.file));
        if self.encrypt {
            let scale = format!("scale='min({MAX_COVER_WIDTH},iw)':-2");
            ffmpeg.args(["-vf".to_owned(), scale]);
        }
        ffmpeg.args([
            "-frames:v",
            "1",
            "-q:v",
            "3",
            "-f",
            "image2",
            "-update",
            "1",
        ]);
        ffmpeg.arg(COVER);
        ffmpeg.run(|_| {}).await?;
        Ok(Some(COVER.to_owned()))
    }
}

pub(super) fn bitrate(size: u64, duration_s: f64) -> f64 {
    if duration_s > 0.0 {
        size as f64 * 8.0 / 1000.0 / duration_s
    } else {
        0.0
    }
}

/// Media that the database knows must be there after a power failure.
async fn sync_tree(out: PathBuf) -> Result<(), ImportError> {
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
        .map_err(ImportError::io("write the media to the disk"))
}
