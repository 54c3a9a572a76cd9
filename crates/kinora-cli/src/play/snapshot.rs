//! The picture that is out, as a PNG file.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use kinora::output::snapshot_png;
use kinora::{Player, ScriptChoice, Time};

use crate::words::Words;

/// So many files of one name are told apart by numbers.
const MOST_OF_A_NAME: u32 = 1_000;

/// How subtitles are drawn on a snapshot.
#[derive(Clone, Copy)]
pub(crate) struct CueDrawing {
    pub(crate) scripts: ScriptChoice,
    pub(crate) scale: f32,
}

/// A picture that was written.
pub(crate) struct Snapshot {
    pub(crate) file: PathBuf,
    /// The time of the picture.
    pub(crate) pts: Time,
}

/// Writes the picture that is out, with its subtitles where they are asked for: to the file that is named, else to a new one in
/// the working directory.
///
/// # Errors
/// What a person is told.
pub(crate) fn take(
    player: &Player,
    file: Option<PathBuf>,
    subtitles: Option<CueDrawing>,
) -> Result<Snapshot, Words> {
    let frame = match subtitles {
        None => player.snapshot(),
        Some(CueDrawing { scripts, scale }) => {
            let renderer = scripts.renderer().unwrap_or_default();
            player.snapshot_with_cues(&mut renderer.with_scale(scale))
        }
    };
    let Some(frame) = frame else {
        return Err(Words::new("no picture is out", "还没有画面"));
    };
    let png = snapshot_png(&frame)
        .map_err(|error| Words::new(error.to_string(), format!("无法截图：{error}")))?;
    let written = match file {
        Some(file) => std::fs::write(&file, &png)
            .map(|()| file.clone())
            .map_err(|error| not_written(&file, &error)),
        None => write_new(Path::new(""), &stem(frame.pts), &png),
    };
    let pts = frame.pts;
    written.map(|file| Snapshot { file, pts })
}

/// `kinora-0-01-30.500`: hours, minutes, seconds.
fn stem(pts: Time) -> String {
    let ms = pts.max(Time::ZERO).as_millis();
    let (hours, minutes) = (ms / 3_600_000, ms / 60_000 % 60);
    let (seconds, millis) = (ms / 1_000 % 60, ms % 1_000);
    format!("kinora-{hours}-{minutes:02}-{seconds:02}.{millis:03}")
}

/// Writes a file that was not there: one of that name may be of another film.
fn write_new(dir: &Path, stem: &str, png: &[u8]) -> Result<PathBuf, Words> {
    let mut file = dir.join(format!("{stem}.png"));
    for number in 2..=MOST_OF_A_NAME {
        let made = OpenOptions::new().write(true).create_new(true).open(&file);
        match made.and_then(|mut made| made.write_all(png)) {
            Ok(()) => return Ok(file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                file = dir.join(format!("{stem}-{number}.png"));
            }
            Err(error) => return Err(not_written(&file, &error)),
        }
    }
    Err(not_written(&file, &io::ErrorKind::AlreadyExists.into()))
}

fn not_written(file: &Path, error: &io::Error) -> Words {
    let file = file.display();
    Words::new(
        format!("{file} can not be written: {error}"),
        format!("无法写入 {file}：{error}"),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_named_by_its_time_and_takes_no_other_ones_place() {
        assert_eq!(stem(Time::from_millis(90_500)), "kinora-0-01-30.500");
        assert_eq!(stem(Time::from_millis(-1)), "kinora-0-00-00.000");
        let dir = tempfile::tempdir().unwrap();
        let name = |content: &[u8]| {
            let file = write_new(dir.path(), "a", content).unwrap();
            assert_eq!(std::fs::read(&file).unwrap(), content);
            file.file_name().unwrap().to_owned()
        };
        assert_eq!(
            [name(b"1"), name(b"2"), name(b"3")],
            ["a.png", "a-2.png", "a-3.png"]
        );
        let nowhere = write_new(&dir.path().join("no"), "a", b"1").unwrap_err();
        assert!(nowhere.to_string().contains("can not be written"));
    }
}
