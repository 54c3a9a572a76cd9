//! Rights that are given on: nothing goes beyond what it comes from, in rights, time and revocation.

use super::*;
use crate::{Policy, RamRole, TrustPolicy};

pub(super) async fn begin() -> (tempfile::TempDir, Running, Triple) {
    Running::alone(ManualClock::at_ms(1_700_000_000_000)).await
}

pub(super) fn session(reply: &Reply) -> Triple {
    assert_eq!(reply.status, 200, "{}", reply.text());
    Triple::of(&reply.json()["Credentials"])
}

pub(super) async fn may(service: &Running, key: &Triple, action: &str, id: &VideoId) -> bool {
    let call = [("Action", action), ("VideoId", id.as_str())];
    let reply = service.call(key, &call).await;
    match reply.status {
        200 => true,
        _ => {
            assert_eq!(reply.code(), "Forbidden.RAM", "{}", reply.text());
            false
        }
    }
}

/// One statement that allows everything.
pub(super) const ALL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;

/// An access key that may do what a policy document says.
pub(super) async fn key_with(service: &Running, statements: &str) -> Triple {
    let document = format!(r#"{{"Version":"1","Statement":[{statements}]}}"#);
    let policy = Policy::parse(&document).unwrap();
    Triple::permanent(&service.library.new_access_key(policy).await.unwrap())
}

async fn put_role(service: &Running, name: &str, actions: &[&str], trust: &[&str]) {
    let role = RamRole {
        name: name.to_owned(),
        policy: Policy::allowing(actions).unwrap(),
        trust: trust.iter().map(|who| who.parse().unwrap()).collect(),
    };
    service.library.put_role(&role).await.unwrap();
}

fn to_role(name: &str) -> (&'static str, String) {
    ("RoleArn", format!("acs:ram::1:role/{name}"))
}

async fn assume_as(service: &Running, key: &Triple, role: &str, more: &[(&str, &str)]) -> Reply {
    let (name, arn) = to_role(role);
    assume(service, key, &[&[(name, arn.as_str())], more].concat()).await
}

#[tokio::test]
async fn a_role_gives_no_right_that_who_assumes_it_has_not() {
    let (_dir, service, _) = begin().await;
    let id = service.publish().await;
    put_role(&service, "admin", &["*"], &["*"]).await;
    let all = ["GetPlayInfo", "GetVideoInfo", "GetVideoPlayAuth"];

    let poor = key_with(
        &service,
        r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}"#,
    )
    .await;
    let become_admin = session(&assume_as(&service, &poor, "admin", &[]).await);
    let again = session(&assume_as(&service, &become_admin, "admin", &[]).await);
    for action in all {
        assert!(!may(&service, &poor, action, &id).await, "{action}");
        assert!(!may(&service, &become_admin, action, &id).await, "{action}");
        assert!(!may(&service, &again, action, &id).await, "{action}");
    }

    let reader = key_with(
        &service,
        r#"{"Effect":"Allow","Action":["sts:AssumeRole","vod:GetVideoInfo"],"Resource":"*"}"#,
    )
    .await;
    let reading = session(&assume_as(&service, &reader, "admin", &[]).await);
    assert!(may(&service, &reading, "GetVideoInfo", &id).await);
    assert!(!may(&service, &reading, "GetPlayInfo", &id).await);

    // The right to assume one role is not that to assume another.
    let one = key_with(
        &service,
        r#"{"Effect":"Allow","Action":"*","Resource":["acs:ram::1:role/player","acs:vod:*:*:*"]}"#,
    )
    .await;
    assert_eq!(assume_as(&service, &one, "player", &[]).await.status, 200);
    assert_eq!(
        assume_as(&service, &one, "admin", &[]).await.code(),
        "Forbidden.RAM"
    );
    service.stop().await;
}

#[tokio::test]
async fn a_session_that_assumes_a_role_stays_within_its_own_rights_and_time() {
    let (_dir, service, key) = begin().await;
    let (a, b) = (service.publish().await, service.publish().await);
    put_role(&service, "admin", &["*"], &["*"]).await;
    let narrow = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}},{{"Effect":"Allow","Action":"vod:GetVideoInfo","Resource":"acs:vod:*:*:video/{a}"}}]}}"#
    );
    let first = [("Policy", narrow.as_str()), ("DurationSeconds", "900")];
    let reply = assume_as(&service, &key, "admin", &first).await;
    let (narrowed, ends) = (
        session(&reply),
        reply.json()["Credentials"]["Expiration"].clone(),
    );
    service.clock.advance_ms(600_000);
    let wide = format!(r#"{{"Version":"1","Statement":[{ALL}]}}"#);
    let mut last = narrowed.clone();
    for depth in 2..=4 {
        let more = [("Policy", wide.as_str()), ("DurationSeconds", "3600")];
        let reply = assume_as(&service, &last, "admin", &more).await;
        last = session(&reply);
        assert_eq!(reply.json()["Credentials"]["Expiration"], ends, "{depth}");
        assert!(may(&service, &last, "GetVideoInfo", &a).await);
        assert!(!may(&service, &last, "GetVideoInfo", &b).await);
        assert!(!may(&service, &last, "GetPlayInfo", &a).await);
    }
    let reply = assume_as(&service, &last, "admin", &[]).await;
    assert_eq!(reply.code(), "Forbidden.RAM", "a fifth role in a row");
    service.clock.advance_ms(300_000);
    let info = [("Action", "GetVideoInfo"), ("VideoId", a.as_str())];
    for over in [&narrowed, &last] {
        assert_eq!(
            service.call(over, &info).await.code(),
            "InvalidSecurityToken.Expired"
        );
    }
    service.stop().await;
}

#[tokio::test]
async fn a_role_is_assumed_by_those_that_it_trusts_under_its_own_name() {
    let (_dir, service, key) = begin().await;
    let friend = key_with(&service, ALL).await;
    put_role(&service, "open", &["*"], &["*"]).await;
    put_role(&service, "of-friend", &["*"], &[&friend.id]).await;
    put_role(&service, "of-role", &["*"], &["role/of-friend"]).await;
    put_role(&service, "of-nobody", &["*"], &[]).await;
    let refused = |reply: Reply| assert_eq!(reply.code(), "Forbidden.RAM", "{}", reply.text());
    refused(assume_as(&service, &key, "of-friend", &[]).await);
    refused(assume_as(&service, &key, "of-role", &[]).await);
    refused(assume_as(&service, &key, "of-nobody", &[]).await);
    refused(assume_as(&service, &friend, "of-nobody", &[]).await);
    refused(assume_as(&service, &friend, "of-role", &[]).await);
    // Through another role a friend is a friend no more.
    let opened = session(&assume_as(&service, &friend, "open", &[]).await);
    refused(assume_as(&service, &opened, "of-friend", &[]).await);
    let befriended = session(&assume_as(&service, &friend, "of-friend", &[]).await);
    assert_eq!(
        assume_as(&service, &befriended, "of-role", &[])
            .await
            .status,
        200
    );

    for (arn, code) in [
        ("acs:ram::2:role/open", "EntityNotExist.Role"),
        ("acs:ram::11:role/open", "EntityNotExist.Role"),
        ("acs:ram::*:role/open", "EntityNotExist.Role"),
        ("acs:ram::1234567890123456:role/open", "EntityNotExist.Role"),
        ("acs:ram::1:role/Open", "EntityNotExist.Role"),
        ("acs:ram::1:role/open/x", "EntityNotExist.Role"),
        ("acs:ram::1:role/open:role/open", "EntityNotExist.Role"),
        ("acs:ram::1:role/op*", "EntityNotExist.Role"),
        ("acs:ram:::role/open", "InvalidParameter.RoleArn"),
        ("acs:ram::1:role/", "InvalidParameter.RoleArn"),
        ("acs:ram::1:user/open", "InvalidParameter.RoleArn"),
        (
            "acs:ram:cn-shanghai:1:role/open",
            "InvalidParameter.RoleArn",
        ),
        (" acs:ram::1:role/open", "InvalidParameter.RoleArn"),
    ] {
        let reply = assume(&service, &key, &[("RoleArn", arn)]).await;
        assert_eq!(reply.code(), code, "{arn}");
    }
    service.stop().await;
}

/// A credential of each kind that comes from a key, each by the role `chain` too.
struct Derived {
    session: Triple,
    chained: Triple,
    play: (Triple, String),
    chained_play: (Triple, String),
}

impl Derived {
    async fn of(service: &Running, key: &Triple, id: &VideoId) -> Self {
        let session = session(&assume_as(service, key, "first", &[]).await);
        let chained = self::session(&assume_as(service, &session, "second", &[]).await);
        Self {
            play: service.play_auth(key, id).await,
            chained_play: service.play_auth(&chained, id).await,
            session,
            chained,
        }
    }
    /// What GetPlayInfo says to each: nothing, or the code of a refusal.
    async fn reported(&self, service: &Running, id: &VideoId) -> [String; 4] {
        let ask = async |key: &Triple, info: &str| {
            let call = [
                ("Action", "GetPlayInfo"),
                ("VideoId", id.as_str()),
                ("AuthInfo", info),
            ];
            service.call(key, &call).await.code()
        };
        [
            ask(&self.session, "").await,
            ask(&self.chained, "").await,
            ask(&self.play.0, &self.play.1).await,
            ask(&self.chained_play.0, &self.chained_play.1).await,
        ]
    }
}

/// A key, what came of it, and the roles on the way.
struct Family {
    _dir: tempfile::TempDir,
    service: Running,
    id: VideoId,
    key: Triple,
    derived: Derived,
}

impl Family {
    async fn new() -> Self {
        let (dir, service, _) = begin().await;
        let id = service.publish().await;
        put_role(&service, "first", &["*"], &["*"]).await;
        put_role(&service, "second", &["*"], &["role/first"]).await;
        let key = key_with(&service, ALL).await;
        let derived = Derived::of(&service, &key, &id).await;
        Self {
            _dir: dir,
            service,
            id,
            key,
            derived,
        }
    }
    async fn change_key(&self, policy: Option<Policy>, active: Option<bool>) {
        let library = &self.service.library;
        let changed = library.update_access_key(&self.key.id, policy.as_ref(), active);
        changed.await.unwrap();
    }
    async fn update_role(&self, name: &str, policy: Option<Policy>, trust: Option<TrustPolicy>) {
        let library = &self.service.library;
        let changed = library.update_role(name, policy.as_ref(), trust.as_ref());
        changed.await.unwrap();
    }
    async fn check(&self, expected: [&str; 4], what: &str) {
        let reported = self.derived.reported(&self.service, &self.id).await;
        assert_eq!(reported, expected, "{what}");
    }
}

const WORKS: [&str; 4] = [""; 4];
const FORBIDDEN: [&str; 4] = ["Forbidden.RAM"; 4];

#[tokio::test]
async fn what_a_key_loses_is_lost_at_once_by_all_that_came_of_it() {
    let family = Family::new().await;
    let id = &family.id;
    family.check(WORKS, "nothing withdrawn").await;
    family.change_key(None, Some(false)).await;
    family
        .check(["InvalidAccessKeyId.Inactive"; 4], "off")
        .await;
    family.change_key(None, Some(true)).await;
    family.check(WORKS, "on").await;

    let little = Policy::allowing(&["vod:GetVideoInfo"]).unwrap();
    family.change_key(Some(little), None).await;
    family.check(FORBIDDEN, "another policy").await;
    // Who may let play only, lets play, and may not play.
    let lets = Policy::allowing(&["vod:GetVideoPlayAuth"]).unwrap();
    family.change_key(Some(lets), None).await;
    let plays = ["Forbidden.RAM", "Forbidden.RAM", "", ""];
    family.check(plays, "the right to let play").await;
    let denied = format!(
        r#"{{"Version":"1","Statement":[{ALL},{{"Effect":"Deny","Action":"vod:GetPlayInfo","Resource":"acs:vod:*:*:video/{id}"}}]}}"#
    );
    family
        .change_key(Some(Policy::parse(&denied).unwrap()), None)
        .await;
    family.check(FORBIDDEN, "playing denied").await;
    family.change_key(Some(Policy::all()), None).await;
    family.check(WORKS, "the policy restored").await;

    let service = &family.service;
    let target = service.play_url(&family.derived.session, id, "mp4").await;
    assert!(
        service
            .library
            .delete_access_key(&family.key.id)
            .await
            .unwrap()
    );
    family
        .check(["InvalidAccessKeyId.NotFound"; 4], "deleted")
        .await;
    // A media URL is no credential any more: it lives for its time, which is bounded.
    assert_eq!(service.get(&target, &[]).await.body, MP4);
    service.clock.advance_ms(3_601_000);
    assert_eq!(service.get(&target, &[]).await.status, 403);
    family.service.stop().await;
}

#[tokio::test]
async fn what_a_role_loses_is_lost_at_once_by_its_sessions_and_by_theirs() {
    let family = Family::new().await;
    let behind_second = ["", "Forbidden.RAM", "", "Forbidden.RAM"];
    let behind_first = ["Forbidden.RAM", "Forbidden.RAM", "", "Forbidden.RAM"];
    let little = Policy::allowing(&["vod:GetVideoInfo"]).unwrap();
    family.update_role("second", Some(little), None).await;
    family.check(behind_second, "the second's policy").await;
    family
        .update_role("second", Some(Policy::all()), None)
        .await;
    family.check(WORKS, "the second's policy restored").await;
    let nobody: TrustPolicy = [].into_iter().collect();
    family.update_role("first", None, Some(nobody)).await;
    family.check(behind_first, "the first's trust").await;
    family
        .update_role("first", None, Some(TrustPolicy::account()))
        .await;
    family.check(WORKS, "the first's trust restored").await;
    family.service.library.delete_role("second").await.unwrap();
    family.check(behind_second, "the second deleted").await;
    family.service.stop().await;
}

/// When the first media URL of a reply dies, seconds from now.
fn url_life_s(service: &Running, reply: &Reply) -> i64 {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let json = reply.json();
    let url = json["PlayInfoList"]["PlayInfo"][0]["PlayURL"]
        .as_str()
        .unwrap();
    let (_, key) = url.split_once("auth_key=").unwrap();
    let end_s: i64 = key.split('-').next().unwrap().parse().unwrap();
    end_s - service.clock.unix_ms().div_euclid(1000)
}

#[tokio::test]
async fn a_media_url_lives_no_longer_than_its_credential_or_the_film() {
    let (_dir, service, key) = begin().await;
    let id = service.publish().await;
    let (play, info) = service.play_auth(&key, &id).await;
    let session = session(&assume(&service, &key, &[("DurationSeconds", "900")]).await);
    let life = async |key: &Triple, info: &str, timeout_s: &str| {
        let call = [
            ("Action", "GetPlayInfo"),
            ("VideoId", id.as_str()),
            ("AuthInfo", info),
            ("AuthTimeout", timeout_s),
        ];
        url_life_s(&service, &service.call(key, &call).await)
    };
    // The film lasts four seconds; an hour is added.
    for (asked, by_key, by_others) in [
        ("60", 60, 60),
        ("", 3600, 3600),
        ("2592000", 2_592_000, 3604),
    ] {
        assert_eq!(life(&key, "", asked).await, by_key);
        assert_eq!(life(&session, "", asked).await, by_others);
        assert_eq!(life(&play, &info, asked).await, by_others);
    }
    // A credential that the operator made for a day opens for that day.
    let day = service.library.play_auth(&id, 86_400).await.unwrap();
    let day = PlayAuth::decode(day.expose()).unwrap();
    let triple = Triple {
        id: day.access_key_id,
        secret: day.access_key_secret.expose().to_owned(),
        token: Some(day.security_token.expose().to_owned()),
    };
    assert_eq!(
        life(&triple, day.auth_info.expose(), "2592000").await,
        86_400
    );
    service.stop().await;
}

#[tokio::test]
async fn a_play_credential_ends_with_the_session_that_asked_for_it() {
    let (_dir, service, key) = begin().await;
    let id = service.publish().await;
    let session = session(&assume(&service, &key, &[("DurationSeconds", "900")]).await);
    let call = [
        ("Action", "GetVideoPlayAuth"),
        ("VideoId", id.as_str()),
        ("AuthInfoTimeout", "3000"),
    ];
    let of = async |key: &Triple| {
        let reply = service.call(key, &call).await;
        Triple::of_play_auth(&reply)
    };
    let (short, short_info) = of(&session).await;
    let (_, long_info) = of(&key).await;
    let ask = async |info: &str| {
        let play = [
            ("Action", "GetPlayInfo"),
            ("VideoId", id.as_str()),
            ("AuthInfo", info),
        ];
        service.call(&short, &play).await.code()
    };
    service.clock.advance_ms(899_000);
    assert_eq!(ask(&short_info).await, "");
    service.clock.advance_ms(1_000);
    assert_eq!(ask(&short_info).await, "InvalidAuthInfo.ExpireTime");
    // Another credential's AuthInfo for the same video lends it no time.
    assert_eq!(ask(&long_info).await, "InvalidAuthInfo.ExpireTime");
    service.stop().await;
}

#[tokio::test]
async fn who_is_denied_playing_may_not_let_play() {
    let (_dir, service, _) = begin().await;
    let (a, b) = (service.publish().await, service.publish().await);
    let denied = format!(
        r#"{ALL},{{"Effect":"Deny","Action":"vod:GetPlayInfo","Resource":"acs:vod:*:*:video/{a}"}}"#
    );
    let key = key_with(&service, &denied).await;
    assert!(!may(&service, &key, "GetVideoPlayAuth", &a).await);
    assert!(may(&service, &key, "GetVideoPlayAuth", &b).await);
    service.stop().await;
}

#[tokio::test]
async fn a_token_that_was_changed_anywhere_opens_nothing() {
    let (_dir, service, key) = begin().await;
    let id = service.publish().await;
    let good = session(&assume(&service, &key, &[]).await);
    let token = good.token.clone().unwrap();
    let elsewhere = begin().await;
    let foreign = session(&assume(&elsewhere.1, &elsewhere.2, &[]).await);
    let mut changed: Vec<String> = vec![foreign.token.clone().unwrap(), String::from("x")];
    let letters = b"AZaz09-_+/=. %\0";
    let mut seed = 11_u32;
    while changed.len() < 600 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut bytes = token.clone().into_bytes();
        let at = seed as usize % bytes.len();
        let letter = letters[(seed >> 20) as usize % letters.len()];
        match (seed >> 28) % 4 {
            0 => bytes[at] = letter,
            1 => bytes.insert(at, letter),
            2 => drop(bytes.remove(at)),
            _ => bytes.truncate(at),
        }
        let text = String::from_utf8(bytes).unwrap();
        if text != token && !text.is_empty() {
            changed.push(text);
        }
    }
    let play = [("Action", "GetPlayInfo"), ("VideoId", id.as_str())];
    for token in changed {
        let forged = Triple {
            token: Some(token.clone()),
            ..good.clone()
        };
        let reply = service.call(&forged, &play).await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (400, "InvalidSecurityToken.Malformed"),
            "{token}"
        );
    }
    assert_eq!(service.call(&good, &play).await.status, 200);
    elsewhere.1.stop().await;
    service.stop().await;
}

#[tokio::test]
async fn the_longest_chain_still_fits_into_a_call() {
    let (_dir, service, key) = begin().await;
    let id = service.publish().await;
    put_role(&service, "admin", &["*"], &["*"]).await;
    let actions = [r#""*""#].repeat(490).join(",");
    let policy = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}]}}"#
    );
    assert!((2000..=2048).contains(&policy.len()), "{}", policy.len());
    let mut last = key;
    for _ in 0..4 {
        last = session(&assume_as(&service, &last, "admin", &[("Policy", &policy)]).await);
    }
    assert!(may(&service, &last, "GetPlayInfo", &id).await);
    let (play, info) = service.play_auth(&last, &id).await;
    let call = [
        ("Action", "GetPlayInfo"),
        ("VideoId", id.as_str()),
        ("AuthInfo", info.as_str()),
    ];
    assert_eq!(service.call(&play, &call).await.status, 200);
    service.stop().await;
}
