//! `Attached`: what a driver knows of one source.

use std::{collections::VecDeque, rc::Rc};

use roundel_driver::{Completion, Operation, Outcome, Socket, Source, Unclaimed};

use super::Queue;
use crate::{disk::DiskFile, network::SockId};

#[derive(Debug)]
pub(super) struct Attached {
    pub(super) kind: Kind,
    readers: VecDeque<u32>,
    writers: VecDeque<u32>,
    watchers: VecDeque<u32>,
    /// What cancelled operations had already received, for those that come next.
    unclaimed: Option<Box<Unclaimed>>,
    /// How much has come for those who waited: the place of what comes next.
    come: u64,
}

#[derive(Debug)]
pub(super) enum Kind {
    Socket {
        id: SockId,
        is_stream: bool,
        /// Keeps the socket open.
        _held: Socket,
    },
    File {
        file: Rc<DiskFile>,
    },
    /// The real kernel's.
    Foreign(Source),
}

impl Attached {
    pub(super) fn new(kind: Kind) -> Self {
        let (readers, writers, watchers) = Default::default();
        Self { kind, readers, writers, watchers, unclaimed: None, come: 0 }
    }

    pub(super) fn queue(&mut self, queue: Queue) -> &mut VecDeque<u32> {
        match queue {
            Queue::Read => &mut self.readers,
            Queue::Write => &mut self.writers,
            Queue::Watch => &mut self.watchers,
        }
    }

    /// Whether something is kept for whoever comes next.
    pub(super) fn has_unclaimed(&self) -> bool {
        self.unclaimed.is_some()
    }

    /// Gives what has come its place in all that has, for the case that it is kept.
    pub(super) fn arrived(&mut self, completion: &Completion) -> u64 {
        let from = self.come;
        self.come += Unclaimed::places(completion);
        from
    }

    /// Keeps what a cancelled operation had received, where it stood in the order.
    pub(super) fn keep(&mut self, from: u64, completion: Completion) {
        let is_stream = matches!(self.kind, Kind::Socket { is_stream: true, .. });
        let unclaimed = self.unclaimed.get_or_insert_with(|| Box::new(Unclaimed::new(is_stream)));
        unclaimed.keep(from, completion);
    }

    /// What an operation gets of what a cancelled one had received; mostly there is nothing.
    #[inline]
    pub(super) fn claim(&mut self, operation: &mut Operation) -> Option<(u64, Outcome)> {
        let unclaimed = self.unclaimed.as_mut()?;
        let claimed = unclaimed.claim(operation);
        if unclaimed.is_empty() {
            self.unclaimed = None;
        }
        claimed
    }
}
