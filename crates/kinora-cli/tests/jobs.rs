//! A player as a job of a shell: its window closed, stopped and continued, in the background.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use kinora_faults::clips;
use rustix::process::{Pid, Signal, kill_process};
use support::{Desk, KINORA, LIMIT, OTHER_SCREEN, OTHER_SCREEN_LEFT, ended};

/// An interactive shell, of which the player is a job.
fn shell() -> Desk {
    let words = ["bash", "--norc", "--noprofile", "--noediting", "-i"].map(OsStr::new);
    let mut desk = Desk::start(&words, 40);
    desk.wait_for("ready> ");
    desk
}

fn line(film: &Path, more: &str) -> String {
    let film = film.display();
    format!("{KINORA} --no-config --decoder rust --vo terminal {film} {more}\n")
}

#[test]
fn closing_the_window_ends_the_player() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::play(&clips::film(dir.path()));
    desk.wait_for("playing");
    desk.hang_up();
    assert_eq!(desk.status().code(), Some(129));
}

#[test]
fn a_player_that_must_not_hear_of_it_ends_with_its_terminal_too() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    let script = format!("trap '' HUP; exec {}", line(&film, "--loop"));
    let mut desk = Desk::start(&["sh", "-c", &script].map(OsStr::new), 40);
    desk.wait_for("playing");
    // A signal that was ignored when it began is ignored, as `nohup` wants it.
    desk.send(Signal::HUP);
    desk.press(" ");
    desk.wait_for("paused");
    desk.press(" ");
    desk.hang_up();
    assert_eq!(desk.status().code(), Some(129));
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_plays_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::long_film(dir.path());
    let mut desk = shell();
    desk.press(&line(&film, "--loop"));
    desk.wait_for("playing 0:01");
    desk.press("\x1a");
    desk.wait_for(OTHER_SCREEN_LEFT);
    desk.wait_for("Stopped");
    desk.wait_for("ready> ");
    // The shell's own modes are seen by what runs in it.
    desk.press("stty -a | grep -o -E '.?icanon|.?echo ' | xargs\n");
    desk.wait_for("icanon echo");
    // Longer than the film would have played in the meantime.
    desk.press("sleep 4; echo wo''ke\n");
    desk.wait_for("woke");
    desk.press("fg\n");
    desk.wait_for(OTHER_SCREEN);
    assert!(desk.is_raw());
    let drawn = desk.wait_for("playing 0:0");
    assert!(drawn.contains('\u{2580}'), "the picture is there again");
    // Neither at the beginning nor far on.
    let rest = desk.wait_for(" ");
    assert!(rest == "1 " || rest == "2 ", "{rest}");
    desk.press("q");
    desk.wait_for(OTHER_SCREEN_LEFT);
    desk.wait_for("ready> ");
    desk.press("exit\n");
    desk.end();
}

#[test]
fn what_was_paused_is_paused_after_fg() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    let mut desk = shell();
    desk.press(&line(&film, "--loop"));
    desk.wait_for("playing 0:0");
    desk.press(" ");
    desk.wait_for("paused 0:");
    desk.press("\x1a");
    desk.wait_for("Stopped");
    desk.press("fg\n");
    desk.wait_for(OTHER_SCREEN);
    desk.wait_for("paused 0:");
    desk.press("q");
    desk.wait_for("ready> ");
    desk.press("exit\n");
    desk.end();
}

#[test]
fn a_job_in_the_background_plays_without_the_terminal_and_takes_it_with_fg() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    let mut desk = shell();
    desk.press(&line(&film, "--loop &"));
    desk.wait_for("ready> ");
    // It is neither stopped for reading nor draws over what is typed.
    desk.press("sleep 2; jobs; echo do''ne\n");
    let reported = desk.wait_for("done");
    assert!(reported.contains("Running"), "{reported:?}");
    assert!(!reported.contains(OTHER_SCREEN), "{reported:?}");
    desk.press("fg\n");
    desk.wait_for(OTHER_SCREEN);
    desk.wait_for("playing");
    desk.press("\x1a");
    desk.wait_for("Stopped");
    desk.press("bg\n");
    desk.wait_for("ready> ");
    desk.press("sleep 1; jobs; kill %1; wait %1; echo status $?\n");
    let reported = desk.wait_for("status 143");
    assert!(
        reported.contains("Running") && !reported.contains(OTHER_SCREEN),
        "{reported:?}"
    );
    desk.press("exit\n");
    desk.end();
}

#[test]
fn a_job_that_nobody_could_continue_is_not_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::play(&clips::film(dir.path()));
    desk.wait_for("playing");
    desk.press("\x1a");
    desk.press(" ");
    desk.wait_for("paused");
    desk.press("q");
    assert_eq!(desk.end_of_playing(), Some(0));
}

#[test]
fn an_output_that_takes_nothing_does_not_keep_the_program_from_ending() {
    let dir = tempfile::tempdir().unwrap();
    let mut program = Command::new(KINORA)
        .args(["--no-config", "--loop", "--vo", "yuv:-"])
        .arg(clips::film(dir.path()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pipe = program.stdout.take().unwrap();
    let until = Instant::now() + LIMIT;
    // As full as pipes of Linux are: one picture is more.
    while rustix::io::ioctl_fionread(&pipe).unwrap() < 65_536 {
        assert!(Instant::now() < until, "nothing is written");
        std::thread::yield_now();
    }
    for _ in 0..2 {
        kill_process(Pid::from_child(&program), Signal::TERM).unwrap();
    }
    assert_eq!(ended(&mut program).code(), Some(143));
}

/// A server that gives half of a film and refuses the rest, as when a link has expired.
fn expiring(film: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/film.mp4", listener.local_addr().unwrap());
    let film = std::fs::read(film).unwrap();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut head = BufReader::new(stream.try_clone().unwrap()).lines();
            // The request's head ends with an empty line.
            while head
                .next()
                .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
            {}
            let answer = match number {
                0 => format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", film.len()),
                _ => "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".to_owned(),
            };
            let _ = stream.write_all(answer.as_bytes());
            if number == 0 {
                let _ = stream.write_all(&film[..film.len() / 2]);
            }
        }
    });
    url
}

/// A player whose refresh command runs, and the id of a process that the command started.
fn refreshing(dir: &Path) -> (Child, String) {
    let pids = dir.join("pid");
    let shown = pids.display();
    let command = format!("sleep 1000 & echo $! >{shown}.new; mv {shown}.new {shown}; wait");
    let player = Command::new(KINORA)
        .args(["--no-config", "--headless", "--refresh-command", &command])
        .arg(expiring(&clips::long_film(dir)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + LIMIT;
    while !pids.exists() && Instant::now() < until {
        std::thread::yield_now();
    }
    let pid = std::fs::read_to_string(&pids).unwrap_or_default();
    (player, pid.trim().to_owned())
}

#[test]
fn a_refresh_command_dies_with_the_player_however_that_ends() {
    for (signal, code) in [
        (Signal::KILL, None),
        (Signal::TERM, Some(143)),
        (Signal::INT, Some(130)),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (mut player, pid) = refreshing(dir.path());
        assert_ne!(pid, "", "the command does not run");
        kill_process(Pid::from_child(&player), signal).unwrap();
        assert_eq!(ended(&mut player).code(), code);
        let until = Instant::now() + LIMIT;
        let status = || std::fs::read_to_string(format!("/proc/{pid}/status"));
        // One that nobody waits for stays as a zombie where init does not care.
        while status().is_ok_and(|status| !status.contains("State:\tZ")) {
            assert!(Instant::now() < until, "{signal:?}: the command lives on");
            std::thread::yield_now();
        }
    }
}
