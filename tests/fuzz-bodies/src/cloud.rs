//! What comes from a service, or from a user who was given it by one.

use kinora_cloud::{CloudError, PlayAuth, UnixTime, parse_play_info, sts, vod, xml};
use kinora_errors::Coded;

use crate::Work;

const NOW: UnixTime = UnixTime(1_700_000_000);

pub(crate) fn play_auth(data: &[u8]) -> Work {
    let text = String::from_utf8_lossy(data);
    // As it comes, and the JSON of one as if it had been packed.
    let mut work = decode(&text);
    if let Ok(auth) = serde_json::from_slice::<PlayAuth>(data) {
        work.add(decode(auth.encode().expose()));
    }
    work
}

fn decode(text: &str) -> Work {
    match PlayAuth::decode(text) {
        Ok(auth) => {
            let _ = auth.check("5aed81b74ba84920be578cdfe004af4b", NOW);
            let _ = auth.credentials();
            let packed = auth.encode();
            let again = PlayAuth::decode(packed.expose());
            // Text that is not UTF-8 or too long may be refused; what is read is the same.
            if let Ok(again) = again {
                assert_eq!(auth, again, "a credential survives its packing");
            }
            work(text.len(), packed.expose().len())
        }
        Err(error) => work(text.len(), explained(&error)),
    }
}

pub(crate) fn pop(data: &[u8]) -> Work {
    // No reply begins with a digit: a leading 4 stands for the status of a refusal.
    let (status, body) = match data.split_first() {
        Some((b'4', body)) => (400, body),
        _ => (200, data),
    };
    let mut all = Work::default();
    let out = parse_play_info(status, body).map_or_else(
        |error| explained(&error),
        |info| info.play_info_list.play_info.len(),
    );
    all.add(work(body.len(), out));
    for error in [
        vod::parse_video_play_auth(status, body).err(),
        vod::parse_video_info(status, body).err(),
        sts::parse_assumed_role(status, body).err(),
    ] {
        let out = error.as_ref().map_or(0, explained);
        all.add(work(body.len(), out));
    }
    // The same members as the service would write them.
    if body.len() <= XML_INPUT
        && let Ok(value) = serde_json::from_slice(body)
    {
        let text = xml::response("GetPlayInfo", &value);
        assert!(
            text.ends_with("</GetPlayInfoResponse>") || value.is_array(),
            "XML is closed"
        );
        all.add(work(body.len(), text.len()));
    }
    all
}

/// The service writes XML of its own values only, which are small.
const XML_INPUT: usize = 64 * 1024;

fn work(bytes: usize, out: usize) -> Work {
    Work {
        steps: 1,
        bytes: bytes as u64,
        out: out as u64,
    }
}

fn explained(error: &CloudError) -> usize {
    assert!(
        error.code().row().is_some(),
        "{error} has a code of the table"
    );
    let text = error.to_string();
    assert!(text.len() < 2_000, "an error is a sentence");
    text.len()
}
