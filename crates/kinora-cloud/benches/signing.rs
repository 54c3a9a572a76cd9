//! What each call and each link costs: `cargo bench -p kinora-cloud`.
#![allow(missing_docs, clippy::unwrap_used)]

use divan::Bencher;
use kinora_cloud::{Credentials, Endpoint, PopRequest, UnixTime, parse_play_info, url_auth};
use kinora_errors::Secret;

const NOW: UnixTime = UnixTime(1_700_000_000);

fn main() {
    divan::main();
}

#[divan::bench]
fn sign_a_request(bencher: Bencher<'_, '_>) {
    let endpoint = Endpoint::of_region("vod", "cn-shanghai").unwrap();
    let credentials = Credentials {
        access_key_id: "STS.testAccessKeyId".into(),
        access_key_secret: Secret::new("testAccessKeySecret"),
        security_token: Some(Secret::new("CAIS".repeat(100))),
    };
    bencher
        .with_inputs(|| {
            PopRequest::new("GetPlayInfo", "2017-03-21")
                .param("VideoId", "5aed81b74ba84920be578cdfe004af4b")
        })
        .bench_values(|request| {
            request.sign(
                &endpoint,
                &credentials,
                "8f8a035d-6496-4268-afd4-67c22837e38d",
                NOW,
            )
        });
}

#[divan::bench]
fn sign_a_link(bencher: Bencher<'_, '_>) {
    let (key, claims) = link();
    bencher.bench(|| url_auth::auth_key(divan::black_box("/video/standard/1K.mp4"), &claims, &key));
}

#[divan::bench]
fn verify_a_link(bencher: Bencher<'_, '_>) {
    let (key, claims) = link();
    let made = url_auth::auth_key("/video/standard/1K.mp4", &claims, &key);
    bencher.bench(|| {
        let given = divan::black_box(made.expose());
        url_auth::verify("/video/standard/1K.mp4", given, None, &key, 1_800, NOW).unwrap()
    });
}

fn link() -> (Secret, url_auth::UrlClaims<'static>) {
    let claims = url_auth::UrlClaims {
        timestamp: NOW,
        rand: "0",
        uid: "0",
        preview_s: None,
    };
    (Secret::new("aliyuncdnexp1234"), claims)
}

#[divan::bench]
fn read_play_info(bencher: Bencher<'_, '_>) {
    let entry = r#"{"PlayURL":"https://cdn.example.com/a/b.m3u8?auth_key=1444435200-0-0-80cd3862d699b7118eed99103f2a3a4f","Format":"m3u8","Definition":"HD","Bitrate":"800.1","Fps":"25","Duration":"12.5","Size":1000,"Width":1280,"Height":720,"Encrypt":0,"StreamType":"video","Status":"Normal"}"#;
    let body = format!(
        r#"{{"RequestId":"R","VideoBase":{{"VideoId":"v","Title":"t","Status":"Normal","Duration":"12.5"}},"PlayInfoList":{{"PlayInfo":[{}]}}}}"#,
        [entry; 8].join(",")
    );
    bencher.bench(|| parse_play_info(200, divan::black_box(body.as_bytes())).unwrap());
}
