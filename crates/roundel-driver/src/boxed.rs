//! A driver in a box is a driver, so that one chosen by name goes wherever any other does.

use std::{io::IoSlice, time::Duration};

use roundel_selector::{Notifier, Source};
use rustix::fd::BorrowedFd;

use crate::{
    Completion, Driver, DriverError, DriverStatistics, Family, File, Key, Operation,
    OperationError, Socket, SocketError, SocketKind, SourceId, Submitted,
};

impl<D: Driver + ?Sized> Driver for Box<D> {
    fn attach(&mut self, source: Source) -> SourceId {
        (**self).attach(source)
    }

    fn socket(&mut self, family: Family, kind: SocketKind) -> Result<Socket, SocketError> {
        (**self).socket(family, kind)
    }

    fn attach_socket(&mut self, socket: Socket) -> SourceId {
        (**self).attach_socket(socket)
    }

    fn attach_file(&mut self, file: File) -> SourceId {
        (**self).attach_file(file)
    }

    fn detach(&mut self, id: SourceId) -> Option<Source> {
        (**self).detach(id)
    }

    fn submit(&mut self, operation: Operation) -> Submitted {
        (**self).submit(operation)
    }

    fn send_now(
        &mut self,
        source: SourceId,
        data: &[IoSlice<'_>],
    ) -> Result<usize, OperationError> {
        (**self).send_now(source, data)
    }

    fn take(&mut self, key: Key) -> Option<Completion> {
        (**self).take(key)
    }

    fn cancel(&mut self, key: Key) -> bool {
        (**self).cancel(key)
    }

    fn wait(
        &mut self,
        timeout: Option<Duration>,
        completed: &mut Vec<Key>,
    ) -> Result<(), DriverError> {
        (**self).wait(timeout, completed)
    }

    fn notifier(&self) -> Notifier {
        (**self).notifier()
    }

    fn in_flight(&self) -> usize {
        (**self).in_flight()
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        (**self).descriptor()
    }

    fn buggify(&mut self, site: &'static str) -> bool {
        (**self).buggify(site)
    }

    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn statistics(&self) -> DriverStatistics {
        (**self).statistics()
    }
}
