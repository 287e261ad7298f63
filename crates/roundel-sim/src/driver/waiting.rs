//! Operations that wait: one queue per source and direction, tried again when there is news.

use std::{collections::VecDeque, mem};

use roundel_driver::{Completion, Key, Operation, OperationError, Outcome, SourceId};

use super::{
    Kind, NAMED, Queue, SimDriver, Slot, aborted,
    attempt::{Attempt, at_one_look, attempt},
    readiness,
};
use crate::{
    network::{Flags, News},
    slab::Place,
};

impl SimDriver {
    pub(super) fn queue(&mut self, source: u32, queue: Queue) -> Option<&mut VecDeque<u32>> {
        self.sources.at(source).map(|(_, attached)| attached.queue(queue))
    }

    /// Tries the operations that wait in one direction, in order, until one has to wait on.
    pub(super) fn serve(&mut self, source: u32, queue: Queue) {
        let Some((at, attached)) = self.sources.at(source) else { return };
        let Kind::Socket { id, .. } = attached.kind else { return };
        while let Some(&front) = attached.queue(queue).front() {
            let Some((place, slot)) = self.slots.at(front) else { return };
            let Slot::Waiting { operation, progress } = slot else { return };
            if operation.goes_on() {
                let has_something = attached.has_unclaimed()
                    || self.network.with(|state| state.has_news_for_reader(id));
                if has_something && mem::replace(progress, NAMED) != NAMED {
                    self.finished.push(Key::new(place.index, place.generation));
                }
                return;
            }
            let on = Attempt { network: &self.network, id, pool: &self.pool };
            let (from, completion) = match attached.claim(operation) {
                Some((from, outcome)) => (from, Ok(outcome)),
                None => match at_one_look(&on, operation, *progress)
                    .map(Ok)
                    .or_else(|| attempt(&on, operation, progress))
                {
                    Some(completion) => (attached.arrived(&completion), completion),
                    None => {
                        self.statistics.refused += 1;
                        return;
                    }
                },
            };
            attached.queue(queue).pop_front();
            *slot = Slot::Done { completion, from: Some((at, from)) };
            self.finished.push(Key::new(place.index, place.generation));
            self.waiting -= 1;
            self.statistics.delayed += 1;
        }
    }

    /// The next piece for an operation that goes on; if there is none, it will be named again.
    pub(super) fn take_piece(&mut self, key: Place) -> Option<Completion> {
        let Slot::Waiting { operation, progress } = self.slots.get_mut(key)? else { return None };
        let source = operation.source()?;
        let at = Place { index: source.index() as u32, generation: source.generation() };
        let attached = self.sources.get_mut(at)?;
        let Kind::Socket { id, .. } = attached.kind else { return None };
        let on = Attempt { network: &self.network, id, pool: &self.pool };
        let completion = match attached.claim(operation) {
            Some((_, outcome)) => Ok(outcome),
            None => {
                let received = at_one_look(&on, operation, 0)
                    .map(Ok)
                    .or_else(|| attempt(&on, operation, &mut 0));
                let Some(completion) = received else {
                    self.statistics.refused += 1;
                    *progress = 0;
                    return None;
                };
                attached.arrived(&completion);
                completion
            }
        };
        self.statistics.delayed += 1;
        if !completion.as_ref().is_ok_and(Outcome::is_data) {
            self.unqueue(key.index, source, Queue::Read);
            self.slots.remove(key);
            // Of those who have come behind it nobody else would think.
            self.serve(at.index, Queue::Read);
            self.ask_for_a_wait();
        }
        Some(completion)
    }

    /// Tells those who only want to know.
    pub(super) fn tell_watchers(&mut self, source: u32, ready: Flags) {
        let Some(watchers) = self.queue(source, Queue::Watch).filter(|queue| !queue.is_empty())
        else {
            return;
        };
        let watchers = mem::take(watchers);
        for index in watchers {
            let Some((place, Slot::Waiting { operation, .. })) = self.slots.at(index) else {
                continue;
            };
            let Operation::Ready { interest, .. } = operation else { continue };
            match readiness(ready, *interest) {
                Some(ready) => self.finish(place, Ok(Outcome::Ready(ready))),
                None => {
                    if let Some(watchers) = self.queue(source, Queue::Watch) {
                        watchers.push_back(index);
                    }
                }
            }
        }
    }

    /// Files the outcome of an operation that is in no queue any more; nothing of it would have to
    /// go back.
    fn finish(&mut self, place: Place, completion: Completion) {
        if let Some(slot) = self.slots.get_mut(place) {
            *slot = Slot::Done { completion, from: None };
        }
        self.finished.push(Key::new(place.index, place.generation));
        self.waiting -= 1;
        self.statistics.delayed += 1;
    }

    /// Lets the driver's operations hear what has happened on the host.
    pub(super) fn hear(&mut self) {
        while let Some(News { of, what, first }) =
            self.network.with(|state| state.next_news(self.host))
        {
            let (mut nth, mut source) = (0, first);
            while let Some(at) = source {
                if what.has(Flags::READ) {
                    self.serve(at, Queue::Read);
                }
                if what.has(Flags::WRITE) {
                    self.serve(at, Queue::Write);
                }
                self.tell_watchers(at, what);
                nth += 1;
                source = self.network.with(|state| state.source(of, nth));
            }
        }
    }

    pub(super) fn fail_all(&mut self, source: u32) {
        for queue in [Queue::Read, Queue::Write, Queue::Watch] {
            while let Some(index) = self.queue(source, queue).and_then(VecDeque::pop_front) {
                let Some((place, Slot::Waiting { operation, progress })) = self.slots.at(index)
                else {
                    continue;
                };
                let error = OperationError::new(operation, *progress, aborted());
                self.finish(place, Err(error));
            }
        }
    }

    /// Takes an operation that waits out of its queue.
    pub(super) fn unqueue(&mut self, index: u32, source: SourceId, queue: Queue) {
        let place = Place { index: source.index() as u32, generation: source.generation() };
        if self.sources.get(place).is_some()
            && let Some(queue) = self.queue(place.index, queue)
        {
            queue.retain(|&other| other != index);
        }
        self.waiting -= 1;
    }
}
