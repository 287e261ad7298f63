//! Submissions: tried at once where that may help, else queued.

use std::io::IoSlice;

use super::SelectorDriver;
use crate::{
    Buffer, OperationError, Outcome, SourceId, Submitted,
    attempt::{Progress, aborted, attempt, send_now},
    operation::{Direction, Operation},
};

impl SelectorDriver {
    /// A send, which mostly goes whole and at once.
    pub(super) fn submit_send(&mut self, source: SourceId, data: Buffer) -> Submitted {
        let mut sent = 0;
        if let Some(watched) = self.sources.get_mut(source.0)
            && watched.writers.is_empty()
            && watched.may(Direction::Write)
            && !data.is_empty()
        {
            match send_now(watched, &[IoSlice::new(&data)]) {
                Ok(count) if count == data.len() => {
                    self.statistics.immediate += 1;
                    return Submitted::Done(Ok(Outcome::Sent(data)));
                }
                Ok(count) => sent = count,
                Err(cause) => {
                    let mut operation = Operation::Send { source, data };
                    return Submitted::Done(Err(OperationError::new(&mut operation, 0, cause)));
                }
            }
        }
        self.submit_any(Operation::Send { source, data }, sent)
    }

    /// An operation that has come so far already.
    #[inline(never)]
    pub(super) fn submit_any(
        &mut self,
        mut operation: Operation,
        mut progress: Progress,
    ) -> Submitted {
        let Some((source, direction)) = operation.queue() else {
            return self.hand_out(operation);
        };
        let Some(watched) = self.sources.get_mut(source.0) else {
            return Submitted::Done(Err(OperationError::new(&mut operation, 0, aborted())));
        };
        // A connect has to be begun before there can be anything to wait for.
        let worth_trying = watched.may(direction) || matches!(operation, Operation::Connect { .. });
        if watched.queue(direction).is_empty() {
            if let Some((_, outcome)) = watched.claim(&mut operation) {
                return Submitted::Done(Ok(outcome));
            }
            if worth_trying {
                match attempt(&mut operation, &mut progress, watched, &self.pool) {
                    Some(completion) => {
                        self.statistics.immediate += 1;
                        return Submitted::Done(completion);
                    }
                    None => self.statistics.refused += 1,
                }
            }
        }
        if direction == Direction::Watch {
            watched.level = true;
        }
        Submitted::Pending(self.enqueue(operation, progress))
    }
}
