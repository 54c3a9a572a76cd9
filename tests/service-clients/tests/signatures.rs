//! Our own player asks our own service by each signature that it can be told to use.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use kinora::{NetConfig, PlayOptions, SignatureMethod, SignatureScheme, VidAuth, VidSts};
use kinora_faults::stage::{Stage, by_auth, by_sts};
use kinora_faults::watch::Watch;

const ALL: [SignatureScheme; 3] = [
    SignatureScheme::V1(SignatureMethod::HmacSha1),
    SignatureScheme::V1(SignatureMethod::HmacSha256),
    SignatureScheme::V3,
];

fn options(signature: SignatureScheme) -> PlayOptions {
    PlayOptions {
        signature,
        ..PlayOptions::default()
    }
}

/// The calls that the service got, each with whether it was signed by headers.
fn asked(stage: &Stage) -> Vec<bool> {
    let seen = stage.proxy.seen();
    let calls = seen.iter().filter(|call| call.target().starts_with("/?"));
    let signed = calls.map(|call| call.header("authorization"));
    let by_headers =
        signed.map(|given| given.is_some_and(|text| text.starts_with("ACS3-HMAC-SHA256 ")));
    by_headers.collect()
}

#[test]
fn a_player_plays_by_each_signature_and_credential() {
    for signature in ALL {
        let stage = Stage::new();
        let session = VidSts {
            options: options(signature),
            ..stage.sts(&["vod:GetPlayInfo"], 900)
        };
        let play_auth = VidAuth {
            options: options(signature),
            ..stage.auth()
        };
        let before = asked(&stage).len();
        for source in [by_sts(session), by_auth(play_auth)] {
            let mut watch = Watch::plain();
            watch.open(source);
            watch.first_frame();
        }
        let by_headers = vec![signature == SignatureScheme::V3; 2];
        assert_eq!(asked(&stage)[before..], by_headers, "{signature:?}");
    }
}

#[test]
fn what_can_be_played_is_asked_for_by_each_signature() {
    let stage = Stage::new();
    for signature in ALL {
        let source = VidSts {
            options: options(signature),
            ..stage.by_key(&stage.key)
        };
        let info = kinora::play_info(&source.into(), &NetConfig::default()).unwrap();
        assert_eq!(info.video_base.video_id, stage.video.as_str());
    }
    assert_eq!(asked(&stage), [false, false, true]);
}
