//! What lies about: what killed imports left, and media that the database does not know.
//!
//! Only what the lock of a dead import proves to be unfinished is deleted. What is merely unknown is moved to
//! `lost+found`, and stays there until the operator removes it. Nothing here grows with the library, except
//! [`unknown_media`], which the operator asks for.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;

use crate::data_dir::{Core, Notice, RollBack, about, roll_back, set_aside};
use crate::domain::VideoId;
use crate::error::ServiceError;
use crate::import;

/// Removes what killed imports left. Running ones hold a lock and are left alone.
pub(crate) async fn sweep(core: &Core) -> Vec<Notice> {
    let mut notices = Vec::new();
    if let Err(error) = sweep_into(core, &mut notices).await {
        notices.push(Notice::NotCleaned(error));
    }
    notices
}

async fn sweep_into(core: &Core, notices: &mut Vec<Notice>) -> Result<(), ServiceError> {
    let staging = core.directory.staging();
    let storage = || ServiceError::storage("clean up", &staging);
    for id in import::begun(&staging).map_err(storage())? {
        let Some(left) = import::claim(&staging, &id).map_err(storage())? else {
            continue;
        };
        match roll_back(core, &id).await? {
            RollBack::Gone => notices.push(Notice::Cleaned(id)),
            RollBack::SetAside(path) => notices.push(Notice::SetAside(path)),
            RollBack::Finished => {}
        }
        left.clear().map_err(storage())?;
    }
    Ok(())
}

/// Media that no video of the database has. This reads the whole library.
pub(crate) async fn unknown_media(core: &Core) -> Result<Vec<VideoId>, ServiceError> {
    let media = core.directory.media();
    // In this order: an import's video is in the database before its media are in place.
    let found = core.objects.videos().await;
    let mut found = found.map_err(ServiceError::storage("read", &media))?;
    let videos = core.videos.videos().await?;
    let known: HashSet<VideoId> = videos.into_iter().map(|video| video.id).collect();
    found.retain(|id| !known.contains(id));
    found.sort();
    Ok(found)
}

/// Moves media that no video of the database has to `lost+found`; says what lies there now of them.
pub(crate) async fn collect_unknown(core: &Core) -> Result<Vec<PathBuf>, ServiceError> {
    let mut moved = Vec::new();
    for id in unknown_media(core).await? {
        // Once more, for an import that began since.
        if core.videos.video(&id).await?.is_none() {
            moved.extend(set_aside(core, &core.directory.media().join(id.as_str()))?);
        }
    }
    Ok(moved)
}

/// What was set aside. A disk's own `lost+found` may hold other things: they are not ours.
pub(crate) fn lost_found(core: &Core) -> Result<Vec<PathBuf>, ServiceError> {
    let place = core.directory.lost_found();
    let read = || ServiceError::storage("read", &place);
    let entries = match std::fs::read_dir(&place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(read())?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(read())?;
        let name = entry.file_name();
        let ours = name
            .to_str()
            .and_then(|name| VideoId::parse(name.split('.').next().unwrap_or_default()));
        if ours.is_some() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Removes what was set aside, for good; says how many.
pub(crate) fn empty_lost_found(core: &Core) -> Result<usize, ServiceError> {
    let found = lost_found(core)?;
    for path in &found {
        let removed = match about(path).is_some_and(|about| about.is_dir()) {
            true => std::fs::remove_dir_all(path),
            false => std::fs::remove_file(path),
        };
        match removed {
            // Another process removes it as well.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done.map_err(ServiceError::storage("remove", path))?,
        }
    }
    Ok(found.len())
}
