//! What is copied from the window and pasted into it, on a thread of its own: whoever has the text may take its time.

use std::ffi::OsString;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use kinora_errors::Lang;

use crate::window::{MOST_DROPPED, Message, Proxy};

/// So much of a text is looked at.
const MOST_PASTED: usize = 1 << 20;

enum Wish {
    Copy(String),
    Paste,
}

/// The thread that copies and pastes. It holds what was copied, since others get it from whoever copied it, and leaves it to the desktop
/// at the end, where that keeps such things.
pub(crate) struct Clipboard {
    wishes: Option<Sender<Wish>>,
    thread: Option<JoinHandle<()>>,
}

impl Clipboard {
    pub(crate) fn begin(proxy: Proxy, lang: Lang) -> Self {
        let (wishes, wished) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("kinora-clipboard".into())
            .spawn(move || serve(&wished, &proxy, lang));
        Self {
            wishes: Some(wishes),
            // Without a thread nothing is copied: nobody hears the wishes.
            thread: thread.ok(),
        }
    }

    fn wish(&self, wish: Wish) {
        if let Some(wishes) = &self.wishes {
            let _ = wishes.send(wish);
        }
    }

    pub(crate) fn copy(&self, text: String) {
        self.wish(Wish::Copy(text));
    }

    /// The window is told of it.
    pub(crate) fn paste(&self) {
        self.wish(Wish::Paste);
    }
}

impl Drop for Clipboard {
    fn drop(&mut self) {
        self.wishes = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(wished: &Receiver<Wish>, proxy: &Proxy, lang: Lang) {
    let mut system = None;
    while let Ok(wish) = wished.recv() {
        match done(&mut system, wish) {
            Ok(Done::Copied) => answer(proxy, (lang, "copied", "已复制")),
            Ok(Done::Pasted(lines)) if lines.is_empty() => {
                answer(proxy, (lang, "nothing to paste", "没有可粘贴的内容"));
            }
            Ok(Done::Pasted(lines)) => proxy.send(Message::Pasted(lines)),
            Err(error) => {
                let (english, chinese) = (
                    format!("the clipboard can not be used: {error}"),
                    format!("无法使用剪贴板：{error}"),
                );
                answer(proxy, (lang, &english, &chinese));
            }
        }
    }
}

enum Done {
    Copied,
    Pasted(Vec<OsString>),
}

fn done(system: &mut Option<arboard::Clipboard>, wish: Wish) -> Result<Done, arboard::Error> {
    let system = match system {
        Some(system) => system,
        none => none.insert(arboard::Clipboard::new()?),
    };
    match wish {
        Wish::Copy(text) => system.set_text(text).map(|()| Done::Copied),
        Wish::Paste => match system.get_text() {
            Ok(text) => Ok(Done::Pasted(lines(&text))),
            // A picture, or nothing.
            Err(arboard::Error::ContentNotAvailable) => Ok(Done::Pasted(Vec::new())),
            Err(error) => Err(error),
        },
    }
}

/// What a text lists, one a line, as lists of links and of files do (`text/uri-list`, RFC 2483 5: `#` begins a comment).
fn lines(text: &str) -> Vec<OsString> {
    let end = text.floor_char_boundary(MOST_PASTED);
    let lines = text.get(..end).unwrap_or_default().lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .take(MOST_DROPPED)
        .map(OsString::from)
        .collect()
}

fn answer(proxy: &Proxy, (lang, english, chinese): (Lang, &str, &str)) {
    let text = match lang {
        Lang::En => english,
        Lang::Zh => chinese,
    };
    proxy.send(Message::Answer(text.to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_line_by_line_without_comments_and_within_bounds() {
        let text = "# a list\r\nhttps://example.com/a.m3u8\r\n\r\n  /films/b.mp4 \n";
        assert_eq!(lines(text), ["https://example.com/a.m3u8", "/films/b.mp4"]);
        let long = "a\n".repeat(2 * MOST_DROPPED);
        assert_eq!(lines(&long).len(), MOST_DROPPED);
        let endless = "字".repeat(MOST_PASTED);
        assert!(lines(&endless)[0].len() <= MOST_PASTED);
        assert_eq!(lines(" \n"), [] as [&str; 0]);
    }
}
