//! Putting a player together.

use std::ffi::c_char;
use std::sync::{Mutex, PoisonError};

use kinora::{ContentKey, Fault, KeyId, Player, PlayerBuilder, PlayerConfig, settings};

use crate::border::{self, invalid};
use crate::player::CPlayer;
use crate::sink::{AudioCalls, CAudioSink, CVideoSink, VideoCalls};

/// A player that is being put together.
#[derive(Default)]
pub struct CBuilder(Mutex<State>);

#[derive(Default)]
struct State {
    builder: PlayerBuilder,
    config: PlayerConfig,
}

impl CBuilder {
    fn change(&self, change: impl FnOnce(PlayerBuilder) -> PlayerBuilder) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.builder = change(std::mem::take(&mut state.builder));
    }
}

/// Changes a builder by settings in JSON.
///
/// # Safety
/// As for [`border::handle`], [`border::text`] and [`border::guarded`].
unsafe fn by_settings(
    builder: *mut CBuilder,
    json: *const c_char,
    fault: *mut *mut Fault,
    change: impl FnOnce(&CBuilder, &str) -> Result<(), Fault>,
) -> u32 {
    let work = || {
        // SAFETY: the caller's promise.
        let (builder, json) = unsafe { (border::handle(builder)?, border::text(json)?) };
        change(builder, json)
    };
    // SAFETY: the caller's promise.
    unsafe { border::guarded(fault, work) }
}

/// Begins.
#[unsafe(no_mangle)]
pub extern "C" fn kinora_builder_new() -> *mut CBuilder {
    border::answered(std::ptr::null_mut(), || border::give(CBuilder::default()))
}

/// Gives up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_builder_free(builder: *mut CBuilder) {
    // SAFETY: by the header.
    unsafe { border::free(builder) }
}

/// Sets settings of the player.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_builder_config(
    builder: *mut CBuilder,
    json: *const c_char,
    fault: *mut *mut Fault,
) -> u32 {
    // SAFETY: by the header.
    unsafe {
        by_settings(builder, json, fault, |builder, json| {
            let mut state = builder.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.config = settings::player(&state.config, json)?;
            Ok(())
        })
    }
}

/// Sets how requests are made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_builder_network(
    builder: *mut CBuilder,
    json: *const c_char,
    fault: *mut *mut Fault,
) -> u32 {
    // SAFETY: by the header.
    unsafe {
        by_settings(builder, json, fault, |builder, json| {
            let network = settings::network(json)?;
            builder.change(|it| it.network(network));
            Ok(())
        })
    }
}

/// Sets the cache.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_builder_cache(
    builder: *mut CBuilder,
    json: *const c_char,
    fault: *mut *mut Fault,
) -> u32 {
    // SAFETY: by the header.
    unsafe {
        by_settings(builder, json, fault, |builder, json| {
            let cache = settings::cache(json)?;
            builder.change(|it| it.cache(cache));
            Ok(())
        })
    }
}

/// Gives a content key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_builder_key(
    builder: *mut CBuilder,
    id: *const c_char,
    key: *const c_char,
    fault: *mut *mut Fault,
) -> u32 {
    let work = || {
        // SAFETY: by the header.
        let builder = unsafe { border::handle(builder) }?;
        // SAFETY: by the header.
        let (id, key) = unsafe { content_key(id, key) }?;
        builder.change(|it| it.key(id, key));
        Ok(())
    };
    // SAFETY: by the header.
    unsafe { border::guarded(fault, work) }
}

/// An id and a key, in hexadecimal digits.
///
/// # Safety
/// Both are null or end with a zero.
pub(crate) unsafe fn content_key(
    id: *const c_char,
    key: *const c_char,
) -> Result<(KeyId, ContentKey), Fault> {
    // SAFETY: the caller's promise.
    let (id, key) = unsafe { (border::text(id)?, border::text(key)?) };
    settings::content_key(id, key)
}

/// Whether it begins to play by itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_builder_autoplay(builder: *mut CBuilder, on: i32) -> u32 {
    let work = || {
        // SAFETY: by the header.
        let builder = unsafe { border::handle(builder) }?;
        builder.change(|it| it.autoplay(on != 0));
        Ok(())
    };
    // SAFETY: null is no place.
    unsafe { border::guarded(std::ptr::null_mut(), work) }
}

/// Where pictures go.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_builder_video_sink(
    builder: *mut CBuilder,
    sink: *const CVideoSink,
) -> u32 {
    let work = || {
        // SAFETY: by the header.
        let (builder, sink) = unsafe { (border::handle(builder)?, border::table(sink)?) };
        builder.change(|it| it.video_sink(VideoCalls::new(sink)));
        Ok(())
    };
    // SAFETY: null is no place.
    unsafe { border::guarded(std::ptr::null_mut(), work) }
}

/// Where sound goes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_builder_audio_sink(
    builder: *mut CBuilder,
    sink: *const CAudioSink,
) -> u32 {
    let work = || {
        // SAFETY: by the header.
        let (builder, sink) = unsafe { (border::handle(builder)?, border::table(sink)?) };
        builder.change(|it| it.audio_sink(AudioCalls::new(sink)));
        Ok(())
    };
    // SAFETY: null is no place.
    unsafe { border::guarded(std::ptr::null_mut(), work) }
}

/// Builds; the builder is used up by it, whatever comes of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_builder_build(
    builder: *mut CBuilder,
    player: *mut *mut CPlayer,
    fault: *mut *mut Fault,
) -> u32 {
    let work = || {
        if builder.is_null() {
            return Err(invalid("a handle is NULL"));
        }
        // SAFETY: by the header it was given by `kinora_builder_new`, and is not used any more.
        let builder = *unsafe { Box::from_raw(builder) };
        let state = builder
            .0
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let build = || {
            let built: Player = state.builder.config(state.config).build()?;
            Ok(CPlayer::new(built))
        };
        // SAFETY: by the header.
        unsafe { border::put_made(player, build) }
    };
    // SAFETY: by the header.
    unsafe { border::guarded(fault, work) }
}
