//! A player that is told what to do by lines on standard input, and tells what happens: most of what a player can be asked.
//!
//! ```sh
//! cargo run --example remote_control -- film.mp4
//! ```

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::time::Duration;

use kinora::output::{AudioOutput, PngDir, ScaleMode, snapshot_png};
use kinora::{
    CacheConfig, Coded as _, DecoderChoice, DemuxerChoice, Event, FIRST_EXTERNAL_SUBTITLE, Header,
    InfoCode, LoopMode, Mirror, NetConfig, Player, PlayerConfig, ProxyConfig, Repeat, Rotation,
    SeekAccuracy, State, Time, TrackChoice, TrackKind, TrackOption,
};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome {
    let source = std::env::args().nth(1).ok_or("remote_control SOURCE")?;
    let player = player()?;
    player.open(source);
    std::thread::scope(|threads| {
        threads.spawn(|| player.events().for_each(|event| tell(&event)));
        for line in io::stdin().lock().lines() {
            let line = line?;
            let words: Vec<&str> = line.split_whitespace().collect();
            if words == ["quit"] {
                break;
            }
            if let Err(error) = obey(&player, &words) {
                writeln!(io::stderr(), "{error}")?;
            }
        }
        // The events end with it.
        Ok(player.release(Duration::from_secs(2))?)
    })
}

/// A player with settings of its own, of which each has a default.
fn player() -> Outcome<Player> {
    let settings = PlayerConfig {
        network_timeout: Duration::from_secs(10),
        network_retry_count: 3,
        start_buffer: Duration::from_millis(300),
        high_buffer: Duration::from_secs(2),
        max_buffer: Duration::from_secs(30),
        max_backward_buffer: Duration::from_secs(10),
        max_delay: Duration::from_secs(4),
        live_start_index: -2,
        position_interval: Duration::from_millis(250),
        max_accurate_seek_delta: Duration::from_secs(5),
        default_bandwidth: Some(4_000_000),
        clear_frame_when_stop: true,
        enable_sei: true,
        disable_audio: false,
        disable_video: false,
        prefer_audio: true,
        audio_language: Some("en".to_owned()),
        ..PlayerConfig::default()
    };
    let network = NetConfig {
        user_agent: "remote_control/1".to_owned(),
        referer: Some("https://example.com/".to_owned()),
        headers: vec![Header {
            name: "X-Device".to_owned(),
            value: "example".to_owned(),
        }],
        proxy: ProxyConfig::default(),
        first_byte_timeout: Some(Duration::from_secs(8)),
        ..NetConfig::default()
    };
    let mut builder = Player::builder()
        .config(settings)
        .network(network)
        .decoders(DecoderChoice::Auto)
        .demuxers(DemuxerChoice::Auto)
        .autoplay(true);
    if let Ok(dir) = std::env::var("EXAMPLE_CACHE") {
        builder = builder.cache(CacheConfig {
            max_size: 1 << 30,
            ..CacheConfig::at(dir)
        });
    }
    if let Ok(dir) = std::env::var("EXAMPLE_PICTURES") {
        builder = builder.video_sink(PngDir::create(dir.as_ref())?);
    }
    Ok(builder.build()?)
}

/// Does what a line asks for.
fn obey(player: &Player, words: &[&str]) -> Outcome {
    match *words {
        ["start"] => player.start(),
        ["pause"] => player.pause(),
        ["stop"] => player.stop(),
        ["prepare"] => player.prepare(),
        ["reset"] => player.reset(),
        ["reload"] => player.reload(),
        ["reconnect"] => player.network_reconnect(),
        ["step"] => player.step(),
        ["skip"] => player.skip_interstitial(),
        ["clear"] => player.clear_screen(),
        ["open", source] => {
            player.set_source(source);
            player.prepare();
        }
        ["seek", seconds] => player.seek(time(seconds)?, SeekAccuracy::Exact),
        ["key", seconds] => player.seek(time(seconds)?, SeekAccuracy::KeyFrame),
        ["repeat", from, to] => player.set_repeat(Some(Repeat {
            from: time(from)?,
            to: time(to)?,
        })),
        ["speed", factor] => player.set_speed(factor.parse()?),
        ["volume", factor] => player.set_volume(factor.parse()?),
        ["mute"] => player.set_mute(!player.is_muted()),
        ["loop"] => player.set_loop(match player.loop_mode() {
            LoopMode::On => LoopMode::Off,
            LoopMode::Off => LoopMode::On,
        }),
        ["autoplay"] => player.set_autoplay(!player.autoplay()),
        ["track", "auto"] => player.select_track(TrackChoice::Auto),
        ["track", index] => player.select_track(TrackChoice::Index(index.parse()?)),
        ["subtitle", url] => {
            player.add_external_subtitle(url);
            player.select_subtitle(FIRST_EXTERNAL_SUBTITLE, true);
        }
        ["delay", ms] => {
            let delay = Time::from_millis(ms.parse()?);
            player.set_subtitle_delay(FIRST_EXTERNAL_SUBTITLE, delay);
        }
        ["audio", output] => {
            let output: AudioOutput = output.parse()?;
            player.set_audio_sink(output.open().map_err(|error| error.fault())?);
        }
        ["status"] => status(player)?,
        _ => return show(player, words),
    }
    Ok(())
}

/// Does what a line asks for of pictures.
fn show(player: &Player, words: &[&str]) -> Outcome {
    match *words {
        ["turn"] => player.set_rotation(match player.rotation() {
            Rotation::None => Rotation::Cw90,
            Rotation::Cw90 => Rotation::Cw180,
            Rotation::Cw180 => Rotation::Cw270,
            Rotation::Cw270 => Rotation::None,
        }),
        ["mirror"] => player.set_mirror(match player.mirror() {
            Mirror::None => Mirror::Horizontal,
            _ => Mirror::None,
        }),
        ["fill"] => player.set_scale_mode(ScaleMode::Fill),
        ["fit"] => player.set_scale_mode(ScaleMode::Fit),
        ["snapshot", file] => {
            if let Some(frame) = player.snapshot() {
                std::fs::write(file, snapshot_png(&frame)?)?;
            }
        }
        ["thumbnails", url] => player.set_thumbnail_url(url),
        ["thumbnail", seconds] => player.request_thumbnail(time(seconds)?, |found| {
            if let Ok(Some(found)) = found {
                let (width, height) = (found.image.width, found.image.height);
                let _ = writeln!(io::stdout(), "thumbnail: {width}x{height}");
            }
        }),
        _ => return Err("no such command".into()),
    }
    Ok(())
}

fn time(seconds: &str) -> Outcome<Time> {
    Ok(Time::from(Duration::try_from_secs_f64(seconds.parse()?)?))
}

/// All that can be asked at any time.
fn status(player: &Player) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let (position, duration) = (player.position(), player.duration());
    writeln!(out, "{:?} at {position} of {duration:?}", player.state())?;
    writeln!(
        out,
        "buffered to {}, {} bit/s, {} bytes from the cache",
        player.buffered_position(),
        player.download_speed(),
        player.local_cache_loaded()
    )?;
    writeln!(
        out,
        "speed {}, volume {}, date {:?}",
        player.speed(),
        player.volume(),
        player.program_date_ms()
    )?;
    if let Some(info) = player.media_info() {
        let title = info.title.as_deref().unwrap_or("no title");
        writeln!(out, "{title}: {}", info.container)?;
        for track in &info.tracks {
            writeln!(out, "  {}, {:?}", track.codec.title(), track.language)?;
        }
    }
    for track in player.tracks().iter().flat_map(|tracks| tracks.iter()) {
        writeln!(out, "  {}", choice(track))?;
    }
    if let (Some(track), Some(size)) = (player.current_track(TrackKind::Video), player.video_size())
    {
        writeln!(out, "{} {size:?}", track.label)?;
    }
    let (engine, outputs) = (player.stats(), player.output_stats());
    writeln!(
        out,
        "{} stalls, {:?} ms behind what happens, {} pictures a second",
        engine.stalls, engine.latency_ms, outputs.shown_per_second
    )
}

fn choice(track: &TrackOption) -> String {
    let (rate, size) = (track.bitrate.unwrap_or(0), track.size);
    format!("{}: {}, {rate} bit/s, {size:?}", track.index, track.label)
}

/// The numbered notices that are worth a word of one's own.
fn notice(code: InfoCode) -> Option<&'static str> {
    Some(match code {
        InfoCode::SwitchToSoftwareDecoder => "another decoder took over",
        InfoCode::AudioCodecNotSupport | InfoCode::VideoCodecNotSupport => "no decoder for a track",
        InfoCode::AudioDecoderDeviceError | InfoCode::VideoDecoderDeviceError => "a decoder failed",
        InfoCode::NetworkRetry => "the network is tried again",
        InfoCode::NetworkRetrySuccess => "the network is back",
        InfoCode::CacheSuccess => "all of it is in the cache",
        InfoCode::CacheError => "the cache takes no more",
        InfoCode::LowMemory => "little memory is left",
        InfoCode::SubtitleSelectError => "subtitles can not be shown",
        InfoCode::StartupInfo => "started within",
        InfoCode::TraceId => "the server calls it",
        InfoCode::DemuxerEof => "all of it is read",
        InfoCode::AutoPlayStart | InfoCode::LoopingStart => return None,
        _ => "notice",
    })
}

/// What happens, as far as it is for people.
fn tell(event: &Event) {
    let line = match event {
        // The error tells more.
        Event::StateChanged {
            new: State::Error, ..
        } => return,
        Event::StateChanged { old, new } => format!("{old:?} → {new:?}"),
        Event::Prepared(info) => format!("prepared: {}", info.container),
        Event::TracksReady(tracks) => format!("{} tracks to choose from", tracks.len()),
        Event::TrackChanged { index } => format!("track {index} plays"),
        Event::VideoSize { width, height } => format!("{width}x{height}"),
        Event::AutoPlayStart => "started by itself".to_owned(),
        Event::FirstFrame { pts } => format!("first picture at {pts}"),
        Event::LoadingBegin => "waits for data".to_owned(),
        Event::LoadingProgress(percent) => format!("{percent} %"),
        Event::LoadingEnd => "plays on".to_owned(),
        Event::SeekEnd { pts, .. } => format!("at {pts}"),
        Event::LoopingStart => "from the start again".to_owned(),
        Event::Completion => "played to the end".to_owned(),
        Event::SubtitleAdded { track, cues, .. } => format!("subtitles {track}: {cues} cues"),
        Event::SubtitleShown { cue, .. } => cue.text(),
        Event::SubtitleHidden { .. } => String::new(),
        Event::Sei { pts, .. } => format!("user data at {pts}"),
        Event::LocalCacheHit { bytes } => format!("{bytes} bytes from the cache"),
        Event::KeyRequired(id) => format!("a key is missing: {id:?}"),
        Event::CredentialExpired(fault) => format!("{fault}"),
        Event::CommandRefused { refusal, .. } => format!("refused: {refusal:?}"),
        Event::Info { code, text } => match notice(*code) {
            Some(notice) => format!("{} {notice}: {text}", *code as i32),
            None => return,
        },
        Event::AudioDevice { description, .. } => format!("sound comes out at {description}"),
        Event::Recovered(fault) => format!("mended: {fault}"),
        Event::Error(fault) => format!("failed: {fault}"),
        // These come often.
        Event::Position(_) | Event::BufferedPosition(_) | Event::DownloadSpeed(_) => return,
        _ => return,
    };
    // Who does not read any more needs no lines.
    let _ = writeln!(io::stdout(), "{line}");
}
