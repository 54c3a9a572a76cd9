//! No secret that the program is given, or gets on the way, is told to anybody: terminal, JSON, panics, other servers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::panic;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kinora::{Credential, Header, NetConfig, Secret, Source, VidAuth};
use kinora_cloud::PlayAuth;
use kinora_faults::canary::{Canary, Told, leaks};
use kinora_faults::clips;
use kinora_faults::proxy::{Act, Proxy};
use kinora_faults::stage::{Stage, by_auth, by_sts};

const PASSWORD: &str = "hunter-canary-5QmTz";
const BEARER: &str = "bearer-canary-8Yw2Kd";
const COOKIE: &str = "cookie-canary-Rf71Lp";

fn kinora() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora"));
    command.stdin(Stdio::null());
    command
}

/// What runs of the program told, and the secrets that none of it may hold.
#[derive(Default)]
struct Ledger {
    canaries: Vec<Canary>,
    told: Vec<Told>,
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
    fn run(&mut self, status: i32, args: &[&str], envs: &[(&str, &str)]) {
        for more in [&["--lang", "en"][..], &["--lang", "zh"], &["--json"]] {
            let done = kinora()
                .args(more)
                .args(args)
                .envs(envs.iter().copied())
                .output()
                .unwrap();
            let place = format!("kinora {} {}", args[0], more.join(" "));
            let told = String::from_utf8_lossy(&done.stderr);
            assert_eq!(done.status.code(), Some(status), "{place}: {told}");
            self.told.push((format!("{place} (stdout)"), done.stdout));
            self.told.push((format!("{place} (stderr)"), done.stderr));
        }
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
    /// Nothing told holds a secret, though the same search finds them where they had to be.
    fn holds(&self, on_the_wire: &[&str]) {
        let wire = [("the wire".to_owned(), self.wire.clone())];
        let sent = leaks(&self.canaries, &wire);
        for name in on_the_wire {
            assert!(
                sent.iter().any(|leak| leak.contains(name)),
                "{name} was never sent: {sent:#?}"
            );
        }
        assert!(self.told.iter().map(|(_, text)| text.len()).sum::<usize>() > 1_000);
        let leaks = leaks(&self.canaries, &self.told);
        assert!(leaks.is_empty(), "{leaks:#?}");
    }
}

#[test]
fn videos_by_id_are_played_and_refused_without_a_word_of_their_credentials() {
    let stage = Stage::new();
    let mut ledger = Ledger::default();
    let (auth, sts) = (stage.auth(), stage.sts(&["vod:GetPlayInfo"], 900));
    ledger.play_auth("the credential", &auth.play_auth);
    ledger.secret("the session's key", sts.access_key_secret.expose());
    ledger.secret("the session's token", sts.security_token.expose());
    ledger.secret("the account's key", stage.key.secret.expose());

    let (vid, endpoint) = (format!("vid:{}", stage.video), stage.endpoint());
    let play = [
        "play",
        &*vid,
        "--endpoint",
        &*endpoint,
        "--headless",
        "--timeout",
        "3000",
        "--retries",
        "0",
    ];
    let with = |more: &[&'static str]| [&play[..], more].concat();
    let by_auth = [("KINORA_PLAY_AUTH", auth.play_auth.expose())];
    let wrong_secret = format!("{}x", sts.access_key_secret.expose());
    let triple = |secret| {
        [
            ("KINORA_ACCESS_KEY_ID", &*sts.access_key_id),
            ("KINORA_ACCESS_KEY_SECRET", secret),
            ("KINORA_SECURITY_TOKEN", sts.security_token.expose()),
        ]
    };

    ledger.run(
        0,
        &with(&["--stats", "json", "--progress", "0.1"]),
        &by_auth,
    );
    let right = triple(sts.access_key_secret.expose());
    ledger.run(0, &with(&["--stats", "json"]), &right);
    ledger.run(11, &play, &triple(&wrong_secret));
    ledger.saw(&stage.proxy);

    // The answer is cut, the media refused, the service gone silent.
    for act in [
        Act::Truncate(40),
        Act::status("403 Forbidden"),
        Act::status("500 Internal Server Error"),
        Act::Reset,
    ] {
        for media in [false, true] {
            let act = act.clone();
            stage.proxy.script(
                move |asked| match asked.target().starts_with("/media/") == media {
                    true => act.clone(),
                    false => Act::Pass,
                },
            );
            let done = kinora()
                .args(with(&["--json"]))
                .envs(by_auth)
                .output()
                .unwrap();
            assert!(!done.status.success());
            ledger
                .told
                .push(("kinora play of what fails".into(), done.stderr));
            ledger
                .told
                .push(("kinora play of what fails".into(), done.stdout));
            ledger.saw(&stage.proxy);
        }
    }
    stage.proxy.mend();

    // Wrong use: arguments are repeated, secrets among them are not.
    let long = auth.play_auth.expose();
    ledger.run(
        2,
        &["play", &vid, "--quality", "NONE", "--play-auth", long],
        &[],
    );
    ledger.run(
        10,
        &[
            "play",
            &vid,
            "--endpoint",
            &endpoint,
            "--play-auth",
            &format!("{long}x"),
        ],
        &[],
    );
    ledger.run(
        2,
        &[
            "play",
            &vid,
            "--access-key-secret",
            sts.access_key_secret.expose(),
        ],
        &[],
    );
    let refresh = format!("echo {long}; exit 3");
    stage.clock.advance_ms(3_600_000);
    ledger.run(11, &with(&[]), &by_auth);
    let refreshing = [&play[..], &["--refresh-command", &refresh]].concat();
    ledger.run(11, &refreshing, &by_auth);

    ledger.holds(&[
        "the session's token",
        "a link",
        "a signature",
        "the credential's token",
    ]);
}

#[test]
fn a_url_s_password_headers_and_links_go_to_its_server_and_nowhere_else() {
    let stage = Stage::new();
    let mut ledger = Ledger::default();
    ledger.secret("the password", PASSWORD);
    ledger.secret("the bearer", BEARER);
    ledger.secret("the cookie", COOKIE);
    let link = stage
        .media_url()
        .expose()
        .replace("://", &format!("://me:{PASSWORD}@"));
    ledger.secret("the link", link.rsplit('-').next().unwrap());
    let (bearer, cookie) = (
        format!("X-Api-Token: {BEARER}"),
        format!("Cookie: sid={COOKIE}"),
    );
    let net = [
        "--header",
        &*bearer,
        "--header",
        &*cookie,
        "--timeout",
        "3000",
        "--retries",
        "0",
    ];
    let with = |first: &[&'static str]| {
        [first, &[&*link], &net]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let commands: [&[&str]; 4] = [
        &["play", "--headless", "--stats", "json"],
        &["probe"],
        &["demux"],
        &["decode"],
    ];
    for first in commands {
        let args = with(first);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        ledger.run(0, &args, &[]);
        stage.proxy.script(|_| Act::status("404 Not Found"));
        ledger.run(20, &args, &[]);
        stage.proxy.script(|_| Act::Truncate(10));
        ledger.run(20, &args, &[]);
        ledger.saw(&stage.proxy);
        stage.proxy.mend();
    }

    // Another server is asked for the rest: it must learn nothing.
    let stranger = Proxy::before(stage.address);
    let there: &'static str =
        format!("Location: {}\r\n", stranger.url("/media/elsewhere.mp4")).leak();
    stage
        .proxy
        .script(move |_| Act::Answer("302 Found", there, Vec::new()));
    let args = with(&["play", "--headless"]);
    ledger.run(
        20,
        &args.iter().map(String::as_str).collect::<Vec<_>>(),
        &[],
    );
    ledger.saw(&stage.proxy);
    assert!(!stranger.seen().is_empty(), "the redirect was followed");
    for exchange in stranger.seen() {
        ledger
            .told
            .push(("the other server".into(), exchange.head.into_bytes()));
    }

    // A proxy's password is the proxy's.
    let proxy = stage
        .proxy
        .url("")
        .replace("://", &format!("://me:{PASSWORD}@"));
    stage
        .proxy
        .script(|_| Act::status("407 Proxy Authentication Required"));
    ledger.run(
        20,
        &["probe", "http://video.invalid/a.mp4", "--proxy", &proxy],
        &[],
    );
    ledger.run(
        20,
        &[
            "probe",
            &format!("gopher://me:{PASSWORD}@video.invalid/a.mp4"),
        ],
        &[],
    );
    ledger.run(
        20,
        &["probe", &format!("http://me:{PASSWORD}@[nonsense/a.mp4")],
        &[],
    );

    // Basic credentials are base64 on the wire: the search sees through it.
    ledger.holds(&[
        "the bearer",
        "the cookie",
        "the password (base64)",
        "the link",
    ]);
}

/// A running `kinora serve`; what it printed.
struct Server {
    child: Child,
    told: Vec<u8>,
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
            told: text.into_bytes(),
            endpoint,
        }
    }
    /// Stops it; everything that it told.
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
            .read_to_end(&mut self.told)
            .unwrap();
        self.child
            .stderr
            .as_mut()
            .unwrap()
            .read_to_end(&mut self.told)
            .unwrap();
        self.told
    }
}

#[test]
fn the_service_shows_its_first_key_once_and_writes_no_secret_in_the_open() {
    let room = tempfile::tempdir().unwrap();
    let (data, film) = (room.path().join("data"), clips::film(room.path()));
    let server = Server::start(&data);
    let first = String::from_utf8(server.told.clone()).unwrap();
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
    let imported = kinora()
        .arg("import")
        .arg(&film)
        .arg("--data")
        .arg(&data)
        .args(["--encrypt", "aes-128"])
        .output()
        .unwrap();
    assert!(imported.status.success());
    let vid = String::from_utf8_lossy(&imported.stdout)
        .split_whitespace()
        .last()
        .unwrap()
        .to_owned();
    ledger.told.push((
        "kinora import".into(),
        [imported.stdout, imported.stderr].concat(),
    ));
    let envs = [
        ("KINORA_ACCESS_KEY_ID", &*id),
        ("KINORA_ACCESS_KEY_SECRET", &*secret),
        ("KINORA_ENDPOINT", &*server.endpoint),
    ];
    let asked = kinora()
        .args(["play-auth", &vid])
        .envs(envs)
        .output()
        .unwrap();
    let play_auth = Secret::new(String::from_utf8(asked.stdout).unwrap().trim());
    ledger.play_auth("the credential", &play_auth);
    let by_auth = [
        ("KINORA_PLAY_AUTH", play_auth.expose()),
        ("KINORA_ENDPOINT", &*server.endpoint),
    ];
    let source = format!("vid:{vid}");
    ledger.run(
        0,
        &[
            "play",
            &source,
            "--headless",
            "--stats",
            "json",
            "--formats",
            "m3u8",
        ],
        &by_auth,
    );
    ledger.run(
        11,
        &[
            "play-auth",
            &vid,
            "--endpoint",
            &server.endpoint,
            "--access-key-id",
            &id,
            "--access-key-secret",
            &format!("{secret}x"),
        ],
        &[],
    );

    let all = String::from_utf8(server.stop()).unwrap();
    assert_eq!(
        all.matches(&secret).count(),
        1,
        "shown once, when it was made"
    );
    ledger.told.push((
        "kinora serve, after its key".into(),
        all.replacen(&secret, "", 1).into_bytes(),
    ));
    let again = Server::start(&data);
    ledger
        .told
        .push(("kinora serve, started again".into(), again.stop()));
    // The database must hold what signs; nobody else may read it. Nothing else on the disk holds it.
    let (database, others): (Vec<_>, Vec<_>) = walk(&data)
        .into_iter()
        .partition(|path| path.to_str().unwrap().contains("kinora.db"));
    for path in &database {
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
    }
    for entry in others {
        let place = format!(
            "the data directory's {}",
            entry.file_name().unwrap().display()
        );
        ledger.told.push((place, std::fs::read(&entry).unwrap()));
    }
    ledger.holds(&[]);
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
    ledger.secret("the bearer", BEARER);
    ledger.secret("the password", PASSWORD);
    let config = NetConfig {
        headers: vec![Header {
            name: "Authorization".into(),
            value: BEARER.into(),
        }],
        proxy: Some(Secret::new(format!("http://me:{PASSWORD}@proxy.invalid:1"))),
        connect_timeout: Duration::from_secs(1),
        ..NetConfig::default()
    };
    let inner = PlayAuth::decode(auth.play_auth.expose()).unwrap();
    let url = Source::Url {
        url: Secret::new(format!("http://me:{PASSWORD}@h/a.mp4?auth_key={BEARER}")),
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
        Box::new(move || Err::<(), _>(by_id).unwrap()),
        Box::new(move || Err::<(), _>(by_sts(sts)).unwrap()),
        Box::new(move || Err::<(), _>(url).unwrap()),
        Box::new(move || Err::<(), _>(config).unwrap()),
        Box::new(move || Err::<(), _>(inner).unwrap()),
        Box::new(move || Err::<(), _>(credential).unwrap()),
    ];
    let count = fails.len();
    for fail in fails {
        assert!(panic::catch_unwind(panic::AssertUnwindSafe(fail)).is_err());
    }
    panic::set_hook(before);
    let printed = printed.lock().unwrap();
    assert!(printed.len() >= count, "each was printed");
    ledger
        .told
        .push(("a panic".into(), printed.join("\n").into_bytes()));
    ledger.holds(&[]);
}
