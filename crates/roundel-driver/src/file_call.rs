//! `FileCall`: a file's operation as the call that blocks, with all that it owns.

use std::{
    io, mem,
    os::fd::OwnedFd,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use roundel_selector::Source;
use rustix::{
    fd::{AsFd, BorrowedFd},
    fs::{self, FileType, Mode, OFlags},
    io::Errno,
};

use crate::{File, FileKind, Metadata, OpenOptions, Operation, Outcome, attempt::uninterrupted};

/// What one read gets at most, whatever it asks for.
const LARGEST_READ: usize = 1 << 20;

#[derive(Debug)]
pub(crate) enum FileCall {
    Open { path: PathBuf, options: OpenOptions },
    ReadAt { file: Source, offset: u64, at_most: usize },
    WriteAt { file: Source, offset: u64, data: Vec<u8> },
    Sync { file: Source, data_only: bool },
    Metadata { file: Source },
    Close { file: Source },
}

/// What came of a call, in terms that can cross threads.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) done: io::Result<Done>,
    /// A write's bytes, and how many of them were written.
    data: Option<Vec<u8>>,
    pub(crate) written: usize,
}

#[derive(Debug)]
pub(crate) enum Done {
    Opened(OwnedFd),
    Read(Vec<u8>),
    Written,
    Synced,
    Metadata(Box<Metadata>),
    Closed,
}

impl FileCall {
    /// The call that carries out an operation on `file`; its bytes move over. None if it is no
    /// operation of a file's.
    pub(crate) fn new(operation: &mut Operation, file: Option<Source>) -> Option<Self> {
        match operation {
            Operation::Open { path, options } => {
                Some(Self::Open { path: mem::take(path), options: *options })
            }
            Operation::ReadAt { offset, at_most, .. } => {
                Some(Self::ReadAt { file: file?, offset: *offset, at_most: *at_most })
            }
            Operation::WriteAt { offset, data, .. } => Some(Self::WriteAt {
                file: file?,
                offset: *offset,
                data: mem::take(data).into_vec(),
            }),
            Operation::Sync { data_only, .. } => {
                Some(Self::Sync { file: file?, data_only: *data_only })
            }
            Operation::Metadata { .. } => Some(Self::Metadata { file: file? }),
            Operation::Close { .. } => Some(Self::Close { file: file? }),
            _ => None,
        }
    }

    /// Makes the call: blocks.
    pub(crate) fn make(self) -> Answer {
        let done = match self {
            Self::WriteAt { file, offset, data } => return write_at(file.as_fd(), offset, data),
            Self::Open { path, options } => open(&path, options).map(Done::Opened),
            Self::ReadAt { file, offset, at_most } => {
                read_at(file.as_fd(), offset, at_most).map(Done::Read)
            }
            Self::Sync { file, data_only } => sync(file.as_fd(), data_only).map(|()| Done::Synced),
            Self::Metadata { file } => metadata(file.as_fd()).map(|it| Done::Metadata(it.into())),
            Self::Close { file } => {
                drop(file);
                Ok(Done::Closed)
            }
        };
        Answer { done, data: None, written: 0 }
    }

    /// The answer without the call.
    pub(crate) fn refuse(self, why: io::Error) -> Answer {
        let data = match self {
            Self::WriteAt { data, .. } => Some(data),
            _ => None,
        };
        Answer { done: Err(why), data, written: 0 }
    }
}

impl Answer {
    /// Puts a write's bytes back where they came from, and says what came of the operation.
    pub(crate) fn settle(self, operation: &mut Operation) -> io::Result<Outcome> {
        if let (Some(bytes), Operation::WriteAt { data, .. }) = (self.data, &mut *operation) {
            *data = bytes.into();
        }
        Ok(match self.done? {
            Done::Opened(descriptor) => Outcome::Opened(File::new(descriptor)),
            Done::Read(bytes) => Outcome::Received(bytes.into()),
            Done::Written => match operation {
                Operation::WriteAt { data, .. } => Outcome::Sent(mem::take(data)),
                _ => unreachable!("only a write is answered so"),
            },
            Done::Synced => Outcome::Synced,
            Done::Metadata(metadata) => Outcome::Metadata(metadata),
            Done::Closed => Outcome::Closed,
        })
    }
}

fn open(path: &std::path::Path, options: OpenOptions) -> io::Result<OwnedFd> {
    let flags = OFlags::from_bits_retain(options.flags()?);
    let mode = Mode::from_raw_mode(options.mode as fs::RawMode);
    Ok(uninterrupted(|| fs::open(path, flags, mode))?)
}

fn read_at(file: BorrowedFd<'_>, offset: u64, at_most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; at_most.min(LARGEST_READ)];
    let read = uninterrupted(|| rustix::io::pread(file, &mut *bytes, offset))?;
    bytes.truncate(read);
    Ok(bytes)
}

fn write_at(file: BorrowedFd<'_>, offset: u64, data: Vec<u8>) -> Answer {
    let mut written = 0;
    let done = loop {
        let here = offset.saturating_add(written as u64);
        match rustix::io::pwrite(file, &data[written..], here) {
            Ok(0) if written < data.len() => break Err(Errno::IO.into()),
            Ok(more) => written += more,
            Err(Errno::INTR) => continue,
            Err(cause) => break Err(cause.into()),
        }
        if written >= data.len() {
            break Ok(Done::Written);
        }
    };
    Answer { done, data: Some(data), written }
}

#[cfg(not(target_vendor = "apple"))]
fn sync(file: BorrowedFd<'_>, data_only: bool) -> io::Result<()> {
    Ok(uninterrupted(|| if data_only { fs::fdatasync(file) } else { fs::fsync(file) })?)
}

/// Here fsync(2) leaves the bytes in the disk's own memory.
#[cfg(target_vendor = "apple")]
fn sync(file: BorrowedFd<'_>, _: bool) -> io::Result<()> {
    Ok(uninterrupted(|| fs::fcntl_fullfsync(file))?)
}

#[cfg(target_os = "linux")]
fn metadata(file: BorrowedFd<'_>) -> io::Result<Metadata> {
    use fs::{AtFlags, StatxFlags};
    let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
    let stat = uninterrupted(|| fs::statx(file, "", AtFlags::EMPTY_PATH, wanted))?;
    let mut metadata =
        Metadata::new(kind(FileType::from_raw_mode(stat.stx_mode.into())), stat.stx_size);
    metadata.mode = u32::from(stat.stx_mode) & 0o7777;
    (metadata.user, metadata.group) = (stat.stx_uid, stat.stx_gid);
    metadata.links = stat.stx_nlink.into();
    metadata.modified = time(stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec);
    metadata.accessed = time(stat.stx_atime.tv_sec, stat.stx_atime.tv_nsec);
    if StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::BTIME) {
        metadata.created = Some(time(stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec));
    }
    Ok(metadata)
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::useless_conversion, reason = "systems differ in the width of these numbers")]
fn metadata(file: BorrowedFd<'_>) -> io::Result<Metadata> {
    let stat = uninterrupted(|| fs::fstat(file))?;
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    let mut metadata = Metadata::new(kind(FileType::from_raw_mode(stat.st_mode)), size);
    metadata.mode = u32::from(stat.st_mode) & 0o7777;
    (metadata.user, metadata.group) = (stat.st_uid, stat.st_gid);
    metadata.links = stat.st_nlink.into();
    let nanoseconds = |of| u32::try_from(of).unwrap_or(0);
    metadata.modified = time(stat.st_mtime.into(), nanoseconds(stat.st_mtime_nsec));
    metadata.accessed = time(stat.st_atime.into(), nanoseconds(stat.st_atime_nsec));
    Ok(metadata)
}

fn kind(of: FileType) -> FileKind {
    match of {
        FileType::RegularFile => FileKind::Regular,
        FileType::Directory => FileKind::Directory,
        _ => FileKind::Other,
    }
}

/// Seconds may lie before 1970; nanoseconds count forward from them.
fn time(seconds: i64, nanoseconds: u32) -> SystemTime {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let epoch = SystemTime::UNIX_EPOCH;
    let second = if seconds < 0 { epoch.checked_sub(whole) } else { epoch.checked_add(whole) };
    second.unwrap_or(epoch) + Duration::from_nanos(nanoseconds.into())
}
