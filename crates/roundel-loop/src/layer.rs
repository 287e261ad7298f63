//! `Layer`: what stands on a loop and has a part in its life: the executor.

use std::{any::Any, task::Waker};

use crate::{LoopHandle, Stall};

/// The state that a layer above keeps on a loop; at most one a loop. It is closed with the loop.
///
/// The loop knows what the layer runs by tickets: numbers that the layer gives, that cost nothing
/// to copy and that may be stale.
pub trait Layer: Any {
    /// A ticket is to be woken. False if it is not one of this layer's. It was named by a waker in
    /// this thread ([`LoopHandle::wake_ticket`]) or by another thread
    /// ([`RemoteHandle::wake`](crate::RemoteHandle::wake)).
    fn wake(&self, handle: &LoopHandle, ticket: usize) -> bool;

    /// The ticket that a waker wakes, if it is one of this layer's: a ticket is kept and woken at less
    /// cost.
    fn ticket(&self, waker: &Waker) -> Option<usize> {
        let _ = waker;
        None
    }

    /// The turn of a ticket that was queued ([`LoopHandle::queue_ticket`]). Says which call-back
    /// begins ([`LoopHandle::begins`]) before it runs user code.
    fn run(&self, handle: &LoopHandle, ticket: usize);

    /// The loop was held up. The layer adds the names of the suspects that it gave numbers, before
    /// anybody is told.
    fn stalled(&self, stall: &mut Stall) {
        let _ = stall;
    }

    /// The loop is being closed: drops everything that belongs to it.
    fn close(&self);
}
