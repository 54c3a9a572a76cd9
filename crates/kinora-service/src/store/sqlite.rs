use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{FutureExt as _, TryStreamExt as _};
use kinora_errors::Secret;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Connection as _, Row as _, Sqlite};
use tokio::time::{Instant, sleep};

use super::{AccountStore, StoreFuture, VideoStore, failure};
use crate::crypto::{MasterKey, random};
use crate::domain::{
    AccessKey, AccountState, Category, Format, MAX_SUBCATEGORIES, Policy, RamRole, RefererRule,
    Rendition, RenditionEncryption, TrustPolicy, Video, VideoChange, VideoDetails, VideoId,
    VideoStatus, clean_title, parse_definition,
};
use crate::error::{BUSY, ServiceError, primary_code};

/// The n-th entry leads from version n to n + 1. Entries are only ever added.
const MIGRATIONS: &[&str] = &[
    include_str!("schema_1.sql"),
    include_str!("schema_2_trust.sql"),
    include_str!("schema_3_media.sql"),
];
const READERS: u32 = 4;
/// Another program is waited for so long.
const PATIENCE: Duration = Duration::from_secs(15);
/// Where SQLite does not wait itself it is asked again after that.
const AGAIN: Duration = Duration::from_millis(20);
/// Deletes by the key of what the index of times finds: no step of it looks through the table.
pub(crate) const FORGET_NONCES: &str = "DELETE FROM nonce WHERE (key_id, nonce) IN \
     (SELECT key_id, nonce FROM nonce WHERE until_ms < $1 ORDER BY until_ms LIMIT $2)";
const ACCOUNT_STATE: &str = "account_state";
const REFERER_RULE: &str = "referer_rule";
const MASTER_KEY: &str = "master_key";
const LIBRARY_ID: &str = "library_id";

/// The database of a data directory. One connection writes, so that writers of this process queue instead of
/// contending; other processes are waited for.
pub(crate) struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the database, makes or updates its tables; gives back the service's key with it.
    pub(crate) async fn open(file: &Path) -> Result<(Self, MasterKey), ServiceError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(PATIENCE);
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(PATIENCE)
                // With its last connection SQLite gives its log up, and needs room to make it again: on a full disk
                // nothing could be read any more.
                .idle_timeout(None)
                .max_lifetime(None)
                .connect_lazy_with(options.clone())
        };
        let store = Self {
            writer: pool(1),
            readers: pool(READERS),
        };
        match store.migrate(file).await {
            Ok(master) => Ok((store, master)),
            Err(error) => {
                store.close().await;
                Err(error)
            }
        }
    }

    /// Ends all connections; SQLite then folds its log into the file.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// The first connection gives the file its log. Where several programs do so at once SQLite refuses some at once instead of
    /// waiting (sqlite.org/wal.html, 8).
    async fn connect(&self) -> Result<PoolConnection<Sqlite>, sqlx::Error> {
        let due = Instant::now() + PATIENCE;
        loop {
            match self.writer.acquire().await {
                Err(error) if primary_code(&error) == Some(BUSY) && Instant::now() < due => {
                    sleep(AGAIN).await;
                }
                connected => return connected,
            }
        }
    }

    async fn migrate(&self, file: &Path) -> Result<MasterKey, ServiceError> {
        let damaged = |error| failure::at_open(file, error);
        let mut connection = self.connect().await.map_err(damaged)?;
        // Taken for writing at once: another process may be doing the same.
        let mut tx = connection
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(damaged)?;
        sqlx::query("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")
            .execute(&mut *tx)
            .await
            .map_err(damaged)?;
        let found: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM schema_version")
            .fetch_one(&mut *tx)
            .await
            .map_err(damaged)?;
        let supported = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        if found > supported || found < 0 {
            let path = file.parent().map_or_else(PathBuf::new, Path::to_path_buf);
            return Err(ServiceError::OtherVersion {
                path,
                found,
                supported,
            });
        }
        for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
            sqlx::raw_sql(*migration).execute(&mut *tx).await?;
        }
        if found < supported {
            sqlx::query("DELETE FROM schema_version")
                .execute(&mut *tx)
                .await?;
            sqlx::query("INSERT INTO schema_version (version) VALUES ($1)")
                .bind(supported)
                .execute(&mut *tx)
                .await?;
        }
        let master =
            match sqlx::query_scalar::<_, String>("SELECT value FROM setting WHERE name = $1")
                .bind(MASTER_KEY)
                .fetch_optional(&mut *tx)
                .await?
            {
                Some(text) => STANDARD
                    .decode(text)
                    .map_err(|_| ServiceError::Damaged(file.to_path_buf()))?,
                None => {
                    let key = random::<32>()
                        .map_err(ServiceError::storage("draw a random key for", file))?;
                    sqlx::query("INSERT INTO setting (name, value) VALUES ($1, $2)")
                        .bind(MASTER_KEY)
                        .bind(STANDARD.encode(key))
                        .execute(&mut *tx)
                        .await?;
                    key.to_vec()
                }
            };
        tx.commit().await?;
        Ok(MasterKey::from_bytes(master))
    }

    /// The id of the library that the database is of, once it has one.
    pub(crate) async fn library_id(&self) -> Result<Option<String>, ServiceError> {
        self.setting(LIBRARY_ID).await
    }

    /// Gives the database a library's id, if it has none; gives back the one that it has then.
    pub(crate) async fn adopt_library_id(&self, id: &str) -> Result<String, ServiceError> {
        sqlx::query(
            "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        )
        .bind(LIBRARY_ID)
        .bind(to_json(&id)?)
        .execute(&self.writer)
        .await?;
        Ok(self.library_id().await?.unwrap_or_else(|| id.to_owned()))
    }

    /// Some videos, in no order; `finished` ones only, or any.
    pub(crate) async fn some_videos(
        &self,
        finished: bool,
        at_most: u32,
    ) -> Result<Vec<VideoId>, ServiceError> {
        let query = if finished {
            "SELECT id FROM video WHERE status IN ('Normal', 'Blocked', 'Checking') LIMIT $1"
        } else {
            "SELECT id FROM video LIMIT $1"
        };
        let ids: Vec<String> = sqlx::query_scalar(query)
            .bind(i64::from(at_most))
            .fetch_all(&self.readers)
            .await?;
        ids.iter()
            .map(|id| parse_column(id, VideoId::parse))
            .collect()
    }

    async fn setting<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<T>, ServiceError> {
        let text: Option<String> = sqlx::query_scalar("SELECT value FROM setting WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.readers)
            .await?;
        text.map(|text| from_json(&text)).transpose()
    }

    async fn set_setting<T: serde::Serialize + Sync>(
        &self,
        name: &str,
        value: &T,
    ) -> Result<(), ServiceError> {
        sqlx::query("INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
            .bind(name)
            .bind(to_json(value)?)
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<String, ServiceError> {
    serde_json::to_string(value)
        .map_err(|error| ServiceError::Database(sqlx::Error::Encode(error.into())))
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, ServiceError> {
    serde_json::from_str(text)
        .map_err(|error| ServiceError::Database(sqlx::Error::Decode(error.into())))
}

/// A policy that can not be read gives no right: whoever depends on it is refused.
fn to_policy(document: &str) -> Result<Policy, ServiceError> {
    Policy::from_stored(document)
        .map_err(|error| ServiceError::Database(sqlx::Error::Decode(error.into())))
}

fn to_access_key(row: &SqliteRow) -> Result<AccessKey, ServiceError> {
    Ok(AccessKey {
        id: row.try_get("id")?,
        secret: Secret::new(row.try_get::<String, _>("secret")?),
        policy: to_policy(row.try_get("policy")?)?,
        active: row.try_get::<i64, _>("active")? != 0,
    })
}

fn to_role(row: &SqliteRow) -> Result<RamRole, ServiceError> {
    Ok(RamRole {
        name: row.try_get("name")?,
        policy: to_policy(row.try_get("policy")?)?,
        trust: from_json(row.try_get("trust")?)?,
    })
}

fn parse_column<T>(text: &str, parse: fn(&str) -> Option<T>) -> Result<T, ServiceError> {
    parse(text).ok_or_else(|| {
        ServiceError::Database(sqlx::Error::Decode(format!("unknown word {text:?}").into()))
    })
}

impl AccountStore for SqliteStore {
    fn account_state(&self) -> StoreFuture<'_, AccountState> {
        async {
            Ok(self
                .setting(ACCOUNT_STATE)
                .await?
                .unwrap_or(AccountState::Active))
        }
        .boxed()
    }
    fn set_account_state(&self, state: AccountState) -> StoreFuture<'_, ()> {
        async move { self.set_setting(ACCOUNT_STATE, &state).await }.boxed()
    }
    fn access_key<'a>(&'a self, id: &'a str) -> StoreFuture<'a, Option<AccessKey>> {
        async move {
            let row = sqlx::query("SELECT * FROM access_key WHERE id = $1")
                .bind(id)
                .fetch_optional(&self.readers)
                .await?;
            row.map(|row| to_access_key(&row)).transpose()
        }
        .boxed()
    }
    fn access_keys(&self) -> StoreFuture<'_, Vec<AccessKey>> {
        async {
            let rows = sqlx::query("SELECT * FROM access_key ORDER BY id")
                .fetch_all(&self.readers)
                .await?;
            rows.iter().map(to_access_key).collect()
        }
        .boxed()
    }
    fn has_access_key(&self) -> StoreFuture<'_, bool> {
        async {
            Ok(sqlx::query("SELECT id FROM access_key LIMIT 1")
                .fetch_optional(&self.writer)
                .await?
                .is_some())
        }
        .boxed()
    }
    fn put_access_key<'a>(&'a self, key: &'a AccessKey) -> StoreFuture<'a, ()> {
        async move {
            sqlx::query(
                "INSERT INTO access_key (id, secret, policy, active) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (id) DO UPDATE SET secret = excluded.secret, policy = excluded.policy, active = excluded.active",
            )
            .bind(&key.id)
            .bind(key.secret.expose())
            .bind(key.policy.document())
            .bind(i64::from(key.active))
            .execute(&self.writer)
            .await?;
            Ok(())
        }
        .boxed()
    }
    fn update_access_key<'a>(
        &'a self,
        id: &'a str,
        policy: Option<&'a Policy>,
        active: Option<bool>,
    ) -> StoreFuture<'a, bool> {
        async move {
            let done = sqlx::query("UPDATE access_key SET policy = COALESCE($1, policy), active = COALESCE($2, active) WHERE id = $3")
                .bind(policy.map(Policy::document))
                .bind(active.map(i64::from))
                .bind(id)
                .execute(&self.writer)
                .await?;
            Ok(done.rows_affected() > 0)
        }
        .boxed()
    }
    fn delete_access_key<'a>(&'a self, id: &'a str) -> StoreFuture<'a, bool> {
        async move {
            let done = sqlx::query("DELETE FROM access_key WHERE id = $1")
                .bind(id)
                .execute(&self.writer)
                .await?;
            Ok(done.rows_affected() > 0)
        }
        .boxed()
    }
    fn role<'a>(&'a self, name: &'a str) -> StoreFuture<'a, Option<RamRole>> {
        async move {
            let row = sqlx::query("SELECT * FROM role WHERE name = $1")
                .bind(name)
                .fetch_optional(&self.readers)
                .await?;
            row.map(|row| to_role(&row)).transpose()
        }
        .boxed()
    }
    fn roles(&self) -> StoreFuture<'_, Vec<RamRole>> {
        async {
            let rows = sqlx::query("SELECT * FROM role ORDER BY name")
                .fetch_all(&self.readers)
                .await?;
            rows.iter().map(to_role).collect()
        }
        .boxed()
    }
    fn put_role<'a>(&'a self, role: &'a RamRole) -> StoreFuture<'a, ()> {
        async move {
            sqlx::query(
                "INSERT INTO role (name, policy, trust) VALUES ($1, $2, $3) \
                 ON CONFLICT (name) DO UPDATE SET policy = excluded.policy, trust = excluded.trust",
            )
            .bind(&role.name)
            .bind(role.policy.document())
            .bind(to_json(&role.trust)?)
            .execute(&self.writer)
            .await?;
            Ok(())
        }
        .boxed()
    }
    fn update_role<'a>(
        &'a self,
        name: &'a str,
        policy: Option<&'a Policy>,
        trust: Option<&'a TrustPolicy>,
    ) -> StoreFuture<'a, bool> {
        async move {
            let done = sqlx::query("UPDATE role SET policy = COALESCE($1, policy), trust = COALESCE($2, trust) WHERE name = $3")
                .bind(policy.map(Policy::document))
                .bind(trust.map(to_json).transpose()?)
                .bind(name)
                .execute(&self.writer)
                .await?;
            Ok(done.rows_affected() > 0)
        }
        .boxed()
    }
    fn delete_role<'a>(&'a self, name: &'a str) -> StoreFuture<'a, bool> {
        async move {
            let done = sqlx::query("DELETE FROM role WHERE name = $1")
                .bind(name)
                .execute(&self.writer)
                .await?;
            Ok(done.rows_affected() > 0)
        }
        .boxed()
    }
    fn referer_rule(&self) -> StoreFuture<'_, RefererRule> {
        async { Ok(self.setting(REFERER_RULE).await?.unwrap_or_default()) }.boxed()
    }
    fn set_referer_rule<'a>(&'a self, rule: &'a RefererRule) -> StoreFuture<'a, ()> {
        async move { self.set_setting(REFERER_RULE, rule).await }.boxed()
    }
    fn remember_nonce<'a>(
        &'a self,
        key_id: &'a str,
        nonce: &'a str,
        until_ms: i64,
    ) -> StoreFuture<'a, bool> {
        async move {
            let done = sqlx::query("INSERT INTO nonce (key_id, nonce, until_ms) VALUES ($1, $2, $3) ON CONFLICT (key_id, nonce) DO NOTHING")
                .bind(key_id)
                .bind(nonce)
                .bind(until_ms)
                .execute(&self.writer)
                .await?;
            Ok(done.rows_affected() == 1)
        }
        .boxed()
    }
    fn forget_nonces(&self, before_ms: i64, at_most: u32) -> StoreFuture<'_, u64> {
        async move {
            let done = sqlx::query(FORGET_NONCES)
                .bind(before_ms)
                .bind(i64::from(at_most))
                .execute(&self.writer)
                .await?;
            Ok(done.rows_affected())
        }
        .boxed()
    }
    fn has_nonce<'a>(&'a self, key_id: &'a str, nonce: &'a str) -> StoreFuture<'a, bool> {
        async move {
            let found = sqlx::query("SELECT until_ms FROM nonce WHERE key_id = $1 AND nonce = $2")
                .bind(key_id)
                .bind(nonce)
                .fetch_optional(&self.readers)
                .await?;
            Ok(found.is_some())
        }
        .boxed()
    }
}

fn to_video(row: &SqliteRow) -> Result<Video, ServiceError> {
    Ok(Video {
        id: parse_column(row.try_get("id")?, VideoId::parse)?,
        // Also what was written before titles were cleaned.
        title: clean_title(row.try_get("title")?),
        status: parse_column(row.try_get("status")?, VideoStatus::parse)?,
        duration_s: row.try_get("duration_s")?,
        size: u64::try_from(row.try_get::<i64, _>("size")?).unwrap_or(0),
        cover: row.try_get("cover")?,
        created_ms: row.try_get("created_ms")?,
        details: VideoDetails {
            description: row.try_get("description")?,
            tags: row.try_get("tags")?,
            cover_url: row.try_get("cover_url")?,
            user_data: row.try_get("user_data")?,
            category_id: row.try_get("category_id")?,
            modified_ms: row.try_get("modified_ms")?,
        },
    })
}

fn to_category(row: &SqliteRow) -> Result<Category, ServiceError> {
    Ok(Category {
        id: row.try_get("id")?,
        parent_id: row.try_get("parent_id")?,
        level: row.try_get("level")?,
        name: row.try_get("name")?,
        created_ms: row.try_get("created_ms")?,
        subcategories: row.try_get("subcategories")?,
    })
}

fn to_rendition(row: &SqliteRow) -> Result<Rendition, ServiceError> {
    let whole = |name| -> Result<u32, ServiceError> {
        Ok(u32::try_from(row.try_get::<i64, _>(name)?).unwrap_or(0))
    };
    Ok(Rendition {
        file: row.try_get("file")?,
        format: parse_column(row.try_get("format")?, Format::parse)?,
        definition: parse_column(row.try_get("definition")?, parse_definition)?,
        encryption: parse_column(row.try_get("encryption")?, RenditionEncryption::parse)?,
        audio_only: row.try_get::<i64, _>("audio_only")? != 0,
        bitrate_kbps: row.try_get("bitrate_kbps")?,
        fps: row.try_get("fps")?,
        duration_s: row.try_get("duration_s")?,
        size: u64::try_from(row.try_get::<i64, _>("size")?).unwrap_or(0),
        width: whole("width")?,
        height: whole("height")?,
    })
}

fn sql_size(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

impl VideoStore for SqliteStore {
    fn insert_video<'a>(&'a self, video: &'a Video) -> StoreFuture<'a, ()> {
        async move {
            sqlx::query("INSERT INTO video (id, title, status, duration_s, size, cover, created_ms, description, tags, cover_url, user_data, category_id) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
                .bind(video.id.as_str())
                .bind(&video.title)
                .bind(video.status.as_str())
                .bind(video.duration_s)
                .bind(sql_size(video.size))
                .bind(&video.cover)
                .bind(video.created_ms)
                .bind(&video.details.description)
                .bind(&video.details.tags)
                .bind(&video.details.cover_url)
                .bind(&video.details.user_data)
                .bind(video.details.category_id)
                .execute(&self.writer)
                .await?;
            Ok(())
        }
        .boxed()
    }
    fn video<'a>(&'a self, id: &'a VideoId) -> StoreFuture<'a, Option<Video>> {
        async move {
            let row = sqlx::query("SELECT * FROM video WHERE id = $1")
                .bind(id.as_str())
                .fetch_optional(&self.readers)
                .await?;
            row.map(|row| to_video(&row)).transpose()
        }
        .boxed()
    }
    fn videos(&self) -> StoreFuture<'_, Vec<Video>> {
        async {
            let rows = sqlx::query("SELECT * FROM video ORDER BY created_ms, id")
                .fetch_all(&self.readers)
                .await?;
            rows.iter().map(to_video).collect()
        }
        .boxed()
    }
    fn renditions<'a>(&'a self, id: &'a VideoId) -> StoreFuture<'a, Vec<Rendition>> {
        async move {
            let rows = sqlx::query("SELECT * FROM rendition WHERE video_id = $1 ORDER BY position")
                .bind(id.as_str())
                .fetch_all(&self.readers)
                .await?;
            rows.iter().map(to_rendition).collect()
        }
        .boxed()
    }
    fn finish_video<'a>(
        &'a self,
        video: &'a Video,
        renditions: &'a [Rendition],
    ) -> StoreFuture<'a, ()> {
        async move {
            let mut tx = self.writer.begin().await?;
            let taken = sqlx::query(
                "UPDATE video SET status = $1, duration_s = $2, cover = $3 WHERE id = $4 AND status = $5",
            )
            .bind(video.status.as_str())
            .bind(video.duration_s)
            .bind(&video.cover)
            .bind(video.id.as_str())
            .bind(VideoStatus::Transcoding.as_str())
            .execute(&mut *tx)
            .await?;
            if taken.rows_affected() == 0 {
                return Err(ServiceError::NoVideo(video.id.clone()));
            }
            for (position, rendition) in (0_i64..).zip(renditions) {
                sqlx::query(
                    "INSERT INTO rendition (video_id, file, format, definition, encryption, audio_only, bitrate_kbps, fps, \
                     duration_s, size, width, height, position) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                )
                .bind(video.id.as_str())
                .bind(&rendition.file)
                .bind(rendition.format.as_str())
                .bind(rendition.definition.as_str())
                .bind(rendition.encryption.as_str())
                .bind(i64::from(rendition.audio_only))
                .bind(rendition.bitrate_kbps)
                .bind(rendition.fps)
                .bind(rendition.duration_s)
                .bind(sql_size(rendition.size))
                .bind(i64::from(rendition.width))
                .bind(i64::from(rendition.height))
                .bind(position)
                .execute(&mut *tx)
                .await?;
            }
            tx.commit().await?;
            Ok(())
        }
        .boxed()
    }
    fn transition_video<'a>(
        &'a self,
        id: &'a VideoId,
        from: VideoStatus,
        to: VideoStatus,
    ) -> StoreFuture<'a, bool> {
        async move {
            let done = sqlx::query("UPDATE video SET status = $1 WHERE id = $2 AND status = $3")
                .bind(to.as_str())
                .bind(id.as_str())
                .bind(from.as_str())
                .execute(&self.writer)
                .await?;
            Ok(done.rows_affected() == 1)
        }
        .boxed()
    }
    fn delete_unfinished<'a>(&'a self, id: &'a VideoId) -> StoreFuture<'a, bool> {
        async move {
            let done = sqlx::query("DELETE FROM video WHERE id = $1 AND status = $2")
                .bind(id.as_str())
                .bind(VideoStatus::Transcoding.as_str())
                .execute(&self.writer)
                .await?;
            Ok(done.rows_affected() > 0)
        }
        .boxed()
    }
    fn delete_video<'a>(&'a self, id: &'a VideoId) -> StoreFuture<'a, bool> {
        async move {
            let done = sqlx::query("DELETE FROM video WHERE id = $1")
                .bind(id.as_str())
                .execute(&self.writer)
                .await?;
            Ok(done.rows_affected() > 0)
        }
        .boxed()
    }
    fn each_video<'a>(
        &'a self,
        newest_first: bool,
        see: &'a mut (dyn FnMut(Video) + Send),
    ) -> StoreFuture<'a, ()> {
        async move {
            let query = match newest_first {
                true => "SELECT * FROM video ORDER BY created_ms DESC, id DESC",
                false => "SELECT * FROM video ORDER BY created_ms, id",
            };
            let mut rows = sqlx::query(query).fetch(&self.readers);
            while let Some(row) = rows.try_next().await? {
                see(to_video(&row)?);
            }
            Ok(())
        }
        .boxed()
    }
    fn change_video<'a>(
        &'a self,
        id: &'a VideoId,
        change: &'a VideoChange,
        now_ms: i64,
    ) -> StoreFuture<'a, bool> {
        async move {
            let done = sqlx::query(
                "UPDATE video SET title = COALESCE($1, title), description = COALESCE($2, description), tags = COALESCE($3, tags), \
                 cover_url = COALESCE($4, cover_url), user_data = COALESCE($5, user_data), \
                 category_id = CASE WHEN $6 = -1 THEN NULL ELSE COALESCE($6, category_id) END, modified_ms = $7 WHERE id = $8",
            )
            .bind(&change.title)
            .bind(&change.description)
            .bind(&change.tags)
            .bind(&change.cover_url)
            .bind(&change.user_data)
            .bind(change.category_id)
            .bind(now_ms)
            .bind(id.as_str())
            .execute(&self.writer)
            .await?;
            Ok(done.rows_affected() == 1)
        }
        .boxed()
    }
    fn category(&self, id: i64) -> StoreFuture<'_, Option<Category>> {
        async move {
            let row = sqlx::query(concat!(
                "SELECT *, (SELECT COUNT(*) FROM category AS sub WHERE sub.parent_id = category.id) AS subcategories ",
                "FROM category WHERE id = $1"
            ))
            .bind(id)
            .fetch_optional(&self.readers)
            .await?;
            row.map(|row| to_category(&row)).transpose()
        }
        .boxed()
    }
    fn subcategories(&self, parent_id: i64, newest_first: bool) -> StoreFuture<'_, Vec<Category>> {
        async move {
            let rows = sqlx::query(concat!(
                "SELECT *, (SELECT COUNT(*) FROM category AS sub WHERE sub.parent_id = category.id) AS subcategories ",
                "FROM category WHERE parent_id = $1 ORDER BY created_ms, id LIMIT $2"
            ))
            .bind(parent_id)
            .bind(i64::try_from(MAX_SUBCATEGORIES).unwrap_or(i64::MAX))
            .fetch_all(&self.readers)
            .await?;
            let mut all: Vec<Category> = rows.iter().map(to_category).collect::<Result<_, _>>()?;
            if newest_first {
                all.reverse();
            }
            Ok(all)
        }
        .boxed()
    }
    fn add_category<'a>(
        &'a self,
        category: &'a Category,
        fewer_than: usize,
    ) -> StoreFuture<'a, bool> {
        async move {
            // One statement, so that no other writer comes between.
            let done = sqlx::query(
                "INSERT INTO category (id, parent_id, level, name, created_ms) SELECT $1, $2, $3, $4, $5 \
                 WHERE (SELECT COUNT(*) FROM category WHERE parent_id = $2) < $6 \
                 AND ($2 = -1 OR EXISTS (SELECT id FROM category WHERE id = $2)) ON CONFLICT (id) DO NOTHING",
            )
            .bind(category.id)
            .bind(category.parent_id)
            .bind(category.level)
            .bind(&category.name)
            .bind(category.created_ms)
            .bind(i64::try_from(fewer_than).unwrap_or(i64::MAX))
            .execute(&self.writer)
            .await?;
            Ok(done.rows_affected() == 1)
        }
        .boxed()
    }
    fn rename_category<'a>(&'a self, id: i64, name: &'a str) -> StoreFuture<'a, bool> {
        async move {
            let done = sqlx::query("UPDATE category SET name = $1 WHERE id = $2")
                .bind(name)
                .bind(id)
                .execute(&self.writer)
                .await?;
            Ok(done.rows_affected() == 1)
        }
        .boxed()
    }
    fn delete_category(&self, id: i64) -> StoreFuture<'_, bool> {
        // There are three levels.
        async move {
            let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
            sqlx::query("UPDATE video SET category_id = NULL WHERE category_id IN (SELECT id FROM category WHERE id = $1 OR parent_id = $1 OR parent_id IN (SELECT id FROM category WHERE parent_id = $1))")
                .bind(id)
                .execute(&mut *tx)
                .await?;
            let done = sqlx::query("DELETE FROM category WHERE id = $1 OR parent_id = $1 OR parent_id IN (SELECT id FROM category WHERE parent_id = $1)")
                .bind(id)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(done.rows_affected() > 0)
        }
        .boxed()
    }
}
