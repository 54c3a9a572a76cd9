//! What each client asks for, and what its answers must hold. Most is asked twice: once by each of the client's methods.

use kinora::{Secret, VidAuth};
use kinora_faults::stage::{Stage, by_auth};
use kinora_faults::watch::Watch;
use kinora_service::{Policy, RamRole, TrustPolicy};

use crate::client::{Answer, Client, Key};

pub(crate) const VOD: &str = "2017-03-21";
pub(crate) const STS: &str = "2015-04-01";
pub(crate) const MPS: &str = "2014-06-18";
const NOBODY: &str = "5aed81b74ba84920be578cdfe004af4b";

/// One client, one fresh service.
pub(crate) fn all(mut client: Client) {
    let stage = Stage::new();
    client.start(&stage);
    let mut asked = Asked {
        own: Key {
            id: stage.key.id.clone(),
            secret: stage.key.secret.expose().to_owned(),
            token: None,
        },
        client,
        stage,
    };
    asked.temporary_keys();
    asked.playback();
    asked.identity();
    asked.shelves();
    asked.media();
    asked.refusals();
    asked.deleted();
    asked.client.report();
}

struct Asked {
    client: Client,
    stage: Stage,
    own: Key,
}

impl Asked {
    fn vod(&mut self, action: &str, params: &[(&str, &str)]) -> Answer {
        let key = self.own.clone();
        self.client.ask(&key, VOD, action, params)
    }

    fn assume(&mut self) -> Key {
        let role = [
            ("RoleArn", "acs:ram::1:role/viewer"),
            ("RoleSessionName", "vendors-client"),
            ("DurationSeconds", "900"),
        ];
        let reply = self.client.ask(&self.own, STS, "AssumeRole", &role);
        assert_eq!(
            reply.text("AssumedRoleUser.Arn"),
            "acs:ram::1:role/viewer/vendors-client"
        );
        reply.text("AssumedRoleUser.AssumedRoleId");
        assert!(reply.text("Credentials.Expiration").ends_with('Z'));
        reply.text("RequestId");
        Key {
            id: reply.text("Credentials.AccessKeyId"),
            secret: reply.text("Credentials.AccessKeySecret"),
            token: Some(reply.text("Credentials.SecurityToken")),
        }
    }

    fn temporary_keys(&mut self) {
        let role = RamRole {
            name: "viewer".into(),
            policy: Policy::allowing(&["vod:GetPlayInfo"]).unwrap(),
            trust: TrustPolicy::account(),
        };
        let put = self.stage.library.put_role(&role);
        self.stage.run(put).unwrap();
        for _ in 0..2 {
            let session = self.assume();
            self.played_by(&session);
            let other = self
                .client
                .ask(&session, VOD, "GetVideoInfo", &self.video_id().each());
            other.refused(403, "Forbidden.RAM");
        }
    }

    fn video_id(&self) -> VideoId {
        VideoId(self.stage.video.to_string())
    }

    fn played_by(&mut self, key: &Key) {
        let reply = self
            .client
            .ask(key, VOD, "GetPlayInfo", &self.video_id().each());
        assert_eq!(
            reply.text("VideoBase.VideoId"),
            self.stage.video.to_string()
        );
        assert_eq!(reply.text("VideoBase.Status"), "Normal");
        assert_eq!(reply.text("VideoBase.MediaType"), "video");
        reply.text("VideoBase.CoverURL");
        reply.text("VideoBase.CreationTime");
        reply.text("VideoBase.Title");
        assert!(
            reply
                .text("PlayInfoList.PlayInfo[].PlayURL")
                .starts_with("http://")
        );
        assert_eq!(reply.text("PlayInfoList.PlayInfo[].Status"), "Normal");
        assert_eq!(reply.number("PlayInfoList.PlayInfo[].Encrypt"), 0.0);
        for number in ["Width", "Height", "Size"] {
            let path = format!("PlayInfoList.PlayInfo[].{number}");
            assert!(reply.number(&path) > 0.0);
        }
        for field in ["Format", "Definition", "StreamType"] {
            reply.text(&format!("PlayInfoList.PlayInfo[].{field}"));
        }
    }

    fn playback(&mut self) {
        for _ in 0..2 {
            let video = self.video_id();
            let reply = self.vod("GetVideoPlayAuth", &video.each());
            assert_eq!(reply.text("VideoMeta.VideoId"), video.0);
            assert_eq!(reply.text("VideoMeta.Status"), "Normal");
            self.plays(&reply.text("PlayAuth"));
            let reply = self.vod("GetVideoInfo", &video.each());
            assert_eq!(reply.text("Video.VideoId"), video.0);
            assert!(reply.number("Video.Duration") > 0.0);
            assert!(reply.number("Video.Size") > 0.0);
            for field in ["Title", "Status", "CoverURL", "CreationTime"] {
                reply.text(&format!("Video.{field}"));
            }
        }
    }

    fn identity(&mut self) {
        for _ in 0..2 {
            let reply = self.client.ask(&self.own, STS, "GetCallerIdentity", &[]);
            assert_eq!(reply.text("Arn"), format!("acs:ram::1:key/{}", self.own.id));
            assert_eq!(reply.text("AccountId"), "1");
            assert_eq!(reply.text("IdentityType"), "Account");
            reply.text("PrincipalId");
        }
    }

    /// Makes a shelf, and takes it away again with the one in it.
    fn shelves(&mut self) {
        for _ in 0..2 {
            let added = self.vod("AddCategory", &[("CateName", "Films, «old»")]);
            assert_eq!(added.text("Category.CateName"), "Films, «old»");
            assert_eq!(added.number("Category.Level"), 0.0);
            assert_eq!(added.number("Category.ParentId"), -1.0);
            assert_eq!(added.text("Category.Type"), "default");
            let id = added.number("Category.CateId").to_string();
            let own = ("CateId", id.as_str());
            self.vod("AddCategory", &[("CateName", "Silent"), ("ParentId", &id)])
                .number("Category.CateId");
            self.vod("UpdateCategory", &[own, ("CateName", "Pictures")])
                .text("RequestId");
            let root = self.vod("GetCategories", &[]);
            assert_eq!(root.number("SubTotal"), 1.0);
            assert_eq!(root.number("SubCategories.Category[].SubTotal"), 1.0);
            assert_eq!(root.text("SubCategories.Category[].CateName"), "Pictures");
            let told = self.vod("GetCategories", &[own, ("PageSize", "1")]);
            assert_eq!(told.text("Category.CateName"), "Pictures");
            assert_eq!(told.count("SubCategories.Category"), 1);
            self.on_a_shelf(&id);
            self.vod("DeleteCategory", &[own]).text("RequestId");
            self.vod("GetCategories", &[own])
                .refused(404, "InvalidCateId.NotFound");
        }
    }

    /// What is said of a video is told by every call that tells of it.
    fn on_a_shelf(&mut self, shelf: &str) {
        let video = self.stage.video.to_string();
        let said = [
            ("VideoId", &*video),
            ("Title", "a b*~中+'()!"),
            ("Description", "long"),
            ("Tags", "one,two"),
            ("CateId", shelf),
            ("UserData", r#"{"a":"b c"}"#),
        ];
        self.vod("UpdateVideoInfo", &said).text("RequestId");
        for (action, params, at) in [
            ("GetVideoInfo", vec![("VideoId", &*video)], "Video"),
            ("GetVideoInfos", vec![("VideoIds", &*video)], "VideoList[]"),
            ("GetVideoList", vec![("CateId", shelf)], "VideoList.Video[]"),
        ] {
            let reply = self.vod(action, &params);
            let of = |field: &str| format!("{at}.{field}");
            assert_eq!(reply.text(&of("VideoId")), video);
            assert_eq!(reply.text(&of("Title")), "a b*~中+'()!");
            assert_eq!(reply.text(&of("Description")), "long");
            assert_eq!(reply.text(&of("Tags")), "one,two");
            assert_eq!(reply.text(&of("CateName")), "Pictures");
            assert_eq!(reply.number(&of("CateId")).to_string(), shelf);
            for field in [
                "Status",
                "CoverURL",
                "CreationTime",
                "ModificationTime",
                "AppId",
            ] {
                reply.text(&of(field));
            }
            assert!(reply.number(&of("Size")) > 0.0 && reply.number(&of("Duration")) > 0.0);
        }
    }

    /// Found, changed together, and one that is not there deleted: the video is needed by the rest.
    fn media(&mut self) {
        let video = self.stage.video.to_string();
        let both = format!("{video},{NOBODY}");
        for title in ["sea one", "sea two"] {
            let content = format!(
                r#"[{{"VideoId":"{video}","Title":"{title}"}},{{"VideoId":"{NOBODY}","Title":"x"}}]"#
            );
            let updated = self.vod("UpdateVideoInfos", &[("UpdateContent", &content)]);
            assert_eq!(updated.text("NonExistVideoIds[]"), NOBODY);
            let sought = format!("Title = '{title}' and Status = 'Normal'");
            let search = [
                ("Match", &*sought),
                ("Fields", "Title,Status"),
                ("SearchType", "video"),
            ];
            let found = self.vod("SearchMedia", &search);
            assert_eq!(found.number("Total"), 1.0);
            assert_eq!(found.text("MediaList[].MediaId"), video);
            assert_eq!(found.text("MediaList[].MediaType"), "video");
            assert_eq!(found.text("MediaList[].Video.Title"), title);
            let list = self.vod("GetVideoList", &[("Status", "Normal"), ("PageSize", "5")]);
            assert_eq!(list.number("Total"), 1.0);
            let infos = self.vod("GetVideoInfos", &[("VideoIds", &both)]);
            assert_eq!(infos.text("NonExistVideoIds[]"), NOBODY);
            self.vod("DeleteVideo", &[("VideoIds", NOBODY)])
                .refused(404, "InvalidVideo.NotFound");
        }
    }

    /// Last of all.
    fn deleted(&mut self) {
        let video = self.stage.video.to_string();
        let both = format!("{video},{NOBODY}");
        let deleted = self.vod("DeleteVideo", &[("VideoIds", &both)]);
        assert_eq!(deleted.text("NonExistVideoIds[]"), NOBODY);
        self.vod("GetVideoInfo", &[("VideoId", &video)])
            .refused(404, "InvalidVideo.NotFound");
    }

    /// What the SDK got opens the video for our player.
    fn plays(&self, play_auth: &str) {
        let mut watch = Watch::plain();
        watch.open(by_auth(VidAuth {
            play_auth: Secret::new(play_auth),
            ..self.stage.auth()
        }));
        watch.first_frame();
    }

    fn refusals(&mut self) {
        let wrong = Key {
            secret: "wrong".into(),
            ..self.own.clone()
        };
        let unknown = Key {
            id: "KN0".into(),
            ..self.own.clone()
        };
        let own = self.own.clone();
        let nobody = [("VideoId", NOBODY)];
        let badly = [("VideoId", NOBODY), ("Formats", "avi")];
        for _ in 0..2 {
            let mut ask = |key, params: &[_]| self.client.ask(key, VOD, "GetPlayInfo", params);
            ask(&own, &nobody).refused(404, "InvalidVideo.NotFound");
            ask(&own, &badly).refused(400, "InvalidParameter.Formats");
            ask(&own, &[]).refused(400, "MissingParameter");
            ask(&wrong, &nobody).refused(400, "SignatureDoesNotMatch");
            ask(&unknown, &nobody).refused(404, "InvalidAccessKeyId.NotFound");
        }
        for _ in 0..2 {
            let top = [("BizDate", "2026-01-01T00:00:00Z")];
            let reply = self.vod("DescribePlayTopVideos", &top);
            reply.refused(404, "InvalidAction.NotFound");
            if self.client.knows(MPS) {
                let jobs = [("JobIds", NOBODY)];
                let reply = self.client.ask(&own, MPS, "QueryJobList", &jobs);
                reply.refused(404, "InvalidAction.NotFound");
            }
        }
    }
}

/// As a parameter of nearly every call.
struct VideoId(String);

impl VideoId {
    fn each(&self) -> [(&str, &str); 1] {
        [("VideoId", &self.0)]
    }
}
