//! What the gateway does, once a request is known to be genuine: on what, and by whom it is answered.

use serde_json::Value;

use super::call::Call;
use super::{categories, media, playback, sts};
use crate::domain::{Action, ApiError, Category, Params, ROOT_ID, Resource, VideoId};

/// What an action is done to, where the gateway itself can tell. Of an id that can not exist nothing is left to ask about.
pub(super) enum Target {
    One(Resource),
    /// Several, of which the action asks for each.
    Each,
    /// The caller.
    Oneself,
}

pub(super) fn target(action: Action, region: &str, params: &Params) -> Target {
    let given = |name| params.get(name).unwrap_or_default();
    let shelf = |name| {
        let id = Category::parse_id("CateId", given(name)).ok();
        Resource::category(region, id.filter(|id| *id != ROOT_ID))
    };
    Target::One(match action {
        Action::GetPlayInfo
        | Action::GetVideoPlayAuth
        | Action::GetVideoInfo
        | Action::UpdateVideoInfo => {
            let id = VideoId::parse(given("VideoId"));
            Resource::video(region, id.as_ref().map_or("", VideoId::as_str))
        }
        // Beside the right to look through the library none is shown that may not be seen.
        Action::GetVideoList | Action::SearchMedia => Resource::video(region, ""),
        Action::GetVideoInfos | Action::UpdateVideoInfos | Action::DeleteVideo => {
            return Target::Each;
        }
        Action::AddCategory => shelf("ParentId"),
        Action::UpdateCategory | Action::DeleteCategory | Action::GetCategories => shelf("CateId"),
        Action::AssumeRole => Resource::role(sts::role_name(given("RoleArn")).unwrap_or_default()),
        Action::GetCallerIdentity => return Target::Oneself,
    })
}

pub(super) async fn run(call: &Call<'_>) -> Result<Value, ApiError> {
    match call.action {
        Action::GetPlayInfo => playback::get_play_info(call).await,
        Action::GetVideoPlayAuth => playback::get_video_play_auth(call).await,
        Action::GetVideoInfo => media::get_video_info(call).await,
        Action::GetVideoInfos => media::get_video_infos(call).await,
        Action::GetVideoList => media::get_video_list(call).await,
        Action::SearchMedia => media::search_media(call).await,
        Action::UpdateVideoInfo => media::update_video_info(call).await,
        Action::UpdateVideoInfos => media::update_video_infos(call).await,
        Action::DeleteVideo => media::delete_video(call).await,
        Action::AddCategory => categories::add_category(call).await,
        Action::UpdateCategory => categories::update_category(call).await,
        Action::DeleteCategory => categories::delete_category(call).await,
        Action::GetCategories => categories::get_categories(call).await,
        Action::AssumeRole => sts::assume_role(call).await,
        Action::GetCallerIdentity => sts::get_caller_identity(call),
    }
}
