//! Several datagrams are sent by one call and received by one: where the kernel refuses a call for
//! each, they go and come all the same.
#![cfg(target_os = "linux")]

use std::{collections::BTreeMap, thread};

use nix::libc;
use roundel_driver::{
    Address, Driver, Family, Message, Operation, Outcome, SelectorDriver, SocketKind, SourceId,
    Submitted,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};

const COUNT: usize = 32;

/// Refuses this thread every call that would move fewer than `COUNT` datagrams.
fn refuse_small_calls() {
    let fewer = |argument| {
        let (length, than) = (SeccompCmpArgLen::Dword, SeccompCmpOp::Lt);
        let fewer = SeccompCondition::new(argument, length, than, COUNT as u64).unwrap();
        vec![SeccompRule::new(vec![fewer]).unwrap()]
    };
    let rules = BTreeMap::from([
        (libc::SYS_sendto, Vec::new()),
        (libc::SYS_sendmsg, Vec::new()),
        (libc::SYS_recvfrom, Vec::new()),
        (libc::SYS_recvmsg, Vec::new()),
        (libc::SYS_sendmmsg, fewer(2)),
        (libc::SYS_recvmmsg, fewer(2)),
    ]);
    let refusal = SeccompAction::Errno(libc::EPERM as u32);
    let architecture = std::env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, architecture).unwrap();
    apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
}

fn bound(driver: &mut dyn Driver, family: Family, local: &str) -> (SourceId, Address) {
    let socket = driver.socket(family, SocketKind::Datagram).unwrap();
    socket.bind(&local.parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    let address = socket.local_address().unwrap();
    (driver.attach_socket(socket), address)
}

fn one_call_moves_all(driver: &mut dyn Driver, family: Family, local: &str) {
    let (ours, address) = bound(driver, family, local);
    let (theirs, their_address) = bound(driver, family, local);
    let message = |n: usize| Message { data: vec![n as u8; n].into(), to: Some(address.clone()) };
    let messages = Box::new((0..COUNT).map(message).collect());
    let sent = driver.submit(Operation::SendBatch { source: theirs, messages });
    let Submitted::Done(Ok(Outcome::SentBatch(sent))) = sent else { panic!("{sent:?}") };
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    let many = Operation::RecvBatch { source: ours, at_most: 100, count: COUNT };
    let received = driver.submit(many);
    let Submitted::Done(Ok(Outcome::Datagrams(received))) = received else {
        panic!("{received:?}")
    };
    assert_eq!(received.len(), COUNT);
    for (n, datagram) in received.iter().enumerate() {
        assert_eq!((&datagram.data[..], &datagram.from), (&vec![n as u8; n][..], &their_address));
    }
}

#[test]
fn a_batch_makes_one_call() {
    let denied = thread::spawn(|| {
        refuse_small_calls();
        for selector in ["epoll", "poll", "select", "polling"] {
            let mut driver = SelectorDriver::by_name(selector).unwrap();
            one_call_moves_all(&mut driver, Family::V4, "127.0.0.1:0");
            one_call_moves_all(&mut driver, Family::V6, "[::1]:0");
        }
    });
    denied.join().unwrap();
}
