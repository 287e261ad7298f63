//! Those who only want to be told: each has a poll of its own.

use roundel_driver::{
    Interest, Key, Operation, OperationError, Outcome, Readiness, SourceId, Submitted,
};
use rustix::event::PollFlags;

use crate::{
    UringDriver,
    places::{key, place},
    queue::Slot,
    request::{Answer, Got, Request},
    table::Place,
    uring_driver::Tag,
};

impl UringDriver {
    pub(crate) fn submit_watch(&mut self, source: SourceId, mut operation: Operation) -> Submitted {
        let interest = interest(&operation);
        let Some(endpoint) = self.sources.get_mut(place(source)) else {
            unreachable!("submit checked the source")
        };
        if interest.contains(Interest::READ) && endpoint.has_arrivals() {
            // Taken from the kernel already, so a poll would not see it.
            self.statistics.immediate += 1;
            return Submitted::Done(Ok(Outcome::Ready(Readiness::READABLE)));
        }
        if let Err(cause) = self.claim(source) {
            return Submitted::Done(Err(OperationError::new(&mut operation, 0, cause)));
        }
        let slot = self.admit(operation);
        let Some(endpoint) = self.sources.get_mut(place(source)) else {
            unreachable!("submit checked the source")
        };
        endpoint.watchers.push(&mut self.slots, slot);
        let request = Request::Poll { events: events(interest), again: false };
        let request = self.ring.start(Some(&endpoint.descriptor), request, Tag::Watcher(key(slot)));
        self.statistics.registrations += 1;
        if let Some(Slot::Waiting(waiting)) = self.slots.get_mut(slot) {
            waiting.place = request;
        }
        Submitted::Pending(key(slot))
    }

    pub(crate) fn hear_watcher(&mut self, key: Key, answer: &mut Answer<Tag>) {
        let slot = Place { index: key.index() as u32, generation: key.generation() };
        let Some(Slot::Waiting(waiting)) = self.slots.get_mut(slot) else { return };
        if let Some(source) = waiting.operation.source()
            && let Some(endpoint) = self.sources.get_mut(place(source))
        {
            endpoint.watchers.remove(&mut self.slots, slot);
        }
        match answer.take() {
            Ok(Got::Count(events)) => {
                self.finish(slot, Ok(Outcome::Ready(readiness(events as u32))));
            }
            Ok(_) => {}
            Err(cause) => self.fail(slot, cause),
        }
    }

    /// Tells those who watch for some of `ready` by another way than their polls.
    pub(crate) fn tell_watchers(&mut self, source: SourceId, ready: Readiness) {
        let Some(endpoint) = self.sources.get_mut(place(source)) else { return };
        let mut told = endpoint.watchers.all(&mut self.slots);
        told.retain(|slot| match self.slots.get_mut(*slot) {
            Some(Slot::Waiting(waiting)) => !ready.within(interest(&waiting.operation)).is_none(),
            _ => false,
        });
        for slot in told {
            if let Some(Slot::Waiting(waiting)) = self.slots.get_mut(slot) {
                self.ring.cancel(waiting.place);
            }
            if let Some(endpoint) = self.sources.get_mut(place(source)) {
                endpoint.watchers.remove(&mut self.slots, slot);
            }
            self.finish(slot, Ok(Outcome::Ready(ready)));
        }
    }
}

fn interest(operation: &Operation) -> Interest {
    match operation {
        Operation::Ready { interest, .. } => *interest,
        _ => Interest::BOTH,
    }
}

/// What to ask the kernel for; errors and hang-ups are reported unasked.
fn events(interest: Interest) -> u32 {
    let mut flags = PollFlags::empty();
    if interest.contains(Interest::READ) {
        flags |= PollFlags::IN | PollFlags::RDHUP;
    }
    if interest.contains(Interest::WRITE) {
        flags |= PollFlags::OUT;
    }
    flags.bits().into()
}

/// What the kernel's bits say. Neither a reader nor a writer blocks on a source that hung up or
/// has an error to collect.
fn readiness(events: u32) -> Readiness {
    let flags = PollFlags::from_bits_truncate(events as u16);
    let both = Readiness::READABLE.with(Readiness::WRITABLE);
    let mut readiness = Readiness::NONE;
    for (flag, meaning) in [
        (PollFlags::IN, Readiness::READABLE),
        (PollFlags::OUT, Readiness::WRITABLE),
        (PollFlags::RDHUP, Readiness::READABLE.with(Readiness::READ_CLOSED)),
        (PollFlags::HUP, both.with(Readiness::READ_CLOSED).with(Readiness::WRITE_CLOSED)),
        (PollFlags::ERR, both.with(Readiness::ERROR)),
    ] {
        if flags.contains(flag) {
            readiness = readiness.with(meaning);
        }
    }
    readiness
}
