//! A client of the vendor's that does what it is told, a line for each call, and a note of what it proved.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use kinora_faults::stage::Stage;
use kinora_service_clients::Proof;
use serde_json::{Value, json};

/// A client answers within its own limits, which are shorter.
const PATIENCE: Duration = Duration::from_secs(60);

/// The ways in which a client sends.
#[derive(Clone, Copy)]
pub(crate) enum Methods {
    /// As its package does, and once more from a coroutine.
    SyncAsync,
    /// By either method of HTTP.
    GetPost,
}

/// A key as clients hold it.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

/// What was read of a reply, by action.
type Reads = Rc<RefCell<BTreeMap<(String, String, String), BTreeSet<String>>>>;

pub(crate) struct Client {
    name: &'static str,
    methods: Methods,
    versions: &'static [&'static str],
    command: Command,
    running: Option<Running>,
    reads: Reads,
    turn: usize,
}

struct Running {
    child: Child,
    answers: Receiver<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Client {
    /// A client that knows the services of these versions.
    pub(crate) fn new(
        name: &'static str,
        methods: Methods,
        versions: &'static [&'static str],
        command: Command,
    ) -> Self {
        Self {
            name,
            methods,
            versions,
            command,
            running: None,
            reads: Reads::default(),
            turn: 0,
        }
    }

    pub(crate) fn knows(&self, version: &str) -> bool {
        self.versions.contains(&version)
    }

    /// Starts it on that service.
    pub(crate) fn start(&mut self, stage: &Stage) {
        let command = self.command.env("KINORA_HOST", stage.address.to_string());
        // Nothing of this machine's may stand between it and the service.
        command
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1");
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            let mut lines = lines.map_while(Result::ok);
            lines.try_for_each(|line| sender.send(line))
        });
        self.running = Some(Running { child, answers });
    }

    /// Lets it call; by one of its methods after the other.
    pub(crate) fn ask(
        &mut self,
        key: &Key,
        version: &str,
        action: &str,
        params: &[(&str, &str)],
    ) -> Answer {
        let methods = match self.methods {
            Methods::SyncAsync => ["SYNC", "ASYNC"],
            Methods::GetPost => ["GET", "POST"],
        };
        let method = methods[self.turn % 2];
        self.turn += 1;
        let params: BTreeMap<&str, &str> = params.iter().copied().collect();
        let key = json!({"id": key.id, "secret": key.secret, "token": key.token});
        let call = json!({"version": version, "action": action, "params": params, "key": key, "method": method});
        let running = self.running.as_mut().unwrap();
        let mut stdin = running.child.stdin.as_ref().unwrap();
        writeln!(stdin, "{call}").unwrap();
        let answer = running.answers.recv_timeout(PATIENCE);
        let answer = answer.unwrap_or_else(|error| panic!("{}: {action}: {error}", self.name));
        Answer {
            whole: serde_json::from_str(&answer).unwrap(),
            version: version.to_owned(),
            action: action.to_owned(),
            reads: self.reads.clone(),
        }
    }

    /// Says what it did, which must be what is written down of it.
    pub(crate) fn report(self) {
        let done: BTreeSet<Proof> = self
            .reads
            .borrow()
            .iter()
            .map(|((version, action, answer), fields)| Proof {
                client: self.name.to_owned(),
                version: version.clone(),
                action: action.clone(),
                answer: answer.clone(),
                fields: fields.clone(),
            })
            .collect();
        for proof in &done {
            eprintln!("{proof}");
        }
        let done: Vec<Proof> = done.into_iter().collect();
        kinora_service_clients::check(self.name, &done).unwrap();
    }
}

/// What a client understood.
pub(crate) struct Answer {
    whole: Value,
    version: String,
    action: String,
    reads: Reads,
}

impl Answer {
    fn note(&self, answer: &str, field: Option<&str>) {
        let call = (self.version.clone(), self.action.clone(), answer.to_owned());
        let mut reads = self.reads.borrow_mut();
        let fields = reads.entry(call).or_default();
        fields.extend(field.map(str::to_owned));
    }

    /// A field of the reply, `List.Item[].Field` being that of a list's first item.
    #[track_caller]
    pub(crate) fn read(&self, path: &str) -> &Value {
        self.note("200", Some(path));
        let mut value = &self.whole["reply"];
        assert!(value.is_object(), "{}: {}", self.action, self.whole);
        for part in path.split('.') {
            value = match part.strip_suffix("[]") {
                Some(name) => &value[name][0],
                None => &value[part],
            };
        }
        assert!(
            !value.is_null(),
            "{} has no {path}: {}",
            self.action,
            self.whole
        );
        value
    }
    #[track_caller]
    pub(crate) fn text(&self, path: &str) -> String {
        let value = self.read(path);
        let text = value.as_str();
        text.unwrap_or_else(|| panic!("{path} is no text: {value}"))
            .to_owned()
    }
    #[track_caller]
    pub(crate) fn number(&self, path: &str) -> f64 {
        let value = self.read(path);
        let number = value.as_f64();
        number.unwrap_or_else(|| panic!("{path} is no number: {value}"))
    }
    /// A list's length.
    #[track_caller]
    pub(crate) fn count(&self, path: &str) -> usize {
        let value = self.read(path);
        let list = value.as_array();
        list.unwrap_or_else(|| panic!("{path} is no list: {value}"))
            .len()
    }

    /// That it was refused so, and that all was understood of it that the client passes on.
    #[track_caller]
    pub(crate) fn refused(&self, status: u64, code: &str) {
        self.note(code, None);
        let refusal = &self.whole["refusal"];
        // The older Python SDK sees that it signed what the service checked, and says so in its own word.
        let codes = match code {
            "SignatureDoesNotMatch" => vec![code, "InvalidAccessKeySecret"],
            code => vec![code],
        };
        let given = refusal["code"].as_str().unwrap_or_default();
        assert!(codes.contains(&given), "{}: {}", self.action, self.whole);
        let passed_on = |field: &str| !refusal[field].is_null();
        assert!(
            !passed_on("status") || refusal["status"] == status,
            "{}",
            self.whole
        );
        for field in ["request_id", "host_id", "recommend", "message"] {
            let text = refusal[field].as_str().unwrap_or_default();
            assert!(
                !passed_on(field) || !text.is_empty(),
                "{field}: {}",
                self.whole
            );
        }
        assert!(passed_on("request_id"), "{}", self.whole);
    }
}
