//! `Buffer`: owned bytes of an operation, and `BufferPool`, where a receive finds its room.
//!
//! The driver takes a buffer only when the kernel has something to put into it, so a waiting
//! receive holds none. Dropped buffers go back to their pool, last in first out: the next receive
//! writes to memory the cache still holds.

use std::{
    cell::{Cell, RefCell},
    fmt,
    ops::{Deref, DerefMut},
    rc::Rc,
};

use crate::Surplus;

/// Owned bytes handed to an operation, or brought by one.
///
/// A received buffer returns its memory to the driver's pool when dropped.
///
/// ```
/// use roundel_driver::Buffer;
///
/// let buffer = Buffer::from(b"hello".to_vec());
/// assert_eq!(&buffer[1..], b"ello");
/// assert_eq!(buffer.into_vec(), b"hello");
/// ```
#[derive(Default)]
pub struct Buffer(
    /// One word, so that whatever an operation or outcome passes through stays small.
    /// None: neither content nor room.
    Option<Box<Memory>>,
);

struct Memory {
    /// All of it initialised; the first `len` bytes are the content.
    bytes: Vec<u8>,
    len: usize,
    /// None on the shelf itself, and of memory that is nobody's.
    home: Option<Rc<Shelf>>,
}

impl Buffer {
    /// An empty buffer with room for `room` bytes, to be received into.
    pub fn with_room(room: usize) -> Self {
        Self(Some(Box::new(Memory { bytes: vec![0; room], len: 0, home: None })))
    }

    /// How many bytes the content has.
    #[inline]
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |memory| memory.len)
    }

    /// Whether there is no content.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes can be received into the buffer; the content counts in.
    pub fn room(&self) -> usize {
        self.0.as_ref().map_or(0, |memory| memory.bytes.len())
    }

    /// Lets `fill` write into all of the room and makes what it reports the content.
    ///
    /// # Errors
    /// Whatever `fill` fails with; the content then is what it was, as far as it was left alone.
    pub fn fill<E>(&mut self, fill: impl FnOnce(&mut [u8]) -> Result<usize, E>) -> Result<(), E> {
        match &mut self.0 {
            Some(memory) => memory.len = fill(&mut memory.bytes)?.min(memory.bytes.len()),
            None => drop(fill(&mut [])?),
        }
        Ok(())
    }

    /// Keeps only the first `len` bytes of the content; no effect if there are fewer.
    pub fn truncate(&mut self, len: usize) {
        if let Some(memory) = &mut self.0 {
            memory.len = memory.len.min(len);
        }
    }

    /// The first `at_most` bytes of the room.
    #[cfg(target_os = "linux")]
    pub(crate) fn room_mut(&mut self, at_most: usize) -> &mut [u8] {
        self.0.as_mut().and_then(|memory| memory.bytes.get_mut(..at_most)).unwrap_or_default()
    }

    /// Cuts the content at `at`; what lies behind is copied into a buffer of its own.
    pub(crate) fn split_off(&mut self, at: usize) -> Self {
        let rest = self.get(at..).unwrap_or_default().into();
        self.truncate(at);
        rest
    }

    /// The content as a vector; pooled memory leaves its pool for good.
    pub fn into_vec(mut self) -> Vec<u8> {
        let Some(memory) = self.0.take() else { return Vec::new() };
        if let Some(home) = memory.home {
            home.lent.set(home.lent.get() - 1);
        }
        let mut bytes = memory.bytes;
        bytes.truncate(memory.len);
        bytes
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Self {
        match bytes.len() {
            0 => Self(None),
            len => Self(Some(Box::new(Memory { bytes, len, home: None }))),
        }
    }
}

impl From<&[u8]> for Buffer {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

impl<const N: usize> From<&[u8; N]> for Buffer {
    fn from(bytes: &[u8; N]) -> Self {
        bytes.to_vec().into()
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |memory| &memory.bytes[..memory.len])
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.0.as_mut().map_or(&mut [], |memory| &mut memory.bytes[..memory.len])
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(mut memory) = self.0.take()
            && let Some(home) = memory.home.take()
        {
            home.put_back(Self(Some(memory)));
        }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("len", &self.len())
            .field("capacity", &self.room())
            .field("pooled", &self.0.as_ref().is_some_and(|memory| memory.home.is_some()))
            .finish()
    }
}

/// The sizes a pool keeps; a request gets the smallest that holds it.
const SIZES: [usize; 4] = [4 << 10, 16 << 10, 64 << 10, 256 << 10];

/// Room for what comes unannounced: the smallest shelf.
pub(crate) const LEAST: usize = SIZES[0];

/// What one receive gets at most, whatever it asks for: the largest shelf.
pub(crate) const LARGEST: usize = SIZES[SIZES.len() - 1];

/// What a pool keeps of each size while nobody uses it.
const IDLE_BYTES_PER_SIZE: usize = 4 << 20;

/// What it keeps of a large size as long as so much is in use at once. Large memory that is given back
/// to the system and fetched again has to be cleared, at more than the cost of receiving into it.
const BUSY_BYTES_PER_SIZE: usize = 16 << 20;

/// From where on a size is large.
const LARGE: usize = SIZES[2];

/// Small pieces that a pool has adopted, and keeps for copies.
const SCRAP: usize = 4 << 10;
const SCRAPS: usize = 64;

/// Buffers of one size, or up to it.
struct Shelf {
    size: usize,
    /// How many are kept whether they are needed or not.
    idle: usize,
    /// How many are kept at most.
    most: usize,
    stock: RefCell<Stock>,
    lent: Cell<usize>,
}

#[derive(Default)]
struct Stock {
    /// Last in, first out.
    kept: Vec<Buffer>,
    surplus: Surplus,
}

impl Shelf {
    fn new(size: usize, idle: usize, most: usize) -> Rc<Self> {
        Rc::new(Self { size, idle, most, stock: RefCell::default(), lent: Cell::new(0) })
    }

    fn take(&self) -> Option<Box<Memory>> {
        self.lent.set(self.lent.get() + 1);
        let Stock { kept, surplus } = &mut *self.stock.borrow_mut();
        let mut taken = kept.pop()?;
        surplus.note(kept.len());
        taken.0.take()
    }

    /// Keeps less of what is not needed.
    fn tidy(&self) {
        let Stock { kept, surplus } = &mut *self.stock.borrow_mut();
        let given_up = surplus.give_up(kept.len()).min(kept.len().saturating_sub(self.idle));
        // Those that lie at the bottom have lain there all the while.
        drop(kept.drain(..given_up));
    }

    fn put_back(&self, buffer: Buffer) {
        self.lent.set(self.lent.get() - 1);
        let kept = &mut self.stock.borrow_mut().kept;
        if kept.len() < self.most && buffer.room() <= self.size {
            kept.push(buffer);
        }
    }
}

/// Memory for what the kernel has to say, kept warm between receives.
#[derive(Clone)]
pub struct BufferPool {
    shelves: [Rc<Shelf>; SIZES.len()],
    scraps: Rc<Shelf>,
    /// Since the shelves were tidied last.
    takes: Rc<Cell<u16>>,
}

impl Default for BufferPool {
    fn default() -> Self {
        let shelves = SIZES.map(|size| {
            let most = if size < LARGE { IDLE_BYTES_PER_SIZE } else { BUSY_BYTES_PER_SIZE };
            Shelf::new(size, IDLE_BYTES_PER_SIZE / size, most / size)
        });
        Self { shelves, scraps: Shelf::new(SCRAP, SCRAPS, SCRAPS), takes: Rc::default() }
    }
}

impl BufferPool {
    /// An empty pool; it grows by what is in use at once.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets `fill` write up to `at_most` bytes and keeps the number that it reports.
    ///
    /// # Errors
    /// Whatever `fill` fails with; the memory goes back to the pool.
    pub fn fill<E>(
        &self,
        at_most: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<Buffer, E> {
        let mut buffer = self.take(at_most);
        buffer.fill(|room| Ok(fill(&mut room[..at_most])?.min(at_most)))?;
        Ok(buffer)
    }

    /// How many buffers for `at_most` bytes are kept while nobody uses them.
    pub(crate) fn keeps(&self, at_most: usize) -> usize {
        let shelf = self.shelves.iter().find(|shelf| shelf.size >= at_most);
        shelf.map_or(0, |shelf| shelf.idle)
    }

    /// A buffer of length 0 with room for `at_most` initialised bytes.
    pub(crate) fn take(&self, at_most: usize) -> Buffer {
        let Some(shelf) = self.shelves.iter().find(|shelf| shelf.size >= at_most) else {
            // Larger than any shelf: the caller asked for one big read and pays for it.
            return Buffer::with_room(at_most);
        };
        self.takes.set(self.takes.get() + 1);
        if self.takes.get() == Surplus::WINDOW {
            self.takes.set(0);
            self.shelves.iter().for_each(|shelf| shelf.tidy());
        }
        let mut memory = shelf
            .take()
            .unwrap_or_else(|| Box::new(Memory { bytes: vec![0; shelf.size], len: 0, home: None }));
        memory.len = 0;
        memory.home = Some(Rc::clone(shelf));
        Buffer(Some(memory))
    }

    /// A copy that goes elsewhere: no longer this pool's.
    #[inline]
    pub fn copied(&self, data: &[u8]) -> Buffer {
        let scrap = self.scraps.stock.borrow_mut().kept.pop();
        let Some(mut memory) = scrap.and_then(|mut scrap| scrap.0.take()) else {
            return data.into();
        };
        memory.bytes.clear();
        memory.bytes.extend_from_slice(data);
        memory.len = data.len();
        Buffer(Some(memory))
    }

    /// Takes in a buffer that came from elsewhere with its data: counted while it is out, and if it
    /// is small, kept for [copies](Self::copied).
    #[inline]
    pub fn adopt(&self, mut buffer: Buffer) -> Buffer {
        if let Some(memory) = &mut buffer.0 {
            self.scraps.lent.set(self.scraps.lent.get() + 1);
            let before = memory.home.replace(Rc::clone(&self.scraps));
            debug_assert!(before.is_none(), "what came from elsewhere is nobody's");
        }
        buffer
    }

    /// How many buffers are out.
    pub fn lent(&self) -> usize {
        self.shelves.iter().chain([&self.scraps]).map(|shelf| shelf.lent.get()).sum()
    }

    /// How many bytes lie unused.
    pub fn idle_bytes(&self) -> usize {
        let shelves = self.shelves.iter().chain([&self.scraps]);
        shelves.map(|shelf| shelf.stock.borrow().kept.iter().map(Buffer::room).sum::<usize>()).sum()
    }
}

impl fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferPool").field("idle_bytes", &self.idle_bytes()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        BUSY_BYTES_PER_SIZE, Buffer, BufferPool, IDLE_BYTES_PER_SIZE, SCRAP, SCRAPS, SIZES,
    };

    fn filled(pool: &BufferPool, at_most: usize) -> Buffer {
        pool.fill(at_most, |room| Ok::<_, ()>(room.len())).unwrap()
    }

    #[test]
    fn a_dropped_buffer_is_the_next_one() {
        let pool = BufferPool::new();
        let buffer = filled(&pool, 100);
        let address = buffer.as_ptr();
        drop(buffer);
        assert_eq!(pool.idle_bytes(), SIZES[0]);
        assert_eq!(filled(&pool, 4096).as_ptr(), address);
    }

    #[test]
    fn a_failed_fill_returns_the_memory() {
        let pool = BufferPool::new();
        assert_eq!(pool.fill(1, |_| Err("no")).map(|b| b.len()), Err("no"));
        assert_eq!(pool.idle_bytes(), SIZES[0]);
    }

    #[test]
    fn what_is_adopted_is_counted_and_kept_for_copies() {
        let (theirs, ours) = (BufferPool::new(), BufferPool::new());
        let buffer = ours.adopt(theirs.copied(b"from them"));
        let address = buffer.as_ptr();
        assert_eq!((&buffer[..], theirs.lent(), ours.lent()), (&b"from them"[..], 0, 1));
        drop(buffer);
        assert_eq!((ours.lent(), ours.idle_bytes()), (0, 9));
        let copy = ours.copied(b"for them");
        assert_eq!((&copy[..], copy.as_ptr(), ours.lent()), (&b"for them"[..], address, 0));
        drop(ours.adopt(vec![0; SCRAP + 1].into()));
        assert_eq!(ours.idle_bytes(), 0, "only small ones are kept");
        drop((0..100).map(|_| ours.adopt(b"x".into())).collect::<Vec<_>>());
        assert_eq!(ours.idle_bytes(), SCRAPS);
    }

    #[test]
    fn what_was_needed_at_once_is_kept_and_given_up_in_time() {
        let pool = BufferPool::new();
        for size in SIZES {
            let many = 2 * BUSY_BYTES_PER_SIZE / size;
            drop((0..many).map(|_| filled(&pool, size)).collect::<Vec<_>>());
        }
        let busy = 2 * (IDLE_BYTES_PER_SIZE + BUSY_BYTES_PER_SIZE);
        assert!(pool.idle_bytes() > busy * 2 / 3, "{}", pool.idle_bytes());
        assert!(pool.idle_bytes() <= busy);
        // Also if nobody takes of that size again.
        (0..100_000).for_each(|_| drop(filled(&pool, 1)));
        assert_eq!(pool.idle_bytes(), SIZES.len() * IDLE_BYTES_PER_SIZE);
        drop(filled(&pool, 10 << 20));
        assert_eq!(pool.idle_bytes(), SIZES.len() * IDLE_BYTES_PER_SIZE);
    }

    #[test]
    fn a_fill_never_gets_or_reports_more_than_asked() {
        let pool = BufferPool::new();
        let buffer = pool.fill(3, |room| Ok::<_, ()>(room.len() + 100)).unwrap();
        assert_eq!(buffer.len(), 3);
        assert_eq!(buffer.into_vec().len(), 3);
    }
}
