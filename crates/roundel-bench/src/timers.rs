//! Timers: set and cancelled, set and fired, and how late they are.
//!
//! First the queue alone, beside queues written by hand, then the loop as a whole, beside tokio's
//! and a loop made of the ring buffer and a heap.

mod queues;

mod lateness;
mod looped;
mod pending;

pub(crate) use self::{
    looped::delays,
    queues::{Heap, Queue},
};
use crate::{plan::Plan, row::Row};

/// A binary heap whose cancelled entries stay until they are swept, as asyncio's.
pub(crate) const HEAP: &str = "binary heap";

/// The rows of this group.
pub fn rows(plan: &Plan) -> Vec<Row> {
    [pending::rows(plan), looped::rows(plan), lateness::rows(plan)].into_iter().flatten().collect()
}
