//! When: clocks, deadlines and an exact timer queue.
#![forbid(unsafe_code)]

mod clock;
mod deadline;
mod timer_queue;
mod virtual_clock;

mod entries;
mod order;
mod rank;
mod timeline;

pub use clock::{Clock, SystemClock};
pub use deadline::Deadline;
pub use entries::TimerKey;
pub use timer_queue::{TimerQueue, TimerStatistics};
pub use virtual_clock::VirtualClock;
