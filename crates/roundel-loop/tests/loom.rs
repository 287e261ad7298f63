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
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// What was written before the post is seen after the take, even if only the word orders them:
/// post releases, `take_work` acquires. Weakening either to relaxed fails here.
#[test]
fn the_word_publishes_what_was_written_before_the_post() {
    use loom::sync::atomic::{AtomicU32, Ordering};
    loom::model(|| {
        let shared = Arc::new((AtomicU32::new(0), WakeState::new()));
        let writer = shared.clone();
        let thread = loom::thread::spawn(move || {
            writer.0.store(7, Ordering::Relaxed);
            let _ = writer.1.post();
        });
        if shared.1.take_work() {
            assert_eq!(shared.0.load(Ordering::Relaxed), 7);
        }
        thread.join().unwrap();
    });
}
