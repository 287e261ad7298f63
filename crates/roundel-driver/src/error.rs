//! `OperationError`, `SocketError`, `DriverError`: what failed, why, and what came back.

use std::{fmt, io, mem};

use roundel_selector::SelectorError;

use crate::{Address, Buffer, Message, Messages, Operation};

/// An operation failed; says which, why, and returns the caller's bytes.
#[derive(Debug, thiserror::Error)]
#[error("{}{}", .0.action, Of(&.0.address))]
pub struct OperationError(#[source] Box<Failure>);

#[derive(thiserror::Error)]
#[error("{cause}")]
struct Failure {
    action: &'static str,
    address: Option<Address>,
    cause: io::Error,
    /// Out of its pool, so that the error may travel to another thread.
    data: Option<Vec<u8>>,
    /// What became of each message, as that came to light.
    messages: Option<Vec<Result<Vec<u8>, OperationError>>>,
    transferred: usize,
}

/// Whoever prints it wants to know what failed, not megabytes of what was to be sent.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("action", &self.action)
            .field("address", &self.address)
            .field("cause", &self.cause)
            .field("bytes", &self.data.as_ref().map(Vec::len))
            .field("transferred", &self.transferred)
            .finish()
    }
}

impl OperationError {
    /// For drivers: the failure of an operation after `transferred` bytes, which count if it sends or
    /// writes; the operation's own bytes are taken out of it.
    pub fn new(operation: &mut Operation, transferred: usize, cause: impl Into<io::Error>) -> Self {
        let action = operation.action();
        // What drivers keep of others' progress is no number of bytes.
        let transferred = match operation {
            Operation::Send { .. }
            | Operation::SendVectored { .. }
            | Operation::SendTo { .. }
            | Operation::Write { .. }
            | Operation::WriteAt { .. } => transferred,
            _ => 0,
        };
        let data = match operation {
            Operation::Send { data, .. }
            | Operation::SendTo { data, .. }
            | Operation::Write { data, .. }
            | Operation::WriteAt { data, .. }
            | Operation::RecvInto { buffer: data, .. } => Some(mem::take(data).into_vec()),
            Operation::SendVectored { data, .. } => {
                Some(mem::take(data).iter().flat_map(|part| part.iter().copied()).collect())
            }
            _ => None,
        };
        let address = match operation {
            Operation::Connect { address, .. } => Some((**address).clone()),
            Operation::SendTo { to, .. } => Some((**to).clone()),
            _ => None,
        };
        let cause = cause.into();
        let messages = match operation {
            Operation::SendBatch { messages, .. } => {
                let ended = mem::take(&mut **messages).end_with(&cause).into_iter();
                Some(ended.map(|sent| sent.map(Buffer::into_vec)).collect())
            }
            _ => None,
        };
        Self(Box::new(Failure { action, address, cause, data, messages, transferred }))
    }

    /// The failure of one message of several.
    pub(crate) fn of_message(message: Message, cause: io::Error) -> Self {
        let (address, data) = (message.to, Some(message.data.into_vec()));
        let action = Messages::ACTION;
        Self(Box::new(Failure { action, address, cause, data, messages: None, transferred: 0 }))
    }

    /// What was being done, as "sending on a socket".
    pub fn action(&self) -> &'static str {
        self.0.action
    }

    /// Where it was to connect or send to.
    pub fn address(&self) -> Option<&Address> {
        self.0.address.as_ref()
    }

    /// The kernel's reason.
    pub fn io_error(&self) -> &io::Error {
        &self.0.cause
    }

    /// The kind of the kernel's reason.
    pub fn kind(&self) -> io::ErrorKind {
        self.0.cause.kind()
    }

    /// The system's number of the reason, if the system gave it.
    pub fn raw_os_error(&self) -> Option<i32> {
        self.0.cause.raw_os_error()
    }

    /// How many bytes of a send or write had gone out before.
    pub fn transferred(&self) -> usize {
        self.0.transferred
    }

    /// The bytes of a send or write, sent or not; of a vectored one, in one piece. The memory of a
    /// receive that was given its buffer.
    pub fn into_data(self) -> Option<Vec<u8>> {
        self.0.data
    }

    /// Of several datagrams that were to be sent by one operation, what became of each until it
    /// failed as a whole: those that it had not come to have errors of its reason.
    pub fn into_messages(self) -> Option<Vec<Result<Buffer, Self>>> {
        let messages = self.0.messages?.into_iter();
        Some(messages.map(|sent| sent.map(Buffer::from)).collect())
    }
}

impl From<OperationError> for io::Error {
    fn from(error: OperationError) -> Self {
        Self::new(error.kind(), error)
    }
}

/// A socket could not be made, or refused a call; says which.
#[derive(Debug, thiserror::Error)]
#[error("{action}{}", Of(.address))]
pub struct SocketError {
    action: &'static str,
    address: Option<Address>,
    #[source]
    cause: io::Error,
}

impl SocketError {
    /// For drivers: the failure of `action`, as "opening a socket".
    pub fn of(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self { action, address: None, cause }
    }

    pub(crate) fn with(action: &'static str, address: Address, cause: io::Error) -> Self {
        Self { action, address: Some(address), cause }
    }

    /// What was being done, as "binding a socket".
    pub fn action(&self) -> &'static str {
        self.action
    }

    /// The address it was done with.
    pub fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }

    /// The kernel's reason.
    pub fn io_error(&self) -> &io::Error {
        &self.cause
    }

    /// The kind of the kernel's reason.
    pub fn kind(&self) -> io::ErrorKind {
        self.cause.kind()
    }

    /// The system's number of the reason, if the system gave it.
    pub fn raw_os_error(&self) -> Option<i32> {
        self.cause.raw_os_error()
    }
}

impl From<SocketError> for io::Error {
    fn from(error: SocketError) -> Self {
        Self::new(error.kind(), error)
    }
}

/// The address of an action, if it has one.
struct Of<'a>(&'a Option<Address>);

impl fmt::Display for Of<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |address| write!(f, " to {address}"))
    }
}

/// The driver itself failed, not one of its operations.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// The selector could not wait.
    #[error("waiting for readiness")]
    Selector(#[from] SelectorError),
    /// A mechanism without a selector could not wait.
    #[error("{action}")]
    Io {
        /// What was being done, as "waiting for completions".
        action: &'static str,
        /// The kernel's reason.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::OperationError;
    use crate::{Operation, SourceId};

    #[test]
    fn a_failure_gives_its_bytes_back_and_does_not_print_them() {
        let sent = vec![b'x'; 1 << 20];
        let mut send = Operation::Send { source: SourceId::new(0, 0), data: sent.clone().into() };
        let error = OperationError::new(&mut send, 10, io::ErrorKind::ConnectionReset);
        let printed = format!("{error:?}");
        assert!(printed.contains("bytes: Some(1048576)") && printed.len() < 300, "{printed}");
        assert_eq!(error.into_data(), Some(sent));
    }
}
