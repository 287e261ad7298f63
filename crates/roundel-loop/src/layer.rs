//! `Layer`: what stands on a loop and has a part in its life: the executor.

use std::any::Any;

use crate::{LoopHandle, Stall};

/// The state that a layer above keeps on a loop; at most one a loop. It is closed with the loop,
/// and reached from other threads by tickets.
pub trait Layer: Any {
    /// A thread asked for this ticket to be woken
    /// ([`RemoteHandle::wake`](crate::RemoteHandle::wake)). A ticket may be stale.
    fn wake(&self, handle: &LoopHandle, ticket: usize);

    /// The loop was held up. The layer adds the names of the suspects that it told apart
    /// ([`LoopHandle::tell_apart`]), before anybody is told.
    fn stalled(&self, stall: &mut Stall) {
        let _ = stall;
    }

    /// The loop is being closed: drops everything that belongs to it.
    fn close(&self);
}
