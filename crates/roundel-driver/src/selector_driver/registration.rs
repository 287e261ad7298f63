//! The selector's list of sources, kept in line with who waits, once before each wait.

use std::{io, mem, sync::Arc};

use roundel_selector::Token;

use super::{SelectorDriver, Slot};
use crate::{
    operation::Direction,
    watched::{either, interest_of},
};

impl SelectorDriver {
    /// Lists a source for the next look, unless its registration serves the direction already.
    pub(super) fn note_change(&mut self, source: u32, direction: Direction) {
        if let Some(watched) = self.sources.at(source)
            && !watched.is_settled(self.edge, direction)
            && !mem::replace(&mut watched.changed, true)
        {
            self.changed.push(source);
        }
    }

    /// As [`note_change`](Self::note_change), when a reader that goes on has been told, or has taken
    /// all: only where levels are reported does that matter.
    #[inline]
    pub(super) fn note_told(&mut self, source: u32) {
        if let Some(watched) = self.sources.at(source)
            && (!self.edge || watched.level)
        {
            self.note_change(source, Direction::Read);
        }
    }

    /// Brings the selector's list in line with who waits.
    pub(super) fn apply_changes(&mut self) {
        while let Some(index) = self.changed.pop() {
            let Some(watched) = self.sources.at(index) else { continue };
            watched.changed = false;
            let mut watching = None;
            let mut here = watched.watchers.head;
            while let Some(Slot::Waiting { operation, next, .. }) = self.slots.at(here) {
                watching = either(watching, interest_of(operation));
                here = *next;
            }
            // A level would be reported again and again to who goes on and has been told.
            let reading = match self.slots.at(watched.readers.head) {
                Some(Slot::Waiting { operation, due: true, .. }) if operation.goes_on() => {
                    self.edge && !watched.level
                }
                first => first.is_some(),
            };
            let wanted = watched.wanted(self.edge, reading, watching);
            if wanted == watched.registered {
                continue;
            }
            let (source, token) = (&watched.source, Token(index as usize));
            let answer = match (watched.registered, wanted) {
                (None, Some((interest, trigger))) => {
                    self.selector.register(source, token, interest, trigger)
                }
                (Some(_), Some((interest, trigger))) => {
                    self.selector.modify(source, token, interest, trigger)
                }
                (_, None) => self.selector.unregister(source),
            };
            watched.registered = wanted.filter(|_| answer.is_ok());
            self.statistics.registrations += 1;
            if let Err(refusal) = answer {
                // One refusal, told to each operation that it concerns.
                let refusal = Arc::new(io::Error::from(refusal));
                self.fail_all(index, || io::Error::new(refusal.kind(), Arc::clone(&refusal)));
            }
        }
    }
}
