//! `Messages`: datagrams that one operation sends, and what has become of each so far.

use std::{io, vec};

use crate::{Address, Buffer, OperationError};

/// A datagram to be sent.
#[derive(Debug)]
pub struct Message {
    /// The bytes; they come back.
    pub data: Buffer,
    /// Where to; if none is given, to where the socket is connected.
    pub to: Option<Address>,
}

/// Datagrams to be sent in order; those that were tried have their results.
///
/// ```
/// use roundel_driver::{Message, Messages};
///
/// let to: std::net::SocketAddr = "127.0.0.1:9".parse()?;
/// let words = [&b"one"[..], b"two"].into_iter();
/// let messages: Messages =
///     words.map(|word| Message { data: word.into(), to: Some(to.into()) }).collect();
/// assert_eq!(messages.left().len(), 2);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Default)]
pub struct Messages {
    left: vec::IntoIter<Message>,
    tried: Vec<Result<Buffer, OperationError>>,
}

impl FromIterator<Message> for Messages {
    fn from_iter<I: IntoIterator<Item = Message>>(messages: I) -> Self {
        let left = Vec::from_iter(messages).into_iter();
        Self { tried: Vec::with_capacity(left.len()), left }
    }
}

impl Messages {
    /// What is being done with each.
    pub(crate) const ACTION: &'static str = "sending a datagram";

    /// Those that have yet to be sent.
    pub fn left(&self) -> &[Message] {
        self.left.as_slice()
    }

    /// For drivers: the first `count` of those left were sent.
    pub fn sent(&mut self, count: usize) {
        let sent = self.left.by_ref().take(count);
        self.tried.extend(sent.map(|message| Ok(message.data)));
    }

    /// For drivers: the first of those left cannot be sent.
    pub fn failed(&mut self, cause: impl Into<io::Error>) {
        let failed = self.left.next();
        let cause = cause.into();
        self.tried.extend(failed.map(|message| Err(OperationError::of_message(message, cause))));
    }

    /// For drivers: what became of each, once none is left.
    pub fn results(self) -> Box<[Result<Buffer, OperationError>]> {
        debug_assert!(self.left().is_empty(), "each was tried");
        self.tried.into()
    }

    /// What became of each, where those left will not be sent.
    pub(crate) fn end_with(mut self, cause: &io::Error) -> Vec<Result<Buffer, OperationError>> {
        while !self.left().is_empty() {
            self.failed(same(cause));
        }
        self.tried
    }
}

/// The same error once more.
fn same(cause: &io::Error) -> io::Error {
    match cause.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::new(cause.kind(), cause.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::{Message, Messages};
    use crate::{Operation, OperationError, SourceId};

    #[test]
    fn an_end_in_the_middle_tells_of_each_and_gives_its_bytes_back() {
        let message = |text: &[u8]| Message { data: text.into(), to: None };
        let texts = [&b"a"[..], b"bb", b"ccc", b"dddd"];
        let mut messages: Messages = texts.map(message).into_iter().collect();
        messages.sent(1);
        messages.failed(ErrorKind::InvalidInput);
        let (source, messages) = (SourceId::new(0, 0), Box::new(messages));
        let mut send = Operation::SendBatch { source, messages };
        let error = OperationError::new(&mut send, 0, ErrorKind::ConnectionAborted);
        assert_eq!(error.action(), "sending datagrams");
        let told = error.into_messages().unwrap().into_iter().map(|sent| match sent {
            Ok(data) => (None, data.into_vec()),
            Err(error) => (Some(error.kind()), error.into_data().unwrap()),
        });
        assert!(told.eq([
            (None, b"a".to_vec()),
            (Some(ErrorKind::InvalidInput), b"bb".to_vec()),
            (Some(ErrorKind::ConnectionAborted), b"ccc".to_vec()),
            (Some(ErrorKind::ConnectionAborted), b"dddd".to_vec()),
        ]));
    }
}
