//! In which order sinks are called, and what becomes of their failures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex};

use kinora_errors::{Code, Coded, codes};
use kinora_media::{ColorInfo, PixelFormat, Rotation, Time, VecPlanes, VideoFrame};
use kinora_output::{Background, Presenter, SinkError, TeeVideo, VideoFormat, VideoSink};

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
fn a_form_is_told_before_its_pictures_and_a_jump_once() {
    let noted = Noted::default();
    let mut sink = Presenter::new(noted.clone());
    let mut told = Vec::new();
    session(|picture| match picture {
        Some(picture) => told.push(sink.present(picture).map_err(|error| error.reason())),
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
    assert_eq!(told, expected);
}

#[test]
fn a_sink_behind_others_is_called_in_the_same_order() {
    let (first, second) = (Noted::default(), Noted::default());
    let behind = Background::start(second.clone()).unwrap();
    let mut sink = TeeVideo::new(vec![Box::new(first.clone()), Box::new(behind)]);
    session(|picture| match picture {
        // The refusal is told with one of the pictures that follow.
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
fn a_picture_that_can_not_be_coded_is_told_without_the_coders_types() {
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
