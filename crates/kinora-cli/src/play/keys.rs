//! Keys of the terminal while a video plays.

use std::fs::File;
use std::io::{self, Read as _};
use std::thread::JoinHandle;

use kinora_errors::Lang;
use tokio::signal::unix::SignalKind;

use super::bindings::{Bindings, Command, MAX_LEN, WrongLine};
use super::controlling_terminal::ControllingTerminal;
use super::navigation::Navigation;
use super::remote::Remote;
use super::shutdown::Shutdown;
use crate::args::PlayArgs;
use crate::config;
use crate::report::Failure;
use crate::term::{Key, Pressed};

/// The keys and what they do, in both languages, short and few enough for a terminal of 24 columns and 12 rows.
const KEYS: &[(&str, &str, &str)] = &[
    ("space", "pause, play on", "暂停、继续"),
    ("← →", "10 s back, on", "退、进 10 秒"),
    ("↓ ↑", "1 min back, on", "退、进 1 分钟"),
    ("< > x", "file, skip ad", "文件、跳过插播"),
    ("j # n", "subs,sound,video", "字幕、声音、画质"),
    ("C c .", "chapter, picture", "章节、下一帧"),
    ("l sSr", "loop, shot, turn", "重复、截图、旋转"),
    ("9 0 m", "volume, mute", "音量、静音"),
    ("[ ] ⌫", "speed, usual", "倍速、恢复"),
    ("{ }", "search", "快搜"),
    ("? q", "this list, quit", "按键列表、退出"),
];

/// Those that do something in a window only.
const WINDOW_KEYS: &[(&str, &str, &str)] = &[
    ("f", "full screen", "全屏"),
    ("i", "statistics", "统计信息"),
    ("Ctrl-V", "play what was copied", "播放已复制的"),
    ("^+ ^-", "sound later, earlier", "声音延后、提前"),
];

/// Reads keys until it is dropped.
pub(crate) struct Keys {
    terminal: ControllingTerminal,
    thread: Option<JoinHandle<()>>,
}

/// Listens where a person has a keyboard.
pub(crate) fn listen(
    terminal: &ControllingTerminal,
    remote: &Remote,
    shutdown: &Shutdown,
) -> Option<Keys> {
    terminal.keyboard()?;
    let (shared, remote, shutdown) = (terminal.clone(), remote.clone(), shutdown.clone());
    let thread = std::thread::Builder::new()
        .name("kinora-keys".into())
        .spawn(move || read(&shared, &remote, &shutdown));
    Some(Keys {
        terminal: terminal.clone(),
        thread: thread.ok(),
    })
}

fn read(terminal: &ControllingTerminal, remote: &Remote, shutdown: &Shutdown) {
    let Some(keyboard) = terminal.keyboard() else {
        return;
    };
    loop {
        match keyboard.wait() {
            Pressed::Keys(keys) => keys
                .into_iter()
                .for_each(|key| press(key, remote, shutdown)),
            Pressed::Nothing => terminal.check_foreground(),
            Pressed::Woken => return,
            // The window was closed; its signal may have been ignored.
            Pressed::HungUp => return shutdown.end(SignalKind::hangup()),
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(keyboard) = self.terminal.keyboard() {
            keyboard.wake();
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.terminal.restore();
    }
}

/// What keys do: by the file that the arguments name, or else by the user's own, where there is one and `usual` files are read.
///
/// # Errors
/// The file can not be read, or a line of it says nothing.
pub(crate) fn bindings(args: &PlayArgs, usual: bool) -> Result<Bindings, Failure> {
    let own = || config::beside("keys.conf").filter(|path| usual && path.exists());
    let Some(path) = args.key_file.clone().or_else(own) else {
        return Ok(Bindings::default());
    };
    let name = path.display();
    let failed = |error: &io::Error| Failure::io(&name.to_string(), error);
    let mut text = String::new();
    let file = File::open(&path).map_err(|error| failed(&error))?;
    let read = file.take(MAX_LEN).read_to_string(&mut text);
    read.map_err(|error| failed(&error))?;
    Bindings::with(&text).map_err(|WrongLine { number, what }| {
        let [english, chinese] = [Lang::En, Lang::Zh].map(|lang| what.in_language(lang));
        Failure::usage(
            format!("{name}:{number}: {english}"),
            format!("{name}:{number}：{chinese}"),
        )
    })
}

pub(crate) fn press(key: Key, remote: &Remote, shutdown: &Shutdown) {
    // Where the terminal makes no signal of it.
    if key == Key::Ctrl('c') {
        return shutdown.end(SignalKind::interrupt());
    }
    match remote.bindings().of(key) {
        Some(command) => obey(command, remote),
        None => remote.unknown_key(),
    }
}

fn obey(command: Command, remote: &Remote) {
    let screen = remote.screen();
    match command {
        Command::Ignore => {}
        Command::Quit => remote.navigate(Navigation::Quit),
        Command::Next => remote.navigate(Navigation::Next),
        Command::Previous => remote.navigate(Navigation::Previous),
        Command::PauseOrPlay => remote.pause_or_play(),
        Command::Seek(seconds) => remote.seek_by(seconds),
        Command::Mute => remote.set_mute(!remote.player().is_muted()),
        Command::Louder(step) => remote.louder(step),
        Command::Faster(step) => remote.faster(step),
        Command::Speed(speed) => remote.set_speed(speed),
        Command::DelayAudio(step) => remote.delay_audio(step),
        Command::Search(forward) => remote.search(forward),
        Command::SkipInterstitial => remote.skip_interstitial(),
        Command::NextQuality => remote.next_quality(),
        Command::NextAudio => remote.next_audio(),
        Command::NextSubtitle => remote.next_subtitle(),
        Command::NextChapter => remote.next_chapter(),
        Command::PreviousChapter => remote.previous_chapter(),
        Command::MarkRepeat => remote.mark_repeat(),
        Command::Step => remote.step(),
        Command::Snapshot(subtitles) => {
            remote.snapshot(subtitles.then(|| remote.drawing()));
        }
        Command::Turn => remote.turn(),
        Command::ListKeys => {
            let lang = remote.style().lang;
            screen.list_keys(&list(lang, screen.has_window()));
        }
        Command::Redraw => screen.redraw(),
        Command::Statistics if screen.toggle_statistics() => {}
        Command::FullScreen if screen.toggle_full_screen() => {}
        Command::Statistics | Command::FullScreen => remote.unknown_key(),
    }
}

fn list(lang: Lang, in_window: bool) -> Vec<String> {
    let line = |(keys, english, chinese): &(&str, &str, &str)| {
        let does = match lang {
            Lang::En => english,
            Lang::Zh => chinese,
        };
        match in_window {
            // Two columns, which blanks part.
            true => format!("{keys}  {does}"),
            false => format!(" {keys:<6}{does}"),
        }
    };
    let more = if in_window { WINDOW_KEYS } else { &[] };
    KEYS.iter().chain(more).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::columns;

    #[test]
    fn the_list_of_keys_fits_a_terminal_of_24_columns_and_12_rows() {
        for lang in [Lang::En, Lang::Zh] {
            for line in list(lang, false) {
                assert!(columns(&line) <= 23, "{line}");
            }
            // The last row is the status line's.
            assert!(list(lang, false).len() <= 11);
        }
    }
}
