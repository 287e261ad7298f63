//! Transports and protocols: what is called, in which order, and how often.

mod support;

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    rc::Rc,
    task::{Poll, Waker},
};

use roundel_loop::{Interest, LoopHandle};
use roundel_stream::{Chunk, Protocol, Transport, WaterMarks};

use support::{End, run, sockets, turns};

/// More than any socket's buffer holds.
const MUCH: usize = 12 << 20;

type OnMade = Box<dyn FnOnce(&Transport)>;
type OnData = Box<dyn FnMut(&Transport, &[u8])>;

/// What was called, in order; data that follows data is put together.
#[derive(Clone, Default)]
struct Log(Rc<Calls>);

#[derive(Default)]
struct Calls {
    lines: RefCell<Vec<String>>,
    waiter: RefCell<Option<Waker>>,
}

impl Log {
    fn add(&self, line: impl Into<String>) {
        let (line, mut lines) = (line.into(), self.0.lines.borrow_mut());
        match lines.last_mut() {
            Some(last) if last.starts_with("data ") && line.starts_with("data ") => {
                last.push_str(&line["data ".len()..]);
            }
            _ => lines.push(line),
        }
        if let Some(waiter) = self.0.waiter.take() {
            waiter.wake();
        }
    }

    fn lines(&self) -> Vec<String> {
        self.0.lines.borrow().clone()
    }

    fn has(&self, line: &str) -> bool {
        self.count(line) > 0
    }

    fn count(&self, line: &str) -> usize {
        self.0.lines.borrow().iter().filter(|it| *it == line).count()
    }

    /// Waits until that was called.
    async fn until(&self, line: &str) {
        poll_fn(|context| {
            self.0.waiter.replace(Some(context.waker().clone()));
            if self.has(line) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

struct Recorder {
    log: Log,
    stays_open: bool,
    on_made: Option<OnMade>,
    on_data: Option<OnData>,
}

impl Recorder {
    fn new(log: &Log) -> Self {
        Self { log: log.clone(), stays_open: false, on_made: None, on_data: None }
    }
}

impl Protocol for Recorder {
    fn connection_made(&mut self, transport: &Transport) {
        self.log.add("made");
        if let Some(call) = self.on_made.take() {
            call(transport);
        }
    }

    fn data_received(&mut self, transport: &Transport, data: Chunk) {
        assert!((1..=256 << 10).contains(&data.len()));
        self.log.add(format!("data {}", String::from_utf8_lossy(&data)));
        if let Some(call) = &mut self.on_data {
            call(transport, &data);
        }
    }

    fn eof_received(&mut self, _: &Transport) -> bool {
        self.log.add("eof");
        self.stays_open
    }

    fn pause_writing(&mut self, _: &Transport) {
        self.log.add("pause");
    }

    fn resume_writing(&mut self, _: &Transport) {
        self.log.add("resume");
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.log.add(format!("lost {:?}", error.map(|error| error.kind())));
    }
}

/// A transport with that protocol, and the other end.
async fn started(protocol: Recorder) -> (Transport, End) {
    let (ours, theirs) = sockets().await;
    let handle = LoopHandle::current();
    (Transport::start(&handle, handle.attach(ours), protocol), End::new(theirs))
}

/// Sends back what it is sent, and does not listen while too much of it is unsent.
struct Echo(Log);

impl Protocol for Echo {
    fn data_received(&mut self, transport: &Transport, data: Chunk) {
        transport.write(data).unwrap();
    }

    fn pause_writing(&mut self, transport: &Transport) {
        self.0.add("pause");
        transport.pause_reading();
    }

    fn resume_writing(&mut self, transport: &Transport) {
        transport.resume_reading();
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.0.add(format!("lost {:?}", error.map(|error| error.kind())));
    }
}

#[test]
fn a_transport_that_nobody_holds_lives_while_something_is_unsent() {
    run(async || {
        let log = Log::default();
        let (ours, theirs) = sockets().await;
        let handle = LoopHandle::current();
        drop(Transport::start(&handle, handle.attach(ours), Echo(log.clone())));
        let End { mut reader, mut writer } = End::new(theirs);
        let send = async {
            writer.write(vec![b'x'; MUCH]).await.unwrap();
            writer.write_eof().await.unwrap();
        };
        let ((), back) = futures::join!(send, async {
            // Everything is sent before anything is read.
            log.until("pause").await;
            reader.read_to_end().await.unwrap().len()
        });
        assert_eq!(back, MUCH);
        log.until("lost None").await;
    });
}

// spec: PRO-01, TRP-02, TRP-03
#[test]
fn made_then_data_then_eof_then_lost() {
    run(async || {
        let log = Log::default();
        let (transport, mut theirs) = started(Recorder::new(&log)).await;
        theirs.tell(b"one ").await;
        theirs.tell(b"two").await;
        theirs.writer.write_eof().await.unwrap();
        assert_eq!(theirs.reader.read(1).await.unwrap(), b"");
        turns(3).await;
        assert_eq!(log.lines(), ["made", "data one two", "eof", "lost None"]);
        assert!(transport.is_closing());
    });
}

// spec: TRP-01
#[test]
fn each_of_the_first_steps_has_a_call_back_of_its_own_and_a_pause_in_the_first_counts() {
    run(async || {
        let log = Log::default();
        let mut protocol = Recorder::new(&log);
        protocol.on_made = Some(Box::new(|transport| transport.pause_reading()));
        let (ours, theirs) = sockets().await;
        let (handle, mut theirs) = (LoopHandle::current(), End::new(theirs));
        theirs.tell(b"early").await;
        let ours = handle.attach(ours);
        ours.ready(Interest::READ).await.unwrap();
        let transport = Transport::start(&handle, ours, protocol);
        assert!(!log.has("made"));
        turns(5).await;
        assert_eq!(log.lines(), ["made"]);
        assert!(!transport.is_reading());
        transport.resume_reading();
        transport.resume_reading();
        log.until("data early").await;
        transport.close();
    });
}

// spec: PRO-02
#[test]
fn a_protocol_that_says_so_stays_open_behind_the_peers_end() {
    run(async || {
        let log = Log::default();
        let protocol = Recorder { stays_open: true, ..Recorder::new(&log) };
        let (transport, mut theirs) = started(protocol).await;
        theirs.writer.write_eof().await.unwrap();
        log.until("eof").await;
        transport.write(b"still here").unwrap();
        assert_eq!(theirs.hear(10).await, b"still here");
        assert!(!log.has("lost None"));
        transport.close();
        log.until("lost None").await;
    });
}

// spec: TRP-04, TRP-05, TRP-07, TRP-08
#[test]
fn writes_are_kept_in_order_and_told_when_too_much_is_unsent() {
    run(async || {
        let log = Log::default();
        let (transport, mut theirs) = started(Recorder::new(&log)).await;
        transport.write(b"").unwrap();
        transport.write(vec![1; MUCH]).unwrap();
        log.until("pause").await;
        transport.write_vectored(vec![b"two".into(), b"three".into()]).unwrap();
        assert_eq!(log.count("pause"), 1);
        let all = theirs.hear(MUCH + 8).await;
        assert_eq!(&all[MUCH..], b"twothree");
        log.until("resume").await;
        assert_eq!((log.count("pause"), log.count("resume")), (1, 1));
        assert_eq!(transport.buffered_bytes(), 0);
        transport.write_eof();
        assert_eq!(transport.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        transport.close();
    });
}

// spec: FLO-03
#[test]
fn a_pause_is_told_at_once_or_behind_the_call_that_brought_it_about() {
    run(async || {
        let log = Log::default();
        let mut protocol = Recorder::new(&log);
        let told = log.clone();
        protocol.on_data = Some(Box::new(move |transport, _| {
            transport.write(vec![1; MUCH]).unwrap();
            told.add("has written");
        }));
        let (transport, mut theirs) = started(protocol).await;
        theirs.tell(b"go").await;
        log.until("pause").await;
        assert_eq!(log.lines(), ["made", "data go", "has written", "pause"]);
        transport.abort();

        let log = Log::default();
        let (transport, _theirs) = started(Recorder::new(&log)).await;
        log.until("made").await;
        transport.set_limits(WaterMarks::high_at(100));
        transport.write(vec![1; MUCH]).unwrap();
        assert!(log.has("pause"));
        transport.abort();
    });
}

// spec: TRP-09, TRP-10
#[test]
fn a_close_sends_what_is_unsent_and_an_abort_does_not() {
    run(async || {
        let log = Log::default();
        let (transport, mut theirs) = started(Recorder::new(&log)).await;
        transport.write(vec![1; MUCH]).unwrap();
        transport.close();
        transport.close();
        assert!(transport.is_closing());
        assert!(!log.has("lost None"));
        assert_eq!(theirs.hear(MUCH).await.len(), MUCH);
        assert_eq!(theirs.reader.read(1).await.unwrap(), b"");
        turns(3).await;
        assert_eq!(log.count("lost None"), 1);

        let log = Log::default();
        let (transport, mut theirs) = started(Recorder::new(&log)).await;
        transport.write(vec![1; MUCH]).unwrap();
        transport.abort();
        assert!(!log.has("lost None"));
        turns(2).await;
        assert_eq!(log.count("lost None"), 1);
        assert!(theirs.reader.read_to_end().await.unwrap().len() < MUCH);
    });
}

// spec: TRP-06
#[test]
fn writes_behind_the_end_of_the_connection_are_dropped() {
    run(async || {
        let log = Log::default();
        let (transport, _theirs) = started(Recorder::new(&log)).await;
        transport.abort();
        turns(3).await;
        transport.write(b"to nobody").unwrap_err();
        assert_eq!(transport.buffered_bytes(), 0);
        assert_eq!(log.count("lost None"), 1);
    });
}

// spec: TRP-11
#[test]
fn the_end_of_writing_comes_behind_what_is_unsent() {
    run(async || {
        let log = Log::default();
        let (transport, mut theirs) = started(Recorder::new(&log)).await;
        transport.write(vec![1; MUCH]).unwrap();
        transport.write_eof();
        assert_eq!(theirs.reader.read_to_end().await.unwrap().len(), MUCH);
        theirs.tell(b"answer").await;
        log.until("data answer").await;
        transport.close();
        transport.write_eof();
    });
}

// spec: TRP-12
#[test]
fn an_error_ends_the_connection_with_it() {
    run(async || {
        let log = Log::default();
        let (ours, theirs) = sockets().await;
        let handle = LoopHandle::current();
        let transport = Transport::start(&handle, handle.attach(ours), Recorder::new(&log));
        let theirs = handle.attach(theirs);
        transport.write(b"unread, which resets the connection").unwrap();
        theirs.ready(Interest::READ).await.unwrap();
        drop(theirs);
        let lost = "lost Some(ConnectionReset)";
        log.until(lost).await;
        assert_eq!(log.count(lost), 1, "{:?}", log.lines());
        assert!(transport.is_closing());
    });
}

// spec: TRP-14, TRP-18
#[test]
fn what_comes_while_reading_is_paused_is_delivered_on_resume() {
    run(async || {
        let log = Log::default();
        let (transport, mut theirs) = started(Recorder::new(&log)).await;
        theirs.tell(b"one ").await;
        log.until("data one ").await;
        transport.pause_reading();
        transport.pause_reading();
        assert!(!transport.is_reading());
        theirs.tell(b"two").await;
        turns(5).await;
        assert!(log.has("data one "));
        transport.resume_reading();
        log.until("data one two").await;
        transport.close();
        transport.pause_reading();
        transport.resume_reading();
        assert!(!transport.is_reading());
    });
}

// spec: TRP-15
#[test]
fn another_protocol_takes_over_even_while_the_first_is_called() {
    run(async || {
        let (first, second) = (Log::default(), Log::default());
        let mut protocol = Recorder::new(&first);
        let told = second.clone();
        protocol.on_data = Some(Box::new(move |transport, _| {
            transport.set_protocol(Recorder::new(&told));
        }));
        let (transport, mut theirs) = started(protocol).await;
        theirs.tell(b"switch").await;
        first.until("data switch").await;
        theirs.tell(b"and on").await;
        second.until("data and on").await;
        transport.close();
        turns(3).await;
        assert_eq!(first.lines(), ["made", "data switch"]);
        assert_eq!(second.lines(), ["data and on", "lost None"]);
    });
}

// spec: TRP-13
#[test]
fn a_panic_is_reported_and_aborts_the_connection() {
    run(async || {
        let reports = Rc::new(RefCell::new(0));
        let told = Rc::clone(&reports);
        LoopHandle::current().set_unhandled_handler(Some(Rc::new(move |_| {
            *told.borrow_mut() += 1;
            roundel_loop::Verdict::Continue
        })));
        let log = Log::default();
        let mut protocol = Recorder::new(&log);
        protocol.on_data = Some(Box::new(|_, _| panic!("on purpose")));
        let (transport, mut theirs) = started(protocol).await;
        theirs.tell(b"panic").await;
        assert!(theirs.reader.read(1).await.unwrap().is_empty());
        assert_eq!(*reports.borrow(), 1);
        assert!(transport.is_closing());
        assert_eq!(log.lines(), ["made", "data panic"]);
    });
}

#[test]
fn a_transport_that_is_paused_and_that_nobody_holds_is_gone() {
    run(async || {
        let log = Log::default();
        let mut protocol = Recorder::new(&log);
        protocol.on_data = Some(Box::new(|transport, _| transport.pause_reading()));
        let (transport, mut theirs) = started(protocol).await;
        theirs.tell(b"pause").await;
        log.until("data pause").await;
        drop(transport);
        // Its end of the connection is closed with it.
        assert!(theirs.reader.read(1).await.unwrap().is_empty());
    });
}

// spec: TRP-16
#[test]
fn a_transport_knows_its_addresses() {
    run(async || {
        let (transport, theirs) = started(Recorder::new(&Log::default())).await;
        assert_eq!(transport.peer_address().unwrap(), theirs.writer.local_address().unwrap());
        assert_eq!(transport.local_address().unwrap(), theirs.writer.peer_address().unwrap());
        assert!(transport.can_write_eof());
        transport.close();
    });
}
