//! What is remembered: traits here, SQLite behind them. The SQL is kept to what other engines know, too.

mod failure;
mod nonces;
mod reserve;
mod sqlite;

use futures_util::future::BoxFuture;

use crate::domain::{
    AccessKey, AccountState, Category, Policy, RamRole, RefererRule, Rendition, TrustPolicy, Video,
    VideoChange, VideoId, VideoStatus,
};
use crate::error::ServiceError;

pub(crate) use nonces::Nonces;
pub(crate) use reserve::Reserve;
#[cfg(test)]
pub(crate) use sqlite::FORGET_NONCES;
pub(crate) use sqlite::SqliteStore;

/// The answer of a store, when it comes.
pub(crate) type StoreFuture<'a, T> = BoxFuture<'a, Result<T, ServiceError>>;

/// The account, its keys, roles and rules, and the nonces that were used.
pub(crate) trait AccountStore: Send + Sync {
    fn account_state(&self) -> StoreFuture<'_, AccountState>;
    fn set_account_state(&self, state: AccountState) -> StoreFuture<'_, ()>;
    fn access_key<'a>(&'a self, id: &'a str) -> StoreFuture<'a, Option<AccessKey>>;
    /// All keys, in the order of their ids.
    fn access_keys(&self) -> StoreFuture<'_, Vec<AccessKey>>;
    fn has_access_key(&self) -> StoreFuture<'_, bool>;
    fn put_access_key<'a>(&'a self, key: &'a AccessKey) -> StoreFuture<'a, ()>;
    /// Changes what is given and nothing else. Whether there is such a key.
    fn update_access_key<'a>(
        &'a self,
        id: &'a str,
        policy: Option<&'a Policy>,
        active: Option<bool>,
    ) -> StoreFuture<'a, bool>;
    /// Whether there was such a key.
    fn delete_access_key<'a>(&'a self, id: &'a str) -> StoreFuture<'a, bool>;
    fn role<'a>(&'a self, name: &'a str) -> StoreFuture<'a, Option<RamRole>>;
    /// All roles, in the order of their names.
    fn roles(&self) -> StoreFuture<'_, Vec<RamRole>>;
    fn put_role<'a>(&'a self, role: &'a RamRole) -> StoreFuture<'a, ()>;
    /// Changes what is given and nothing else. Whether there is such a role.
    fn update_role<'a>(
        &'a self,
        name: &'a str,
        policy: Option<&'a Policy>,
        trust: Option<&'a TrustPolicy>,
    ) -> StoreFuture<'a, bool>;
    /// Whether there was such a role.
    fn delete_role<'a>(&'a self, name: &'a str) -> StoreFuture<'a, bool>;
    fn referer_rule(&self) -> StoreFuture<'_, RefererRule>;
    fn set_referer_rule<'a>(&'a self, rule: &'a RefererRule) -> StoreFuture<'a, ()>;
    /// Whether the nonce is new. Of all that ask at once with the same one, one hears yes.
    fn remember_nonce<'a>(
        &'a self,
        key_id: &'a str,
        nonce: &'a str,
        until_ms: i64,
    ) -> StoreFuture<'a, bool>;
    /// Forgets nonces that had to be remembered until before that time: the oldest, and no more than so many at once. Says
    /// how many those were.
    fn forget_nonces(&self, before_ms: i64, at_most: u32) -> StoreFuture<'_, u64>;
    /// Whether the nonce is remembered.
    fn has_nonce<'a>(&'a self, key_id: &'a str, nonce: &'a str) -> StoreFuture<'a, bool>;
}

/// Videos and their renditions.
pub(crate) trait VideoStore: Send + Sync {
    fn insert_video<'a>(&'a self, video: &'a Video) -> StoreFuture<'a, ()>;
    fn video<'a>(&'a self, id: &'a VideoId) -> StoreFuture<'a, Option<Video>>;
    fn videos(&self) -> StoreFuture<'_, Vec<Video>>;
    fn renditions<'a>(&'a self, id: &'a VideoId) -> StoreFuture<'a, Vec<Rendition>>;
    /// Sets what an import found and made, all or nothing; the video must be in the making.
    fn finish_video<'a>(
        &'a self,
        video: &'a Video,
        renditions: &'a [Rendition],
    ) -> StoreFuture<'a, ()>;
    /// Takes the step if the video still stands where the caller saw it.
    fn transition_video<'a>(
        &'a self,
        id: &'a VideoId,
        from: VideoStatus,
        to: VideoStatus,
    ) -> StoreFuture<'a, bool>;
    /// Deletes a video that is in the making; whether there was one.
    fn delete_unfinished<'a>(&'a self, id: &'a VideoId) -> StoreFuture<'a, bool>;
    /// Whether there was such a video.
    fn delete_video<'a>(&'a self, id: &'a VideoId) -> StoreFuture<'a, bool>;
    /// Shows all videos, one after the other, by the time when they were made.
    fn each_video<'a>(
        &'a self,
        newest_first: bool,
        see: &'a mut (dyn FnMut(Video) + Send),
    ) -> StoreFuture<'a, ()>;
    /// Changes what is given and nothing else. Whether there is such a video.
    fn change_video<'a>(
        &'a self,
        id: &'a VideoId,
        change: &'a VideoChange,
        now_ms: i64,
    ) -> StoreFuture<'a, bool>;
    fn category(&self, id: i64) -> StoreFuture<'_, Option<Category>>;
    /// What lies in a category, or in the root.
    fn subcategories(&self, parent_id: i64, newest_first: bool) -> StoreFuture<'_, Vec<Category>>;
    /// Whether it could be added: its parent is there, holds fewer than so many, and nobody has its id.
    fn add_category<'a>(
        &'a self,
        category: &'a Category,
        fewer_than: usize,
    ) -> StoreFuture<'a, bool>;
    /// Whether there is such a category.
    fn rename_category<'a>(&'a self, id: i64, name: &'a str) -> StoreFuture<'a, bool>;
    /// Deletes a category with all that lie in it; their videos lie in none then. Whether there was such a category.
    fn delete_category(&self, id: i64) -> StoreFuture<'_, bool>;
}
