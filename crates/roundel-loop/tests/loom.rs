//! Every interleaving of threads that post and a loop that sleeps, under loom:
//! `RUSTFLAGS="--cfg loom" cargo test -p roundel-loop --release --test loom`.
#![cfg(loom)]

#[path = "../src/wake_state.rs"]
mod wake_state;

use loom::sync::{Arc, Condvar, Mutex};
use wake_state::WakeState;

/// The loop's surroundings, in loom's words: a queue, and a bell that ends a wait.
struct Inbox {
    queue: Mutex<Vec<u32>>,
    wake: WakeState,
    rung: Mutex<u32>,
    bell: Condvar,
}

impl Inbox {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            queue: Mutex::new(Vec::new()),
            wake: WakeState::new(),
            rung: Mutex::new(0),
            bell: Condvar::new(),
        })
    }

    fn send(&self, item: u32) {
        self.queue.lock().unwrap().push(item);
        if self.wake.post() {
            *self.rung.lock().unwrap() += 1;
            self.bell.notify_one();
        }
    }

    /// Turns of a loop with nothing else to do, until `count` items have come. A lost wake is a
    /// dead-lock, which loom reports.
    fn receive(&self, count: usize) -> u32 {
        let (mut received, mut rings) = (Vec::new(), 0);
        while received.len() < count {
            if self.wake.try_sleep() {
                let mut rung = self.rung.lock().unwrap();
                while *rung == rings {
                    rung = self.bell.wait(rung).unwrap();
                }
                rings = *rung;
            }
            if self.wake.take_work() {
                received.append(&mut self.queue.lock().unwrap());
            }
        }
        received.sort_unstable();
        assert!(received.windows(2).all(|pair| pair[0] < pair[1]), "each item once: {received:?}");
        rings
    }
}

#[test]
fn one_sender_one_item() {
    loom::model(|| {
        let inbox = Inbox::new();
        let sender = inbox.clone();
        let thread = loom::thread::spawn(move || sender.send(1));
        assert!(inbox.receive(1) <= 1);
        thread.join().unwrap();
    });
}

#[test]
fn one_sender_two_items() {
    loom::model(|| {
        let inbox = Inbox::new();
        let sender = inbox.clone();
        let thread = loom::thread::spawn(move || {
            sender.send(1);
            sender.send(2);
        });
        inbox.receive(2);
        thread.join().unwrap();
    });
}

#[test]
fn two_senders() {
    loom::model(|| {
        let inbox = Inbox::new();
        let threads = [1, 2].map(|item| {
            let sender = inbox.clone();
            loom::thread::spawn(move || sender.send(item))
        });
        assert!(inbox.receive(2) <= 2, "no more rings than sleeps");
        threads.map(|thread| thread.join().unwrap());
    });
}

/// The item itself is published by the word, not by the queue's lock: post releases, take_work
/// acquires. Weakening either to relaxed fails here.
#[test]
fn the_word_publishes_what_was_written_before_the_post() {
    use loom::{cell::UnsafeCell, thread};
    #[allow(unsafe_code)]
    fn body() {
        struct Shared(UnsafeCell<u32>, WakeState);
        // SAFETY: loom checks every access to the cell against the orderings; that is the test.
        unsafe impl Sync for Shared {}
        let shared = Arc::new(Shared(UnsafeCell::new(0), WakeState::new()));
        let writer = shared.clone();
        let thread = thread::spawn(move || {
            // SAFETY: as above.
            writer.0.with_mut(|item| unsafe { *item = 7 });
            let _ = writer.1.post();
        });
        if shared.1.take_work() {
            // SAFETY: as above.
            shared.0.with(|item| assert_eq!(unsafe { *item }, 7));
        }
        thread.join().unwrap();
    }
    loom::model(body);
}
