//! `WakeState`: the one word by which threads and a sleeping loop find each other.
//!
//! ```text
//!              post                 post: ring the bell
//!   AWAKE ───────────▶ WORK   ◀─────────────────────────── ASLEEP
//!     ▲                 │ take_work                           ▲
//!     ├─────────────────┘                                     │
//!     └───────────────────────── try_sleep ───────────────────┘
//! ```
//!
//! A thread first puts its item into the queue, then calls [`post`](WakeState::post). The loop
//! calls [`take_work`](WakeState::take_work) and then empties the queue; before it blocks it calls
//! [`try_sleep`](WakeState::try_sleep).
//!
//! No item is lost. All changes of the word are read-modify-writes, so they have one total order.
//! `post` releases the item; `take_work` acquires it when it finds WORK. If `post` comes before
//! `try_sleep` in the order, the word is WORK and the loop does not sleep; if it comes after, it
//! finds ASLEEP and its caller rings the bell, which ends the wait. An item whose `post` follows a
//! `take_work` may already be drained by then; its WORK costs one look at an empty queue.
//!
//! The bell rings once per sleep, not once per item: only the post that finds ASLEEP rings.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU8, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU8, Ordering};

/// The loop runs and will look at the word before it blocks.
const AWAKE: u8 = 0;
/// There is something in the queue.
const WORK: u8 = 1;
/// The loop blocks, or is about to.
const ASLEEP: u8 = 2;

#[derive(Debug)]
pub(crate) struct WakeState(AtomicU8);

impl WakeState {
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(AWAKE))
    }

    /// Announces an item that is in the queue; tells whether the caller has to ring the bell.
    #[must_use = "a sleeping loop does not notice by itself"]
    pub(crate) fn post(&self) -> bool {
        self.0.swap(WORK, Ordering::AcqRel) == ASLEEP
    }

    /// Whether there may be something in the queue. Costs one plain load while there is not.
    pub(crate) fn has_work(&self) -> bool {
        self.0.load(Ordering::Relaxed) == WORK
    }

    /// Before emptying the queue: tells whether to, and stands up if asleep.
    pub(crate) fn take_work(&self) -> bool {
        self.0.load(Ordering::Relaxed) != AWAKE && self.0.swap(AWAKE, Ordering::AcqRel) == WORK
    }

    /// Before blocking: tells whether the loop may.
    #[must_use = "work that came in between would wait for ever"]
    pub(crate) fn try_sleep(&self) -> bool {
        let before = self.0.compare_exchange(AWAKE, ASLEEP, Ordering::AcqRel, Ordering::Relaxed);
        matches!(before, Ok(_) | Err(ASLEEP))
    }
}
