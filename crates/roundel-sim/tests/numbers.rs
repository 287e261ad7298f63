//! The numbers of closed sockets come back at once, if the faults have it so, and who still holds an
//! old one is not taken for its heir.

use std::{net::SocketAddr, time::Duration};

use roundel_driver::{
    Address, Driver, Family, Operation, Outcome, SocketKind, SourceId, Submitted,
};
use roundel_sim::{Faults, Network, SimDriver};

/// A host on which these faults happen.
fn host(faults: Faults) -> (Network, SimDriver, Address) {
    let network = Network::new(1);
    network.set_faults(faults);
    let host = network.add_host("here");
    let address = SocketAddr::new(network.address(host), 7).into();
    (network.clone(), network.driver(host), address)
}

fn socket(driver: &mut SimDriver) -> SourceId {
    let socket = driver.socket(Family::V4, SocketKind::Datagram).unwrap();
    driver.attach_socket(socket)
}

#[test]
fn a_closed_sockets_number_is_the_next_ones_as_the_faults_have_it() {
    let how_often = |faults| {
        let (_network, mut driver, _) = host(faults);
        let is_at_once = |_: &u32| {
            let old = socket(&mut driver);
            driver.detach(old);
            let next = socket(&mut driver);
            driver.detach(next);
            old.index() == next.index()
        };
        (0..100).filter(is_at_once).count()
    };
    assert_eq!(how_often(Faults::NONE), 0);
    let sometimes = how_often(Faults { descriptor_reuse: 0.5, ..Faults::NONE });
    assert!((30..70).contains(&sometimes), "{sometimes}");
}

#[test]
fn an_old_number_is_not_taken_for_its_heir() {
    let (_network, mut driver, address) = host(Faults { descriptor_reuse: 1.0, ..Faults::NONE });
    let old = socket(&mut driver);
    let receive = |source| Operation::Recv { source, at_most: 10 };
    let Submitted::Pending(key) = driver.submit(receive(old)) else { panic!("nothing is there") };
    driver.detach(old);
    let mut done = Vec::new();
    driver.wait(Some(Duration::ZERO), &mut done).unwrap();
    assert_eq!(done, [key], "it has ended with its socket");
    let theirs = driver.socket(Family::V4, SocketKind::Datagram).unwrap();
    theirs.bind(&address).unwrap();
    let heir = driver.attach_socket(theirs);
    assert_eq!((old.index(), old == heir), (heir.index(), false));

    let data = b"the heir's".into();
    let to = Box::new(address);
    let Submitted::Done(Ok(_)) = driver.submit(Operation::SendTo { source: heir, data, to }) else {
        panic!("sent at once")
    };
    driver.wait(Some(Duration::from_secs(1)), &mut Vec::new()).unwrap();
    assert!(matches!(driver.submit(receive(old)), Submitted::Done(Err(_))));
    assert!(matches!(driver.take(key), Some(Err(_))));
    let Submitted::Done(Ok(Outcome::Received(data))) = driver.submit(receive(heir)) else {
        panic!("it came")
    };
    assert_eq!(&data[..], b"the heir's");
}
