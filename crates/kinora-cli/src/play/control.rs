//! Commands as JSON lines on stdin.

use std::io::BufRead;
use std::sync::Arc;

use kinora::{Player, SeekAccuracy, Time, TrackChoice};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(tag = "cmd", rename_all = "lowercase")]
enum Order {
    Seek {
        pos: f64,
        #[serde(default)]
        mode: Mode,
    },
    Start,
    Pause,
    Stop,
    Reload,
    Speed {
        value: f64,
    },
    Volume {
        value: f32,
    },
    Track {
        index: Option<u32>,
    },
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Exact,
    #[default]
    Key,
}

/// Reads until stdin ends; the thread ends with the process.
pub(crate) fn listen(player: &Arc<Player>) {
    let player = Arc::clone(player);
    let reading = std::thread::Builder::new()
        .name("kinora-control".into())
        .spawn(move || {
            for line in std::io::stdin().lock().lines() {
                let Ok(line) = line else { return };
                match serde_json::from_str(&line) {
                    Ok(order) => obey(&player, order),
                    Err(error) => eprintln!("kinora: not a command: {error}"),
                }
            }
        });
    if let Err(error) = reading {
        eprintln!("kinora: stdin is not read: {error}");
    }
}

fn obey(player: &Player, order: Order) {
    match order {
        Order::Seek { pos, mode } => {
            let accuracy = match mode {
                Mode::Exact => SeekAccuracy::Exact,
                Mode::Key => SeekAccuracy::KeyFrame,
            };
            player.seek(Time::from_secs_f64(pos), accuracy);
        }
        Order::Start => player.start(),
        Order::Pause => player.pause(),
        Order::Stop => player.stop(),
        Order::Reload => player.reload(),
        Order::Speed { value } => player.set_speed(value),
        Order::Volume { value } => player.set_volume(value),
        Order::Track { index } => {
            player.select_track(index.map_or(TrackChoice::Auto, TrackChoice::Index))
        }
    }
}
