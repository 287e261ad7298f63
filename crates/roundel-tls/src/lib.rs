//! TLS over a stream, by rustls: connect, accept, or upgrade one that is live.
//!
//! [`TlsConnector`] and [`TlsAcceptor`] shake hands over a stream. What a program then holds are the
//! [`StreamReader`](roundel_stream::StreamReader) and [`StreamWriter`](roundel_stream::StreamWriter)
//! that it would hold without TLS, so whatever is made for those goes on as it is: lines, copying,
//! water marks, handlers of a server, the traits of futures, tokio and hyper.
//!
//! Which certificates, whom to trust and what to offer is said in [`rustls`]' own words, which are
//! re-exported here. The cryptography is `ring`'s unless a configuration brings another provider.
//!
//! ```text
//! L5  roundel · roundel-run
//! L4  roundel-tls · roundel-net · roundel-process   ◀ you are here
//! L3  roundel-executor · roundel-stream · roundel-signal
//! L2  roundel-loop · roundel-sim
//! L1  roundel-driver · roundel-uring · roundel-sync · roundel-pool
//! L0  roundel-selector · roundel-promise · roundel-timer
//! ```
//!
//! See [`TlsAcceptor`] for a server and its client.
//!
//! # Semantics
//!
//! - *Handshake.* A stream comes out of it whole or closed. It has a [limit](Limits), so that a peer
//!   that says nothing is not waited for.
//! - *Reading.* The stream ends where the peer says so (`close_notify`). A connection that ends
//!   without is cut off, by whomever, and the read fails with
//!   [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof) behind what came. A record that is not right
//!   fails the read with [`InvalidData`](std::io::ErrorKind::InvalidData) and writing with it; the
//!   peer is told by an alert.
//! - *Writing.* What is written in one go is encrypted when it goes out, so that small writes share a
//!   record. Water marks count the program's bytes.
//! - *One direction.* `write_eof` sends `close_notify` and ends the connection's sending direction;
//!   reading goes on. TLS 1.3 has it so; a peer of TLS 1.2 may answer by ending its own direction.
//! - *Close.* `close` sends what is unsent and `close_notify`, then waits for the peer's, within its
//!   [limit](Limits); `closed` fails with [`TimedOut`](std::io::ErrorKind::TimedOut) if that is over.
//!   What else comes meanwhile is dropped. A dropped writer sends `close_notify` and waits for nothing.
//!
//! # Cancellation
//!
//! A handshake that is dropped closes its stream. Otherwise reads and writes are those of
//! `roundel-stream`, and nothing is lost.
//!
//! # Platforms
//!
//! Unix.
#![forbid(unsafe_code)]
#![cfg(unix)]

mod acceptor;
mod connector;
mod error;
mod limits;
mod records;
mod session;
mod start;
mod stream;

pub use acceptor::TlsAcceptor;
pub use connector::TlsConnector;
pub use error::TlsError;
pub use limits::Limits;
pub use session::Session;
pub use stream::TlsStream;

pub use rustls;
