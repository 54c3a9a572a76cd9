//! A request as the actions see it: checked, with what its caller may do and the address that the client used.

use std::ops::RangeInclusive;

use crate::context::AppState;
use crate::domain::{
    AccessRequest, Action, ApiError, ApiErrorCode, Caller, ConditionContext, Params, Resource,
    Video, VideoId, media_path, sign_path,
};

/// Lifetime of a media URL in seconds, where AuthTimeout does not say.
pub(super) const URL_TIMEOUT_S: i64 = 3600;
/// Ids that one call may name.
const MAX_IDS: usize = 20;

pub(super) struct Call<'a> {
    pub(super) state: &'a AppState,
    pub(super) action: Action,
    pub(super) params: &'a Params,
    pub(super) caller: Caller,
    /// What conditions of policies are about.
    pub(super) context: ConditionContext,
    pub(super) key_id: &'a str,
    pub(super) base_url: String,
    pub(super) now_ms: i64,
}

impl Call<'_> {
    /// A parameter that is there and not empty; one of those that the action is documented to go by.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        debug_assert!(self.action.takes(name), "{name} is in no table of actions");
        self.params.get(name)
    }
    /// A parameter that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).ok_or_else(|| ApiError::missing(name))
    }

    /// Whether all that the caller's credential comes from allow the action on that.
    pub(super) fn may(&self, resource: &Resource) -> bool {
        self.caller.may(AccessRequest {
            action: self.action.permission(),
            resource,
            context: &self.context,
        })
    }
    pub(super) fn may_see(&self, video: &VideoId) -> bool {
        self.may(&Resource::video(&self.state.region, video.as_str()))
    }
    pub(super) fn must_be_allowed(&self, resource: &Resource) -> Result<(), ApiError> {
        match self.may(resource) {
            true => Ok(()),
            false => Err(self.forbidden(resource)),
        }
    }
    pub(super) fn forbidden(&self, resource: &Resource) -> ApiError {
        let refusal = ApiErrorCode::ForbiddenRam.because(format!(
            "This credential may not do {}. Every policy that it comes from must allow it: those of the key, the roles and the sessions.",
            self.action.permission()
        ));
        refusal.echoing(" It was asked to do it on ", &resource.to_string())
    }

    /// A whole number of seconds.
    pub(super) fn seconds(
        &self,
        name: &'static str,
        default: i64,
        range: &RangeInclusive<i64>,
    ) -> Result<i64, ApiError> {
        self.whole(name, "whole number of seconds", default, range)
    }
    fn whole(
        &self,
        name: &'static str,
        what: &str,
        default: i64,
        range: &RangeInclusive<i64>,
    ) -> Result<i64, ApiError> {
        let Some(text) = self.get(name) else {
            return Ok(default);
        };
        // Rust reads a sign as well.
        let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        digits
            .and_then(|text| text.parse().ok())
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                let (from, to) = (range.start(), range.end());
                ApiError::invalid(name, format!("it must be a {what} from {from} to {to}."))
            })
    }
    /// A list with commas between.
    pub(super) fn list<T>(
        &self,
        name: &'static str,
        parse: fn(&str) -> Option<T>,
        known: &str,
    ) -> Result<Vec<T>, ApiError> {
        let Some(text) = self.get(name) else {
            return Ok(Vec::new());
        };
        text.split(',')
            .map(|word| {
                parse(word.trim()).ok_or_else(|| {
                    ApiError::invalid(
                        name,
                        format!("it must be a comma-separated list of {known}."),
                    )
                })
            })
            .collect()
    }
    /// `VideoIds`: each once.
    pub(super) fn ids(&self) -> Result<Vec<String>, ApiError> {
        let mut ids: Vec<String> = Vec::new();
        for id in self.required("VideoIds")?.split(',').map(str::trim) {
            if !id.is_empty() && !ids.iter().any(|known| known == id) {
                ids.push(id.to_owned());
            }
            must_be_few(ids.len())?;
        }
        match ids.is_empty() {
            false => Ok(ids),
            true => Err(ApiError::missing("VideoIds")),
        }
    }
    /// `PageNo` and `PageSize`.
    pub(super) fn page<T>(&self) -> Result<Page<T>, ApiError> {
        let number = self.whole("PageNo", "whole number", 1, &(1..=i64::from(u32::MAX)))?;
        let size = self.whole("PageSize", "whole number", 10, &(1..=100))?;
        let whole = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(Page {
            begin: whole((number - 1).saturating_mul(size)),
            size: whole(size),
            total: 0,
            items: Vec::new(),
        })
    }
    /// `SortBy`: whether the newest come first.
    pub(super) fn newest_first(&self) -> Result<bool, ApiError> {
        match self.get("SortBy") {
            None | Some("CreationTime:Desc") => Ok(true),
            Some("CreationTime:Asc") => Ok(false),
            Some(_) => Err(ApiError::invalid(
                "SortBy",
                "it must be CreationTime:Desc or CreationTime:Asc.",
            )),
        }
    }

    /// The video of that id, for a caller who may see it.
    pub(super) async fn find_video(&self) -> Result<Video, ApiError> {
        let id = VideoId::parse(self.required("VideoId")?);
        if let Some(only) = self.caller.only_video()
            && id.as_ref() != Some(only)
        {
            return Err(ApiErrorCode::ForbiddenRam.because("This credential is for another video."));
        }
        let id = id.ok_or_else(video_not_found)?;
        let found = self.state.core.videos.video(&id).await?;
        found.ok_or_else(video_not_found)
    }

    pub(super) fn media_url(
        &self,
        id: &VideoId,
        file: &str,
        until_s: i64,
        token: Option<&str>,
    ) -> String {
        let path = media_path(id, file);
        let key = sign_path(&self.state.url_key, &path, until_s);
        let mut url = format!("{}{path}?auth_key={key}", self.base_url);
        if let Some(token) = token {
            url.push('&');
            url.push_str(
                &url::form_urlencoded::Serializer::new(String::new())
                    .append_pair("MtsHlsUriToken", token)
                    .finish(),
            );
        }
        url
    }
    /// The picture that was made of the video; empty if there is none.
    pub(super) fn snapshot_url(&self, video: &Video, until_s: i64) -> Option<String> {
        let cover = video.cover.as_ref()?;
        Some(self.media_url(&video.id, cover, until_s, None))
    }
    /// The picture that somebody chose for the video, or the one that was made of it.
    pub(super) fn cover_url(&self, video: &Video, until_s: i64) -> String {
        match video.details.cover_url.as_str() {
            "" => self.snapshot_url(video, until_s).unwrap_or_default(),
            chosen => chosen.to_owned(),
        }
    }
    /// When a media URL with that lifetime expires.
    pub(super) fn url_expiry_s(&self, timeout_s: i64, duration_s: f64) -> i64 {
        let now_s = self.now_ms.div_euclid(1000);
        let asked_s = now_s.saturating_add(timeout_s);
        self.caller.url_expiry_s(asked_s, now_s, duration_s)
    }
}

/// One page of a list, as its items pass by.
pub(super) struct Page<T> {
    begin: usize,
    size: usize,
    pub(super) total: usize,
    pub(super) items: Vec<T>,
}

impl<T> Page<T> {
    pub(super) fn see(&mut self, item: T) {
        if self.total >= self.begin && self.items.len() < self.size {
            self.items.push(item);
        }
        self.total = self.total.saturating_add(1);
    }
}

pub(super) fn must_be_few(ids: usize) -> Result<(), ApiError> {
    match ids <= MAX_IDS {
        true => Ok(()),
        false => Err(ApiErrorCode::VideoIdsExceededMax.because(format!(
            "The VideoIds exceeded maximum: name at most {MAX_IDS} in a call."
        ))),
    }
}

pub(super) fn video_not_found() -> ApiError {
    ApiErrorCode::VideoNotFound
        .because("There is no video with this VideoId. Check the id and the region or endpoint.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_keeps_its_own_items_and_counts_all() {
        let mut page = Page {
            begin: 2,
            size: 2,
            total: 0,
            items: Vec::new(),
        };
        (0..7).for_each(|item| page.see(item));
        assert_eq!((page.items, page.total), (vec![2, 3], 7));
    }
}
