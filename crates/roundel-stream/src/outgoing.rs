//! `Outgoing`: what was written and is not sent, in order. Pure; it never sees a carrier.
//!
//! ```text
//! under way [ … ]             in the driver's slot; only counted here
//! queue     [ … ][ … ][ … ]   whole buffers, as they were written
//! tail      [ …… ]            small writes, put together
//! ```

use std::{
    collections::VecDeque,
    io, mem,
    task::{Poll, Waker},
};

use roundel_driver::Buffer;
use roundel_loop::OperationHandle;

use crate::{error::Failure, flow::Flow};

/// How the writer is to end, behind what is unsent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    #[default]
    Open,
    /// No more is sent; receiving goes on.
    Ending,
    /// The carrier closes.
    Closing,
}

/// What a writer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// Little enough is unsent.
    Drained,
    /// Nothing is unsent.
    Flushed,
    /// The end is sent too.
    Ended,
    /// The carrier is closed.
    Closed,
}

/// What goes in one operation.
#[derive(Debug)]
pub(crate) enum Batch {
    One(Buffer),
    Several(Vec<Buffer>),
}

impl Batch {
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::One(data) => data.len(),
            Self::Several(data) => data.iter().map(|part| part.len()).sum(),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    under_way: Option<(usize, OperationHandle)>,
    queue: VecDeque<Buffer>,
    tail: Vec<u8>,
    /// Bytes of all three.
    unsent: usize,
    pub(crate) flow: Flow,
    pub(crate) stage: Stage,
    /// The stage has been carried out.
    pub(crate) ended: bool,
    failure: Option<Failure>,
    pub(crate) waiter: Option<Waker>,
}

impl Outgoing {
    /// # Errors
    /// The writer failed, or was ended.
    pub(crate) fn check(&mut self) -> io::Result<()> {
        if let Some(failure) = &mut self.failure {
            return Err(failure.tell());
        }
        match self.stage {
            Stage::Open => Ok(()),
            _ => Err(io::Error::new(io::ErrorKind::BrokenPipe, "writing after the writer's end")),
        }
    }

    /// A send is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.under_way.is_some()
    }

    /// Nothing waits for its send.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.tail.is_empty()
    }

    pub(crate) fn unsent(&self) -> usize {
        self.unsent
    }

    pub(crate) fn push(&mut self, data: Buffer) {
        self.close_tail();
        self.change(data.len(), 0);
        self.queue.push_back(data);
    }

    pub(crate) fn push_copy(&mut self, data: &[u8]) {
        self.tail.extend_from_slice(data);
        self.change(data.len(), 0);
    }

    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            self.queue.push_back(mem::take(&mut self.tail).into());
        }
    }

    /// The next to be sent: everything, if the carrier takes `several` buffers at once.
    pub(crate) fn next_batch(&mut self, several: bool) -> Option<Batch> {
        self.close_tail();
        if several && self.queue.len() > 1 {
            return Some(Batch::Several(mem::take(&mut self.queue).into()));
        }
        let data = self.queue.pop_front()?;
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
        Some(Batch::One(data))
    }

    /// A send of a batch begins, which is not yet counted if it was never queued.
    pub(crate) fn begin(&mut self, len: usize, queued: bool, handle: OperationHandle) {
        self.under_way = Some((len, handle));
        self.change(if queued { 0 } else { len }, 0);
    }

    /// The send under way has ended.
    pub(crate) fn done(&mut self) {
        if let Some((len, _)) = self.under_way.take() {
            self.sent(len);
        }
    }

    /// What was queued has been sent.
    pub(crate) fn sent(&mut self, len: usize) {
        self.change(0, len);
    }

    fn change(&mut self, more: usize, less: usize) {
        // Less than nothing is left behind a failure, which has counted everything off.
        self.unsent = (self.unsent + more).saturating_sub(less);
        self.flow.note(self.unsent);
    }

    /// Nothing more can be sent. What was to be is returned, to be dropped without a borrow.
    #[must_use]
    pub(crate) fn fail(&mut self, failure: Failure) -> Vec<Buffer> {
        self.failure.get_or_insert(failure);
        self.drop_queue()
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// What sending failed with.
    pub(crate) fn failure(&mut self) -> Option<io::Error> {
        self.failure.as_mut().map(Failure::tell)
    }

    /// Gives everything up, the send under way too.
    #[must_use]
    pub(crate) fn abandon(&mut self) -> (Option<OperationHandle>, Vec<Buffer>) {
        self.stage = Stage::Closing;
        (self.under_way.take().map(|(_, handle)| handle), self.drop_queue())
    }

    fn drop_queue(&mut self) -> Vec<Buffer> {
        self.close_tail();
        self.change(0, self.unsent);
        mem::take(&mut self.queue).into()
    }

    pub(crate) fn poll(&mut self, until: Until) -> Poll<io::Result<()>> {
        let reached = match until {
            Until::Drained => !self.flow.is_paused(),
            Until::Flushed => self.unsent == 0,
            Until::Ended | Until::Closed => self.ended,
        };
        // A close is waited for, failed or not.
        match &mut self.failure {
            Some(failure) if reached || until != Until::Closed => Poll::Ready(Err(failure.tell())),
            _ if reached => Poll::Ready(Ok(())),
            _ => Poll::Pending,
        }
    }
}
