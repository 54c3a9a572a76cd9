//! Commands as JSON lines on stdin.

use std::io::BufRead;
use std::sync::Arc;

use kinora::{Player, SeekAccuracy, Time, TrackChoice};
use serde::Deserialize;

use crate::report::Style;

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
pub(crate) fn listen(player: &Arc<Player>, style: &Style) {
    let unknown = style.say("not a command", "不是命令");
    let player = Arc::clone(player);
    let reading = std::thread::Builder::new()
        .name("kinora-control".into())
        .spawn(move || {
            for line in std::io::stdin().lock().lines() {
                let Ok(line) = line else { return };
                match serde_json::from_str(&line) {
                    Ok(order) => obey(&player, order),
                    Err(error) => eprintln!("kinora: {unknown}: {error}"),
                }
            }
        });
    if let Err(error) = reading {
        eprintln!(
            "kinora: {}: {error}",
            style.say("stdin is not read", "无法读取标准输入")
        );
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
