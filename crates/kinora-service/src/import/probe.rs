use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, timeout_at};

use super::child::{self, ChildLimits, StartedChild};
use super::diagnostics::Diagnostics;
use super::ffmpeg::input;
use super::limits::ImportBudget;
use super::{ExceededLimit, ImportError};

/// How long ffprobe may take, and how much of the processor.
const LIMIT: Duration = Duration::from_secs(60);
const MAX_OUTPUT_LEN: u64 = 4 * 1024 * 1024;

/// What a file holds, as far as an import needs it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Probed {
    pub(super) duration_s: f64,
    pub(super) video: Option<VideoStream>,
    pub(super) audio: Option<AudioStream>,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) struct VideoStream {
    pub(super) index: u32,
    pub(super) codec: String,
    pub(super) pixel_format: String,
    pub(super) width: u32,
    /// Lines as they are shown: the width of a picture that is turned by 90°.
    pub(super) height: u32,
    pub(super) fps: f64,
    pub(super) interlaced: bool,
    pub(super) turned: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) struct AudioStream {
    pub(super) index: u32,
    pub(super) codec: String,
}

#[derive(Deserialize)]
struct FfprobeOutput {
    #[serde(default)]
    streams: Vec<Stream>,
    format: Option<Container>,
}

#[derive(Deserialize)]
struct Container {
    duration: Option<String>,
}

#[derive(Deserialize)]
struct Stream {
    index: u32,
    codec_type: Option<String>,
    codec_name: Option<String>,
    pix_fmt: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    avg_frame_rate: Option<String>,
    field_order: Option<String>,
    duration: Option<String>,
    #[serde(default)]
    disposition: Disposition,
    #[serde(default)]
    side_data_list: Vec<SideData>,
}

impl Stream {
    fn pixels(&self) -> u64 {
        u64::from(self.width.unwrap_or(0)).saturating_mul(u64::from(self.height.unwrap_or(0)))
    }
}

#[derive(Deserialize, Default)]
struct Disposition {
    #[serde(default)]
    attached_pic: u8,
}

#[derive(Deserialize)]
struct SideData {
    rotation: Option<f64>,
}

/// Asks ffprobe. `own` files were made by ourselves: if they cannot be read, the source was at fault.
pub(super) async fn probe(
    file: &Path,
    own: bool,
    budget: &ImportBudget,
) -> Result<Probed, ImportError> {
    let (json, diagnostics) = run_ffprobe(file, budget).await?;
    let answer: FfprobeOutput = serde_json::from_slice(&json)
        .map_err(|_| ImportError::Broken("ffprobe's answer cannot be read".to_owned()))?;
    let largest = answer.streams.iter().map(Stream::pixels).max();
    let probed = to_probed(answer);
    // ffprobe reports no size of a picture that it left out.
    if largest > Some(budget.limits.pixels) || (probed.video.is_none() && diagnostics.too_large()) {
        return Err(ExceededLimit::Pixels(budget.limits.pixels).into());
    }
    budget.check_duration(probed.duration_s)?;
    if probed.video.is_none() && probed.audio.is_none() {
        return Err(ImportError::NothingPlayable);
    }
    // Some containers state no duration; what we made ourselves always does.
    if own && probed.duration_s <= 0.0 {
        return Err(ImportError::Broken(
            "no picture and no sound could be read".to_owned(),
        ));
    }
    Ok(probed)
}

/// Runs ffprobe, within its limits.
async fn run_ffprobe(
    file: &Path,
    budget: &ImportBudget,
) -> Result<(Vec<u8>, Diagnostics), ImportError> {
    let begun = Instant::now();
    let limit = LIMIT.min(budget.limits.stall);
    let limits = ChildLimits {
        cpu: budget.limits.cpu.min(LIMIT),
        // It writes nothing.
        file: 0,
        ..ChildLimits::of(&budget.limits)
    };
    let mut command = child::command("ffprobe");
    command
        .args(["-hide_banner", "-v", "error", "-of", "json"])
        .args(["-show_format", "-show_streams"])
        .args(input(file, budget));
    let StartedChild {
        mut guard,
        stdout,
        stderr,
    } = child::start(command, "ffprobe", limits).await?;
    let mut json = Vec::new();
    let mut limited = stdout.take(MAX_OUTPUT_LEN);
    let asked = timeout_at(begun + limit, async {
        tokio::join!(
            async {
                let read = limited.read_to_end(&mut json).await;
                // Too long an answer is not waited for: who cannot go on writing ends.
                drop(limited);
                read
            },
            Diagnostics::read(stderr),
            guard.ended()
        )
    });
    let (read, diagnostics, status) = asked.await.map_err(|_| ImportError::Stalled(limit))?;
    read.map_err(ImportError::io("listen to ffprobe"))?;
    let status = status.map_err(ImportError::io("wait for ffprobe"))?;
    let judged = diagnostics.judge(status, begun.elapsed(), "ffprobe", &budget.limits);
    judged.map_err(|error| match error {
        ImportError::Broken(reason) => ImportError::Broken(without_path(&reason, file)),
        other => other,
    })?;
    Ok((json, diagnostics))
}

fn without_path(reason: &str, file: &Path) -> String {
    reason.replace(&format!("file:{}: ", file.display()), "")
}

fn number(text: Option<&String>) -> f64 {
    text.and_then(|text| text.parse::<f64>().ok())
        .filter(|number| number.is_finite() && *number > 0.0)
        .unwrap_or(0.0)
}

fn ratio(text: Option<&String>) -> f64 {
    let parts = text.and_then(|text| text.split_once('/'));
    let parts = parts
        .and_then(|(over, under)| Some((over.parse::<f64>().ok()?, under.parse::<f64>().ok()?)));
    match parts {
        Some((over, under)) if under > 0.0 => over / under,
        _ => 0.0,
    }
}

fn to_probed(answer: FfprobeOutput) -> Probed {
    let longest = answer
        .streams
        .iter()
        .map(|stream| number(stream.duration.as_ref()))
        .fold(0.0, f64::max);
    let stated = number(
        answer
            .format
            .as_ref()
            .and_then(|format| format.duration.as_ref()),
    );
    let mut probed = Probed {
        duration_s: if stated > 0.0 { stated } else { longest },
        video: None,
        audio: None,
    };
    for stream in answer.streams {
        let codec = stream.codec_name.clone().unwrap_or_default();
        match stream.codec_type.as_deref() {
            Some("video") if probed.video.is_none() && stream.disposition.attached_pic == 0 => {
                let (Some(width), Some(height)) = (
                    stream.width.filter(|w| *w > 0),
                    stream.height.filter(|h| *h > 0),
                ) else {
                    continue;
                };
                let turned = stream
                    .side_data_list
                    .iter()
                    .filter_map(|data| data.rotation)
                    .any(|degrees| {
                        (degrees.abs() - 90.0).abs() < 1.0 || (degrees.abs() - 270.0).abs() < 1.0
                    });
                let (width, height) = if turned {
                    (height, width)
                } else {
                    (width, height)
                };
                probed.video = Some(VideoStream {
                    index: stream.index,
                    codec,
                    pixel_format: stream.pix_fmt.unwrap_or_default(),
                    width,
                    height,
                    fps: ratio(stream.avg_frame_rate.as_ref()),
                    interlaced: stream
                        .field_order
                        .is_some_and(|order| !["progressive", "unknown"].contains(&order.as_str())),
                    turned,
                });
            }
            Some("audio") if probed.audio.is_none() && !codec.is_empty() => {
                probed.audio = Some(AudioStream {
                    index: stream.index,
                    codec,
                });
            }
            _ => {}
        }
    }
    probed
}
