use kinora_cloud::UnixTime;
use kinora_errors::Lang;

use super::*;

const A: &str = "5aed81b74ba84920be578cdfe004af4b";
const B: &str = "6aed81b74ba84920be578cdfe004af4b";

fn context(source_ip: Option<&str>) -> ConditionContext {
    ConditionContext {
        source_ip: source_ip.map(|address| address.parse().unwrap()),
        secure_transport: true,
        now: UnixTime(1_700_000_000),
        principal: "acs:ram::1:role/player".to_owned(),
    }
}

fn document(statements: &str) -> String {
    format!(r#"{{"Version":"1","Statement":[{statements}]}}"#)
}

#[test]
fn the_two_constants_are_what_their_documents_say() {
    assert_eq!(Policy::parse(ALL).unwrap(), Policy::all());
    assert_eq!(Policy::parse(NONE).unwrap(), Policy::none());
    assert_eq!(Policy::allowing(&[]).unwrap(), Policy::none());
    let video = Resource::video("cn-shanghai", A);
    let context = context(None);
    let ask = AccessRequest {
        action: "vod:GetPlayInfo",
        resource: &video,
        context: &context,
    };
    assert_eq!(Policy::all().decide(ask), Decision::Allow);
    assert_eq!(Policy::none().decide(ask), Decision::ExplicitDeny);
    let other = Policy::allowing(&["sts:*"]).unwrap();
    assert_eq!(other.decide(ask), Decision::ImplicitDeny);
}

/// Statements that are refused, and where.
const REFUSED: &[(&str, &str)] = &[
    ("7", "Statement[0]"),
    (r#"{}"#, "Statement[0]"),
    (r#"{"Effect":"Allow","Action":"*"}"#, "Statement[0]"),
    (r#"{"Effect":"Allow","Resource":"*"}"#, "Statement[0]"),
    (r#"{"Action":"*","Resource":"*"}"#, "Statement[0]"),
    (
        r#"{"Effect":"allow","Action":"*","Resource":"*"}"#,
        "Statement[0].Effect",
    ),
    (
        r#"{"Effect":["Deny"],"Action":"*","Resource":"*"}"#,
        "Statement[0].Effect",
    ),
    (
        r#"{"Effect":"Deny","Action":[],"Resource":"*"}"#,
        "Statement[0].Action",
    ),
    (
        r#"{"Effect":"Deny","Action":["*",null],"Resource":"*"}"#,
        "Statement[0].Action[1]",
    ),
    (
        r#"{"Effect":"Deny","Action":"vod","Resource":"*"}"#,
        "Statement[0].Action",
    ),
    (
        r#"{"Effect":"Deny","Action":"vod*","Resource":"*"}"#,
        "Statement[0].Action",
    ),
    (
        r#"{"Effect":"Deny","Action":"vod:","Resource":"*"}"#,
        "Statement[0].Action",
    ),
    (
        r#"{"Effect":"Deny","Action":"vod:Get Info","Resource":"*"}"#,
        "Statement[0].Action",
    ),
    (
        r#"{"Effect":"Deny","Action":"vod:Get:Info","Resource":"*"}"#,
        "Statement[0].Action",
    ),
    (
        r#"{"Effect":"Deny","Action":"","Resource":"*"}"#,
        "Statement[0].Action",
    ),
    (
        r#"{"Effect":"Deny","Action":"*","NotAction":"*","Resource":"*"}"#,
        "Statement[0]",
    ),
    (
        r#"{"Effect":"Deny","Action":"*","Resource":"*","NotResource":"*"}"#,
        "Statement[0]",
    ),
    (
        r#"{"Effect":"Deny","NotAction":{"a":1},"Resource":"*"}"#,
        "Statement[0].NotAction",
    ),
    (
        r#"{"Effect":"Deny","Action":"*","Resource":["*","acs:vod:*:9:*"]}"#,
        "Statement[0].Resource[1]",
    ),
    (
        r#"{"Effect":"Deny","Action":"*","NotResource":"video"}"#,
        "Statement[0].NotResource",
    ),
    (
        r#"{"Effect":"Deny","Action":"*","Resource":"*","Sid":"x"}"#,
        "Statement[0]",
    ),
    (
        r#"{"Effect":"Deny","Action":"*","Resource":"*","Principal":"*"}"#,
        "Statement[0]",
    ),
    (
        r#"{"Effect":"Deny","Action":"*","Resource":"*","effect":"Allow"}"#,
        "Statement[0]",
    ),
    (
        r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":[]}"#,
        "Statement[0].Condition",
    ),
    (
        r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{}}"#,
        "Statement[0].Condition",
    ),
    (
        r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":null}"#,
        "Statement[0].Condition",
    ),
    (
        r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Maybe":{}}}"#,
        "Statement[0].Condition",
    ),
    (
        r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{}}}"#,
        "Statement[0].Condition.Bool",
    ),
    (
        r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"a":"true"}}}"#,
        "Statement[0].Condition.Bool",
    ),
    (
        r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"acs:SecureTransport":true}}}"#,
        "Statement[0].Condition.Bool.acs:SecureTransport",
    ),
    (
        r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"IpAddress":{"acs:SourceIp":["::1",1]}}}"#,
        "Statement[0].Condition.IpAddress.acs:SourceIp[1]",
    ),
    (
        r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"IpAddress":{"acs:SourceIp":"10.0.0.0/33"}}}"#,
        "Statement[0].Condition.IpAddress.acs:SourceIp",
    ),
];

#[test]
fn what_is_not_obeyed_is_refused_and_its_path_reported() {
    for (statement, place) in REFUSED {
        let refused = Policy::parse(&document(statement)).unwrap_err();
        assert_eq!(refused.path(), *place, "{statement}: {refused}");
        assert!(refused.to_string().len() > place.len() + 8, "{refused}");
        assert_ne!(refused.sentence(Lang::Zh), refused.to_string());
    }
    for (whole, place) in [
        ("", ""),
        ("[]", ""),
        (r#"{"Version":"1"}"#, ""),
        (r#"{"Statement":[]}"#, ""),
        (r#"{"Version":"1","Statement":[]}"#, "Statement"),
        (r#"{"Version":"1","Statement":"all"}"#, "Statement"),
        (r#"{"Version":"2","Statement":[]}"#, "Version"),
        (r#"{"Version":1,"Statement":[]}"#, "Version"),
        (r#"{"Version":"1","Statement":{},"Id":"x"}"#, ""),
    ] {
        let refused = Policy::parse(whole).unwrap_err();
        assert_eq!(refused.path(), place, "{whole}: {refused}");
    }
    for junk in [
        format!("{ALL}x"),
        format!("\u{feff}{ALL}"),
        "[".repeat(6000),
    ] {
        assert!(Policy::parse(&junk).is_err());
    }
}

#[test]
fn an_error_repeats_little_of_the_document_and_nothing_that_a_terminal_obeys() {
    let name = format!("\u{1b}[2J\u{202e}{}", "x".repeat(3000));
    let text = serde_json::json!({ "Version": "1", "Statement": { name: 1 } }).to_string();
    let reported = Policy::parse(&text).unwrap_err().to_string();
    assert!(
        reported.len() < 300 && !reported.contains(['\u{1b}', '\u{202e}']),
        "{reported}"
    );
    let twice = format!("{{{0}:1,{0}:2}}", serde_json::json!("y".repeat(3000)));
    assert!(Policy::parse(&twice).unwrap_err().to_string().len() < 300);
}

#[test]
fn the_limits_are_counted_in_characters() {
    let padded = |len: usize| format!("{ALL}{}", " ".repeat(len - ALL.len()));
    assert!(Policy::parse(&padded(MAX_LEN)).is_ok());
    assert!(Policy::parse(&padded(MAX_LEN + 1)).is_err());
    assert!(Policy::parse_session(&padded(MAX_SESSION_LEN)).is_ok());
    let refused = Policy::parse_session(&padded(MAX_SESSION_LEN + 1)).unwrap_err();
    assert_eq!(refused.problem(), &PolicyProblem::TooLong(2048));
}

#[test]
fn one_statement_needs_no_list() {
    let one = r#"{"Version":"1","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let policy = Policy::parse(one).unwrap();
    assert_eq!(policy.statements, Policy::all().statements);
    assert_eq!(policy.document(), one);
}

#[test]
fn rows_of_earlier_versions_keep_their_meaning() {
    let of = |row: &str| Policy::from_stored(row).unwrap();
    assert_eq!(
        of(r#"{"actions":["*"]}"#).statements,
        Policy::all().statements
    );
    assert_eq!(of(r#"{"actions":[]}"#), Policy::none());
    let some = Policy::allowing(&["vod:Get*", "sts:AssumeRole"]).unwrap();
    assert_eq!(
        of(r#"{"actions":["vod:Get*","nonsense","sts:AssumeRole"]}"#),
        some
    );
    assert_eq!(of(ALL), Policy::all());
    for broken in [r#"{"actions":["*"],"more":1}"#, r#"{"actions":"*"}"#, ""] {
        assert!(Policy::from_stored(broken).is_err(), "{broken}");
    }
}

/// A piece of a statement, and what of the world it takes: told by hand, not by the code that is tested.
struct Piece {
    text: String,
    takes: fn(&World) -> bool,
    /// Whether it can be judged.
    known: fn(&World) -> bool,
}

struct World {
    action: &'static str,
    video: &'static str,
    address: Option<&'static str>,
}

fn always(_: &World) -> bool {
    true
}

fn piece(text: impl Into<String>, takes: fn(&World) -> bool) -> Piece {
    Piece {
        text: text.into(),
        takes,
        known: always,
    }
}

fn actions() -> Vec<Piece> {
    vec![
        piece(r#""Action":"*""#, always),
        piece(r#""Action":"VOD:getplayinfo""#, |w| {
            w.action == "vod:GetPlayInfo"
        }),
        piece(r#""Action":["oss:*","vod:Get*Info"]"#, |w| {
            w.action.ends_with("Info")
        }),
        piece(r#""NotAction":"vod:*Auth""#, |w| {
            w.action != "vod:GetVideoPlayAuth"
        }),
        piece(r#""NotAction":["vod:Get?layInfo","sts:*"]"#, |w| {
            w.action != "vod:GetPlayInfo"
        }),
    ]
}

fn resources() -> Vec<Piece> {
    vec![
        piece(r#""Resource":"*""#, always),
        piece(format!(r#""Resource":"acs:vod:*:*:video/{A}""#), |w| {
            w.video == A
        }),
        piece(
            r#""Resource":["acs:oss:*:*:*","acs:vod:cn-*:1:video/6*"]"#,
            |w| w.video == B,
        ),
        piece(format!(r#""NotResource":"acs:vod:*:1:video/{A}""#), |w| {
            w.video != A
        }),
        piece(r#""NotResource":"acs:ram::1:role/player""#, always),
    ]
}

fn conditions() -> Vec<Piece> {
    let by_address = |text: &str, takes| Piece {
        known: |w| w.address.is_some(),
        ..piece(text, takes)
    };
    vec![
        piece(r#""Version":"#, always),
        by_address(
            r#","Condition":{"IpAddress":{"acs:SourceIp":"10.0.0.0/8"}}"#,
            |w| w.address == Some("10.1.1.1"),
        ),
        by_address(
            r#","Condition":{"NotIpAddress":{"acs:SourceIp":["10.0.0.0/8"]},"Bool":{"acs:SecureTransport":"true"}}"#,
            |w| w.address == Some("192.0.2.1"),
        ),
        piece(
            r#","Condition":{"Bool":{"acs:SecureTransport":"false"}}"#,
            |_| false,
        ),
    ]
}

fn worlds() -> Vec<World> {
    let mut all = Vec::new();
    for action in [
        "vod:GetPlayInfo",
        "vod:GetVideoPlayAuth",
        "vod:GetVideoInfo",
    ] {
        for video in [A, B] {
            for address in [Some("10.1.1.1"), Some("192.0.2.1"), None] {
                all.push(World {
                    action,
                    video,
                    address,
                });
            }
        }
    }
    all
}

/// Each statement as text, with what it says in each world.
fn all_statements(worlds: &[World]) -> Vec<(String, Effect, Vec<bool>)> {
    let mut all = Vec::new();
    for effect in [Effect::Allow, Effect::Deny] {
        for action in actions() {
            for resource in resources() {
                for (at, condition) in conditions().iter().enumerate() {
                    let more = if at == 0 { "" } else { &condition.text };
                    let text = format!(
                        r#"{{"Effect":"{effect:?}",{},{}{more}}}"#,
                        action.text, resource.text
                    );
                    let says = |world: &World| {
                        let judged = match (condition.known)(world) {
                            true => (condition.takes)(world),
                            false => effect == Effect::Deny,
                        };
                        (action.takes)(world) && (resource.takes)(world) && judged
                    };
                    all.push((text, effect, worlds.iter().map(says).collect()));
                }
            }
        }
    }
    all
}

#[test]
fn every_pair_of_statements_decides_as_a_reference_does() {
    let worlds = worlds();
    let all = all_statements(&worlds);
    assert_eq!(all.len(), 200);
    let mut seen = [0_usize; 3];
    for (text, effect, says) in &all {
        for (other_text, other_effect, other_says) in all.iter().step_by(3) {
            let policy = Policy::parse(&document(&format!("{text},{other_text}"))).unwrap();
            for (at, world) in worlds.iter().enumerate() {
                let said = |wanted| {
                    (*effect == wanted && says[at]) || (*other_effect == wanted && other_says[at])
                };
                let expected = match (said(Effect::Deny), said(Effect::Allow)) {
                    (true, _) => Decision::ExplicitDeny,
                    (false, true) => Decision::Allow,
                    (false, false) => Decision::ImplicitDeny,
                };
                let found = policy.decide(AccessRequest {
                    action: world.action,
                    resource: &Resource::video("cn-shanghai", world.video),
                    context: &context(world.address),
                });
                assert_eq!(found, expected, "{policy} {} {}", world.action, world.video);
                seen[expected as usize] += 1;
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 10_000), "{seen:?}");
}

#[test]
fn a_changed_document_is_refused_or_means_what_it_says() {
    let whole = document(&format!(
        r#"{{"Effect":"Allow","NotAction":["sts:*"],"Resource":"acs:vod:*:1:video/{A}"}},{{"Effect":"Deny","Action":"vod:Get*Info","NotResource":["*"],"Condition":{{"NotIpAddress":{{"acs:SourceIp":["10.0.0.0/8","::1"]}},"DateLessThan":{{"acs:CurrentTime":"2026-01-31T18:00:00+08:00"}},"StringLike":{{"acs:PrincipalARN":"acs:*"}}}}}}"#
    ));
    let letters = br#"{}[]",:\*?01aADv/ u"#;
    let mut seed = 7_u32;
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let mut bytes = whole.clone().into_bytes();
        for _ in 0..=(seed >> 8) % 3 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (at, letter) = (
                seed as usize % bytes.len(),
                letters[(seed >> 20) as usize % letters.len()],
            );
            match (seed >> 28) % 3 {
                0 => bytes[at] = letter,
                1 => bytes.insert(at, letter),
                _ => drop(bytes.drain(at..(at + 5).min(bytes.len()))),
            }
        }
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        match Policy::parse(&text) {
            Ok(policy) => {
                taken += 1;
                assert_eq!(Policy::parse(policy.document()).unwrap(), policy);
                // Nothing of it was passed over: what was written last says all that was read.
                let read: serde_json::Value = serde_json::from_str(&text).unwrap();
                let kept: serde_json::Value = serde_json::from_str(policy.document()).unwrap();
                assert_eq!(read, kept);
            }
            Err(error) => {
                refused += 1;
                assert!(error.to_string().len() < 400, "{error}");
            }
        }
    }
    assert!(taken > 100 && refused > 10_000, "{taken} {refused}");
}
