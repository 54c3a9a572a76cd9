//! No secret that the program is given, or gets on the way, is shown to anybody: terminal, JSON, panics, other servers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::panic;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kinora::{Credential, Header, NetConfig, ProxyConfig, Secret, Source, VidAuth, VidSts};
use kinora_cloud::PlayAuth;
use kinora_faults::canary::{Canary, Captured, leaks};
use kinora_faults::clips;
use kinora_faults::proxy::{Act, Proxy};
use kinora_faults::stage::{Stage, by_auth, by_sts};

const PASSWORD: &str = "hunter-canary-5QmTz";
const TOKEN: &str = "token-canary-8Yw2Kd";
const COOKIE: &str = "cookie-canary-Rf71Lp";

fn kinora() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora"));
    command.stdin(Stdio::null());
    command
}

/// What runs of the program put out, and the secrets that none of it may hold.
#[derive(Default)]
struct Ledger {
    canaries: Vec<Canary>,
    reported: Vec<Captured>,
    wire: Vec<u8>,
}

impl Ledger {
    fn secret(&mut self, name: &str, secret: impl Into<String>) {
        self.canaries.push(Canary::new(name, secret));
    }
    fn play_auth(&mut self, name: &str, play_auth: &Secret) {
        let inner = PlayAuth::decode(play_auth.expose()).unwrap();
        self.secret(name, play_auth.expose());
        self.secret(&format!("{name}'s key"), inner.access_key_secret.expose());
        self.secret(&format!("{name}'s token"), inner.security_token.expose());
    }
    /// Runs it for people in both languages and for machines, and expects this exit status.
    fn run(&mut self, status: i32, line: &str, envs: &[(&str, &str)]) {
        self.run_with(status, line, &[], envs);
    }
    fn run_with(&mut self, status: i32, line: &str, last: &[&str], envs: &[(&str, &str)]) {
        let command = line.split(' ').next().unwrap();
        for style in ["--lang en", "--lang zh", "--json"] {
            let mut program = kinora();
            program.args(style.split(' ')).args(line.split(' '));
            let done = program
                .args(last)
                .envs(envs.iter().copied())
                .output()
                .unwrap();
            let place = format!("kinora {command} {style}");
            let reported = String::from_utf8_lossy(&done.stderr);
            assert_eq!(done.status.code(), Some(status), "{place}: {reported}");
            self.emit(&place, [done.stdout, done.stderr].concat());
        }
    }
    fn emit(&mut self, place: &str, text: Vec<u8>) {
        self.reported.push((place.to_owned(), text));
    }
    /// What reached a server: its signatures and links are secrets too.
    fn saw(&mut self, proxy: &Proxy) {
        for exchange in proxy.seen() {
            for (mark, name) in [("auth_key=", "a link"), ("Signature=", "a signature")] {
                if let Some(rest) = exchange.target().split(mark).nth(1) {
                    let value = rest.split('&').next().unwrap();
                    self.secret(name, value.rsplit('-').next().unwrap());
                }
            }
            self.wire.extend_from_slice(exchange.head.as_bytes());
        }
    }
    /// Every run so far reported all of that.
    fn assert_each_reported(&self, marks: &[&str]) {
        for (place, text) in &self.reported {
            let text = String::from_utf8_lossy(text);
            for mark in marks {
                assert!(text.contains(mark), "{mark} of {place}: {text}");
            }
        }
    }
    /// Nothing put out holds a secret, though the same search finds them where they had to be.
    fn holds(&self, on_the_wire: &[&str]) {
        let wire = [("the wire".to_owned(), self.wire.clone())];
        let sent = leaks(&self.canaries, &wire);
        for name in on_the_wire {
            assert!(
                sent.iter().any(|leak| leak.contains(name)),
                "{name} was never sent: {sent:#?}"
            );
        }
        assert!(
            self.reported
                .iter()
                .map(|(_, text)| text.len())
                .sum::<usize>()
                > 1_000
        );
        let leaks = leaks(&self.canaries, &self.reported);
        assert!(leaks.is_empty(), "{leaks:#?}");
    }
}

/// A video by its id, played by each kind of credential.
struct ById {
    stage: Stage,
    ledger: Ledger,
    play: String,
    play_auth: Secret,
    sts: VidSts,
}

impl ById {
    fn new() -> Self {
        let (stage, mut ledger) = (Stage::new(), Ledger::default());
        let (auth, sts) = (stage.auth(), stage.sts(&["vod:GetPlayInfo"], 900));
        ledger.play_auth("the credential", &auth.play_auth);
        ledger.secret("the session's key", sts.access_key_secret.expose());
        ledger.secret("the session's token", sts.security_token.expose());
        ledger.secret("the account's key", stage.key.secret.expose());
        let (video, endpoint) = (&stage.video, stage.endpoint());
        let play =
            format!("play vid:{video} --endpoint {endpoint} --headless --timeout 3000 --retries 0");
        let play_auth = auth.play_auth;
        Self {
            stage,
            ledger,
            play,
            play_auth,
            sts,
        }
    }
    fn run(&mut self, status: i32, more: &str) {
        let envs = [("KINORA_PLAY_AUTH", self.play_auth.expose())];
        let line = format!("{}{more}", self.play);
        self.ledger.run(status, &line, &envs);
    }
    fn run_by_key(&mut self, status: i32, secret: &str) {
        let envs = [
            ("KINORA_ACCESS_KEY_ID", &*self.sts.access_key_id),
            ("KINORA_ACCESS_KEY_SECRET", secret),
            ("KINORA_SECURITY_TOKEN", self.sts.security_token.expose()),
        ];
        self.ledger
            .run(status, &format!("{} --stats json", self.play), &envs);
    }
}

#[test]
fn a_video_by_its_id_is_played_and_refused_without_a_word_of_its_credential() {
    let mut by_id = ById::new();
    by_id.run(0, " --stats json --progress 0.1");
    let secret = by_id.sts.access_key_secret.expose().to_owned();
    by_id.run_by_key(0, &secret);
    by_id.run_by_key(11, &format!("{secret}x"));
    by_id.ledger.saw(&by_id.stage.proxy);

    // The answer is cut, refused, broken off; first the service's, then the media's.
    let forbidden = Act::status("403 Forbidden");
    let cut = Act::Truncate(40);
    for (media, act, status) in [
        (false, cut.clone(), 10),
        (false, forbidden.clone(), 10),
        (false, Act::Reset, 10),
        (true, cut, 20),
        (true, forbidden, 20),
        (true, Act::Reset, 20),
    ] {
        let is_meant = move |target: &str| target.starts_with("/media/") == media;
        by_id
            .stage
            .proxy
            .script(move |asked| match is_meant(asked.target()) {
                true => act.clone(),
                false => Act::Pass,
            });
        by_id.run(status, " --stats json");
        by_id.ledger.saw(&by_id.stage.proxy);
    }
    by_id.ledger.holds(&[
        "the session's token",
        "a link",
        "a signature",
        "the credential's token",
    ]);
}

#[test]
fn a_diagnosis_and_its_report_hold_no_secret() {
    let mut by_id = ById::new();
    let room = tempfile::tempdir().unwrap();
    let report = room.path().join("report.zip");
    let line = by_id.play.clone();
    let line = line
        .replacen("play", "diagnose", 1)
        .replace(" --headless", "");
    let line = format!("{line} --seconds 1 --report {}", report.display());
    let envs = [("KINORA_PLAY_AUTH", by_id.play_auth.expose())];
    for (refuses, status) in [(false, 0), (true, 20)] {
        by_id.stage.proxy.script(move |asked| {
            match refuses && asked.target().starts_with("/media/") {
                true => Act::status("403 Forbidden"),
                false => Act::Pass,
            }
        });
        by_id.ledger.run(status, &line, &envs);
        by_id.ledger.saw(&by_id.stage.proxy);
        let written = std::fs::read(&report).unwrap();
        let names = ["report.json", "report.zh.txt", "report.en.txt", "about.txt"];
        for name in names {
            let held = written
                .windows(name.len())
                .any(|part| part == name.as_bytes());
            assert!(held, "the report has {name}, and stores it as it is");
        }
        by_id.ledger.emit("the report", written);
    }
    by_id.ledger.holds(&["a link", "a signature"]);
}

#[test]
fn a_recorded_session_holds_no_secret_and_runs_again() {
    let mut by_id = ById::new();
    let room = tempfile::tempdir().unwrap();
    let file = room.path().join("session.jsonl");
    by_id.run(0, &format!(" --record {}", file.display()));
    by_id.ledger.saw(&by_id.stage.proxy);
    let written = std::fs::read(&file).unwrap();
    assert!(written.len() > 5_000);
    by_id.ledger.emit("the recording", written);
    let replay = format!("replay {}", file.display());
    by_id.ledger.run(0, &replay, &[]);

    let mut cut = std::fs::read_to_string(&file).unwrap();
    let packet = cut.find("[\"demux\",{\"ok\":{\"p\"").unwrap();
    cut.replace_range(packet..packet + 8, "[\"seek\" ");
    std::fs::write(&file, cut).unwrap();
    by_id.ledger.run(2, &replay, &[]);
    by_id.ledger.holds(&["a link", "a signature"]);
}

#[test]
fn wrong_arguments_are_repeated_but_not_the_secrets_among_them() {
    let ById {
        stage,
        mut ledger,
        play,
        play_auth,
        sts,
    } = ById::new();
    let (vid, long) = (&stage.video, play_auth.expose());
    let secret = sts.access_key_secret.expose();
    ledger.run(
        2,
        &format!("play vid:{vid} --quality NONE --play-auth {long}"),
        &[],
    );
    ledger.run(
        2,
        &format!("play vid:{vid} --access-key-secret {secret}"),
        &[],
    );
    ledger.run(10, &format!("{play} --play-auth {long}x"), &[]);

    // Expired, and what should renew it fails after it has printed the secret.
    stage.clock.advance_ms(3_600_000);
    let by_auth = [("KINORA_PLAY_AUTH", long)];
    ledger.run(11, &play, &by_auth);
    let refresh = format!("echo {long}; exit 3");
    ledger.run_with(11, &play, &["--refresh-command", &refresh], &by_auth);
    ledger.holds(&[]);
}

/// A link with a password in it, and headers that are secrets.
struct ByUrl {
    stage: Stage,
    ledger: Ledger,
    rest: String,
}

impl ByUrl {
    fn new() -> Self {
        let (stage, mut ledger) = (Stage::new(), Ledger::default());
        let link = with_password(stage.media_url().expose());
        ledger.secret("the password", PASSWORD);
        ledger.secret("the token", TOKEN);
        ledger.secret("the cookie", COOKIE);
        ledger.secret("the link", link.rsplit('-').next().unwrap());
        let rest = format!(
            " {link} --header X-Api-Token:{TOKEN} --header Cookie:sid={COOKIE} --timeout 3000 --retries 0"
        );
        Self {
            stage,
            ledger,
            rest,
        }
    }
    fn run(&mut self, status: i32, first: &str) {
        self.ledger
            .run(status, &format!("{first}{}", self.rest), &[]);
        self.ledger.saw(&self.stage.proxy);
    }
}

fn with_password(url: &str) -> String {
    url.replace("://", &format!("://me:{PASSWORD}@"))
}

#[test]
fn a_link_s_password_and_headers_go_to_its_server_alone() {
    let mut by_url = ByUrl::new();
    for first in ["play --headless --stats json", "probe", "demux", "decode"] {
        by_url.run(0, first);
        by_url.stage.proxy.script(|_| Act::status("404 Not Found"));
        by_url.run(20, first);
        by_url.stage.proxy.script(|_| Act::Truncate(10));
        by_url.run(20, first);
        by_url.stage.proxy.mend();
    }
    // Basic credentials are base64 on the wire: the search sees through it.
    let sent = [
        "the token",
        "the cookie",
        "the password (base64)",
        "the link",
    ];
    by_url.ledger.holds(&sent);
}

#[test]
fn another_server_or_proxy_learns_nothing_of_the_first_one_s_secrets() {
    let mut by_url = ByUrl::new();
    let stranger = Proxy::before(by_url.stage.address);
    let there: &'static str =
        format!("Location: {}\r\n", stranger.url("/media/elsewhere.mp4")).leak();
    by_url
        .stage
        .proxy
        .script(move |_| Act::Answer("302 Found", there, Vec::new()));
    by_url.run(20, "play --headless");
    assert!(!stranger.seen().is_empty(), "the redirect was followed");
    for exchange in stranger.seen() {
        by_url
            .ledger
            .emit("the other server", exchange.head.into_bytes());
    }

    let proxy = with_password(&by_url.stage.proxy.url(""));
    by_url
        .stage
        .proxy
        .script(|_| Act::status("407 Proxy Authentication Required"));
    let ledger = &mut by_url.ledger;
    ledger.run(
        20,
        &format!("probe http://video.invalid/a.mp4 --proxy {proxy}"),
        &[],
    );
    ledger.run(
        20,
        &format!("probe gopher://me:{PASSWORD}@video.invalid/a.mp4"),
        &[],
    );
    ledger.run(
        20,
        &format!("probe http://me:{PASSWORD}@[nonsense/a.mp4"),
        &[],
    );
    ledger.holds(&["the token", "the cookie", "the link"]);
}

#[test]
fn the_log_of_a_player_shows_its_requests_and_no_secret() {
    let mut by_id = ById::new();
    by_id.run(0, " --log trace");
    by_id
        .stage
        .proxy
        .script(|asked| match asked.target().starts_with("/media/") {
            true => Act::status("403 Forbidden"),
            false => Act::Pass,
        });
    by_id.run(20, " --log trace");
    by_id.ledger.saw(&by_id.stage.proxy);
    by_id.ledger.assert_each_reported(&[
        "request started",
        "connection taken",
        "set_source",
        "state_changed",
    ]);
    by_id.ledger.holds(&["a link", "a signature"]);

    let mut by_url = ByUrl::new();
    by_url.run(0, "play --headless --log trace");
    by_url.run(0, "probe --log trace");
    by_url
        .ledger
        .assert_each_reported(&["request started", "***@", "response head received"]);
    by_url
        .ledger
        .holds(&["the token", "the cookie", "the link"]);
}

/// A running `kinora serve`; what it printed.
struct Server {
    child: Child,
    reported: Vec<u8>,
    endpoint: String,
}

impl Server {
    fn start(data: &Path) -> Self {
        let mut child = kinora()
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap());
        let mut text = String::new();
        while !text.ends_with("ready\n") {
            assert!(lines.read_line(&mut text).unwrap() > 0, "{text}");
        }
        let endpoint = text
            .lines()
            .find_map(|line| line.strip_prefix("listening at "));
        let endpoint = endpoint.unwrap().to_owned();
        Self {
            child,
            reported: text.into_bytes(),
            endpoint,
        }
    }
    /// Stops it; everything that it put out.
    fn stop(mut self) -> Vec<u8> {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        assert!(self.child.wait().unwrap().success());
        self.child
            .stdout
            .as_mut()
            .unwrap()
            .read_to_end(&mut self.reported)
            .unwrap();
        self.child
            .stderr
            .as_mut()
            .unwrap()
            .read_to_end(&mut self.reported)
            .unwrap();
        self.reported
    }
}

#[test]
fn the_service_shows_its_first_key_once_and_writes_no_secret_in_the_open() {
    let room = tempfile::tempdir().unwrap();
    let (data, film) = (room.path().join("data"), clips::film(room.path()));
    let server = Server::start(&data);
    let first = String::from_utf8(server.reported.clone()).unwrap();
    let value = |name: &str| {
        first
            .split(name)
            .nth(1)
            .unwrap()
            .lines()
            .next()
            .unwrap()
            .to_owned()
    };
    let (id, secret) = (value("KEY_ID="), value("KEY_SECRET="));

    let mut ledger = Ledger::default();
    ledger.secret("the first key", &*secret);
    let line = format!(
        "import {} --data {} --encrypt aes-128",
        film.display(),
        data.display()
    );
    let imported = kinora().args(line.split(' ')).output().unwrap();
    assert!(imported.status.success());
    let reported = String::from_utf8(imported.stdout).unwrap();
    let vid = reported.split_whitespace().last().unwrap();
    let endpoint = &*server.endpoint;
    let key = [
        ("KINORA_ACCESS_KEY_ID", &*id),
        ("KINORA_ACCESS_KEY_SECRET", &*secret),
    ];
    let line = format!("play-auth {vid} --endpoint {endpoint}");
    let asked = kinora().args(line.split(' ')).envs(key).output().unwrap();
    let play_auth = Secret::new(String::from_utf8(asked.stdout).unwrap().trim());
    ledger.play_auth("the credential", &play_auth);
    let by_auth = [("KINORA_PLAY_AUTH", play_auth.expose())];
    let play = format!("play vid:{vid} --endpoint {endpoint} --headless --formats m3u8");
    ledger.run(0, &play, &by_auth);
    ledger.run(
        11,
        &format!("{line} --access-key-id {id} --access-key-secret {secret}x"),
        &[],
    );
    ledger.emit(
        "kinora import",
        [reported.into_bytes(), imported.stderr].concat(),
    );

    let all = String::from_utf8(server.stop()).unwrap();
    assert_eq!(
        all.matches(&secret).count(),
        1,
        "shown once, when it was made"
    );
    ledger.emit(
        "kinora serve, after its key",
        all.replacen(&secret, "", 1).into_bytes(),
    );
    let again = Server::start(&data);
    ledger.emit("kinora serve, started again", again.stop());

    tell_the_disk(&mut ledger, &data);
    ledger.holds(&[]);
}

/// The database must hold what signs, so nobody else may read it; the rest of the disk is captured.
fn tell_the_disk(ledger: &mut Ledger, data: &Path) {
    for path in walk(data) {
        if path
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("kinora.db")
        {
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}", path.display());
            continue;
        }
        ledger.emit(path.to_str().unwrap(), std::fs::read(&path).unwrap());
    }
}

fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(walk(&path)),
            false => found.push(path),
        }
    }
    found
}

#[test]
fn a_panic_beside_a_secret_does_not_print_it() {
    let stage = Stage::new();
    let (auth, sts) = (stage.auth(), stage.sts(&["vod:GetPlayInfo"], 901));
    let mut ledger = Ledger::default();
    ledger.play_auth("the credential", &auth.play_auth);
    ledger.secret("the session's key", sts.access_key_secret.expose());
    ledger.secret("the session's token", sts.security_token.expose());
    ledger.secret("the token", TOKEN);
    ledger.secret("the password", PASSWORD);
    let config = NetConfig {
        headers: vec![Header {
            name: "Authorization".into(),
            value: TOKEN.into(),
        }],
        proxy: ProxyConfig::all(
            kinora::Proxy::parse(&format!("http://me:{PASSWORD}@proxy.invalid:1")).unwrap(),
        ),
        connect_timeout: Some(Duration::from_secs(1)),
        ..NetConfig::default()
    };
    let inner = PlayAuth::decode(auth.play_auth.expose()).unwrap();
    let url = Source::Url {
        url: Secret::new(format!("http://me:{PASSWORD}@h/a.mp4?auth_key={TOKEN}")),
    };
    let credential = Credential::PlayAuth(auth.play_auth.clone());
    let by_id = by_auth(VidAuth {
        region: "r".into(),
        ..auth
    });

    let printed = Arc::new(Mutex::new(Vec::new()));
    let before = panic::take_hook();
    let into = Arc::clone(&printed);
    panic::set_hook(Box::new(move |info| {
        into.lock().unwrap().push(info.to_string())
    }));
    let fails: [Box<dyn FnOnce() + Send + panic::UnwindSafe>; 6] = [
        Box::new(move || panic!("{:?}", by_id)),
        Box::new(move || panic!("{:?}", by_sts(sts))),
        Box::new(move || panic!("{:?}", url)),
        Box::new(move || panic!("{:?}", config)),
        Box::new(move || panic!("{:?}", inner)),
        Box::new(move || panic!("{:?}", credential)),
    ];
    let count = fails.len();
    for fail in fails {
        assert!(panic::catch_unwind(panic::AssertUnwindSafe(fail)).is_err());
    }
    panic::set_hook(before);
    let printed = printed.lock().unwrap();
    assert!(printed.len() >= count, "each was printed");
    ledger
        .reported
        .push(("a panic".into(), printed.join("\n").into_bytes()));
    ledger.holds(&[]);
}
