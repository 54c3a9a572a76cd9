//! What the network waits for, to be shown when it takes long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kinora::{Phase, PhaseWatch, Waiting};
use kinora_errors::Lang;
use kinora_media::RequestId;

/// What passes sooner is not worth a word.
const LONG: Duration = Duration::from_secs(1);

/// The requests that wait, what for, and since when.
#[derive(Clone, Default)]
pub(crate) struct Waits(Arc<Mutex<HashMap<RequestId, (Waiting, Instant)>>>);

impl Waits {
    /// Keeps the phases that the network reports.
    pub(crate) fn watch(&self) -> PhaseWatch {
        let waits = Arc::clone(&self.0);
        PhaseWatch::new(move |id, waiting| {
            let mut waits = waits.lock().unwrap_or_else(PoisonError::into_inner);
            match waiting {
                Some(waiting) => waits.insert(id, (waiting, Instant::now())),
                None => waits.remove(&id),
            };
        })
    }

    /// The longest wait, in words, where it is long.
    pub(crate) fn longest(&self, lang: Lang) -> Option<String> {
        let waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (waiting, since) = waits.values().min_by_key(|(_, since)| *since)?;
        let waited = since.elapsed();
        (waited >= LONG).then(|| words(waiting, waited.as_secs(), lang))
    }
}

fn words(waiting: &Waiting, seconds: u64, lang: Lang) -> String {
    let zh = lang == Lang::Zh;
    let phase = match waiting.phase {
        Phase::Resolving if zh => "正在解析",
        Phase::Resolving => "looking up",
        Phase::Connecting if zh => "正在连接",
        Phase::Connecting => "connecting to",
        Phase::TlsHandshake if zh => "TLS 握手",
        Phase::TlsHandshake => "TLS with",
        _ if zh => "等待应答",
        _ => "waiting for",
    };
    let host = &waiting.host;
    match zh {
        true => format!("{phase} {host}（{seconds} 秒）"),
        false => format!("{phase} {host} ({seconds} s)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_named_by_its_phase_and_whom_it_is_for() {
        let waiting = Waiting {
            phase: Phase::FirstByte,
            host: "example.com".into(),
        };
        assert_eq!(
            words(&waiting, 3, Lang::En),
            "waiting for example.com (3 s)"
        );
        assert_eq!(words(&waiting, 3, Lang::Zh), "等待应答 example.com（3 秒）");
    }
}
