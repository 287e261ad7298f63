//! `File`: an open file, and what can be asked when opening it and of it.

use std::{any::Any, fmt, io, os::fd::OwnedFd, rc::Rc, sync::Arc, time::SystemTime};

use roundel_selector::Source;
use rustix::fs::OFlags;

/// A file of a driver that has files of its own; all that is done with it is an operation.
pub trait ForeignFile: Any + fmt::Debug {}

/// An open file, shared by its clones and closed by the last one's drop.
///
/// [`Operation::Open`](crate::Operation::Open) brings it, and
/// [`Driver::attach_file`](crate::Driver::attach_file) takes it in for operations. It has no
/// position: each read and write says where.
#[derive(Clone)]
pub struct File(Inner);

#[derive(Clone)]
enum Inner {
    Kernel(Arc<OwnedFd>),
    Foreign(Rc<dyn ForeignFile>),
}

impl File {
    /// A file of the kernel's, opened elsewhere, as a `std::fs::File`.
    pub fn new(file: impl Into<OwnedFd>) -> Self {
        Self(Inner::Kernel(Arc::new(file.into())))
    }

    /// For drivers with files of their own: one of them. Its last clone drops `file`, which
    /// closes it.
    pub fn foreign(file: Rc<dyn ForeignFile>) -> Self {
        Self(Inner::Foreign(file))
    }

    /// The kernel's descriptor, which then stays open as long as the source does; none for a file
    /// that only its driver knows.
    pub fn source(&self) -> Option<Source> {
        match &self.0 {
            Inner::Kernel(descriptor) => Some(Source::shared(Arc::clone(descriptor))),
            Inner::Foreign(_) => None,
        }
    }

    /// For drivers: what was given to [`foreign`](Self::foreign), if it was a `T`.
    pub fn downcast<T: ForeignFile>(&self) -> Option<Rc<T>> {
        match &self.0 {
            Inner::Kernel(_) => None,
            Inner::Foreign(file) => (Rc::clone(file) as Rc<dyn Any>).downcast().ok(),
        }
    }

    /// The descriptor, for other libraries and other threads.
    ///
    /// # Errors
    /// Gives the file back: it is shared, attached, or has no descriptor.
    pub fn try_into_fd(self) -> Result<OwnedFd, Self> {
        match self.0 {
            Inner::Kernel(descriptor) => {
                Arc::try_unwrap(descriptor).map_err(|shared| Self(Inner::Kernel(shared)))
            }
            foreign => Err(Self(foreign)),
        }
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner: &dyn fmt::Debug = match &self.0 {
            Inner::Kernel(descriptor) => descriptor,
            Inner::Foreign(file) => file,
        };
        f.debug_tuple("File").field(inner).finish()
    }
}

/// How a file is opened; by default for reading. Source: open(2).
///
/// ```
/// use roundel_driver::OpenOptions;
///
/// let log = OpenOptions { append: true, create: true, ..OpenOptions::NONE };
/// assert!(log.flags().is_ok());
/// assert!(OpenOptions { create: true, ..OpenOptions::default() }.flags().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOptions {
    /// It can be read.
    pub read: bool,
    /// It can be written.
    pub write: bool,
    /// Every write goes to its end, whatever offset it names.
    pub append: bool,
    /// It begins empty; needs `write`.
    pub truncate: bool,
    /// It is made if it is not there; needs `write` or `append`.
    pub create: bool,
    /// It is made, and must not have been there; needs `write` or `append`.
    pub create_new: bool,
    /// The permissions of a file that is made, before the process's umask.
    pub mode: u32,
}

impl OpenOptions {
    /// None of the switches, to begin from.
    pub const NONE: Self = Self {
        read: false,
        write: false,
        append: false,
        truncate: false,
        create: false,
        create_new: false,
        mode: 0o666,
    };

    /// For drivers: the flags of open(2), closed on exec.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput): neither reading nor writing, or made or
    /// emptied without being written.
    pub fn flags(&self) -> io::Result<u32> {
        let mut flags = match (self.read, self.write || self.append) {
            (true, false) => OFlags::RDONLY,
            (false, true) => OFlags::WRONLY,
            (true, true) => OFlags::RDWR,
            (false, false) => return Err(unusable("a file is opened to be read or written")),
        };
        if (self.create || self.create_new) && !(self.write || self.append) {
            return Err(unusable("a file that is made has to be written"));
        }
        if self.truncate && (!self.write || self.append) {
            return Err(unusable("a file that is emptied has to be written, and not at its end"));
        }
        flags.set(OFlags::APPEND, self.append);
        flags.set(OFlags::TRUNC, self.truncate);
        flags.set(OFlags::CREATE, self.create || self.create_new);
        flags.set(OFlags::EXCL, self.create_new);
        Ok((flags | OFlags::CLOEXEC).bits())
    }
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { read: true, ..Self::NONE }
    }
}

fn unusable(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// Bytes at offsets.
    Regular,
    /// Names of files.
    Directory,
    /// Pipes, sockets, terminals, devices.
    Other,
}

/// What is known of a file. Source: statx(2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// What it is.
    pub kind: FileKind,
    /// Its length in bytes.
    pub size: u64,
    /// Its permission bits, as in `0o644`.
    pub mode: u32,
    /// The user it belongs to.
    pub user: u32,
    /// The group it belongs to.
    pub group: u32,
    /// How many names it has.
    pub links: u64,
    /// When its content last changed.
    pub modified: SystemTime,
    /// When it was last read, as far as the system keeps count.
    pub accessed: SystemTime,
    /// When it was made, if the system keeps that.
    pub created: Option<SystemTime>,
}

impl Metadata {
    /// For drivers: of a file without names or owners, never touched; the rest is set after.
    pub fn new(kind: FileKind, size: u64) -> Self {
        let never = SystemTime::UNIX_EPOCH;
        let (mode, user, group, links) = (0o644, 0, 0, 1);
        let (modified, accessed, created) = (never, never, None);
        Self { kind, size, mode, user, group, links, modified, accessed, created }
    }
}
