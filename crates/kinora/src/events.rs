//! The queue of events between the engine's thread and the application.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::Stream;
use kinora_engine::Event;

use crate::deadline::Deadline;

/// So many events wait for an application that does not look; then those that repeat are dropped.
const MAX_WAITING: usize = 1_024;

/// Why no event was given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoEvent {
    /// None came within the limit; more may come.
    #[error("no event came in time")]
    NotYet,
    /// The player was released: none will come any more.
    #[error("the player was released")]
    Released,
}

/// The events of a player one after the other: each step waits for the next, the end is the player's release.
///
/// All that ask the same player share one queue: each event is given once.
#[derive(Clone)]
pub struct Events(pub(crate) EventQueue);

impl Iterator for Events {
    type Item = Event;
    fn next(&mut self) -> Option<Event> {
        self.0.next(Deadline::after(Duration::MAX)).ok()
    }
}

/// The events of a player for asynchronous code: a [`Stream`] that ends with the player's release. It needs no particular
/// runtime.
pub struct EventStream {
    queue: EventQueue,
    /// Its place among those that wait.
    id: u64,
}

impl EventStream {
    pub(crate) fn new(queue: EventQueue) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            queue,
            id: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// The next event; `None` when the player was released.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|context| self.queue.poll(self.id, context)).await
    }
}

impl Stream for EventStream {
    type Item = Event;
    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.queue.poll(self.id, context)
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.queue.lock().wakers.retain(|(id, _)| *id != self.id);
    }
}

/// A bounded queue of events. Notices that repeat (position, buffer, speed, refusals) give way when
/// nobody reads; what happens once is never lost before the bound of twice that many.
#[derive(Clone, Default)]
pub(crate) struct EventQueue {
    shared: Arc<Shared>,
    /// The events of that turn alone; `None`: of all.
    turn: Option<u64>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<Event>,
    closed: bool,
    /// Counts who had the player.
    turn: u64,
    /// Streams that wait for the next event.
    wakers: Vec<(u64, Waker)>,
    /// Called when an event has come, or none will any more.
    alarm: Option<Alarm>,
}

pub(crate) type Alarm = Arc<dyn Fn() + Send + Sync>;

impl EventQueue {
    pub(crate) fn push(&self, event: Event) {
        #[cfg(feature = "tracing")]
        crate::trace::event(&event);
        let mut queue = self.lock();
        let waiting = queue.events.len();
        let full = waiting >= MAX_WAITING && repeats(&event) || waiting >= 2 * MAX_WAITING;
        if full || queue.closed {
            return;
        }
        queue.events.push_back(event);
        self.emit(queue);
    }

    /// No event follows.
    pub(crate) fn close(&self) {
        let mut queue = self.lock();
        queue.closed = true;
        self.emit(queue);
    }

    /// The events for as long as nobody else has the player.
    pub(crate) fn lend(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            turn: Some(self.lock().turn),
        }
    }

    /// Somebody else has the player: nothing is left of what waits, nor of who waits.
    pub(crate) fn renew(&self) {
        let mut queue = self.lock();
        queue.turn += 1;
        queue.events.clear();
        queue.alarm = None;
        self.emit(queue);
    }

    fn is_over(&self, queue: &Queue) -> bool {
        self.turn.is_some_and(|turn| turn != queue.turn)
    }

    fn emit(&self, mut queue: MutexGuard<'_, Queue>) {
        let wakers = std::mem::take(&mut queue.wakers);
        let alarm = queue.alarm.clone();
        drop(queue);
        // Whoever does not get it waits on.
        self.shared.changed.notify_all();
        for (_, waker) in wakers {
            waker.wake();
        }
        if let Some(alarm) = alarm {
            alarm();
        }
    }

    /// What is called when an event has come; at once where some wait already.
    pub(crate) fn set_alarm(&self, alarm: Option<Alarm>) {
        let mut queue = self.lock();
        queue.alarm.clone_from(&alarm);
        let waiting = !queue.events.is_empty() || queue.closed;
        drop(queue);
        if let Some(alarm) = alarm.filter(|_| waiting) {
            alarm();
        }
    }

    /// The next event, or why there is none.
    pub(crate) fn next(&self, until: Deadline) -> Result<Event, NoEvent> {
        let mut queue = self.lock();
        loop {
            if self.is_over(&queue) {
                return Err(NoEvent::Released);
            }
            if let Some(event) = queue.events.pop_front() {
                return Ok(event);
            }
            if queue.closed {
                return Err(NoEvent::Released);
            }
            let changed = &self.shared.changed;
            queue = match until.left() {
                Some(Duration::ZERO) => return Err(NoEvent::NotYet),
                Some(left) => changed
                    .wait_timeout(queue, left)
                    .map_or_else(|poisoned| poisoned.into_inner().0, |(queue, _)| queue),
                None => changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn poll(&self, id: u64, context: &Context<'_>) -> Poll<Option<Event>> {
        let mut queue = self.lock();
        if self.is_over(&queue) {
            return Poll::Ready(None);
        }
        if let Some(event) = queue.events.pop_front() {
            return Poll::Ready(Some(event));
        }
        if queue.closed {
            return Poll::Ready(None);
        }
        queue.wakers.retain(|(known, _)| *known != id);
        queue.wakers.push((id, context.waker().clone()));
        Poll::Pending
    }

    pub(crate) fn is_closed(&self) -> bool {
        let queue = self.lock();
        queue.closed && queue.events.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.shared
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn repeats(event: &Event) -> bool {
    matches!(
        event,
        Event::Position(_)
            | Event::BufferedPosition(_)
            | Event::DownloadSpeed(_)
            | Event::LoadingProgress(_)
            | Event::CommandRefused { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_media::Time;
    use std::sync::mpsc::channel;
    use std::task::Wake;

    fn soon() -> Deadline {
        Deadline::after(Duration::ZERO)
    }

    #[test]
    fn an_application_that_does_not_look_loses_positions_but_not_completion() {
        let queue = EventQueue::default();
        for second in 0..5_000 {
            queue.push(Event::Position(Time::from_millis(second)));
        }
        queue.push(Event::Completion);
        queue.close();
        let events: Vec<_> = Events(queue).collect();
        assert_eq!(events.len(), MAX_WAITING + 1);
        assert!(matches!(events.last(), Some(Event::Completion)));
    }

    #[test]
    fn no_event_yet_is_not_the_same_as_none_any_more() {
        let queue = EventQueue::default();
        assert_eq!(queue.next(soon()).unwrap_err(), NoEvent::NotYet);
        queue.push(Event::Completion);
        queue.close();
        queue.push(Event::LoadingEnd);
        // A limit beyond all clocks is none: what is there comes, and then the end.
        let forever = Deadline::after(Duration::MAX);
        assert!(matches!(queue.next(forever), Ok(Event::Completion)));
        assert_eq!(queue.next(forever).unwrap_err(), NoEvent::Released);
        assert!(queue.is_closed());
    }

    #[test]
    fn a_wait_without_limit_ends_with_the_next_event_and_with_the_release() {
        let queue = EventQueue::default();
        let mut events = Events(queue.clone());
        let (reported, heard) = channel();
        let waiting = std::thread::spawn(move || {
            for event in events.by_ref() {
                reported.send(event).unwrap();
            }
        });
        queue.push(Event::Completion);
        assert!(matches!(heard.recv(), Ok(Event::Completion)));
        queue.close();
        waiting.join().unwrap();
    }

    #[test]
    fn an_alarm_sounds_for_what_waits_for_what_comes_and_for_the_release() {
        let queue = EventQueue::default();
        queue.push(Event::Completion);
        let (sounded, heard) = channel();
        queue.set_alarm(Some(Arc::new(move || sounded.send(()).unwrap())));
        assert_eq!(heard.try_iter().count(), 1);
        queue.push(Event::LoadingEnd);
        queue.close();
        assert_eq!(heard.try_iter().count(), 2);
        queue.set_alarm(None);
        queue.close();
        assert!(heard.recv().is_err(), "it is let go");
    }

    #[test]
    fn who_had_the_player_before_gets_no_event_of_the_next() {
        let queue = EventQueue::default();
        let mut before = Events(queue.lend());
        let mut stream = EventStream::new(queue.lend());
        let (sounded, heard) = channel();
        queue.set_alarm(Some(Arc::new(move || sounded.send(()).unwrap())));
        queue.push(Event::LoadingEnd);
        queue.renew();
        queue.push(Event::Completion);
        assert_eq!(heard.iter().count(), 1, "the alarm is taken back");
        assert!(before.next().is_none());
        let mut context = Context::from_waker(Waker::noop());
        let polled = Pin::new(&mut stream).poll_next(&mut context);
        assert!(matches!(polled, Poll::Ready(None)));
        let mut events = Events(queue.lend());
        assert!(matches!(events.next(), Some(Event::Completion)));
    }

    struct Flag(Mutex<u32>);
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            *self.0.lock().unwrap() += 1;
        }
    }

    #[test]
    fn a_stream_is_woken_by_events_and_by_the_release_and_forgotten_when_dropped() {
        let queue = EventQueue::default();
        let flag = Arc::new(Flag(Mutex::new(0)));
        let waker = Waker::from(Arc::clone(&flag));
        let mut context = Context::from_waker(&waker);
        let mut stream = EventStream::new(queue.clone());
        for _ in 0..3 {
            assert!(Pin::new(&mut stream).poll_next(&mut context).is_pending());
        }
        queue.push(Event::Completion);
        assert_eq!(*flag.0.lock().unwrap(), 1, "polled thrice, woken once");
        let polled = Pin::new(&mut stream).poll_next(&mut context);
        assert!(matches!(polled, Poll::Ready(Some(Event::Completion))));
        assert!(Pin::new(&mut stream).poll_next(&mut context).is_pending());
        drop(stream);
        queue.push(Event::Completion);
        assert_eq!(*flag.0.lock().unwrap(), 1);

        let mut stream = EventStream::new(queue.clone());
        assert!(Pin::new(&mut stream).poll_next(&mut context).is_ready());
        assert!(Pin::new(&mut stream).poll_next(&mut context).is_pending());
        queue.close();
        assert_eq!(*flag.0.lock().unwrap(), 2);
        let polled = Pin::new(&mut stream).poll_next(&mut context);
        assert!(matches!(polled, Poll::Ready(None)));
    }
}
