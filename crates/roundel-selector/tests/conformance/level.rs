//! Level-triggered readiness in both directions.
use std::io::{Read, Write};

use roundel_selector::{Interest, Readiness, Token};

use crate::bench::{every, pair, ready_now, take, wait_for, watch};

// spec: SEL-17
#[test]
fn an_unread_byte_is_reported_by_every_call() {
    every(|selector| {
        let (near, mut far) = pair();
        watch(selector, &near, 1, Interest::READ);
        far.write_all(b"!").unwrap();
        for _ in 0..3 {
            wait_for(selector, 1, Readiness::READABLE);
        }
        take(&near, 1);
        assert_eq!(ready_now(selector), []);
    });
}

// spec: SEL-24
#[test]
fn both_directions_come_as_one_event() {
    every(|selector| {
        let (near, mut far) = pair();
        watch(selector, &near, 1, Interest::BOTH);
        far.write_all(b"!").unwrap();
        wait_for(selector, 1, Readiness::READABLE);

        let events = ready_now(selector);
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].token, Token(1));
        assert_eq!(events[0].readiness, Readiness::READABLE.with(Readiness::WRITABLE));
    });
}

#[test]
fn nobody_hears_of_a_direction_not_asked_for() {
    every(|selector| {
        let (near, mut far) = pair();
        let (other, _far) = pair();
        watch(selector, &near, 1, Interest::READ);
        watch(selector, &other, 2, Interest::WRITE);
        far.write_all(b"!").unwrap();
        wait_for(selector, 1, Readiness::READABLE);
        wait_for(selector, 2, Readiness::WRITABLE);

        for event in ready_now(selector) {
            let asked = if event.token == Token(1) { Interest::READ } else { Interest::WRITE };
            assert_eq!(event.readiness.within(asked), event.readiness);
        }
    });
}

#[test]
fn a_full_socket_is_writable_again_when_there_is_room() {
    every(|selector| {
        let (near, mut far) = pair();
        let full = fill(&near);
        watch(selector, &near, 1, Interest::WRITE);
        assert_eq!(ready_now(selector), []);

        far.read_exact(&mut vec![0; full]).unwrap();
        wait_for(selector, 1, Readiness::WRITABLE);
    });
}

/// Writes until the socket takes no more, and for good: the far side's buffer is full too.
fn fill(mut socket: &std::net::TcpStream) -> usize {
    let mut written = 0;
    let mut refused = 0;
    while refused < 100 {
        match socket.write(&[0; 65536]) {
            Ok(n) => (written, refused) = (written + n, 0),
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
                refused += 1;
                std::thread::yield_now();
            }
        }
    }
    written
}
