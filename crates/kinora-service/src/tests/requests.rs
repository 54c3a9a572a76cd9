//! What every request meets, whatever it asks: its id, whom the URLs name, how much of it comes back.

use super::connections::H2;
use super::*;

#[tokio::test]
async fn every_answer_carries_the_id_of_its_request() {
    let (_dir, service, key, id) = with_a_video().await;
    let media = service.play_url(&key, &id, "mp4").await;
    let mut ids = std::collections::BTreeSet::new();
    for (target, status) in [
        (media.as_str(), 200),
        ("/media/x/y", 404),
        ("/nothing", 404),
        ("/", 400),
    ] {
        let reply = service.get(target, &[]).await;
        assert_eq!(reply.status, status, "{target}");
        let id = reply.header("x-request-id").to_owned();
        assert_eq!(id.len(), 36, "{target}");
        assert!(ids.insert(id));
    }
    let reply = service.call(&key, &[("Action", "Nothing")]).await;
    assert_eq!(reply.json()["RequestId"], reply.header("x-request-id"));
    let exposed = reply.header("access-control-expose-headers");
    assert!(exposed.contains("x-request-id"), "{exposed}");
    service.stop().await;
}

#[tokio::test]
async fn urls_name_the_authority_that_was_asked() {
    let (_dir, service, key, id) = with_a_video().await;
    let play = || {
        let play = [("Action", "GetPlayInfo"), ("VideoId", id.as_str())];
        service.signed("GET", &key, &play)
    };
    let url = |reply: &[u8]| {
        let reply: Value = serde_json::from_slice(reply).unwrap();
        reply["PlayInfoList"]["PlayInfo"][0]["PlayURL"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let own = format!("http://{}/media/", service.address);
    let mut h2 = H2::connect(service.address, 1 << 20).await;
    for (authority, base) in [
        ("vod.example.com:8443", "http://vod.example.com:8443/media/"),
        ("[::1]:80", "http://[::1]:80/media/"),
        ("me@vod.example.com", &own),
    ] {
        let answer = h2.get(&format!("http://{authority}/?{}", play())).await;
        let (status, body) = answer.whole().await;
        assert_eq!(status, 200);
        assert!(url(&body).starts_with(base), "{authority}: {}", url(&body));
    }
    // The target's own authority counts before Host (RFC 9112 3.2.2).
    let target = format!("http://vod.example.com/?{}", play());
    let reply = service.get(&target, &[]).await;
    assert!(url(&reply.body).starts_with("http://vod.example.com/media/"));
    service.stop().await;
}

#[tokio::test]
async fn a_refusal_is_short_however_long_the_request_was() {
    let (_dir, service, key, _) = with_a_video().await;
    let wrong = Triple {
        secret: "wrong".into(),
        ..key.clone()
    };
    // An octet that is no UTF-8 is three of the character that replaces it, and each of those five in the signed text.
    let nasty: [&[u8]; 3] = [b"\xff", b"%ff", b"%22%3C%26"];
    for (long, format) in nasty
        .iter()
        .flat_map(|long| [(long, "JSON"), (long, "XML")])
    {
        let mut form = service
            .signed(
                "POST",
                &wrong,
                &[("Action", "GetPlayInfo"), ("Format", format)],
            )
            .into_bytes();
        form.extend_from_slice(b"&Long=");
        while form.len() + long.len() <= 60_000 {
            form.extend_from_slice(long);
        }
        let kind = [("Content-Type", "application/x-www-form-urlencoded")];
        let reply = ask(service.address, "POST", "/", &kind, &form).await;
        assert_eq!(reply.status, 400);
        assert!(
            reply.text().contains("SignatureDoesNotMatch"),
            "{}",
            reply.text()
        );
        assert!(reply.text().contains("left out"), "{}", reply.text());
        assert!(reply.body.len() < 1000, "{}", reply.body.len());
    }
    // One of usual length comes whole, as SDKs compare it.
    let reply = service.call(&wrong, &[("Action", "GetPlayInfo")]).await;
    assert!(
        reply
            .text()
            .contains("string to sign is:GET&%2F&AccessKeyId%3D")
    );
    let media = service
        .get(&format!("/media/{}/x", "a".repeat(30_000)), &[])
        .await;
    assert!(media.body.len() < 100);
    service.stop().await;
}

#[tokio::test]
async fn a_viewer_s_token_that_the_gateway_would_not_give_is_not_repeated() {
    let (_dir, service, key, id) = with_a_video().await;
    let target = service.play_url(&key, &id, "m3u8").await;
    let plain = service.get(&target, &[]).await.body.len();
    let long = format!("{target}&MtsHlsUriToken={}", "%26".repeat(10_000));
    assert_eq!(service.get(&long, &[]).await.body.len(), plain);
    service.stop().await;
}

#[tokio::test]
async fn a_number_or_time_with_a_sign_is_refused() {
    let (_dir, service, key, id) = with_a_video().await;
    let now = UnixTime::from_millis(service.clock.unix_ms()).to_string();
    for (name, value, code) in [
        ("Timestamp", format!("+{now}"), "InvalidTimeStamp.Format"),
        ("Timestamp", format!("+0{now}"), "InvalidTimeStamp.Format"),
        (
            "AuthTimeout",
            "+100".to_owned(),
            "InvalidParameter.AuthTimeout",
        ),
    ] {
        let play = [
            ("Action", "GetPlayInfo"),
            ("VideoId", id.as_str()),
            (name, &value),
        ];
        assert_eq!(service.call(&key, &play).await.code(), code, "{value}");
    }
    service.stop().await;
}
