//! Events are awaited. The stream needs no runtime; this one is driven by the smallest there is, one thread that sleeps until it
//! is woken. With tokio or async-std `play` stays the same.
//!
//! ```sh
//! cargo run --example async_events -- one.mp4 two.mp4
//! ```

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use kinora::{Event, Fault, Player};

#[allow(dead_code, reason = "the tests take the rest of it alone")]
fn main() -> Result<(), Box<dyn Error>> {
    for source in std::env::args().skip(1) {
        let pictures = block_on(play(&source))?;
        std::io::Write::write_all(&mut std::io::stdout(), format!("{pictures}\n").as_bytes())?;
    }
    Ok(())
}

/// Plays a source to its end; how many pictures were shown.
pub(crate) async fn play(source: &str) -> Result<u64, Fault> {
    let player = Player::builder().autoplay(true).build()?;
    let mut events = player.event_stream();
    player.open(source);
    while let Some(event) = events.next().await {
        match event {
            Event::Error(fault) => return Err(fault),
            Event::Completion => break,
            _ => {}
        }
    }
    Ok(player.stats().frames_shown)
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
