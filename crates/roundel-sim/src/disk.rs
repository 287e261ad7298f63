//! `Disk`: the files of a simulated host, and what a crash leaves of them.
//!
//! What is written can be read at once, by this life of the host. What is synced is there in the
//! next one; what is not, may be there, in part.

use std::{
    cell::RefCell, collections::BTreeMap, convert::Infallible, fmt, io, path::PathBuf, rc::Rc,
};

use roundel_driver::{
    BufferPool, Completion, File, FileKind, ForeignFile, Metadata, OpenOptions, Operation,
    OperationError, Outcome,
};
use rustix::io::Errno;

use crate::Random;

/// The files of a host. Clones are the same disk.
///
/// There are no directories: a path is a name. [`lose_power`](Self::lose_power) is the crash.
#[derive(Clone, Default)]
pub struct Disk {
    files: Rc<RefCell<BTreeMap<PathBuf, Rc<RefCell<Content>>>>>,
}

/// A file: as it is read, and as a crash would leave it.
#[derive(Debug, Default)]
struct Content {
    mode: u32,
    bytes: Vec<u8>,
    /// What lies on the disk for sure; none if the file itself may be gone.
    synced: Option<Vec<u8>>,
    /// Written since: where, and what.
    unsynced: Vec<(usize, Vec<u8>)>,
}

/// How a disk keeps what it is given: written in these pieces, each whole or not at all.
const SECTOR: usize = 512;

/// No file is larger: it lies in memory, holes and all.
const LARGEST_FILE: usize = 1 << 30;

impl Disk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// What a loss of power leaves: all that was synced, and of what was written since, any sectors
    /// or none, as `random` has it.
    pub fn lose_power(&self, random: &mut Random) {
        self.files.borrow_mut().retain(|_, content| {
            let mut content = content.borrow_mut();
            let is_there = content.synced.is_some() || random.chance(0.5);
            content.lose_power(random);
            is_there
        });
    }

    pub(crate) fn open(&self, mut operation: Operation) -> Completion {
        let Operation::Open { path, options } = &operation else {
            return Err(OperationError::new(&mut operation, 0, Errno::NOTSUP));
        };
        match self.open_file(path.clone(), *options) {
            Ok(file) => Ok(Outcome::Opened(File::foreign(Rc::new(file)))),
            Err(cause) => Err(OperationError::new(&mut operation, 0, cause)),
        }
    }

    fn open_file(&self, path: PathBuf, options: OpenOptions) -> io::Result<DiskFile> {
        options.flags()?;
        let mut files = self.files.borrow_mut();
        let content = match files.get(&path) {
            Some(_) if options.create_new => return Err(Errno::EXIST.into()),
            Some(content) => Rc::clone(content),
            None if options.create || options.create_new => {
                let content = Content { mode: options.mode, ..Content::default() };
                Rc::clone(files.entry(path).or_insert(Rc::new(RefCell::new(content))))
            }
            None => return Err(Errno::NOENT.into()),
        };
        if options.truncate {
            content.borrow_mut().bytes.clear();
        }
        Ok(DiskFile { content, options })
    }
}

impl Content {
    fn write(&mut self, at: usize, data: &[u8]) {
        let end = at + data.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[at..end].copy_from_slice(data);
        self.unsynced.push((at, data.to_vec()));
    }

    fn sync(&mut self) {
        self.synced = Some(self.bytes.clone());
        self.unsynced.clear();
    }

    fn lose_power(&mut self, random: &mut Random) {
        let mut left = self.synced.clone().unwrap_or_default();
        for (at, data) in self.unsynced.drain(..) {
            for (nth, sector) in data.chunks(SECTOR).enumerate() {
                if random.chance(0.5) {
                    let begin = at + nth * SECTOR;
                    let end = begin + sector.len();
                    left.resize(left.len().max(end), 0);
                    left[begin..end].copy_from_slice(sector);
                }
            }
        }
        self.synced = Some(left.clone());
        self.bytes = left;
    }
}

/// An open file of a disk.
pub(crate) struct DiskFile {
    content: Rc<RefCell<Content>>,
    options: OpenOptions,
}

impl ForeignFile for DiskFile {}

impl DiskFile {
    pub(crate) fn perform(&self, mut operation: Operation, pool: &BufferPool) -> Completion {
        match self.answer(&mut operation, pool) {
            Ok(outcome) => Ok(outcome),
            Err(cause) => Err(OperationError::new(&mut operation, 0, cause)),
        }
    }

    fn answer(&self, operation: &mut Operation, pool: &BufferPool) -> Result<Outcome, Errno> {
        /// No read brings more, as on the other drivers.
        const LARGEST: usize = 1 << 20;
        let mut content = self.content.borrow_mut();
        match operation {
            Operation::ReadAt { .. } if !self.options.read => Err(Errno::BADF),
            Operation::ReadAt { offset, at_most, .. } => {
                let begin = usize::try_from(*offset).unwrap_or(usize::MAX);
                let rest = content.bytes.get(begin..).unwrap_or_default();
                let count = rest.len().min(*at_most).min(LARGEST);
                let Ok(data) = pool.fill(count, |room| {
                    room[..count].copy_from_slice(&rest[..count]);
                    Ok::<_, Infallible>(count)
                });
                Ok(Outcome::Received(data))
            }
            Operation::WriteAt { .. } if !(self.options.write || self.options.append) => {
                Err(Errno::BADF)
            }
            Operation::WriteAt { offset, data, .. } => {
                let at = match self.options.append {
                    true => content.bytes.len(),
                    false => usize::try_from(*offset).map_err(|_| Errno::FBIG)?,
                };
                if at.saturating_add(data.len()) > LARGEST_FILE {
                    return Err(Errno::FBIG);
                }
                content.write(at, data);
                Ok(Outcome::Sent(std::mem::take(data)))
            }
            Operation::Sync { .. } => {
                content.sync();
                Ok(Outcome::Synced)
            }
            Operation::Metadata { .. } => {
                let size = content.bytes.len() as u64;
                let mut metadata = Metadata::new(FileKind::Regular, size);
                metadata.mode = content.mode;
                Ok(Outcome::Metadata(Box::new(metadata)))
            }
            // Those of sockets and pipes.
            _ => Err(Errno::NOTSUP),
        }
    }
}

impl fmt::Debug for DiskFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskFile").field("size", &self.content.borrow().bytes.len()).finish()
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("files", &self.files.borrow().len()).finish()
    }
}
