//! CEA-708 (ANSI/CTA-708): one service of the packets in the DTVCC channel, as up to eight windows.

mod window;

use crate::Cue;
use crate::caption::grid::Pen;
use window::{Attributes, Definition, Window};

/// The windows of one service, and the packet that is being put together.
#[derive(Debug)]
pub(crate) struct Cea708 {
    service: u8,
    packet: Vec<u8>,
    /// Bytes that the packet has when it is whole; 0: none has begun.
    wanted: usize,
    windows: [Option<Window>; 8],
    current: usize,
}

/// The longest packet (5).
const MAX_PACKET: usize = 128;

impl Cea708 {
    pub(crate) fn new(service: u8) -> Self {
        Self {
            service,
            packet: Vec::new(),
            wanted: 0,
            windows: Default::default(),
            current: 0,
        }
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.service);
    }

    /// A packet begins: two bits of sequence, then its size in pairs of bytes, of which 0 means 64 (5).
    pub(crate) fn start(&mut self, pair: [u8; 2]) {
        let [header, _] = pair;
        let pairs = usize::from(header & 0x3f);
        self.wanted = match pairs {
            0 => MAX_PACKET,
            pairs => pairs.saturating_mul(2),
        };
        self.packet.clear();
        self.push(pair);
    }

    pub(crate) fn push(&mut self, pair: [u8; 2]) {
        if self.wanted == 0 {
            return;
        }
        self.packet.extend(pair);
        if self.packet.len() >= self.wanted {
            self.wanted = 0;
            let packet = core::mem::take(&mut self.packet);
            self.blocks(packet.get(1..).unwrap_or_default());
        }
    }

    /// Service blocks: number and size, a further byte for numbers from 7 on (6.2).
    fn blocks(&mut self, packet: &[u8]) {
        let mut rest = packet;
        while let Some((header, after)) = rest.split_first() {
            let (number, size) = (header >> 5, usize::from(header & 0x1f));
            let (number, after) = match (number, after.split_first()) {
                (7, Some((extended, after))) => (extended & 0x3f, after),
                _ => (number, after),
            };
            // Number 0 is the end of what is there.
            let Some((block, after)) = after.split_at_checked(size).filter(|_| number > 0) else {
                return;
            };
            if number == self.service {
                self.block(block);
            }
            rest = after;
        }
    }

    fn block(&mut self, block: &[u8]) {
        let mut rest = block;
        while let Some((code, after)) = rest.split_first() {
            rest = match *code {
                0x10 => self.extension(after),
                0x00..=0x1f => self.c0(*code, after),
                0x20..=0x7e => self.write(char::from(*code), after),
                0x7f => self.write('♪', after),
                0x80..=0x9f => self.c1(*code, after),
                0xa0..=0xff => self.write(char::from(*code), after),
            };
        }
    }

    fn window(&mut self) -> Option<&mut Window> {
        self.windows.get_mut(self.current)?.as_mut()
    }

    fn write<'a>(&mut self, letter: char, after: &'a [u8]) -> &'a [u8] {
        if let Some(window) = self.window() {
            window.write(letter);
        }
        after
    }

    /// C0: control of the cursor; the upper ones have parameters that are passed over (7.1.4).
    fn c0<'a>(&mut self, code: u8, after: &'a [u8]) -> &'a [u8] {
        let window = self.window();
        match (code, window) {
            (0x08, Some(window)) => window.back_space(),
            (0x0c, Some(window)) => window.clear(),
            (0x0d, Some(window)) => window.carriage_return(),
            (0x0e, Some(window)) => window.erase_row(),
            _ => {}
        }
        let parameters = match code {
            0x11..=0x17 => 1,
            0x18..=0x1f => 2,
            _ => 0,
        };
        after.get(parameters..).unwrap_or_default()
    }

    /// EXT1: the codes of C2, C3, G2 and G3 (7.1.4 to 7.1.9).
    fn extension<'a>(&mut self, after: &'a [u8]) -> &'a [u8] {
        let Some((code, rest)) = after.split_first() else {
            return &[];
        };
        let skip = match *code {
            0x20..=0x7f => return self.write(g2(*code), rest),
            // The icon of closed captions is all that G3 has.
            0xa0..=0xff => return self.write(if *code == 0xa0 { '🄫' } else { '_' }, rest),
            0x00..=0x07 => 0,
            0x08..=0x0f => 1,
            0x10..=0x17 => 2,
            0x18..=0x1f => 3,
            0x80..=0x87 => 4,
            0x88..=0x8f => 5,
            // Variable length: six bits of it.
            0x90..=0x9f => rest
                .first()
                .map_or(0, |length| usize::from(length & 0x3f).saturating_add(1)),
        };
        rest.get(skip..).unwrap_or_default()
    }

    /// C1: commands for windows (8.10.5).
    fn c1<'a>(&mut self, code: u8, after: &'a [u8]) -> &'a [u8] {
        let length = match code {
            0x88..=0x8d => 1,
            0x90 | 0x92 => 2,
            0x91 => 3,
            0x97 => 4,
            0x98..=0x9f => 6,
            _ => 0,
        };
        let Some((parameters, rest)) = after.split_at_checked(length) else {
            return &[];
        };
        match (code, parameters) {
            (0x80..=0x87, _) => self.current = usize::from(code & 0x07),
            (0x88..=0x8c, [windows]) => self.each(code, *windows),
            (0x8f, _) => self.windows = Default::default(),
            (0x90, [_, second]) => {
                if let Some(window) = self.window() {
                    window.pen.italic = second & 0x80 != 0;
                    window.pen.underline = second & 0x40 != 0;
                }
            }
            (0x91, [letters, behind, _]) => {
                if let Some(window) = self.window() {
                    window.pen = Pen {
                        color: Some(window::color(*letters)),
                        background: Some(window::color(*behind)),
                        ..window.pen
                    };
                }
            }
            (0x92, [row, column]) => {
                if let Some(window) = self.window() {
                    window.move_pen(usize::from(row & 0x0f), usize::from(column & 0x3f));
                }
            }
            (0x97, [fill, _, justify, _]) => {
                if let Some(window) = self.window() {
                    window.attributes = Attributes::new(*fill, *justify);
                }
            }
            (0x98..=0x9f, _) => self.define(code, parameters),
            // Delays (0x8d, 0x8e) are left out: what waits for nothing is shown in time.
            _ => {}
        }
        rest
    }

    fn define(&mut self, code: u8, parameters: &[u8]) {
        self.current = usize::from(code & 0x07);
        let definition = Definition::read(parameters);
        if let (Some(definition), Some(slot)) = (definition, self.windows.get_mut(self.current)) {
            match slot {
                Some(window) => window.define(definition),
                None => *slot = Some(Window::new(definition)),
            }
        }
    }

    /// A command for each window whose bit is set: clear, display, hide, toggle, delete.
    fn each(&mut self, code: u8, windows: u8) {
        let is_meant = |number| {
            windows
                .checked_shr(number)
                .is_some_and(|bits| bits & 1 != 0)
        };
        let numbered = (0_u32..).zip(&mut self.windows);
        for (_, slot) in numbered.filter(|(number, _)| is_meant(*number)) {
            if code == 0x8c {
                *slot = None;
            }
            if let Some(window) = slot {
                match code {
                    0x88 => window.clear(),
                    0x89 => window.is_visible = true,
                    0x8a => window.is_visible = false,
                    _ => window.is_visible = !window.is_visible,
                }
            }
        }
    }

    /// What is on the screen; windows of a lower priority number lie upon the others.
    pub(crate) fn cues(&self) -> Vec<Cue> {
        let windows = self.windows.iter().flatten();
        windows.filter_map(Window::cue).collect()
    }
}

/// G2 (table 20).
fn g2(code: u8) -> char {
    match code {
        0x20 | 0x21 => '\u{a0}',
        0x25 => '…',
        0x2a => 'Š',
        0x2c => 'Œ',
        0x30 => '█',
        0x31 => '‘',
        0x32 => '’',
        0x33 => '“',
        0x34 => '”',
        0x35 => '•',
        0x39 => '™',
        0x3a => 'š',
        0x3c => 'œ',
        0x3d => '℠',
        0x3f => 'Ÿ',
        0x76 => '⅛',
        0x77 => '⅜',
        0x78 => '⅝',
        0x79 => '⅞',
        0x7a => '│',
        0x7b => '┐',
        0x7c => '└',
        0x7d => '─',
        0x7e => '┘',
        0x7f => '┌',
        _ => '_',
    }
}
