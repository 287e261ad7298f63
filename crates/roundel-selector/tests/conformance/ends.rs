//! The ends of a connection: shut, hung up, reset.
use std::{io::pipe, net::Shutdown, sync::Arc, time::Duration};

use roundel_selector::{Interest, Readiness, Source, Token, Trigger};

use crate::bench::{every, pair, wait_for, watch};

#[test]
fn a_peer_that_stops_sending_is_readable() {
    every(|selector| {
        let (near, far) = pair();
        watch(selector, &near, 1, Interest::READ);
        far.shutdown(Shutdown::Write).unwrap();
        wait_for(selector, 1, Readiness::READABLE);
    });
}

#[test]
fn epoll_and_poll_tell_that_the_peer_stopped_sending() {
    every(|selector| {
        if !["epoll", "poll"].contains(&selector.name()) {
            return;
        }
        let (near, far) = pair();
        watch(selector, &near, 1, Interest::READ);
        far.shutdown(Shutdown::Write).unwrap();
        wait_for(selector, 1, Readiness::READABLE.with(Readiness::READ_CLOSED));
    });
}

#[test]
fn a_reset_is_readable_and_writable() {
    every(|selector| {
        let (near, far) = pair();
        watch(selector, &near, 1, Interest::BOTH);
        // Closing with a linger time of zero sends a reset.
        rustix::net::sockopt::set_socket_linger(&far, Some(Duration::ZERO)).unwrap();
        drop(far);
        wait_for(selector, 1, Readiness::READABLE.with(Readiness::WRITABLE));
        if selector.name() != "select" {
            wait_for(selector, 1, Readiness::ERROR);
        }
    });
}

// spec: SEL-18
#[test]
fn a_hang_up_is_readable_for_a_reader() {
    every(|selector| {
        let (reader, writer) = pipe().unwrap();
        let source = Source::new(reader);
        selector.register(&source, Token(1), Interest::READ, Trigger::Level).unwrap();
        drop(writer);
        wait_for(selector, 1, Readiness::READABLE);
    });
}

// spec: SEL-18
#[test]
fn an_error_is_writable_for_a_writer() {
    every(|selector| {
        let (reader, writer) = pipe().unwrap();
        let writer = Arc::new(writer);
        rustix::io::ioctl_fionbio(&writer, true).unwrap();
        while rustix::io::write(&writer, &[0; 4096]).is_ok() {}
        let source = Source::shared(writer);
        selector.register(&source, Token(1), Interest::WRITE, Trigger::Level).unwrap();
        drop(reader);
        wait_for(selector, 1, Readiness::WRITABLE);
    });
}
