//! Connect, serve, resolve: TCP, UDP and Unix sockets on any driver.
//!
//! [`connect`] goes from a name to a connection by whichever of its addresses answers first;
//! [`serve`] runs a handler for each connection of a [`Listener`], as a group that ends together;
//! [`resolve`] looks names up in threads of their own.
//!
//! Sockets are made by the loop's driver and by nobody else, so all of it runs on readiness, on
//! io_uring and on a simulated network alike. It buffers nothing: that is `roundel-stream`. It
//! remembers no names, and speaks no protocol.
//!
//! ```text
//! L5  roundel · roundel-run
//! L4  roundel-net · roundel-process   ◀ you are here
//! L3  roundel-executor · roundel-stream · roundel-signal
//! L2  roundel-loop · roundel-sim
//! L1  roundel-driver · roundel-uring · roundel-sync · roundel-pool
//! L0  roundel-selector · roundel-promise · roundel-timer
//! ```
//!
//! ```
//! use std::time::Duration;
//! use roundel_executor::{spawn_on, timeout};
//! use roundel_loop::Outcome;
//! use roundel_net::{Listener, connect, serve};
//!
//! let mut event_loop = roundel_loop::EventLoop::new()?;
//! let task = spawn_on(&event_loop.handle(), async {
//!     let server = serve(Listener::bind("127.0.0.1:0").await?, async |connection| {
//!         connection.socket().send(format!("hello, {}", connection.peer()).into_bytes()).await?;
//!         Ok::<_, roundel_loop::OperationError>(())
//!     });
//!     let client = connect(server.addresses()[0].inet().unwrap()).await?;
//!     let Outcome::Received(greeting) = client.socket().recv(100).await? else { unreachable!() };
//!     assert_eq!(String::from_utf8_lossy(&greeting), format!("hello, {}", client.local()));
//!     server.drain(Duration::from_secs(1)).await;
//!     Ok::<_, Box<dyn std::error::Error>>(())
//! });
//! event_loop.run_until_complete(task)???;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Semantics
//!
//! - *Names.* What is an address is never looked up. A name's addresses are tried as RFC 8305 has
//!   it ("Happy Eyeballs"), and if all fail the error tells of each. [`RESOLVER`] puts another in the
//!   system's place.
//! - *Servers.* A [`Server`] owns its connections. It stops accepting at once, drains within a
//!   limit, aborts, and says how many it cut off. What a handler leaves unsent is sent behind it, and
//!   the connection is the server's until then. What a handler does wrong is reported and hurts
//!   nobody else. Without descriptors it says so, pauses and goes on.
//! - *Datagrams.* A [`DatagramSocket`] is bound or connected, UDP's or Unix's, and queues nothing. A
//!   [`DatagramTransport`] calls a [`DatagramProtocol`] back, and queues what the system has no room
//!   for.
//! - *Unix sockets.* A dead server's file is removed before binding, one's own with the listener.
//!
//! # Features
//!
//! - `inherit`: `inherited` takes the sockets that the program was started with (systemd's socket
//!   activation).
//!
//! # Cancellation
//!
//! Dropping any future of this crate closes what it opened; an accept that is given up leaves its
//! connection to the next one. Each function's "Cancel safety" says it in detail.
//!
//! # Platforms
//!
//! Unix.
#![forbid(unsafe_code)]
#![cfg(unix)]

mod accept;
mod connect;
mod connection;
mod datagram;
mod datagram_batch;
mod datagram_protocol;
mod datagram_transport;
mod error;
mod group;
#[cfg(feature = "inherit")]
mod inherited;
mod listener;
mod lookup_threads;
mod race;
mod resolve;
mod serve;
mod server;
mod socket_file;
mod target;
mod unix_address;

pub use connect::{ConnectOptions, connect, connect_unix};
pub use connection::Connection;
pub use datagram::{DatagramOptions, DatagramSocket};
pub use datagram_protocol::DatagramProtocol;
pub use datagram_transport::DatagramTransport;
pub use error::{BindError, ConnectError, ConnectFailure, Failures, ResolveError};
#[cfg(feature = "inherit")]
pub use inherited::{InheritError, Inherited, inherited};
pub use listener::{ListenOptions, Listener};
pub use race::{Raced, staggered_race};
pub use resolve::{Answer, RESOLVER, Resolver, SystemResolver, resolve};
pub use serve::{Handled, ServeOptions, serve};
pub use server::{Drained, Server, ServerStatistics};
pub use target::Target;
