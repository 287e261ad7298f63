//! `Rooms`: buffers of one size, offered to the kernel; it takes one when it has something for it.
//!
//! So a receive that waits holds no memory. A buffer that comes back filled leaves for good, to
//! whoever asked for the data, and another from the pool takes its place; when the data are dropped,
//! their buffer returns to the pool, not here. So nobody but the kernel and this table ever holds a buffer on
//! offer, and the ring may end before the buffers it filled.
//!
//! The kernel reads the offers in a ring of 16-byte records (`io_uring_buf`), in their order:
//!
//! ```text
//! { address: u64 } { length: u32, id: u16, in record 0 only: tail u16 }
//! ```

use std::sync::atomic::{AtomicU64, Ordering};

use roundel_driver::{Buffer, BufferPool, Surplus};

/// Records per page: the kernel wants the ring to begin at one.
const RECORDS_PER_PAGE: usize = 4096 / 16;

#[repr(align(4096))]
#[derive(Debug)]
struct Page([[AtomicU64; 2]; RECORDS_PER_PAGE]);

#[derive(Debug)]
pub(crate) struct Rooms {
    bytes: usize,
    /// How many may be on offer at most; a power of two.
    capacity: u16,
    pages: Box<[Page]>,
    /// By their id. None: not on offer.
    offered: Vec<Option<Buffer>>,
    vacant: Vec<u16>,
    /// How many are to be on offer whenever the kernel looks, and how many at least.
    wanted: usize,
    least: usize,
    surplus: Surplus,
    /// Refills since what is wanted was looked at.
    refills: u16,
    tail: u16,
    pool: BufferPool,
}

impl Rooms {
    /// Room for `capacity` buffers, of which `least` are on offer always.
    pub(crate) fn new(bytes: usize, least: u16, capacity: u16, pool: BufferPool) -> Self {
        let capacity = capacity.next_power_of_two();
        let pages = usize::from(capacity).div_ceil(RECORDS_PER_PAGE);
        let pages = (0..pages)
            .map(|_| Page(std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0)))))
            .collect();
        let least = usize::from(least);
        let mut rooms = Self {
            bytes,
            capacity,
            pages,
            offered: Vec::new(),
            vacant: Vec::new(),
            wanted: least,
            least,
            surplus: Surplus::default(),
            refills: 0,
            tail: 0,
            pool,
        };
        rooms.publish();
        rooms
    }

    /// Where the kernel finds the records.
    pub(crate) fn address(&self) -> u64 {
        self.pages.as_ptr().addr() as u64
    }

    pub(crate) fn capacity(&self) -> u16 {
        self.capacity
    }

    /// How many buffers are on offer.
    pub(crate) fn len(&self) -> usize {
        self.offered.len() - self.vacant.len()
    }

    /// The buffer that the kernel has filled with `length` bytes. Another takes its place at the next
    /// [`publish`](Self::publish): those that come back until then are warmer than any other.
    pub(crate) fn take(&mut self, id: u16, length: usize) -> Option<Buffer> {
        let mut filled = self.offered.get_mut(usize::from(id))?.take()?;
        filled.truncate(length);
        self.vacant.push(id);
        Some(filled)
    }

    /// Offers one more from now on, for a request that found none.
    pub(crate) fn grow(&mut self) {
        self.wanted = (self.wanted + 1).min(usize::from(self.capacity));
    }

    /// Offers as many as are wanted, to the kernel that is about to look. The fewer they are, the sooner
    /// each is used again, while a cache holds it: what was not needed for a while is wanted no longer.
    #[inline]
    pub(crate) fn publish(&mut self) {
        if self.len() < self.wanted {
            self.refill();
        }
    }

    fn refill(&mut self) {
        let left = self.len();
        self.surplus.note(left);
        self.refills += 1;
        if self.refills == Surplus::WINDOW {
            self.refills = 0;
            self.wanted = (self.wanted - self.surplus.give_up(left)).max(self.least);
        }
        for _ in left..self.wanted {
            let id = self.vacant.pop().unwrap_or(self.offered.len() as u16);
            self.offer(id);
        }
        let [_, second] = self.record(0);
        let [a, b, c, d, e, f, ..] = second.load(Ordering::Relaxed).to_ne_bytes();
        let [g, h] = self.tail.to_ne_bytes();
        // Release: the kernel reads the tail first, then the records before it.
        second.store(u64::from_ne_bytes([a, b, c, d, e, f, g, h]), Ordering::Release);
    }

    fn fresh(&self) -> Buffer {
        let whole = self.pool.fill(self.bytes, |room| Ok::<_, ()>(room.len()));
        whole.expect("filling with what is there does not fail")
    }

    /// Writes the record of a fresh buffer behind the last. There is a place: as many as ids.
    fn offer(&mut self, id: u16) {
        let mut buffer = self.fresh();
        let address = buffer.as_mut_ptr().expose_provenance() as u64;
        match self.offered.get_mut(usize::from(id)) {
            Some(vacant) => *vacant = Some(buffer),
            None => self.offered.push(Some(buffer)),
        }
        let [a, b, c, d] = (self.bytes as u32).to_ne_bytes();
        let [e, f] = id.to_ne_bytes();
        let at = self.tail & (self.capacity - 1);
        let [first, second] = self.record(at);
        // The published tail lies in record 0 and stays as it is.
        let [.., g, h] = second.load(Ordering::Relaxed).to_ne_bytes();
        first.store(address, Ordering::Relaxed);
        second.store(u64::from_ne_bytes([a, b, c, d, e, f, g, h]), Ordering::Relaxed);
        self.tail = self.tail.wrapping_add(1);
    }

    fn record(&self, at: u16) -> &[AtomicU64; 2] {
        let at = usize::from(at);
        &self.pages[at / RECORDS_PER_PAGE].0[at % RECORDS_PER_PAGE]
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use roundel_driver::BufferPool;

    use super::Rooms;

    fn tail(rooms: &Rooms) -> u16 {
        let bytes = rooms.record(0)[1].load(Ordering::Relaxed).to_ne_bytes();
        u16::from_ne_bytes([bytes[6], bytes[7]])
    }

    fn id(rooms: &Rooms, at: u16) -> u16 {
        let bytes = rooms.record(at)[1].load(Ordering::Relaxed).to_ne_bytes();
        u16::from_ne_bytes([bytes[4], bytes[5]])
    }

    #[test]
    fn a_filled_buffer_is_replaced_by_what_came_back_last() {
        let pool = BufferPool::new();
        let mut rooms = Rooms::new(4096, 2, 4, pool.clone());
        assert_eq!((tail(&rooms), pool.lent()), (2, 2));
        let filled = rooms.take(1, 7).unwrap();
        assert_eq!((filled.len(), rooms.len(), tail(&rooms)), (7, 1, 2));
        assert!(rooms.take(1, 7).is_none(), "the kernel does not have it");
        let address = filled.as_ptr().addr() as u64;
        drop(filled);
        rooms.publish();
        assert_eq!((rooms.len(), tail(&rooms), id(&rooms, 2)), (2, 3, 1));
        assert_eq!(rooms.record(2)[0].load(Ordering::Relaxed), address);
        rooms.publish();
        assert_eq!((tail(&rooms), pool.lent()), (3, 2), "there are enough");
        assert!(rooms.take(2, 1).is_none(), "the kernel never had it");
    }

    #[test]
    fn the_tail_outlives_its_record_and_its_range() {
        let mut rooms = Rooms::new(4096, 4, 4, BufferPool::new());
        for taken in 1..=70_000_u32 {
            rooms.take((taken % 4) as u16, 1).unwrap();
            rooms.publish();
            assert_eq!(tail(&rooms), (4 + taken) as u16);
        }
    }

    #[test]
    fn one_more_is_offered_for_each_that_found_none_up_to_the_capacity() {
        let mut rooms = Rooms::new(4096, 3, 8, BufferPool::new());
        for expected in [3, 4, 5, 6, 7, 8, 8] {
            rooms.publish();
            assert_eq!((rooms.len(), tail(&rooms)), (expected, expected as u16));
            rooms.grow();
        }
    }

    #[test]
    fn what_nobody_needs_is_offered_no_longer() {
        let mut rooms = Rooms::new(4096, 2, 64, BufferPool::new());
        (0..62).for_each(|_| rooms.grow());
        rooms.publish();
        assert_eq!(rooms.len(), 64);
        let mut at = 0;
        for _ in 0..1024 * 10 {
            // Three at a time, in the order in which they were offered.
            for _ in 0..3 {
                rooms.take(id(&rooms, at % 64), 1).unwrap();
                at += 1;
            }
            rooms.publish();
        }
        assert_eq!(rooms.len(), 4, "three, and one that can be halved no more");
    }
}
