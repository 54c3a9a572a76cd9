//! Encrypted videos: nothing of them is given in the clear, and their keys to nobody without a link of their own.

use super::*;

async fn begin() -> (tempfile::TempDir, Running, Triple, VideoId) {
    let (dir, service, key) = Running::alone(ManualClock::now()).await;
    let id = service.publish_encrypted().await;
    (dir, service, key, id)
}

#[tokio::test]
async fn what_a_playlist_names_is_signed_and_nothing_else_opens() {
    let (_dir, service, key, id) = begin().await;
    let reply = service
        .call(
            &key,
            &[
                ("Action", "GetPlayInfo"),
                ("VideoId", id.as_str()),
                ("Formats", "m3u8"),
                ("PlayConfig", r#"{"MtsHlsUriToken":"t"}"#),
            ],
        )
        .await;
    let info = reply.json()["PlayInfoList"]["PlayInfo"][0].clone();
    assert_eq!(
        (info["Encrypt"].as_i64(), info["EncryptType"].as_str()),
        (Some(1), Some("HLSEncryption"))
    );
    let target = target_of(info["PlayURL"].as_str().unwrap());
    let playlist = service.get(&target, &[]).await;
    assert_eq!(
        (playlist.status, playlist.header("content-type")),
        (200, "application/vnd.apple.mpegurl")
    );
    let text = playlist.text();
    let segment = text
        .lines()
        .find(|line| line.starts_with("fd-00000.ts?"))
        .unwrap();
    let key_uri = text
        .split("URI=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    assert!(key_uri.ends_with("&MtsHlsUriToken=t"));
    let sent = service.get(&format!("/media/{id}/{segment}"), &[]).await;
    assert_eq!(
        (
            sent.status,
            sent.header("content-type"),
            sent.body.as_slice()
        ),
        (200, "video/mp2t", &b"segment"[..])
    );
    assert_eq!(
        service
            .get(&format!("/media/{id}/{key_uri}"), &[])
            .await
            .body
            .len(),
        16
    );
    assert_eq!(
        service
            .get(&format!("/media/{id}/fd.key"), &[])
            .await
            .status,
        403
    );
    service.stop().await;
}

/// The first URI of a playlist that comes after these words, as a target.
fn uri_after(playlist: &str, words: &str, id: &VideoId) -> String {
    let rest = playlist.split(words).nth(1).unwrap();
    let uri = rest.split(['"', '\n']).next().unwrap();
    format!("/media/{id}/{uri}")
}

#[tokio::test]
async fn a_key_is_given_by_a_link_of_its_own_only() {
    let (_dir, service, key, id) = begin().await;
    let other = service.publish_encrypted().await;
    let playlist = |id: VideoId| {
        let (service, key) = (&service, &key);
        async move {
            let target = service.play_url(key, &id, "m3u8").await;
            (service.get(&target, &[]).await.text(), target)
        }
    };
    let (text, list) = playlist(id.clone()).await;
    let link = uri_after(&text, "URI=\"", &id);
    let segment = uri_after(&text, "#EXTINF:4,\n", &id);
    let (others, _) = playlist(other.clone()).await;
    let foreign = uri_after(&others, "URI=\"", &other);
    let opens = async |target: &str| {
        let reply = service.get(target, &[]).await;
        assert!(
            matches!(reply.status, 200 | 403),
            "{target}: {}",
            reply.status
        );
        reply.status == 200
    };
    assert!(opens(&link).await);
    let path = link.split('?').next().unwrap();
    let signature = |target: &str| target.split_once('?').unwrap().1.to_owned();
    for refused in [
        path.to_owned(),
        format!("{path}?MtsHlsUriToken=anything"),
        format!("{path}?MtsHlsUriToken="),
        format!("{path}?auth_key="),
        format!("{path}?{}", signature(&list)),
        format!("{path}?{}", signature(&segment)),
        format!("{path}?{}", signature(&foreign)),
        format!("{path}?{}&MtsHlsUriToken=anything", signature(&foreign)),
    ] {
        assert!(!opens(&refused).await, "{refused}");
    }
    // It lives as long as the link of the playlist, and no longer.
    service.clock.advance_ms(3_599_000);
    assert!(opens(&link).await);
    service.clock.advance_ms(2_000);
    assert!(!opens(&link).await);
    service.stop().await;
}

#[tokio::test]
async fn a_clear_file_beside_an_encrypted_one_is_given_to_nobody() {
    let (_dir, service, key, _) = begin().await;
    // As earlier versions imported them.
    let files: [(&str, &[u8]); 2] = [("fd.mp4", &MP4), ("fd.m3u8", b"#EXTM3U\n")];
    let twins = [
        rendition("fd.mp4", Format::Mp4, RenditionEncryption::None),
        rendition("fd.m3u8", Format::M3u8, RenditionEncryption::Hls),
    ];
    let id = service.publish_as(&files, &twins).await;
    let play = async |more: &[(&str, &str)]| {
        let base = [("Action", "GetPlayInfo"), ("VideoId", id.as_str())];
        service.call(&key, &[&base[..], more].concat()).await
    };
    for more in [&[][..], &[("ResultType", "Multiple")][..]] {
        let info = play(more).await.json();
        let given = info["PlayInfoList"]["PlayInfo"].as_array().unwrap().clone();
        assert_eq!(given.len(), 1, "{info}");
        assert_eq!(given[0]["EncryptType"], "HLSEncryption");
    }
    for more in [
        ("Formats", "mp4"),
        ("PlayConfig", r#"{"EncryptType":"Unencrypted"}"#),
    ] {
        assert_eq!(play(&[more]).await.code(), "InvalidVideo.NoneStream");
    }
    // Nor is a clear one taken for it where the encrypted one is asked for.
    let clear = service.publish().await;
    let reply = service
        .call(
            &key,
            &[
                ("Action", "GetPlayInfo"),
                ("VideoId", clear.as_str()),
                ("PlayConfig", r#"{"EncryptType":"HLSEncryption"}"#),
            ],
        )
        .await;
    assert_eq!(reply.code(), "InvalidVideo.NoneStream");
    service.stop().await;
}
