//! What lies beside the source that plays is loaded into the cache meanwhile.

use std::cell::RefCell;
use std::collections::HashSet;
use std::ffi::OsString;

use kinora::{LoadAmount, LoaderOptions, MediaLoader, Player, Time};

use crate::args::PlayArgs;
use crate::cache;
use crate::report::Failure;
use crate::source::{self, net_config, player_config};

/// So much of each source.
const AMOUNT: LoadAmount = LoadAmount::Duration(Time::from_millis(5_000));

/// Loads the neighbours of the source that plays, each once.
pub(super) struct Ahead {
    loader: MediaLoader,
    /// Those that were asked for.
    asked: RefCell<HashSet<OsString>>,
}

impl Ahead {
    /// Nothing is loaded without a cache, nor beside a single source.
    pub(super) fn new(args: &PlayArgs, player: &Player) -> Result<Option<Self>, Failure> {
        let Some(cache) = cache::config(&args.caching).filter(|_| args.sources.len() > 1) else {
            return Ok(None);
        };
        let options = LoaderOptions {
            network: net_config(&args.net)?,
            player: player_config(&args.net),
            ..LoaderOptions::default()
        };
        // A cache that can not be had is told by the player.
        let loader = MediaLoader::new(&cache, options).ok();
        Ok(loader.map(|loader| {
            loader.give_way_to(player);
            Self {
                loader,
                asked: RefCell::default(),
            }
        }))
    }

    /// A source plays: the next one, and the one before, are wanted soon.
    pub(super) fn beside(&self, sources: &[OsString], at: usize) {
        let mut asked = self.asked.borrow_mut();
        asked.extend(sources.get(at).cloned());
        for place in [at.checked_add(1), at.checked_sub(1)].into_iter().flatten() {
            let Some(given) = sources.get(place) else {
                continue;
            };
            let url = source::locate(given).ok();
            let is_web = |url: &String| url.starts_with("http://") || url.starts_with("https://");
            if let Some(url) = url.filter(is_web).filter(|_| asked.insert(given.clone())) {
                self.loader.load(url, AMOUNT);
            }
        }
    }
}
