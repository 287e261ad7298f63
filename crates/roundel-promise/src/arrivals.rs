//! Which of several promises have settled, in the order in which they did.
//!
//! Each promise holds a ticket, a waker that knows its number. Waking it puts the number in line
//! and rings a bell; one thread takes numbers out of the line and sleeps when there are none. No
//! two locks are ever held together: a ticket is punched after its promise's lock is open. That is
//! why two waits over the same promises, in whatever order, cannot block each other.
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Instant;

use crate::sync::{Condvar, Mutex, lock};

pub(crate) struct Arrivals {
    line: Mutex<VecDeque<usize>>,
    bell: Condvar,
}

impl Arrivals {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Arrivals { line: Mutex::new(VecDeque::new()), bell: Condvar::new() })
    }

    /// A waker that puts `number` in line.
    pub(crate) fn ticket(self: &Arc<Self>, number: usize) -> Waker {
        Waker::from(Arc::new(Ticket { number, arrivals: Arc::clone(self) }))
    }

    pub(crate) fn push(&self, number: usize) {
        lock(&self.line).push_back(number);
        self.bell.notify_one();
    }

    /// The next number, waiting for it until `deadline`. What is in line already is never late.
    pub(crate) fn next(&self, deadline: Option<Instant>) -> Option<usize> {
        let mut line = lock(&self.line);
        loop {
            if let Some(number) = line.pop_front() {
                return Some(number);
            }
            line = match deadline {
                None => self.bell.wait(line).expect(LOCK_IS_SOUND),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return None;
                    }
                    self.bell.wait_timeout(line, left).expect(LOCK_IS_SOUND).0
                }
            };
        }
    }
}

const LOCK_IS_SOUND: &str = "nothing that can panic runs while the line is locked";

struct Ticket {
    number: usize,
    arrivals: Arc<Arrivals>,
}

impl Wake for Ticket {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.arrivals.push(self.number);
    }
}
