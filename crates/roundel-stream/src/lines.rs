//! `Lines`: a reader's lines as a stream.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::Stream;

use crate::{ReadError, StreamReader};

/// The stream of [`StreamReader::lines`]: each line with its `\n`, which the last may lack. A line
/// over the reader's limit is an error, behind which the stream goes on.
///
/// ```
/// use futures::StreamExt;
/// # futures::executor::block_on(async {
/// let mut reader = roundel_stream::StreamReader::of("one\ntwo");
/// let lines: Vec<_> = reader.lines().map(Result::unwrap).collect().await;
/// assert_eq!(lines, [b"one\n".to_vec(), b"two".to_vec()]);
/// # });
/// ```
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Lines<'a> {
    reader: &'a mut StreamReader,
    searched: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(reader: &'a mut StreamReader) -> Self {
        Self { reader, searched: 0 }
    }
}

impl Stream for Lines<'_> {
    type Item = Result<Vec<u8>, ReadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { reader, searched } = &mut *self;
        let line = match reader.line_there(searched) {
            Some(line) => line,
            None => ready!(reader.poll_line(context, searched)),
        };
        *searched = 0;
        let len = line?;
        Poll::Ready((len > 0).then(|| Ok(reader.incoming().take(len).to_vec())))
    }
}
