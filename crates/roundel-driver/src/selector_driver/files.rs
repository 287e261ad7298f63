//! A file's operations: handed out to other threads, and their answers taken in.

use super::{SelectorDriver, Slot};
use crate::{
    Driver, Key, Operation, OperationError, Submitted, attempt::aborted, file_call::FileCall,
};

impl SelectorDriver {
    /// Has another thread make the call that an operation comes down to.
    pub(super) fn hand_out(&mut self, mut operation: Operation) -> Submitted {
        let closing = matches!(operation, Operation::Close { .. });
        let source = match operation.source() {
            Some(id) if closing => self.detach(id).map(Some),
            Some(id) => self.sources.get_mut(id.0).map(|watched| Some(watched.source.clone())),
            None => Some(None),
        };
        let Some(source) = source else {
            return Submitted::Done(Err(OperationError::new(&mut operation, 0, aborted())));
        };
        let call = FileCall::new(&mut operation, source).expect("what has no queue is a call");
        let place = self.slots.insert(Slot::Out { operation });
        self.waiting += 1;
        Submitted::Blocking(Key(place), self.calls.hand_out(place, call, self.selector.notifier()))
    }

    /// Files the answers of other threads.
    pub(super) fn collect_answers(&mut self) {
        while let Some((place, answer)) = self.calls.answer() {
            // Given up meanwhile, it has no slot, and what it brings is dropped.
            let Some(Slot::Out { operation }) = self.slots.get_mut(place) else { continue };
            let written = answer.written;
            let completion = answer
                .settle(operation)
                .map_err(|cause| OperationError::new(operation, written, cause));
            self.waiting -= 1;
            self.finish(place.index, completion);
        }
    }
}
