//! Finds the packets in the bytes.

use super::packet::{PACKET_LEN, SYNC_BYTE};
use crate::window::Window;

/// From one sync byte to the next: plain packets, with an arrival time before each (BDAV),
/// with error correction behind each (DVB ASI).
const STRIDES: [usize; 3] = [PACKET_LEN, 192, 204];
/// So many sync bytes in a row are believed.
const IN_A_ROW: usize = 4;
/// The same for recognising a transport stream.
const MIN_SYNC_BYTES: usize = 5;
/// Before the first packet of a stride lie so many bytes: an arrival time.
const STRIDE_LEADS: [usize; 3] = [0, 4, 0];
/// Bytes looked through at once.
const SEARCH: usize = 64 << 10;

/// Where the search for packets stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sync {
    /// Packets follow one another in this distance, the first at the start of the window.
    Found(usize),
    /// More bytes are needed.
    NeedMore,
}

/// Whether packets lie in the first bytes of a resource, behind junk or not. With `ended` no bytes follow: a short
/// one that begins like a packet will do.
pub(super) fn has_packets(head: &[u8], ended: bool) -> bool {
    let found = STRIDES.iter().any(|stride| {
        memchr::memchr_iter(SYNC_BYTE, head).any(|at| {
            // Behind junk more of them must agree.
            let enough = if at < *stride { 3 } else { MIN_SYNC_BYTES };
            syncs(head, at, *stride) >= enough
        })
    });
    found || ended && is_short_start(head)
}

fn is_short_start(head: &[u8]) -> bool {
    let mut strides = STRIDES.iter().zip(STRIDE_LEADS);
    (PACKET_LEN..204 * 4).contains(&head.len())
        && strides.any(|(stride, lead)| syncs(head, lead, *stride) >= 1)
}

/// How many sync bytes lie one stride apart, as far as the bytes go; 0 when one is missing.
fn syncs(head: &[u8], from: usize, stride: usize) -> usize {
    let places = head.iter().skip(from).step_by(stride).take(MIN_SYNC_BYTES);
    match places.clone().all(|byte| *byte == SYNC_BYTE) {
        true => places.count(),
        false => 0,
    }
}

/// Looks for packets from the start of the window on, and drops what lies before the first.
/// `passed` counts the bytes dropped.
pub(super) fn find_packets(window: &mut Window, ended: bool, passed: &mut u64) -> Sync {
    loop {
        let available = window.len();
        let data = window.peek(SEARCH);
        match search(data, ended && data.len() == available) {
            Search::Found { at, stride } => {
                window.skip(at);
                *passed = passed.saturating_add(u64::try_from(at).unwrap_or(0));
                return Sync::Found(stride);
            }
            Search::Not { decided } => {
                window.skip(decided);
                *passed = passed.saturating_add(u64::try_from(decided).unwrap_or(0));
                if decided == 0 || window.len() == 0 {
                    return Sync::NeedMore;
                }
            }
        }
    }
}

enum Search {
    Found {
        at: usize,
        stride: usize,
    },
    /// So many bytes at the start begin no packet.
    Not {
        decided: usize,
    },
}

fn search(data: &[u8], ended: bool) -> Search {
    let mut from = 0;
    while let Some(rest) = data.get(from..)
        && let Some(found) = memchr::memchr(SYNC_BYTE, rest)
    {
        let at = from.saturating_add(found);
        let rest = data.get(at..).unwrap_or_default();
        for stride in STRIDES {
            match confirm(rest, stride, ended) {
                Some(true) => return Search::Found { at, stride },
                Some(false) => {}
                None => return Search::Not { decided: at },
            }
        }
        from = at.saturating_add(1);
    }
    Search::Not {
        decided: data.len(),
    }
}

/// Whether sync bytes follow in this distance; `None` when more bytes are needed to tell.
fn confirm(data: &[u8], stride: usize, ended: bool) -> Option<bool> {
    for index in 1..IN_A_ROW {
        match data.get(index.saturating_mul(stride)) {
            Some(&SYNC_BYTE) => {}
            Some(_) => return Some(false),
            // At the end fewer suffice, if there is one whole packet.
            None if ended => return Some(data.len() >= PACKET_LEN),
            None => return None,
        }
    }
    Some(true)
}
