//! How the program reaches servers: proxies by argument and by environment.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use kinora_faults::clips;
use kinora_faults::files::FileServer;
use kinora_faults::proxy::{Act, Proxy};

const PASSWORD: &str = "canary-7Hq2";

/// Runs it in an environment that names no proxy but these.
fn kinora(line: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora"));
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command.env_remove("KINORA_PROXY").env("LC_ALL", "C");
    command.args(line.split(' ')).stdin(Stdio::null());
    command.envs(variables.iter().copied());
    command.output().unwrap()
}

fn reported(output: &Output) -> String {
    String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned()
}

/// A proxy that has the film for whoever asks for one, wherever that is.
fn holding_the_film(dir: &Path) -> (Proxy, FileServer) {
    let server = FileServer::start(dir);
    let film = std::fs::read(clips::film(dir)).unwrap();
    let proxy = Proxy::before(server.address());
    proxy.script(move |_| Act::Answer("200 OK", "Content-Type: video/mp4\r\n", film.clone()));
    (proxy, server)
}

#[test]
fn the_proxy_of_the_environment_is_asked_unless_it_is_turned_off() {
    let dir = tempfile::tempdir().unwrap();
    let (proxy, server) = holding_the_film(dir.path());
    let address = proxy.url("").replace("http://", "");
    let with_password = format!("http://me:{PASSWORD}@{address}");
    const FAR: &str = "probe --json http://video.invalid/film.mp4";
    for (line, variables) in [
        (FAR.to_owned(), &[("http_proxy", &*with_password)][..]),
        (FAR.to_owned(), &[("ALL_PROXY", &*address)]),
        (format!("{FAR} --proxy {address}"), &[]),
        (
            FAR.to_owned(),
            &[("KINORA_PROXY", &*address), ("http_proxy", "127.0.0.1:1")],
        ),
    ] {
        let done = kinora(&line, variables);
        let reported = reported(&done);
        assert!(done.status.success(), "{line} {variables:?}: {reported}");
        assert!(reported.contains("\"container\":\"mp4\""), "{reported}");
        assert!(!reported.contains(PASSWORD), "{reported}");
    }
    let asked = proxy.seen();
    assert!(
        asked
            .iter()
            .all(|exchange| exchange.target() == "http://video.invalid/film.mp4")
    );
    assert!(asked[0].header("proxy-authorization").is_some());

    let near = format!("probe --json http://{}/film.mp4", server.address());
    let nowhere = ("http_proxy", "127.0.0.1:1");
    let (before, port) = (proxy.seen().len(), server.address().port());
    let exempt = format!("10.0.0.0/8,127.0.0.1:{port}");
    for (line, variables) in [
        (near.clone(), &[nowhere, ("no_proxy", &*exempt)][..]),
        (format!("{near} --proxy none"), &[nowhere]),
        (format!("{near} --noproxy *"), &[nowhere]),
        (near.clone(), &[("HTTP_PROXY", "127.0.0.1:1")]),
    ] {
        let done = kinora(&line, variables);
        assert!(
            done.status.success(),
            "{line} {variables:?}: {}",
            reported(&done)
        );
    }
    assert_eq!(proxy.seen().len(), before);
    let done = kinora(&near, &[nowhere, ("no_proxy", "lan")]);
    assert!(
        reported(&done).contains("proxy.unreachable"),
        "{}",
        reported(&done)
    );
}

#[test]
fn a_proxy_that_can_not_be_one_is_an_error_of_the_arguments_and_its_hint_is_whole() {
    let given = format!("socks4://me:{PASSWORD}@proxy.example:1080");
    for (lang, hint) in [
        (
            "en",
            "`socks4` is not supported: use http, socks5 or socks5h",
        ),
        (
            "zh",
            "不支持 `socks4` 类型的代理：请用 http、socks5 或 socks5h",
        ),
    ] {
        let line = format!("probe https://video.invalid/a.mp4 --lang {lang}");
        for (line, variables) in [
            (format!("{line} --proxy {given}"), &[][..]),
            (line.clone(), &[("https_proxy", &*given)]),
        ] {
            let done = kinora(&line, variables);
            let reported = reported(&done);
            assert_eq!(done.status.code(), Some(2), "{reported}");
            assert!(reported.contains(hint), "{reported}");
            assert!(
                !reported.contains("***") && !reported.contains(PASSWORD),
                "{reported}"
            );
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    let line = format!("probe {}", film.display());
    let done = kinora(&line, &[("all_proxy", &given)]);
    assert!(
        done.status.success(),
        "a file needs no proxy: {}",
        reported(&done)
    );
}
