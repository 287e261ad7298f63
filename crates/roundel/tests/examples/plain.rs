//! `proxy`, `port_scanner` and `udp_echo`.

use std::net::TcpListener;

use crate::{process::Process, tool::Tool};

/// A port that was free just now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn what_goes_through_a_proxy_comes_back_through_it() {
    let Some(nc) = Tool::find("nc.openbsd") else { return };
    let (echo, beyond) = Process::server("echo", ["streams", "127.0.0.1:0"]);
    let (proxy, address) = Process::server("proxy", ["127.0.0.1:0", &beyond.to_string()]);
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let much: Vec<u8> = (0..300_000_u32).flat_map(u32::to_be_bytes).collect();
    assert!(nc.run(["-N", &*host, &*port], &much).output == much);

    // With nobody behind it, it says so and hangs up, and goes on.
    echo.end_by_ctrl_c();
    for _ in 0..2 {
        assert!(nc.run(["-N", &*host, &*port], b"hello").output.is_empty());
    }
    let ended = proxy.end_by_ctrl_c();
    assert_eq!(ended.errors.matches("refused").count(), 2, "{ended:?}");
    assert_eq!(ended.lines(), ["0 connections came to their ends, 0 did not"]);
}

#[test]
fn open_ports_are_found_and_closed_ones_are_not() {
    let open = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = open.local_addr().unwrap().port();
    let scan = |port: u16| {
        Process::example("port_scanner", ["localhost", &format!("{port}-{port}")]).succeed(b"")
    };
    assert_eq!(scan(port).lines(), [format!("{port} is open")]);
    assert!(scan(free_port()).output.is_empty());
    drop(open);
}

#[test]
fn a_datagram_comes_back() {
    let Some(socat) = Tool::find("socat") else { return };
    let (server, address) = Process::server("udp_echo", ["127.0.0.1:0"]);
    let mut client = socat.start(["-", &*format!("UDP:{address}")]);
    client.hears("hello\n");
    assert_eq!(client.says(), "hello");
    server.end_by_ctrl_c();
}
