//! From bytes to pages: what is damaged is passed over.

use memchr::memmem;

use super::page::{CAPTURE, HEADER, MAX_PAGE, Page};
use crate::window::Window;

/// So many bytes' checksums may be computed in vain; sound pages give as many as they have.
const MAX_VAIN: usize = 1 << 20;

/// Reads pages from a window.
pub(super) struct Reader {
    pub(super) window: Window,
    pub(super) ended: bool,
    pub(super) damage: u64,
    /// Passing over something that is no page.
    in_junk: bool,
    vain_left: usize,
}

/// What was read.
pub(super) enum Read {
    Page(Page),
    NeedMore,
    End,
}

impl Reader {
    /// A reader that begins at an offset.
    pub(super) fn new(offset: u64) -> Self {
        let mut window = Window::default();
        window.restart(offset);
        Self {
            window,
            ended: false,
            damage: 0,
            in_junk: false,
            vain_left: MAX_VAIN,
        }
    }

    /// Goes on at another place, at a page or not.
    pub(super) fn restart(&mut self, offset: u64) {
        self.window.restart(offset);
        self.ended = false;
        self.in_junk = true;
    }

    /// The next page that is whole and whose checksum is right.
    pub(super) fn read(&mut self) -> Read {
        loop {
            let offset = self.window.start();
            let head = self.window.peek(HEADER.saturating_add(255));
            let begins = head.get(..CAPTURE.len()).unwrap_or(head);
            if !CAPTURE.starts_with(begins) {
                self.pass_junk();
                continue;
            }
            let len = match Page::length(head) {
                Ok(len) if len <= self.window.len() => len,
                Ok(_) | Err(_) if !self.ended => return Read::NeedMore,
                Ok(_) | Err(_) if self.window.len() > 0 => {
                    // Cut off, or its length is damaged and others lie in what it claims.
                    self.pass_junk();
                    continue;
                }
                _ => return Read::End,
            };
            if !Page::is_sound(self.window.peek(len)) {
                if self.vain_left < len {
                    // Page begins after page begin, made to be looked at: they are passed over whole.
                    self.window.skip(len.saturating_sub(1));
                }
                self.vain_left = self.vain_left.saturating_sub(len);
                self.pass_junk();
                continue;
            }
            self.vain_left = self.vain_left.saturating_add(len).min(MAX_VAIN);
            self.in_junk = false;
            if let Some(page) = Page::new(offset, self.window.take(len)) {
                return Read::Page(page);
            }
        }
    }

    /// Looks for the next page behind the first byte.
    fn pass_junk(&mut self) {
        if !std::mem::replace(&mut self.in_junk, true) {
            self.damage = self.damage.saturating_add(1);
        }
        self.window.skip(1);
        let there = self.window.len().min(MAX_PAGE);
        let next = memmem::find(self.window.peek(there), CAPTURE);
        // The pattern may lie across the end of what was looked at.
        let kept = CAPTURE.len().saturating_sub(1);
        let behind = match self.ended && there == self.window.len() {
            true => there,
            false => there.saturating_sub(kept),
        };
        self.window.skip(next.unwrap_or(behind));
    }
}
