//! Receives that go on: named when there is something, and taken from until there is nothing.

use rustix::io::Errno;

use super::{SelectorDriver, Slot};
use crate::{
    Completion, Key, OperationError, Outcome, SourceId, Submitted,
    attempt::{aborted, receive_piece},
    buffer::{LARGEST, LEAST},
    operation::{Direction, Operation},
};

impl SelectorDriver {
    /// Begins one; what is there already is told as what comes later is.
    pub(super) fn begin_repeating(
        &mut self,
        source: SourceId,
        mut operation: Operation,
    ) -> Submitted {
        if self.sources.get_mut(source.0).is_none() {
            return Submitted::Done(Err(OperationError::new(&mut operation, 0, aborted())));
        }
        // Its progress is how much room the next piece gets.
        let key = self.enqueue(operation, LEAST);
        self.serve(source.0.index, Direction::Read);
        Submitted::Pending(key)
    }

    /// The next piece; if there is none, the operation will be named again.
    pub(super) fn take_piece(&mut self, key: Key) -> Option<Completion> {
        let Slot::Waiting { operation, progress: room, due, .. } = self.slots.get_mut(key.0)?
        else {
            return None;
        };
        let &mut Operation::RecvMany { source, at_most } = operation else { return None };
        let watched = self.sources.get_mut(source.0)?;
        let completion = match watched.claim(operation) {
            Some((_, outcome)) => Ok(outcome),
            None => match receive_piece(watched, &self.pool, at_most.clamp(1, *room)) {
                Ok(piece) => {
                    *room = fitting(*room, piece.len());
                    let completion = Ok(Outcome::Received(piece));
                    watched.arrived(&completion);
                    completion
                }
                Err(Errno::WOULDBLOCK) => {
                    watched.refused(Direction::Read);
                    self.statistics.refused += 1;
                    *due = false;
                    self.note_told(source.0.index);
                    return None;
                }
                Err(cause) => Err(OperationError::new(operation, 0, cause)),
            },
        };
        self.statistics.delayed += 1;
        if completion.as_ref().is_ok_and(Outcome::is_data) {
            // Most often that was all, and nobody need ask the kernel to know it.
            *due = watched.has_something();
            if !*due {
                self.note_told(source.0.index);
            }
        } else {
            self.unlink(source.0.index, Direction::Read, key.0.index);
            self.slots.vacate(key.0);
            // Of those who have come behind it nobody else would think.
            self.serve(source.0.index, Direction::Read);
        }
        Some(completion)
    }
}

/// A piece that fills its room asks for more of it, one that leaves most of it for less.
fn fitting(room: usize, received: usize) -> usize {
    match received {
        received if received >= room => (room * 4).min(LARGEST),
        received if received < room / 4 => (room / 4).max(LEAST),
        _ => room,
    }
}
