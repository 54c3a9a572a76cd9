//! Imports that did not end: what they left is removed, or set aside where the database does not know it.

use std::io;
use std::path::{Path, PathBuf};

use super::Core;
use super::directory::{about, private_dir};
use crate::domain::{VideoId, VideoStatus};
use crate::error::ServiceError;

/// How an unfinished import was rolled back.
pub(crate) enum RollBack {
    /// It was rolled back, or had left nothing but its place to work in.
    Gone,
    /// It had ended: its video is finished, and stays.
    Finished,
    /// Its video is not in the database; its media were moved here.
    SetAside(PathBuf),
}

/// Rolls an import back whose lock the caller holds. What the database says counts at the moment of deleting: an import
/// may have ended, and let its lock go, just before it was claimed.
pub(crate) async fn roll_back(core: &Core, id: &VideoId) -> Result<RollBack, ServiceError> {
    let storage = || ServiceError::storage("remove the media in", core.directory.root());
    let deleted = match core.videos.delete_unfinished(id).await {
        // Its own media may be what fills the disk.
        Err(ServiceError::DiskFull(_)) if is_unfinished(core, id).await? => {
            core.objects.remove(id).await.map_err(storage())?;
            core.videos.delete_unfinished(id).await?
        }
        deleted => deleted?,
    };
    if deleted {
        core.objects.remove(id).await.map_err(storage())?;
        return Ok(RollBack::Gone);
    }
    if core.videos.video(id).await?.is_some() {
        return Ok(RollBack::Finished);
    }
    let media = core.directory.media().join(id.as_str());
    if about(&media).is_none() {
        return Ok(RollBack::Gone);
    }
    Ok(set_aside(core, &media)?.map_or(RollBack::Gone, RollBack::SetAside))
}

async fn is_unfinished(core: &Core, id: &VideoId) -> Result<bool, ServiceError> {
    let video = core.videos.video(id).await?;
    Ok(video.is_some_and(|video| video.status == VideoStatus::Transcoding))
}

/// Moves media to `lost+found`, under a name that is free there; says where. Another process may have been faster, or
/// have deleted them: then there is nothing to move.
pub(crate) fn set_aside(core: &Core, media: &Path) -> Result<Option<PathBuf>, ServiceError> {
    let place = core.directory.lost_found();
    let storage = || ServiceError::storage("move unknown media to", &place);
    private_dir(&place).map_err(storage())?;
    let name = media.file_name().unwrap_or_default().to_string_lossy();
    let names = std::iter::once(name.to_string()).chain((1_u32..).map(|n| format!("{name}.{n}")));
    for to in names.map(|name| place.join(name)) {
        if about(&to).is_none() {
            return match std::fs::rename(media, &to) {
                Err(_) if about(media).is_none() => Ok(None),
                done => done.map(|()| Some(to)).map_err(storage()),
            };
        }
    }
    Err(storage()(io::ErrorKind::AlreadyExists.into()))
}
