mod accounts;
mod lost_found;

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kinora_cloud::UnixTime;
use kinora_errors::Secret;

use crate::clock::Clock;
use crate::crypto::{hex, random};
use crate::data_dir::{Core, Notice};
use crate::domain::{
    AccessKey, AccountState, Lineage, PlayAuthClaims, Policy, RamRole, RefererRule, Rendition,
    Root, Video, VideoId, VideoStatus, is_role_name, issue_play_auth,
};
use crate::error::ServiceError;
use crate::import::{self, ImportError, ImportOptions};
use crate::store::{Nonces, Reserve};

/// A data directory, opened: what its operator may do with it, whether a service runs on it or not.
#[derive(Clone)]
pub struct Library {
    pub(crate) core: Arc<Core>,
}

impl Library {
    /// Opens a data directory that is there.
    ///
    /// # Errors
    /// There is none, it cannot be written, it was written by another version, its database is lost or not of its
    /// media, or a part of it is a symbolic link. Nothing was changed then.
    pub async fn open(dir: &Path, clock: Arc<dyn Clock>) -> Result<Self, ServiceError> {
        Core::open(dir, clock).await.map(Self::of)
    }

    /// Opens a data directory, and makes it first where there is none.
    ///
    /// # Errors
    /// As [`Library::open`] has; the directory cannot be made, or holds other things.
    pub async fn create(dir: &Path, clock: Arc<dyn Clock>) -> Result<Self, ServiceError> {
        Core::create(dir, clock).await.map(Self::of)
    }

    fn of(core: Core) -> Self {
        Self {
            core: Arc::new(core),
        }
    }

    /// What the operator should know and was not reported yet: of opening, of cleaning, of imports. A service that runs
    /// writes it into its log.
    #[must_use]
    pub fn take_notices(&self) -> Vec<Notice> {
        self.core.take_notices()
    }

    /// Ends the use of the database in good order.
    pub async fn close(self) {
        self.core.close().await;
    }

    /// Makes an access key. Its secret cannot be shown again.
    ///
    /// # Errors
    /// The database failed.
    pub async fn new_access_key(&self, policy: Policy) -> Result<AccessKey, ServiceError> {
        let draw = |error| {
            ServiceError::storage("draw a random key for", self.core.directory.root())(error)
        };
        let key = AccessKey {
            id: format!("KN{}", hex(&random::<9>().map_err(draw)?)),
            secret: Secret::new(hex(&random::<20>().map_err(draw)?)),
            policy,
            active: true,
        };
        self.core.accounts.put_access_key(&key).await?;
        Ok(key)
    }

    /// The first access key of the account, made now; nothing if there is one already.
    pub(crate) async fn first_access_key(&self) -> Result<Option<AccessKey>, ServiceError> {
        if self.core.accounts.has_access_key().await? {
            return Ok(None);
        }
        self.new_access_key(Policy::all()).await.map(Some)
    }

    /// Issues a play credential for a video, of any lifetime; the gateway's GetVideoPlayAuth keeps to 100 to
    /// 3000 seconds. It names no region and no host: its user must name the endpoint.
    ///
    /// # Errors
    /// There is no such video, or the system draws no random number.
    pub async fn play_auth(&self, id: &VideoId, lifetime_s: i64) -> Result<Secret, ServiceError> {
        let video = self.core.videos.video(id).await?;
        let video = video.ok_or_else(|| ServiceError::NoVideo(id.clone()))?;
        let expires = UnixTime::from_millis(self.core.clock.unix_ms()).after(lifetime_s);
        let claims = PlayAuthClaims {
            lineage: Lineage::of(Root::Operator),
            caller: "operator",
            region: "",
            host: "",
            cover: String::new(),
        };
        let draw = |error| {
            ServiceError::storage("draw a random key for", self.core.directory.root())(error)
        };
        let issued = issue_play_auth(&self.core.master, &video, expires, claims).map_err(draw)?;
        Ok(issued.encode())
    }

    /// Changes what a key may do, or whether it is active.
    ///
    /// # Errors
    /// The database failed.
    pub async fn put_access_key(&self, key: &AccessKey) -> Result<(), ServiceError> {
        self.core.accounts.put_access_key(key).await
    }

    /// Deletes a key; says whether there was one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delete_access_key(&self, id: &str) -> Result<bool, ServiceError> {
        self.core.accounts.delete_access_key(id).await
    }

    /// Whether the account may be served.
    ///
    /// # Errors
    /// The database failed.
    pub async fn account_state(&self) -> Result<AccountState, ServiceError> {
        self.core.accounts.account_state().await
    }

    /// Opens, closes or suspends the account.
    ///
    /// # Errors
    /// The database failed.
    pub async fn set_account_state(&self, state: AccountState) -> Result<(), ServiceError> {
        self.core.accounts.set_account_state(state).await
    }

    /// Makes or changes a role. Sessions of it that are there already are bound by the change at once.
    ///
    /// # Errors
    /// A role can not have that name, or the database failed.
    pub async fn put_role(&self, role: &RamRole) -> Result<(), ServiceError> {
        if !is_role_name(&role.name) {
            return Err(ServiceError::RoleName);
        }
        self.core.accounts.put_role(role).await
    }

    /// Says which pages may show the media.
    ///
    /// # Errors
    /// The database failed.
    pub async fn set_referer_rule(&self, rule: &RefererRule) -> Result<(), ServiceError> {
        self.core.accounts.set_referer_rule(rule).await
    }

    /// All videos, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn videos(&self) -> Result<Vec<Video>, ServiceError> {
        self.core.videos.videos().await
    }

    /// The renditions of a video, lowest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn renditions(&self, id: &VideoId) -> Result<Vec<Rendition>, ServiceError> {
        self.core.videos.renditions(id).await
    }

    /// Moves a video to another status, for example `Blocked`, where the status machine allows it.
    ///
    /// # Errors
    /// There is no such video, or it may not take that step.
    pub async fn set_status(&self, id: &VideoId, to: VideoStatus) -> Result<(), ServiceError> {
        let video = self
            .core
            .videos
            .video(id)
            .await?
            .ok_or_else(|| ServiceError::NoVideo(id.clone()))?;
        let from = video.status;
        if from.can_become(to) && self.core.videos.transition_video(id, from, to).await? {
            return Ok(());
        }
        Err(ServiceError::StatusTransition { from, to })
    }

    /// Deletes a video and its media.
    ///
    /// # Errors
    /// There is no such video, or its files cannot be removed.
    pub async fn delete_video(&self, id: &VideoId) -> Result<(), ServiceError> {
        match self.core.delete_video(id).await? {
            true => Ok(()),
            false => Err(ServiceError::NoVideo(id.clone())),
        }
    }

    /// Brings a file in. `progress` hears how much is done, from 0 to 1. Dropping the future ends FFmpeg and
    /// removes what was made.
    ///
    /// # Errors
    /// The file cannot be read, is broken or holds nothing playable; FFmpeg is missing; the disk is full.
    pub async fn import(
        &self,
        file: &Path,
        options: ImportOptions,
        progress: impl FnMut(f64) + Send,
    ) -> Result<VideoId, ImportError> {
        self.sweep().await;
        import::import(&self.core, file, options, progress).await
    }

    /// Takes the lock that one service holds; the lock ends with the file.
    pub(crate) fn lock(&self) -> Result<File, ServiceError> {
        let path = self.core.directory.server_lock();
        let open = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path);
        let file = open.map_err(ServiceError::storage("open the lock file", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(std::fs::TryLockError::WouldBlock) => Err(ServiceError::Locked(
                self.core.directory.root().to_path_buf(),
            )),
            Err(std::fs::TryLockError::Error(error)) => {
                Err(ServiceError::storage("lock", &path)(error))
            }
        }
    }

    /// The memory of nonces, with room kept for a full disk. For the one service that holds the lock.
    pub(crate) fn nonces(&self) -> Nonces {
        let core = &self.core;
        let reserve = Reserve::open(&core.directory.reserve(), core.clock.unix_ms());
        let reserve = reserve.map_err(|error| core.notice([Notice::NoReserve(error)]));
        Nonces::new(core.accounts.clone(), reserve.ok())
    }

    /// Removes what killed or dropped imports left; running ones are left alone. Every import and the start of a service
    /// do it. What could not be removed, and what was set aside, is among the notices.
    pub async fn sweep(&self) {
        let notices = lost_found::sweep(&self.core).await;
        self.core.notice(notices);
    }

    /// The ids of media that the database does not know. Reads the whole library.
    ///
    /// # Errors
    /// The database failed, or the media cannot be listed.
    pub async fn unknown_media(&self) -> Result<Vec<VideoId>, ServiceError> {
        lost_found::unknown_media(&self.core).await
    }

    /// Moves media that the database does not know to `lost+found`; gives back where each lies now.
    ///
    /// # Errors
    /// The database failed, or a directory cannot be moved.
    pub async fn collect_unknown(&self) -> Result<Vec<PathBuf>, ServiceError> {
        lost_found::collect_unknown(&self.core).await
    }

    /// What was moved to `lost+found`.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn lost_found(&self) -> Result<Vec<PathBuf>, ServiceError> {
        lost_found::lost_found(&self.core)
    }

    /// Removes what was moved to `lost+found`, for good; gives back how many entries it was.
    ///
    /// # Errors
    /// A directory cannot be removed.
    pub fn empty_lost_found(&self) -> Result<usize, ServiceError> {
        lost_found::empty_lost_found(&self.core)
    }
}
