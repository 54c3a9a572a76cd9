//! What is made of a file: a copy where that suffices, else a ladder of renditions.

use super::ImportError;
use super::ffmpeg::threads;
use super::probe::{Probed, VideoStream};
use crate::domain::{Definition, Format};

/// Lines and target rates (kbit/s) of the ladder, lowest first.
const LADDER: [(Definition, u32, u32); 4] = [
    (Definition::Fd, 360, 600),
    (Definition::Ld, 540, 1200),
    (Definition::Sd, 720, 2200),
    (Definition::Hd, 1080, 4200),
];
const KEY_FRAME_EVERY_S: u32 = 2;

/// One file to make.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Rung {
    pub(super) file: String,
    pub(super) format: Format,
    pub(super) definition: Definition,
    /// Lines; nothing for a copy or for sound.
    lines: Option<u32>,
    rate_kbps: u32,
}

impl Rung {
    /// The name without its ending.
    pub(super) fn stem(&self) -> &str {
        self.file.split('.').next().unwrap_or_default()
    }
}

/// All files to make in one run.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Plan {
    pub(super) rungs: Vec<Rung>,
}

/// The label of a picture's height.
fn label(height: u32) -> Definition {
    match height {
        0..=360 => Definition::Fd,
        361..=540 => Definition::Ld,
        541..=720 => Definition::Sd,
        721..=1080 => Definition::Hd,
        1081..=1440 => Definition::TwoK,
        _ => Definition::FourK,
    }
}

fn rung(definition: Definition, format: Format, lines: Option<u32>, rate_kbps: u32) -> Rung {
    let file = format!("{}.{}", definition.as_str().to_lowercase(), format.as_str());
    Rung {
        file,
        format,
        definition,
        lines,
        rate_kbps,
    }
}

/// Any player of this family decodes it: 8-bit 4:2:0 H.264, frames, upright.
fn plays_everywhere(video: &VideoStream) -> bool {
    video.codec == "h264"
        && ["yuv420p", "yuvj420p"].contains(&video.pixel_format.as_str())
        && !video.interlaced
        && !video.turned
}

pub(super) fn plan(
    probed: &Probed,
    force_ladder: bool,
    encrypt: bool,
) -> Result<Plan, ImportError> {
    let Some(video) = &probed.video else {
        if probed.audio.is_none() {
            return Err(ImportError::NothingPlayable);
        }
        // An MP3 file is given out whole, and nothing that is whole is encrypted.
        let format = if encrypt { Format::Mp4 } else { Format::Mp3 };
        return Ok(Plan {
            rungs: vec![rung(Definition::Sq, format, None, 128)],
        });
    };
    let audio_fits = probed
        .audio
        .as_ref()
        .is_none_or(|audio| audio.codec == "aac");
    if plays_everywhere(video) && audio_fits && !force_ladder {
        return Ok(Plan {
            rungs: vec![rung(label(video.height), Format::Mp4, None, 0)],
        });
    }
    let mut rungs: Vec<Rung> = LADDER
        .iter()
        .filter(|(_, lines, _)| *lines <= video.height)
        .map(|(definition, lines, rate)| rung(*definition, Format::Mp4, Some(*lines), *rate))
        .collect();
    if rungs.is_empty() {
        // Lower than the lowest rung: kept at its own height.
        let own = (video.height & !1).max(2);
        rungs.push(rung(Definition::Fd, Format::Mp4, Some(own), 600));
    }
    Ok(Plan { rungs })
}

/// FFmpeg's options for one file of the plan.
pub(super) fn outputs(probed: &Probed, rung: &Rung) -> Vec<String> {
    let mut args: Vec<String> = Vec::new();
    let mut push = |words: &[&str]| args.extend(words.iter().map(|word| (*word).to_owned()));
    push(&["-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn"]);
    if let Some(video) = &probed.video {
        push(&["-map", &format!("0:{}", video.index)]);
    }
    if let Some(audio) = &probed.audio {
        push(&["-map", &format!("0:{}", audio.index)]);
    }
    let audio = probed.audio.as_ref().map(|audio| audio.codec.as_str());
    if rung.format == Format::Mp3 {
        push(match audio {
            Some("mp3") => &["-c:a", "copy"],
            _ => &["-c:a", "libmp3lame", "-b:a", "128k", "-ac", "2"],
        });
        push(&["-f", "mp3"]);
        return args;
    }
    match rung.lines {
        None if probed.video.is_none() && audio != Some("aac") => {
            push(&["-c:a", "aac", "-b:a", "128k", "-ac", "2"]);
        }
        None => push(&["-c", "copy"]),
        Some(lines) => {
            let (rate, peak) = (
                format!("{}k", rung.rate_kbps),
                format!("{}k", rung.rate_kbps * 2),
            );
            let deinterlace = if probed.video.as_ref().is_some_and(|video| video.interlaced) {
                "yadif,"
            } else {
                ""
            };
            push(&[
                "-vf",
                &format!("{deinterlace}scale=-2:{lines},setsar=1"),
                "-pix_fmt",
                "yuv420p",
            ]);
            push(&[
                "-c:v",
                "libx264",
                "-preset",
                "veryfast",
                "-threads",
                &threads(),
                "-profile:v",
                "high",
                "-crf",
                "23",
                "-maxrate",
                &rate,
                "-bufsize",
                &peak,
            ]);
            // The same key frames in all renditions, so that a player may change between them.
            push(&[
                "-force_key_frames",
                &format!("expr:gte(t,n_forced*{KEY_FRAME_EVERY_S})"),
                "-sc_threshold",
                "0",
            ]);
            push(&["-c:a", "aac", "-b:a", "128k", "-ac", "2"]);
        }
    }
    push(&["-movflags", "+faststart", "-f", "mp4"]);
    args
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::probe::AudioStream;

    fn source(codec: &str, height: u32, audio: Option<&str>) -> Probed {
        Probed {
            duration_s: 10.0,
            video: Some(VideoStream {
                index: 0,
                codec: codec.into(),
                pixel_format: "yuv420p".into(),
                width: height * 16 / 9,
                height,
                fps: 25.0,
                interlaced: false,
                turned: false,
            }),
            audio: audio.map(|codec| AudioStream {
                index: 1,
                codec: codec.into(),
            }),
        }
    }
    fn labels(probed: &Probed, force: bool) -> Vec<&'static str> {
        plan(probed, force, false)
            .unwrap()
            .rungs
            .iter()
            .map(|rung| rung.definition.as_str())
            .collect()
    }

    #[test]
    fn what_plays_everywhere_is_copied() {
        let plan = plan(&source("h264", 720, Some("aac")), false, false).unwrap();
        assert_eq!(plan.rungs, [rung(Definition::Sd, Format::Mp4, None, 0)]);
    }

    #[test]
    fn a_ladder_never_goes_above_its_source() {
        assert_eq!(
            labels(&source("hevc", 1080, Some("aac")), false),
            ["FD", "LD", "SD", "HD"]
        );
        assert_eq!(
            labels(&source("h264", 720, Some("opus")), false),
            ["FD", "LD", "SD"]
        );
        assert_eq!(labels(&source("h264", 720, None), true), ["FD", "LD", "SD"]);
        assert_eq!(labels(&source("vp9", 144, None), false), ["FD"]);
    }

    #[test]
    fn audio_alone_becomes_mp3() {
        let sound = Probed {
            video: None,
            ..source("", 2, Some("aac"))
        };
        assert_eq!(labels(&sound, false), ["SQ"]);
        let protected = plan(&sound, false, true).unwrap();
        assert_eq!(protected.rungs[0].format, Format::Mp4);
        let nothing = Probed {
            audio: None,
            ..sound
        };
        assert!(matches!(
            plan(&nothing, false, false),
            Err(ImportError::NothingPlayable)
        ));
    }
}
