use kinora_output::RgbImage;

use super::*;
use crate::status::ErrorCard;

fn secs(seconds: i64) -> Time {
    Time::from_millis(seconds * 1_000)
}

/// A film of 100 seconds that plays in a window of 1,000 by 500.
fn film() -> Controls {
    let mut controls = Controls::new(Lang::En);
    controls.handle(Time::ZERO, Input::Resized((1_000, 500), 1.0));
    controls.handle(Time::ZERO, status(Activity::Playing));
    controls
}

fn status(activity: Activity) -> Input {
    let choice = |index, label: &str, selected| Choice {
        index,
        label: label.into(),
        selected,
    };
    Input::Status(Box::new(Status {
        activity,
        duration: Some(secs(100)),
        position: secs(10),
        volume: 1.0,
        speed: 1.0,
        videos: vec![choice(0, "1080p", true), choice(1, "720p", false)],
        subtitles: vec![choice(5, "English", false)],
        chapters: vec![(secs(0), "One".into()), (secs(50), String::new())],
        ..Status::default()
    }))
}

fn middle(controls: &Controls, part: Part) -> (f32, f32) {
    let item = controls.items().into_iter().find(|item| item.part == part);
    item.unwrap_or_else(|| panic!("no {part:?}")).middle()
}

/// Points there, presses and lets go.
fn click(controls: &mut Controls, now: Time, (x, y): (f32, f32)) -> Vec<Effect> {
    let mut effects = controls.handle(now, Input::Pointer(x, y));
    effects.extend(controls.handle(now, Input::Press));
    effects.extend(controls.handle(now, Input::Release));
    effects
}

fn click_on(controls: &mut Controls, now: Time, part: Part) -> Vec<Effect> {
    let at = middle(controls, part);
    click(controls, now, at)
}

fn wanted(action: Action) -> Vec<Effect> {
    vec![Effect::Want(action)]
}

#[test]
fn controls_come_with_the_pointer_and_go_after_a_while() {
    let mut controls = film();
    assert!(!controls.are_seen(secs(1)) && controls.hides_pointer(secs(1)));
    controls.handle(secs(1), Input::Pointer(500.0, 100.0));
    assert!(controls.are_seen(secs(2)) && controls.changed(secs(2)));
    assert!(!controls.changed(secs(2)), "nothing new is drawn twice");
    let hides = controls.next_change(secs(2)).unwrap();
    assert!(!controls.are_seen(hides) && controls.changed(hides));
    assert_eq!(controls.next_change(hides), None);
    controls.handle(secs(9), Input::Pointer(500.0, 100.0));
    controls.handle(secs(9), Input::PointerLeft);
    assert!(!controls.are_seen(secs(9)));
}

#[test]
fn what_a_player_says_is_drawn_only_where_it_is_seen() {
    let mut controls = film();
    assert!(controls.changed(secs(1)));
    let at = |seconds| {
        let Input::Status(mut status) = status(Activity::Playing) else {
            panic!("no status");
        };
        status.position = secs(seconds);
        Input::Status(status)
    };
    controls.handle(secs(2), at(11));
    assert!(!controls.changed(secs(2)));
    controls.handle(secs(3), Input::Pointer(500.0, 100.0));
    assert!(controls.changed(secs(3)));
    controls.handle(secs(3), at(12));
    controls.handle(secs(3), at(12));
    assert!(
        controls.changed(secs(3)),
        "the same once more undoes nothing"
    );
    controls.handle(secs(3), at(12));
    assert!(!controls.changed(secs(3)));
}

#[test]
fn each_button_asks_for_what_it_shows() {
    let mut controls = film();
    for (part, action) in [
        (Part::PlayPause, Action::PauseOrPlay),
        (Part::Mute, Action::Mute),
        (Part::Repeat, Action::MarkRepeat),
        (Part::Volume, Action::Volume(1.0)),
    ] {
        assert_eq!(click_on(&mut controls, secs(1), part), wanted(action));
    }
    let whole = click_on(&mut controls, secs(1), Part::FullScreen);
    assert_eq!(whole, [Effect::FullScreen]);
}

#[test]
fn a_press_where_the_controls_were_hidden_only_shows_them() {
    let mut controls = film();
    let at = middle(&controls, Part::PlayPause);
    controls.handle(secs(1), Input::Pointer(at.0, at.1));
    assert_eq!(controls.handle(secs(9), Input::Press), []);
    assert!(controls.are_seen(secs(9)));
    let effects = controls.handle(secs(10), Input::Press);
    assert_eq!(effects, wanted(Action::PauseOrPlay));
}

#[test]
fn the_seek_bar_is_dragged_and_seeks_once_where_it_is_let_go() {
    let mut controls = film();
    let bar = controls
        .items()
        .into_iter()
        .find(|item| item.part == Part::Seek)
        .unwrap();
    let at = |share: f32| (bar.left + bar.width * share, bar.top + 5.0);
    let pointer = |(x, y)| Input::Pointer(x, y);
    let sought = |effects: Vec<Effect>| {
        let is_seek = |it: &Effect| matches!(it, Effect::Want(Action::Seek(_)));
        effects.iter().any(is_seek)
    };
    assert!(!sought(controls.handle(secs(1), pointer(at(0.25)))));
    assert_eq!(controls.pointed_time().unwrap().1.as_millis() / 100, 250);
    assert_eq!(controls.handle(secs(1), Input::Press), []);
    assert!(!sought(controls.handle(secs(2), pointer(at(0.75)))));
    assert_eq!(controls.shown_position().as_millis() / 100, 750);
    assert!(controls.are_seen(secs(60)), "they stay while it is held");
    // Beyond its end is its end.
    assert!(!sought(controls.handle(secs(60), pointer((5_000.0, 0.0)))));
    let effects = controls.handle(secs(60), Input::Release);
    assert_eq!(effects, wanted(Action::Seek(secs(100))));
    assert_eq!(controls.shown_position(), secs(100));
}

#[test]
fn a_menu_opens_offers_what_there_is_and_closes() {
    let mut controls = film();
    assert_eq!(
        click_on(&mut controls, secs(1), Part::Button(Menu::Quality)),
        []
    );
    assert_eq!(controls.menu, Some(Menu::Quality));
    assert!(controls.are_seen(secs(60)), "it waits");
    let entries = controls.entries(Menu::Quality);
    assert_eq!(entries.iter().filter(|entry| entry.selected).count(), 1);
    let effects = click_on(&mut controls, secs(60), Part::Entry(Menu::Quality, 1));
    assert_eq!(effects, wanted(Action::Track(1)));
    assert_eq!(controls.menu, None);
    for (menu, row, action) in [
        (Menu::Speed, 4, Action::Speed(1.5)),
        (Menu::Subtitles, 0, Action::Subtitle(5, true)),
        (Menu::Chapters, 1, Action::Seek(secs(50))),
    ] {
        click_on(&mut controls, secs(61), Part::Button(menu));
        let effects = click_on(&mut controls, secs(61), Part::Entry(menu, row));
        assert_eq!(effects, wanted(action));
    }
    // The same button, a press beside it, and the escape key close it.
    for close in [0, 1, 2] {
        click_on(&mut controls, secs(62), Part::Button(Menu::Speed));
        assert!(controls.menu.is_some());
        let effects = match close {
            0 => click_on(&mut controls, secs(62), Part::Button(Menu::Speed)),
            1 => click(&mut controls, secs(62), (10.0, 10.0)),
            _ => controls.handle(secs(62), Input::Key(Key::Escape)),
        };
        assert_eq!((effects, controls.menu), (Vec::new(), None));
    }
    let effects = controls.handle(secs(62), Input::Key(Key::Escape));
    assert_eq!(effects, wanted(Action::Key(Key::Escape)));
}

#[test]
fn a_double_press_on_the_picture_takes_the_whole_screen() {
    let mut controls = film();
    assert_eq!(click(&mut controls, secs(1), (500.0, 100.0)), []);
    let soon = secs(1) + Time::from_millis(200);
    assert_eq!(
        click(&mut controls, soon, (500.0, 100.0)),
        [Effect::FullScreen]
    );
    assert_eq!(click(&mut controls, soon, (500.0, 100.0)), []);
    assert_eq!(click(&mut controls, secs(5), (500.0, 100.0)), []);
}

#[test]
fn the_wheel_is_loudness_within_its_range() {
    let mut controls = film();
    let mut turn = |notches| controls.handle(secs(1), Input::Wheel(notches));
    assert_eq!(turn(1.0), wanted(Action::Volume(1.05)));
    assert_eq!(turn(-2.0), wanted(Action::Volume(0.95)));
    assert_eq!(turn(-99.0), wanted(Action::Volume(0.0)));
    assert_eq!(turn(99.0), wanted(Action::Volume(2.0)));
}

#[test]
fn keys_go_to_the_player() {
    let mut controls = film();
    let mut press = |key| controls.handle(secs(1), Input::Key(key));
    assert_eq!(press(Key::Char(' ')), wanted(Action::Key(Key::Char(' '))));
    assert_eq!(press(Key::Char('f')), wanted(Action::Key(Key::Char('f'))));
}

#[test]
fn pages_are_toggled_and_one_takes_the_place_of_another() {
    let mut controls = film();
    let mut show = |page: Page| {
        controls.handle(secs(1), Input::Page(page));
        controls.page.clone()
    };
    let keys = || Page::Keys(vec!["q quit".into()]);
    assert_eq!(show(Page::Statistics), Some(Page::Statistics));
    assert_eq!(show(keys()), Some(keys()));
    assert_eq!(show(keys()), None);
}

#[test]
fn a_circle_turns_while_it_loads_but_not_for_a_moment() {
    let mut controls = film();
    controls.handle(secs(1), status(Activity::Loading(None)));
    assert_eq!(controls.circle(secs(1)), None);
    let begins = controls.next_change(secs(1)).unwrap();
    let first = controls.circle(begins).unwrap();
    let next = controls.next_change(begins).unwrap();
    assert_eq!(controls.circle(next), Some(first + 1));
    controls.handle(secs(2), status(Activity::Playing));
    assert_eq!(
        (controls.circle(secs(3)), controls.next_change(secs(3))),
        (None, None)
    );
}

#[test]
fn an_answer_is_read_for_a_while() {
    let mut controls = film();
    controls.handle(secs(1), Input::Answer("paused".into()));
    assert_eq!(controls.answer(secs(2)), Some("paused"));
    assert_eq!(controls.next_change(secs(2)), Some(secs(3)));
    assert_eq!(controls.answer(secs(3)), None);
}

#[test]
fn every_part_is_within_every_window_and_apart_from_the_others() {
    for (size, scale) in [
        ((1_920, 1_080), 2.0),
        ((640, 360), 1.0),
        ((300, 200), 1.0),
        ((200, 100), 1.5),
    ] {
        let mut controls = film();
        controls.handle(Time::ZERO, Input::Resized(size, scale));
        let items = controls.items();
        let (width, height) = (size.0 as f32, size.1 as f32);
        for item in items.iter().filter(|item| item.part != Part::Bar) {
            let inside = item.left >= 0.0 && item.left + item.width <= width + 0.5;
            assert!(
                inside && item.top + item.height <= height + 0.5,
                "{size:?} {item:?}"
            );
            let (x, y) = item.middle();
            let there = items.iter().filter(|other| other.holds(x, y)).count();
            assert_eq!(there, 2, "{size:?} {item:?}: it and the bar");
        }
        assert!(items.iter().any(|item| item.part == Part::PlayPause));
    }
}

#[test]
fn a_long_menu_shows_the_chosen_row_among_those_that_have_room() {
    let mut controls = film();
    let Input::Status(mut many) = status(Activity::Playing) else {
        return;
    };
    many.chapters = (0..200).map(|at| (secs(at), String::new())).collect();
    many.position = secs(150);
    controls.handle(secs(1), Input::Status(many));
    click_on(&mut controls, secs(1), Part::Button(Menu::Chapters));
    let rows: Vec<usize> = controls
        .items()
        .iter()
        .filter_map(|item| match item.part {
            Part::Entry(Menu::Chapters, row) => Some(row),
            _ => None,
        })
        .collect();
    assert!(
        rows.len() > 5 && rows.len() < 20 && rows.contains(&150),
        "{rows:?}"
    );
    assert!(controls.items().iter().all(|item| item.top >= 0.0));
}

#[test]
fn the_picture_of_a_time_is_asked_for_once_and_shown_while_that_is_pointed_at() {
    let mut controls = film();
    let bar = middle(&controls, Part::Seek);
    let there = |x: f32| Input::Pointer(x, bar.1);
    let thumbnail = |from, to| Thumbnail {
        image: RgbImage::filled(320, 180, [1, 2, 3]),
        from: secs(from),
        to: secs(to),
    };
    let asked = controls.handle(secs(1), there(bar.0));
    assert_eq!(asked, wanted(Action::Thumbnail(secs(50))));
    assert_eq!(controls.handle(secs(1), there(bar.0)), []);
    assert_eq!(controls.shown_thumbnail(), None);
    controls.handle(secs(1), Input::Thumbnail(thumbnail(40, 60)));
    let shown = controls.shown_thumbnail().unwrap();
    assert_eq!((shown.image.width, shown.image.height), (160, 90));
    assert_eq!(
        controls.handle(secs(1), there(bar.0 + 40.0)),
        [],
        "the same picture"
    );
    let asked = controls.handle(secs(1), there(bar.0 + 200.0));
    assert!(matches!(asked[..], [Effect::Want(Action::Thumbnail(_))]));
    assert!(
        controls.shown_thumbnail().is_some(),
        "until the next one is there"
    );
    controls.handle(secs(1), Input::Pointer(bar.0, 10.0));
    assert_eq!(controls.shown_thumbnail(), None);
    let Input::Status(mut other) = status(Activity::Playing) else {
        return;
    };
    other.title = "another film".into();
    controls.handle(secs(2), Input::Status(other));
    controls.handle(secs(2), there(bar.0));
    assert_eq!(controls.shown_thumbnail(), None);
}

/// A finger that touches a place and leaves it.
fn tap(controls: &mut Controls, now: Time, (x, y): (f32, f32)) -> Vec<Effect> {
    let mut effects = controls.handle(now, Input::Finger(Finger::Down(x, y)));
    effects.extend(controls.handle(now, Input::Finger(Finger::Up)));
    effects
}

#[test]
fn a_tap_shows_the_controls_and_hides_them() {
    let mut controls = film();
    let picture = (500.0, 100.0);
    assert_eq!(tap(&mut controls, secs(1), picture), []);
    assert!(controls.are_seen(secs(1)) && controls.pointed().is_none());
    assert_eq!(tap(&mut controls, secs(2), picture), []);
    assert!(!controls.are_seen(secs(2)));
    tap(&mut controls, secs(3), picture);
    let button = middle(&controls, Part::PlayPause);
    let effects = tap(&mut controls, secs(4), button);
    assert_eq!(effects, wanted(Action::PauseOrPlay));
}

#[test]
fn a_double_tap_skips_at_the_sides_and_holds_in_the_middle() {
    for (x, action) in [
        (100.0, Action::SeekBy(Time::ZERO - secs(10))),
        (500.0, Action::PauseOrPlay),
        (900.0, Action::SeekBy(secs(10))),
    ] {
        let mut controls = film();
        let soon = |taps: i64| secs(1) + Time::from_millis(taps * 200);
        assert_eq!(tap(&mut controls, soon(0), (x, 100.0)), []);
        assert_eq!(
            tap(&mut controls, soon(1), (x, 120.0)),
            wanted(action.clone())
        );
        assert_eq!(
            tap(&mut controls, soon(2), (x, 100.0)),
            wanted(action),
            "and on"
        );
        assert_eq!(tap(&mut controls, secs(9), (x, 100.0)), []);
    }
    let mut controls = film();
    tap(&mut controls, secs(1), (100.0, 100.0));
    assert_eq!(
        tap(&mut controls, secs(1), (900.0, 100.0)),
        [],
        "two places"
    );
}

#[test]
fn a_finger_drags_the_seek_bar_and_one_that_moves_over_the_picture_does_not_tap() {
    let mut controls = film();
    let finger = Input::Finger;
    tap(&mut controls, secs(1), (500.0, 100.0));
    let (x, y) = middle(&controls, Part::Seek);
    controls.handle(secs(2), finger(Finger::Down(x, y)));
    controls.handle(secs(3), finger(Finger::Moved(5_000.0, 0.0)));
    let effects = controls.handle(secs(3), finger(Finger::Up));
    assert_eq!(effects, wanted(Action::Seek(secs(100))));
    controls.handle(secs(4), finger(Finger::Down(x, y)));
    assert_eq!(controls.handle(secs(4), finger(Finger::Lost)), []);
    assert_eq!(controls.handle(secs(4), finger(Finger::Up)), []);
    controls.handle(secs(20), finger(Finger::Down(500.0, 100.0)));
    controls.handle(secs(20), finger(Finger::Moved(540.0, 100.0)));
    controls.handle(secs(20), finger(Finger::Up));
    assert!(!controls.are_seen(secs(20)));
}

#[test]
fn the_error_card_has_buttons_that_copy_its_report_and_close_it() {
    let mut controls = film();
    let error = ErrorCard {
        report: "all of it".into(),
        ..ErrorCard::default()
    };
    let failed = Status {
        error: Some(error),
        ..Status::default()
    };
    controls.handle(secs(1), Input::Status(Box::new(failed)));
    let copied = [Effect::Copy("all of it".into())];
    assert_eq!(click_on(&mut controls, secs(9), Part::CopyReport), copied);
    assert_eq!(controls.handle(secs(9), Input::Key(Key::Char('c'))), copied);
    let closed = click_on(&mut controls, secs(9), Part::CloseCard);
    assert_eq!(closed, wanted(Action::Quit));
    for (size, scale) in [((960, 540), 1.0), ((640, 360), 2.0), ((200, 100), 1.5)] {
        controls.handle(secs(9), Input::Resized(size, scale));
        for part in [Part::CopyReport, Part::CloseCard] {
            let (x, y) = middle(&controls, part);
            assert!(x > 0.0 && y > 0.0 && x < size.0 as f32 && y < size.1 as f32);
            assert_eq!(controls.part_at((x, y)), Some(part), "{size:?}");
        }
    }
}

#[test]
fn what_was_copied_elsewhere_is_pasted_by_its_usual_key() {
    let mut controls = film();
    let effects = controls.handle(secs(1), Input::Key(Key::Ctrl('v')));
    assert_eq!(effects, [Effect::Paste]);
    let copy = controls.handle(secs(1), Input::Key(Key::Char('c')));
    assert_eq!(
        copy,
        wanted(Action::Key(Key::Char('c'))),
        "no error is shown"
    );
}

#[test]
fn what_the_controls_cover_is_told_while_they_are_seen() {
    let mut controls = film();
    assert_eq!(controls.covered(secs(1)), 0);
    controls.handle(secs(1), Input::Resized((1_000, 500), 1.5));
    controls.handle(secs(1), Input::Pointer(500.0, 100.0));
    assert_eq!(controls.covered(secs(2)), 126);
    assert_eq!(controls.covered(secs(9)), 0);
}
