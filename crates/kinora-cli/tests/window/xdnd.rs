//! Files dragged out of another program's window, as desktops agreed on it (XDND 5, freedesktop.org).
#![allow(clippy::unwrap_used, unreachable_pub)]

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, PropMode,
    SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;
use x11rb::{COPY_DEPTH_FROM_PARENT, COPY_FROM_PARENT, CURRENT_TIME};

const VERSION: u32 = 5;

struct Source {
    connection: RustConnection,
    window: u32,
}

impl Source {
    fn atom(&self, name: &str) -> u32 {
        let asked = self.connection.intern_atom(false, name.as_bytes());
        asked.unwrap().reply().unwrap().atom
    }

    fn tell(&self, target: u32, what: &str, data: [u32; 4]) {
        let [first, second, third, fourth] = data;
        let data = [self.window, first, second, third, fourth];
        let message = ClientMessageEvent::new(32, target, self.atom(what), data);
        let sent = self
            .connection
            .send_event(false, target, EventMask::NO_EVENT, message);
        sent.unwrap().check().unwrap();
    }

    fn give(&self, asked: &SelectionRequestEvent, text: &str) {
        self.connection
            .change_property8(
                PropMode::REPLACE,
                asked.requestor,
                asked.property,
                asked.target,
                text.as_bytes(),
            )
            .unwrap();
        let given = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: asked.time,
            requestor: asked.requestor,
            selection: asked.selection,
            target: asked.target,
            property: asked.property,
        };
        let sent = self
            .connection
            .send_event(false, asked.requestor, EventMask::NO_EVENT, given);
        sent.unwrap().check().unwrap();
    }
}

/// Drags these over a window and lets go.
pub fn drop_on(display: &str, target: u32, uris: &[String]) {
    let (connection, screen) = x11rb::connect(Some(display)).unwrap();
    let root = connection.setup().roots[screen].root;
    let window = connection.generate_id().unwrap();
    let (depth, visual) = (COPY_DEPTH_FROM_PARENT, COPY_FROM_PARENT);
    let kind = WindowClass::INPUT_OUTPUT;
    let look = CreateWindowAux::new();
    connection
        .create_window(depth, window, root, 0, 0, 1, 1, 0, kind, visual, &look)
        .unwrap();
    let source = Source { connection, window };
    let selection = source.atom("XdndSelection");
    source
        .connection
        .set_selection_owner(window, selection, CURRENT_TIME)
        .unwrap();
    let list = source.atom("text/uri-list");
    let text = uris.join("\r\n") + "\r\n";
    source.tell(target, "XdndEnter", [VERSION << 24, list, 0, 0]);
    let copy = source.atom("XdndActionCopy");
    source.tell(
        target,
        "XdndPosition",
        [0, 100 << 16 | 100, CURRENT_TIME, copy],
    );
    let (status, finished) = (source.atom("XdndStatus"), source.atom("XdndFinished"));
    let (mut accepted, mut given, mut dropped) = (false, false, false);
    loop {
        match source.connection.wait_for_event().unwrap() {
            Event::SelectionRequest(asked) => {
                source.give(&asked, &text);
                given = true;
            }
            Event::ClientMessage(message) if message.type_ == status => {
                accepted = message.data.as_data32()[1] & 1 == 1;
                assert!(accepted, "the window takes no files");
            }
            Event::ClientMessage(message) if message.type_ == finished => return,
            _ => {}
        }
        if accepted && given && !dropped {
            dropped = true;
            source.tell(target, "XdndDrop", [0, CURRENT_TIME, 0, 0]);
        }
    }
}
