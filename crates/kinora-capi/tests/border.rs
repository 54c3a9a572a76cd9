//! What the functions do with what they must not be given.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use kinora::Fault;
use kinora_capi::*;

const EINVAL: u32 = 0x2008_0000 + 22;

/// A text that was answered.
fn taken(text: *mut c_char) -> String {
    assert!(!text.is_null());
    // SAFETY: the library gave it.
    let owned = unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned();
    // SAFETY: once.
    unsafe { kinora_text_free(text) };
    owned
}

fn report(fault: *mut Fault) -> String {
    // SAFETY: the library gave it, and it is freed once.
    unsafe {
        let report = taken(kinora_fault_report(fault, c"en".as_ptr()));
        kinora_fault_free(fault);
        report
    }
}

fn player() -> *mut CPlayer {
    let mut player = null_mut();
    // SAFETY: fresh handles.
    let number = unsafe { kinora_builder_build(kinora_builder_new(), &raw mut player, null_mut()) };
    assert_eq!(number, 0);
    player
}

#[test]
fn null_is_an_error_and_no_crash() {
    let mut fault = null_mut();
    // SAFETY: null is allowed everywhere.
    unsafe {
        assert_eq!(kinora_player_start(null()), EINVAL);
        assert_eq!(kinora_player_open(null(), c"x".as_ptr()), EINVAL);
        assert_eq!(kinora_player_state(null()), 0);
        assert_eq!(kinora_player_is_released(null()), 1);
        assert!(kinora_player_wait_event(null(), 0).is_null());
        assert!(kinora_event_json(null()).is_null());
        assert!(kinora_explain(null()).is_null());
        assert_eq!(kinora_fault_code(null()), 0);
        assert_eq!(kinora_frame_describe(null(), null_mut()), EINVAL);
        kinora_player_free(null_mut());
        kinora_event_free(null_mut());
        kinora_text_free(null_mut());
        let number = kinora_probe(null(), null(), null_mut(), &raw mut fault);
        assert_eq!(number, EINVAL);
        assert_eq!(kinora_fault_code(fault), EINVAL);
    }
    assert!(report(fault).contains("NULL"));

    let player = player();
    let latin = CString::new([0xFF, 0xFE]).unwrap();
    // SAFETY: a player, and a text that ends with a zero.
    unsafe {
        assert_eq!(kinora_player_open(player, null()), EINVAL);
        assert_eq!(kinora_player_open(player, latin.as_ptr()), EINVAL);
        kinora_player_free(player);
    }
}

#[test]
fn a_setting_that_is_wrong_is_named_and_a_secret_is_not() {
    let refused = |call: &dyn Fn(*mut CBuilder, *mut *mut Fault) -> u32| {
        let (builder, mut fault) = (kinora_builder_new(), null_mut());
        assert_eq!(call(builder, &raw mut fault), EINVAL);
        // SAFETY: it was not built.
        unsafe { kinora_builder_free(builder) };
        report(fault)
    };
    let config = |json: &'static CStr| {
        refused(&|builder, fault| {
            // SAFETY: handles and texts of this test.
            unsafe { kinora_builder_config(builder, json.as_ptr(), fault) }
        })
    };
    let network = |json: &'static CStr| {
        refused(&|builder, fault| {
            // SAFETY: handles and texts of this test.
            unsafe { kinora_builder_network(builder, json.as_ptr(), fault) }
        })
    };
    assert!(config(c"{\"max_bufer\": 1}").contains("did you mean `max_buffer`?"));
    assert!(config(c"{\"max_buffer\": \"long\"}").contains("milliseconds"));
    assert!(config(c"{\"max_buffer\": -1}").contains("milliseconds"));
    assert!(config(c"[").contains("line 1"));
    let told = network(c"{\"headers\": \"Authorization: CANARY\"}");
    assert!(!told.contains("CANARY"), "{told}");
    let told = network(c"{\"proxy\": \"ftp://user:CANARY@host\"}");
    assert!(!told.contains("CANARY"), "{told}");

    let (player, mut fault) = (player(), null_mut());
    // SAFETY: a player and a text.
    let number = unsafe {
        kinora_player_set_source(
            player,
            c"{\"vid\": 7, \"play_auth\": \"CANARY\"}".as_ptr(),
            &raw mut fault,
        )
    };
    assert_eq!(number, EINVAL);
    assert!(!report(fault).contains("CANARY"));
    // SAFETY: the last use.
    unsafe { kinora_player_free(player) };
}

#[test]
fn settings_hold_until_others_are_given() {
    let player = player();
    // SAFETY: a player and texts.
    unsafe {
        assert_eq!(
            kinora_player_set_config(player, c"{\"network_timeout\": 1500}".as_ptr(), null_mut()),
            0
        );
        assert_eq!(
            kinora_player_set_config(player, c"{\"enable_sei\": true}".as_ptr(), null_mut()),
            0
        );
        assert_eq!(kinora_player_set_volume(player, 0.25), 0);
        assert!((kinora_player_volume(player) - 0.25).abs() < 1e-6);
        assert_eq!(kinora_player_set_orientation(player, 45, 0), EINVAL);
        assert_eq!(kinora_player_set_orientation(player, 90, 1), 0);
        kinora_player_free(player);
    }
}

#[test]
fn what_a_device_and_a_service_tell_is_passed_on_and_nonsense_is_refused() {
    let (player, mut fault) = (player(), null_mut());
    // SAFETY: a player and texts; faults are freed by `report`.
    unsafe {
        assert_eq!(kinora_player_network_reconnect(player), 0);
        assert_eq!(kinora_player_set_low_memory(player, 1), 0);
        assert_eq!(kinora_player_set_viewport(player, 640, 360), 0);
        assert_eq!(kinora_player_set_viewport(player, 0, 0), 0);
        assert_eq!(kinora_player_set_autoplay(player, 1), 0);
        assert_eq!(kinora_player_chapter(player), -1, "nothing plays");
        let credential = c"{\"play_auth\": 7, \"secret\": \"CANARY\"}";
        let number = kinora_player_refresh(player, credential.as_ptr(), &raw mut fault);
        assert_eq!(number, EINVAL);
        let told = report(fault);
        assert!(
            told.contains("play_auth") && !told.contains("CANARY"),
            "{told}"
        );
        let number = kinora_player_add_licence(player, c"{\"keys\": 7}".as_ptr(), &raw mut fault);
        assert_eq!(number, kinora_fault_code(fault));
        assert!(report(fault).contains("ERROR_SERVER_WRONG_JSON"));
        let good = c"{\"url\": \"film.mp4\"}".as_ptr();
        assert_eq!(kinora_player_refresh(player, good, &raw mut fault), 0);
        assert!(fault.is_null());
        kinora_player_free(player);
    }
}

#[test]
fn a_program_of_an_older_header_is_given_what_that_had() {
    let mut picture = [0xAA_u8; size_of::<Picture>()];
    // SAFETY: room for its size; a size that no version had is refused before anything is written.
    unsafe {
        picture.as_mut_ptr().cast::<usize>().write_unaligned(4);
        assert_eq!(
            kinora_frame_describe(null(), picture.as_mut_ptr().cast()),
            EINVAL
        );
    }
    assert!(
        picture[size_of::<usize>()..]
            .iter()
            .all(|byte| *byte == 0xAA)
    );
}

#[test]
fn a_refused_command_is_told_by_its_event() {
    let player = player();
    // SAFETY: a player; events are freed once.
    unsafe {
        assert_eq!(kinora_player_start(player), 0);
        let event = kinora_player_wait_event(player, 5_000);
        assert!(!event.is_null());
        assert_eq!(kinora_event_kind(event), 18);
        let json = CStr::from_ptr(kinora_event_json(event)).to_str().unwrap();
        assert!(json.contains("command_refused"), "{json}");
        assert!(kinora_event_fault(event).is_null());
        kinora_event_free(event);
        kinora_player_free(player);
    }
}

#[test]
fn what_cannot_be_opened_is_told_with_its_fault_and_in_chinese() {
    let player = player();
    // SAFETY: a player; what is lent is read before the event is freed.
    unsafe {
        assert_eq!(kinora_player_open(player, c"/nowhere/film.mp4".as_ptr()), 0);
        let event = loop {
            let event = kinora_player_wait_event(player, 5_000);
            assert!(!event.is_null());
            if kinora_event_kind(event) == 26 {
                break event;
            }
            kinora_event_free(event);
        };
        let fault = kinora_event_fault(event);
        assert_eq!(kinora_fault_code(fault), 0x2008_0002);
        let report = taken(kinora_fault_report(fault, c"zh".as_ptr()));
        assert!(report.contains("处理"), "{report}");
        assert!(taken(kinora_fault_json(fault)).contains("0x20080002"));
        kinora_event_free(event);
        kinora_player_free(player);
    }
}

unsafe extern "C" fn count(data: *mut c_void) {
    // SAFETY: the test's own counter, which outlives what it is given to.
    unsafe { &*data.cast::<AtomicUsize>() }.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn what_has_no_place_is_not_made_and_what_it_was_made_of_is_freed() {
    let destroyed = AtomicUsize::new(0);
    // SAFETY: all functions of it may be null.
    let mut sink: CVideoSink = unsafe { std::mem::zeroed() };
    sink.size = size_of::<CVideoSink>();
    sink.data = (&raw const destroyed).cast_mut().cast();
    sink.destroy = Some(count);
    let mut fault = null_mut();
    // SAFETY: a fresh handle, which is used up; null is no place.
    unsafe {
        let builder = kinora_builder_new();
        assert_eq!(kinora_builder_video_sink(builder, &raw const sink), 0);
        let number = kinora_builder_build(builder, null_mut(), &raw mut fault);
        assert_eq!(number, EINVAL);
    }
    assert!(report(fault).contains("NULL"));
    assert_eq!(destroyed.load(Ordering::SeqCst), 1);
}

unsafe extern "C" fn tell(data: *mut c_void) {
    // SAFETY: the sender of the test, which outlives the player.
    let _ = unsafe { &*data.cast::<Sender<()>>() }.send(());
}

#[test]
fn a_wakeup_is_called_for_events_and_never_after_the_player_is_freed() {
    let (sender, wakeups) = channel::<()>();
    let player = player();
    let data = std::ptr::from_ref(&sender).cast_mut().cast();
    // SAFETY: a player, and a sender that outlives it.
    unsafe {
        assert_eq!(kinora_player_set_wakeup(player, Some(tell), data), 0);
        wakeups
            .try_recv()
            .expect("a wakeup for what may wait already");
        kinora_player_start(player);
        wakeups
            .recv_timeout(Duration::from_secs(20))
            .expect("a wakeup for the event");
        let event = kinora_player_wait_event(player, 0);
        assert!(!event.is_null(), "what was told of is there");
        kinora_event_free(event);
        kinora_player_free(player);
    }
    while wakeups.try_recv().is_ok() {}
    assert_eq!(
        wakeups.recv_timeout(Duration::from_millis(200)),
        Err(RecvTimeoutError::Timeout)
    );
}

#[test]
fn a_wait_ends_at_its_limit_and_with_the_release() {
    let player = player();
    let begun = Instant::now();
    // SAFETY: a player.
    unsafe {
        assert!(kinora_player_wait_event(player, 20).is_null());
        assert!(begun.elapsed() >= Duration::from_millis(20));
        assert_eq!(kinora_player_is_released(player), 0);
        assert_eq!(kinora_player_release(player, 1_000, null_mut()), 0);
        while !kinora_player_wait_event(player, -1).is_null() {}
        assert_eq!(kinora_player_is_released(player), 1);
        kinora_player_free(player);
    }
}

#[test]
fn numbers_are_named_and_explained() {
    assert_eq!(
        taken(kinora_code_name(0x2005_0194)),
        taken(kinora_code_name(0x2005_0194))
    );
    // SAFETY: a text.
    let json = unsafe { taken(kinora_explain(c"ERROR_NETWORK_HTTP_404".as_ptr())) };
    assert!(json.contains("ERROR_NETWORK_HTTP_404"));
    assert!(kinora_api_version() >= 1);
}
