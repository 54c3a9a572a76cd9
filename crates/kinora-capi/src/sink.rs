//! Sinks of the application, as tables of C functions.

use std::ffi::c_void;

use kinora::output::{AudioFormat, AudioSink, SinkError, Timing, VideoSink};
use kinora::{Code, Time, VideoFrame};

/// Whatever the application gave with its functions. They are called one after the other, on a thread of the player.
struct Data {
    pointer: *mut c_void,
    destroy: Option<unsafe extern "C" fn(*mut c_void)>,
}

// SAFETY: the header says that the functions are called on another thread than the one that gave them.
unsafe impl Send for Data {}

impl Drop for Data {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: the application's own function and pointer, for the last time.
            unsafe { destroy(self.pointer) }
        }
    }
}

/// What a function of the application answered: 0, an errno, or a number of the table.
fn answer(number: i32) -> Result<(), SinkError> {
    match number {
        0 => Ok(()),
        1..=0xFFFF => Err(SinkError::application_as(
            Code::from_errno(number),
            "the application's sink said so",
        )),
        _ => Err(SinkError::application_as(
            Code::from_number(number.cast_unsigned()),
            "the application's sink said so",
        )),
    }
}

/// A video sink.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_docs)] // `kinora_video_sink` of the header.
pub struct CVideoSink {
    pub size: usize,
    pub data: *mut c_void,
    pub present: Option<unsafe extern "C" fn(*mut c_void, *const VideoFrame, i64) -> i32>,
    pub flush: Option<unsafe extern "C" fn(*mut c_void)>,
    pub set_paused: Option<unsafe extern "C" fn(*mut c_void, i32)>,
    pub clear: Option<unsafe extern "C" fn(*mut c_void)>,
    pub finish: Option<unsafe extern "C" fn(*mut c_void) -> i32>,
    pub destroy: Option<unsafe extern "C" fn(*mut c_void)>,
}

pub(crate) struct VideoCalls {
    calls: CVideoSink,
    data: Data,
}

// SAFETY: as for `Data`; the rest are functions.
unsafe impl Send for VideoCalls {}

impl VideoCalls {
    pub(crate) fn new(calls: CVideoSink) -> Self {
        let (pointer, destroy) = (calls.data, calls.destroy);
        let data = Data { pointer, destroy };
        Self { calls, data }
    }
}

impl VideoSink for VideoCalls {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        let now = Time::ZERO;
        self.present_at(frame, Timing { now, due: now })
    }
    fn present_at(&mut self, frame: &VideoFrame, timing: Timing) -> Result<(), SinkError> {
        let Some(present) = self.calls.present else {
            return Ok(());
        };
        let ahead = (timing.due - timing.now).as_micros();
        // SAFETY: the application's own; the frame is lent for the call.
        answer(unsafe { present(self.data.pointer, frame, ahead) })
    }
    fn set_paused(&mut self, paused: bool) {
        if let Some(set) = self.calls.set_paused {
            // SAFETY: the application's own.
            unsafe { set(self.data.pointer, i32::from(paused)) }
        }
    }
    fn clear(&mut self) {
        call(self.calls.clear, &self.data);
    }
    fn flush(&mut self) {
        call(self.calls.flush, &self.data);
    }
    fn finish(&mut self) -> Result<(), SinkError> {
        finish(self.calls.finish, &self.data)
    }
}

fn call(function: Option<unsafe extern "C" fn(*mut c_void)>, data: &Data) {
    if let Some(function) = function {
        // SAFETY: the application's own.
        unsafe { function(data.pointer) }
    }
}

fn finish(
    function: Option<unsafe extern "C" fn(*mut c_void) -> i32>,
    data: &Data,
) -> Result<(), SinkError> {
    match function {
        // SAFETY: the application's own.
        Some(function) => answer(unsafe { function(data.pointer) }),
        None => Ok(()),
    }
}

/// An audio sink.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_docs)] // `kinora_audio_sink` of the header.
pub struct CAudioSink {
    pub size: usize,
    pub data: *mut c_void,
    pub configure: Option<unsafe extern "C" fn(*mut c_void, u32, u32) -> i32>,
    pub queue: Option<unsafe extern "C" fn(*mut c_void, i64, *const f32, usize) -> i32>,
    pub played: Option<unsafe extern "C" fn(*mut c_void, i64) -> u64>,
    pub run: Option<unsafe extern "C" fn(*mut c_void, i64)>,
    pub hold: Option<unsafe extern "C" fn(*mut c_void, i64)>,
    pub flush: Option<unsafe extern "C" fn(*mut c_void, i64)>,
    pub drain: Option<unsafe extern "C" fn(*mut c_void, i64)>,
    pub finish: Option<unsafe extern "C" fn(*mut c_void) -> i32>,
    pub destroy: Option<unsafe extern "C" fn(*mut c_void)>,
}

pub(crate) struct AudioCalls {
    calls: CAudioSink,
    data: Data,
    channels: u16,
}

// SAFETY: as for `Data`; the rest are functions.
unsafe impl Send for AudioCalls {}

impl AudioCalls {
    pub(crate) fn new(calls: CAudioSink) -> Self {
        let (pointer, destroy) = (calls.data, calls.destroy);
        Self {
            calls,
            data: Data { pointer, destroy },
            channels: 1,
        }
    }

    fn at(&self, function: Option<unsafe extern "C" fn(*mut c_void, i64)>, now: Time) {
        if let Some(function) = function {
            // SAFETY: the application's own.
            unsafe { function(self.data.pointer, now.as_micros()) }
        }
    }
}

impl AudioSink for AudioCalls {
    fn configure(&mut self, format: AudioFormat) -> Result<(), SinkError> {
        self.channels = format.channels.max(1);
        match self.calls.configure {
            // SAFETY: the application's own.
            Some(configure) => answer(unsafe {
                configure(
                    self.data.pointer,
                    format.sample_rate,
                    format.channels.into(),
                )
            }),
            None => Ok(()),
        }
    }
    fn queue(&mut self, now: Time, samples: &[f32]) -> Result<(), SinkError> {
        let frames = samples.len() / usize::from(self.channels);
        match self.calls.queue {
            // SAFETY: the application's own; the samples are lent for the call.
            Some(queue) => answer(unsafe {
                queue(self.data.pointer, now.as_micros(), samples.as_ptr(), frames)
            }),
            None => Ok(()),
        }
    }
    fn played(&mut self, now: Time) -> u64 {
        match self.calls.played {
            // SAFETY: the application's own.
            Some(played) => unsafe { played(self.data.pointer, now.as_micros()) },
            None => 0,
        }
    }
    fn run(&mut self, now: Time) {
        self.at(self.calls.run, now);
    }
    fn hold(&mut self, now: Time) {
        self.at(self.calls.hold, now);
    }
    fn flush(&mut self, now: Time) {
        self.at(self.calls.flush, now);
    }
    fn drain(&mut self, now: Time) {
        self.at(self.calls.drain, now);
    }
    fn finish(&mut self) -> Result<(), SinkError> {
        finish(self.calls.finish, &self.data)
    }
}
