//! An opened data directory: what imports, requests and the operator share of it.

mod directory;
mod notice;
mod roll_back;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::Clock;
use crate::crypto::{MasterKey, hex, random};
use crate::domain::{ApiError, Category, MAX_SUBCATEGORIES, ROOT_ID, VideoId};
use crate::error::ServiceError;
use crate::object::{FileStore, ObjectStore};
use crate::store::{AccountStore, SqliteStore, VideoStore};
use directory::Directory;
pub(crate) use directory::about;
pub use notice::Notice;
pub(crate) use roll_back::{RollBack, roll_back, set_aside};

/// Ids of categories have ten digits, as clients know them, and do not tell how many there are.
const FIRST_CATEGORY_ID: i64 = 1_000_000_000;

/// The stores of a data directory, its key and its clock.
pub(crate) struct Core {
    pub(crate) accounts: Arc<dyn AccountStore>,
    pub(crate) videos: Arc<dyn VideoStore>,
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) master: MasterKey,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) directory: Directory,
    database: Arc<SqliteStore>,
    /// Not reported yet.
    notices: Mutex<Vec<Notice>>,
}

impl Core {
    /// Opens a data directory that is there.
    pub(crate) async fn open(dir: &Path, clock: Arc<dyn Clock>) -> Result<Self, ServiceError> {
        Self::at(Directory::existing(dir)?, clock).await
    }
    /// Opens a data directory, and makes it first where there is none.
    pub(crate) async fn create(dir: &Path, clock: Arc<dyn Clock>) -> Result<Self, ServiceError> {
        Self::at(Directory::create(dir)?, clock).await
    }
    async fn at(directory: Directory, clock: Arc<dyn Clock>) -> Result<Self, ServiceError> {
        let notices = directory.tighten();
        let (database, master) = SqliteStore::open(&directory.database()).await?;
        if let Err(error) = directory.check_library_id(&database).await {
            database.close().await;
            return Err(error);
        }
        let database = Arc::new(database);
        Ok(Self {
            accounts: database.clone(),
            videos: database.clone(),
            objects: Arc::new(FileStore::new(directory.media())),
            master,
            clock,
            database,
            directory,
            notices: Mutex::new(notices),
        })
    }
    /// Ends the use of the database in good order.
    pub(crate) async fn close(&self) {
        self.database.close().await;
    }
    pub(crate) fn staging(&self) -> PathBuf {
        self.directory.staging()
    }
    /// Takes the notices that were not reported yet.
    pub(crate) fn take_notices(&self) -> Vec<Notice> {
        std::mem::take(&mut *self.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }
    pub(crate) fn notice(&self, more: impl IntoIterator<Item = Notice>) {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        notices.extend(more);
    }
    /// Deletes a video and its media; whether there was one.
    pub(crate) async fn delete_video(&self, id: &VideoId) -> Result<bool, ServiceError> {
        if !self.videos.delete_video(id).await? {
            return Ok(false);
        }
        let removed = self.objects.remove(id).await;
        removed.map_err(ServiceError::storage(
            "remove the media in",
            self.directory.root(),
        ))?;
        Ok(true)
    }
    /// Adds a category below another, or below the root; or says why it can not be.
    pub(crate) async fn add_category(
        &self,
        parent_id: i64,
        name: &str,
        now_ms: i64,
    ) -> Result<Result<Category, ApiError>, ServiceError> {
        let level = match parent_id {
            ROOT_ID => Ok(0),
            id => match self.videos.category(id).await? {
                Some(parent) => parent.level_below(),
                None => Err(Category::not_found()),
            },
        };
        let level = match level {
            Ok(level) => level,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let draw = ServiceError::storage("draw a random number for", self.directory.root());
        let drawn = random::<4>().map_err(draw)?;
        let category = Category {
            id: FIRST_CATEGORY_ID + i64::from(u32::from_be_bytes(drawn)),
            parent_id,
            level,
            name: name.to_owned(),
            created_ms: now_ms,
            subcategories: 0,
        };
        let added = self.videos.add_category(&category, MAX_SUBCATEGORIES);
        Ok(match added.await? {
            true => Ok(category),
            false => Err(Category::too_many()),
        })
    }
    pub(crate) fn new_video_id() -> io::Result<VideoId> {
        let digits = hex(&random::<16>()?);
        VideoId::parse(&digits).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}
