//! What a policy says is obeyed or refused, in every place that takes one.

use super::rights::{ALL, begin, key_with, may, session};
use super::*;
use crate::TrustPolicy;

/// What a session under a policy may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Found {
    /// The policy is not taken.
    Refused,
    /// GetPlayInfo of `A`, of `B`, GetVideoInfo of `A`.
    May(bool, bool, bool),
}

async fn under(service: &Running, key: &Triple, policy: &str, a: &VideoId, b: &VideoId) -> Found {
    let reply = assume(service, key, &[("Policy", policy)]).await;
    if reply.status == 400 {
        assert!(reply.code().starts_with("InvalidParameter.Policy"));
        return Found::Refused;
    }
    let session = session(&reply);
    Found::May(
        may(service, &session, "GetPlayInfo", a).await,
        may(service, &session, "GetPlayInfo", b).await,
        may(service, &session, "GetVideoInfo", a).await,
    )
}

/// A name, the statements of a session's policy, and what comes of it.
const TABLE: &[(&str, &str, Found)] = &[
    (
        "a resource denied",
        r#"ALL,{"Effect":"Deny","Action":"vod:GetPlayInfo","Resource":"acs:vod:*:*:video/{A}"}"#,
        Found::May(false, true, true),
    ),
    (
        "a resource allowed",
        r#"{"Effect":"Allow","Action":"vod:*","Resource":["acs:vod:cn-shanghai:1:video/{A}"]}"#,
        Found::May(true, false, true),
    ),
    (
        "a wildcard within",
        r#"ALL,{"Effect":"Deny","Action":"vod:Get*Info","Resource":"*"}"#,
        Found::May(false, false, false),
    ),
    (
        "capitals",
        r#"ALL,{"Effect":"Deny","Action":"VOD:GETPLAY*","Resource":"*"}"#,
        Found::May(false, false, true),
    ),
    (
        "all actions but one",
        r#"ALL,{"Effect":"Deny","NotAction":"vod:GetVideoInfo","Resource":"*"}"#,
        Found::May(false, false, true),
    ),
    (
        "all resources but one",
        r#"ALL,{"Effect":"Deny","Action":"vod:GetPlayInfo","NotResource":"acs:vod:*:*:video/{A}"}"#,
        Found::May(true, false, true),
    ),
    (
        "another address",
        r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"acs:SourceIp":"10.0.0.0/8"}}}"#,
        Found::May(false, false, false),
    ),
    (
        "this address",
        r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"acs:SourceIp":["10.0.0.0/8","127.0.0.0/8"]}}}"#,
        Found::May(true, true, true),
    ),
    (
        "denied from elsewhere",
        r#"ALL,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"NotIpAddress":{"acs:SourceIp":"127.0.0.1"}}}"#,
        Found::May(true, true, true),
    ),
    (
        "until a time",
        r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateLessThan":{"acs:CurrentTime":"2023-01-01T00:00:00Z"}}}"#,
        Found::May(false, false, false),
    ),
    (
        "denied in the clear",
        r#"ALL,{"Effect":"Deny","Action":"vod:GetPlayInfo","Resource":"*","Condition":{"Bool":{"acs:SecureTransport":"false"}}}"#,
        Found::May(false, false, true),
    ),
    (
        "a question mark",
        r#"{"Effect":"Allow","Action":"vod:Get?layInfo","Resource":"*"}"#,
        Found::May(true, true, false),
    ),
    (
        "an unknown operator",
        r#"ALL,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Sometimes":{"acs:SourceIp":"127.0.0.1"}}}"#,
        Found::Refused,
    ),
    (
        "an unknown key",
        r#"ALL,{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"acs:MoonIsFull":"true"}}}"#,
        Found::Refused,
    ),
    (
        "a number among actions",
        r#"ALL,{"Effect":"Deny","Action":["vod:GetVideoInfo",7],"Resource":"*"}"#,
        Found::Refused,
    ),
    (
        "an element twice",
        r#"{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}"#,
        Found::Refused,
    ),
    (
        "a misspelt element",
        r#"{"Effect":"Allow","Action":"*","Resource":"*","Conditions":{"Bool":{"acs:SecureTransport":"true"}}}"#,
        Found::Refused,
    ),
    (
        "an action and its opposite",
        r#"{"Effect":"Allow","Action":"*","NotAction":"vod:GetPlayInfo","Resource":"*"}"#,
        Found::Refused,
    ),
    (
        "no resource",
        r#"{"Effect":"Allow","Action":"*"}"#,
        Found::Refused,
    ),
];

#[tokio::test]
async fn a_session_policy_is_obeyed_in_all_its_parts_or_refused() {
    let (_dir, service, key) = begin().await;
    let (a, b) = (service.publish().await, service.publish().await);
    let mut wrong = Vec::new();
    for (name, statements, expected) in TABLE {
        let statements = statements.replace("ALL", ALL).replace("{A}", a.as_str());
        let policy = format!(r#"{{"Version":"1","Statement":[{statements}]}}"#);
        let found = under(&service, &key, &policy, &a, &b).await;
        if found != *expected {
            wrong.push(format!("{name}: {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
    service.stop().await;
}

#[tokio::test]
async fn a_policy_that_is_too_long_or_not_understood_is_reported_by_its_path() {
    let (_dir, service, key) = begin().await;
    let long = format!(
        r#"{{"Version":"1","Statement":[{ALL}]}}{}"#,
        " ".repeat(2048)
    );
    let reply = assume(&service, &key, &[("Policy", &long)]).await;
    assert_eq!(reply.code(), "InvalidParameter.PolicySize");
    let odd =
        r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":["vod:*",{}],"Resource":"*"}]}"#;
    let reply = assume(&service, &key, &[("Policy", odd)]).await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (400, "InvalidParameter.PolicyGrammar")
    );
    assert!(
        reply.text().contains("Statement[0].Action[1]"),
        "{}",
        reply.text()
    );
    service.stop().await;
}

#[tokio::test]
async fn behind_a_proxy_an_address_is_not_known_and_never_counts_for_the_caller() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at_ms(1_700_000_000_000));
    let mut config = config(&dir.path().join("data"), &clock);
    config.public_url = Some("https://vod.example.com".parse().unwrap());
    let (service, _) = Running::start_as(config, clock).await;
    let id = service.publish().await;
    let under = async |condition: &str, effect: &str| {
        let key = key_with(
            &service,
            &format!(
                r#"{}{{"Effect":"{effect}","Action":"*","Resource":"*","Condition":{condition}}}"#,
                match effect {
                    "Deny" => format!("{ALL},"),
                    _ => String::new(),
                }
            ),
        )
        .await;
        may(&service, &key, "GetPlayInfo", &id).await
    };
    for operator in ["IpAddress", "NotIpAddress"] {
        for address in ["127.0.0.1", "203.0.113.1"] {
            let condition = format!(r#"{{"{operator}":{{"acs:SourceIp":"{address}"}}}}"#);
            assert!(!under(&condition, "Allow").await, "{condition}");
            assert!(!under(&condition, "Deny").await, "{condition}");
        }
    }
    assert!(under(r#"{"Bool":{"acs:SecureTransport":"true"}}"#, "Allow").await);
    assert!(under(r#"{"Bool":{"acs:SecureTransport":"false"}}"#, "Deny").await);
    service.stop().await;
}

#[tokio::test]
async fn a_trusted_proxy_names_the_address_that_is_judged() {
    const HERE: &str = "203.0.113.7";
    let policy = |effect: &str, operator: &str| {
        let all = if effect == "Deny" { ALL } else { "" };
        let comma = if all.is_empty() { "" } else { "," };
        let condition = format!(r#"{{"{operator}":{{"acs:SourceIp":"203.0.113.0/24"}}}}"#);
        format!(
            r#"{all}{comma}{{"Effect":"{effect}","Action":"*","Resource":"*","Condition":{condition}}}"#
        )
    };
    for public_url in [None, Some("https://vod.example.com")] {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at_ms(1_700_000_000_000));
        let mut config = config(&dir.path().join("data"), &clock);
        config.public_url = public_url.map(|url| url.parse().unwrap());
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap(), "10.0.0.1".parse().unwrap()];
        let (service, _) = Running::start_as(config, clock).await;
        let id = service.publish().await;
        for (effect, operator, when_inside) in [
            ("Allow", "IpAddress", true),
            ("Allow", "NotIpAddress", false),
            ("Deny", "IpAddress", false),
            ("Deny", "NotIpAddress", true),
        ] {
            let key = key_with(&service, &policy(effect, operator)).await;
            let query = [("Action", "GetPlayInfo"), ("VideoId", id.as_str())];
            let may = async |reported: &str| {
                let target = format!("/?{}", service.signed("GET", &key, &query));
                let reply = service.get(&target, &[("X-Forwarded-For", reported)]).await;
                assert!([200, 403].contains(&reply.status), "{}", reply.text());
                reply.status == 200
            };
            let place = format!("{effect} {operator} {public_url:?}");
            assert_eq!(may(HERE).await, when_inside, "{place}");
            assert_eq!(may("198.51.100.1").await, !when_inside, "{place}");
            // What the client itself wrote stands first, and counts for nothing.
            let forged = format!("{HERE}, 198.51.100.1, 10.0.0.1");
            assert_eq!(may(&forged).await, !when_inside, "{place}");
            // Of nobody a proxy says anything: that is no address of a client, and never counts for one.
            for nobody in [
                "",
                "unknown",
                "203.0.113.7, unknown",
                "127.0.0.1",
                "10.0.0.1",
            ] {
                assert!(!may(nobody).await, "{place} {nobody:?}");
            }
        }
        service.stop().await;
    }
}

#[tokio::test]
async fn keys_and_roles_of_an_earlier_version_keep_their_rights() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(data.join("kinora.db"))
        .create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    for statement in [
        include_str!("../store/schema_1.sql"),
        "CREATE TABLE schema_version (version BIGINT NOT NULL); INSERT INTO schema_version VALUES (1)",
        r#"INSERT INTO access_key VALUES ('KN1', 'one', '{"actions":["*"]}', 1), ('KN2', 'two', '{"actions":["vod:GetVideo*"]}', 1)"#,
        r#"INSERT INTO role VALUES ('player', '{"actions":["vod:GetVideoInfo"]}')"#,
    ] {
        sqlx::raw_sql(statement).execute(&pool).await.unwrap();
    }
    pool.close().await;
    let clock = Arc::new(ManualClock::now());
    let (service, first) = Running::start(&data, clock).await;
    assert!(first.is_none());
    let id = service.publish().await;
    let key = |id: &str, secret: &str| Triple {
        id: id.into(),
        secret: secret.into(),
        token: None,
    };
    let (one, two) = (key("KN1", "one"), key("KN2", "two"));
    assert!(may(&service, &one, "GetPlayInfo", &id).await);
    assert!(may(&service, &two, "GetVideoInfo", &id).await);
    assert!(!may(&service, &two, "GetPlayInfo", &id).await);
    let session = session(&assume(&service, &one, &[]).await);
    assert!(may(&service, &session, "GetVideoInfo", &id).await);
    assert!(!may(&service, &session, "GetPlayInfo", &id).await);
    let roles = service.library.roles().await.unwrap();
    assert_eq!((roles.len(), &roles[0].trust), (1, &TrustPolicy::account()));
    service.stop().await;
}
