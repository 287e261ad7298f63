//! The servers, by name.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    thread,
};

use super::{
    COMPIO, EPOLL, EPOLL_CALLED, MONOIO, ROUNDEL_URING, SMOL, STREAMS, STREAMS_URING, URING,
    by_hand, by_hand_uring, on_compio, on_loop, on_monoio, on_smol, on_streams, on_tokio,
};
use crate::{
    load::listen,
    row::{ROUNDEL, TOKIO},
};

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// Call-backs on our loop, over epoll.
    OnLoop,
    /// The same over io_uring.
    OnUring,
    /// A reader and a writer for each connection, over epoll.
    OnStreams,
    /// The same over io_uring.
    OnStreamsUring,
    /// A tokio task for each connection, on its current-thread runtime.
    OnTokio,
    /// A smol task for each connection, on a local executor.
    OnSmol,
    /// A monoio task for each connection, on io_uring.
    OnMonoio,
    /// A compio task for each connection, on io_uring.
    OnCompio,
    /// A loop over epoll and nothing else.
    ByHand,
    /// The same with its system calls in a function.
    ByHandCalled,
    /// The same over io_uring.
    ByHandUring,
}

impl Server {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::OnLoop,
        Self::OnUring,
        Self::OnStreams,
        Self::OnStreamsUring,
        Self::OnTokio,
        Self::OnSmol,
        Self::OnMonoio,
        Self::OnCompio,
        Self::ByHand,
        Self::ByHandCalled,
        Self::ByHandUring,
    ];

    /// Those whose timers are measured.
    pub const WITH_TIMERS: [Self; 3] = [Self::OnLoop, Self::OnTokio, Self::ByHand];

    /// As in the table's head.
    pub fn name(self) -> &'static str {
        match self {
            Self::OnLoop => ROUNDEL,
            Self::OnUring => ROUNDEL_URING,
            Self::OnStreams => STREAMS,
            Self::OnStreamsUring => STREAMS_URING,
            Self::OnTokio => TOKIO,
            Self::OnSmol => SMOL,
            Self::OnMonoio => MONOIO,
            Self::OnCompio => COMPIO,
            Self::ByHand => EPOLL,
            Self::ByHandCalled => EPOLL_CALLED,
            Self::ByHandUring => URING,
        }
    }

    /// The server of this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|server| server.word() == word)
    }

    /// The name as one word, for a command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::OnLoop => "roundel",
            Self::OnUring => "roundel-uring",
            Self::OnStreams => "roundel-streams",
            Self::OnStreamsUring => "roundel-streams-uring",
            Self::OnTokio => "tokio",
            Self::OnSmol => "smol",
            Self::OnMonoio => "monoio",
            Self::OnCompio => "compio",
            Self::ByHand => "epoll",
            Self::ByHandCalled => "epoll-called",
            Self::ByHandUring => "uring",
        }
    }

    /// Answers for ever, with `room` bytes to read a message into.
    ///
    /// # Errors
    /// The listener or the kernel's waiting call fails; a failing connection only ends.
    pub fn serve(self, listener: TcpListener, room: usize) -> io::Result<()> {
        match self {
            Self::OnLoop => on_loop::on_epoll(listener, room),
            Self::OnUring => on_loop::on_uring(listener, room),
            Self::OnStreams => on_streams::on_epoll(listener),
            Self::OnStreamsUring => on_streams::on_uring(listener),
            Self::OnTokio => on_tokio::serve(listener, room),
            Self::OnSmol => on_smol::serve(listener, room),
            Self::OnMonoio => on_monoio::serve(listener, room),
            Self::OnCompio => on_compio::serve(listener, room),
            Self::ByHand => by_hand::serve(&listener, room),
            Self::ByHandCalled => by_hand::serve_by_calling(&listener, room),
            Self::ByHandUring => by_hand_uring::serve(&listener, room),
        }
    }

    /// Answers in a thread of its own for as long as the process lives; gives the listener's
    /// address.
    ///
    /// # Errors
    /// There is no port to listen on.
    pub fn serve_beside(self, room: usize) -> io::Result<SocketAddr> {
        let listener = listen(0)?;
        let address = listener.local_addr()?;
        thread::spawn(move || {
            if let Err(error) = self.serve(listener, room) {
                eprintln!("{} ended: {error}", self.name());
            }
        });
        Ok(address)
    }
}

#[cfg(test)]
mod tests {
    use super::Server;
    use crate::load::{
        client::{Client, Load},
        exchange::Exchange,
    };

    #[test]
    fn every_server_has_its_word() {
        for server in Server::ALL {
            assert_eq!(Server::named(server.word()), Some(server));
        }
        assert_eq!(Server::named("nginx"), None);
    }

    #[test]
    fn every_server_answers_with_what_it_was_sent() {
        for server in Server::ALL {
            let short = [1, 64, 300_000].map(|bytes| (bytes, 4096));
            for (bytes, room) in short.into_iter().chain([(300_000, 32 << 10)]) {
                let address = server.serve_beside(room).unwrap();
                // Connecting compares one answer per connection, byte for byte.
                let exchange = Exchange::echo(address, bytes).unwrap();
                let mut client = Client::connect(address, 20, exchange).unwrap();
                let run = client.run(Load::Requests(100)).unwrap();
                assert!((100..=120).contains(&run.requests), "{server:?} {run:?}");
            }
        }
    }
}
