//! Operations of attached sources: called back, awaited, cancelled, dropped.

mod support;

use std::{
    cell::{Cell, RefCell},
    future::Future,
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixStream,
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use roundel_loop::{Attached, LoopHandle, Outcome, Socket, SocketOption, Source};
use support::{Log, drivers, event_loop, loop_on, turn};

fn pair(handle: &LoopHandle) -> (Attached, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (handle.attach(Source::new(ours)), theirs)
}

fn text(outcome: Outcome) -> String {
    match outcome {
        Outcome::Received(data) => String::from_utf8(data.into_vec()).unwrap(),
        other => panic!("no data: {other:?}"),
    }
}

#[test]
fn an_outcome_is_called_back_in_a_later_turn_never_at_once() {
    let (mut event_loop, handle) = event_loop();
    let (ours, mut theirs) = pair(&handle);
    let log = Log::default();
    let note = || {
        let log = log.clone();
        move |completion: roundel_loop::Completion| log.add(text(completion.unwrap()))
    };
    let waits = ours.recv(10).then(note());
    assert!(!waits.site().file().is_empty());
    theirs.write_all(b"later").unwrap();
    turn(&mut event_loop);
    assert_eq!(log.take(), ["later"]);

    theirs.write_all(b"there").unwrap();
    turn(&mut event_loop); // the event that says so
    ours.recv(10).then(note());
    assert!(log.take().is_empty(), "but not called from within");
    turn(&mut event_loop);
    assert_eq!(log.take(), ["there"]);
}

#[test]
fn one_wake_one_poll() {
    let (mut event_loop, handle) = event_loop();
    let (ours, mut theirs) = pair(&handle);
    let polls = Cell::new(0);
    handle.call_later(support::MS, move || theirs.write_all(b"data").unwrap());
    let mut receive = pin!(ours.recv(10));
    let counted = std::future::poll_fn(|context: &mut Context<'_>| {
        polls.set(polls.get() + 1);
        receive.as_mut().poll(context)
    });
    assert_eq!(text(event_loop.run_until_complete(counted).unwrap().unwrap()), "data");
    assert_eq!(polls.get(), 2, "once to wait, once to take");
}

#[test]
fn a_dropped_receive_takes_nothing_at_whatever_point() {
    for turns in 0..3 {
        let (mut event_loop, handle) = event_loop();
        let (ours, mut theirs) = pair(&handle);
        let mut receive = Box::pin(ours.recv(10));
        let mut context = Context::from_waker(Waker::noop());
        assert!(receive.as_mut().poll(&mut context).is_pending());
        for _ in 0..turns {
            turn(&mut event_loop);
        }
        drop(receive);
        theirs.write_all(b"kept").unwrap();
        turn(&mut event_loop);
        assert_eq!(text(event_loop.run_until_complete(ours.recv(10)).unwrap().unwrap()), "kept");
        assert_eq!(event_loop.driver_statistics().operations, 0, "no slot is left");
    }
}

#[test]
fn a_cancelled_operation_s_call_back_is_dropped_and_never_runs() {
    let (mut event_loop, handle) = event_loop();
    let (ours, mut theirs) = pair(&handle);
    let token = Rc::new(());
    let held = Rc::clone(&token);
    let waiting = ours.recv(10).then(move |_| panic!("cancelled: {held:?}"));
    theirs.write_all(b"kept").unwrap();
    assert!(waiting.cancel());
    assert_eq!(Rc::strong_count(&token), 1);
    assert!(!waiting.cancel());
    turn(&mut event_loop);
    assert_eq!(handle.statistics().panics, 0);
    assert_eq!(text(event_loop.run_until_complete(ours.recv(10)).unwrap().unwrap()), "kept");
}

#[test]
fn a_call_back_can_be_cancelled_between_its_event_and_its_run() {
    let (mut event_loop, handle) = event_loop();
    let (ours, mut theirs) = pair(&handle);
    let waiting = ours.recv(10).then(|_| panic!("cancelled"));
    theirs.write_all(b"taken").unwrap();
    event_loop.poll_events(None).unwrap();
    event_loop.process_events().unwrap();
    assert!(waiting.cancel());
    event_loop.run_ready().unwrap();
    assert_eq!(handle.statistics().panics, 0);
    assert_eq!(event_loop.driver_statistics().operations, 0);
}

#[test]
fn detaching_tells_who_waits() {
    let (mut event_loop, handle) = event_loop();
    let (ours, mut theirs) = pair(&handle);
    let log = Log::default();
    let note = log.clone();
    let _waiting =
        ours.recv(10).then(move |result| note.add(format!("{:?}", result.unwrap_err().kind())));
    drop(ours);
    assert_eq!(theirs.read(&mut [0]).unwrap(), 0, "closed");
    turn(&mut event_loop);
    assert_eq!(log.take(), ["ConnectionAborted"]);
}

#[test]
fn an_error_names_the_action_and_the_cause() {
    let (mut event_loop, handle) = event_loop();
    let (ours, theirs) = pair(&handle);
    drop(theirs);
    let error = event_loop.run_until_complete(ours.send(b"lost")).unwrap().unwrap_err();
    assert_eq!(error.to_string(), "sending on a socket");
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    let cause = std::error::Error::source(&error).expect("a cause");
    assert!(cause.to_string().contains("Broken pipe"), "{cause}");
    assert_eq!(error.into_data().unwrap(), b"lost", "and loses nothing");
}

// spec: LPD-07
#[test]
fn a_blocking_socket_does_not_block_the_loop() {
    let (mut event_loop, handle) = event_loop();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // As std makes them: blocking.
    let listener = handle.attach(Source::new(listener));
    let ran = Rc::new(Cell::new(false));
    handle.call_soon({
        let ran = Rc::clone(&ran);
        move || ran.set(true)
    });
    let accepted = RefCell::new(None);
    let waiting = listener.accept().then(|completion| drop(completion.unwrap()));
    turn(&mut event_loop);
    assert!(ran.get());
    waiting.cancel();
    let client = TcpStream::connect(address).unwrap();
    accepted.replace(Some(event_loop.run_until_complete(listener.accept()).unwrap().unwrap()));
    drop(client);
}

/// An echo server of call-backs alone: the shape that the benchmark and the tour have.
fn echo(connection: Rc<Attached<Socket>>) {
    let mut submission = connection.recv(4096);
    loop {
        match submission.try_now() {
            Ok(Ok(Outcome::Received(data))) if data.is_empty() => return,
            Ok(Ok(Outcome::Received(data))) => submission = connection.send(data),
            Ok(Ok(_)) => submission = connection.recv(4096),
            Ok(Err(_)) => return,
            Err(pending) => {
                let again = Rc::clone(&connection);
                pending.then(move |completion| match completion {
                    Ok(Outcome::Received(data)) if data.is_empty() => {}
                    Ok(Outcome::Received(data)) => {
                        let back = again.send(data);
                        back.then({
                            let again = Rc::clone(&again);
                            move |_| echo(again)
                        });
                    }
                    _ => echo(again),
                });
                return;
            }
        }
    }
}

#[test]
fn an_echo_of_call_backs_returns_every_byte_and_registers_once() {
    for driver in drivers() {
        let mut event_loop = loop_on(driver);
        let handle = event_loop.handle();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let listener = handle.attach(Source::new(listener));
        let loop_handle = handle.clone();
        let _accepting = listener.accept().then(move |completion| {
            let Ok(Outcome::Accepted(socket)) = completion else { panic!("{completion:?}") };
            socket.set(SocketOption::NoDelay(true)).unwrap();
            echo(Rc::new(loop_handle.attach(socket)));
        });
        let remote = event_loop.remote();
        let client = std::thread::spawn(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_nodelay(true).unwrap();
            let mut back = vec![0; 50_000];
            for round in 0..50_u8 {
                let sent = vec![round; 1 + usize::from(round) * 1000];
                stream.write_all(&sent).unwrap();
                stream.read_exact(&mut back[..sent.len()]).unwrap();
                assert!(back[..sent.len()] == sent[..]);
            }
            drop(stream);
            remote.stop();
        });
        event_loop.run_forever().unwrap();
        client.join().unwrap();
        assert_eq!(handle.statistics().panics, 0);
        if driver == "epoll" {
            let registrations = event_loop.driver_statistics().registrations;
            assert!(registrations <= 3, "listener and connection, once each way: {registrations}");
        }
    }
}

#[test]
fn a_submission_polled_after_it_was_ready_says_so() {
    let (mut event_loop, handle) = event_loop();
    let (ours, mut theirs) = pair(&handle);
    theirs.write_all(b"x").unwrap();
    let mut receive = pin!(ours.recv(1));
    let mut context = Context::from_waker(Waker::noop());
    let mut poll = receive.as_mut().poll(&mut context);
    while poll.is_pending() {
        event_loop.poll_events(None).unwrap();
        poll = receive.as_mut().poll(&mut context);
    }
    assert!(matches!(poll, Poll::Ready(Ok(_))));
    let again = std::panic::AssertUnwindSafe(|| receive.as_mut().poll(&mut context));
    assert!(std::panic::catch_unwind(again).is_err());
}

#[test]
fn an_outcome_that_came_before_its_call_back_is_still_called_back() {
    let (mut event_loop, handle) = event_loop();
    let (ours, mut theirs) = pair(&handle);
    let log = Log::default();
    let submission = ours.recv(10);
    theirs.write_all(b"early").unwrap();
    event_loop.poll_events(None).unwrap();
    event_loop.process_events().unwrap();
    event_loop.run_ready().unwrap();
    let note = log.clone();
    submission.then(move |completion| note.add(text(completion.unwrap())));
    turn(&mut event_loop);
    assert_eq!(log.take(), ["early"]);
}

#[test]
fn a_done_outcome_s_call_back_can_be_cancelled_too() {
    let (mut event_loop, handle) = event_loop();
    let (ours, mut theirs) = pair(&handle);
    theirs.write_all(b"x").unwrap();
    let queued = ours.recv(10).then(|_| panic!("cancelled"));
    assert!(queued.cancel());
    assert!(!queued.cancel());
    turn(&mut event_loop);
    assert_eq!(handle.statistics().panics, 0);
}

#[test]
fn a_receive_dropped_after_its_data_came_loses_nothing() {
    let (mut event_loop, handle) = event_loop();
    let (ours, mut theirs) = pair(&handle);
    let mut receive = Box::pin(ours.recv(10));
    let mut context = Context::from_waker(Waker::noop());
    assert!(receive.as_mut().poll(&mut context).is_pending());
    theirs.write_all(b"kept").unwrap();
    turn(&mut event_loop);
    drop(receive);
    assert_eq!(text(event_loop.run_until_complete(ours.recv(10)).unwrap().unwrap()), "kept");
}

#[test]
fn an_operation_on_a_closed_loop_is_refused() {
    let (mut event_loop, handle) = event_loop();
    let (ours, _theirs) = pair(&handle);
    event_loop.close();
    let error = ours.send(b"late").try_now().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotConnected);
    assert_eq!(error.into_data().unwrap(), b"late");
}

/// Requests and answers on TCP cost no refused call and no registration.
#[test]
fn an_echo_over_tcp_makes_no_call_in_vain() {
    let (mut event_loop, handle) = event_loop();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_nodelay(true).unwrap();
    let server = Rc::new(handle.attach(Socket::new(listener.accept().unwrap().0)));
    echo(Rc::clone(&server));
    turn(&mut event_loop);
    let before = event_loop.driver_statistics();
    client.set_nonblocking(true).unwrap();
    for _ in 0..100 {
        client.write_all(b"ping").unwrap();
        while client.peek(&mut [0; 4]).is_err() {
            event_loop.poll_events(None).unwrap();
            event_loop.process_events().unwrap();
            event_loop.run_ready().unwrap();
        }
        client.read_exact(&mut [0; 4]).unwrap();
    }
    let after = event_loop.driver_statistics();
    assert!(after.refused - before.refused <= 1, "{} refused", after.refused - before.refused);
    assert!(after.registrations - before.registrations <= 1);
}

#[test]
fn an_outcome_that_was_taken_before_it_was_told_takes_nobodys_wake() {
    for name in drivers() {
        let mut event_loop = loop_on(name);
        let handle = event_loop.handle();
        let (given_up, _theirs) = pair(&handle);
        let (ours, mut theirs) = pair(&handle);
        event_loop
            .run_until_complete(async {
                let mut aborted = pin!(given_up.recv(10));
                std::future::poll_fn(|context| {
                    assert!(aborted.as_mut().poll(context).is_pending());
                    Poll::Ready(())
                })
                .await;
                drop(given_up);
                aborted.await.unwrap_err();
                // Its key's place is this one's now.
                let receive = ours.recv(10);
                handle.call_later(support::MS, move || theirs.write_all(b"heard").unwrap());
                assert_eq!(text(receive.await.unwrap()), "heard", "on {name}");
            })
            .unwrap();
    }
}
