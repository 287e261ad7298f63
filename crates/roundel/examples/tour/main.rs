//! A tour of the event loop, by call-backs alone: what happens on which turn, and in which order.
//!
//! `cargo run --release --example tour`

mod client;
mod echo;
mod timeline;

use std::{cell::Cell, error::Error, io, panic, rc::Rc, thread, time::Duration};

use roundel::{EventLoop, LoopConfig, LoopHandle, RemoteHandle};

use crate::{
    client::{Client, MEGABYTE},
    timeline::TimeLine,
};

const CLIENTS: usize = 3;
const TICK: Duration = Duration::from_millis(1);
const TOO_SLOW: Duration = Duration::from_millis(50);
const BLOCKED: Duration = Duration::from_millis(80);

fn main() -> Result<(), Box<dyn Error>> {
    // The parts of a loop can be chosen; here, what counts as holding it up.
    let mut config = LoopConfig::new()?;
    config.slow_callback = Some(TOO_SLOW);
    let mut event_loop = EventLoop::with_config(config);
    let handle = event_loop.handle();

    let messages: Vec<_> = (1..=CLIENTS).map(client::message).collect();
    let timeline = TimeLine::begin(handle.now());
    handle.set_unhandled_handler(Some(Rc::new(move |failure| timeline.report(failure))));
    // The time line reports a call-back's panic; one report is enough.
    panic::set_hook(Box::new(|_| {}));

    // Nothing runs yet: this only says what shall happen.
    order(&handle, timeline);
    let worker = work_elsewhere(event_loop.remote(), timeline);
    let checked = echo(&handle, messages, timeline)?;

    event_loop.run_forever()?;

    drop(panic::take_hook());
    worker.join().map_err(|_| "the worker thread panicked")?;
    timeline.end(&event_loop);
    match checked.get() {
        all if all == CLIENTS * MEGABYTE => Ok(()),
        some => Err(format!("only {some} bytes came back unharmed").into()),
    }
}

/// Call-backs run in the order in which they were queued, timers in the order of their deadlines.
fn order(handle: &LoopHandle, timeline: TimeLine) {
    let now = handle.now();
    handle.call_at(now + 2 * TICK, move || timeline.tell("timer", "second, at 2 ms"));
    handle.call_later(TICK, move || timeline.tell("timer", "first, after 1 ms"));
    handle.call_soon(move || timeline.tell("call_soon", "first"));
    handle.call_soon(move || {
        timeline.tell("call_soon", "second; asks for a third");
        let third = move || timeline.tell("call_soon", "third: on the next turn, not this one");
        LoopHandle::current().call_soon(third);
    });
}

/// Another thread reaches the loop by its remote handle: the call-backs run here, not there.
fn work_elsewhere(remote: RemoteHandle, timeline: TimeLine) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for limit in [1_000, 2_000, 3_000_u32] {
            let primes = (2..limit).filter(|n| (2..*n).all(|d| n % d != 0)).count();
            let tell = move || timeline.tell("thread", format!("{primes} primes below {limit}"));
            if remote.call_soon(tell).is_err() {
                return; // the loop is closed: nobody wants to know
            }
        }
    })
}

/// An echo server and its clients, watched by a timer that sets itself anew. Returns the count of
/// bytes that came back.
fn echo(
    handle: &LoopHandle,
    messages: Vec<Vec<u8>>,
    timeline: TimeLine,
) -> io::Result<Rc<Cell<usize>>> {
    let time_out = Rc::new(handle.call_later(Duration::from_secs(5), move || {
        timeline.tell("timer", "the clients take too long");
        LoopHandle::current().stop();
    }));
    let server = echo::serve(handle, timeline)?;
    let checked = Rc::new(Cell::new(0));
    for (message, number) in messages.into_iter().zip(1..) {
        let (checked, time_out) = (Rc::clone(&checked), Rc::clone(&time_out));
        let on_checked = move |more| {
            checked.set(checked.get() + more);
            if checked.get() == CLIENTS * MEGABYTE {
                timeline.tell("timer", format!("time-out cancelled: {}", time_out.cancel()));
                mishaps(timeline);
            }
        };
        let name = format!("client {number}");
        let client = Client::new(handle, name, message, timeline, on_checked)?;
        handle.call_soon(move || client.connect(server));
    }
    tick(handle, Rc::clone(&checked), timeline);
    Ok(checked)
}

fn tick(handle: &LoopHandle, checked: Rc<Cell<usize>>, timeline: TimeLine) {
    handle.call_later(TICK, move || {
        let so_far = checked.get();
        if so_far < CLIENTS * MEGABYTE {
            timeline.tell("tick", format!("{so_far} bytes have come back"));
            tick(&LoopHandle::current(), checked, timeline);
        }
    });
}

/// What must not happen in a call-back, and what the loop makes of it.
fn mishaps(timeline: TimeLine) {
    let handle = LoopHandle::current();
    handle.call_soon(|| panic!("a call-back panics"));
    handle.call_soon(move || timeline.tell("call_soon", "runs on the same turn, after the panic"));
    handle.call_later(TICK, move || {
        last_words(timeline);
        timeline.tell("timer", format!("blocks its thread for {BLOCKED:?}"));
        thread::sleep(BLOCKED);
    });
}

/// A timer that a blocked loop keeps waiting, and the end.
fn last_words(timeline: TimeLine) {
    let handle = LoopHandle::current();
    let due = handle.now() + TICK;
    handle.clone().call_at(due, move || {
        let late = (handle.now() - due).as_millis();
        timeline.tell("timer", format!("was held up: {late} ms late; stops the loop"));
        handle.stop();
        handle.call_soon(move || timeline.tell("call_soon", "never runs: the loop has stopped"));
    });
}
