use super::*;
use crate::RefererRule;

#[tokio::test]
async fn media_is_sent_whole_in_parts_and_not_at_all() {
    let (_dir, service, key, id) = with_a_video().await;
    let target = service.play_url(&key, &id, "mp4").await;
    let whole = service.get(&target, &[]).await;
    assert_eq!(
        (
            whole.status,
            whole.header("content-type"),
            whole.body.as_slice()
        ),
        (200, "video/mp4", &MP4[..])
    );
    assert_eq!(whole.header("accept-ranges"), "bytes");
    let part = service.get(&target, &[("Range", "bytes=10-19")]).await;
    assert_eq!(
        (part.status, part.body.len(), part.header("content-range")),
        (206, 10, "bytes 10-19/1000")
    );
    let past = service.get(&target, &[("Range", "bytes=1000-")]).await;
    assert_eq!(
        (past.status, past.header("content-range")),
        (416, "bytes */1000")
    );
    let etag = whole.header("etag");
    let same = service
        .get(&target, &[("Range", "bytes=0-0"), ("If-Range", etag)])
        .await;
    assert_eq!(same.status, 206);
    let changed = service
        .get(&target, &[("Range", "bytes=0-0"), ("If-Range", "\"old\"")])
        .await;
    assert_eq!((changed.status, changed.body.len()), (200, 1000));
    assert_eq!(
        service
            .get(&target, &[("If-None-Match", etag)])
            .await
            .status,
        304
    );
    let head = ask(service.address, "HEAD", &target, &[], b"").await;
    assert_eq!(
        (head.status, head.header("content-length"), head.body.len()),
        (200, "1000", 0)
    );
    assert_eq!(
        ask(service.address, "PUT", &target, &[], b"").await.status,
        405
    );
    service.stop().await;
}

#[tokio::test]
async fn a_url_opens_its_own_path_until_its_time() {
    let (_dir, service, key, id) = with_a_video().await;
    let target = service.play_url(&key, &id, "mp4").await;
    let (path, query) = target.split_once('?').unwrap();
    let refused = |target: String| {
        let service = &service;
        async move {
            let reply = service.get(&target, &[]).await;
            assert_eq!(reply.status, 403, "{target}");
            reply.header("x-tengine-error").to_owned()
        }
    };
    assert_eq!(
        refused(path.to_owned()).await,
        "denied by req auth: no single url arg auth_key"
    );
    assert_eq!(
        refused(format!("/media/{id}/fd.key?{query}")).await,
        "denied by req auth: invalid md5hash value"
    );
    let mut parts: Vec<&str> = query.trim_start_matches("auth_key=").split('-').collect();
    parts[0] = "99999999999";
    assert_eq!(
        refused(format!("{path}?auth_key={}", parts.join("-"))).await,
        "denied by req auth: invalid md5hash value"
    );
    assert_eq!(
        refused(format!("{path}?auth_key=nonsense")).await,
        "denied by req auth: malformed auth_key"
    );
    service.clock.advance_ms(3_601_000);
    assert_eq!(
        refused(target.clone()).await,
        "denied by req auth: expired timestamp"
    );
    service.stop().await;
}

#[tokio::test]
async fn no_path_leads_out_of_the_media() {
    let (_dir, service, key, id) = with_a_video().await;
    let query = service.play_url(&key, &id, "mp4").await;
    let (_, query) = query.split_once('?').unwrap();
    for path in [
        format!("/media/{id}/../../kinora.db"),
        format!("/media/{id}/..%2f..%2fkinora.db"),
        format!("/media/{id}/%2e%2e"),
        "/media/../kinora.db".to_owned(),
        "/media/%2e%2e/kinora.db".to_owned(),
        format!("/media/{id}/fd.mp4%00"),
        format!("/media/{id}//etc/passwd"),
    ] {
        let reply = service.get(&format!("{path}?{query}"), &[]).await;
        assert!(
            matches!(reply.status, 400 | 403 | 404),
            "{path}: {}",
            reply.status
        );
    }
    service.stop().await;
}

#[tokio::test]
async fn referer_rules_and_the_status_are_obeyed() {
    let (_dir, service, key, id) = with_a_video().await;
    let target = service.play_url(&key, &id, "mp4").await;
    let rule = RefererRule {
        allow: vec!["page.test".parse().unwrap()],
        deny: vec!["bad.page.test".parse().unwrap()],
        allow_empty: false,
    };
    service.library.set_referer_rule(&rule).await.unwrap();
    let good = [("Referer", "https://page.test/x")];
    assert_eq!(service.get(&target, &good).await.status, 200);
    let twice = [good[0], ("Referer", "https://bad.page.test/")];
    for bad in [
        &[][..],
        &[("Referer", "https://other.test/")][..],
        &[("Referer", "https://bad.page.test./")][..],
        &[("Referer", "about:blank")][..],
        &[("Referer", "https://page.test/\u{e9}")][..],
        &twice[..],
    ] {
        let reply = service.get(&target, bad).await;
        assert_eq!(
            (reply.status, reply.header("x-tengine-error")),
            (403, "denied by Referer ACL")
        );
    }
    service
        .library
        .set_status(&id, VideoStatus::Blocked)
        .await
        .unwrap();
    assert_eq!(service.get(&target, &good).await.status, 403);
    service.library.delete_video(&id).await.unwrap();
    assert_eq!(service.get(&target, &good).await.status, 404);
    service.stop().await;
}
