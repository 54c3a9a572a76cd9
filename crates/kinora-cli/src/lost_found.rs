//! `kinora account lost-found`: media that the database does not know.

use std::path::Path;

use kinora_service::Library;
use serde_json::json;

use crate::args::LostFoundArgs;
use crate::json;
use crate::out;
use crate::report::{Failure, Style};

pub(crate) async fn run(
    library: &Library,
    args: &LostFoundArgs,
    style: &Style,
) -> Result<(), Failure> {
    if args.collect {
        let moved = library.collect_unknown().await;
        moved.map_err(|error| Failure::of(&error))?;
    }
    let aside = library.lost_found().map_err(|error| Failure::of(&error))?;
    if args.remove {
        let removed = library.empty_lost_found();
        let removed = removed.map_err(|error| Failure::of(&error))?;
        if style.json {
            json::line(&json!({ "removed": removed }));
        } else {
            let what = style.say("removed", "已删除");
            out::line(&format!("{what} {removed}"));
        }
    } else {
        for path in aside {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            emit("lost+found", &name, bytes(&path), style);
        }
    }
    let unknown = library.unknown_media().await;
    for id in unknown.map_err(|error| Failure::of(&error))? {
        let path = args.data.data.join("media").join(id.as_str());
        emit("media", id.as_str(), bytes(&path), style);
    }
    Ok(())
}

fn emit(place: &str, name: &str, bytes: u64, style: &Style) {
    if style.json {
        json::line(&json!({ "place": place, "name": name, "bytes": bytes }));
    } else {
        out::line(&format!("{place:<10}  {name}  {bytes:>14}"));
    }
}

/// What lies below a path; links are not followed.
fn bytes(path: &Path) -> u64 {
    let Ok(about) = std::fs::symlink_metadata(path) else {
        return 0;
    };
    if !about.is_dir() {
        return about.len();
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| bytes(&entry.path())).sum()
}
