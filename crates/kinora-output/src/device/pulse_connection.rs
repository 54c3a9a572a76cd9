//! A connection to PulseAudio, or to what speaks like it, by its native protocol.

use std::ffi::CString;
use std::io::{self, BufReader, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pulseaudio::protocol::{
    self, AuthParams, AuthReply, Command, CommandReply, Descriptor, DescriptorFlags, Prop, Props,
    ProtocolError, PulseError, SetClientNameReply, TagStructReader,
};
use thiserror::Error;

/// A server that does not answer or take anything for so long is gone.
const LIMIT: Duration = Duration::from_secs(1);
/// Nothing that a server says is longer.
const MAX_MESSAGE: u32 = 1 << 20;

/// Why a server does not play.
#[derive(Debug, Error)]
pub(super) enum PulseFailure {
    #[error(
        "no sound server listens: there is no socket at PULSE_SERVER, PULSE_RUNTIME_PATH or XDG_RUNTIME_DIR"
    )]
    NoSocket,
    #[error("the sound server can not be reached")]
    Unreachable(#[source] io::Error),
    #[error("the sound server did not answer within {} ms", LIMIT.as_millis())]
    Silent,
    #[error("the sound server closed the connection")]
    Closed,
    #[error("the sound server refused: {0}")]
    Refused(PulseError),
    #[error("the sound server's answer can not be read")]
    Unreadable(#[source] ProtocolError),
    #[error("the sound server took the stream away: its device is gone")]
    Killed,
}

/// What came without being asked for, since it was looked at last.
#[derive(Default)]
pub(super) struct Notices {
    /// The stream plays at that device now.
    pub(super) moved: Option<u32>,
    /// The stream is no more.
    pub(super) killed: bool,
}

#[derive(Default)]
struct Inbox {
    /// The question whose answer is waited for.
    waiting: Option<u32>,
    answer: Option<(Result<Vec<u8>, PulseError>, Instant)>,
    notices: Notices,
    is_closed: bool,
}

#[derive(Default)]
struct Mailbox {
    inbox: Mutex<Inbox>,
    changed: Condvar,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer, and the moment at which it came.
pub(super) struct Answer<R> {
    pub(super) reply: R,
    pub(super) asked_at: Instant,
    pub(super) came_at: Instant,
}

pub(super) struct Connection {
    socket: UnixStream,
    version: u16,
    next: u32,
    mailbox: Arc<Mailbox>,
    message: Vec<u8>,
}

impl Connection {
    /// Connects, and names itself to the server: the one that listens at a socket, else the session's.
    pub(super) fn open(socket: Option<&Path>) -> Result<Self, PulseFailure> {
        let path = socket.map(Path::to_owned).or_else(socket_path);
        let path = path.ok_or(PulseFailure::NoSocket)?;
        let socket = UnixStream::connect(path).map_err(PulseFailure::Unreachable)?;
        let limits = [
            socket.set_write_timeout(Some(LIMIT)),
            // The reader ends with the connection, however long nothing is said.
            socket.set_read_timeout(None),
        ];
        for limit in limits {
            limit.map_err(PulseFailure::Unreachable)?;
        }
        let mailbox = Arc::new(Mailbox::default());
        let reading = socket.try_clone().map_err(PulseFailure::Unreachable)?;
        let to = Arc::clone(&mailbox);
        std::thread::Builder::new()
            .name("kinora-pulse".into())
            .spawn(move || read(reading, &to))
            .map_err(PulseFailure::Unreachable)?;
        let mut connection = Self {
            socket,
            version: protocol::MAX_VERSION,
            next: 0,
            mailbox,
            message: Vec::new(),
        };
        let cookie = pulseaudio::cookie_path_from_env().and_then(|path| std::fs::read(path).ok());
        let auth: Answer<AuthReply> = connection.ask(&Command::Auth(AuthParams {
            version: protocol::MAX_VERSION,
            supports_shm: false,
            supports_memfd: false,
            cookie: cookie.unwrap_or_default(),
        }))?;
        connection.version = protocol::MAX_VERSION.min(auth.reply.version);
        let mut props = Props::new();
        props.set(Prop::ApplicationName, c"Kinora");
        let id = CString::new(std::process::id().to_string()).unwrap_or_default();
        props.set(Prop::ApplicationProcessId, id);
        connection.ask::<SetClientNameReply>(&Command::SetClientName(props))?;
        Ok(connection)
    }

    /// Asks, and waits for the answer.
    pub(super) fn ask<R: CommandReply>(
        &mut self,
        command: &Command,
    ) -> Result<Answer<R>, PulseFailure> {
        let (payload, asked_at, came_at) = self.exchange(command)?;
        let mut payload = payload.as_slice();
        let reply = TagStructReader::new(&mut payload, self.version).read();
        Ok(Answer {
            reply: reply.map_err(PulseFailure::Unreadable)?,
            asked_at,
            came_at,
        })
    }

    /// Asks for what is answered by a nod.
    pub(super) fn order(&mut self, command: &Command) -> Result<(), PulseFailure> {
        self.exchange(command).map(drop)
    }

    fn exchange(&mut self, command: &Command) -> Result<(Vec<u8>, Instant, Instant), PulseFailure> {
        let question = self.next;
        self.next = self.next.wrapping_add(1);
        let mut inbox = self.mailbox.lock();
        (inbox.waiting, inbox.answer) = (Some(question), None);
        drop(inbox);
        let asked_at = Instant::now();
        self.message.clear();
        protocol::write_command_message(&mut self.message, question, command, self.version)
            .map_err(PulseFailure::Unreadable)?;
        self.socket
            .write_all(&self.message)
            .map_err(|_| PulseFailure::Closed)?;
        let waits = |inbox: &mut Inbox| inbox.answer.is_none() && !inbox.is_closed;
        let inbox = self.mailbox.lock();
        let waited = self.mailbox.changed.wait_timeout_while(inbox, LIMIT, waits);
        let (mut inbox, _) = waited.unwrap_or_else(PoisonError::into_inner);
        inbox.waiting = None;
        match inbox.answer.take() {
            Some((Ok(payload), came_at)) => Ok((payload, asked_at, came_at)),
            Some((Err(refusal), _)) => Err(PulseFailure::Refused(refusal)),
            None if inbox.is_closed => Err(PulseFailure::Closed),
            None => Err(PulseFailure::Silent),
        }
    }

    /// Sends samples to a stream, so many bytes from where the last ones ended.
    pub(super) fn send(
        &mut self,
        channel: u32,
        offset: i64,
        samples: &[f32],
    ) -> Result<(), PulseFailure> {
        let length = u32::try_from(samples.len() * 4).map_err(|_| PulseFailure::Closed)?;
        let descriptor = Descriptor {
            length,
            channel,
            offset: offset.cast_unsigned(),
            // Relative to what was written last.
            flags: DescriptorFlags::empty(),
        };
        self.message.clear();
        protocol::write_descriptor(&mut self.message, &descriptor)
            .map_err(PulseFailure::Unreadable)?;
        let bytes = samples.iter().flat_map(|sample| sample.to_le_bytes());
        self.message.extend(bytes);
        self.socket
            .write_all(&self.message)
            .map_err(|_| PulseFailure::Closed)
    }

    pub(super) fn notices(&mut self) -> Result<Notices, PulseFailure> {
        let mut inbox = self.mailbox.lock();
        match inbox.is_closed {
            true => Err(PulseFailure::Closed),
            false => Ok(std::mem::take(&mut inbox.notices)),
        }
    }
}

/// The reader's thread ends with the connection.
impl Drop for Connection {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// The first place at which a server could listen and something is.
fn socket_path() -> Option<PathBuf> {
    let server = std::env::var_os("PULSE_SERVER");
    let server = server.and_then(|name| name.into_string().ok());
    let named = server.map(|name| match name.strip_prefix("unix:") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(name),
    });
    let folder =
        |name: &str, below: &str| std::env::var_os(name).map(|it| PathBuf::from(it).join(below));
    let places = [
        named,
        folder("PULSE_RUNTIME_PATH", "native"),
        folder("XDG_RUNTIME_DIR", "pulse/native"),
    ];
    places.into_iter().flatten().find(|path| path.exists())
}

/// The reader's thread.
fn read(socket: UnixStream, mailbox: &Mailbox) {
    let mut socket = BufReader::new(socket);
    let mut payload = Vec::new();
    while let Some(came) = next_message(&mut socket, &mut payload) {
        if came.channel == u32::MAX {
            sort(&payload, mailbox);
        }
    }
    mailbox.lock().is_closed = true;
    mailbox.changed.notify_one();
}

fn next_message(socket: &mut BufReader<UnixStream>, payload: &mut Vec<u8>) -> Option<Descriptor> {
    let descriptor = protocol::read_descriptor(socket).ok()?;
    if descriptor.length > MAX_MESSAGE {
        return None;
    }
    payload.clear();
    let read = socket
        .by_ref()
        .take(u64::from(descriptor.length))
        .read_to_end(payload);
    (read.ok()? == descriptor.length as usize).then_some(descriptor)
}

/// Tells what a message is. What is of no concern here is passed over.
fn sort(payload: &[u8], mailbox: &Mailbox) {
    let mut rest = payload;
    let Ok((question, command)) = Command::read_tag_prefixed(&mut rest, protocol::MAX_VERSION)
    else {
        return;
    };
    let mut inbox = mailbox.lock();
    let answer = match command {
        Command::Reply => Ok(rest.to_vec()),
        Command::Error(refusal) => Err(refusal),
        Command::PlaybackStreamKilled(_) => {
            inbox.notices.killed = true;
            return;
        }
        Command::PlaybackStreamMoved(moved) => {
            inbox.notices.moved = Some(moved.device_index);
            return;
        }
        _ => return,
    };
    if inbox.waiting == Some(question) {
        inbox.answer = Some((answer, Instant::now()));
        mailbox.changed.notify_one();
    }
}
