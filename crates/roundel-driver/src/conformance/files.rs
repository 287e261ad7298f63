//! Files, as operations: nothing here knows whether a thread or the kernel carries them out.

use std::{
    io::ErrorKind,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use super::{
    Check,
    subject::{Begun, Subject, data},
};
use crate::{
    Completion, File, FileKind, Metadata, OpenOptions, Operation, Outcome, SourceId, Submitted,
};

pub(super) const CHECKS: &[Check] = &[
    ("what is written is read back", what_is_written_is_read_back),
    ("a read at the end is short, then empty", a_read_at_the_end_is_short),
    ("a file that is not there is an error", a_file_that_is_not_there),
    ("a new file must not have been there", a_new_file_must_not_have_been_there),
    ("contradictory options are refused", contradictory_options_are_refused),
    ("a file can be emptied or added to", emptied_or_added_to),
    ("metadata tells size and kind", metadata_tells_size_and_kind),
    ("a failed write returns its bytes", a_failed_write_returns_its_bytes),
    ("many operations are under way at once", many_at_once),
    ("a cancelled operation leaves nothing", a_cancelled_operation_leaves_nothing),
    ("a closed file is refused", a_closed_file_is_refused),
];

const WRITTEN: OpenOptions =
    OpenOptions { read: true, write: true, create: true, ..OpenOptions::NONE };

/// A name that nobody has, and no file of this name once it is dropped.
struct Name(PathBuf);

impl Name {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("roundel-file-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // A simulated file is none of the system's.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[track_caller]
fn opened(completion: Completion) -> File {
    match completion {
        Ok(Outcome::Opened(file)) => file,
        other => panic!("not opened: {other:?}"),
    }
}

impl Subject<'_> {
    fn open(&mut self, name: &Name, options: OpenOptions) -> Completion {
        self.complete(Operation::Open { path: name.0.clone(), options })
    }

    #[track_caller]
    fn file(&mut self, name: &Name, options: OpenOptions) -> SourceId {
        let file = opened(self.open(name, options));
        self.attach_file(file)
    }

    #[track_caller]
    fn write(&mut self, source: SourceId, offset: u64, data: &[u8]) {
        let completion = self.complete(Operation::WriteAt { source, offset, data: data.into() });
        let Ok(Outcome::Sent(back)) = completion else { panic!("not written: {completion:?}") };
        assert_eq!(&back[..], data, "the buffer comes back");
    }

    #[track_caller]
    fn read(&mut self, source: SourceId, offset: u64, at_most: usize) -> Vec<u8> {
        data(self.complete(Operation::ReadAt { source, offset, at_most }))
    }

    #[track_caller]
    fn metadata(&mut self, source: SourceId) -> Metadata {
        match self.complete(Operation::Metadata { source }) {
            Ok(Outcome::Metadata(metadata)) => *metadata,
            other => panic!("nothing known: {other:?}"),
        }
    }
}

fn what_is_written_is_read_back(on: &mut Subject<'_>) {
    let name = Name::new();
    let file = on.file(&name, WRITTEN);
    on.write(file, 0, b"hello world");
    on.write(file, 6, b"there");
    for data_only in [true, false] {
        let synced = on.complete(Operation::Sync { source: file, data_only });
        assert!(matches!(synced, Ok(Outcome::Synced)), "{synced:?}");
    }
    let again = on.file(&name, OpenOptions::default());
    assert_eq!(on.read(again, 0, 100), b"hello there");
    assert_eq!(on.read(again, 6, 3), b"the");
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    on.write(file, 0, &large);
    let mut back = Vec::new();
    while back.len() < large.len() {
        let more = on.read(again, back.len() as u64, large.len() - back.len());
        assert!(!more.is_empty(), "ended at {}", back.len());
        back.extend(more);
    }
    assert!(back == large);
}

fn a_read_at_the_end_is_short(on: &mut Subject<'_>) {
    let name = Name::new();
    let file = on.file(&name, WRITTEN);
    on.write(file, 0, b"0123456789");
    assert_eq!(on.read(file, 8, 100), b"89");
    assert_eq!(on.read(file, 10, 100), b"");
    assert_eq!(on.read(file, 1000, 100), b"");
    assert_eq!(on.read(file, 0, 0), b"");
    on.write(file, 12, b"x");
    assert_eq!(on.read(file, 9, 100), b"9\0\0x", "a hole reads as zeros");
}

fn a_file_that_is_not_there(on: &mut Subject<'_>) {
    let error = on.open(&Name::new(), OpenOptions::default()).expect_err("nobody made it");
    assert_eq!((error.kind(), error.action()), (ErrorKind::NotFound, "opening a file"));
}

fn a_new_file_must_not_have_been_there(on: &mut Subject<'_>) {
    let name = Name::new();
    let new = OpenOptions { write: true, create_new: true, ..OpenOptions::NONE };
    on.file(&name, new);
    let error = on.open(&name, new).expect_err("it is there now");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
}

fn contradictory_options_are_refused(on: &mut Subject<'_>) {
    let name = Name::new();
    let rows = [
        OpenOptions::NONE,
        OpenOptions { read: true, create: true, ..OpenOptions::NONE },
        OpenOptions { read: true, truncate: true, ..OpenOptions::NONE },
    ];
    for options in rows {
        let error = on.open(&name, options).expect_err("it makes no sense");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{options:?}");
    }
}

fn emptied_or_added_to(on: &mut Subject<'_>) {
    let name = Name::new();
    let file = on.file(&name, WRITTEN);
    on.write(file, 0, b"old");
    let log = on.file(&name, OpenOptions { append: true, ..OpenOptions::NONE });
    on.write(log, 0, b" and new");
    assert_eq!(on.read(file, 0, 100), b"old and new");
    on.file(&name, OpenOptions { write: true, truncate: true, ..OpenOptions::NONE });
    assert_eq!(on.read(file, 0, 100), b"");
}

fn metadata_tells_size_and_kind(on: &mut Subject<'_>) {
    let name = Name::new();
    let file = on.file(&name, OpenOptions { mode: 0o600, ..WRITTEN });
    on.write(file, 0, &[7; 12_345]);
    let metadata = on.metadata(file);
    assert_eq!((metadata.kind, metadata.size), (FileKind::Regular, 12_345));
    assert_eq!(metadata.mode, 0o600);
    let before = metadata.modified;
    on.write(file, 12_345, b"!");
    let metadata = on.metadata(file);
    assert_eq!(metadata.size, 12_346);
    assert!(metadata.modified >= before);
}

fn a_failed_write_returns_its_bytes(on: &mut Subject<'_>) {
    let name = Name::new();
    on.file(&name, WRITTEN);
    let file = on.file(&name, OpenOptions::default());
    let write = Operation::WriteAt { source: file, offset: 0, data: b"unwritten".into() };
    let error = on.complete(write).expect_err("it was opened to be read");
    assert_eq!((error.action(), error.transferred()), ("writing a file", 0));
    assert_eq!(error.into_data().as_deref(), Some(&b"unwritten"[..]));
}

fn many_at_once(on: &mut Subject<'_>) {
    let name = Name::new();
    let file = on.file(&name, WRITTEN);
    let writes: Vec<Begun> = (0..32_u8)
        .map(|n| {
            let (offset, data) = (u64::from(n) * 1000, vec![n; 1000].into());
            on.begin(Operation::WriteAt { source: file, offset, data })
        })
        .collect();
    for begun in writes {
        assert!(on.end(begun).is_ok());
    }
    let reads: Vec<Begun> = (0..32)
        .map(|n| on.begin(Operation::ReadAt { source: file, offset: n * 1000, at_most: 1000 }))
        .collect();
    // In another order than they were asked for.
    for (n, begun) in reads.into_iter().enumerate().rev() {
        assert_eq!(data(on.end(begun)), [n as u8; 1000]);
    }
    assert_eq!(on.in_flight(), 0);
}

fn a_cancelled_operation_leaves_nothing(on: &mut Subject<'_>) {
    let name = Name::new();
    let file = on.file(&name, WRITTEN);
    on.write(file, 0, b"data");
    let open = || Operation::Open { path: name.0.clone(), options: OpenOptions::default() };
    let read = || Operation::ReadAt { source: file, offset: 0, at_most: 10 };
    // Given up while under way, if it is, and given up when it is done.
    for early in [true, false] {
        for operation in [open(), read()] {
            if let Begun::UnderWay(key) = on.begin(operation) {
                if !early {
                    on.until_reported(&[key]);
                }
                assert!(on.cancel(key));
                assert!(on.take(key).is_none() && !on.cancel(key));
            }
        }
    }
    assert_eq!((on.in_flight(), on.statistics().operations), (0, 0));
    assert_eq!(on.read(file, 0, 100), b"data");
}

fn a_closed_file_is_refused(on: &mut Subject<'_>) {
    let name = Name::new();
    let file = on.file(&name, WRITTEN);
    let sources = on.statistics().sources;
    let closed = on.complete(Operation::Close { source: file });
    assert!(matches!(closed, Ok(Outcome::Closed)), "{closed:?}");
    assert_eq!(on.statistics().sources, sources - 1);
    for operation in [
        Operation::ReadAt { source: file, offset: 0, at_most: 1 },
        Operation::Metadata { source: file },
        Operation::Close { source: file },
    ] {
        let Submitted::Done(Err(error)) = on.submit(operation) else {
            panic!("a closed file takes no operations")
        };
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    }
}
