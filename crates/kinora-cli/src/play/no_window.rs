//! A program that was built without the window.

use kinora::output::VideoSink;
use kinora::{Fault, Player};

use super::remote::Remote;
use super::shutdown::Shutdown;
use crate::args::PlayArgs;
use crate::report::{Failure, Style};

/// There is none.
#[derive(Clone, Copy)]
pub(crate) enum PlayWindow {}

pub(crate) fn with_window<T>(
    args: &PlayArgs,
    _style: &Style,
    play: impl FnOnce(Option<PlayWindow>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if args.vo.split(',').any(|name| name.starts_with("window")) {
        return Err(Failure::usage(
            "--vo window: this program was built without it (feature `window`)",
            "--vo window：此程序构建时未包含窗口（特性 `window`）",
        ));
    }
    play(None)
}

impl PlayWindow {
    pub(crate) fn sink(&self) -> Box<dyn VideoSink> {
        match *self {}
    }
    pub(crate) fn first_seen(&self) -> Option<std::time::Instant> {
        match *self {}
    }
    pub(crate) fn answer(&self, _text: &str) {
        match *self {}
    }
    pub(crate) fn list_keys(&self, _lines: Vec<String>) {
        match *self {}
    }
    pub(crate) fn dismiss(&self) {
        match *self {}
    }
    pub(crate) fn toggle_full_screen(&self) {
        match *self {}
    }
    pub(crate) fn toggle_statistics(&self) {
        match *self {}
    }
    pub(crate) fn listen(&self, _remote: &Remote, _shutdown: &Shutdown) {
        match *self {}
    }
    pub(crate) fn show(&self, _player: &Player, _shown: Shown<'_>) {
        match *self {}
    }
    pub(crate) fn show_failure(&self, _fault: &Fault, _style: &Style) {
        match *self {}
    }
    pub(crate) fn set_title(&self, _title: &str) {
        match *self {}
    }
}

/// What the session knows beside the player.
pub(crate) struct Shown<'a> {
    pub(crate) title: &'a str,
    pub(crate) loading: Option<Option<String>>,
    pub(crate) frames: (u64, u64),
    pub(crate) repeat: Option<(kinora::Time, Option<kinora::Time>)>,
    pub(crate) style: &'a Style,
}
