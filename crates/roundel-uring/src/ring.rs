//! `Ring`: the crate's only unsafe code. Requests go to the kernel, answers come back, and what the
//! kernel may touch in between is kept here.
//!
//! The kernel reads and writes memory by address long after the call that named it. So submission
//! entries are pushed in this file only, made (by `entry`) from what it owns:
//!
//! ```text
//! start(descriptor, request) ──▶ in_flight[place] = request ──▶ entry: addresses into the request
//!                                unseen += 1                      │
//!                                unseen -= n ◀── submitted ────── enter: the kernel takes the files
//! next() ◀── the last answer takes the request out of in_flight ◀── completion: place
//! ```
//!
//! - *Memory*: a request moves with its table, what it points to does not. Buffers and addresses
//!   lie in allocations of their own, and nobody else has them before the last answer.
//! - *Room* on offer lies in `Rooms`, which nobody else has either.
//! - *Descriptors* are held open until the kernel has seen the entry; from then on it holds the
//!   file itself. So a `Descriptor` is given up by `part` only.
//! - *Dropping* the ring cancels everything and waits for the answers. What the kernel does not
//!   answer in time is leaked: memory may be lost, never shared.
#![allow(unsafe_code)]

use std::{
    collections::VecDeque,
    io, mem,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd},
    ptr,
    time::Duration,
};

use io_uring::{IoUring, cqueue, opcode, squeue, types};
use roundel_driver::{Buffer, BufferPool, Source};
use rustix::{
    io::Errno,
    io_uring::{
        IoringEnterFlags, IoringRegisterOp, io_uring_enter_arg, io_uring_getevents_arg,
        io_uring_ptr, io_uring_register, io_uring_rsrc_update,
    },
    thread::Timespec,
};

use crate::{
    entry::entry,
    request::{Answer, Got, Request, Room},
    room::Rooms,
    table::{Place, Table},
};

/// Of the cancel of everything; the cancelled requests have answers of their own.
const NOBODY: u64 = u64::MAX;
/// Marks the answer to the cancel of the request whose place follows.
const CANCEL: u64 = 1 << 63;
/// How often a request is looked for that the kernel did not find: it was on its way from one of
/// the kernel's lists to another. Regular files' are in none.
const SEARCHES: u8 = 8;

/// Of a request that names none.
const NO_DESCRIPTOR: RawFd = -1;

/// How long a dropped ring waits for the kernel's next answer, at most: so many times, so long.
const LAST_WAITS: (usize, Duration) = (20, Duration::from_millis(50));

/// A source that the kernel is asked about, with the number of its descriptor at hand: to ask the
/// source for it takes two loads that miss the cache, and to hold the source a third and a store.
#[derive(Debug)]
pub(crate) struct Descriptor {
    source: Source,
    number: RawFd,
}

impl Descriptor {
    pub(crate) fn new(source: Source) -> Self {
        let number = source.as_fd().as_raw_fd();
        Self { source, number }
    }

    pub(crate) fn number(&self) -> RawFd {
        self.number
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source.as_fd()
    }
}

pub(crate) struct InFlight<T> {
    tag: T,
    request: Request,
    searches: u8,
}

pub(crate) struct Ring<T: Copy> {
    uring: IoUring,
    /// The ring's number among the thread's registered ones; spares the kernel a look-up.
    registered: Option<u32>,
    in_flight: Table<InFlight<T>>,
    /// By the number of their group.
    rooms: Vec<Rooms>,
    pool: BufferPool,
    /// Entries that found the submission queue full, in their order.
    backlog: VecDeque<squeue::Entry>,
    /// How many entries the kernel has not seen.
    unseen: usize,
    /// What was given up while the kernel had not seen some entry; open until it has.
    parted: Vec<Source>,
    #[cfg(test)]
    pub(crate) faults: VecDeque<Fault>,
}

/// What a test lets happen at the next entry into the kernel.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// It takes no more than so many entries.
    Short(u32),
    /// It takes none and says why.
    Refused(Errno),
}

impl<T: Copy> Ring<T> {
    pub(crate) fn new(uring: IoUring) -> io::Result<Self> {
        let pool = BufferPool::new();
        let rooms = Room::ALL.map(|room| {
            let (first, most) = room.offers();
            Rooms::new(room.bytes(), first, most, pool.clone())
        });
        let mut ring = Self {
            registered: None,
            in_flight: Table::new(),
            backlog: VecDeque::new(),
            unseen: 0,
            parted: Vec::new(),
            #[cfg(test)]
            faults: VecDeque::new(),
            uring,
            rooms: rooms.into(),
            pool,
        };
        ring.offer_rooms()?;
        ring.registered = ring.register();
        Ok(ring)
    }

    fn offer_rooms(&mut self) -> io::Result<()> {
        for (group, rooms) in (0..).zip(&self.rooms) {
            // SAFETY: the records stay where they are, and stay valid, until the group is
            // unregistered or the ring has ended: `Rooms` never moves or frees its pages, `drop`
            // unregisters before it frees them, and leaks them where it cannot be sure. The
            // buffers they name are held by `Rooms` until the kernel has filled them.
            unsafe {
                self.uring.submitter().register_buf_ring_with_flags(
                    rooms.address(),
                    rooms.capacity(),
                    group,
                    0,
                )?;
            }
        }
        Ok(())
    }

    fn register(&self) -> Option<u32> {
        let mut update = io_uring_rsrc_update::default();
        update.offset = u32::MAX;
        // A number, where other calls have an address.
        update.data =
            io_uring_ptr::from(ptr::without_provenance_mut(self.uring.as_raw_fd() as usize));
        // SAFETY: the call reads and writes the one record, which lives until it returns.
        let registered = unsafe {
            let record = ptr::from_mut(&mut update).cast();
            io_uring_register(self.fd(), IoringRegisterOp::RegisterRingFds, record, 1)
        };
        registered.ok().map(|_| update.offset)
    }

    fn unregister(&mut self) {
        let Some(offset) = self.registered.take() else { return };
        let mut update = io_uring_rsrc_update::default();
        update.offset = offset;
        // SAFETY: the call reads the one record, which lives until it returns.
        let _ = unsafe {
            let record = ptr::from_mut(&mut update).cast();
            io_uring_register(self.fd(), IoringRegisterOp::UnregisterRingFds, record, 1)
        };
    }

    /// Whether the kernel knows the ring by number.
    pub(crate) fn is_registered(&self) -> bool {
        self.registered.is_some()
    }

    /// Readable when there is something to hear.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the ring's descriptor is open for as long as the ring is borrowed.
        unsafe { BorrowedFd::borrow_raw(self.uring.as_raw_fd()) }
    }

    /// Puts a request behind those that the kernel has not seen. Every answer carries `tag`.
    pub(crate) fn start(&mut self, on: Option<&Descriptor>, request: Request, tag: T) -> Place {
        let number = on.map_or(NO_DESCRIPTOR, Descriptor::number);
        let place = self.in_flight.insert(InFlight { tag, request, searches: 0 });
        let in_flight = self.in_flight.get_mut(place).expect("it was put there just now");
        let entry = entry(number, &mut in_flight.request).user_data(word(place));
        self.push(entry);
        place
    }

    /// Gives the source back. Its descriptor stays open as long as an unseen entry may name it.
    pub(crate) fn part(&mut self, descriptor: Descriptor) -> Source {
        if self.has_unseen() {
            self.parted.push(descriptor.source.clone());
        }
        descriptor.source
    }

    /// Asks the kernel to give a request up. Its last answer comes none the less.
    pub(crate) fn cancel(&mut self, place: Place) {
        if let Some(in_flight) = self.in_flight.get_mut(place)
            && in_flight.searches < SEARCHES
        {
            in_flight.searches += 1;
            let entry = opcode::AsyncCancel::new(word(place)).build();
            self.push(entry.user_data(word(place) | CANCEL));
        }
    }

    fn push(&mut self, entry: squeue::Entry) {
        self.unseen += 1;
        if !self.backlog.is_empty() || !self.push_now(&entry) {
            self.backlog.push_back(entry);
        }
    }

    /// Puts an entry into the submission queue, if there is room.
    fn push_now(&mut self, entry: &squeue::Entry) -> bool {
        // SAFETY: the entry was made by `start` or `cancel`. What its addresses point to belongs
        // to a request in `in_flight`, which leaves that table after its last answer only, or is
        // leaked. Its descriptor is held open by a `Descriptor` that is given up by `part` only,
        // which keeps it until the kernel has seen the entry; whoever drops one before the ring
        // could have the kernel act on another file of that number, not on memory.
        unsafe { self.uring.submission().push(entry) }.is_ok()
    }

    /// Moves entries from the backlog to the submission queue while there is room.
    fn fill_queue(&mut self) {
        while let Some(entry) = self.backlog.pop_front() {
            if !self.push_now(&entry) {
                return self.backlog.push_front(entry);
            }
        }
    }

    /// Whether entries wait for the kernel to see them.
    pub(crate) fn has_unseen(&self) -> bool {
        self.unseen > 0
    }

    /// Whether the kernel has answers that found the completion queue full.
    pub(crate) fn is_overflowing(&mut self) -> bool {
        self.uring.submission().cq_overflow()
    }

    /// How many buffers the kernel has on offer.
    pub(crate) fn offered(&self) -> usize {
        self.rooms.iter().map(Rooms::len).sum()
    }

    pub(crate) fn pool(&self) -> &BufferPool {
        &self.pool
    }

    /// Offers more room of the size that ran out.
    pub(crate) fn grow(&mut self, room: Room) {
        self.rooms(room).grow();
    }

    fn rooms(&mut self, room: Room) -> &mut Rooms {
        &mut self.rooms[room as usize]
    }

    /// Shows the kernel what is new, and waits for an answer as long as `timeout` says (`None`: no
    /// limit). May come back sooner. Makes no call if there is nothing to show and the kernel has
    /// nothing to do for us.
    pub(crate) fn enter(&mut self, timeout: Option<Duration>) -> Result<(), Errno> {
        self.rooms.iter_mut().for_each(Rooms::publish);
        loop {
            self.fill_queue();
            let queue = self.uring.submission();
            let (unseen, due) = (queue.len() as u32, queue.taskrun() || queue.cq_overflow());
            drop(queue);
            // Who waits while something is unseen waits for what has not been asked.
            let last = self.backlog.is_empty();
            let wait =
                last && timeout != Some(Duration::ZERO) && self.uring.completion().is_empty();
            if unseen == 0 && !due && !wait {
                return Ok(());
            }
            let seen = match self.call(unseen, wait, timeout) {
                Ok(seen) => seen,
                // The time is over, a signal came, or the kernel has no memory or no room for
                // answers: the caller takes what there is and comes back.
                Err(Errno::TIME | Errno::INTR | Errno::AGAIN | Errno::BUSY) => return Ok(()),
                Err(error) => return Err(error),
            };
            self.unseen -= seen as usize;
            if self.unseen == 0 {
                self.parted.clear();
            }
            if last || seen < unseen {
                return Ok(());
            }
        }
    }

    fn call(&mut self, submit: u32, wait: bool, timeout: Option<Duration>) -> Result<u32, Errno> {
        #[cfg(test)]
        let (submit, wait) = match self.faults.pop_front() {
            // Nor does it wait then.
            Some(Fault::Short(at_most)) => (submit.min(at_most), false),
            Some(Fault::Refused(errno)) => return Err(errno),
            None => (submit, wait),
        };
        let limit = timeout.filter(|_| wait).map(timespec);
        let mut argument = io_uring_getevents_arg::default();
        if let Some(limit) = &limit {
            argument.ts = io_uring_ptr::from(ptr::from_ref(limit).cast_mut().cast());
        }
        let mut flags = IoringEnterFlags::GETEVENTS | IoringEnterFlags::EXT_ARG;
        let mut number = self.uring.as_raw_fd();
        if let Some(registered) = self.registered {
            flags |= IoringEnterFlags::REGISTERED_RING;
            number = registered as RawFd;
        }
        // SAFETY: `number` is the ring's own descriptor, open as long as the ring, or, as the flag
        // tells the kernel, no descriptor but the place of the registered ring. The argument and
        // the time it points to outlive the call. What the entries point to is argued in
        // `push_now`.
        unsafe {
            let ring = BorrowedFd::borrow_raw(number);
            io_uring_enter_arg(ring, submit, wait.into(), flags, Some(&argument))
        }
    }

    /// The next answer, if there is one.
    pub(crate) fn next(&mut self) -> Option<Answer<T>> {
        loop {
            let completion = self.uring.completion().next()?;
            match completion.user_data() {
                NOBODY => {}
                cancel if cancel & CANCEL != 0 => {
                    if completion.result() == -Errno::NOENT.raw_os_error() {
                        self.cancel(place(cancel & !CANCEL));
                    }
                }
                _ => return self.answer(&completion),
            }
        }
    }

    fn answer(&mut self, completion: &cqueue::Entry) -> Option<Answer<T>> {
        let (place, flags) = (place(completion.user_data()), completion.flags());
        let in_flight = self.in_flight.get_mut(place)?;
        let tag = in_flight.tag;
        let result = match completion.result() {
            refused if refused < 0 => Err(Errno::from_raw_os_error(-refused)),
            count => Ok(count as u32),
        };
        if let Request::Close { descriptor } = &mut in_flight.request
            && result.is_ok()
        {
            // The kernel has closed it.
            let _ = descriptor.take().map(OwnedFd::into_raw_fd);
        }
        let (room, makes) = (in_flight.request.room(), in_flight.request.makes_descriptors());
        let got = match (result, room, cqueue::buffer_select(flags)) {
            (Err(error), Some(room), Some(id)) => {
                // Chosen before it failed; nobody else will offer it again.
                drop(self.rooms(room).take(id, 0));
                Err(error)
            }
            (Err(error), ..) => Err(error),
            (Ok(length), Some(room), Some(id)) => {
                let filled = self.rooms(room).take(id, length as usize);
                Ok(Got::Data(filled.unwrap_or_default()))
            }
            (Ok(_), Some(_), None) => Ok(Got::Data(Buffer::default())),
            (Ok(descriptor), ..) if makes => {
                // SAFETY: the kernel made this descriptor for us in answer to the request, and the
                // completion that names it is read once.
                Ok(Got::Descriptor(unsafe { OwnedFd::from_raw_fd(descriptor as RawFd) }))
            }
            (Ok(count), ..) => Ok(Got::Count(count as usize)),
        };
        let ended = match cqueue::more(flags) {
            true => None,
            false => self.in_flight.remove(place).map(|in_flight| in_flight.request),
        };
        Some(Answer { tag, got, nonempty: cqueue::sock_nonempty(flags), ended })
    }
}

fn timespec(duration: Duration) -> Timespec {
    let tv_sec = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    Timespec { tv_sec, tv_nsec: duration.subsec_nanos().into() }
}

fn word(place: Place) -> u64 {
    u64::from(place.generation) << 32 | u64::from(place.index)
}

fn place(word: u64) -> Place {
    Place { index: word as u32, generation: (word >> 32) as u32 }
}

impl<T: Copy> Drop for Ring<T> {
    fn drop(&mut self) {
        let (times, pause) = LAST_WAITS;
        let mut idle = 0;
        while idle < times {
            if idle % 2 == 0 {
                // Again and again, as the kernel does not find what is between two of its lists.
                let everything = opcode::AsyncCancel2::new(types::CancelBuilder::any().all());
                self.push(everything.build().user_data(NOBODY));
            }
            idle += 1;
            // What an answer brings, a descriptor above all, is dropped with it.
            while self.next().is_some() {
                idle = 0;
            }
            if self.in_flight.len() == 0 || self.enter(Some(pause)).is_err() {
                break;
            }
        }
        let unregister = |room: Room| self.uring.submitter().unregister_buf_ring(room as u16);
        let mut withdrawn = true;
        for room in Room::ALL {
            withdrawn &= unregister(room).is_ok();
        }
        self.unregister();
        if self.in_flight.len() > 0 || !withdrawn {
            // The kernel may still write there; it does not say when it stops.
            mem::forget(mem::replace(&mut self.in_flight, Table::new()));
            mem::forget(mem::take(&mut self.rooms));
        }
    }
}

impl<T: Copy> std::fmt::Debug for Ring<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ring")
            .field("in_flight", &self.in_flight.len())
            .field("unseen", &self.unseen)
            .finish_non_exhaustive()
    }
}
