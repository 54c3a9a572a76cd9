//! In which order sinks are called, and what becomes of their failures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex};

use kinora_errors::{Code, Coded, codes};
use kinora_media::{ColorInfo, Mirror, PixelFormat, Rotation, Time, VecPlanes, VideoFrame};
use kinora_output::{BackgroundVideo, Presenter, SinkError, TeeVideo, VideoFormat, VideoSink};

/// A grey picture.
fn picture(width: u32) -> VideoFrame {
    VideoFrame {
        pts: Time::ZERO,
        duration: Time::ZERO,
        width,
        height: 2,
        format: PixelFormat::Gray8,
        color: ColorInfo::default(),
        pixel_aspect: None,
        rotation: Rotation::None,
        mirror: Mirror::None,
        buffer: Arc::new(VecPlanes {
            planes: vec![(vec![0; width as usize * 2], width as usize)],
        }),
    }
}

/// Notes how it is called; takes pictures of even widths only.
#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Vec<String>>>);

impl Noted {
    fn note(&self, call: impl Into<String>) {
        self.0.lock().unwrap().push(call.into());
    }
    fn calls(&self) -> String {
        self.0.lock().unwrap().join(" ")
    }
}

impl VideoSink for Noted {
    fn configure(&mut self, format: &VideoFormat) -> Result<(), SinkError> {
        self.note(format!("form{}", format.width));
        match format.width % 2 {
            0 => Ok(()),
            _ => Err(SinkError::application("odd")),
        }
    }
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        self.note(format!("show{}", frame.width));
        Ok(())
    }
    fn flush(&mut self) {
        self.note("flush");
    }
    fn finish(&mut self) -> Result<(), SinkError> {
        self.note("finish");
        Ok(())
    }
}

const EXPECTED: &str = "form4 show4 show4 flush show4 form3 form4 show4 finish";

/// Pictures, a jump, and a form that is refused.
fn session(mut present: impl FnMut(Option<&VideoFrame>)) {
    present(None);
    for width in [4, 4] {
        present(Some(&picture(width)));
    }
    present(None);
    present(None);
    for width in [4, 3, 3, 4] {
        present(Some(&picture(width)));
    }
}

#[test]
fn a_format_is_configured_before_its_frames_and_a_seek_flushes_once() {
    let noted = Noted::default();
    let mut sink = Presenter::new(noted.clone());
    let mut reported = Vec::new();
    session(|picture| match picture {
        Some(picture) => reported.push(sink.present(picture).map_err(|error| error.reason())),
        None => sink.flush(),
    });
    sink.finish().unwrap();
    assert_eq!(noted.calls(), EXPECTED);
    // Refused once, left out then.
    let expected = [
        Ok(true),
        Ok(true),
        Ok(true),
        Err("sink.application"),
        Ok(false),
        Ok(true),
    ];
    assert_eq!(reported, expected);
}

#[test]
fn a_sink_behind_others_is_called_in_the_same_order() {
    let (first, second) = (Noted::default(), Noted::default());
    let behind = BackgroundVideo::start(second.clone()).unwrap();
    let mut sink = TeeVideo::new(vec![Box::new(first.clone()), Box::new(behind)]);
    session(|picture| match picture {
        // The refusal is reported with one of the frames that follow.
        Some(picture) => drop(sink.present(picture)),
        None => sink.flush(),
    });
    let _ = sink.finish();
    assert_eq!(
        (first.calls(), second.calls()),
        (EXPECTED.into(), EXPECTED.into())
    );
}

#[test]
fn errors_of_the_applications_own_have_a_number_and_keep_their_words() {
    let lost = SinkError::application("the window is gone");
    assert_eq!(
        (lost.code(), lost.reason()),
        (codes::ERROR_GENERAL_UNKNOWN, "sink.application")
    );
    assert_eq!(lost.source().unwrap().to_string(), "the window is gone");
    let full = SinkError::from(io::Error::from_raw_os_error(28));
    assert_eq!(full.code(), Code::from_errno(28));
    let chosen = SinkError::application_as(codes::ERROR_UNKNOWN, lost);
    assert_eq!(chosen.code(), codes::ERROR_UNKNOWN);
    let causes = chosen.fault();
    let causes: Vec<_> = causes
        .causes()
        .iter()
        .map(|cause| cause.0.as_str())
        .collect();
    assert_eq!(causes[2], "the window is gone");
}

#[test]
fn a_frame_that_can_not_be_encoded_is_reported_without_the_encoders_types() {
    let image = kinora_output::RgbImage {
        width: 0,
        height: 0,
        data: Vec::new(),
    };
    let SinkError::Png(source) = image.to_png().unwrap_err() else {
        panic!("another failure")
    };
    let source: Box<dyn Error + Send + Sync> = source;
    assert!(!source.to_string().is_empty());
}

#[test]
fn a_raw_file_holds_frames_of_its_first_size_and_leaves_others_out() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["film.yuv", "film.y4m"] {
        let path = dir.path().join(name);
        let mut sink = Presenter::new(kinora_output::YuvFile::create(&path).unwrap());
        let refusals: Vec<_> = [4, 6, 6, 4]
            .into_iter()
            .map(|width| {
                sink.present(&picture(width))
                    .map_err(|error| error.reason())
            })
            .collect();
        let expected = [Ok(true), Err("sink.format_changed"), Ok(false), Ok(true)];
        assert_eq!(refusals, expected, "{name}");
        sink.finish().unwrap();
        let written = std::fs::read(&path).unwrap();
        let header = written.iter().position(|byte| *byte == b'\n');
        let rest = match name.ends_with("y4m") {
            true => written.len() - header.unwrap() - 1 - 2 * b"FRAME\n".len(),
            false => written.len(),
        };
        assert_eq!(rest, 2 * 4 * 2, "{name}");
    }
}

#[test]
fn what_a_sink_needs_and_when_a_frame_is_due_reach_it_through_others() {
    use kinora_output::{CallingThread, Needs, Timing};

    /// Must be called on the main thread; notes the time for which frames are meant.
    struct Window(Noted);
    impl VideoSink for Window {
        fn needs(&self) -> Needs {
            Needs::main_thread()
        }
        fn present(&mut self, _: &VideoFrame) -> Result<(), SinkError> {
            Ok(())
        }
        fn present_at(&mut self, _: &VideoFrame, timing: Timing) -> Result<(), SinkError> {
            self.0.note(format!("due{}", timing.due.as_millis()));
            Ok(())
        }
        fn set_paused(&mut self, paused: bool) {
            self.0.note(format!("paused:{paused}"));
        }
        fn clear(&mut self) {
            self.0.note("clear");
        }
    }
    let noted = Noted::default();
    let behind = BackgroundVideo::start(Window(noted.clone())).unwrap();
    let mut sink: Box<dyn VideoSink> = Box::new(TeeVideo::new(vec![Box::new(behind)]));
    assert_eq!(sink.needs().thread, CallingThread::Main);
    let timing = Timing {
        now: Time::from_millis(5),
        due: Time::from_millis(7),
    };
    sink.present_at(&picture(4), timing).unwrap();
    sink.set_paused(true);
    sink.clear();
    sink.finish().unwrap();
    assert_eq!(noted.calls(), "due7 paused:true clear");
}

#[test]
fn frames_come_ahead_as_far_as_every_sink_takes_them() {
    use kinora_output::{CallingThread, Needs};

    struct Ahead(i64);
    impl VideoSink for Ahead {
        fn needs(&self) -> Needs {
            Needs::frames_ahead(Time::from_millis(self.0))
        }
        fn present(&mut self, _: &VideoFrame) -> Result<(), SinkError> {
            Ok(())
        }
    }
    let ahead = |millis: &[i64]| {
        let sink = |ahead: &i64| Box::new(Ahead(*ahead)) as Box<dyn VideoSink>;
        TeeVideo::new(millis.iter().map(sink).collect()).needs()
    };
    let millis = |millis: &[i64]| ahead(millis).ahead.as_millis();
    assert_eq!(millis(&[40, 16]), 16);
    assert_eq!(millis(&[40, 0]), 0);
    assert_eq!(millis(&[-1]), 0);
    assert_eq!(millis(&[9_000]), 100, "what is given can not be taken back");
    assert_eq!(millis(&[]), 0);
    assert_eq!(ahead(&[40]).thread, CallingThread::Own);
}
