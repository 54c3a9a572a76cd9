//! What is known of videos: told, found, changed, deleted; and the shelves that they lie on.

use super::*;
use crate::Policy;

const NOBODY: &str = "5aed81b74ba84920be578cdfe004af4b";

async fn done(service: &Running, key: &Triple, params: &[(&str, &str)]) -> Value {
    let reply = service.call(key, params).await;
    assert_eq!(reply.status, 200, "{params:?}: {}", reply.text());
    reply.json()
}

async fn refused(
    service: &Running,
    key: &Triple,
    params: &[(&str, &str)],
    status: u16,
    code: &str,
) {
    let reply = service.call(key, params).await;
    let got = (reply.status, reply.code());
    assert_eq!(
        got,
        (status, code.to_owned()),
        "{params:?}: {}",
        reply.text()
    );
}

fn ids(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|video| video["VideoId"].as_str().unwrap())
        .collect()
}

async fn key_with(service: &Running, policy: &str) -> Triple {
    let policy = Policy::parse(policy).unwrap();
    Triple::permanent(&service.library.new_access_key(policy).await.unwrap())
}

#[tokio::test]
async fn what_is_said_of_a_video_is_told_by_every_call_and_kept_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (service, key) =
        Running::start(&data, Arc::new(ManualClock::at_ms(1_700_000_000_000))).await;
    let (key, id) = (key.unwrap(), service.publish().await);
    let shelf = done(
        &service,
        &key,
        &[("Action", "AddCategory"), ("CateName", "Films")],
    )
    .await;
    let shelf = shelf["Category"]["CateId"].to_string();
    let said = [
        ("Action", "UpdateVideoInfo"),
        ("VideoId", id.as_str()),
        ("Title", "The sea"),
        ("Description", "At night.\nIn colour."),
        ("Tags", "water, dark"),
        ("CateId", &shelf),
        ("UserData", r#"{"a":1}"#),
        ("CoverURL", "https://pictures.test/sea.jpg"),
    ];
    done(&service, &key, &said).await;
    let clock = service.clock.clone();
    service.stop().await;
    let (service, _) = Running::start(&data, clock).await;
    let info = done(
        &service,
        &key,
        &[("Action", "GetVideoInfo"), ("VideoId", id.as_str())],
    )
    .await;
    let told = &info["Video"];
    for (name, value) in [
        ("Title", "The sea"),
        ("Description", "At night.\nIn colour."),
        ("Tags", "water,dark"),
        ("CateName", "Films"),
        ("UserData", r#"{"a":1}"#),
        ("CoverURL", "https://pictures.test/sea.jpg"),
        ("AppId", "app-1000000"),
        ("Status", "Normal"),
        ("CreationTime", "1970-01-01T00:00:00Z"),
        ("ModificationTime", "2023-11-14T22:13:20Z"),
    ] {
        assert_eq!(told[name], value, "{name}");
    }
    assert_eq!(told["CateId"].to_string(), shelf);
    assert!(told["Size"].is_u64() && told["Duration"].is_f64());
    assert!(told["Snapshots"]["Snapshot"].is_array());
    service.stop().await;
}

#[tokio::test]
async fn what_is_said_of_a_video_stands_in_the_form_that_each_call_has() {
    let (_dir, service, key, id) = with_a_video().await;
    let shelf = done(
        &service,
        &key,
        &[("Action", "AddCategory"), ("CateName", "Films")],
    )
    .await;
    let shelf = shelf["Category"]["CateId"].to_string();
    let said = [
        ("Action", "UpdateVideoInfo"),
        ("VideoId", id.as_str()),
        ("Title", "The sea"),
        ("CateId", &shelf),
    ];
    done(&service, &key, &said).await;
    // A wrapper for one and for a page, a bare list for several: as the SDKs have it.
    let infos = done(
        &service,
        &key,
        &[("Action", "GetVideoInfos"), ("VideoIds", id.as_str())],
    )
    .await;
    assert_eq!(infos["VideoList"][0]["Title"], "The sea");
    assert!(infos["VideoList"][0]["Snapshots"].is_array());
    let list = done(
        &service,
        &key,
        &[("Action", "GetVideoList"), ("CateId", &shelf)],
    )
    .await;
    assert_eq!(list["VideoList"]["Video"][0]["Title"], "The sea");
    assert_eq!(list["Total"], 1);
    // A change leaves what it does not name.
    let change = [
        ("Action", "UpdateVideoInfo"),
        ("VideoId", id.as_str()),
        ("Tags", "x"),
        ("Title", ""),
    ];
    done(&service, &key, &change).await;
    let info = done(
        &service,
        &key,
        &[("Action", "GetVideoInfo"), ("VideoId", id.as_str())],
    )
    .await;
    assert_eq!(
        (
            info["Video"]["Tags"].as_str(),
            info["Video"]["Title"].as_str()
        ),
        (Some("x"), Some("The sea"))
    );
    // Off the shelf again.
    let change = [
        ("Action", "UpdateVideoInfo"),
        ("VideoId", id.as_str()),
        ("CateId", "-1"),
    ];
    done(&service, &key, &change).await;
    let info = done(
        &service,
        &key,
        &[("Action", "GetVideoInfo"), ("VideoId", id.as_str())],
    )
    .await;
    assert_eq!(info["Video"]["CateId"], Value::Null);
    service.stop().await;
}

#[tokio::test]
async fn a_library_is_paged_by_the_time_of_its_videos() {
    let (_dir, service, key) = three().await;
    let videos = service.library.videos().await.unwrap();
    let mut all: Vec<String> = videos.iter().map(|video| video.id.to_string()).collect();
    // All were made at the same moment: their ids decide.
    all.sort();
    let page = |number: &'static str, order: &'static str| {
        let call = [
            ("Action", "GetVideoList"),
            ("PageSize", "2"),
            ("PageNo", number),
            ("SortBy", order),
        ];
        let (service, key) = (&service, &key);
        async move { done(service, key, &call).await }
    };
    let (first, second) = (
        page("1", "CreationTime:Asc").await,
        page("2", "CreationTime:Asc").await,
    );
    assert_eq!((&first["Total"], &second["Total"]), (&3.into(), &3.into()));
    let paged = [
        ids(&first["VideoList"]["Video"]),
        ids(&second["VideoList"]["Video"]),
    ]
    .concat();
    assert_eq!(paged, all);
    let newest = page("1", "CreationTime:Desc").await;
    assert_eq!(ids(&newest["VideoList"]["Video"]), [&*all[2], &*all[1]]);
    assert!(ids(&page("9", "").await["VideoList"]["Video"]).is_empty());
    service.stop().await;
}

/// A library of three, the last of them blocked.
async fn three() -> (tempfile::TempDir, Running, Triple) {
    let (dir, service, key) = Running::alone(ManualClock::now()).await;
    let mut last = None;
    for title in ["Sea", "Seal", "Moon"] {
        let id = service.publish().await;
        let change = [
            ("Action", "UpdateVideoInfo"),
            ("VideoId", id.as_str()),
            ("Title", title),
        ];
        done(&service, &key, &change).await;
        last = Some(id);
    }
    let last = last.unwrap();
    let blocked = service.library.set_status(&last, VideoStatus::Blocked);
    blocked.await.unwrap();
    (dir, service, key)
}

#[tokio::test]
async fn a_library_is_filtered_and_searched() {
    let (_dir, service, key) = three().await;
    for (filter, count) in [
        (("Status", "Blocked"), 1),
        (("Status", "Normal,Blocked"), 3),
        (("CateId", "5"), 0),
        (("StartTime", "1971-01-01T00:00:00Z"), 0),
        (("EndTime", "1971-01-01T00:00:00Z"), 3),
    ] {
        let list = done(&service, &key, &[("Action", "GetVideoList"), filter]).await;
        assert_eq!(list["Total"], count, "{filter:?}");
    }
    let search = [
        ("Action", "SearchMedia"),
        ("Match", "Title = 'sea'"),
        ("Fields", "Title,Status"),
    ];
    let found = done(&service, &key, &search).await;
    assert_eq!(found["Total"], 2);
    let media = &found["MediaList"][0];
    assert_eq!(media["MediaType"], "video");
    assert_eq!(media["MediaId"], media["Video"]["VideoId"]);
    assert_eq!(media["Video"]["Status"], "Normal");
    assert_eq!(media["Video"]["Size"], Value::Null, "it was not asked for");
    let sounds = done(
        &service,
        &key,
        &[("Action", "SearchMedia"), ("SearchType", "audio")],
    )
    .await;
    assert_eq!(
        (&sounds["Total"], &sounds["MediaList"]),
        (&0.into(), &Value::Array(Vec::new()))
    );
    service.stop().await;
}

#[tokio::test]
async fn wishes_of_a_list_that_can_not_be_met_are_refused() {
    let (_dir, service, key) = Running::alone(ManualClock::now()).await;
    for (action, bad) in [
        ("GetVideoList", ("Status", "Odd")),
        ("GetVideoList", ("PageSize", "101")),
        ("GetVideoList", ("PageNo", "0")),
        ("GetVideoList", ("SortBy", "Title:Asc")),
        ("GetVideoList", ("StartTime", "now")),
        ("SearchMedia", ("Match", "Title ~ 'x'")),
        ("SearchMedia", ("SearchType", "smell")),
    ] {
        let code = format!("InvalidParameter.{}", bad.0);
        refused(&service, &key, &[("Action", action), bad], 400, &code).await;
    }
    let turned = [
        ("Action", "GetVideoList"),
        ("StartTime", "2020-01-01T00:00:00Z"),
        ("EndTime", "2019-01-01T00:00:00Z"),
    ];
    refused(&service, &key, &turned, 400, "InvalidParameter.EndTime").await;
    service.stop().await;
}

#[tokio::test]
async fn several_videos_are_named_and_changed_at_once() {
    let (_dir, service, key) = Running::alone(ManualClock::now()).await;
    let (one, two) = (service.publish().await, service.publish().await);
    let named = format!("{one},{NOBODY}, {two},{one},../etc");
    let infos = done(
        &service,
        &key,
        &[("Action", "GetVideoInfos"), ("VideoIds", &named)],
    )
    .await;
    assert_eq!(ids(&infos["VideoList"]), [one.as_str(), two.as_str()]);
    assert_eq!(
        infos["NonExistVideoIds"],
        serde_json::json!([NOBODY, "../etc"])
    );
    let content = format!(
        r#"[{{"VideoId":"{one}","Title":"One"}},{{"VideoId":"{two}","Title":"Two","Tags":null}},{{"VideoId":"{NOBODY}"}}]"#
    );
    let update = [("Action", "UpdateVideoInfos"), ("UpdateContent", &*content)];
    let updated = done(&service, &key, &update).await;
    assert_eq!(updated["NonExistVideoIds"], serde_json::json!([NOBODY]));
    assert_eq!(updated["ForbiddenVideoIds"], serde_json::json!([]));
    let infos = done(
        &service,
        &key,
        &[("Action", "GetVideoInfos"), ("VideoIds", &named)],
    )
    .await;
    assert_eq!(infos["VideoList"][1]["Title"], "Two");
    service.stop().await;
}

#[tokio::test]
async fn several_videos_are_deleted_at_once_and_those_that_are_not_there_named() {
    let (_dir, service, key) = Running::alone(ManualClock::now()).await;
    let (one, two) = (service.publish().await, service.publish().await);
    let many = (0..21)
        .map(|n| format!("{n:032x}"))
        .collect::<Vec<_>>()
        .join(",");
    let media = service.play_url(&key, &one, "mp4").await;
    for action in ["GetVideoInfos", "DeleteVideo"] {
        refused(
            &service,
            &key,
            &[("Action", action)],
            400,
            "MissingParameter",
        )
        .await;
        refused(
            &service,
            &key,
            &[("Action", action), ("VideoIds", ",")],
            400,
            "MissingParameter",
        )
        .await;
        refused(
            &service,
            &key,
            &[("Action", action), ("VideoIds", &many)],
            400,
            "VideoIdsExceededMax",
        )
        .await;
    }
    refused(
        &service,
        &key,
        &[("Action", "DeleteVideo"), ("VideoIds", NOBODY)],
        404,
        "InvalidVideo.NotFound",
    )
    .await;
    let deleted = format!("{one},{NOBODY}");
    let deleted = done(
        &service,
        &key,
        &[("Action", "DeleteVideo"), ("VideoIds", &deleted)],
    )
    .await;
    assert_eq!(deleted["NonExistVideoIds"], serde_json::json!([NOBODY]));
    assert_eq!(service.get(&media, &[]).await.status, 404);
    let left = done(&service, &key, &[("Action", "GetVideoList")]).await;
    assert_eq!(ids(&left["VideoList"]["Video"]), [two.as_str()]);
    service.stop().await;
}

#[tokio::test]
async fn changes_that_can_not_be_made_change_nothing() {
    let (_dir, service, key, id) = with_a_video().await;
    let before = done(
        &service,
        &key,
        &[("Action", "GetVideoInfo"), ("VideoId", id.as_str())],
    )
    .await;
    let update = |more| {
        [
            ("Action", "UpdateVideoInfo"),
            ("VideoId", id.as_str()),
            more,
        ]
    };
    for (bad, status, code) in [
        (("CateId", "5"), 404, "InvalidCateId.NotFound"),
        (("CateId", "x"), 400, "InvalidParameter.CateId"),
        (("Title", &*"x".repeat(129)), 400, "LengthExceededMax"),
        (
            ("CoverURL", "file:///etc/passwd"),
            400,
            "InvalidParameter.CoverURL",
        ),
    ] {
        refused(&service, &key, &update(bad), status, code).await;
    }
    let nobody = [
        ("Action", "UpdateVideoInfo"),
        ("VideoId", NOBODY),
        ("Title", "x"),
    ];
    refused(&service, &key, &nobody, 404, "InvalidVideo.NotFound").await;
    let twice = format!(r#"[{{"VideoId":"{id}"}},{{"VideoId":"{id}"}}]"#);
    let nested = format!(r#"[{{"VideoId":"{id}","Title":["x"]}}]"#);
    let long = format!("[{}]", vec![r#"{"VideoId":"a"}"#; 21].join(","));
    for (content, code) in [
        ("{}", "InvalidParameter.UpdateContent"),
        ("[]", "InvalidParameter.UpdateContent"),
        ("[1]", "InvalidParameter.UpdateContent"),
        (&nested, "InvalidParameter.UpdateContent"),
        (&twice, "InvalidParameter.UpdateContent"),
        (r#"[{"Title":"x"}]"#, "MissingParameter"),
        (&long, "VideoIdsExceededMax"),
    ] {
        let update = [("Action", "UpdateVideoInfos"), ("UpdateContent", content)];
        refused(&service, &key, &update, 400, code).await;
    }
    let after = done(
        &service,
        &key,
        &[("Action", "GetVideoInfo"), ("VideoId", id.as_str())],
    )
    .await;
    assert_eq!(before["Video"], after["Video"]);
    service.stop().await;
}

#[tokio::test]
async fn nobody_sees_or_changes_more_than_the_policy_allows() {
    let (_dir, service, key) = Running::alone(ManualClock::now()).await;
    let (one, two) = (service.publish().await, service.publish().await);
    let both = format!("{one},{two}");
    // Everything, but nothing of the second video.
    let most = key_with(&service, &format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"vod:*","Resource":"*"}},{{"Effect":"Deny","Action":"*","Resource":"acs:vod:*:*:video/{two}"}}]}}"#
    )).await;
    let list = done(&service, &most, &[("Action", "GetVideoList")]).await;
    assert_eq!(
        (ids(&list["VideoList"]["Video"]), &list["Total"]),
        (vec![one.as_str()], &1.into())
    );
    let found = done(&service, &most, &[("Action", "SearchMedia")]).await;
    assert_eq!(found["Total"], 1);
    refused(
        &service,
        &most,
        &[("Action", "GetVideoInfos"), ("VideoIds", &both)],
        403,
        "Forbidden.RAM",
    )
    .await;
    let content =
        format!(r#"[{{"VideoId":"{one}","Title":"mine"}},{{"VideoId":"{two}","Title":"mine"}}]"#);
    let updated = done(
        &service,
        &most,
        &[("Action", "UpdateVideoInfos"), ("UpdateContent", &content)],
    )
    .await;
    assert_eq!(updated["ForbiddenVideoIds"], serde_json::json!([two]));
    let deleted = done(
        &service,
        &most,
        &[("Action", "DeleteVideo"), ("VideoIds", &both)],
    )
    .await;
    assert_eq!(deleted["ForbiddenVideoIds"], serde_json::json!([two]));
    let left = done(
        &service,
        &key,
        &[("Action", "GetVideoInfos"), ("VideoIds", &both)],
    )
    .await;
    assert_eq!(ids(&left["VideoList"]), [two.as_str()]);
    assert_eq!(left["VideoList"][0]["Title"], "<Title> & more");
    service.stop().await;
}

#[tokio::test]
async fn one_video_alone_is_no_right_to_look_through_the_library() {
    let (_dir, service, _, two) = with_a_video().await;
    let little = key_with(&service, &format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"vod:*","Resource":"acs:vod:*:*:video/{two}"}}]}}"#
    )).await;
    done(
        &service,
        &little,
        &[("Action", "GetVideoInfos"), ("VideoIds", two.as_str())],
    )
    .await;
    for call in [
        [("Action", "GetVideoList"), ("PageNo", "1")],
        [("Action", "SearchMedia"), ("PageNo", "1")],
        [("Action", "DeleteVideo"), ("VideoIds", NOBODY)],
        [("Action", "AddCategory"), ("CateName", "x")],
        [("Action", "GetCategories"), ("PageNo", "1")],
    ] {
        refused(&service, &little, &call, 403, "Forbidden.RAM").await;
    }
    service.stop().await;
}

#[tokio::test]
async fn who_may_read_may_not_write_and_a_viewer_may_do_neither() {
    let (_dir, service, key, two) = with_a_video().await;
    let reader = key_with(
        &service,
        r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"vod:Get*","Resource":"*"}]}"#,
    )
    .await;
    done(&service, &reader, &[("Action", "GetVideoList")]).await;
    for action in ["UpdateVideoInfo", "DeleteVideo"] {
        let call = [
            ("Action", action),
            ("VideoId", two.as_str()),
            ("VideoIds", two.as_str()),
        ];
        refused(&service, &reader, &call, 403, "Forbidden.RAM").await;
    }
    let (viewer, _) = service.play_auth(&key, &two).await;
    for action in [
        "GetVideoInfo",
        "GetVideoList",
        "DeleteVideo",
        "UpdateVideoInfo",
    ] {
        let call = [
            ("Action", action),
            ("VideoId", two.as_str()),
            ("VideoIds", two.as_str()),
        ];
        refused(&service, &viewer, &call, 403, "Forbidden.RAM").await;
    }
    service.stop().await;
}

#[tokio::test]
async fn shelves_lie_in_shelves_three_levels_deep_and_go_with_what_lies_in_them() {
    let (_dir, service, key, id) = with_a_video().await;
    let add = |name: &'static str, parent: String| {
        let (service, key) = (&service, &key);
        async move {
            let call = [
                ("Action", "AddCategory"),
                ("CateName", name),
                ("ParentId", &parent),
            ];
            let added = done(service, key, &call).await;
            added["Category"].clone()
        }
    };
    let top = add("Films", String::new()).await;
    assert_eq!(
        (&top["Level"], &top["ParentId"], &top["Type"]),
        (&0.into(), &(-1).into(), &"default".into())
    );
    let middle = add("Old", top["CateId"].to_string()).await;
    let last = add("Silent", middle["CateId"].to_string()).await;
    assert_eq!(last["Level"], 2);
    let (top_id, last_id) = (top["CateId"].to_string(), last["CateId"].to_string());
    let deeper = [
        ("Action", "AddCategory"),
        ("CateName", "x"),
        ("ParentId", &*last_id),
    ];
    refused(&service, &key, &deeper, 400, "LevelExceededMax").await;
    let rename = [
        ("Action", "UpdateCategory"),
        ("CateId", &*top_id),
        ("CateName", "Pictures"),
    ];
    done(&service, &key, &rename).await;
    let root = done(&service, &key, &[("Action", "GetCategories")]).await;
    assert_eq!(root["SubTotal"], 1);
    let sub = &root["SubCategories"]["Category"][0];
    assert_eq!(
        (&sub["CateName"], &sub["SubTotal"]),
        (&"Pictures".into(), &1.into())
    );
    let put = [
        ("Action", "UpdateVideoInfo"),
        ("VideoId", id.as_str()),
        ("CateId", &*last_id),
    ];
    done(&service, &key, &put).await;
    done(
        &service,
        &key,
        &[("Action", "DeleteCategory"), ("CateId", &top_id)],
    )
    .await;
    for gone in [&top_id, &last_id] {
        let call = [("Action", "GetCategories"), ("CateId", &**gone)];
        refused(&service, &key, &call, 404, "InvalidCateId.NotFound").await;
    }
    let info = done(
        &service,
        &key,
        &[("Action", "GetVideoInfo"), ("VideoId", id.as_str())],
    )
    .await;
    assert_eq!(info["Video"]["CateName"], Value::Null, "the video stays");
    service.stop().await;
}

#[tokio::test]
async fn what_is_no_shelf_is_refused_and_each_holds_a_hundred() {
    let (_dir, service, key) = Running::alone(ManualClock::now()).await;
    for (call, status, code) in [
        (
            [("Action", "AddCategory"), ("CateName", "")],
            400,
            "MissingParameter",
        ),
        (
            [("Action", "AddCategory"), ("CateName", &*"x".repeat(65))],
            400,
            "LengthExceededMax",
        ),
        (
            [("Action", "AddCategory"), ("CateName", "\u{202e}")],
            400,
            "InvalidParameter.CateName",
        ),
        (
            [("Action", "GetCategories"), ("Type", "material")],
            400,
            "InvalidParameter.Type",
        ),
        (
            [("Action", "UpdateCategory"), ("CateName", "x")],
            400,
            "MissingParameter",
        ),
        (
            [("Action", "DeleteCategory"), ("CateId", "-1")],
            404,
            "InvalidCateId.NotFound",
        ),
        (
            [("Action", "DeleteCategory"), ("CateId", "x")],
            400,
            "InvalidParameter.CateId",
        ),
    ] {
        refused(&service, &key, &call, status, code).await;
    }
    let nowhere = [
        ("Action", "AddCategory"),
        ("CateName", "x"),
        ("ParentId", "5"),
    ];
    refused(&service, &key, &nowhere, 404, "InvalidCateId.NotFound").await;
    for _ in 0..100 {
        done(
            &service,
            &key,
            &[("Action", "AddCategory"), ("CateName", "x")],
        )
        .await;
    }
    let full = [("Action", "AddCategory"), ("CateName", "x")];
    refused(&service, &key, &full, 400, "SubTotalExceededMax").await;
    service.stop().await;
}

#[tokio::test]
async fn everybody_may_ask_who_they_are() {
    let (_dir, service, key, id) = with_a_video().await;
    let ask = [("Action", "GetCallerIdentity"), ("Version", "2015-04-01")];
    let own = done(&service, &key, &ask).await;
    assert_eq!(own["Arn"], format!("acs:ram::1:key/{}", key.id));
    assert_eq!(
        (&own["AccountId"], &own["IdentityType"]),
        (&"1".into(), &"Account".into())
    );
    let session = Triple::of(&assume(&service, &key, &[]).await.json()["Credentials"]);
    let own = done(&service, &session, &ask).await;
    assert_eq!(own["Arn"], "acs:ram::1:role/player");
    assert_eq!(
        (&own["RoleId"], &own["IdentityType"]),
        (&"player".into(), &"AssumedRoleUser".into())
    );
    let nothing = key_with(
        &service,
        r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#,
    )
    .await;
    done(&service, &nothing, &ask).await;
    let (viewer, _) = service.play_auth(&key, &id).await;
    refused(&service, &viewer, &ask, 403, "Forbidden.RAM").await;
    service.stop().await;
}

/// A directory of the version before is brought up to this one, with all that is in it.
#[tokio::test]
async fn videos_of_an_older_directory_are_known_with_nothing_said_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (service, key) = Running::start(&data, Arc::new(ManualClock::now())).await;
    let (key, id) = (key.unwrap(), service.publish().await);
    let clock = service.clock.clone();
    service.stop().await;
    let database = format!("sqlite:{}", data.join("kinora.db").display());
    let pool = sqlx::SqlitePool::connect(&database).await.unwrap();
    for statement in [
        "DROP TABLE category",
        "ALTER TABLE video DROP COLUMN description",
        "ALTER TABLE video DROP COLUMN tags",
        "ALTER TABLE video DROP COLUMN cover_url",
        "ALTER TABLE video DROP COLUMN user_data",
        "ALTER TABLE video DROP COLUMN category_id",
        "ALTER TABLE video DROP COLUMN modified_ms",
        "UPDATE schema_version SET version = 2",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    pool.close().await;
    let (service, _) = Running::start(&data, clock).await;
    let info = done(
        &service,
        &key,
        &[("Action", "GetVideoInfo"), ("VideoId", id.as_str())],
    )
    .await;
    assert_eq!(info["Video"]["Title"], "<Title> & more");
    assert_eq!(info["Video"]["Description"], Value::Null);
    let videos = service.library.videos().await.unwrap();
    assert_eq!(videos[0].details, VideoDetails::default());
    service.stop().await;
}
