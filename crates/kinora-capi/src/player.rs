//! The player.

use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::time::Duration;

use kinora::output::ScaleMode;
use kinora::{
    Credential, Fault, LoopMode, Mirror, NoEvent, Player, Repeat, Secret, SeekAccuracy, Time,
    TrackChoice, VideoFrame, json, settings,
};

use crate::border::{self, invalid};
use crate::builder::content_key;
use crate::event::GivenEvent;
use crate::text;
use crate::wakeup::{Callback, Wakeup};

/// What a program waits at most for a player that it frees.
const FREE_LIMIT: Duration = Duration::from_secs(1);

/// A player, and what it wakes.
pub struct CPlayer {
    player: Player,
    wakeup: Arc<Wakeup>,
}

impl CPlayer {
    pub(crate) fn new(player: Player) -> Self {
        let wakeup = Arc::<Wakeup>::default();
        let woken = Arc::clone(&wakeup);
        player.set_event_alarm(Some(Arc::new(move || woken.wake())));
        Self { player, wakeup }
    }
}

impl Drop for CPlayer {
    fn drop(&mut self) {
        // The application's callback is not called beyond this, even by a thread that outlives the limit.
        self.wakeup.set(None);
        let _ = self.player.release(FREE_LIMIT);
    }
}

/// Does what cannot fail but for the handle.
///
/// # Safety
/// As for [`border::handle`].
unsafe fn on(player: *const CPlayer, work: impl FnOnce(&Player)) -> u32 {
    // SAFETY: the caller's promise.
    unsafe {
        tried(player, std::ptr::null_mut(), |player| {
            work(player);
            Ok(())
        })
    }
}

/// Does what may fail.
///
/// # Safety
/// As for [`border::handle`] and [`border::guarded`].
unsafe fn tried(
    player: *const CPlayer,
    fault: *mut *mut Fault,
    work: impl FnOnce(&Player) -> Result<(), Fault>,
) -> u32 {
    // SAFETY: the caller's promise.
    let run = || work(&unsafe { border::handle(player) }?.player);
    // SAFETY: the caller's promise.
    unsafe { border::guarded(fault, run) }
}

/// Asks; `otherwise` where there is no player.
///
/// # Safety
/// As for [`border::handle`].
unsafe fn asked<T: Copy>(
    player: *const CPlayer,
    otherwise: T,
    ask: impl FnOnce(&Player) -> T,
) -> T {
    border::answered(otherwise, || {
        // SAFETY: the caller's promise.
        unsafe { border::handle(player) }.map_or(otherwise, |it| ask(&it.player))
    })
}

/// The commands that take nothing.
macro_rules! commands {
    ($($name:ident => $method:ident),* $(,)?) => {$(
        #[doc = concat!("As `Player::", stringify!($method), "`.")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(player: *const CPlayer) -> u32 {
            // SAFETY: by the header.
            unsafe { on(player, |player| player.$method()) }
        }
    )*};
}

commands! {
    kinora_player_prepare => prepare,
    kinora_player_start => start,
    kinora_player_pause => pause,
    kinora_player_stop => stop,
    kinora_player_reset => reset,
    kinora_player_reload => reload,
    kinora_player_step => step,
}

/// Sets a URL or path and prepares it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_open(player: *const CPlayer, url: *const c_char) -> u32 {
    // SAFETY: by the header.
    unsafe {
        tried(player, std::ptr::null_mut(), |player| {
            player.open(border::text(url)?);
            Ok(())
        })
    }
}

/// Sets a source.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_source(
    player: *const CPlayer,
    json: *const c_char,
    fault: *mut *mut Fault,
) -> u32 {
    // SAFETY: by the header.
    unsafe {
        tried(player, fault, |player| {
            player.set_source(settings::source(border::text(json)?)?);
            Ok(())
        })
    }
}

/// Gives a new PlayAuth.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_refresh_play_auth(
    player: *const CPlayer,
    play_auth: *const c_char,
) -> u32 {
    // SAFETY: by the header.
    unsafe {
        tried(player, std::ptr::null_mut(), |player| {
            player.refresh(Credential::PlayAuth(Secret::new(border::text(play_auth)?)));
            Ok(())
        })
    }
}

/// Changes settings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_config(
    player: *const CPlayer,
    json: *const c_char,
    fault: *mut *mut Fault,
) -> u32 {
    // SAFETY: by the header.
    unsafe {
        tried(player, fault, |player| {
            player.set_config(settings::player(&player.config(), border::text(json)?)?);
            Ok(())
        })
    }
}

/// Goes to a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_seek(player: *const CPlayer, time: i64, exact: i32) -> u32 {
    let accuracy = match exact {
        0 => SeekAccuracy::KeyFrame,
        _ => SeekAccuracy::Exact,
    };
    // SAFETY: by the header.
    unsafe {
        on(player, |player| {
            player.seek(Time::from_micros(time), accuracy)
        })
    }
}

/// Chooses a track; negative: the player chooses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_select_track(player: *const CPlayer, index: i64) -> u32 {
    let choice = u32::try_from(index).map_or(TrackChoice::Auto, TrackChoice::Index);
    // SAFETY: by the header.
    unsafe { on(player, |player| player.select_track(choice)) }
}

/// Adds a file of subtitles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_add_subtitle(
    player: *const CPlayer,
    url: *const c_char,
) -> u32 {
    // SAFETY: by the header.
    unsafe {
        tried(player, std::ptr::null_mut(), |player| {
            player.add_external_subtitle(border::text(url)?);
            Ok(())
        })
    }
}

/// Shows subtitles, or hides them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_select_subtitle(
    player: *const CPlayer,
    index: u32,
    is_shown: i32,
) -> u32 {
    // SAFETY: by the header.
    unsafe {
        on(player, |player| {
            player.select_subtitle(index, is_shown != 0)
        })
    }
}

/// Shows subtitles later or sooner.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_subtitle_delay(
    player: *const CPlayer,
    index: u32,
    delay: i64,
) -> u32 {
    // SAFETY: by the header.
    unsafe {
        on(player, |player| {
            player.set_subtitle_delay(index, Time::from_micros(delay));
        })
    }
}

/// Gives a content key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_add_key(
    player: *const CPlayer,
    id: *const c_char,
    key: *const c_char,
    fault: *mut *mut Fault,
) -> u32 {
    // SAFETY: by the header.
    unsafe {
        tried(player, fault, |player| {
            let (id, key) = content_key(id, key)?;
            player.add_key(id, key);
            Ok(())
        })
    }
}

/// Plays at that factor of the natural speed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_speed(player: *const CPlayer, speed: f64) -> u32 {
    // SAFETY: by the header.
    unsafe { on(player, |player| player.set_speed(speed)) }
}

/// Sets the volume.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_volume(player: *const CPlayer, volume: f32) -> u32 {
    // SAFETY: by the header.
    unsafe { on(player, |player| player.set_volume(volume)) }
}

/// Mutes, or not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_mute(player: *const CPlayer, is_muted: i32) -> u32 {
    // SAFETY: by the header.
    unsafe { on(player, |player| player.set_mute(is_muted != 0)) }
}

/// Sound later or earlier than its pictures.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_audio_delay(player: *const CPlayer, delay: i64) -> u32 {
    // SAFETY: by the header.
    unsafe {
        on(player, |player| {
            player.set_audio_delay(Time::from_micros(delay))
        })
    }
}

/// Begins again at the end, or not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_loop(player: *const CPlayer, is_looped: i32) -> u32 {
    let mode = match is_looped {
        0 => LoopMode::Off,
        _ => LoopMode::On,
    };
    // SAFETY: by the header.
    unsafe { on(player, |player| player.set_loop(mode)) }
}

/// Repeats a part; one that is empty: none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_repeat(
    player: *const CPlayer,
    from: i64,
    to: i64,
) -> u32 {
    let (from, to) = (Time::from_micros(from), Time::from_micros(to));
    // SAFETY: by the header.
    unsafe {
        on(player, |player| {
            player.set_repeat((from < to).then_some(Repeat { from, to }));
        })
    }
}

/// Turns and mirrors pictures.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_orientation(
    player: *const CPlayer,
    degrees: u32,
    mirror: u32,
) -> u32 {
    // SAFETY: by the header.
    unsafe {
        tried(player, std::ptr::null_mut(), |player| {
            let rotation = settings::rotation(degrees)?;
            let mirror = match mirror {
                0 => Mirror::None,
                1 => Mirror::Horizontal,
                2 => Mirror::Vertical,
                _ => return Err(invalid("a mirror is 0, 1 or 2")),
            };
            player.set_rotation(rotation);
            player.set_mirror(mirror);
            Ok(())
        })
    }
}

/// How pictures lie in their area.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_scale_mode(player: *const CPlayer, mode: u32) -> u32 {
    // SAFETY: by the header.
    unsafe {
        tried(player, std::ptr::null_mut(), |player| {
            player.set_scale_mode(match mode {
                0 => ScaleMode::Fit,
                1 => ScaleMode::Fill,
                2 => ScaleMode::Stretch,
                _ => return Err(invalid("a scale mode is 0, 1 or 2")),
            });
            Ok(())
        })
    }
}

/// Tells that the device has joined another network.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_network_reconnect(player: *const CPlayer) -> u32 {
    // SAFETY: by the header.
    unsafe { on(player, Player::network_reconnect) }
}

/// Tells that memory is short, or no longer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_low_memory(player: *const CPlayer, is_low: i32) -> u32 {
    // SAFETY: by the header.
    unsafe { on(player, |player| player.set_low_memory(is_low != 0)) }
}

/// Gives a new credential.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_refresh(
    player: *const CPlayer,
    json: *const c_char,
    fault: *mut *mut Fault,
) -> u32 {
    // SAFETY: by the header.
    unsafe {
        tried(player, fault, |player| {
            player.refresh(settings::credential(border::text(json)?)?);
            Ok(())
        })
    }
}

/// Gives the keys of a ClearKey licence.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_add_licence(
    player: *const CPlayer,
    json: *const c_char,
    fault: *mut *mut Fault,
) -> u32 {
    // SAFETY: by the header.
    unsafe {
        tried(player, fault, |player| {
            player.add_licence(border::text(json)?.as_bytes())
        })
    }
}

/// Begins to play by itself, once prepared.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_autoplay(
    player: *const CPlayer,
    on_prepared: i32,
) -> u32 {
    // SAFETY: by the header.
    unsafe { on(player, |player| player.set_autoplay(on_prepared != 0)) }
}

/// Ends what plays in the presentation's place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_skip_interstitial(player: *const CPlayer) -> u32 {
    // SAFETY: by the header.
    unsafe { on(player, Player::skip_interstitial) }
}

/// Says in which area pictures are seen.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_viewport(
    player: *const CPlayer,
    width: u32,
    height: u32,
) -> u32 {
    let size = (width > 0 && height > 0).then_some((width, height));
    // SAFETY: by the header.
    unsafe { on(player, |player| player.set_viewport(size)) }
}

/// The chapter that plays; negative: none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_chapter(player: *const CPlayer) -> i64 {
    // SAFETY: by the header.
    unsafe { asked(player, -1, |player| player.chapter().map_or(-1, i64::from)) }
}

/// The state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_state(player: *const CPlayer) -> i32 {
    // SAFETY: by the header.
    unsafe { asked(player, 0, |player| player.state() as i32) }
}

/// Where playback is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_position(player: *const CPlayer) -> i64 {
    // SAFETY: by the header.
    unsafe { asked(player, 0, |player| player.position().as_micros()) }
}

/// Up to where data is there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_buffered(player: *const CPlayer) -> i64 {
    // SAFETY: by the header.
    unsafe { asked(player, 0, |player| player.buffered_position().as_micros()) }
}

/// How long; negative: unknown, or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_duration(player: *const CPlayer) -> i64 {
    // SAFETY: by the header.
    unsafe {
        asked(player, -1, |player| {
            player.duration().map_or(-1, Time::as_micros)
        })
    }
}

/// The speed that was asked for last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_speed(player: *const CPlayer) -> f64 {
    // SAFETY: by the header.
    unsafe { asked(player, 1.0, Player::speed) }
}

/// The volume that was asked for last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_volume(player: *const CPlayer) -> f32 {
    // SAFETY: by the header.
    unsafe { asked(player, 1.0, Player::volume) }
}

/// What is known of the presentation; null before it is prepared.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_media_info(player: *const CPlayer) -> *mut c_char {
    // SAFETY: by the header.
    unsafe {
        asked(player, std::ptr::null_mut(), |player| {
            let info = player.media_info();
            info.map_or(std::ptr::null_mut(), |info| {
                text::give(json::media_info(&info).to_string())
            })
        })
    }
}

/// What can be chosen.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_tracks(player: *const CPlayer) -> *mut c_char {
    // SAFETY: by the header.
    unsafe {
        asked(player, std::ptr::null_mut(), |player| {
            let tracks = player.tracks();
            let list = tracks
                .iter()
                .flat_map(|it| it.iter())
                .map(json::track_option);
            text::give(serde_json::Value::from_iter(list).to_string())
        })
    }
}

/// The picture that is shown.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_snapshot(player: *const CPlayer) -> *mut VideoFrame {
    // SAFETY: by the header.
    unsafe {
        asked(player, std::ptr::null_mut(), |player| {
            player.snapshot().map_or(std::ptr::null_mut(), border::give)
        })
    }
}

/// Waits for the next event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_wait_event(
    player: *const CPlayer,
    limit: i64,
) -> *mut GivenEvent {
    border::answered(std::ptr::null_mut(), || {
        // SAFETY: by the header.
        let Ok(it) = (unsafe { border::handle(player) }) else {
            return std::ptr::null_mut();
        };
        let limit = u64::try_from(limit).map_or(Duration::MAX, Duration::from_millis);
        // First, so that what comes meanwhile makes it readable again.
        it.wakeup.clear();
        match it.player.next_event(limit) {
            Ok(event) => {
                it.wakeup.stay_readable();
                border::give(GivenEvent::new(event))
            }
            Err(NoEvent::NotYet) => std::ptr::null_mut(),
            Err(NoEvent::Released) => {
                it.wakeup.stay_readable();
                std::ptr::null_mut()
            }
        }
    })
}

/// Whether it has ended: no event can come any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_is_released(player: *const CPlayer) -> i32 {
    // SAFETY: by the header.
    unsafe { asked(player, 1, |player| i32::from(player.is_released())) }
}

/// A descriptor that can be read while events may wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_wakeup_fd(
    player: *const CPlayer,
    descriptor: *mut i32,
    fault: *mut *mut Fault,
) -> u32 {
    let work = || {
        // SAFETY: by the header.
        let it = unsafe { border::handle(player) }?;
        let made = it.wakeup.descriptor()?;
        // What came before it was there.
        it.wakeup.stay_readable();
        // SAFETY: by the header.
        unsafe { border::put(descriptor, made) }
    };
    // SAFETY: by the header.
    unsafe { border::guarded(fault, work) }
}

/// A function that is called when events have come.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_wakeup(
    player: *const CPlayer,
    function: Option<unsafe extern "C" fn(*mut c_void)>,
    data: *mut c_void,
) -> u32 {
    let work = || {
        // SAFETY: by the header.
        let it = unsafe { border::handle(player) }?;
        it.wakeup
            .set(function.map(|function| Callback { function, data }));
        if function.is_some() {
            it.wakeup.wake();
        }
        Ok(())
    };
    // SAFETY: null is no place.
    unsafe { border::guarded(std::ptr::null_mut(), work) }
}

/// Ends everything and waits for the sinks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_release(
    player: *const CPlayer,
    limit: u32,
    fault: *mut *mut Fault,
) -> u32 {
    // SAFETY: by the header.
    unsafe {
        tried(player, fault, |player| {
            player.release(Duration::from_millis(limit.into()))
        })
    }
}

/// Ends and frees the player.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_free(player: *mut CPlayer) {
    // SAFETY: by the header.
    unsafe { border::free(player) }
}
