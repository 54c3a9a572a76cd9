//! What keys do, written as mpv's `input.conf` writes it: a key, and behind it a command with its arguments.

use kinora::Time;

use crate::term::Key;
use crate::words::Words;

/// What a key does.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Command {
    Ignore,
    Quit,
    PauseOrPlay,
    /// So many seconds on, or back.
    Seek(i64),
    Next,
    Previous,
    /// So much louder, as a factor.
    Louder(f32),
    Mute,
    Faster(f64),
    Speed(f64),
    /// Heard so much later, or earlier.
    DelayAudio(Time),
    /// Forward, or back.
    Search(bool),
    SkipInterstitial,
    NextQuality,
    NextAudio,
    NextSubtitle,
    NextChapter,
    PreviousChapter,
    MarkRepeat,
    Step,
    /// With subtitles.
    Snapshot(bool),
    Turn,
    Statistics,
    FullScreen,
    ListKeys,
    Redraw,
}

/// What keys do where nobody said otherwise: mpv's keys, where mpv has one for it.
const USUAL: &str = "
q quit
Q quit
ESC quit
> playlist-next
ENTER playlist-next
< playlist-prev
SPACE cycle pause
p cycle pause
LEFT seek -10
RIGHT seek 10
DOWN seek -60
UP seek 60
PGDWN seek -600
PGUP seek 600
m cycle mute
9 add volume -5
/ add volume -5
0 add volume 5
* add volume 5
[ add speed -0.1
] add speed 0.1
BS set speed 1
Ctrl++ add audio-delay 0.1
Ctrl+= add audio-delay 0.1
Ctrl+- add audio-delay -0.1
{ search backward
} search forward
x skip
n cycle video
SHARP cycle audio
j cycle sub
c add chapter 1
C add chapter -1
l ab-loop
. frame-step
s screenshot video
S screenshot subtitles
r cycle video-rotate
i statistics
f cycle fullscreen
? show-keys
h show-keys
Ctrl+l redraw
";

/// No file of keys is longer.
pub(crate) const MAX_LEN: u64 = 1 << 16;

/// Keys with what they do; later ones count more.
#[derive(Clone, Debug)]
pub(crate) struct Bindings(Vec<(Key, Command)>);

/// What is wrong with a line.
#[derive(Debug)]
pub(crate) struct WrongLine {
    /// Counted from 1.
    pub(crate) number: usize,
    pub(crate) what: Words,
}

impl Default for Bindings {
    fn default() -> Self {
        // A line of it that says nothing would be seen by the test of it.
        let lines = USUAL.lines().filter_map(|line| binding(line).ok()?);
        Self(lines.collect())
    }
}

impl Bindings {
    /// The usual ones, and those that a text adds or changes.
    pub(crate) fn with(text: &str) -> Result<Self, WrongLine> {
        let mut bindings = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            match binding(line) {
                Ok(binding) => bindings.0.extend(binding),
                Err(what) => return Err(WrongLine { number, what }),
            }
        }
        Ok(bindings)
    }

    /// `None`: it does nothing.
    pub(crate) fn of(&self, key: Key) -> Option<Command> {
        let bound = self.0.iter().rev().find(|(bound, _)| *bound == key);
        bound.map(|(_, command)| *command)
    }
}

/// `None`: the line is empty, or a comment.
fn binding(line: &str) -> Result<Option<(Key, Command)>, Words> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let words = line.split_whitespace().take_while(|word| *word != "#");
    let words: Vec<&str> = words.collect();
    let (Some(name), command) = (words.first(), words.get(1..).unwrap_or_default()) else {
        return Ok(None);
    };
    let key = key(name).ok_or_else(|| {
        Words::new(
            format!("`{name}` is no key; say one character, Ctrl+x, SPACE, ENTER, ESC, BS, SHARP, an arrow (UP), PGUP or PGDWN"),
            format!("`{name}` 不是按键；应为一个字符、Ctrl+x、SPACE、ENTER、ESC、BS、SHARP、方向键（UP）、PGUP 或 PGDWN"),
        )
    })?;
    let said = command.join(" ");
    let command = self::command(command).ok_or_else(|| {
        Words::new(
            format!("`{said}` is no command for a key; docs/config.md lists them"),
            format!("`{said}` 不是按键命令；见 docs/config.md"),
        )
    })?;
    Ok(Some((key, command)))
}

fn key(name: &str) -> Option<Key> {
    let mut letters = name.chars();
    if let (Some(only), None) = (letters.next(), letters.next()) {
        return Some(Key::Char(only));
    }
    if let Some(letter) = name.strip_prefix("Ctrl+") {
        let mut letters = letter.chars();
        return match (letters.next(), letters.next()) {
            (Some(only), None) => Some(Key::Ctrl(only.to_ascii_lowercase())),
            _ => None,
        };
    }
    Some(match name {
        "SPACE" => Key::Char(' '),
        "SHARP" => Key::Char('#'),
        "ENTER" => Key::Enter,
        "ESC" => Key::Escape,
        "BS" => Key::Backspace,
        "UP" => Key::Up,
        "DOWN" => Key::Down,
        "LEFT" => Key::Left,
        "RIGHT" => Key::Right,
        "PGUP" => Key::PageUp,
        "PGDWN" => Key::PageDown,
        _ => return None,
    })
}

fn command(words: &[&str]) -> Option<Command> {
    let number = |text: &str| text.parse().ok().filter(|it: &f64| it.is_finite());
    #[allow(clippy::cast_possible_truncation, reason = "`as` saturates")]
    Some(match *words {
        ["ignore"] => Command::Ignore,
        ["quit"] => Command::Quit,
        ["cycle", "pause"] => Command::PauseOrPlay,
        ["cycle", "mute"] => Command::Mute,
        ["cycle", "fullscreen"] => Command::FullScreen,
        ["cycle", "video"] => Command::NextQuality,
        ["cycle", "audio"] => Command::NextAudio,
        ["cycle", "sub"] => Command::NextSubtitle,
        ["cycle", "video-rotate"] => Command::Turn,
        ["seek", seconds] => Command::Seek(number(seconds)?.round() as i64),
        ["playlist-next"] => Command::Next,
        ["playlist-prev"] => Command::Previous,
        ["add", "volume", percent] => Command::Louder((number(percent)? / 100.0) as f32),
        ["add", "speed", by] => Command::Faster(number(by)?),
        ["add", "audio-delay", seconds] => {
            Command::DelayAudio(Time::from_secs_f64(number(seconds)?))
        }
        ["set", "speed", to] => Command::Speed(number(to)?),
        ["add", "chapter", "1"] => Command::NextChapter,
        ["add", "chapter", "-1"] => Command::PreviousChapter,
        ["ab-loop"] => Command::MarkRepeat,
        ["frame-step"] => Command::Step,
        ["screenshot", "video"] => Command::Snapshot(false),
        ["screenshot"] | ["screenshot", "subtitles"] => Command::Snapshot(true),
        ["search", "forward"] => Command::Search(true),
        ["search", "backward"] => Command::Search(false),
        ["skip"] => Command::SkipInterstitial,
        ["statistics"] => Command::Statistics,
        ["show-keys"] => Command::ListKeys,
        ["redraw"] => Command::Redraw,
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_key_does_something_and_only_one_thing() {
        let lines = USUAL.lines().filter(|line| !line.is_empty()).count();
        let bound = Bindings::default().0;
        assert_eq!(bound.len(), lines);
        for (at, (key, _)) in bound.iter().enumerate() {
            assert!(
                bound[..at].iter().all(|(before, _)| before != key),
                "{key:?}"
            );
        }
    }

    #[test]
    fn a_text_changes_keys_adds_some_and_leaves_the_others() {
        let bindings = Bindings::with(
            "# mine\n\nLEFT seek -5   # as mpv has it\nq ignore\nCtrl+R cycle video-rotate\nSHARP  add  volume\t-2.5\n",
        );
        let bindings = bindings.unwrap();
        assert_eq!(bindings.of(Key::Left), Some(Command::Seek(-5)));
        assert_eq!(bindings.of(Key::Char('q')), Some(Command::Ignore));
        assert_eq!(bindings.of(Key::Ctrl('r')), Some(Command::Turn));
        assert_eq!(bindings.of(Key::Char('#')), Some(Command::Louder(-0.025)));
        assert_eq!(bindings.of(Key::Right), Some(Command::Seek(10)));
        assert_eq!(bindings.of(Key::Char('z')), None);
    }

    #[test]
    fn what_is_no_key_or_no_command_is_told_with_its_line() {
        for (text, number, named) in [
            ("LEFTT seek 5", 1, "LEFTT"),
            ("q quit\nw fly away", 2, "fly away"),
            ("w", 1, "is no command"),
            ("w seek soon", 1, "seek soon"),
            ("w add speed NaN", 1, "NaN"),
        ] {
            let wrong = Bindings::with(text).unwrap_err();
            assert_eq!(wrong.number, number, "{text}");
            assert!(wrong.what.to_string().contains(named), "{}", wrong.what);
        }
    }
}
