//! What is remembered: traits here, SQLite behind them. The SQL is kept to what other engines know, too.

mod failure;
mod nonces;
mod reserve;
mod sqlite;

use futures_util::future::BoxFuture;

use crate::domain::{
    AccessKey, AccountState, Policy, RefererRule, Rendition, Role, Trust, Video, VideoId,
    VideoStatus,
};
use crate::error::ServiceError;

pub(crate) use failure::errno;
pub(crate) use nonces::Nonces;
pub(crate) use reserve::Reserve;
#[cfg(test)]
pub(crate) use sqlite::FORGET_NONCES;
pub(crate) use sqlite::SqliteStore;

/// The answer of a store, when it comes.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, ServiceError>>;

/// The account, its keys, roles and rules, and the nonces that were used.
pub(crate) trait AccountStore: Send + Sync {
    fn account_state(&self) -> Answer<'_, AccountState>;
    fn set_account_state(&self, state: AccountState) -> Answer<'_, ()>;
    fn access_key<'a>(&'a self, id: &'a str) -> Answer<'a, Option<AccessKey>>;
    /// All keys, in the order of their ids.
    fn access_keys(&self) -> Answer<'_, Vec<AccessKey>>;
    fn has_access_key(&self) -> Answer<'_, bool>;
    fn put_access_key<'a>(&'a self, key: &'a AccessKey) -> Answer<'a, ()>;
    /// Changes what is given and nothing else. Whether there is such a key.
    fn update_access_key<'a>(
        &'a self,
        id: &'a str,
        policy: Option<&'a Policy>,
        active: Option<bool>,
    ) -> Answer<'a, bool>;
    /// Whether there was such a key.
    fn delete_access_key<'a>(&'a self, id: &'a str) -> Answer<'a, bool>;
    fn role<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Role>>;
    /// All roles, in the order of their names.
    fn roles(&self) -> Answer<'_, Vec<Role>>;
    fn put_role<'a>(&'a self, role: &'a Role) -> Answer<'a, ()>;
    /// Changes what is given and nothing else. Whether there is such a role.
    fn update_role<'a>(
        &'a self,
        name: &'a str,
        policy: Option<&'a Policy>,
        trust: Option<&'a Trust>,
    ) -> Answer<'a, bool>;
    /// Whether there was such a role.
    fn delete_role<'a>(&'a self, name: &'a str) -> Answer<'a, bool>;
    fn referer_rule(&self) -> Answer<'_, RefererRule>;
    fn set_referer_rule<'a>(&'a self, rule: &'a RefererRule) -> Answer<'a, ()>;
    /// Whether the nonce is new. Of all that ask at once with the same one, one hears yes.
    fn remember_nonce<'a>(
        &'a self,
        key_id: &'a str,
        nonce: &'a str,
        until_ms: i64,
    ) -> Answer<'a, bool>;
    /// Forgets nonces that had to be remembered until before that time: the oldest, and no more than so many at once. Says
    /// how many those were.
    fn forget_nonces(&self, before_ms: i64, at_most: u32) -> Answer<'_, u64>;
    /// Whether the nonce is remembered.
    fn has_nonce<'a>(&'a self, key_id: &'a str, nonce: &'a str) -> Answer<'a, bool>;
}

/// Videos and their renditions.
pub(crate) trait VideoStore: Send + Sync {
    fn insert_video<'a>(&'a self, video: &'a Video) -> Answer<'a, ()>;
    fn video<'a>(&'a self, id: &'a VideoId) -> Answer<'a, Option<Video>>;
    fn videos(&self) -> Answer<'_, Vec<Video>>;
    fn renditions<'a>(&'a self, id: &'a VideoId) -> Answer<'a, Vec<Rendition>>;
    /// Sets what an import found and made, all or nothing; the video must be in the making.
    fn finish_video<'a>(&'a self, video: &'a Video, renditions: &'a [Rendition]) -> Answer<'a, ()>;
    /// Takes the step if the video still stands where the caller saw it.
    fn step_video<'a>(
        &'a self,
        id: &'a VideoId,
        from: VideoStatus,
        to: VideoStatus,
    ) -> Answer<'a, bool>;
    /// Deletes a video that is in the making; whether there was one.
    fn delete_unfinished<'a>(&'a self, id: &'a VideoId) -> Answer<'a, bool>;
    /// Whether there was such a video.
    fn delete_video<'a>(&'a self, id: &'a VideoId) -> Answer<'a, bool>;
}
