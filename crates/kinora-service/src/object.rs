//! Where media lies: a trait, and files behind it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rustix::fs::{Mode, OFlags, open, openat};

use crate::domain::VideoId;

/// A name of a media file: lower-case letters, digits, `-`, `_` and single dots inside. No path can be made of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct MediaName(String);

impl MediaName {
    const MAX_LEN: usize = 64;

    /// Reads a name; nothing for any other text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let letters = text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'));
        let fits = letters
            && !text.is_empty()
            && text.len() <= Self::MAX_LEN
            && !text.starts_with('.')
            && !text.ends_with('.')
            && !text.contains("..");
        fits.then(|| Self(text.to_owned()))
    }
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
    /// What stands after the last dot.
    pub(crate) fn extension(&self) -> &str {
        self.0
            .rsplit_once('.')
            .map_or("", |(_, extension)| extension)
    }
}

/// An opened object.
pub(crate) struct Object {
    pub(crate) file: tokio::fs::File,
    pub(crate) len: u64,
    pub(crate) modified: SystemTime,
}

/// Keeps the media files of each video.
pub(crate) trait ObjectStore: Send + Sync {
    /// Opens a file for reading; `NotFound` where there is none.
    fn open<'a>(
        &'a self,
        video: &'a VideoId,
        name: &'a MediaName,
    ) -> BoxFuture<'a, io::Result<Object>>;
    /// Takes a prepared directory over, whole, as the media of a video.
    fn adopt<'a>(&'a self, video: &'a VideoId, prepared: &'a Path)
    -> BoxFuture<'a, io::Result<()>>;
    /// Removes all of a video.
    fn remove<'a>(&'a self, video: &'a VideoId) -> BoxFuture<'a, io::Result<()>>;
    /// Every video that has media.
    fn videos(&self) -> BoxFuture<'_, io::Result<Vec<VideoId>>>;
}

/// Files in a directory per video.
pub(crate) struct FileStore {
    root: PathBuf,
}

impl FileStore {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }
}

/// Opens a media file step by step: no link leads out of the directory, and no pipe in it is waited for.
fn open_beneath(root: &Path, video: &VideoId, name: &MediaName) -> io::Result<std::fs::File> {
    let step = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let root = open(root, step | OFlags::DIRECTORY, Mode::empty())?;
    let video = openat(
        root,
        video.as_str(),
        step | OFlags::DIRECTORY,
        Mode::empty(),
    )?;
    let file = openat(video, name.as_str(), step | OFlags::NONBLOCK, Mode::empty())?;
    Ok(file.into())
}

impl ObjectStore for FileStore {
    fn open<'a>(
        &'a self,
        video: &'a VideoId,
        name: &'a MediaName,
    ) -> BoxFuture<'a, io::Result<Object>> {
        async move {
            let (root, video, name) = (self.root.clone(), video.clone(), name.clone());
            let opened = tokio::task::spawn_blocking(move || open_beneath(&root, &video, &name));
            let file = tokio::fs::File::from_std(opened.await.map_err(io::Error::other)??);
            let about = file.metadata().await?;
            if !about.is_file() {
                return Err(io::ErrorKind::NotFound.into());
            }
            Ok(Object {
                file,
                len: about.len(),
                modified: about.modified()?,
            })
        }
        .boxed()
    }
    fn adopt<'a>(
        &'a self,
        video: &'a VideoId,
        prepared: &'a Path,
    ) -> BoxFuture<'a, io::Result<()>> {
        tokio::fs::rename(prepared, self.root.join(video.as_str())).boxed()
    }
    fn remove<'a>(&'a self, video: &'a VideoId) -> BoxFuture<'a, io::Result<()>> {
        async move {
            match tokio::fs::remove_dir_all(self.root.join(video.as_str())).await {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                done => done,
            }
        }
        .boxed()
    }
    fn videos(&self) -> BoxFuture<'_, io::Result<Vec<VideoId>>> {
        async {
            let mut found = Vec::new();
            let mut entries = tokio::fs::read_dir(&self.root).await?;
            while let Some(entry) = entries.next_entry().await? {
                found.extend(entry.file_name().to_str().and_then(VideoId::parse));
            }
            Ok(found)
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_media_name_leads_out_of_its_directory() {
        for good in ["fd.mp4", "sd-00001.ts", "auto.m3u8"] {
            assert!(MediaName::parse(good).is_some(), "{good}");
        }
        for bad in [
            "", ".", "..", "../x", "a/b", "a\\b", ".hidden", "a..b", "x.", "a%2fb", "a\0b",
            "FD.mp4",
        ] {
            assert_eq!(MediaName::parse(bad), None, "{bad}");
        }
    }
}
