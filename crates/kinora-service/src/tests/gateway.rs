use std::collections::BTreeSet;

use super::*;
use crate::RenditionEncryption::Private;
use crate::{AccountState, Policy, RamRole, TrustPolicy};

async fn begin() -> (tempfile::TempDir, Running, Triple) {
    Running::alone(ManualClock::now()).await
}

#[tokio::test]
async fn a_signed_request_is_answered_by_get_and_post_in_json_and_xml() {
    let (_dir, service, key) = begin().await;
    let id = service.publish().await;
    let params = [("Action", "GetPlayInfo"), ("VideoId", id.as_str())];
    let reply = service.call(&key, &params).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let parsed = kinora_cloud::parse_play_info(reply.status, &reply.body).unwrap();
    assert_eq!(parsed.play_info_list.play_info.len(), 2);
    let json = reply.json();
    assert_eq!(json["VideoBase"]["Status"], "Normal");
    assert_eq!(
        json["PlayInfoList"]["PlayInfo"].as_array().unwrap().len(),
        2
    );
    assert_eq!(json["RequestId"].as_str().unwrap().len(), 36);
    assert_eq!(reply.header("access-control-allow-origin"), "*");

    let form = service.signed("POST", &key, &params);
    let kind = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Origin", "http://page.test"),
    ];
    let reply = ask(service.address, "POST", "/", &kind, form.as_bytes()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("access-control-allow-origin"), "*");

    let reply = service
        .call(
            &key,
            &[
                ("Action", "GetVideoInfo"),
                ("VideoId", id.as_str()),
                ("Format", ""),
            ],
        )
        .await;
    assert!(reply.header("content-type").starts_with("text/xml"));
    let text = reply.text();
    assert!(
        text.contains("<GetVideoInfoResponse>")
            && text.contains("<Title>&lt;Title&gt; &amp; more</Title>"),
        "{text}"
    );
    let reply = service.get("/?Action=GetVideoInfo", &[]).await;
    assert_eq!(reply.status, 400);
    assert!(
        reply.text().contains("<Error>") && reply.text().contains("<Code>MissingParameter</Code>"),
        "{}",
        reply.text()
    );
    service.stop().await;
}

#[tokio::test]
async fn a_preflight_is_allowed() {
    let (_dir, service, _) = begin().await;
    let asks = [
        ("Origin", "http://page.test"),
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Headers", "range"),
    ];
    for target in ["/", "/media/x/y"] {
        let reply = ask(service.address, "OPTIONS", target, &asks, b"").await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("access-control-allow-origin"), "*");
    }
    service.stop().await;
}

/// A parameter of GetPlayInfo, what it is set to, and how that is answered.
const BAD_PARAMETERS: [(&str, &str, u16, &str); 17] = [
    ("Timestamp", "", 400, "MissingParameter"),
    ("Formats", "avi", 400, "InvalidParameter.Formats"),
    ("Definition", "XX", 400, "InvalidParameter.Definition"),
    ("StreamType", "smell", 400, "InvalidParameter.StreamType"),
    ("ResultType", "Some", 400, "InvalidParameter.ResultType"),
    ("AuthTimeout", "0", 400, "InvalidParameter.AuthTimeout"),
    ("PlayConfig", "[]", 400, "InvalidParameter.PlayConfig"),
    ("AuthInfo", "{}", 400, "InvalidParameter.AuthInfo"),
    ("Version", "2000-01-01", 400, "InvalidVersion"),
    ("Action", "Nothing", 404, "InvalidAction.NotFound"),
    (
        "SignatureMethod",
        "NONE",
        400,
        "InvalidParameter.SignatureMethod",
    ),
    ("Formats", "mp3", 404, "InvalidVideo.NoneStream"),
    (
        "VideoId",
        "5aed81b74ba84920be578cdfe004af4b",
        404,
        "InvalidVideo.NotFound",
    ),
    ("VideoId", "../../etc/passwd", 404, "InvalidVideo.NotFound"),
    (
        "Timestamp",
        "2017-10-10T12:02:54Z",
        400,
        "InvalidTimeStamp.Expired",
    ),
    ("Timestamp", "now", 400, "InvalidTimeStamp.Format"),
    (
        "SecurityToken",
        "abc",
        400,
        "InvalidSecurityToken.Malformed",
    ),
];

/// Every error has its status, its code and a message, and repeats no secret.
fn refused(reply: &Reply, key: &Triple, status: u16, code: &str) {
    let got = (reply.status, reply.code());
    assert_eq!(got, (status, code.to_owned()), "{}", reply.text());
    assert!(reply.json()["Message"].as_str().unwrap().len() > 20);
    for field in ["RequestId", "HostId", "Recommend"] {
        assert!(!reply.json()[field].as_str().unwrap().is_empty(), "{field}");
    }
    assert!(!reply.text().contains(&key.secret));
}

#[tokio::test]
async fn bad_parameters_get_the_documented_codes() {
    let (_dir, service, key, id) = with_a_video().await;
    let play = [("Action", "GetPlayInfo"), ("VideoId", id.as_str())];
    for (name, value, status, code) in BAD_PARAMETERS {
        let reply = service
            .call(&key, &[&play[..], &[(name, value)]].concat())
            .await;
        refused(&reply, &key, status, code);
    }
    let reply = service.call(&key, &play[..1]).await;
    refused(&reply, &key, 400, "MissingParameter");
    service.stop().await;
}

#[tokio::test]
async fn bad_keys_get_the_documented_codes() {
    let (_dir, service, key, id) = with_a_video().await;
    let play = [("Action", "GetPlayInfo"), ("VideoId", id.as_str())];
    let wrong = Triple {
        secret: "wrong".into(),
        ..key.clone()
    };
    let unknown = Triple {
        id: "KN0".into(),
        ..key.clone()
    };
    for (caller, status, code) in [
        (wrong, 400, "SignatureDoesNotMatch"),
        (unknown, 404, "InvalidAccessKeyId.NotFound"),
    ] {
        refused(&service.call(&caller, &play).await, &key, status, code);
    }
    service.stop().await;
}

#[tokio::test]
async fn of_a_thousand_racing_replays_one_passes_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let many = ServiceLimits {
        connections_per_client: 2000,
        requests_per_client: 2000,
        ..ServiceLimits::default()
    };
    let clock = Arc::new(ManualClock::now());
    let (service, key) = Running::start_with(&dir.path().join("data"), clock, many).await;
    let key = key.unwrap();
    let id = service.publish().await;
    let target = format!(
        "/?{}",
        service.signed(
            "GET",
            &key,
            &[("Action", "GetVideoInfo"), ("VideoId", id.as_str())]
        )
    );
    let mut tampered = target.clone();
    tampered.push_str("&Extra=1");
    assert_eq!(
        service.get(&tampered, &[]).await.code(),
        "SignatureDoesNotMatch"
    );
    let address = service.address;
    let racers: Vec<_> = (0..1000)
        .map(|_| {
            let target = target.clone();
            tokio::spawn(async move { ask(address, "GET", &target, &[], b"").await })
        })
        .collect();
    let mut passed = 0;
    for racer in racers {
        let reply = racer.await.unwrap();
        match reply.status {
            200 => passed += 1,
            _ => assert_eq!(reply.code(), "SignatureNonceUsed"),
        }
    }
    assert_eq!(passed, 1);
    let clock = service.clock.clone();
    service.stop().await;
    let (service, again) = Running::start(&dir.path().join("data"), clock).await;
    assert!(again.is_none(), "the first key is shown once");
    assert_eq!(service.get(&target, &[]).await.code(), "SignatureNonceUsed");
    service.stop().await;
}

#[tokio::test]
async fn an_assumed_role_may_do_what_its_policy_says_until_it_expires() {
    let (_dir, service, key) = begin().await;
    let id = service.publish().await;
    let policy = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["vod:GetPlayInfo"],"Resource":"*"}]}"#;
    let reply = assume(
        &service,
        &key,
        &[("DurationSeconds", "900"), ("Policy", policy)],
    )
    .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let session = Triple::of(&reply.json()["Credentials"]);
    let play = [("Action", "GetPlayInfo"), ("VideoId", id.as_str())];
    assert_eq!(service.call(&session, &play).await.status, 200);
    // As the web player asks: no Timestamp. Its replay is noticed all the same.
    let web = format!(
        "/?{}",
        service.signed(
            "GET",
            &session,
            &[&play[..], &[("Timestamp", ""), ("Channel", "HTML5")]].concat()
        )
    );
    assert_eq!(service.get(&web, &[]).await.status, 200);
    assert_eq!(service.get(&web, &[]).await.code(), "SignatureNonceUsed");
    let info = [("Action", "GetVideoInfo"), ("VideoId", id.as_str())];
    assert_eq!(service.call(&session, &info).await.code(), "Forbidden.RAM");

    service.clock.advance_ms(900_000);
    assert_eq!(
        service.call(&session, &play).await.code(),
        "InvalidSecurityToken.Expired"
    );
    assert_eq!(
        service.get(&web, &[]).await.code(),
        "InvalidSecurityToken.Expired"
    );
    service.stop().await;
}

#[tokio::test]
async fn the_three_values_of_a_session_belong_together() {
    let (_dir, service, key, id) = with_a_video().await;
    let session = Triple::of(&assume(&service, &key, &[]).await.json()["Credentials"]);
    let play = [("Action", "GetPlayInfo"), ("VideoId", id.as_str())];
    assert_eq!(service.call(&session, &play).await.status, 200);
    let other = Triple::of(&assume(&service, &key, &[]).await.json()["Credentials"]);
    let mixed = Triple {
        token: other.token.clone(),
        ..session.clone()
    };
    assert_eq!(
        service.call(&mixed, &play).await.code(),
        "InvalidSecurityToken.MismatchWithAccessKey"
    );
    let cut = Triple {
        token: session
            .token
            .as_ref()
            .map(|token| token[..token.len() - 5].to_owned()),
        ..session.clone()
    };
    assert_eq!(
        service.call(&cut, &play).await.code(),
        "InvalidSecurityToken.Malformed"
    );
    let naked = Triple {
        token: None,
        ..session.clone()
    };
    assert_eq!(
        service.call(&naked, &play).await.code(),
        "InvalidAccessKeyId.NotFound"
    );
    service.stop().await;
}

#[tokio::test]
async fn a_role_is_assumed_by_valid_parameters_only() {
    let (_dir, service, key) = begin().await;
    for (more, code) in [
        (
            ("DurationSeconds", "899"),
            "InvalidParameter.DurationSeconds",
        ),
        (
            ("DurationSeconds", "3601"),
            "InvalidParameter.DurationSeconds",
        ),
        (("RoleArn", "acs:ram::1:role/nobody"), "EntityNotExist.Role"),
        (("RoleArn", "nonsense"), "InvalidParameter.RoleArn"),
        (("Policy", "{}"), "InvalidParameter.PolicyGrammar"),
    ] {
        assert_eq!(assume(&service, &key, &[more]).await.code(), code);
    }
    service.stop().await;
}

#[tokio::test]
async fn account_flags_and_policies_are_obeyed() {
    let (_dir, service, key) = begin().await;
    let id = service.publish().await;
    let play = [("Action", "GetPlayInfo"), ("VideoId", id.as_str())];
    for (state, code) in [
        (AccountState::NotOpened, "OperationDenied"),
        (AccountState::Suspended, "OperationDenied.Suspended"),
    ] {
        service.library.set_account_state(state).await.unwrap();
        assert_eq!(service.call(&key, &play).await.code(), code);
    }
    service
        .library
        .set_account_state(AccountState::Active)
        .await
        .unwrap();
    assert_eq!(service.call(&key, &play).await.status, 200);
    let mut little = service
        .library
        .new_access_key(Policy::allowing(&["sts:*"]).unwrap())
        .await
        .unwrap();
    assert_eq!(
        service
            .call(&Triple::permanent(&little), &play)
            .await
            .code(),
        "Forbidden.RAM"
    );
    little.active = false;
    service.library.put_access_key(&little).await.unwrap();
    assert_eq!(
        service
            .call(&Triple::permanent(&little), &play)
            .await
            .code(),
        "InvalidAccessKeyId.Inactive"
    );
    assert!(service.library.delete_access_key(&little.id).await.unwrap());
    assert_eq!(
        service
            .call(&Triple::permanent(&little), &play)
            .await
            .code(),
        "InvalidAccessKeyId.NotFound"
    );
    let nothing = RamRole {
        name: "nothing".into(),
        policy: Policy::none(),
        trust: TrustPolicy::account(),
    };
    service.library.put_role(&nothing).await.unwrap();
    let session = Triple::of(
        &assume(&service, &key, &[("RoleArn", "acs:ram::1:role/nothing")])
            .await
            .json()["Credentials"],
    );
    assert_eq!(service.call(&session, &play).await.code(), "Forbidden.RAM");
    service.stop().await;
}

#[tokio::test]
async fn a_play_credential_opens_one_video_for_its_time() {
    let (_dir, service, key) = begin().await;
    let (id, other) = (service.publish().await, service.publish().await);
    let (session, info) = service.play_auth(&key, &id).await;
    let play = |video: &str, info: &str| {
        let (video, info) = (video.to_owned(), info.to_owned());
        let (service, session) = (&service, &session);
        async move {
            service
                .call(
                    session,
                    &[
                        ("Action", "GetPlayInfo"),
                        ("VideoId", &video),
                        ("AuthInfo", &info),
                    ],
                )
                .await
        }
    };
    assert_eq!(play(id.as_str(), &info).await.status, 200);
    assert_eq!(
        play(other.as_str(), &info).await.code(),
        "InvalidAuth.MediaId"
    );
    assert_eq!(play(id.as_str(), "").await.code(), "MissingParameter");
    let forged = info.replace(id.as_str(), other.as_str());
    assert_eq!(
        play(other.as_str(), &forged).await.code(),
        "InvalidAuthInfo.Signature"
    );
    let again = [("Action", "GetVideoPlayAuth"), ("VideoId", id.as_str())];
    assert_eq!(service.call(&session, &again).await.code(), "Forbidden.RAM");
    // With another video's AuthInfo, the triple still opens its own video only.
    let (_, info_of_other) = service.play_auth(&key, &other).await;
    assert_eq!(
        play(other.as_str(), &info_of_other).await.code(),
        "Forbidden.RAM"
    );
    service.clock.advance_ms(100_000);
    assert_eq!(
        play(id.as_str(), &info).await.code(),
        "InvalidAuthInfo.ExpireTime"
    );
    for bad in ["99", "3001", "x"] {
        let reply = service
            .call(&key, &[&again[..], &[("AuthInfoTimeout", bad)]].concat())
            .await;
        assert_eq!(reply.code(), "InvalidParameter.AuthInfoTimeout");
    }
    service.stop().await;
}

#[tokio::test]
async fn play_info_follows_its_filters_and_the_video_s_status() {
    let (_dir, service, key) = begin().await;
    let id = service.publish().await;
    let play = |more: (&'static str, &'static str)| {
        let (service, key, id) = (&service, &key, &id);
        async move {
            service
                .call(
                    key,
                    &[("Action", "GetPlayInfo"), ("VideoId", id.as_str()), more],
                )
                .await
        }
    };
    let formats = |reply: Reply| -> BTreeSet<String> {
        let json = reply.json();
        let infos = json["PlayInfoList"]["PlayInfo"]
            .as_array()
            .unwrap_or_else(|| panic!("{json}"))
            .clone();
        infos
            .iter()
            .map(|info| info["Format"].as_str().unwrap().to_owned())
            .collect()
    };
    let set = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(formats(play(("Formats", "mp4")).await), set(&["mp4"]));
    assert_eq!(
        formats(play(("Formats", "mp4,m3u8")).await),
        set(&["mp4", "m3u8"])
    );
    assert_eq!(
        formats(play(("PlayConfig", r#"{"EncryptType":"Unencrypted"}"#)).await),
        set(&["mp4", "m3u8"])
    );
    assert_eq!(
        play(("StreamType", "audio")).await.code(),
        "InvalidVideo.NoneStream"
    );
    assert_eq!(
        play(("Definition", "4K")).await.code(),
        "InvalidVideo.NoneStream"
    );
    service
        .library
        .set_status(&id, VideoStatus::Blocked)
        .await
        .unwrap();
    assert_eq!(
        play(("Formats", "mp4")).await.code(),
        "Forbidden.IllegalStatus"
    );
    assert!(
        service
            .library
            .set_status(&id, VideoStatus::Uploading)
            .await
            .is_err()
    );
    service.library.delete_video(&id).await.unwrap();
    assert_eq!(
        play(("Formats", "mp4")).await.code(),
        "InvalidVideo.NotFound"
    );

    let private = service
        .publish_as(
            &[("fd.m3u8", b"#EXTM3U\n")],
            &[rendition("fd.m3u8", Format::M3u8, Private)],
        )
        .await;
    let ask = |more: (&'static str, &'static str)| {
        let (service, key, private) = (&service, &key, &private);
        async move {
            service
                .call(
                    key,
                    &[
                        ("Action", "GetPlayInfo"),
                        ("VideoId", private.as_str()),
                        more,
                    ],
                )
                .await
        }
    };
    assert_eq!(
        ask(("ResultType", "Single")).await.code(),
        "Forbidden.AliyunVoDEncryption"
    );
    assert_eq!(ask(("ResultType", "Multiple")).await.status, 200);
    service.stop().await;
}
