//! Attackers who change what was signed. What only looks different is let through; whatever is different is not.

use std::collections::BTreeSet;

use kinora_cloud::sign;

use super::*;

type Pairs = Vec<(String, String)>;

fn pairs(query: &str) -> Pairs {
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

fn written(pairs: &Pairs, encode: impl Fn(&str) -> String) -> String {
    let each = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    format!("/?{}", each.collect::<Vec<_>>().join("&"))
}

/// Every octet as an escape, in small letters: the same text as any other spelling of it.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// One call for an answer that tells no secret.
const CALL: [(&str, &str); 2] = [("Action", "GetVideoInfo"), ("VideoId", "0123")];

async fn begin() -> (tempfile::TempDir, Running, Triple, VideoId) {
    let (dir, service, key) = Running::alone(ManualClock::at_ms(1_700_000_000_000)).await;
    let id = service.publish().await;
    (dir, service, key, id)
}

/// Everything that one change to a signed query can be.
fn changes(signed: &Pairs) -> Vec<(String, Pairs)> {
    let mut all = Vec::new();
    for at in 0..signed.len() {
        let (name, value) = signed[at].clone();
        let mut change = |what: &str, new: Vec<(String, String)>| {
            let mut changed = signed.clone();
            changed.splice(at..=at, new);
            all.push((format!("{name}: {what}"), changed));
        };
        let with = |value: String| vec![(name.clone(), value)];
        change("dropped", Vec::new());
        change("empty", with(String::new()));
        change("longer", with(format!("{value}0")));
        change("a space behind", with(format!("{value} ")));
        change("a zero behind", with(format!("{value}\0")));
        change("shorter", with(value[..value.len() - 1].to_owned()));
        change("encoded twice", with(escaped(&value)));
        change(
            "twice the same",
            [with(value.clone()), with(value.clone())].concat(),
        );
        change(
            "another before it",
            [with("x".into()), with(value.clone())].concat(),
        );
        change(
            "another behind it",
            [with(value.clone()), with("x".into())].concat(),
        );
        change("renamed", vec![(format!("{name}_"), value.clone())]);
        change(
            "name in capitals",
            vec![(name.to_uppercase(), value.clone())],
        );
        let swapped: String = value
            .chars()
            .map(|c| {
                if c.is_ascii_lowercase() {
                    c.to_ascii_uppercase()
                } else {
                    c.to_ascii_lowercase()
                }
            })
            .collect();
        if swapped != value {
            change("the other case", with(swapped));
        }
        for other in at + 1..signed.len() {
            let mut changed = signed.clone();
            changed[at].1 = signed[other].1.clone();
            changed[other].1 = value.clone();
            all.push((format!("{name}: value of {}", signed[other].0), changed));
        }
    }
    let mut more = signed.clone();
    more.push(("Formats".into(), "mp4".into()));
    all.push(("one more".into(), more));
    all
}

#[tokio::test]
async fn a_signed_call_passes_in_no_other_meaning() {
    let (_dir, service, key, id) = begin().await;
    let call = [CALL[0], ("VideoId", id.as_str())];
    let signed = pairs(&service.signed("GET", &key, &call));
    let mut codes = BTreeSet::new();
    let changes = changes(&signed);
    assert!(changes.len() > 150, "{}", changes.len());
    for (what, changed) in changes {
        let reply = service.get(&written(&changed, sign::encode), &[]).await;
        assert!(
            (400..500).contains(&reply.status),
            "{what}: {}",
            reply.status
        );
        // Without `Format` the answer is XML.
        let code = match reply.text().starts_with('{') {
            true => reply.code(),
            false => reply
                .text()
                .split("<Code>")
                .nth(1)
                .unwrap()
                .split('<')
                .next()
                .unwrap()
                .to_owned(),
        };
        codes.insert(code);
    }
    let known = [
        "InvalidAccessKeyId.NotFound",
        "InvalidAction.NotFound",
        "InvalidParameter",
        "InvalidParameter.Format",
        "InvalidParameter.SignatureMethod",
        "InvalidParameter.SignatureVersion",
        "InvalidTimeStamp.Format",
        "InvalidVersion",
        "MissingParameter",
        "SignatureDoesNotMatch",
    ];
    assert!(codes.iter().eq(known), "{codes:?}");
    // The untouched query has not been spent by any of that.
    let target = written(&signed, sign::encode);
    assert_eq!(service.get(&target, &[]).await.status, 200);

    service.stop().await;
}

#[tokio::test]
async fn a_signed_call_passes_by_its_method_and_path_once() {
    let (_dir, service, key, id) = begin().await;
    let call = [CALL[0], ("VideoId", id.as_str())];
    let signed = pairs(&service.signed("GET", &key, &call));

    // A query that comes by another method or path is not spent by that.
    let target = written(&signed, sign::encode);
    assert_eq!(
        ask(service.address, "POST", &target, &[], b"").await.code(),
        "SignatureDoesNotMatch"
    );
    for method in ["PUT", "DELETE", "PATCH"] {
        assert_eq!(
            ask(service.address, method, &target, &[], b"").await.status,
            400,
            "{method}"
        );
    }
    assert_eq!(
        service
            .get(&target.replacen('/', "/media", 1), &[])
            .await
            .status,
        404
    );
    assert_eq!(service.get(&target, &[]).await.status, 200);
    assert_eq!(service.get(&target, &[]).await.code(), "SignatureNonceUsed");

    service.stop().await;
}

#[tokio::test]
async fn a_signed_call_passes_in_any_spelling_and_for_its_time() {
    let (_dir, service, key, id) = begin().await;
    let call = [CALL[0], ("VideoId", id.as_str())];
    let fresh = || pairs(&service.signed("GET", &key, &call));

    let mut reversed = fresh();
    reversed.reverse();
    assert_eq!(
        service
            .get(&written(&reversed, sign::encode), &[])
            .await
            .status,
        200
    );
    assert_eq!(
        service.get(&written(&fresh(), escaped), &[]).await.status,
        200
    );
    let mut rotated = fresh();
    rotated.rotate_left(3);
    let in_a_form = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    assert_eq!(
        service.get(&written(&rotated, in_a_form), &[]).await.status,
        200
    );

    // Its time: a quarter of an hour either way, and not a second more.
    for (by_ms, passes) in [
        (-900_000, true),
        (900_000, true),
        (-901_000, false),
        (901_000, false),
    ] {
        let target = written(&fresh(), sign::encode);
        service.clock.advance_ms(by_ms);
        let reply = service.get(&target, &[]).await;
        assert_eq!(reply.status == 200, passes, "{by_ms}");
        assert_eq!(
            reply.code() == "InvalidTimeStamp.Expired",
            !passes,
            "{by_ms}"
        );
        service.clock.advance_ms(-by_ms);
    }
    service.stop().await;
}

#[tokio::test]
async fn a_media_link_opens_in_one_spelling_only() {
    let (_dir, service, key, id) = begin().await;
    let target = service.play_url(&key, &id, "mp4").await;
    let opens = async |target: &str| {
        let reply = service.get(target, &[]).await;
        // A request that HTTP itself refuses is as good as one that we refuse.
        assert!(
            matches!(reply.status, 200 | 400 | 403 | 404 | 405),
            "{target}: {}",
            reply.status
        );
        reply.body == MP4
    };
    assert!(opens(&target).await);

    let mut refused = 0;
    for at in 1..target.len() {
        for new in ["0", "f", "F", "-", "%", "/", "&", "+", "", "00"] {
            let mut changed = target.clone();
            changed.replace_range(at..=at, new);
            if changed == target {
                continue;
            }
            assert!(!opens(&changed).await, "{changed}");
            refused += 1;
        }
    }
    assert!(refused > 500, "{refused}");

    let (path, query) = target.split_once('?').unwrap();
    let (name, value) = query.split_once('=').unwrap();
    let parts: Vec<&str> = value.split('-').collect();
    let reordered = [parts[1], parts[0], parts[2], parts[3]].join("-");
    for changed in [
        format!("{path}?{name}={value}&{name}={value}"),
        format!("{path}?{name}=0-0-0-0&{name}={value}"),
        format!("{path}?{name}={value}&{name}=0-0-0-0"),
        format!("{path}?{name}={}", escaped(&escaped(value))),
        format!("{path}?{name}={reordered}"),
        format!("{path}?{}={value}", name.to_uppercase()),
        format!("{}?{query}", path.replace("fd", "%66d")),
        format!("{}?{query}", path.replace('/', "//")),
        format!("{path}/?{query}"),
        format!("/media/../{}?{query}", &path[1..]),
        format!("{path};{query}"),
        format!("{path}%3F{query}"),
        format!("{path}#{query}"),
    ] {
        assert!(!opens(&changed).await, "{changed}");
    }
    // Another video's link, and another file's of the same video.
    let other = service.publish().await;
    assert!(!opens(&target.replace(id.as_str(), other.as_str())).await);
    let list = service.play_url(&key, &id, "m3u8").await;
    let of_the_list = list.split_once('?').unwrap().1;
    assert!(!opens(&format!("{path}?{of_the_list}")).await);

    // A player that adds what it likes to the query, or escapes the value, still sees the film.
    assert!(opens(&format!("{path}?a=1&{query}&b=2")).await);
    assert!(opens(&format!("{path}?{name}={}", escaped(value))).await);
    for method in ["POST", "PUT", "DELETE"] {
        assert_eq!(
            ask(service.address, method, &target, &[], b"").await.status,
            405,
            "{method}"
        );
    }
    service.stop().await;
}
