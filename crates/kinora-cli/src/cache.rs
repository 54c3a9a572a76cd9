//! `kinora cache` and `kinora preload`: what is kept of the web.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use kinora::{
    CacheConfig, CacheError, CacheKey, DiskStore, EntryInfo, LoadAmount, LoadEvent, LoaderOptions,
    MediaLoader, Source,
};
use kinora_errors::{Coded, mask_url};
use serde_json::json;

use crate::args::{CacheAction, CacheArgs, CacheDir, CacheRules, PreloadArgs};
use crate::credential;
use crate::json;
use crate::out;
use crate::report::{Failure, Style};
use crate::source::{net_config, player_config, shown};

/// Whatever a load waits for has a limit far below that.
const LOAD_LIMIT: Duration = Duration::from_secs(600);

/// The cache that the arguments name.
pub(crate) fn config(args: &CacheArgs) -> Option<CacheConfig> {
    Some(at(args.cache.as_deref()?, &args.rules))
}

fn at(dir: &Path, rules: &CacheRules) -> CacheConfig {
    CacheConfig {
        max_size: rules.cache_size.saturating_mul(1_000_000),
        key: match rules.cache_ignore.is_empty() {
            true => CacheKey::Url,
            false => CacheKey::IgnoreQuery(rules.cache_ignore.clone()),
        },
        ..CacheConfig::at(dir)
    }
}

pub(crate) fn run(action: &CacheAction, style: &Style) -> Result<(), Failure> {
    match action {
        CacheAction::List(dir) => list(&open(dir)?, style),
        CacheAction::Verify(dir) => verify(&open(dir)?, style),
        CacheAction::Clear(dir) => clear(&open(dir)?, style),
    }
}

/// One that is there: a misspelt name makes none.
fn open(dir: &CacheDir) -> Result<DiskStore, Failure> {
    let config = CacheConfig::at(&dir.cache);
    std::fs::metadata(&config.dir)
        .map_err(|error| Failure::io(&config.dir.display().to_string(), &error))?;
    DiskStore::open(&config.dir, config.limits()).map_err(failed)
}

fn failed(error: CacheError) -> Failure {
    Failure::of(&error as &dyn Coded)
}

fn list(store: &DiskStore, style: &Style) -> Result<(), Failure> {
    let entries = store.entries().map_err(failed)?;
    for entry in &entries {
        match style.json {
            true => json::line(&object(entry)),
            false => out::line(&row(entry)),
        }
    }
    if !style.json {
        let bytes: u64 = entries.iter().map(|entry| entry.cached_len).sum();
        let count = entries.len();
        out::line(style.say(
            &format!("{count} resources, {}", megabytes(bytes)),
            &format!("{count} 个资源，{}", megabytes(bytes)),
        ));
    }
    Ok(())
}

fn object(entry: &EntryInfo) -> serde_json::Value {
    let meta = &entry.meta;
    let used = entry.used.duration_since(std::time::UNIX_EPOCH);
    json!({
        "id": entry.id.to_string(), "url": meta.label, "cached": entry.cached_len, "size": meta.total_len,
        "type": meta.content_type, "used": used.map_or(0, |since| since.as_secs()),
    })
}

fn row(entry: &EntryInfo) -> String {
    let (cached, meta) = (entry.cached_len, &entry.meta);
    let percent = cached.saturating_mul(100) / meta.total_len.max(1);
    // Whoever can write to the directory wrote it.
    let label = shown(meta.label.as_ref());
    format!("{:>10}  {percent:>3} %  {label}", megabytes(cached))
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}

fn verify(store: &DiskStore, style: &Style) -> Result<(), Failure> {
    let found = store.verify().map_err(failed)?;
    if style.json {
        json::line(
            &json!({ "sound": found.sound, "bytes": found.bytes, "removed": found.removed }),
        );
        return Ok(());
    }
    let (sound, bytes, removed) = (found.sound, megabytes(found.bytes), found.removed);
    out::line(style.say(
        &format!("{sound} resources are what was written, {bytes}; {removed} were damaged and are removed"),
        &format!("{sound} 个资源完好，{bytes}；{removed} 个已损坏并已删除"),
    ));
    Ok(())
}

fn clear(store: &DiskStore, style: &Style) -> Result<(), Failure> {
    let freed = store.clear().map_err(failed)?;
    match style.json {
        true => json::line(&json!({ "freed": freed })),
        false => out::line(style.say(
            &format!("{} are free again", megabytes(freed)),
            &format!("已释放 {}", megabytes(freed)),
        )),
    }
    Ok(())
}

/// Whether a source lies on this machine: nothing of that goes to the cache.
fn is_local(url: &str) -> bool {
    const SCHEME: &str = "file:";
    let scheme = url.get(..SCHEME.len());
    scheme.is_some_and(|it| it.eq_ignore_ascii_case(SCHEME)) || Path::new(url).exists()
}

/// Loads the beginnings of sources. One that fails holds nobody else; the first failure gives the exit status.
pub(crate) fn preload(args: &PreloadArgs, style: &Style) -> Result<(), Failure> {
    let options = LoaderOptions {
        network: net_config(&args.net)?,
        player: player_config(&args.net),
        ..LoaderOptions::default()
    };
    let loader = MediaLoader::new(&at(&args.cache, &args.rules), options)?;
    let amount = match args.bytes {
        Some(bytes) => LoadAmount::Bytes(bytes),
        None => LoadAmount::Duration(args.time),
    };
    let sources: Vec<Source> = args
        .urls
        .iter()
        .map(|url| credential::source(url, &args.vid))
        .collect::<Result<_, _>>()?;
    let mut asked: BTreeMap<_, _> = sources
        .into_iter()
        .zip(&args.urls)
        .map(|(source, url)| (loader.load(source, amount), url))
        .collect();
    let mut first_failure = None;
    while !asked.is_empty() {
        let Ok(event) = loader.next_event(LOAD_LIMIT) else {
            break;
        };
        let Some(given) = asked.remove(&event.id()) else {
            continue;
        };
        let (url, is_local) = (mask_url(given), is_local(given));
        match event {
            LoadEvent::Completed { bytes, .. } if style.json => {
                json::line(&json!({ "url": url, "bytes": bytes, "local": is_local }))
            }
            LoadEvent::Completed { .. } if is_local => out::line(style.say(
                &format!("{url}: a local file needs no preloading, nothing of it is kept"),
                &format!("{url}：本地文件无需预加载，不会存入缓存"),
            )),
            LoadEvent::Completed { bytes, .. } => {
                out::line(&format!("{:>10}  {url}", megabytes(bytes)))
            }
            LoadEvent::Failed { fault, .. } => {
                let failure = Failure::from(fault);
                style.fail(&failure);
                first_failure.get_or_insert(failure);
            }
            _ => {}
        }
    }
    match first_failure {
        Some(failure) => Err(Failure::Reported(Box::new(failure))),
        None => Ok(()),
    }
}
