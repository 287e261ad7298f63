//! Datagrams in batches: as many as are there, and as many as there are.

use roundel_loop::{Address, Buffer, Datagram, Message, OperationError, Outcome};

use crate::DatagramSocket;

impl DatagramSocket {
    /// Waits for a message, and receives with it those that are there too: up to `count` of them
    /// and no more than 64, of up to `at_most` bytes each. They are put behind what `into` holds;
    /// returns how many came.
    ///
    /// A batch costs one call of the system, which on Linux brings several datagrams of UDP. Of
    /// other sockets, and on other systems, messages come one at a time.
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
    /// As [`recv_from`](Self::recv_from)'s; no message has come with it.
    ///
    /// # Cancel safety
    /// No message is lost: the next call gets what had come.
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
        self.rest().await;
        match self.wait_for(self.socket().recv_batch(at_most, count)).await? {
            Outcome::Datagrams(datagrams) => {
                let received = datagrams.len();
                self.count(received - 1);
                into.extend(datagrams);
                Ok(received)
            }
            other => unreachable!("a receive was answered with {other:?}"),
        }
    }

    /// Sends messages to where the socket is connected, in order, and waits until the system has
    /// taken them all. What became of each stands in its place: the buffer, to be used again, or
    /// the error with the bytes. On Linux a batch costs one call of the system.
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
        let addressed = messages.map(|(data, to)| Message { data, to: self.destination(to) });
        let completion = self.wait_for(self.socket().send_batch(addressed)).await;
        let sent = match completion {
            Ok(Outcome::SentBatch(sent)) => sent.into_vec(),
            Ok(other) => unreachable!("a send was answered with {other:?}"),
            Err(error) => error.into_messages().expect("each message is told of"),
        };
        self.count(sent.len().saturating_sub(1));
        sent
    }
}
