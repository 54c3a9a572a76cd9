//! What is known of videos: told, found, changed, deleted.

use kinora_cloud::UnixTime;
use serde_json::{Map, Value, json};

use super::call::{Call, Page, URL_TIMEOUT_S, must_be_few, video_not_found};
use crate::domain::{
    ApiError, ApiErrorCode, Category, ROOT_ID, Resource, Search, Video, VideoChange, VideoId,
    VideoStatus, rounded,
};

/// The one application of a service.
const APP_ID: &str = "app-1000000";

/// What all replies tell of a video; snapshots are told apart, for each call has its own form of them.
async fn describe(call: &Call<'_>, video: &Video) -> Result<Map<String, Value>, ApiError> {
    let details = &video.details;
    let until_s = call.url_expiry_s(URL_TIMEOUT_S, video.duration_s);
    let time = |ms| UnixTime::from_millis(ms).to_string();
    let mut told = Map::new();
    let mut tell = |name: &str, value: Value| told.insert(name.to_owned(), value);
    tell("AppId", APP_ID.into());
    tell("VideoId", video.id.as_str().into());
    tell("Title", video.title.as_str().into());
    tell("Status", video.status.as_str().into());
    tell("Duration", rounded(video.duration_s, 4).into());
    tell("Size", video.size.into());
    tell("CoverURL", call.cover_url(video, until_s).into());
    tell("CreationTime", time(video.created_ms).into());
    let modified_ms = details.modified_ms.unwrap_or(video.created_ms);
    tell("ModificationTime", time(modified_ms).into());
    for (name, text) in [
        ("Description", &details.description),
        ("Tags", &details.tags),
        ("UserData", &details.user_data),
    ] {
        if !text.is_empty() {
            tell(name, text.as_str().into());
        }
    }
    if let Some(id) = details.category_id
        && let Some(category) = call.state.core.videos.category(id).await?
    {
        tell("CateId", id.into());
        tell("CateName", category.name.into());
    }
    Ok(told)
}

fn snapshots(call: &Call<'_>, video: &Video) -> Vec<String> {
    let until_s = call.url_expiry_s(URL_TIMEOUT_S, video.duration_s);
    call.snapshot_url(video, until_s).into_iter().collect()
}

fn with(mut told: Map<String, Value>, name: &str, value: Value) -> Value {
    told.insert(name.to_owned(), value);
    told.into()
}

pub(super) async fn get_video_info(call: &Call<'_>) -> Result<Value, ApiError> {
    let video = call.find_video().await?;
    let snapshots = json!({ "Snapshot": snapshots(call, &video) });
    let told = with(describe(call, &video).await?, "Snapshots", snapshots);
    Ok(json!({ "Video": told }))
}

/// The videos that a call names.
struct Named {
    found: Vec<Video>,
    /// Ids of none.
    missing: Vec<String>,
    /// Ids of those that the caller may not do this to, whether they are there or not.
    forbidden: Vec<String>,
}

/// Sorts what is named. Who may do it to none of them is refused.
async fn named(call: &Call<'_>, ids: Vec<String>) -> Result<Named, ApiError> {
    let mut named = Named {
        found: Vec::new(),
        missing: Vec::new(),
        forbidden: Vec::new(),
    };
    let count = ids.len();
    for text in ids {
        let id = VideoId::parse(&text);
        let known = id.as_ref().map_or("", VideoId::as_str);
        if !call.may(&Resource::video(&call.state.region, known)) {
            named.forbidden.push(text);
            continue;
        }
        let found = match &id {
            Some(id) => call.state.core.videos.video(id).await?,
            None => None,
        };
        match found {
            Some(video) => named.found.push(video),
            None => named.missing.push(text),
        }
    }
    if named.forbidden.len() == count {
        let first = named.forbidden.first().and_then(|id| VideoId::parse(id));
        let first = first.as_ref().map_or("", VideoId::as_str);
        return Err(call.forbidden(&Resource::video(&call.state.region, first)));
    }
    Ok(named)
}

pub(super) async fn get_video_infos(call: &Call<'_>) -> Result<Value, ApiError> {
    let named = named(call, call.ids()?).await?;
    if let Some(id) = named.forbidden.first() {
        let id = VideoId::parse(id);
        let id = id.as_ref().map_or("", VideoId::as_str);
        return Err(call.forbidden(&Resource::video(&call.state.region, id)));
    }
    let mut list = Vec::new();
    for video in &named.found {
        let snapshots = json!(snapshots(call, video));
        list.push(with(describe(call, video).await?, "Snapshots", snapshots));
    }
    Ok(json!({
        "VideoList": list,
        "NonExistVideoIds": named.missing,
        "NonExistReferenceIds": [],
    }))
}

fn time(call: &Call<'_>, name: &'static str) -> Result<Option<i64>, ApiError> {
    let parse = |text| {
        UnixTime::parse(text).map(UnixTime::seconds).ok_or_else(|| {
            ApiError::invalid(name, "it must be UTC in the form 2017-10-10T12:02:54Z.")
        })
    };
    call.get(name).map(parse).transpose()
}

pub(super) async fn get_video_list(call: &Call<'_>) -> Result<Value, ApiError> {
    let statuses = call.list("Status", VideoStatus::parse, "statuses of videos")?;
    let category = call.get("CateId");
    let category = category.map(|id| Category::parse_id("CateId", id));
    let category = category.transpose()?.filter(|id| *id != ROOT_ID);
    let (start, end) = (time(call, "StartTime")?, time(call, "EndTime")?);
    if let (Some(start), Some(end)) = (start, end)
        && end <= start
    {
        return Err(ApiError::invalid(
            "EndTime",
            "it must be later than StartTime.",
        ));
    }
    let wanted = |video: &Video| {
        let created_s = UnixTime::from_millis(video.created_ms).seconds();
        (statuses.is_empty() || statuses.contains(&video.status))
            && category.is_none_or(|id| video.details.category_id == Some(id))
            && start.is_none_or(|start| created_s >= start)
            && end.is_none_or(|end| created_s <= end)
    };
    let page = find(call, wanted).await?;
    let mut list = Vec::new();
    for video in &page.items {
        let snapshots = json!({ "Snapshot": snapshots(call, video) });
        list.push(with(describe(call, video).await?, "Snapshots", snapshots));
    }
    Ok(json!({ "Total": page.total, "VideoList": { "Video": list } }))
}

/// One page of the videos that are wanted, of those that the caller may see.
async fn find(
    call: &Call<'_>,
    wanted: impl Fn(&Video) -> bool + Sync,
) -> Result<Page<Video>, ApiError> {
    let mut page = call.page()?;
    let newest_first = call.newest_first()?;
    let videos = &call.state.core.videos;
    let see = &mut |video: Video| {
        if wanted(&video) && call.may_see(&video.id) {
            page.see(video);
        }
    };
    videos.each_video(newest_first, see).await?;
    Ok(page)
}

pub(super) async fn search_media(call: &Call<'_>) -> Result<Value, ApiError> {
    let search = call.get("Match").map(Search::parse).transpose()?;
    let search = search.unwrap_or_default();
    // Of the other kinds nothing is kept here.
    let are_videos = match call.get("SearchType") {
        None | Some("video") => true,
        Some("audio" | "image" | "attached") => false,
        Some(_) => {
            return Err(ApiError::invalid(
                "SearchType",
                "it must be video, audio, image or attached.",
            ));
        }
    };
    let fields: Vec<&str> = call
        .get("Fields")
        .map(|fields| fields.split(',').map(str::trim).collect())
        .unwrap_or_default();
    let page = find(call, |video| are_videos && search.finds(video)).await?;
    let mut list = Vec::new();
    for video in &page.items {
        let mut told = describe(call, video).await?;
        told.insert("Snapshots".to_owned(), json!(snapshots(call, video)));
        told.retain(|name, _| name == "VideoId" || fields.contains(&name.as_str()));
        list.push(json!({
            "MediaId": video.id,
            "MediaType": "video",
            "CreationTime": UnixTime::from_millis(video.created_ms).to_string(),
            "Video": told,
        }));
    }
    Ok(json!({ "Total": page.total, "MediaList": list }))
}

/// Makes a change that was read; whether the video was there.
async fn apply(call: &Call<'_>, id: &VideoId, change: &VideoChange) -> Result<bool, ApiError> {
    let videos = &call.state.core.videos;
    if let Some(category) = change.category_id.filter(|id| *id != ROOT_ID)
        && videos.category(category).await?.is_none()
    {
        return Err(Category::not_found());
    }
    Ok(videos.change_video(id, change, call.now_ms).await?)
}

pub(super) async fn update_video_info(call: &Call<'_>) -> Result<Value, ApiError> {
    let change = VideoChange::read(|name| call.get(name))?;
    let video = call.find_video().await?;
    match apply(call, &video.id, &change).await? {
        true => Ok(json!({})),
        false => Err(video_not_found()),
    }
}

const UPDATE_CONTENT: &str = "UpdateContent";

/// The parameter UpdateContent: for each video what is to be said of it.
fn update_content(text: &str) -> Result<Vec<(String, VideoChange)>, ApiError> {
    let form = || {
        ApiError::invalid(
            UPDATE_CONTENT,
            "it must be a JSON list of objects with a VideoId and text, or a number for CateId.",
        )
    };
    let items: Vec<Map<String, Value>> = serde_json::from_str(text).map_err(|_| form())?;
    must_be_few(items.len())?;
    let mut changes: Vec<(String, VideoChange)> = Vec::new();
    for item in items {
        let mut given = Vec::new();
        for (name, value) in item {
            let value = match value {
                Value::Null => continue,
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                _ => return Err(form()),
            };
            given.push((name, value));
        }
        let get = |wanted: &str| {
            let mut given = given.iter();
            let found = given.find(|(name, value)| name == wanted && !value.is_empty());
            found.map(|(_, value)| value.as_str())
        };
        let id = get("VideoId").ok_or_else(|| ApiError::missing("VideoId"))?;
        if changes.iter().any(|(known, _)| known == id) {
            return Err(ApiError::invalid(UPDATE_CONTENT, "a video is in it twice."));
        }
        changes.push((id.to_owned(), VideoChange::read(get)?));
    }
    match changes.is_empty() {
        false => Ok(changes),
        true => Err(form()),
    }
}

pub(super) async fn update_video_infos(call: &Call<'_>) -> Result<Value, ApiError> {
    let changes = update_content(call.required(UPDATE_CONTENT)?)?;
    let ids = changes.iter().map(|(id, _)| id.clone()).collect();
    let mut named = named(call, ids).await?;
    for video in &named.found {
        let change = changes.iter().find(|(id, _)| id == video.id.as_str());
        let Some((id, change)) = change else { continue };
        if !apply(call, &video.id, change).await? {
            named.missing.push(id.clone());
        }
    }
    Ok(json!({
        "NonExistVideoIds": named.missing,
        "NonExistReferenceIds": [],
        "ForbiddenVideoIds": named.forbidden,
    }))
}

pub(super) async fn delete_video(call: &Call<'_>) -> Result<Value, ApiError> {
    let mut named = named(call, call.ids()?).await?;
    if named.found.is_empty() {
        return Err(ApiErrorCode::VideoNotFound
            .because("The video does not exist: there is none of these VideoIds."));
    }
    for video in &named.found {
        if !call.state.core.delete_video(&video.id).await? {
            named.missing.push(video.id.to_string());
        }
    }
    Ok(json!({
        "NonExistVideoIds": named.missing,
        "NonExistReferenceIds": [],
        "ForbiddenVideoIds": named.forbidden,
    }))
}
