//! A seed means the same run on every machine and in every release: its hash is recorded.

use std::{net::SocketAddr, time::Duration};

use roundel_driver::{Driver, Family, Key, Operation, Outcome, SocketKind, SourceId, Submitted};
use roundel_sim::{Faults, Link, Network, SimDriver};

/// A server's socket and a client's, on hosts of their own.
struct Ends {
    server: (SimDriver, SourceId, SocketAddr),
    client: (SimDriver, SourceId),
}

fn ends(network: &Network) -> Ends {
    let hosts = ["server", "client"].map(|name| network.add_host(name));
    let [mut server, mut client] = hosts.map(|host| network.driver(host));
    let socket = server.socket(Family::V4, SocketKind::Datagram).unwrap();
    let address = SocketAddr::new(network.address(hosts[0]), 7);
    socket.bind(&address.into()).unwrap();
    let source = server.attach_socket(socket);
    let socket = client.socket(Family::V4, SocketKind::Datagram).unwrap();
    let theirs = client.attach_socket(socket);
    Ends { server: (server, source, address), client: (client, theirs) }
}

fn receive(driver: &mut SimDriver, source: SourceId) -> Option<Vec<u8>> {
    let mut done: Vec<Key> = Vec::new();
    let completion = match driver.submit(Operation::RecvFrom { source, at_most: 100 }) {
        Submitted::Done(completion) => completion,
        Submitted::Pending(key) => {
            driver.wait(Some(Duration::from_secs(1)), &mut done).unwrap();
            let Some(completion) = driver.take(key) else {
                driver.cancel(key);
                return None;
            };
            completion
        }
        Submitted::Blocking(..) => unreachable!("nothing blocks here"),
    };
    let Ok(Outcome::Datagram(datagram)) = completion else { panic!("{completion:?}") };
    Some(datagram.data.to_vec())
}

/// A hundred messages over a bad link.
fn run(seed: u64) -> (u64, Vec<u8>) {
    let network = Network::new(seed);
    network.set_faults(Faults::SOME);
    network.set_default_link(Link {
        jitter: Duration::from_millis(3),
        loss: 0.1,
        duplication: 0.1,
        reordering: 0.1,
        ..Link::default()
    });
    let Ends { server: (mut server, ours, address), client: (mut client, theirs) } = ends(&network);
    for number in 0..100 {
        let to = Box::new(address.into());
        let send = Operation::SendTo { source: theirs, data: (&[number]).into(), to };
        let Submitted::Done(Ok(_)) = client.submit(send) else { panic!("sent at once") };
        client.wait(Some(Duration::from_micros(500)), &mut Vec::new()).unwrap();
    }
    let mut received = Vec::new();
    while let Some(data) = receive(&mut server, ours) {
        received.extend(data);
    }
    (network.trace_hash(), received)
}

#[test]
fn a_seed_is_the_same_run_everywhere() {
    let (hash, received) = run(42);
    assert_eq!((hash, received.len()), (0xd74a_2c65_7cf8_fdf7, 105));
}

#[test]
fn runs_of_different_seeds_differ() {
    assert_ne!(run(1).0, run(2).0);
    assert_eq!(run(1), run(1));
}

#[test]
fn what_a_cancelled_receive_gives_back_is_still_one_message() {
    let network = Network::new(1);
    let Ends { server: (mut server, ours, address), client: (mut client, theirs) } = ends(&network);
    let receive = |at_most| Operation::Recv { source: ours, at_most };
    let Submitted::Pending(key) = server.submit(receive(100)) else { panic!("nothing is there") };
    for text in [b"first", b"other"] {
        let send =
            Operation::SendTo { source: theirs, data: text.into(), to: Box::new(address.into()) };
        let Submitted::Done(Ok(_)) = client.submit(send) else { panic!("sent at once") };
    }
    let mut done = Vec::new();
    server.wait(Some(Duration::from_secs(1)), &mut done).unwrap();
    assert_eq!(done, [key]);
    assert!(server.cancel(key));
    server.wait(Some(Duration::from_millis(1)), &mut done).unwrap();
    for expected in [&b"fi"[..], b"other"] {
        let Submitted::Done(Ok(Outcome::Received(data))) = server.submit(receive(expected.len()))
        else {
            panic!("both have come")
        };
        assert_eq!(&data[..], expected);
    }
}
