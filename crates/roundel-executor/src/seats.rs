//! `Seats`: where the living tasks of a loop sit; a ticket leads to a seat.
//!
//! A seat is two words, whether taken or free: the free ones are threaded into a list.

use std::{
    mem::{self, ManuallyDrop},
    rc::Rc,
};

use crate::{
    cell::TaskRef,
    executor::AnyTask,
    header::Header,
    roster::Member,
    ticket::{Generation, MOST_TASKS, Ticket},
};

/// The generation stands in each kind by itself: beside them it would cost a word.
enum Seat {
    Spawned(Generation, TaskRef),
    Child(Generation, Rc<Member>),
    /// And which is free after it.
    Free(Generation, Option<u32>),
}

/// Who sits in a seat.
pub(crate) enum Sitting<'a> {
    Spawned(&'a TaskRef),
    Child(&'a Rc<Member>),
}

impl<'a> Sitting<'a> {
    #[inline]
    pub(crate) fn header(&self) -> &'a Header {
        match self {
            Self::Spawned(task) => task,
            Self::Child(member) => &member.header,
        }
    }

    pub(crate) fn cloned(&self) -> AnyTask {
        match *self {
            Self::Spawned(task) => AnyTask::Spawned(task.clone()),
            Self::Child(member) => AnyTask::Child(Rc::clone(member)),
        }
    }
}

impl Seat {
    #[inline]
    fn generation(&self) -> Generation {
        match *self {
            Self::Spawned(generation, _)
            | Self::Child(generation, _)
            | Self::Free(generation, _) => generation,
        }
    }

    #[inline]
    fn sitting(&self) -> Option<Sitting<'_>> {
        match self {
            Self::Spawned(_, task) => Some(Sitting::Spawned(task)),
            Self::Child(_, member) => Some(Sitting::Child(member)),
            Self::Free(..) => None,
        }
    }
}

#[derive(Default)]
pub(crate) struct Seats {
    /// A free one holds nothing that would have to be dropped, so that it need not be looked at
    /// when it is taken.
    seats: Vec<ManuallyDrop<Seat>>,
    free: Option<u32>,
    taken: usize,
}

impl Seats {
    /// A seat for a task that is about to [sit down](Self::sit_down), and its generation.
    ///
    /// # Panics
    /// If there are 2^28 tasks.
    #[inline]
    pub(crate) fn take_free(&mut self) -> (usize, Generation) {
        self.taken += 1;
        if let Some(index) = self.free
            && let Some(seat) = self.seats.get(index as usize)
            && let Seat::Free(generation, next) = **seat
        {
            self.free = next;
            return (index as usize, generation);
        }
        self.add()
    }

    #[cold]
    fn add(&mut self) -> (usize, Generation) {
        let index = self.seats.len();
        assert!(index < MOST_TASKS, "spawning a task: 2^28 tasks live already");
        self.seats.push(ManuallyDrop::new(Seat::Free(Generation::FIRST, None)));
        (index, Generation::FIRST)
    }

    #[inline]
    pub(crate) fn sit_down(&mut self, ticket: Ticket, task: AnyTask) {
        let generation = ticket.generation();
        let seat = &mut self.seats[ticket.index()];
        match task {
            AnyTask::Spawned(task) => *seat = ManuallyDrop::new(Seat::Spawned(generation, task)),
            AnyTask::Child(member) => *seat = ManuallyDrop::new(Seat::Child(generation, member)),
        }
    }

    /// The seat of a task that has ended is free, and its ticket stale; the task comes back, to be
    /// dropped where nothing is borrowed.
    #[inline]
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<AnyTask> {
        let seat = self.seats.get_mut(ticket.index())?;
        if seat.generation() != ticket.generation() {
            return None;
        }
        let free = ManuallyDrop::new(Seat::Free(ticket.generation().next(), self.free));
        let left = ManuallyDrop::into_inner(mem::replace(seat, free));
        self.free = Some(ticket.index() as u32);
        self.taken -= 1;
        match left {
            Seat::Spawned(_, task) => Some(AnyTask::Spawned(task)),
            Seat::Child(_, member) => Some(AnyTask::Child(member)),
            Seat::Free(..) => None,
        }
    }

    /// Whose ticket this is, unless the task has ended.
    #[inline]
    pub(crate) fn get(&self, ticket: Ticket) -> Option<Sitting<'_>> {
        let seat = self.seats.get(ticket.index())?;
        if seat.generation() != ticket.generation() {
            return None;
        }
        seat.sitting()
    }

    pub(crate) fn sitting(&self) -> impl Iterator<Item = Sitting<'_>> {
        self.seats.iter().filter_map(|seat| seat.sitting())
    }

    pub(crate) fn len(&self) -> usize {
        self.taken
    }
}

impl Drop for Seats {
    fn drop(&mut self) {
        self.seats.drain(..).for_each(|seat| drop(ManuallyDrop::into_inner(seat)));
    }
}

#[cfg(test)]
mod tests {
    use super::Seat;

    #[test]
    fn a_seat_is_two_words() {
        assert_eq!(size_of::<Seat>(), 16);
    }
}
