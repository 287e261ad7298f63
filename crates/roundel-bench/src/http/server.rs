//! The HTTP servers, by name.

use std::{io, net::TcpListener};

use super::{on_roundel, on_tokio};
use crate::{
    echo::ROUNDEL_URING,
    row::{ROUNDEL, TOKIO},
};

/// On what hyper runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpServer {
    /// Our streams, over epoll.
    OnRoundel,
    /// The same over io_uring.
    OnRoundelUring,
    /// Tokio's current-thread runtime.
    OnTokio,
}

impl HttpServer {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::OnRoundel, Self::OnRoundelUring, Self::OnTokio];

    /// As in the table's head.
    pub fn name(self) -> &'static str {
        match self {
            Self::OnRoundel => ROUNDEL,
            Self::OnRoundelUring => ROUNDEL_URING,
            Self::OnTokio => TOKIO,
        }
    }

    /// The name as one word, for a command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::OnRoundel => "roundel",
            Self::OnRoundelUring => "roundel-uring",
            Self::OnTokio => "tokio",
        }
    }

    /// The server of this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|server| server.word() == word)
    }

    /// Answers for ever.
    ///
    /// # Errors
    /// The listener or the kernel's waiting call fails; a failing connection only ends.
    pub fn serve(self, listener: TcpListener) -> io::Result<()> {
        match self {
            Self::OnRoundel => on_roundel::on_epoll(listener),
            Self::OnRoundelUring => on_roundel::on_uring(listener),
            Self::OnTokio => on_tokio::serve(listener),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::HttpServer;
    use crate::load::{
        client::{Client, Load},
        exchange::Exchange,
        listen,
    };

    #[test]
    fn every_server_has_its_word_and_answers() {
        for server in HttpServer::ALL {
            assert_eq!(HttpServer::named(server.word()), Some(server));
            let listener = listen(0).unwrap();
            let address = listener.local_addr().unwrap();
            std::thread::spawn(move || server.serve(listener));
            for bytes in [0, 12, 16 << 10] {
                let exchange = Exchange::http(address, bytes).unwrap();
                let mut client = Client::connect(address, 20, exchange).unwrap();
                let run = client.run(Load::Requests(100)).unwrap();
                assert!((100..=120).contains(&run.requests), "{server:?} {run:?}");
            }
        }
    }
}
