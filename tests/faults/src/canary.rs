//! Searching for secrets where none may be.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use kinora_cloud::sign;

/// A secret, by the name that it may be shown by.
pub struct Canary {
    /// What it is.
    pub name: String,
    secret: String,
}

impl Canary {
    /// A secret to look for.
    ///
    /// # Panics
    /// When it is too short to be distinguished from chance.
    #[must_use]
    pub fn new(name: impl Into<String>, secret: impl Into<String>) -> Self {
        let (name, secret) = (name.into(), secret.into());
        assert!(secret.len() >= 12, "{name} is too short to be searched for");
        Self { name, secret }
    }

    /// In which forms the text holds it, or its first half: plain, hex, base64, percent, a list of bytes.
    #[must_use]
    pub fn forms_in(&self, text: &[u8]) -> Vec<&'static str> {
        let whole = self.secret.as_bytes();
        let half = whole.get(..whole.len() / 2).unwrap_or_default();
        let hex = whole
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        let percent = whole
            .iter()
            .map(|byte| format!("%{byte:02x}"))
            .collect::<String>();
        let list = whole
            .iter()
            .map(u8::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        let small = text.to_ascii_lowercase();
        let has = |needle: &[u8]| text.windows(needle.len()).any(|window| window == needle);
        let has_small = |needle: &str| {
            small
                .windows(needle.len())
                .any(|window| window == needle.as_bytes())
        };
        let mut forms = Vec::new();
        if has(whole) || (half.len() >= 12 && has(half)) {
            forms.push("plain");
        }
        if has_small(&hex) {
            forms.push("hex");
        }
        if (0..3).any(|offset| {
            in_base64(whole, offset)
                .iter()
                .any(|form| has(form.as_bytes()))
        }) {
            forms.push("base64");
        }
        // Encoding everything, or only what must be.
        let needed = sign::encode(&self.secret);
        if has_small(&percent) || (needed != self.secret && has_small(&needed.to_ascii_lowercase()))
        {
            forms.push("percent");
        }
        if has(list.as_bytes()) {
            forms.push("list");
        }
        forms
    }
}

/// The part of any base64 text that surely is this secret, where the secret begins `offset` bytes after a group's border.
fn in_base64(secret: &[u8], offset: usize) -> [String; 2] {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(secret);
    let (from, to) = ((offset * 8).div_ceil(6), padded.len() * 8 / 6);
    [
        STANDARD_NO_PAD.encode(&padded),
        URL_SAFE_NO_PAD.encode(&padded),
    ]
    .map(|text| text.get(from..to).unwrap_or_default().to_owned())
}

/// What was shown to somebody: where, and the bytes.
pub type Captured = (String, Vec<u8>);

/// Every secret that something captured holds, as sentences that do not repeat it.
#[must_use]
pub fn leaks(canaries: &[Canary], reported: &[Captured]) -> Vec<String> {
    let mut leaks = Vec::new();
    for (place, text) in reported {
        for canary in canaries {
            for form in canary.forms_in(text) {
                leaks.push(format!("{place} shows {} ({form})", canary.name));
            }
        }
    }
    leaks
}

#[cfg(test)]
mod tests {
    use super::*;

    // The control: a search that finds nothing must be one that would have found it.
    #[test]
    fn a_planted_secret_is_found_in_every_form() {
        let canary = Canary::new("a key", "k/9+secret=canary42");
        let secret = canary.secret.clone();
        let list = format!("{:?}", secret.as_bytes());
        let hex: String = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
        let escaped: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let planted = |text: &str| canary.forms_in(format!("before {text} after").as_bytes());
        assert_eq!(planted("nothing"), Vec::<&str>::new());
        assert_eq!(planted(&secret), ["plain"]);
        assert_eq!(planted(&hex), ["hex"]);
        assert_eq!(planted(&escaped), ["percent"]);
        assert_eq!(planted(&sign::encode(&secret)), ["percent"]);
        assert_eq!(planted(&list), ["list"]);
        for before in ["", "a", "ab", "abc"] {
            let text = format!("{before}{secret}{before}");
            assert_eq!(
                planted(&STANDARD_NO_PAD.encode(&text)),
                ["base64"],
                "{before}"
            );
            assert_eq!(
                planted(&URL_SAFE_NO_PAD.encode(&text)),
                ["base64"],
                "{before}"
            );
        }
        let half = Canary::new("a token", "0123456789abcdefghijklmnopqrstuv");
        assert_eq!(half.forms_in(b"the token 0123456789abcdef..."), ["plain"]);
    }
}
