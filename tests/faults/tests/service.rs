//! The groups `request`, `pop` and `vod`: a real service, asked by a real player through a proxy.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use kinora::{
    CacheConfig, CacheKey, Credential, Definition, Fault, LoadAmount, LoadEvent, LoaderOptions,
    MediaLoader, PlayOptions, Quality, Secret, Source, State, VidAuth, VidSts,
};
use kinora_errors::{Lang, ReportStyle};
use kinora_faults::proxy::Act;
use kinora_faults::registry::expect;
use kinora_faults::stage::{Stage, by_auth, by_sts};
use kinora_faults::watch::{Outcome, Watch, brisk};
use kinora_service::{AccessKey, AccountState, Policy, VideoStatus};
use sqlx::Connection as _;

const PLAYS: [&str; 1] = ["vod:GetPlayInfo"];

fn player() -> Watch {
    Watch::new(|builder| builder.config(brisk()))
}

/// The failure of a source, by a player of its own.
fn fault_of(source: Source) -> Fault {
    let mut watch = player();
    watch.open(source);
    watch.fault()
}

/// It plays to its end.
fn plays(source: Source) {
    let mut watch = player();
    watch.open(source);
    watch.completes();
}

/// The service's answers are replaced by `act`: always, then only the first time.
fn answered(name: &str, act: &Act) {
    let stage = Stage::new();
    let always = act.clone();
    stage.proxy.script(move |_| always.clone());
    expect(name, &fault_of(by_auth(stage.auth())));
    assert_eq!(stage.proxy.seen().len(), 3, "the first try and two more");
    let once = act.clone();
    stage.proxy.script(move |exchange| match exchange.number {
        0 => once.clone(),
        _ => Act::Pass,
    });
    let mut watch = player();
    watch.open(by_auth(stage.auth()));
    watch.completes();
    expect(name, watch.recovered_from(name));
}

#[test]
fn an_answer_without_a_body_is_asked_for_again() {
    let empty = Act::Answer("200 OK", "Content-Type: application/json\r\n", Vec::new());
    answered("ERROR_SERVER_NO_RESPONSE", &empty);
}

#[test]
fn the_page_of_a_captive_portal_is_no_answer() {
    let page = b"<html><body>Welcome to the airport. Please sign in.</body></html>".to_vec();
    answered(
        "ERROR_SERVER_WRONG_JSON",
        &Act::Answer("200 OK", "Content-Type: text/html\r\n", page),
    );
    let xml = b"<GetPlayInfoResponse><RequestId>r</RequestId></GetPlayInfoResponse>".to_vec();
    let stage = Stage::new();
    stage
        .proxy
        .script(move |_| Act::Answer("200 OK", "Content-Type: text/xml\r\n", xml.clone()));
    expect("ERROR_SERVER_WRONG_JSON", &fault_of(by_auth(stage.auth())));
}

#[test]
fn a_quality_that_is_not_there_is_missed_only_when_nothing_else_will_do() {
    let stage = Stage::new();
    let quality = |forced| Quality {
        definition: Some(Definition::FourK),
        forced,
    };
    expect(
        "ERROR_NO_MATCH_QUALITY",
        &fault_of(by_auth(VidAuth {
            quality: quality(true),
            ..stage.auth()
        })),
    );
    plays(by_auth(VidAuth {
        quality: quality(false),
        ..stage.auth()
    }));
}

#[test]
fn a_damaged_credential_fails_before_any_request() {
    let stage = Stage::new();
    let good = stage.auth();
    let text = good.play_auth.expose();
    // No Base64 has one letter beyond a group of four.
    let half = &text[..text.len() / 8 * 4 + 1];
    let with = |text: &str| {
        by_auth(VidAuth {
            play_auth: Secret::new(text),
            ..good.clone()
        })
    };
    expect("ERROR_PLAYAUTH_WRONG", &fault_of(with(half)));
    // "not the JSON you wait for", in Base64
    assert_eq!(
        fault_of(with("bm90IHRoZSBKU09OIHlvdSB3YWl0IGZvcg=="))
            .code()
            .name(),
        "ERROR_PLAYAUTH_WRONG"
    );
    assert!(stage.proxy.seen().is_empty(), "nobody was asked");
    plays(by_auth(good));
}

#[test]
fn a_service_that_can_not_be_reached_is_asked_again_until_it_can() {
    let mut stage = Stage::new();
    for act in [Act::Reset, Act::Mute] {
        stage.proxy.script(move |_| act.clone());
        assert_eq!(
            fault_of(by_auth(stage.auth())).code().name(),
            "ERROR_REQUEST_FAIL"
        );
    }
    stage.proxy.close();
    let auth = stage.auth();
    expect("ERROR_REQUEST_FAIL", &fault_of(by_auth(auth.clone())));
    stage.proxy.open();
    stage.proxy.script(|exchange| match exchange.number {
        0 => Act::Reset,
        _ => Act::Pass,
    });
    let mut watch = player();
    watch.open(by_auth(auth));
    watch.completes();
    assert!(!watch.recovered.is_empty());
}

#[test]
fn a_clock_that_is_an_hour_off_is_refused_until_it_is_set() {
    let stage = Stage::new();
    stage.clock.advance_ms(3_600_000);
    expect(
        "ERROR_SERVER_POP_UNKNOWN",
        &fault_of(by_sts(stage.by_key(&stage.key))),
    );
    stage.clock.advance_ms(-3_600_000);
    plays(by_sts(stage.by_key(&stage.key)));
    let throttled = br#"{"RequestId":"R-1","Code":"Throttling.User","Message":"Request was denied due to user flow control."}"#;
    let act = Act::Answer(
        "403 Forbidden",
        "Content-Type: application/json\r\n",
        throttled.to_vec(),
    );
    stage.proxy.script(move |exchange| {
        if exchange.number == 0 {
            act.clone()
        } else {
            Act::Pass
        }
    });
    let mut watch = player();
    watch.open(by_auth(stage.auth()));
    watch.completes();
    assert_eq!(
        watch.recovered_from("ERROR_SERVER_POP_UNKNOWN").reason(),
        "pop.throttling"
    );
}

#[test]
fn a_call_without_a_video_id_misses_its_parameter() {
    let stage = Stage::new();
    expect(
        "ERROR_SERVER_POP_MISSING_PARAMETER",
        &fault_of(by_sts(VidSts {
            vid: String::new(),
            ..stage.by_key(&stage.key)
        })),
    );
    plays(by_sts(stage.by_key(&stage.key)));
}

#[test]
fn a_format_that_nobody_knows_is_an_invalid_parameter() {
    let stage = Stage::new();
    let mut source = stage.by_key(&stage.key);
    source.options.formats = "avi".into();
    expect(
        "ERROR_SERVER_POP_INVALID_PARAMETER",
        &fault_of(by_sts(source)),
    );
}

fn refused_by_account(name: &str, state: AccountState) {
    let stage = Stage::new();
    stage.run(stage.library.set_account_state(state)).unwrap();
    expect(name, &fault_of(by_auth(stage.auth())));
    stage
        .run(stage.library.set_account_state(AccountState::Active))
        .unwrap();
    plays(by_auth(stage.auth()));
}

#[test]
fn an_account_without_the_service_is_denied_until_it_is_opened() {
    refused_by_account("ERROR_SERVER_POP_OPERATION_DENIED", AccountState::NotOpened);
}

#[test]
fn a_suspended_account_is_refused_until_it_is_served_again() {
    refused_by_account(
        "ERROR_SERVER_POP_OPERATION_SUSPENED",
        AccountState::Suspended,
    );
}

#[test]
fn a_role_without_the_right_is_forbidden_until_it_is_granted() {
    let stage = Stage::new();
    expect(
        "ERROR_SERVER_POP_FORBIDDEN",
        &fault_of(by_sts(
            stage.sts(&["vod:GetVideoInfo", "vod:GetVideoPlayAuth"], 900),
        )),
    );
    plays(by_sts(stage.sts(&PLAYS, 900)));
}

/// Runs a statement on the service's database, beside the service.
fn sql(stage: &Stage, statement: &'static str) {
    stage.run(async {
        let url = format!("sqlite://{}", stage.database().display());
        let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::query(statement).execute(&mut database).await.unwrap();
        database.close().await.unwrap();
    });
}

#[test]
fn a_service_whose_database_fails_is_asked_again_until_it_works() {
    let stage = Stage::new();
    let auth = stage.auth();
    sql(&stage, "ALTER TABLE rendition RENAME TO rendition_away");
    expect(
        "ERROR_SERVER_POP_INTERNAL_ERROR",
        &fault_of(by_auth(auth.clone())),
    );
    assert_eq!(stage.proxy.seen().len(), 3);
    let database = format!("sqlite://{}", stage.database().display());
    // Mended between the first try and the second.
    stage.proxy.script(move |exchange| {
        if exchange.number == 1 {
            let database = database.clone();
            tokio::runtime::Runtime::new()
                .unwrap()
                .block_on(async move {
                    let mut database = sqlx::SqliteConnection::connect(&database).await.unwrap();
                    sqlx::query("ALTER TABLE rendition_away RENAME TO rendition")
                        .execute(&mut database)
                        .await
                        .unwrap();
                    database.close().await.unwrap();
                });
        }
        Act::Pass
    });
    let mut watch = player();
    watch.open(by_auth(auth));
    watch.completes();
    expect(
        "ERROR_SERVER_POP_INTERNAL_ERROR",
        watch.recovered_from("ERROR_SERVER_POP_INTERNAL_ERROR"),
    );
}

#[test]
fn an_overloaded_service_is_asked_again_until_it_answers() {
    let body = br#"{"RequestId":"R-2","Code":"ServiceUnavailable","Message":"The request has failed due to a temporary failure of the server."}"#;
    answered(
        "ERROR_SERVER_POP_SERVICE_UNAVALIABLE",
        &Act::Answer(
            "503 Service Unavailable",
            "Content-Type: application/json\r\n",
            body.to_vec(),
        ),
    );
}

#[test]
fn a_call_that_was_seen_before_is_signed_anew() {
    answered("ERROR_SERVER_POP_SIGNATUREANONCE_USED", &Act::Replay);
}

#[test]
fn a_token_that_lost_bytes_is_malformed() {
    let stage = Stage::new();
    let good = stage.sts(&PLAYS, 900);
    let token = good.security_token.expose();
    let cut = Secret::new(&token[..token.len() - 9]);
    expect(
        "ERROR_SERVER_POP_SECURITYTOKEN_MAILFORMED",
        &fault_of(by_sts(VidSts {
            security_token: cut,
            ..good.clone()
        })),
    );
    plays(by_sts(good));
}

#[test]
fn a_token_of_one_session_does_not_go_with_the_key_of_another() {
    let stage = Stage::new();
    let (a, b) = (stage.sts(&PLAYS, 900), stage.sts(&PLAYS, 901));
    let mixed = VidSts {
        security_token: a.security_token.clone(),
        ..b
    };
    expect(
        "ERROR_SERVER_POP_SECURITYTOKEN_MISMATCH_ACCESSKEY",
        &fault_of(by_sts(mixed)),
    );
    plays(by_sts(a));
}

#[test]
fn a_wrong_secret_does_not_sign() {
    let stage = Stage::new();
    let wrong = AccessKey {
        secret: Secret::new("not-the-secret"),
        ..stage.key.clone()
    };
    expect(
        "ERROR_SERVER_POP_SIGNATURE_NOT_MATCH",
        &fault_of(by_sts(stage.by_key(&wrong))),
    );
    plays(by_sts(stage.by_key(&stage.key)));
}

#[test]
fn a_deleted_key_is_not_found() {
    let stage = Stage::new();
    let other = stage
        .run(stage.library.new_access_key(Policy::all()))
        .unwrap();
    plays(by_sts(stage.by_key(&other)));
    assert!(
        stage
            .run(stage.library.delete_access_key(&other.id))
            .unwrap()
    );
    expect(
        "ERROR_SERVER_POP_ACCESSKEYID_NOT_FOUND",
        &fault_of(by_sts(stage.by_key(&other))),
    );
    plays(by_sts(stage.by_key(&stage.key)));
}

/// The session asks for a credential, gets one, and goes on.
fn goes_on_with(mut watch: Watch, name: &str, credential: Credential) {
    match watch.outcome() {
        Outcome::Expired(fault) => expect(name, &fault),
        reported => panic!("{reported:?}"),
    }
    assert_ne!(watch.player.state(), State::Error);
    watch.player.refresh(credential);
    watch.completes();
    expect(name, watch.recovered_from(name));
}

#[test]
fn a_token_that_expired_is_replaced_and_the_same_session_goes_on() {
    // So that its clock may pass the token's end and yet agree with the player's.
    let stage = Stage::at(Duration::from_secs(600));
    let old = stage.sts(&PLAYS, 900);
    stage.clock.advance_ms(901_000);
    let fresh = stage.sts(&PLAYS, 3_600);
    let mut watch = player();
    watch.open(by_sts(old));
    let credential = Credential::Sts {
        access_key_id: fresh.access_key_id,
        access_key_secret: fresh.access_key_secret,
        security_token: fresh.security_token,
    };
    goes_on_with(watch, "ERROR_SERVER_POP_TOKEN_EXPIRED", credential);
}

#[test]
fn a_refusal_that_is_not_in_the_table_is_reported_with_its_words() {
    let stage = Stage::new();
    let body = br#"{"RequestId":"R-3","Code":"InvalidVideo.Quarantined","Message":"The video is in quarantine."}"#;
    stage.proxy.script(|_| {
        Act::Answer(
            "403 Forbidden",
            "Content-Type: application/json\r\n",
            body.to_vec(),
        )
    });
    let fault = fault_of(by_auth(stage.auth()));
    expect("ERROR_SERVER_VOD_UNKNOWN", &fault);
    let reported = fault.report(Lang::En, ReportStyle::Plain);
    assert!(
        reported.contains("InvalidVideo.Quarantined") && reported.contains("R-3"),
        "{reported}"
    );
    stage.proxy.mend();
    plays(by_auth(stage.auth()));
}

#[test]
fn a_blocked_video_is_not_played_until_it_is_released() {
    let stage = Stage::new();
    stage
        .run(stage.library.set_status(&stage.video, VideoStatus::Blocked))
        .unwrap();
    expect(
        "ERROR_SERVER_VOD_FORBIDDEN_ILLEGALSTATUS",
        &fault_of(by_auth(stage.auth())),
    );
    stage
        .run(stage.library.set_status(&stage.video, VideoStatus::Normal))
        .unwrap();
    plays(by_auth(stage.auth()));
}

#[test]
fn an_id_that_nobody_has_is_not_found() {
    let stage = Stage::new();
    let vid = "5aed81b74ba84920be578cdfe004af4b".to_owned();
    expect(
        "ERROR_SERVER_VOD_INVALIDVIDEO_NOTFOUND",
        &fault_of(by_sts(VidSts {
            vid,
            ..stage.by_key(&stage.key)
        })),
    );
}

#[test]
fn a_video_without_the_wanted_format_has_no_stream() {
    let stage = Stage::new();
    let mut source = stage.by_key(&stage.key);
    source.options.formats = "mp3".into();
    expect(
        "ERROR_SERVER_VOD_INVALIDVIDEO_NOSTREAM",
        &fault_of(by_sts(source)),
    );
    plays(by_sts(stage.by_key(&stage.key)));
}

#[test]
fn renditions_under_the_vendors_own_encryption_are_not_given_to_any_player() {
    let stage = Stage::new();
    sql(
        &stage,
        "UPDATE rendition SET encryption = 'AliyunVoDEncryption'",
    );
    let mut source = stage.by_key(&stage.key);
    source.options.result_type = "Single".into();
    expect(
        "ERROR_SERVER_VOD_FORBIDDEN_ALIYUNVODENCRYPTION",
        &fault_of(by_sts(source)),
    );
    sql(&stage, "UPDATE rendition SET encryption = 'Unencrypted'");
    plays(by_sts(stage.by_key(&stage.key)));
}

#[test]
fn a_credential_opens_its_own_video_only() {
    let stage = Stage::new();
    let vid = "5aed81b74ba84920be578cdfe004af4b".to_owned();
    expect(
        "ERROR_SERVER_VOD_INVALIDAUTH_MEDIAID",
        &fault_of(by_auth(VidAuth {
            vid,
            ..stage.auth()
        })),
    );
    plays(by_auth(stage.auth()));
}

#[test]
fn a_credential_that_expired_is_replaced_and_the_same_session_goes_on() {
    let stage = Stage::at(Duration::from_secs(200));
    let old = stage
        .run(stage.library.play_auth(&stage.video, 100))
        .unwrap();
    let mut watch = player();
    watch.open(by_auth(VidAuth {
        play_auth: old,
        ..stage.auth()
    }));
    stage.clock.advance_ms(200_000);
    let fresh = stage.auth().play_auth;
    goes_on_with(
        watch,
        "ERROR_SERVER_VOD_INVALIDAUTHINFO_EXPIRETIME",
        Credential::PlayAuth(fresh),
    );
}

#[test]
fn what_is_no_service_at_all_is_outside_the_map() {
    let stage = Stage::new();
    stage
        .proxy
        .script(|_| Act::Answer("302 Found", "Location: /sign-in\r\n", Vec::new()));
    expect("ERROR_UNKNOWN_ERROR", &fault_of(by_auth(stage.auth())));
    stage.proxy.mend();
    plays(by_auth(stage.auth()));
}

#[test]
fn an_address_that_was_signed_for_a_while_is_refused_after_it() {
    let stage = Stage::new();
    let url = stage.media_url();
    stage.clock.advance_ms(3_601_000);
    let mut watch = Watch::of(url.expose());
    let fault = match watch.outcome() {
        Outcome::Expired(fault) | Outcome::Error(fault) => *fault,
        reported => panic!("{reported:?}"),
    };
    assert_eq!(fault.code(), kinora::codes::ERROR_NETWORK_HTTP_403);
    expect("ERROR_NETWORK_HTTP_403", &fault);
    // A key that was signed in time opens it again.
    stage.clock.advance_ms(-3_601_000);
    let mut watch = Watch::of(url.expose());
    watch.completes();
}

/// What a video id leads to is loaded ahead; a player finds it there, whatever the new address is signed with.
#[test]
fn a_video_that_was_loaded_ahead_by_its_id_plays_without_its_file_being_asked_for() {
    let (stage, dir) = (Stage::new(), tempfile::tempdir().unwrap());
    let cache = CacheConfig {
        key: CacheKey::IgnoreQuery(vec!["auth_key".into()]),
        ..CacheConfig::at(dir.path())
    };
    let loader = MediaLoader::new(&cache, LoaderOptions::default()).unwrap();
    let of_files = || {
        let seen = stage.proxy.seen();
        seen.iter()
            .filter(|it| !it.target().starts_with("/?"))
            .count()
    };
    let options = PlayOptions {
        formats: "mp4".into(),
        ..PlayOptions::default()
    };
    let by_auth = by_auth(VidAuth {
        options: options.clone(),
        ..stage.auth()
    });
    let by_sts = by_sts(VidSts {
        options,
        ..stage.by_key(&stage.key)
    });
    for source in [by_auth.clone(), by_sts] {
        loader.load(source.clone(), LoadAmount::Bytes(u64::MAX));
        match loader.next_event(kinora_faults::PATIENCE).unwrap() {
            LoadEvent::Completed { bytes, .. } => assert!(bytes > 10_000, "{bytes}"),
            other => panic!("{other:?}"),
        }
        let asked = of_files();
        assert!(asked > 0);
        let mut watch = Watch::new(|builder| builder.config(brisk()).cache(cache.clone()));
        watch.open(source);
        watch.completes();
        assert_eq!(of_files(), asked, "all of it was there");
        assert!(watch.player.local_cache_loaded() > 10_000);
    }
    // One that the service refuses fails with its number, and is no failure of the others.
    stage
        .run(stage.library.set_status(&stage.video, VideoStatus::Blocked))
        .unwrap();
    loader.load(by_auth, LoadAmount::Bytes(1));
    match loader.next_event(kinora_faults::PATIENCE).unwrap() {
        LoadEvent::Failed { fault, .. } => {
            assert_eq!(
                fault.code().name(),
                "ERROR_SERVER_VOD_FORBIDDEN_ILLEGALSTATUS"
            );
        }
        other => panic!("{other:?}"),
    }
}
