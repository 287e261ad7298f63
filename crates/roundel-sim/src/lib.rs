//! A kernel that is simulated: clock, network, disk, and a driver on them.
//!
//! A [`Network`] has hosts, links between them, and sockets: TCP and Unix streams, datagrams, with
//! the outcomes and errors of Linux. A [`SimDriver`] is what a loop stands on: the operations of any
//! driver, on one of those hosts. Links are slow, narrow, lossy or cut; [`Faults`] are what a
//! kernel may do to a correct program at any time; all of it follows from a seed ([`Random`]), and
//! what happens is hashed, so that two runs can be told apart. A [`Disk`] knows what a crash leaves.
//!
//! [`AutoJump`] is the smaller thing: it wraps any driver, and where the loop would wait for its
//! next timer, it moves a [`VirtualClock`] there instead. Real descriptors and threads go on working.
//!
//! [`cancel_at_every_await`] is for tests of futures: it drops an operation at each of its awaits,
//! so that the test can see what that loses.
//!
//! Hosts with loops and tasks, which crash and restart, are `roundel-world`, two layers up: from
//! here on down, everything can be tested without it.
//!
//! ```text
//! L5  roundel · roundel-run
//! L4  roundel-net · roundel-process
//! L3  roundel-executor · roundel-stream · roundel-signal
//! L2  roundel-loop · roundel-sim   ◀ you are here
//! L1  roundel-driver · roundel-uring · roundel-sync · roundel-pool
//! L0  roundel-selector · roundel-promise · roundel-timer
//! ```
//!
//! Two hosts and a message, by hand:
//!
//! ```
//! use std::time::Duration;
//! use roundel_driver::{Driver, Family, Operation, Outcome, SocketKind, Submitted};
//! use roundel_sim::Network;
//!
//! let network = Network::new(7);
//! let hosts = ["here", "there"].map(|name| network.add_host(name));
//! let [mut here, mut there] = hosts.map(|host| network.driver(host));
//!
//! let inbox = there.socket(Family::V4, SocketKind::Datagram)?;
//! let address = std::net::SocketAddr::new(network.address(hosts[1]), 7);
//! inbox.bind(&address.into())?;
//! let inbox = there.attach_socket(inbox);
//!
//! let socket = here.socket(Family::V4, SocketKind::Datagram)?;
//! let socket = here.attach_socket(socket);
//! let to = Box::new(address.into());
//! let _ = here.submit(Operation::SendTo { source: socket, data: b"hello".into(), to });
//!
//! let Submitted::Pending(key) = there.submit(Operation::Recv { source: inbox, at_most: 10 })
//! else { panic!("it is on its way") };
//! there.wait(Some(Duration::from_secs(1)), &mut Vec::new())?;
//! assert_eq!(network.clock().elapsed(), Duration::from_micros(500)); // the link's latency
//! let Some(Ok(Outcome::Received(data))) = there.take(key) else { panic!("it came") };
//! assert_eq!(&data[..], b"hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Semantics
//!
//! - Calls change the network at once, packets arrive later. A program's own host answers within
//!   10 µs; every other by its [`Link`].
//! - Streams lose nothing and keep their order: a lost segment is sent again, from 200 ms on, for 15
//!   minutes. A connect asks for 127 seconds. Backlogs, windows, half-closes, resets and half-open
//!   connections are Linux's; the same tests run on both.
//! - Who may share a port is decided as Linux does, by family, address and leave; a socket of IPv6
//!   hears IPv4 in its guise unless it is told not to.
//! - There is no TIME_WAIT, no broadcast, and no file behind the name of a Unix socket.
//!
//! # Cancellation
//!
//! As every driver: what a cancelled operation had received goes to the next one, in order.
//!
//! # Platforms
//!
//! Unix.
#![forbid(unsafe_code)]
#![cfg(unix)]

mod auto_jump;
mod bell;
mod cancel_at_every_await;
mod disk;
mod driver;
mod network;
mod random;
mod slab;
mod socket;
mod trace;

pub use auto_jump::AutoJump;
pub use bell::RungHosts;
pub use cancel_at_every_await::{Cut, CutShort, cancel_at_every_await};
pub use disk::Disk;
pub use driver::SimDriver;
pub use network::{Faults, HostId, Link, Network};
pub use random::Random;
pub use roundel_timer::VirtualClock;
pub use trace::TraceEvent;
