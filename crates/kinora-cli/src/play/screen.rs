//! What a person sees: pictures where the terminal shows them, one line that is rewritten, and lines that stay.

use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kinora::VideoFrame;
use kinora::output::{ScaleMode, ShownCues, SinkError, Terminal, VideoFormat, VideoSink};

use super::window::PlayWindow;
use crate::out;
use crate::term::{self, fit};

/// How long an answer to a key is to be read.
const ANSWER: Duration = Duration::from_secs(2);

/// The terminal's screen, shared by those who write on it, so that what they write does not mix.
#[derive(Clone)]
pub(crate) struct Screen(Arc<Mutex<Inner>>);

struct Inner {
    /// The pictures' place, where that is the terminal.
    pictures: Option<Terminal>,
    /// A line that is rewritten is wanted, and stderr can show one.
    rewrites: bool,
    /// One stands at the cursor.
    drawn: bool,
    /// Another job has the terminal.
    hidden: bool,
    answer: Option<(String, Instant)>,
    /// The keys are listed over the picture.
    lists_keys: bool,
    /// The pictures' place, where that is a window.
    window: Option<PlayWindow>,
}

impl Screen {
    /// `pictures` are shown on it; a status line, where it is `wanted`.
    pub(crate) fn new(pictures: Option<Terminal>, wanted: bool) -> Self {
        let rewrites = wanted && !term::is_dumb() && term::width(io::stderr()).is_some();
        Self(Arc::new(Mutex::new(Inner {
            pictures,
            rewrites,
            drawn: false,
            hidden: false,
            answer: None,
            lists_keys: false,
            window: None,
        })))
    }

    /// A person looks at a window, and is answered there.
    pub(crate) fn with_window(self, window: Option<PlayWindow>) -> Self {
        self.lock().window = window;
        self
    }

    pub(crate) fn has_window(&self) -> bool {
        self.lock().window.is_some()
    }

    fn window(&self) -> Option<PlayWindow> {
        self.lock().window.clone()
    }

    /// Shows the page of statistics, or takes it away; `false`: there is none.
    pub(crate) fn toggle_statistics(&self) -> bool {
        let window = self.window();
        window.inspect(PlayWindow::toggle_statistics).is_some()
    }

    /// Takes the whole screen, or gives it back; `false`: there is no window.
    pub(crate) fn toggle_full_screen(&self) -> bool {
        let window = self.window();
        window.inspect(PlayWindow::toggle_full_screen).is_some()
    }

    /// A failure that is shown in a window need not be read any longer.
    pub(crate) fn dismiss(&self) {
        if let Some(window) = self.window() {
            window.dismiss();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pictures are on it, and with them the subtitles.
    pub(crate) fn shows_pictures(&self) -> bool {
        let screen = self.lock();
        screen.is_showing() || screen.window.is_some()
    }

    /// The pixels that pictures have there, when they go to the terminal.
    pub(crate) fn picture_area(&self) -> Option<(u32, u32)> {
        self.lock().pictures.as_ref().map(Terminal::picture_area)
    }

    /// Where the pictures go, when they go to the terminal.
    pub(crate) fn sink(&self) -> TerminalVideo {
        TerminalVideo(self.clone())
    }

    /// Draws the line that is rewritten; `compose` makes it for so many columns.
    pub(crate) fn draw(&self, compose: impl FnOnce(usize, Option<&str>) -> String) {
        let mut screen = self.lock();
        let Some(most) = screen.room() else { return };
        if screen
            .answer
            .as_ref()
            .is_some_and(|(_, until)| *until <= Instant::now())
        {
            screen.answer = None;
        }
        let answer = screen.answer.as_ref().map(|(text, _)| text.as_str());
        let line = fit(&compose(most, answer), most);
        screen.rewrite(&line);
    }

    /// Answers a person at once, on the line that is rewritten; says whether there is one.
    pub(crate) fn answer(&self, text: &str) -> bool {
        let mut screen = self.lock();
        screen.answer = Some((text.to_owned(), Instant::now() + ANSWER));
        if let Some(window) = &screen.window {
            window.answer(text);
        }
        let room = screen.room();
        if let Some(most) = room {
            let line = fit(text, most);
            screen.rewrite(&line);
        }
        room.is_some() || screen.window.is_some()
    }

    /// Prints a line that stays, on stderr.
    pub(crate) fn emit(&self, text: &str) {
        let mut screen = self.lock();
        // On the first screen, where it stays; the next picture takes the other one again.
        screen.leave();
        out::reported(text);
    }

    /// Lists the keys, or takes the list away.
    pub(crate) fn list_keys(&self, lines: &[String]) {
        let mut screen = self.lock();
        if let Some(window) = &screen.window {
            return window.list_keys(lines.to_vec());
        }
        let Some(most) = screen.room() else { return };
        if !screen.is_showing() {
            screen.clear();
            lines
                .iter()
                .for_each(|line| out::reported(&fit(line, most)));
            return;
        }
        screen.lists_keys = !screen.lists_keys;
        let caption = match screen.lists_keys {
            true => lines.iter().map(|line| fit(line, most)).collect(),
            false => Vec::new(),
        };
        if let Some(pictures) = &mut screen.pictures {
            // Who can not see the pictures can not see this either.
            let _ = pictures.set_caption(caption);
        }
    }

    /// Draws all anew: the terminal has another size.
    pub(crate) fn redraw(&self) {
        if let Some(pictures) = &mut self.lock().pictures {
            let _ = pictures.redraw();
        }
    }

    /// Gives the terminal to another job.
    pub(crate) fn hide(&self) {
        let mut screen = self.lock();
        screen.clear();
        screen.hidden = true;
        if let Some(pictures) = &mut screen.pictures {
            pictures.hide();
        }
    }

    /// The terminal is ours.
    pub(crate) fn show(&self) {
        let mut screen = self.lock();
        screen.hidden = false;
        if let Some(pictures) = &mut screen.pictures {
            let _ = pictures.show();
        }
    }

    /// The pictures of a file are over: lines can be printed.
    pub(crate) fn leave(&self) {
        self.lock().leave();
    }

    /// Nothing is drawn any more.
    pub(crate) fn close(&self) {
        let mut screen = self.lock();
        screen.clear();
        screen.pictures = None;
        screen.rewrites = false;
    }
}

impl Inner {
    fn is_showing(&self) -> bool {
        self.pictures.as_ref().is_some_and(Terminal::is_showing)
    }

    /// How wide the line may be; the last column is left free, since some terminals wrap there.
    fn room(&self) -> Option<usize> {
        if self.hidden {
            return None;
        }
        let width = match self.is_showing() {
            true => term::width(io::stdout()),
            false => term::width(io::stderr()).filter(|_| self.rewrites),
        };
        width.map(|width| width.saturating_sub(1))
    }

    fn rewrite(&mut self, line: &str) {
        if self.is_showing() {
            if let Some(pictures) = &mut self.pictures {
                let _ = pictures.set_status(line);
            }
            return;
        }
        self.drawn = true;
        put(&format!("\r\x1b[K{line}"));
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            put("\r\x1b[K");
        }
    }

    fn leave(&mut self) {
        self.clear();
        self.lists_keys = false;
        if let Some(pictures) = &mut self.pictures {
            pictures.leave();
        }
    }
}

fn put(text: &str) {
    let mut err = io::stderr().lock();
    // Playing goes on where nobody looks any more.
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// Video on the terminal.
pub(crate) struct TerminalVideo(Screen);

impl VideoSink for TerminalVideo {
    fn configure(&mut self, format: &VideoFormat) -> Result<(), SinkError> {
        match &mut self.0.lock().pictures {
            Some(pictures) => pictures.configure(format),
            None => Ok(()),
        }
    }
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        let mut screen = self.0.lock();
        screen.clear();
        match &mut screen.pictures {
            Some(pictures) => pictures.present(frame),
            None => Ok(()),
        }
    }
    fn set_scale_mode(&mut self, mode: ScaleMode) {
        if let Some(pictures) = &mut self.0.lock().pictures {
            pictures.set_scale_mode(mode);
        }
    }
    fn set_paused(&mut self, paused: bool) {
        let mut screen = self.0.lock();
        if let Some(pictures) = &mut screen.pictures {
            pictures.set_paused(paused);
        }
    }
    fn set_cues(&mut self, cues: &ShownCues) {
        let mut screen = self.0.lock();
        if let Some(pictures) = &mut screen.pictures {
            pictures.set_cues(cues);
        }
    }
    /// Nothing is left of the pictures: the first screen comes back.
    fn clear(&mut self) {
        self.0.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kinora::output::video::Colors;
    use kinora::{ColorInfo, Mirror, PixelFormat, Rotation, Time, VecPlanes};

    use super::*;

    /// What was written to the terminal.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        /// Takes it.
        fn text(&self) -> String {
            let bytes = std::mem::take(&mut *self.0.lock().unwrap());
            String::from_utf8(bytes).unwrap()
        }
    }

    fn picture(width: u32, height: u32) -> VideoFrame {
        let planes = (0..3).map(|plane| {
            let (stride, rows) = PixelFormat::I420.plane_size(plane, width, height);
            (vec![128; stride * rows], stride)
        });
        VideoFrame {
            pts: Time::ZERO,
            duration: Time::from_millis(40),
            width,
            height,
            format: PixelFormat::I420,
            color: ColorInfo::default(),
            pixel_aspect: None,
            rotation: Rotation::default(),
            mirror: Mirror::None,
            buffer: Arc::new(VecPlanes {
                planes: planes.collect(),
            }),
        }
    }

    const WHOLE: &str = "\x1b[2J";

    #[test]
    fn the_terminal_behind_the_screen_is_told_all_that_a_player_says() {
        let written = Written::default();
        let out = Box::new(written.clone());
        let terminal = Terminal::on(out, 20, 10, Colors::None);
        let screen = Screen::new(Some(terminal), false);
        let mut pictures = screen.sink();
        let mut show = |frame: &VideoFrame| {
            pictures.configure(&VideoFormat::of(frame)).unwrap();
            pictures.present(frame).unwrap();
        };
        show(&picture(16, 8));
        assert!(written.text().contains(WHOLE));
        show(&picture(8, 16));
        assert!(
            written.text().contains(WHOLE),
            "the other shape leaves cells"
        );
        pictures.present(&picture(8, 16)).unwrap();
        assert!(!written.text().contains(WHOLE));
        written.text();
        for paused in [true, false] {
            pictures.set_paused(paused);
        }
        assert_eq!(written.text(), "");
        assert!(screen.lock().is_showing(), "a picture that is held stays");
        pictures.clear();
        assert!(!screen.lock().is_showing());
        screen.close();
        pictures.present(&picture(8, 16)).unwrap();
        assert_eq!(written.text(), "");
    }
}
