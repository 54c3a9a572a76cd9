use std::ffi::OsString;

use kinora_media::Time;
use kinora_output::RgbImage;

/// What the controls show of a player. Whoever has one tells it as often as it changes.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Status {
    /// What plays.
    pub title: String,
    /// What it does.
    pub activity: Activity,
    /// Where it is.
    pub position: Time,
    /// How long it is; `None`: unknown, or endless.
    pub duration: Option<Time>,
    /// What is there already, from and to.
    pub buffered: Vec<(Time, Time)>,
    /// How far behind the broadcast it is; `None`: it is none.
    pub live_delay: Option<Time>,
    /// Factor of loudness.
    pub volume: f32,
    /// Silent.
    pub muted: bool,
    /// Factor of the natural speed.
    pub speed: f64,
    /// Qualities.
    pub videos: Vec<Choice>,
    /// Sound.
    pub audios: Vec<Choice>,
    /// Subtitles.
    pub subtitles: Vec<Choice>,
    /// Where chapters begin, and their titles.
    pub chapters: Vec<(Time, String)>,
    /// The part that is repeated; its end is open while a person marks it.
    pub repeat: Option<(Time, Option<Time>)>,
    /// Why it does not play.
    pub error: Option<ErrorCard>,
    /// The page of statistics: what, and how much of it.
    pub facts: Vec<(String, String)>,
}

/// What a player does.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Activity {
    /// It waits for data: with a word about what it waits for, where that takes long.
    Loading(Option<String>),
    /// It plays.
    Playing,
    /// It is held.
    #[default]
    Paused,
}

/// Something that can be chosen.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Choice {
    /// The player's number of it.
    pub index: u32,
    /// What a person reads.
    pub label: String,
    /// It is chosen.
    pub selected: bool,
}

/// A failure, as a person reads it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ErrorCard {
    /// Its number and name.
    pub number: String,
    /// What happened.
    pub what: String,
    /// What can be done.
    pub remedy: String,
    /// All that is known of it, for who is to help: what is copied.
    pub report: String,
}

/// A small picture of a part of the film, over the place that is pointed at on the seek bar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Thumbnail {
    /// Its pixels, of any size.
    pub image: RgbImage,
    /// The first time that it stands for.
    pub from: Time,
    /// Where the time ends that it stands for.
    pub to: Time,
}

/// What a person wants of the player.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Action {
    /// To pause, or to play on.
    PauseOrPlay,
    /// To go to that time.
    Seek(Time),
    /// So much further on, or back where it is negative.
    SeekBy(Time),
    /// To see the picture of that time: it is answered by [`WindowHandle::show_thumbnail`](crate::WindowHandle::show_thumbnail), or not.
    Thumbnail(Time),
    /// To play these files and links in place of what plays: they were dropped on the window, or pasted.
    Open(Vec<OsString>),
    /// To go to where the broadcast is.
    SeekToLive,
    /// So loud.
    Volume(f32),
    /// Silent, or no longer.
    Mute,
    /// So fast.
    Speed(f64),
    /// That video or audio track.
    Track(u32),
    /// A subtitle, shown or not.
    Subtitle(u32, bool),
    /// To mark a part that is repeated.
    MarkRepeat,
    /// A key was pressed.
    Key(Key),
    /// To end: the window was closed.
    Quit,
}

/// A key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Key {
    /// A character.
    Char(char),
    /// With the control key: the letter.
    Ctrl(char),
    /// Enter.
    Enter,
    /// Backspace.
    Backspace,
    /// Escape.
    Escape,
    /// An arrow.
    Up,
    /// An arrow.
    Down,
    /// An arrow.
    Left,
    /// An arrow.
    Right,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// One that has no name here.
    Other,
}
