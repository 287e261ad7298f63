//! What users do wrong, and what they are told.

use std::net::TcpListener;

use crate::process::Process;

const SERVERS: &[(&str, &[&str])] = &[
    ("chat", &[]),
    ("echo", &["selector"]),
    ("echo", &["streams"]),
    #[cfg(feature = "hyper")]
    ("http_server", &[]),
    ("kv_server", &[]),
    ("udp_echo", &[]),
];

const OTHERS: &[&str] = &[
    #[cfg(feature = "hyper")]
    "crawler",
    #[cfg(feature = "hyper")]
    "http_client",
    "port_scanner",
    "proxy",
];

/// What it says on its way out.
#[track_caller]
fn refusal(name: &str, arguments: &[&str]) -> String {
    let ended = Process::example(name, arguments).end(b"");
    assert_eq!(ended.status.code(), Some(1), "{name} {arguments:?}: {ended:?}");
    assert!(ended.output.is_empty(), "{name} {arguments:?}: {ended:?}");
    ended.errors
}

#[test]
fn wrong_arguments_are_answered_with_the_right_ones() {
    let servers = SERVERS.iter().map(|(name, _)| name);
    for name in servers.chain(OTHERS) {
        for arguments in [&["--nonsense"][..], &["a", "b", "c", "d"]] {
            let told = refusal(name, arguments);
            assert!(told.contains(&format!("usage: {name} ")), "{name}: {told}");
        }
    }
}

#[test]
fn a_place_where_nobody_can_listen_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (name, first) in SERVERS.iter().filter(|(name, _)| *name != "udp_echo") {
        let told = refusal(name, &[first, &[&*address][..]].concat());
        assert!(told.contains(&address) && told.contains("in use"), "{name}: {told}");
    }
    for (name, first) in SERVERS {
        let told = refusal(name, &[first, &["127.0.0.1"][..]].concat());
        assert!(told.contains("127.0.0.1"), "{name}: {told}");
    }
}

#[test]
fn a_place_to_forward_to_is_looked_up_before_anybody_comes() {
    let told = refusal("proxy", &["127.0.0.1:0", "nonsense"]);
    assert!(told.contains("nonsense") && told.contains("host:port"), "{told}");
}

#[test]
fn a_driver_that_is_not_there_is_named() {
    for level in ["selector", "call-backs", "protocol", "streams"] {
        let ended = Process::example("echo", [level, "127.0.0.1:0", "--driver", "smoke"]).end(b"");
        assert_eq!(ended.status.code(), Some(1));
        assert!(ended.errors.contains("smoke"), "{level}: {ended:?}");
    }
}
