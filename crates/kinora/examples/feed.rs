//! A feed of short videos: what comes next is loaded ahead, what came before stays in the cache.
//!
//! ```sh
//! cargo run --example feed -- /var/tmp/feed https://example.com/1.mp4 https://example.com/2.mp4 https://example.com/3.mp4
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;

use kinora::{
    CacheConfig, CacheKey, Event, ListOptions, ListPlayer, LoadAmount, LoadEvent, LoaderOptions,
    MediaLoader, Player, Time, set_global_cache,
};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dir, clips @ ..] = args.as_slice() else {
        return Err("feed DIRECTORY URL…".into());
    };
    let cache = CacheConfig {
        max_size: 2 << 30,
        max_age: Duration::from_secs(7 * 24 * 3_600),
        min_free: 1 << 30,
        max_duration: Some(Duration::from_secs(600)),
        key: CacheKey::Url,
        ..CacheConfig::at(dir)
    };
    set_global_cache(Some(cache.clone()));
    if let Some(last) = clips.last() {
        load(&cache, last)?;
    }
    play(clips)
}

/// Loads the beginning of a clip that somebody may want later, unless something else is more urgent.
fn load(cache: &CacheConfig, clip: &str) -> Outcome {
    let player = Player::builder().build()?;
    let loader = MediaLoader::new(cache, LoaderOptions::default())?;
    loader.give_way_to(&player);
    let id = loader.load(clip, LoadAmount::Duration(Time::from_millis(3_000)));
    loader.pause(id);
    loader.resume(id);
    match loader.next_event(Duration::from_secs(10)) {
        Ok(LoadEvent::Completed { bytes, .. }) => writeln!(io::stdout(), "{bytes} bytes ahead")?,
        Ok(LoadEvent::Failed { fault, .. }) => writeln!(io::stderr(), "{fault}")?,
        Ok(LoadEvent::Cancelled { .. }) => writeln!(io::stdout(), "given up")?,
        Ok(_) => {}
        Err(_) => loader.cancel(id),
    }
    Ok(())
}

/// Plays clips in turn; one that fails is taken out.
fn play(clips: &[String]) -> Outcome {
    let options = ListOptions {
        preload_count: 1,
        max_preload_memory: 50_000_000,
        ..ListOptions::default()
    };
    let list = ListPlayer::new(Player::builder().autoplay(true), options)?;
    for clip in clips {
        list.add(clip.as_str(), clip.as_str())?;
    }
    let Some(first) = clips.first() else {
        return Ok(());
    };
    list.move_to(first)?;
    for event in list.player().events() {
        let playing = list.current_uid();
        let is_over = match event {
            Event::Completion => list.move_to_next().is_err(),
            Event::Error(fault) => {
                writeln!(io::stderr(), "{fault}")?;
                let gone = list.move_to_next().or_else(|_| list.move_to_previous());
                if let Some(failed) = playing {
                    list.remove(&failed)?;
                }
                gone.is_err()
            }
            _ => false,
        };
        if is_over {
            break;
        }
    }
    list.clear();
    Ok(())
}
