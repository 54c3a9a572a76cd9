//! The window itself: made, listened to and closed on the main thread.

use std::convert::Infallible;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kinora_errors::Lang;
use kinora_media::Time;
use kinora_output::{CueRenderer, Fonts, ScaleMode};
use kinora_overlay::{Letters, NoFonts};
use winit::application::ApplicationHandler;
use winit::dpi::{LogicalSize, PhysicalSize};
use winit::event::{ElementState, MouseButton, MouseScrollDelta, Touch, TouchPhase, WindowEvent};
use winit::event_loop::{
    ActiveEventLoop, ControlFlow, EventLoop, EventLoopProxy, OwnedDisplayHandle,
};
use winit::keyboard::{ModifiersState, NamedKey};
use winit::window::{Fullscreen, Window as SystemWindow, WindowId};

use crate::clipboard::Clipboard;
use crate::controls::{Controls, Effect, Finger, Input, Page};
use crate::display;
use crate::draw;
use crate::error::WindowError;
use crate::mailbox::Mailbox;
use crate::offscreen::Painting;
use crate::painter;
use crate::sink::WindowVideo;
use crate::status::{Action, Key, Status, Thumbnail};

/// Before a picture says another one.
const FIRST_SIZE: LogicalSize<f64> = LogicalSize::new(960.0, 540.0);
/// So much of a screen a window takes by itself, in percent.
const MOST_OF_SCREEN: u32 = 80;
/// One notch of a wheel, in pixels, where a touchpad counts those.
const NOTCH: f64 = 40.0;

/// How a window is made.
#[derive(Debug, Default)]
pub struct WindowOptions {
    /// What stands on its frame.
    pub title: String,
    /// The language of its controls.
    pub lang: Lang,
    /// By what pictures are drawn.
    pub painting: Painting,
    /// Draws subtitles.
    pub cues: CueRenderer,
    /// It takes the whole screen.
    pub full_screen: bool,
}

/// A connection to the display, from which a window will be made.
pub struct Window {
    event_loop: EventLoop<Message>,
    options: WindowOptions,
}

impl std::fmt::Debug for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Window")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// What a window is told by others.
pub(crate) enum Message {
    Status(Box<Status>),
    Thumbnail(Thumbnail),
    /// What others copied, line by line.
    Pasted(Vec<OsString>),
    /// A line that answers a person.
    Answer(String),
    Keys(Vec<String>),
    Statistics,
    FullScreen,
    Title(String),
    PictureSize((u32, u32)),
    Letters(Result<Box<Letters>, NoFonts>),
    Listen(Box<dyn FnMut(Action) + Send>),
    /// The first picture is on the screen.
    FirstShown,
    Close,
}

/// The way to the window's thread.
#[derive(Clone)]
pub(crate) struct Proxy(EventLoopProxy<Message>);

impl Proxy {
    /// A window that is closed hears nothing.
    pub(crate) fn send(&self, message: Message) {
        let _ = self.0.send_event(message);
    }
}

/// A window, from any thread.
#[derive(Clone)]
pub struct WindowHandle {
    proxy: Proxy,
    mailbox: Arc<Mailbox>,
}

impl std::fmt::Debug for WindowHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WindowHandle")
    }
}

impl WindowHandle {
    /// Where video is shown: for one player at a time.
    #[must_use]
    pub fn sink(&self) -> WindowVideo {
        WindowVideo::new(Arc::clone(&self.mailbox), self.proxy.clone())
    }

    /// When the first frame was on the screen; `None`: none was yet.
    #[must_use]
    pub fn first_shown(&self) -> Option<Instant> {
        self.mailbox.first_shown()
    }

    /// Calls that for all that a person wants, on the window's thread: it must not wait.
    pub fn listen(&self, listener: impl FnMut(Action) + Send + 'static) {
        self.proxy.send(Message::Listen(Box::new(listener)));
    }

    /// What the controls show from now on.
    pub fn update(&self, status: Status) {
        self.proxy.send(Message::Status(Box::new(status)));
    }

    /// Shows a picture of a part of the film over the seek bar, while a person points there: what [`Action::Thumbnail`] asks for.
    pub fn show_thumbnail(&self, thumbnail: Thumbnail) {
        let image = thumbnail.image;
        let size = (image.width, image.height);
        let (width, height) = match size.0 > MOST_OF_THUMBNAIL.0 || size.1 > MOST_OF_THUMBNAIL.1 {
            true => ScaleMode::Fit.size(size, MOST_OF_THUMBNAIL),
            false => size,
        };
        self.proxy.send(Message::Thumbnail(Thumbnail {
            image: image.scaled(width, height),
            ..thumbnail
        }));
    }

    /// Shows a line for a moment.
    pub fn answer(&self, text: &str) {
        self.proxy.send(Message::Answer(text.to_owned()));
    }

    /// Lists keys over the picture, or takes the list away.
    pub fn list_keys(&self, lines: Vec<String>) {
        self.proxy.send(Message::Keys(lines));
    }

    /// Shows the page of statistics, or takes it away.
    pub fn toggle_statistics(&self) {
        self.proxy.send(Message::Statistics);
    }

    /// Takes the whole screen, or gives it back.
    pub fn toggle_full_screen(&self) {
        self.proxy.send(Message::FullScreen);
    }

    /// What stands on the window's frame.
    pub fn set_title(&self, title: &str) {
        self.proxy.send(Message::Title(title.to_owned()));
    }
}

/// Closes the window when whoever uses it has ended, however that is.
struct CloseAtEnd(Proxy);

impl Drop for CloseAtEnd {
    fn drop(&mut self) {
        self.0.send(Message::Close);
    }
}

impl Window {
    /// Connects to the display of the environment. Only the main thread may do so, once.
    ///
    /// # Errors
    /// There is none, it does not answer, or the program may open too few files for it.
    pub fn open(options: WindowOptions) -> Result<Self, WindowError> {
        Ok(Self {
            event_loop: display::connect()?,
            options,
        })
    }

    /// Makes the window and serves it on this thread, the main one, while `body` runs on another; it is closed when `body` has
    /// ended. A person who closes it is an [`Action::Quit`].
    ///
    /// # Errors
    /// The display makes no window, or a thread can not be started. `body` has ended by then, if it was begun.
    pub fn run<T: Send>(
        self,
        body: impl FnOnce(WindowHandle) -> T + Send,
    ) -> Result<T, WindowError> {
        let proxy = Proxy(self.event_loop.create_proxy());
        let mailbox = Arc::new(Mailbox::default());
        let handle = WindowHandle {
            proxy: proxy.clone(),
            mailbox: Arc::clone(&mailbox),
        };
        let mut app = App {
            display: self.event_loop.owned_display_handle(),
            controls: Controls::new(self.options.lang),
            options: self.options,
            proxy: proxy.clone(),
            mailbox,
            begun: Instant::now(),
            window: None,
            painter: None,
            letters: Lettering::Unread,
            listener: None,
            pending: Vec::new(),
            modifiers: ModifiersState::default(),
            finger: None,
            clipboard: None,
            dropped: Vec::new(),
            rest_begun: false,
            loading: None,
            picture: None,
            failure: None,
        };
        std::thread::scope(|scope| {
            let body = std::thread::Builder::new()
                .name("kinora-play".into())
                .spawn_scoped(scope, move || {
                    let _close = CloseAtEnd(proxy);
                    body(handle)
                })
                .map_err(WindowError::Thread)?;
            let served = self.event_loop.run_app(&mut app);
            app.close();
            if served.is_err() || app.failure.is_some() {
                app.want(Action::Quit);
            }
            let done = body.join();
            if let Some(failure) = app.failure {
                return Err(failure);
            }
            served.map_err(|error| WindowError::NotMade(error.into()))?;
            done.map_err(|_| WindowError::Thread(std::io::ErrorKind::BrokenPipe.into()))
        })
    }
}

/// Fonts are read when the first text is to be drawn, on a thread of its own.
enum Lettering {
    Unread,
    BeingRead,
    Read(Box<Letters>),
    None,
}

struct App {
    options: WindowOptions,
    display: OwnedDisplayHandle,
    proxy: Proxy,
    mailbox: Arc<Mailbox>,
    begun: Instant,
    window: Option<Arc<SystemWindow>>,
    painter: Option<JoinHandle<()>>,
    controls: Controls,
    letters: Lettering,
    listener: Option<Box<dyn FnMut(Action) + Send>>,
    /// What was wanted before anybody listened.
    pending: Vec<Action>,
    modifiers: ModifiersState,
    finger: Option<u64>,
    /// Begun when it is wanted.
    clipboard: Option<Clipboard>,
    /// Files that were dropped together come one after the other.
    dropped: Vec<OsString>,
    /// What waits for the first picture has begun.
    rest_begun: bool,
    /// The GPU's drivers are being loaded, for as long as it has a sender.
    loading: Option<Receiver<Infallible>>,
    /// The size of the picture that the window was last brought to.
    picture: Option<(u32, u32)>,
    failure: Option<WindowError>,
}

/// Drivers take no longer to load.
const LOADED_WITHIN: Duration = Duration::from_secs(10);
/// So long the first picture has the machine to itself.
const FIRST_ALONE: Time = Time::from_millis(300);
/// So much may be wanted before anybody listens.
const MOST_PENDING: usize = 64;
/// So many files are taken at once.
pub(crate) const MOST_DROPPED: usize = 10_000;
/// No thumbnail is sent larger: twice what is shown, for screens of so many more pixels.
const MOST_OF_THUMBNAIL: (u32, u32) = (320, 180);

impl App {
    fn now(&self) -> Time {
        let elapsed = self.begun.elapsed().as_nanos();
        Time::from_nanos(i64::try_from(elapsed).unwrap_or(i64::MAX))
    }

    fn make(&mut self, event_loop: &ActiveEventLoop) -> Result<(), WindowError> {
        let attributes = SystemWindow::default_attributes()
            .with_title(self.options.title.clone())
            .with_inner_size(FIRST_SIZE)
            .with_fullscreen(
                self.options
                    .full_screen
                    .then_some(Fullscreen::Borderless(None)),
            );
        let window = event_loop
            .create_window(attributes)
            .map_err(|error| WindowError::NotMade(error.into()))?;
        let window = Arc::new(window);
        let proxy = self.proxy.clone();
        self.painter = Some(painter::start(
            &self.mailbox,
            &window,
            self.options.painting,
            std::mem::take(&mut self.options.cues),
            move || proxy.send(Message::FirstShown),
        )?);
        // Who insists on the GPU waits for it anyway.
        if self.options.painting == Painting::Gpu {
            self.load_gpu(&window)?;
        }
        self.window = Some(window);
        self.resized();
        Ok(())
    }

    fn load_gpu(&mut self, window: &Arc<SystemWindow>) -> Result<(), WindowError> {
        let painting = self.options.painting;
        let loading = painter::load_gpu(&self.mailbox, window, &self.display, painting)?;
        self.loading = Some(loading);
        Ok(())
    }

    /// What would stand in the first picture's way, in time or for the loader's lock, begins when that is on the screen, or takes
    /// long to come: the GPU's drivers, fonts, controls.
    fn begin_rest(&mut self) {
        if std::mem::replace(&mut self.rest_begun, true) {
            return;
        }
        if let (Some(window), Painting::Auto) = (self.window.clone(), self.options.painting) {
            // Without a thread for it the processor goes on drawing.
            let _ = self.load_gpu(&window);
        }
        self.input(Input::Redraw);
    }

    /// Nothing is drawn any more, and nobody waits for it.
    fn close(&mut self) {
        self.mailbox.end();
        self.clipboard = None;
        if let Some(painter) = self.painter.take() {
            // A thread that died drew nothing to lose.
            let _ = painter.join();
        }
        // A program that ends while libraries are being loaded may hang in what those do at its end.
        if let Some(loading) = self.loading.take() {
            let _ = loading.recv_timeout(LOADED_WITHIN);
        }
        self.window = None;
    }

    fn want(&mut self, action: Action) {
        match &mut self.listener {
            Some(listener) => listener(action),
            None if self.pending.len() < MOST_PENDING => self.pending.push(action),
            None => {}
        }
    }

    fn input(&mut self, input: Input) {
        let now = self.now();
        for effect in self.controls.handle(now, input) {
            match effect {
                Effect::Want(action) => self.want(action),
                Effect::FullScreen => self.toggle_full_screen(),
                Effect::Copy(text) => self.clipboard().copy(text),
                Effect::Paste => self.clipboard().paste(),
            }
        }
    }

    fn clipboard(&mut self) -> &Clipboard {
        let (proxy, lang) = (&self.proxy, self.options.lang);
        self.clipboard
            .get_or_insert_with(|| Clipboard::begin(proxy.clone(), lang))
    }

    fn toggle_full_screen(&self) {
        if let Some(window) = &self.window {
            let whole = match window.fullscreen() {
                None => Some(Fullscreen::Borderless(None)),
                Some(_) => None,
            };
            window.set_fullscreen(whole);
        }
    }

    fn resized(&mut self) {
        let Some(window) = &self.window else { return };
        let (size, scale) = (window.inner_size(), window.scale_factor());
        let size = (size.width, size.height);
        self.mailbox.give(|orders| orders.size = Some(size));
        #[allow(clippy::cast_possible_truncation, reason = "a factor of one digit")]
        self.input(Input::Resized(size, scale as f32));
    }

    /// The window takes the size of a picture that has another one than the last, as far as the screen goes.
    fn fit_picture(&mut self, picture: (u32, u32)) {
        let Some(window) = &self.window else { return };
        if self.picture.replace(picture) == Some(picture)
            || window.fullscreen().is_some()
            || window.is_maximized()
        {
            return;
        }
        let screen = window.current_monitor().map(|monitor| monitor.size());
        let screen = screen.filter(|size| size.width > 0 && size.height > 0);
        let room = screen.map_or((1_280, 720), |size| {
            let most = |side: u32| side / 100 * MOST_OF_SCREEN;
            (most(size.width), most(size.height))
        });
        let (width, height) = match picture.0 <= room.0 && picture.1 <= room.1 {
            true => picture,
            false => ScaleMode::Fit.size(picture, room),
        };
        if window
            .request_inner_size(PhysicalSize::new(width, height))
            .is_some()
        {
            self.resized();
        }
    }

    /// Draws the controls where they changed, and says when they will next.
    fn draw(&mut self) -> ControlFlow {
        let now = self.now();
        if !self.rest_begun {
            if now < FIRST_ALONE {
                let at = self.begun.checked_add(FIRST_ALONE.to_duration());
                return at.map_or(ControlFlow::Wait, ControlFlow::WaitUntil);
            }
            self.begin_rest();
        }
        if self.controls.changed(now) {
            if self.controls.needs_letters(now) && matches!(self.letters, Lettering::Unread) {
                self.read_letters();
            }
            let letters = match &mut self.letters {
                Lettering::Read(letters) => Some(letters.as_mut()),
                _ => None,
            };
            let overlays = draw::overlays(&self.controls, letters, now);
            let covered = self.controls.covered(now);
            self.mailbox
                .give(|orders| orders.controls = Some((overlays, covered)));
            if let Some(window) = &self.window {
                window.set_cursor_visible(!self.controls.hides_pointer(now));
            }
        }
        match self.controls.next_change(now) {
            Some(at) => {
                let at = self.begun.checked_add(at.to_duration());
                at.map_or(ControlFlow::Wait, ControlFlow::WaitUntil)
            }
            None => ControlFlow::Wait,
        }
    }

    fn read_letters(&mut self) {
        let proxy = self.proxy.clone();
        let read = move || {
            proxy.send(Message::Letters(
                Letters::load(&Fonts::System).map(Box::new),
            ))
        };
        let started = std::thread::Builder::new()
            .name("kinora-fonts".into())
            .spawn(read);
        self.letters = match started {
            Ok(_) => Lettering::BeingRead,
            Err(_) => Lettering::None,
        };
    }

    fn told(&mut self, message: Message, event_loop: &ActiveEventLoop) {
        match message {
            Message::Status(status) => self.input(Input::Status(status)),
            Message::Thumbnail(thumbnail) => self.input(Input::Thumbnail(thumbnail)),
            Message::Pasted(lines) => self.want(Action::Open(lines)),
            Message::Answer(text) => self.input(Input::Answer(text)),
            Message::Keys(lines) => self.input(Input::Page(Page::Keys(lines))),
            Message::Statistics => self.input(Input::Page(Page::Statistics)),
            Message::FullScreen => self.toggle_full_screen(),
            Message::Title(title) => {
                if let Some(window) = &self.window {
                    window.set_title(&title);
                }
                self.options.title = title;
            }
            Message::PictureSize(size) => self.fit_picture(size),
            Message::Letters(letters) => {
                self.letters = match letters {
                    Ok(letters) => Lettering::Read(letters),
                    Err(_) => Lettering::None,
                };
                self.input(Input::Redraw);
            }
            Message::Listen(mut listener) => {
                self.pending.drain(..).for_each(&mut listener);
                self.listener = Some(listener);
            }
            Message::FirstShown => self.begin_rest(),
            Message::Close => event_loop.exit(),
        }
    }

    /// Of several fingers only the first one counts.
    fn touched(&mut self, touch: &Touch) {
        let (x, y) = at(touch.location.x, touch.location.y);
        let finger = match touch.phase {
            TouchPhase::Started if self.finger.is_none() => {
                self.finger = Some(touch.id);
                Finger::Down(x, y)
            }
            _ if self.finger != Some(touch.id) => return,
            TouchPhase::Started | TouchPhase::Moved => Finger::Moved(x, y),
            TouchPhase::Ended => Finger::Up,
            TouchPhase::Cancelled => Finger::Lost,
        };
        if matches!(finger, Finger::Up | Finger::Lost) {
            self.finger = None;
        }
        self.input(Input::Finger(finger));
    }

    fn dropped(&mut self, file: PathBuf) {
        if self.dropped.len() < MOST_DROPPED {
            self.dropped.push(file.into());
        }
    }
}

fn at(x: f64, y: f64) -> (f32, f32) {
    #[allow(clippy::cast_possible_truncation, reason = "places within a window")]
    let at = (x as f32, y as f32);
    at
}

impl ApplicationHandler<Message> for App {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        if self.window.is_some() {
            return;
        }
        if let Err(failure) = self.make(event_loop) {
            self.failure = Some(failure);
            event_loop.exit();
        }
    }

    fn user_event(&mut self, event_loop: &ActiveEventLoop, message: Message) {
        self.told(message, event_loop);
    }

    fn window_event(&mut self, _: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        match event {
            WindowEvent::Resized(_) | WindowEvent::ScaleFactorChanged { .. } => self.resized(),
            WindowEvent::RedrawRequested => self.mailbox.give(|orders| orders.repaint = true),
            WindowEvent::CloseRequested => self.want(Action::Quit),
            WindowEvent::CursorMoved { position, .. } => {
                let (x, y) = at(position.x, position.y);
                self.input(Input::Pointer(x, y));
            }
            WindowEvent::DroppedFile(file) => self.dropped(file),
            WindowEvent::CursorLeft { .. } => self.input(Input::PointerLeft),
            WindowEvent::MouseInput {
                state,
                button: MouseButton::Left,
                ..
            } => {
                self.input(match state {
                    ElementState::Pressed => Input::Press,
                    ElementState::Released => Input::Release,
                });
            }
            WindowEvent::MouseInput {
                state: ElementState::Pressed,
                button: MouseButton::Right,
                ..
            } => {
                self.want(Action::PauseOrPlay);
            }
            WindowEvent::MouseWheel { delta, .. } => {
                #[allow(clippy::cast_possible_truncation, reason = "a few notches")]
                let notches = match delta {
                    MouseScrollDelta::LineDelta(_, lines) => lines,
                    MouseScrollDelta::PixelDelta(pixels) => (pixels.y / NOTCH) as f32,
                };
                self.input(Input::Wheel(notches));
            }
            WindowEvent::Touch(touch) => self.touched(&touch),
            WindowEvent::ModifiersChanged(modifiers) => self.modifiers = modifiers.state(),
            WindowEvent::KeyboardInput { event, .. } if event.state.is_pressed() => {
                if let Some(key) = key(&event.logical_key, self.modifiers) {
                    self.input(Input::Key(key));
                }
            }
            _ => {}
        }
    }

    fn about_to_wait(&mut self, event_loop: &ActiveEventLoop) {
        if !self.dropped.is_empty() {
            let files = std::mem::take(&mut self.dropped);
            self.want(Action::Open(files));
        }
        let until = self.draw();
        event_loop.set_control_flow(until);
    }
}

/// `None`: a key that only changes others.
fn key(key: &winit::keyboard::Key, modifiers: ModifiersState) -> Option<Key> {
    use winit::keyboard::Key as Logical;
    Some(match key {
        Logical::Character(text) => {
            let char = text.chars().next()?;
            match modifiers.control_key() {
                true => Key::Ctrl(char.to_ascii_lowercase()),
                false if modifiers.alt_key() || modifiers.super_key() => Key::Other,
                false => Key::Char(char),
            }
        }
        Logical::Named(named) => match named {
            NamedKey::Space => Key::Char(' '),
            NamedKey::Enter => Key::Enter,
            NamedKey::Backspace => Key::Backspace,
            NamedKey::Escape => Key::Escape,
            NamedKey::ArrowUp => Key::Up,
            NamedKey::ArrowDown => Key::Down,
            NamedKey::ArrowLeft => Key::Left,
            NamedKey::ArrowRight => Key::Right,
            NamedKey::PageUp => Key::PageUp,
            NamedKey::PageDown => Key::PageDown,
            NamedKey::Shift
            | NamedKey::Control
            | NamedKey::Alt
            | NamedKey::AltGraph
            | NamedKey::Super
            | NamedKey::Meta
            | NamedKey::CapsLock
            | NamedKey::NumLock => return None,
            _ => Key::Other,
        },
        _ => return None,
    })
}
