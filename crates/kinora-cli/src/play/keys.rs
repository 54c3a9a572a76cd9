//! Keys of the terminal while a video plays.

use std::thread::JoinHandle;

use kinora::Time;
use kinora_errors::Lang;
use tokio::signal::unix::SignalKind;

use super::controlling_terminal::ControllingTerminal;
use super::navigation::Navigation;
use super::remote::Remote;
use super::shutdown::Shutdown;
use crate::term::{Key, Pressed};

/// The keys and what they do, in both languages, short and few enough for a terminal of 24 columns and 12 rows.
const KEYS: &[(&str, &str, &str)] = &[
    ("space", "pause, play on", "暂停、继续"),
    ("← →", "10 s back, on", "退、进 10 秒"),
    ("↓ ↑", "1 min back, on", "退、进 1 分钟"),
    ("< > n", "file, quality", "文件、清晰度"),
    ("C c .", "chapter, picture", "章节、下一帧"),
    ("l sSr", "loop, shot, turn", "重复、截图、旋转"),
    ("9 0 m", "volume, mute", "音量、静音"),
    ("[ ] ⌫", "speed, usual", "倍速、恢复"),
    ("{ } x", "search, skip ad", "快搜、跳过插播"),
    ("? h", "this list", "按键列表"),
    ("q", "quit", "退出"),
];

/// Those that do something in a window only.
const WINDOW_KEYS: &[(&str, &str, &str)] = &[
    ("f", "full screen", "全屏"),
    ("i", "statistics", "统计信息"),
    ("^+ ^-", "sound later, earlier", "声音延后、提前"),
];

/// As mpv has it.
const DELAY_STEP: Time = Time::from_millis(100);

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

pub(crate) fn press(key: Key, remote: &Remote, shutdown: &Shutdown) {
    match key {
        // Where the terminal makes no signal of it.
        Key::Ctrl('c') => shutdown.end(SignalKind::interrupt()),
        Key::Char('q' | 'Q') | Key::Escape => remote.navigate(Navigation::Quit),
        Key::Char('>') | Key::Enter => remote.navigate(Navigation::Next),
        Key::Char('<') => remote.navigate(Navigation::Previous),
        Key::Char(' ' | 'p') => remote.pause_or_play(),
        Key::Left => remote.seek_by(-10),
        Key::Right => remote.seek_by(10),
        Key::Down => remote.seek_by(-60),
        Key::Up => remote.seek_by(60),
        Key::PageDown => remote.seek_by(-600),
        Key::PageUp => remote.seek_by(600),
        Key::Char('m') => remote.set_mute(!remote.player().is_muted()),
        Key::Char('9' | '/') => remote.louder(-0.05),
        Key::Char('0' | '*') => remote.louder(0.05),
        // A terminal gives none of these; `=` is where `+` lies without the shift key.
        Key::Ctrl('+' | '=') => remote.delay_audio(DELAY_STEP),
        Key::Ctrl('-') => remote.delay_audio(Time::ZERO - DELAY_STEP),
        Key::Char('[') => remote.faster(-0.1),
        Key::Char(']') => remote.faster(0.1),
        Key::Char('{') => remote.search(false),
        Key::Char('}') => remote.search(true),
        Key::Char('x') => remote.skip_interstitial(),
        Key::Backspace => remote.set_speed(1.0),
        Key::Char('n') => remote.next_quality(),
        Key::Char('c') => remote.next_chapter(),
        Key::Char('C') => remote.previous_chapter(),
        Key::Char('l') => remote.mark_repeat(),
        Key::Char('.') => remote.step(),
        Key::Char('s') => remote.snapshot(None),
        Key::Char('S') => remote.snapshot(Some(remote.drawing())),
        Key::Char('r') => remote.turn(),
        Key::Char('i') if remote.screen().toggle_statistics() => {}
        Key::Char('?' | 'h') => {
            let (lang, screen) = (remote.style().lang, remote.screen());
            screen.list_keys(&list(lang, screen.has_window()));
        }
        Key::Ctrl('l') => remote.screen().redraw(),
        Key::Char(_) | Key::Ctrl(_) | Key::Other => remote.unknown_key(),
    }
}

fn list(lang: Lang, in_window: bool) -> Vec<String> {
    let line = |(keys, english, chinese): &(&str, &str, &str)| {
        let does = match lang {
            Lang::En => english,
            Lang::Zh => chinese,
        };
        format!(" {keys:<6}{does}")
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
