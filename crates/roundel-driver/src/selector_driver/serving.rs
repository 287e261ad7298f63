//! What an event comes to: operations that are tried, or named for their owners to take.

use std::mem;

use roundel_selector::Event;

use super::{SelectorDriver, Slot};
use crate::{
    Completion, Key, Outcome,
    attempt::attempt,
    operation::Direction,
    watched::{NONE, Queue, concerns, interest_of},
};

impl SelectorDriver {
    /// Tries the operations waiting in one direction, in order, until the kernel refuses. A read
    /// that waits alone is left to its owner.
    pub(super) fn serve(&mut self, source: u32, direction: Direction) {
        let Some(watched) = self.sources.at(source) else { return };
        // Where levels are reported, what is left unread would be reported again and again.
        let is_alone = direction == Direction::Read && self.edge && watched.has_lone_reader();
        let mut is_told = false;
        let mut head = watched.queue(direction).head;
        while head != NONE {
            let Some((place, slot)) = self.slots.entry(head) else { break };
            let Slot::Waiting { operation, progress, next, due } = slot else { break };
            if is_alone || operation.goes_on() {
                if watched.has_something() && !mem::replace(due, true) {
                    self.finished.push(Key(place));
                    is_told = true;
                }
                break;
            }
            let next = *next;
            let (from, completion) = match watched.claim(operation) {
                Some((from, outcome)) => (from, Ok(outcome)),
                None if !watched.may(direction) => break,
                None => match attempt(operation, progress, watched, &self.pool) {
                    Some(completion) => (watched.arrived(&completion), completion),
                    None => {
                        self.statistics.refused += 1;
                        break;
                    }
                },
            };
            let from = operation.source().map(|source| (source, from));
            *slot = Slot::Done { completion, from };
            self.finished.push(Key(place));
            self.statistics.delayed += 1;
            self.waiting -= 1;
            head = next;
        }
        let queue = watched.queue(direction);
        if queue.head != head {
            queue.head = head;
            if head == NONE {
                queue.tail = NONE;
            }
            self.note_change(source, direction);
        } else if is_told {
            self.note_told(source);
        }
    }

    /// Tries the read that was named; if the kernel has nothing after all, it waits on.
    pub(super) fn take_due(&mut self, key: Key) -> Option<Completion> {
        let Slot::Waiting { operation, progress, due, .. } = self.slots.get_mut(key.0)? else {
            return None;
        };
        *due = false;
        let (id, direction) = operation.queue()?;
        let watched = self.sources.get_mut(id.0)?;
        let completion = match watched.claim(operation) {
            Some((_, outcome)) => Ok(outcome),
            None => match attempt(operation, progress, watched, &self.pool) {
                Some(completion) => {
                    watched.arrived(&completion);
                    completion
                }
                None => {
                    self.statistics.refused += 1;
                    return None;
                }
            },
        };
        self.statistics.delayed += 1;
        if watched.readers.is_lone() && watched.is_settled(self.edge, direction) {
            watched.readers = Queue::EMPTY;
            self.waiting -= 1;
        } else {
            self.unlink(id.0.index, direction, key.0.index);
            // Of those who have come behind it nobody else would think.
            self.serve(id.0.index, direction);
        }
        self.slots.vacate(key.0);
        Some(completion)
    }

    /// Tells those who only want to know.
    pub(super) fn tell_watchers(&mut self, source: u32, event: Event) {
        let Some(watched) = self.sources.at(source) else { return };
        let mut here = watched.watchers.head;
        while let Some(Slot::Waiting { operation, next, .. }) = self.slots.at(here) {
            let (index, next) = (here, *next);
            here = next;
            if interest_of(operation).is_some_and(|interest| concerns(interest, event.readiness)) {
                self.unlink(source, Direction::Watch, index);
                self.finish(index, Ok(Outcome::Ready(event.readiness)));
            }
        }
    }
}
