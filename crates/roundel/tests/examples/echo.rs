//! `echo`: on each level, on each driver, what is sent comes back; checked with nc and socat.

use std::{net::SocketAddr, os::unix::process::ExitStatusExt};

use nix::sys::signal::Signal;

use crate::{drivers, process::Process, tool::Tool};

/// More than sockets and buffers hold, and no two pieces of it alike.
fn much() -> Vec<u8> {
    (0..300_000_u32).flat_map(u32::to_be_bytes).collect()
}

fn echoes(address: SocketAddr) {
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    if let Some(nc) = Tool::find("nc.openbsd") {
        // One that stays, and says nothing yet.
        let mut first = nc.start([&*host, &*port]);
        let much = much();
        assert!(nc.run(["-N", &*host, &*port], &much).output == much);
        assert!(nc.run(["-N", &*host, &*port], b"").output.is_empty());
        first.hears("hello\n");
        assert_eq!(first.says(), "hello");
    }
    if let Some(socat) = Tool::find("socat") {
        let much = much();
        let peer = format!("TCP:{address}");
        assert!(socat.run(["-t30", "-", &*peer], &much).output == much);
        // A client that resets its connection hurts nobody.
        let resets = format!("TCP:{address},linger=0");
        socat.run(["-u", "-", &*resets], &much);
        assert_eq!(socat.run(["-t30", "-", &*peer], b"hello\n").output, b"hello\n");
    }
}

#[test]
fn the_selectors() {
    for driver in ["auto", "poll"] {
        let (server, address) =
            Process::server("echo", ["selector", "127.0.0.1:0", "--driver", driver]);
        echoes(address);
        server.interrupt();
        let ended = server.end(b"");
        assert_eq!(ended.status.signal(), Some(Signal::SIGINT as i32), "{ended:?}");
        assert_eq!(ended.errors, "");
    }
}

fn on_every_driver(level: &str) {
    for driver in drivers() {
        let (server, address) = Process::server("echo", [level, "127.0.0.1:0", "--driver", driver]);
        echoes(address);
        server.end_by_ctrl_c();
    }
}

#[test]
fn the_call_backs() {
    on_every_driver("call-backs");
}

#[test]
fn the_protocol() {
    on_every_driver("protocol");
}

#[test]
fn the_streams() {
    on_every_driver("streams");
}
