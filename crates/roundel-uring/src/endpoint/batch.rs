//! Several datagrams at once: what has come of them, and the calls that move them.

use std::mem;

use roundel_driver::{BufferPool, Operation, Outcome};
use rustix::{fd::AsFd, io::Errno};

use super::Endpoint;
use crate::arrival::Arrival;

impl Endpoint {
    /// What an operation for several datagrams gets of what has come: a row without gaps.
    pub(super) fn claim_batch(
        &mut self,
        at_most: usize,
        count: usize,
    ) -> Option<(u64, Result<Outcome, Errno>)> {
        let is_one = |(_, arrival): &(u64, Arrival)| {
            matches!(arrival, Arrival::Datagram(_) | Arrival::Failed(_))
        };
        let nth = self.arrivals.iter().position(is_one)?;
        let (from, first) = self.arrivals.remove(nth)?;
        let mut claimed = match first {
            Arrival::Datagram(first) => vec![first.cut_to(at_most)],
            Arrival::Failed(cause) => return Some((from, Err(cause))),
            other => unreachable!("{other:?} is no datagram"),
        };
        while claimed.len() < count
            && let Some((place, Arrival::Datagram(_))) = self.arrivals.get(nth)
            && *place == from + claimed.len() as u64
            && let Some((_, Arrival::Datagram(next))) = self.arrivals.remove(nth)
        {
            claimed.push(next.cut_to(at_most));
        }
        Some((from, Ok(Outcome::Datagrams(claimed.into()))))
    }

    /// Receives several datagrams without waiting, unless there are known to be none.
    pub(crate) fn receive_at_once(
        &mut self,
        operation: &Operation,
        pool: &BufferPool,
    ) -> Option<Result<Outcome, Errno>> {
        if self.drained {
            return None;
        }
        self.receive_batch(operation, pool).map(|(_, outcome)| outcome)
    }

    /// Receives several datagrams, if `operation` wants them and there are some, and says where in
    /// all that has come they begin. Only while nothing was asked of the kernel: what that brings
    /// may have come before.
    pub(crate) fn receive_batch(
        &mut self,
        operation: &Operation,
        pool: &BufferPool,
    ) -> Option<(u64, Result<Outcome, Errno>)> {
        let Operation::RecvBatch { at_most, count, .. } = *operation else { return None };
        if self.arm.is_some() {
            return None;
        }
        match self.calls.receive(self.descriptor.as_fd(), pool, at_most, count) {
            Ok((datagrams, is_all)) => {
                self.drained = is_all;
                let from = self.come;
                self.come += datagrams.len() as u64;
                Some((from, Ok(Outcome::Datagrams(datagrams))))
            }
            Err(Errno::WOULDBLOCK) => None,
            Err(cause) => Some((self.come, Err(cause))),
        }
    }

    /// Whether nobody is to send before the next who comes.
    pub(crate) fn may_send_at_once(&self) -> bool {
        self.writers.is_empty() && !self.sending
    }

    /// Sends several datagrams, if `operation` does and there is room for all of them that are left.
    pub(crate) fn send_batch(&mut self, operation: &mut Operation) -> Option<Outcome> {
        let Operation::SendBatch { messages, .. } = operation else { return None };
        self.calls.send(self.descriptor.as_fd(), messages).ok()?;
        Some(Outcome::SentBatch(mem::take(&mut **messages).results()))
    }
}
