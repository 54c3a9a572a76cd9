//! The queue of events between the engine's thread and the application.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use kinora_engine::Event;

/// So many events wait for an application that does not look; then the periodic ones are dropped.
const MOST_WAITING: usize = 1_024;

/// A bounded queue of events. Notices that repeat (position, buffer, speed) give way when
/// nobody reads; what happens once is never lost before the bound of twice that many.
#[derive(Clone, Default)]
pub(crate) struct EventQueue(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<Event>,
    closed: bool,
}

impl EventQueue {
    pub(crate) fn push(&self, event: Event) {
        let mut queue = self.lock();
        let waiting = queue.events.len();
        if waiting >= MOST_WAITING && repeats(&event) || waiting >= 2 * MOST_WAITING {
            return;
        }
        queue.events.push_back(event);
        drop(queue);
        self.0.changed.notify_one();
    }

    /// No event follows.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.0.changed.notify_all();
    }

    /// The next event, or `None` when the time is up or no event can follow.
    pub(crate) fn next(&self, limit: Duration) -> Option<Event> {
        let until = Instant::now() + limit;
        let mut queue = self.lock();
        loop {
            if let Some(event) = queue.events.pop_front() {
                return Some(event);
            }
            let left = until.saturating_duration_since(Instant::now());
            if queue.closed || left.is_zero() {
                return None;
            }
            queue = match self.0.changed.wait_timeout(queue, left) {
                Ok((queue, _)) => queue,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        let queue = self.lock();
        queue.closed && queue.events.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0
            .queue
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn repeats(event: &Event) -> bool {
    matches!(
        event,
        Event::Position(_)
            | Event::BufferedPosition(_)
            | Event::DownloadSpeed(_)
            | Event::LoadingProgress(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_media::Time;

    #[test]
    fn an_application_that_does_not_look_loses_positions_but_not_completion() {
        let queue = EventQueue::default();
        for second in 0..5_000 {
            queue.push(Event::Position(Time::from_millis(second)));
        }
        queue.push(Event::Completion);
        queue.close();
        let mut seen = 0;
        let mut completed = false;
        while let Some(event) = queue.next(Duration::ZERO) {
            seen += 1;
            completed |= matches!(event, Event::Completion);
        }
        assert_eq!(seen, MOST_WAITING + 1);
        assert!(completed);
    }

    #[test]
    fn a_closed_queue_does_not_make_anyone_wait() {
        let queue = EventQueue::default();
        queue.close();
        assert!(queue.next(Duration::from_secs(3_600)).is_none());
        assert!(queue.is_closed());
    }
}
