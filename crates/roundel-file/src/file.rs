//! `File`: an open file on the current loop.

use std::path::Path;

use roundel_loop::{
    Attached, Buffer, File as Handle, LoopHandle, Metadata, OpenOptions, OperationError, Outcome,
};

/// What one read asks for when all is wanted.
const PIECE: usize = 1 << 20;

/// An open file. It has no position: each read and write says where.
///
/// ```
/// use roundel_file::{File, OpenOptions};
/// # let mut event_loop = roundel_loop::EventLoop::new()?;
/// # event_loop.handle().set_default_executor(|job| drop(std::thread::spawn(job)));
/// # let path = std::env::temp_dir().join(format!("roundel-file-log-{}", std::process::id()));
/// # event_loop.run_until_complete(async {
/// let log = OpenOptions { append: true, create: true, ..OpenOptions::NONE };
/// let log = File::open_with(&path, log).await?;
/// log.write_at(0, b"it began\n").await?;
/// log.write_at(0, b"it ended\n").await?; // at the end all the same
/// assert_eq!(log.metadata().await?.size, 18);
/// # std::fs::remove_file(&path).expect("it is there");
/// # Ok::<(), roundel_file::OperationError>(())
/// # })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct File(Attached<Handle>);

impl File {
    /// The file as its loop knows it, for whatever takes one: a stream's `send_file`.
    pub fn attached(&self) -> &Attached<Handle> {
        &self.0
    }

    /// Opens a file for reading.
    ///
    /// # Cancel safety
    /// A file that opens when nobody waits any more is closed.
    ///
    /// # Errors
    /// As the system's: it is not there, or not for us; there are too many open files.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, OperationError> {
        Self::open_with(path, OpenOptions::default()).await
    }

    /// Makes a file, or empties the one that is there, for reading and writing.
    ///
    /// # Cancel safety
    /// As [`open`](Self::open). The file may have been made or emptied.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    ///
    /// # Panics
    /// If no loop runs in this thread.
    pub async fn create(path: impl AsRef<Path>) -> Result<Self, OperationError> {
        let options = OpenOptions {
            read: true,
            write: true,
            create: true,
            truncate: true,
            ..OpenOptions::NONE
        };
        Self::open_with(path, options).await
    }

    /// Opens a file as the options say.
    ///
    /// # Cancel safety
    /// As [`create`](Self::create).
    ///
    /// # Errors
    /// As [`open`](Self::open); [`InvalidInput`](std::io::ErrorKind::InvalidInput) if the options
    /// contradict each other.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    pub async fn open_with(
        path: impl AsRef<Path>,
        options: OpenOptions,
    ) -> Result<Self, OperationError> {
        let handle = LoopHandle::current();
        match handle.open(path, options).await? {
            Outcome::Opened(file) => Ok(Self(handle.attach(file))),
            other => unreachable!("an open is answered by a file, not by {other:?}"),
        }
    }

    /// Takes in a file that was opened elsewhere, as a `std::fs::File`.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    #[track_caller]
    pub fn from_std(file: std::fs::File) -> Self {
        Self(LoopHandle::current().attach(Handle::new(file)))
    }

    /// Reads up to `at_most` bytes at `offset`, and no more than 1 MiB at once; an empty buffer is
    /// the end. Source: pread(2).
    ///
    /// # Cancel safety
    /// What was read is dropped, and can be read again.
    ///
    /// # Errors
    /// As the system's.
    pub async fn read_at(&self, offset: u64, at_most: usize) -> Result<Buffer, OperationError> {
        match self.0.read_at(offset, at_most).await? {
            Outcome::Received(data) => Ok(data),
            other => unreachable!("a read is answered by data, not by {other:?}"),
        }
    }

    /// Reads all of it, from its begin.
    ///
    /// # Cancel safety
    /// As [`read_at`](Self::read_at).
    ///
    /// # Errors
    /// As the system's; what had been read is dropped.
    pub async fn read_to_end(&self) -> Result<Vec<u8>, OperationError> {
        let size = self.metadata().await?.size;
        let mut all = Vec::with_capacity(usize::try_from(size).unwrap_or(0).min(PIECE << 4));
        loop {
            let piece = self.read_at(all.len() as u64, PIECE).await?;
            if piece.is_empty() {
                return Ok(all);
            }
            all.extend_from_slice(&piece);
        }
    }

    /// Writes all of `data` at `offset`; the buffer comes back. Source: pwrite(2).
    ///
    /// # Cancel safety
    /// Some of it, all or nothing may be written.
    ///
    /// # Errors
    /// As the system's. The error [has the bytes](OperationError::into_data), and
    /// [how many](OperationError::transferred) of them were written.
    pub async fn write_at(
        &self,
        offset: u64,
        data: impl Into<Buffer>,
    ) -> Result<Buffer, OperationError> {
        match self.0.write_at(offset, data).await? {
            Outcome::Sent(data) => Ok(data),
            other => unreachable!("a write is answered by its buffer, not by {other:?}"),
        }
    }

    /// Waits until all that was written lies on the disk. Source: fsync(2).
    ///
    /// # Cancel safety
    /// It goes on by itself; nobody hears how it ends.
    ///
    /// # Errors
    /// The disk failed; what was written before may be lost.
    #[doc(alias = "fsync")]
    pub async fn sync(&self) -> Result<(), OperationError> {
        self.0.sync(false).await.map(drop)
    }

    /// As [`sync`](Self::sync), but for what is not needed to read it back, as its times. Source:
    /// fdatasync(2).
    ///
    /// # Cancel safety
    /// As [`sync`](Self::sync).
    ///
    /// # Errors
    /// As [`sync`](Self::sync).
    #[doc(alias = "fdatasync")]
    pub async fn sync_data(&self) -> Result<(), OperationError> {
        self.0.sync(true).await.map(drop)
    }

    /// What is known of the file. Source: statx(2).
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Errors
    /// As the system's.
    #[doc(alias = "stat")]
    pub async fn metadata(&self) -> Result<Metadata, OperationError> {
        match self.0.metadata().await? {
            Outcome::Metadata(metadata) => Ok(*metadata),
            other => unreachable!("a question is answered by metadata, not by {other:?}"),
        }
    }

    /// Closes it where that may take its time. Source: close(2).
    ///
    /// # Cancel safety
    /// It is closed none the less.
    ///
    /// # Errors
    /// There are too many open files to hand it over; it is closed.
    pub async fn close(self) -> Result<(), OperationError> {
        self.0.close().await.map(drop)
    }
}
