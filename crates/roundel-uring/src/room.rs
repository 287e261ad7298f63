//! `Rooms`: buffers of one size, offered to the kernel; it takes one when it has something for it.
//!
//! So a receive that waits holds no memory. A buffer that comes back filled leaves for good, to
//! whoever asked for the data, and another from the pool takes its place; when that one is dropped
//! it returns to the pool, not here. So nobody but the kernel and this table ever holds a buffer on
//! offer, and the ring may end before the buffers it filled.
//!
//! The kernel reads the offers in a ring of 16-byte records (`io_uring_buf`), in their order:
//!
//! ```text
//! { address: u64 } { length: u32, id: u16, in record 0 only: tail u16 }
//! ```

use std::sync::atomic::{AtomicU64, Ordering};

use roundel_driver::{Buffer, BufferPool};

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
    /// By their id. None: neither on offer nor to be, until more are wanted.
    offered: Vec<Option<Buffer>>,
    tail: u16,
    /// The tail that the kernel sees.
    published: u16,
    pool: BufferPool,
}

impl Rooms {
    /// Room for `capacity` buffers, of which `first` are offered now.
    pub(crate) fn new(bytes: usize, first: u16, capacity: u16, pool: BufferPool) -> Self {
        let capacity = capacity.next_power_of_two();
        let pages = usize::from(capacity).div_ceil(RECORDS_PER_PAGE);
        let pages = (0..pages)
            .map(|_| Page(std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0)))))
            .collect();
        let offered = Vec::with_capacity(usize::from(first));
        let mut rooms = Self { bytes, capacity, pages, offered, tail: 0, published: 0, pool };
        rooms.widen(first);
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

    /// How many buffers are kept for the kernel.
    pub(crate) fn len(&self) -> usize {
        self.offered.len()
    }

    /// The buffer that the kernel has filled with `length` bytes. Its place is taken by another,
    /// which the kernel sees after [`publish`](Self::publish).
    pub(crate) fn take(&mut self, id: u16, length: usize) -> Option<Buffer> {
        let fresh = self.fresh();
        let mut filled = self.offered.get_mut(usize::from(id))?.replace(fresh)?;
        filled.truncate(length);
        self.offer(id);
        Some(filled)
    }

    /// Offers twice as many, as the kernel ran out of them.
    pub(crate) fn grow(&mut self) {
        self.widen(self.offered.len() as u16);
        self.publish();
    }

    /// Lets the kernel see what is on offer.
    pub(crate) fn publish(&mut self) {
        if self.published == self.tail {
            return;
        }
        self.published = self.tail;
        let [_, second] = self.record(0);
        let rest = second.load(Ordering::Relaxed).to_ne_bytes();
        let [a, b, c, d, e, f, ..] = rest;
        let [g, h] = self.tail.to_ne_bytes();
        // Release: the kernel reads the tail first, then the records before it.
        second.store(u64::from_ne_bytes([a, b, c, d, e, f, g, h]), Ordering::Release);
    }

    fn widen(&mut self, more: u16) {
        for _ in 0..more {
            let id = self.offered.len() as u16;
            if id == self.capacity {
                return;
            }
            let fresh = self.fresh();
            self.offered.push(Some(fresh));
            self.offer(id);
        }
    }

    fn fresh(&self) -> Buffer {
        let whole = self.pool.fill(self.bytes, |room| Ok::<_, ()>(room.len()));
        whole.expect("filling with what is there does not fail")
    }

    /// Writes the record of a buffer behind the last. There is a place: as many as ids.
    fn offer(&mut self, id: u16) {
        let Some(Some(buffer)) = self.offered.get_mut(usize::from(id)) else { return };
        let address = buffer.as_mut_ptr().expose_provenance() as u64;
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
    fn a_filled_buffer_is_replaced_at_once_and_seen_when_published() {
        let pool = BufferPool::new();
        let mut rooms = Rooms::new(4096, 2, 4, pool.clone());
        assert_eq!((tail(&rooms), pool.lent()), (2, 2));
        let filled = rooms.take(1, 7).unwrap();
        assert_eq!((filled.len(), pool.lent()), (7, 3));
        assert_eq!(tail(&rooms), 2, "not before it is published");
        rooms.publish();
        assert_eq!((tail(&rooms), id(&rooms, 2)), (3, 1));
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
    fn growing_doubles_up_to_the_capacity() {
        let mut rooms = Rooms::new(4096, 3, 8, BufferPool::new());
        for expected in [3, 6, 8, 8] {
            assert_eq!((rooms.len(), tail(&rooms)), (expected, expected as u16));
            rooms.grow();
        }
    }
}
