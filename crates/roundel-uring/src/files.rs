//! Operations of files: each is a request of its own, in no queue.

use std::{ffi::CString, io, mem, os::unix::ffi::OsStrExt};

use roundel_driver::{
    Completion, File, Key, Operation, OperationError, Outcome, Source, Submitted,
};
use rustix::{fd::AsFd, io::Errno};

use crate::{
    UringDriver,
    places::{key, place},
    queue::{Slot, Waiting},
    request::{Answer, Got, Request},
    statx::FileStatus,
    table::Place,
    uring_driver::{Tag, aborted},
};

/// What one read gets at most, whatever it asks for.
const LARGEST_READ: usize = 1 << 20;

impl UringDriver {
    pub(crate) fn submit_file(&mut self, mut operation: Operation) -> Submitted {
        let closing = match &operation {
            Operation::Close { source } => self.let_go(*source),
            _ => None,
        };
        let is_there = match operation.source() {
            Some(source) => closing.is_some() || self.sources.get_mut(place(source)).is_some(),
            None => matches!(operation, Operation::Open { .. }),
        };
        let request = match is_there {
            true => self.request(&mut operation, closing.as_ref(), 0),
            false => Err(aborted()),
        };
        match request {
            Ok(request) => {
                let slot = self.admit(operation);
                self.start_file(slot, request);
                Submitted::Pending(key(slot))
            }
            Err(cause) => Submitted::Done(failed(&mut operation, 0, cause)),
        }
    }

    /// What is closed is no longer there and has a descriptor of its own in the request.
    fn start_file(&mut self, slot: Place, request: Request) {
        let Some(Slot::Waiting(waiting)) = self.slots.get_mut(slot) else { return };
        let source = waiting.operation.source();
        let endpoint = source.and_then(|source| self.sources.get_mut(place(source)));
        let descriptor = endpoint.map(|endpoint| &endpoint.descriptor);
        let request = self.ring.start(descriptor, request, Tag::File(key(slot)));
        if let Some(Slot::Waiting(waiting)) = self.slots.get_mut(slot) {
            waiting.place = request;
        }
    }

    /// The request that takes an operation further, whose first `from` bytes are written.
    fn request(
        &self,
        operation: &mut Operation,
        closing: Option<&Source>,
        from: usize,
    ) -> io::Result<Request> {
        Ok(match operation {
            Operation::Open { path, options } => {
                let path = CString::new(path.as_os_str().as_bytes())?;
                Request::Open { path, flags: options.flags()?, mode: options.mode }
            }
            Operation::ReadAt { offset, at_most, .. } => {
                let all = |room: &mut [u8]| Ok::<_, io::Error>(room.len());
                let buffer = self.ring.pool().fill((*at_most).min(LARGEST_READ), all)?;
                Request::ReadAt { buffer, offset: *offset }
            }
            Operation::WriteAt { offset, data, .. } => {
                Request::WriteAt { data: mem::take(data), from, offset: *offset }
            }
            Operation::Sync { data_only, .. } => Request::Sync { data_only: *data_only },
            Operation::Metadata { .. } => Request::Status { status: Box::default() },
            Operation::Close { .. } => {
                // The kernel closes what is its own: a second descriptor of the same file, which
                // outlives the source and takes with it whatever takes time.
                let descriptor = closing.map(|it| it.as_fd().try_clone_to_owned()).transpose()?;
                Request::Close { descriptor }
            }
            _ => return Err(Errno::OPNOTSUPP.into()),
        })
    }

    pub(crate) fn hear_file(&mut self, key: Key, answer: &mut Answer<Tag>) {
        let slot = Place { index: key.index() as u32, generation: key.generation() };
        // Given up: a file that was opened closes with the answer.
        let Some(Slot::Waiting(waiting)) = self.slots.get_mut(slot) else { return };
        waiting.place = Place::NOWHERE;
        match judge(waiting, answer) {
            Some(completion) => self.finish(slot, completion),
            None => self.go_on_writing(slot),
        }
    }

    fn go_on_writing(&mut self, slot: Place) {
        let Some(Slot::Waiting(waiting)) = self.slots.get_mut(slot) else { return };
        let source = waiting.operation.source();
        if source.and_then(|source| self.sources.get_mut(place(source))).is_none() {
            return self.fail(slot, aborted());
        }
        let from = waiting.progress;
        if let Operation::WriteAt { data, offset, .. } = &mut waiting.operation {
            let request = Request::WriteAt { data: mem::take(data), from, offset: *offset };
            self.start_file(slot, request);
        }
    }
}

/// What an answer means; none if there is more to write.
fn judge(waiting: &mut Waiting, answer: &mut Answer<Tag>) -> Option<Completion> {
    let operation = &mut waiting.operation;
    let mut read = None;
    let mut status = None::<Box<FileStatus>>;
    match answer.ended.take() {
        Some(Request::WriteAt { data: bytes, .. }) => {
            if let Operation::WriteAt { data, .. } = operation {
                *data = bytes;
            }
        }
        Some(Request::ReadAt { buffer, .. }) => read = Some(buffer),
        Some(Request::Status { status: filled }) => status = Some(filled),
        _ => {}
    }
    let got = match answer.take() {
        Ok(got) => got,
        Err(Errno::INTR | Errno::AGAIN) if matches!(operation, Operation::WriteAt { .. }) => {
            return None;
        }
        Err(cause) => return Some(failed(operation, waiting.progress, cause)),
    };
    Some(Ok(match (operation, got) {
        (_, Got::Descriptor(file)) => Outcome::Opened(File::new(file)),
        (Operation::WriteAt { data, .. }, Got::Count(written)) => {
            waiting.progress += written;
            match (waiting.progress >= data.len(), written) {
                (true, _) => Outcome::Sent(mem::take(data)),
                (false, 0) => {
                    return Some(failed(&mut waiting.operation, waiting.progress, Errno::IO));
                }
                (false, _) => return None,
            }
        }
        (Operation::ReadAt { .. }, Got::Count(length)) => {
            let mut buffer = read.unwrap_or_default();
            buffer.truncate(length);
            Outcome::Received(buffer)
        }
        (Operation::Metadata { .. }, _) => {
            Outcome::Metadata(Box::new(status.unwrap_or_default().metadata()))
        }
        (Operation::Close { .. }, _) => Outcome::Closed,
        _ => Outcome::Synced,
    }))
}

fn failed(operation: &mut Operation, written: usize, cause: impl Into<io::Error>) -> Completion {
    Err(OperationError::new(operation, written, cause))
}
