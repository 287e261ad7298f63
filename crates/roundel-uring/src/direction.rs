//! `Direction`: which of its source's queues an operation waits in.

use roundel_driver::{Operation, SourceId};

/// The three queues of a source.
pub(crate) enum Direction {
    Read,
    Write,
    Watch,
}

/// The queue an operation waits in; none for those of files.
pub(crate) fn queue(operation: &Operation) -> Option<(SourceId, Direction)> {
    let direction = match operation {
        Operation::Recv { .. }
        | Operation::RecvMany { .. }
        | Operation::RecvInto { .. }
        | Operation::RecvFrom { .. }
        | Operation::RecvBatch { .. }
        | Operation::Read { .. }
        | Operation::Accept { .. } => Direction::Read,
        Operation::Send { .. }
        | Operation::SendVectored { .. }
        | Operation::SendTo { .. }
        | Operation::SendBatch { .. }
        | Operation::Write { .. }
        | Operation::Connect { .. } => Direction::Write,
        Operation::Ready { .. } => Direction::Watch,
        _ => return None,
    };
    operation.source().map(|source| (source, direction))
}

/// Whether a request of the operation holds bytes that are to come back.
pub(crate) fn returns_bytes(operation: &Operation) -> bool {
    !matches!(operation, Operation::Connect { .. } | Operation::Ready { .. })
}
