//! Datagrams in batches: as many as are there, and as many as there are.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

use roundel_loop::{Address, Buffer, Completion, Datagram, OperationError, PendingOperation};

use crate::{
    DatagramSocket,
    datagram::{received_datagram, sent},
};

/// A message of a batch: sent, or still with the system.
enum Message {
    Sent(Completion),
    UnderWay(PendingOperation),
}

impl DatagramSocket {
    /// Waits for a message, and receives with it those that are there too: up to `count` of them, of
    /// up to `at_most` bytes each. They are put behind what `into` holds; returns how many came.
    ///
    /// The wait, and the turn of the loop that goes with it, is paid once for the batch.
    ///
    /// ```
    /// use roundel_executor::spawn_on;
    /// use roundel_net::DatagramSocket;
    ///
    /// let mut event_loop = roundel_loop::EventLoop::new()?;
    /// let task = spawn_on(&event_loop.handle(), async {
    ///     let server = DatagramSocket::bind("127.0.0.1:0").await?;
    ///     let client = DatagramSocket::connect(server.local().inet().unwrap()).await?;
    ///     for sent in client.send_batch([b"one".to_vec(), b"two".to_vec()]).await {
    ///         sent?;
    ///     }
    ///     let mut received = Vec::new();
    ///     while received.len() < 2 {
    ///         server.recv_batch(1500, 10, &mut received).await?;
    ///     }
    ///     assert_eq!(received[1].data[..], *b"two");
    ///     Ok::<_, Box<dyn std::error::Error>>(())
    /// });
    /// event_loop.run_until_complete(task)???;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`recv_from`](Self::recv_from)'s; messages that came before it are in `into`.
    ///
    /// # Cancel safety
    /// No message is lost: what had come is in `into`, and the next call gets what comes.
    #[doc(alias = "recvmmsg")]
    pub async fn recv_batch(
        &self,
        at_most: usize,
        count: usize,
        into: &mut Vec<Datagram>,
    ) -> Result<usize, OperationError> {
        if count == 0 {
            return Ok(0);
        }
        into.push(self.recv_from(at_most).await?);
        let mut received = 1;
        while received < count {
            let Ok(completion) = self.socket().recv_from(at_most).try_now() else { break };
            into.push(received_datagram(completion?));
            received += 1;
        }
        self.count(received - 1);
        Ok(received)
    }

    /// Sends messages to where the socket is connected, in order, and waits until the system has
    /// taken them all. What became of each stands in its place: the buffer, to be used again, or
    /// the error with the bytes.
    ///
    /// # Errors
    /// Of each message by itself, as [`send`](Self::send)'s; those behind it are sent all the same.
    ///
    /// # Cancel safety
    /// Each message has been sent whole, or not at all; those that were not are dropped.
    #[doc(alias = "sendmmsg")]
    pub async fn send_batch<B: Into<Buffer>>(
        &self,
        messages: impl IntoIterator<Item = B>,
    ) -> Vec<Result<Buffer, OperationError>> {
        self.send_all(messages.into_iter().map(|data| (data.into(), None))).await
    }

    /// Sends messages, each to an address of its own; as [`send_batch`](Self::send_batch).
    ///
    /// # Errors
    /// Of each message by itself, as [`send_to`](Self::send_to)'s.
    ///
    /// # Cancel safety
    /// As [`send_batch`](Self::send_batch).
    #[doc(alias = "sendmmsg")]
    pub async fn send_batch_to<B: Into<Buffer>, A: Into<Address>>(
        &self,
        messages: impl IntoIterator<Item = (B, A)>,
    ) -> Vec<Result<Buffer, OperationError>> {
        self.send_all(messages.into_iter().map(|(data, to)| (data.into(), Some(to.into())))).await
    }

    async fn send_all(
        &self,
        messages: impl Iterator<Item = (Buffer, Option<Address>)>,
    ) -> Vec<Result<Buffer, OperationError>> {
        self.rest().await;
        // All are with the driver before any is waited for.
        let mut batch: Vec<Message> = messages
            .map(|(data, to)| match self.submit(data, to).try_now() {
                Ok(completion) => Message::Sent(completion),
                Err(pending) => Message::UnderWay(pending),
            })
            .collect();
        self.count(batch.len());
        // They leave in order.
        let mut waits_for = 0;
        poll_fn(|context| {
            while let Some(message) = batch.get_mut(waits_for) {
                if let Message::UnderWay(pending) = message {
                    match Pin::new(pending).poll(context) {
                        Poll::Ready(completion) => *message = Message::Sent(completion),
                        Poll::Pending => return Poll::Pending,
                    }
                }
                waits_for += 1;
            }
            Poll::Ready(())
        })
        .await;
        let completed = batch.into_iter().map(|message| match message {
            Message::Sent(completion) => completion.map(sent),
            Message::UnderWay(_) => unreachable!("every message was waited for"),
        });
        completed.collect()
    }
}
