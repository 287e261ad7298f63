//! Receipts: one operation, piece after piece, awaited or called back.
#![cfg(unix)]

mod support;

use std::{
    cell::{Cell, RefCell},
    io::{ErrorKind, Write},
    os::unix::net::UnixStream,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use roundel_loop::{
    Attached, Completion, EventLoop, LoopHandle, Outcome, ReceiptsHandle, Socket, Verdict,
};
use support::{Log, drivers, event_loop, loop_on};

fn connection(handle: &LoopHandle) -> (Attached<Socket>, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (handle.attach(Socket::new(ours)), theirs)
}

fn words(completion: &Completion) -> String {
    match completion {
        Ok(Outcome::Received(piece)) => String::from_utf8_lossy(piece).into_owned(),
        other => format!("{:?}", other.as_ref().map_err(|error| error.kind())),
    }
}

fn turn(event_loop: &mut EventLoop) {
    event_loop.handle().stop();
    event_loop.run_forever().unwrap();
}

/// More turns than anything takes that has happened.
fn settle(event_loop: &mut EventLoop) {
    for _ in 0..10 {
        turn(event_loop);
    }
}

#[test]
fn each_piece_is_called_back_and_the_end_is_the_last() {
    for name in drivers() {
        let mut event_loop = loop_on(name);
        let handle = event_loop.handle();
        let (ours, mut theirs) = connection(&handle);
        let log = Log::default();
        let told = log.clone();
        let held = Rc::new(());
        let holds = Rc::clone(&held);
        let receiving = ours.recv_many(100).for_each(move |completion| {
            let _ = &holds;
            told.add(words(&completion));
            if !matches!(completion, Ok(Outcome::Received(piece)) if !piece.is_empty()) {
                LoopHandle::current().stop();
            }
        });
        for word in ["one", "two", "three"] {
            theirs.write_all(word.as_bytes()).unwrap();
            // Whoever comes to speak later does not find an operation that has ended.
            handle.call_soon(|| LoopHandle::current().stop());
            event_loop.run_forever().unwrap();
        }
        drop(theirs);
        event_loop.run_forever().unwrap();
        let lines = log.take();
        assert_eq!((lines.concat(), lines.last().unwrap().as_str()), ("onetwothree".into(), ""));
        assert!(!receiving.cancel(), "{name}: it has been called for the last time");
        assert_eq!(Rc::strong_count(&held), 1, "{name}: the call-back is dropped");
        assert_eq!(event_loop.driver_statistics().operations, 0, "{name}");
    }
}

#[test]
fn a_call_back_that_gives_up_leaves_the_rest_to_the_next() {
    for name in drivers() {
        let mut event_loop = loop_on(name);
        let handle = event_loop.handle();
        let (ours, mut theirs) = connection(&handle);
        theirs.write_all(b"abc").unwrap();
        let log = Log::default();
        let receiving: Rc<RefCell<Option<ReceiptsHandle>>> = Rc::default();
        let (told, itself) = (log.clone(), Rc::clone(&receiving));
        let begun = ours.recv_many(1).for_each(move |completion| {
            told.add(words(&completion));
            let cancelled = itself.borrow().as_ref().is_some_and(ReceiptsHandle::cancel);
            assert!(cancelled, "it goes on");
            LoopHandle::current().stop();
        });
        receiving.replace(Some(begun));
        event_loop.run_forever().unwrap();
        settle(&mut event_loop);
        assert_eq!(log.take(), ["a"], "{name}");
        let rest = event_loop.run_until_complete(ours.recv(100)).unwrap();
        assert_eq!(words(&rest), "bc", "{name}");
    }
}

#[test]
fn a_pause_leaves_what_comes_with_the_peer() {
    for name in drivers() {
        let mut event_loop = loop_on(name);
        let handle = event_loop.handle();
        let (ours, mut theirs) = connection(&handle);
        theirs.write_all(b"abc").unwrap();
        let log = Log::default();
        let receiving: Rc<RefCell<Option<ReceiptsHandle>>> = Rc::default();
        let (told, itself) = (log.clone(), Rc::clone(&receiving));
        let begun = ours.recv_many(1).for_each(move |completion| {
            told.add(words(&completion));
            itself.borrow().as_ref().inspect(|receiving| receiving.pause());
            LoopHandle::current().stop();
        });
        receiving.replace(Some(begun));
        for expected in ["a", "b", "c"] {
            event_loop.run_forever().unwrap();
            settle(&mut event_loop);
            assert_eq!(log.take(), [expected], "{name}: one piece, and then a pause");
            receiving.borrow().as_ref().inspect(|receiving| receiving.resume());
        }
        // Told of nothing while it was paused, it hears of what comes later.
        settle(&mut event_loop);
        theirs.write_all(b"d").unwrap();
        event_loop.run_forever().unwrap();
        assert_eq!(log.take(), ["d"], "{name}");
        // And of what came during a pause, when that is over.
        theirs.write_all(b"e").unwrap();
        settle(&mut event_loop);
        assert_eq!(log.take(), [""; 0], "{name}");
        receiving.borrow().as_ref().inspect(|receiving| receiving.resume());
        event_loop.run_forever().unwrap();
        assert_eq!(log.take(), ["e"], "{name}");
    }
}

#[test]
fn receipts_that_are_dropped_lose_nothing() {
    for name in drivers() {
        let mut event_loop = loop_on(name);
        let (ours, mut theirs) = connection(&event_loop.handle());
        let mut receipts = ours.recv_many(2);
        theirs.write_all(b"abcdef").unwrap();
        let first = event_loop.run_until_complete(receipts.next()).unwrap();
        assert_eq!(words(&first), "ab", "{name}");
        drop(receipts);
        // One that called back, and was told but has not been called.
        let called = Rc::new(Cell::new(false));
        let calling = Rc::clone(&called);
        let each = ours.recv_many(2).for_each(move |_| calling.set(true));
        assert!(each.cancel() && !each.cancel());
        settle(&mut event_loop);
        assert!(!called.get());
        let mut rest = String::new();
        while rest.len() < 4 {
            let piece = event_loop.run_until_complete(ours.recv(100)).unwrap();
            rest += &words(&piece);
        }
        assert_eq!(rest, "cdef", "{name}");
        assert_eq!(event_loop.driver_statistics().operations, 0, "{name}");
    }
}

#[test]
fn whoever_polled_may_go_on_by_call_back() {
    let (mut event_loop, handle) = event_loop();
    let (ours, mut theirs) = connection(&handle);
    let mut receipts = ours.recv_many(100);
    theirs.write_all(b"one").unwrap();
    let first = event_loop.run_until_complete(receipts.next()).unwrap();
    assert_eq!(words(&first), "one");
    // Its seat has a waker in it.
    let polled = event_loop.run_until_complete(async {
        std::future::poll_fn(|context| std::task::Poll::Ready(receipts.poll_next(context))).await
    });
    assert!(polled.unwrap().is_pending());
    let log = Log::default();
    let told = log.clone();
    receipts.for_each(move |completion| {
        told.add(words(&completion));
        LoopHandle::current().stop();
    });
    settle(&mut event_loop);
    theirs.write_all(b"two").unwrap();
    event_loop.run_forever().unwrap();
    assert_eq!(log.take(), ["two"]);
}

#[test]
fn a_flood_leaves_the_others_their_turn() {
    let (mut event_loop, handle) = event_loop();
    let (ours, mut theirs) = connection(&handle);
    theirs.write_all(&[b'x'; 1000]).unwrap();
    let received = Rc::new(Cell::new(0));
    let count = Rc::clone(&received);
    ours.recv_many(1).for_each(move |_| count.set(count.get() + 1));
    turn(&mut event_loop);
    let at_once = received.get();
    assert!(at_once < 100, "one call-back has had {at_once} pieces in a row");
    while received.get() < 1000 {
        turn(&mut event_loop);
    }
}

#[test]
fn a_call_back_that_panics_is_called_with_the_next_piece() {
    let (mut event_loop, handle) = event_loop();
    let reports = Rc::new(Cell::new(0));
    let count = Rc::clone(&reports);
    handle.set_unhandled_handler(Some(Rc::new(move |_| {
        count.set(count.get() + 1);
        Verdict::Continue
    })));
    let (ours, mut theirs) = connection(&handle);
    theirs.write_all(b"ab").unwrap();
    let log = Log::default();
    let told = log.clone();
    ours.recv_many(1).for_each(move |completion| {
        let words = words(&completion);
        told.add(&words);
        match &*words {
            "a" => panic!("at the first"),
            _ => LoopHandle::current().stop(),
        }
    });
    event_loop.run_forever().unwrap();
    assert_eq!((log.take(), reports.get()), (vec!["a".into(), "b".into()], 1));
}

#[test]
fn there_is_nothing_to_receive_from_a_closed_loop() {
    let (mut event_loop, handle) = event_loop();
    let (ours, theirs) = connection(&handle);
    let called = Rc::new(Cell::new(false));
    let calling = Rc::clone(&called);
    let before = ours.recv_many(1).for_each(move |_| calling.set(true));
    event_loop.close();
    drop(theirs);
    assert!(!before.cancel() && !called.get(), "the loop has dropped it");
    let mut receipts = ours.recv_many(1);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = receipts.poll_next(&mut context) else {
        panic!("the loop is closed")
    };
    assert_eq!(error.kind(), ErrorKind::NotConnected);
    let end = receipts.poll_next(&mut context);
    assert!(matches!(end, std::task::Poll::Ready(Ok(Outcome::Received(end))) if end.is_empty()));
}

#[test]
fn a_closed_loop_takes_no_call_back_for_receipts() {
    let (mut event_loop, handle) = event_loop();
    let (ours, _theirs) = connection(&handle);
    let (before, once, held) = (ours.recv_many(1), ours.recv(1), Rc::new(()));
    event_loop.close();
    let holds = (Rc::clone(&held), handle.clone());
    assert!(catch_unwind(AssertUnwindSafe(|| once.then(move |_| drop(holds)))).is_err());
    for receipts in [before, ours.recv_many(1)] {
        let holds = (Rc::clone(&held), handle.clone());
        let given = catch_unwind(AssertUnwindSafe(|| {
            receipts.for_each(move |_| drop(holds.clone()));
        }));
        assert!(given.is_err(), "as with call_soon");
    }
    assert_eq!(Rc::strong_count(&held), 1, "nothing of it is kept");
}
