//! The access log: one line for each request when it is over, under the request's id. No query, no header and no body is
//! written, so that no signature, token or key can be; what a client chose is cut short and cannot end a line.

use std::time::Instant;

use axum::http::{Method, Uri};
use tracing::{Span, error, info};

use crate::domain::VideoId;

/// A word of an action's name is no longer.
const MAX_WORD: usize = 40;
const MAX_PATH: usize = 120;
/// A longer part of a path that is no video's id is none of ours, and may be a secret that got there by mistake.
const MAX_PART: usize = 24;
const KEY_PREFIX: &str = "KN";
const SESSION_KEY_PREFIX: &str = "STS.";

/// Why a request was refused: for the log, put into the answer's extensions. Holds nothing that the client sent.
#[derive(Clone, Debug)]
pub(crate) struct Reason {
    pub(crate) code: String,
    pub(crate) sentence: String,
}

/// A method as it may be logged: clients make up others, of any length.
pub(crate) fn loggable_method(method: &Method) -> &str {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::OPTIONS,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::TRACE,
        Method::CONNECT,
    ];
    if known.contains(method) {
        method.as_str()
    } else {
        "(other)"
    }
}

/// A path as it may be logged.
pub(crate) fn loggable_path(uri: &Uri) -> String {
    let mut shown_path = String::new();
    for part in uri.path().split('/').skip(1) {
        let whole = part.len() <= MAX_PART || VideoId::parse(part).is_some();
        let shown = if whole { part.len() } else { 4 };
        shown_path.push('/');
        let letters = part.chars().take(shown);
        shown_path.extend(letters.map(|letter| {
            if letter.is_ascii_graphic() {
                letter
            } else {
                '?'
            }
        }));
        if !whole {
            shown_path.push('…');
        }
        if shown_path.len() > MAX_PATH {
            shown_path.push_str("/…");
            break;
        }
    }
    shown_path
}

/// An action's name as it may be logged.
pub(crate) fn loggable_action(name: &str) -> &str {
    let is_word = name.len() <= MAX_WORD && name.bytes().all(|byte| byte.is_ascii_alphabetic());
    if is_word { name } else { "(no name)" }
}

/// A key's id as it may be logged: only one that has the form of ours, for people mistake the secret for it.
pub(crate) fn loggable_key_id(id: &str) -> &str {
    let is_ours =
        |rest: &str| rest.len() <= 32 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let rest = id
        .strip_prefix(SESSION_KEY_PREFIX)
        .or_else(|| id.strip_prefix(KEY_PREFIX));
    if rest.is_some_and(is_ours) {
        id
    } else {
        "(none of ours)"
    }
}

/// The line of one request, written when it is dropped.
pub(crate) struct AccessLogEntry {
    pub(crate) span: Span,
    pub(crate) began: Instant,
    /// None as long as there is no answer.
    pub(crate) status: Option<u16>,
    pub(crate) reason: Option<Reason>,
    /// Octets of the body that went out.
    pub(crate) sent: u64,
    /// Octets of the whole body, where they were announced.
    pub(crate) length: Option<u64>,
}

impl AccessLogEntry {
    pub(crate) fn new(span: Span) -> Self {
        Self {
            span,
            began: Instant::now(),
            status: None,
            reason: None,
            sent: 0,
            length: None,
        }
    }
}

impl Drop for AccessLogEntry {
    fn drop(&mut self) {
        let _entered = self.span.enter();
        let duration_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (sent, length) = (self.sent, self.length);
        let Some(status) = self.status else {
            info!(duration_ms, "broken off before it was answered");
            return;
        };
        match &self.reason {
            None => info!(status, duration_ms, sent, length, "answered"),
            // Refusals for want of room (503) are counted with the limits: they can not fill a log of errors.
            Some(Reason { code, sentence }) if status < 500 || status == 503 => {
                info!(
                    status,
                    duration_ms,
                    sent,
                    code,
                    reason = sentence,
                    "refused"
                );
            }
            Some(Reason { code, sentence }) => {
                error!(status, duration_ms, sent, code, reason = sentence, "failed");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_chose_is_cut_short_and_holds_no_control_character() {
        assert_eq!(loggable_action("GetPlayInfo"), "GetPlayInfo");
        for bad in ["a\nb", "\u{1b}[2J", "Gét", "s3cret", &"a".repeat(41)] {
            assert_eq!(loggable_action(bad), "(no name)");
        }
        assert_eq!(loggable_method(&Method::GET), "GET");
        assert_eq!(
            loggable_method(&"S3CRET".repeat(999).parse().unwrap()),
            "(other)"
        );
        assert_eq!(
            loggable_key_id("KN0123456789abcdef01"),
            "KN0123456789abcdef01"
        );
        assert_eq!(loggable_key_id("STS.0123abcd"), "STS.0123abcd");
        for bad in [
            "0123456789abcdef0123456789abcdef01234567",
            "KN\n",
            "STS.a b",
            "",
        ] {
            assert_eq!(loggable_key_id(bad), "(none of ours)");
        }
        let shown = |uri: &str| loggable_path(&uri.parse().unwrap());
        let video = "0123456789abcdef0123456789abcdef";
        assert_eq!(
            shown(&format!("/media/{video}/fd.mp4?auth_key=1-2-3-4")),
            format!("/media/{video}/fd.mp4")
        );
        assert_eq!(shown("/"), "/");
        assert_eq!(
            shown(&format!("/play/{}/a.mp4", "k".repeat(25))),
            "/play/kkkk…/a.mp4"
        );
        assert!(shown(&format!("/{}", "abc/".repeat(10_000))).len() < 140);
        assert_eq!(shown("/a%0Ab\u{202e}\u{9b}"), "/a%0Ab??");
    }
}
