//! Protocols of datagrams: what is called, in which order, and what is sent.

mod support;

use std::{cell::RefCell, io};

use roundel_executor::{spawn, yield_now};
use roundel_loop::{Datagram, LoopHandle, OperationError};
use roundel_net::{DatagramOptions, DatagramProtocol, DatagramSocket, DatagramTransport};
use roundel_stream::WaterMarks;

use support::{Log, MS, on_both, reports, run};

type Act = Box<dyn FnMut(&DatagramTransport, &Datagram)>;

/// Logs what it is called; `act` is what it does when a message comes.
#[derive(Default)]
struct Recorder {
    log: Log,
    act: Option<Act>,
}

impl Recorder {
    fn new(log: &Log) -> Self {
        Self { log: log.clone(), act: None }
    }

    fn acting(log: &Log, act: impl FnMut(&DatagramTransport, &Datagram) + 'static) -> Self {
        Self { log: log.clone(), act: Some(Box::new(act)) }
    }
}

impl DatagramProtocol for Recorder {
    fn connection_made(&mut self, _: &DatagramTransport) {
        self.log.add("made");
    }

    fn datagram_received(&mut self, transport: &DatagramTransport, datagram: Datagram) {
        self.log.add(format!("received {}", String::from_utf8_lossy(&datagram.data)));
        if let Some(act) = &mut self.act {
            act(transport, &datagram);
        }
    }

    fn error_received(&mut self, _: &DatagramTransport, error: OperationError) {
        self.log.add(format!("error {:?}", error.kind()));
    }

    fn pause_writing(&mut self, _: &DatagramTransport) {
        self.log.add("pause");
    }

    fn resume_writing(&mut self, _: &DatagramTransport) {
        self.log.add("resume");
    }

    fn connection_lost(&mut self) {
        self.log.add("lost");
    }
}

fn start(socket: DatagramSocket, protocol: Recorder) -> DatagramTransport {
    DatagramTransport::start(&LoopHandle::current(), socket, protocol)
}

async fn bound() -> DatagramSocket {
    DatagramSocket::bind("127.0.0.1:0").await.unwrap()
}

/// A transport, and a socket that is connected to it.
async fn with_peer(protocol: Recorder) -> (DatagramTransport, DatagramSocket) {
    let socket = bound().await;
    let peer = DatagramSocket::connect(socket.local().inet().unwrap()).await.unwrap();
    (start(socket, protocol), peer)
}

/// Everything that was called, once so many calls have come.
async fn calls(log: &Log, count: usize) -> Vec<String> {
    let all = RefCell::new(Vec::new());
    while all.borrow().len() < count {
        all.borrow_mut().extend(log.take());
        roundel_executor::sleep(MS).await;
    }
    all.take()
}

// spec: PRO-05
#[test]
fn made_then_messages_one_by_one_then_lost() {
    on_both(|| async {
        let log = Log::default();
        let (transport, peer) = with_peer(Recorder::new(&log)).await;
        assert!(log.take().is_empty());
        for text in ["one", "", "three"] {
            peer.send(text.as_bytes()).await.unwrap();
        }
        assert_eq!(calls(&log, 4).await, ["made", "received one", "received ", "received three"]);
        transport.close();
        transport.close();
        assert!(transport.is_closing() && log.take().is_empty());
        assert_eq!(calls(&log, 1).await, ["lost"]);
        assert!(transport.local().is_none());
    });
}

// spec: PRO-05
#[test]
fn an_error_is_told_and_the_transport_goes_on() {
    on_both(|| async {
        let log = Log::default();
        let nobody = bound().await.local().inet().unwrap();
        let mut options = DatagramOptions::default();
        options.local = vec![([127, 0, 0, 1], 0).into()];
        let socket = options.connect(nobody).await.unwrap();
        let transport = start(socket, Recorder::new(&log));
        transport.send(b"anybody?").unwrap();
        assert_eq!(calls(&log, 2).await, ["made", "error ConnectionRefused"]);
        // Somebody comes.
        let peer = DatagramSocket::bind(nobody).await.unwrap();
        peer.send_to(b"here", transport.local().unwrap()).await.unwrap();
        assert_eq!(calls(&log, 1).await, ["received here"]);
        // What cannot be sent at all.
        transport.send(vec![0; 100_000]).unwrap();
        transport.send(b"short").unwrap();
        assert_eq!(calls(&log, 1).await.len(), 1);
        assert_eq!(peer.recv(100).await.unwrap()[..], *b"short");
        transport.close();
    });
}

// spec: PRO-06
#[test]
fn what_is_sent_goes_to_its_address_and_no_other_if_there_is_a_peer() {
    on_both(|| async {
        let log = Log::default();
        let (one, other) = (bound().await, bound().await);
        let (of_one, of_other) = (one.local().inet().unwrap(), other.local().inet().unwrap());
        let free = start(bound().await, Recorder::new(&log));
        assert_eq!(free.send(b"to whom?").unwrap_err().kind(), io::ErrorKind::NotConnected);
        free.send_to(b"to one", of_one).unwrap();
        free.send_to(b"to the other", of_other).unwrap();
        assert_eq!(one.recv(100).await.unwrap()[..], *b"to one");
        assert_eq!(other.recv(100).await.unwrap()[..], *b"to the other");
        assert_eq!(free.peer(), None);

        let bound = DatagramSocket::connect(of_one).await.unwrap();
        let bound = start(bound, Recorder::new(&log));
        assert_eq!(bound.peer().unwrap().inet(), Some(of_one));
        bound.send(b"without").unwrap();
        bound.send_to(b"with", of_one).unwrap();
        let elsewhere = bound.send_to(b"elsewhere", of_other).unwrap_err();
        assert_eq!(elsewhere.kind(), io::ErrorKind::InvalidInput);
        assert_eq!(one.recv(100).await.unwrap()[..], *b"without");
        assert_eq!(one.recv(100).await.unwrap()[..], *b"with");
        for transport in [free, bound] {
            transport.abort();
            assert_eq!(
                transport.send_to(b"late", of_one).unwrap_err().kind(),
                io::ErrorKind::BrokenPipe
            );
        }
    });
}

fn name_of(what: &str) -> String {
    format!("\0roundel-{what}-{}", std::process::id())
}

/// A transport of which ten messages wait, of `size` bytes each: nobody reads the Unix socket at the
/// other end.
async fn jammed(
    name: &str,
    size: usize,
    protocol: Recorder,
) -> (DatagramTransport, DatagramSocket) {
    let name = name_of(name);
    let reader = DatagramSocket::bind_unix(&name).unwrap();
    let transport = start(DatagramSocket::connect_unix(&name).await.unwrap(), protocol);
    let weight = size + 8;
    for _ in 0..1000 {
        transport.send(vec![b'x'; size]).unwrap();
        // A driver of completion says only now what went.
        for _ in 0..5 {
            yield_now().await;
        }
        if transport.buffered_bytes() >= 10 * weight {
            return (transport, reader);
        }
    }
    panic!("nobody reads, and everything went");
}

// spec: PRO-06, PRO-07
#[cfg(target_os = "linux")]
#[test]
fn what_waits_is_queued_in_order_and_counts_its_size_and_eight_until_it_is_sent() {
    for size in [0, 5] {
        run(async move {
            let log = Log::default();
            let (transport, reader) = jammed("queued", size, Recorder::new(&log)).await;
            assert_eq!(transport.buffered_bytes(), 10 * (size + 8));
            transport.send(b"last").unwrap();
            assert_eq!(transport.buffered_bytes(), 10 * (size + 8) + 12);
            let mut received = reader.recv(100).await.unwrap();
            while received[..] != *b"last" {
                assert_eq!(received[..], vec![b'x'; size]);
                received = reader.recv(100).await.unwrap();
            }
            yield_now().await;
            assert_eq!(transport.buffered_bytes(), 0);
            transport.close();
        });
    }
}

#[cfg(target_os = "linux")]
#[test]
fn writing_pauses_above_the_high_mark_and_resumes_at_the_low_one() {
    run(async {
        let log = Log::default();
        let (transport, reader) = jammed("marks", 92, Recorder::new(&log)).await;
        assert_eq!(log.take(), ["made"]);
        transport.set_limits(WaterMarks::new(500, 1000).unwrap());
        assert_eq!(log.take().len(), 0);
        transport.send(b"").unwrap();
        assert_eq!(log.take(), ["pause"]);
        transport.send(b"more").unwrap();
        while transport.buffered_bytes() > 500 {
            assert!(log.take().is_empty());
            reader.recv(100).await.unwrap();
            yield_now().await;
        }
        assert_eq!(log.take(), ["resume"]);
        transport.abort();
        assert_eq!(transport.buffered_bytes(), 0);
        assert_eq!(calls(&log, 1).await, ["lost"]);
    });
}

// spec: PRO-08
#[cfg(target_os = "linux")]
#[test]
fn a_close_sends_what_is_queued_and_an_abort_does_not() {
    run(async {
        let log = Log::default();
        let (transport, reader) = jammed("close", 5, Recorder::new(&log)).await;
        transport.send(b"last").unwrap();
        transport.close();
        assert_eq!(transport.send(b"late").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert!(!log.take().contains(&"lost".to_owned()));
        while reader.recv(100).await.unwrap()[..] != *b"last" {}
        assert_eq!(calls(&log, 1).await, ["lost"]);

        let (transport, reader) = jammed("abort", 5, Recorder::new(&log)).await;
        transport.send(b"last").unwrap();
        transport.abort();
        assert_eq!(calls(&log, 2).await, ["made", "lost"]);
        drop(transport);
        // What had gone is there, and ends with what is sent now.
        let marker = DatagramSocket::connect_unix(name_of("abort")).await.unwrap();
        let marker = spawn(async move { marker.send(b"now").await });
        let mut received = reader.recv(100).await.unwrap();
        while received[..] != *b"now" {
            assert_eq!(received[..], *b"xxxxx");
            received = reader.recv(100).await.unwrap();
        }
        marker.await.unwrap().unwrap();
    });
}

#[test]
fn a_protocol_may_answer_close_and_hand_over_while_it_is_called() {
    on_both(|| async {
        let (log, second) = (Log::default(), Log::default());
        let told = second.clone();
        let protocol = Recorder::acting(&log, move |transport, datagram| {
            if datagram.data[..] == *b"question" {
                transport.send_to(b"answer", datagram.from.clone()).unwrap();
                return;
            }
            transport.set_protocol(Recorder::acting(&told, |transport, datagram| {
                // Cannot be sent, which is told although the transport closes.
                transport.send_to(vec![0; 100_000], datagram.from.clone()).unwrap();
                transport.close();
            }));
        });
        let (_transport, peer) = with_peer(protocol).await;
        peer.send(b"question").await.unwrap();
        assert_eq!(peer.recv(100).await.unwrap()[..], *b"answer");
        peer.send(b"hand over").await.unwrap();
        peer.send(b"end").await.unwrap();
        let mut all = Vec::new();
        while all.last().is_none_or(|last| last != "lost") {
            all.extend(calls(&second, 1).await);
        }
        // A driver of completion has something to pause for first.
        all.retain(|call| call != "pause" && call != "resume");
        assert_eq!((all.len(), &*all[0]), (3, "received end"));
        assert!(all[1].starts_with("error"), "{all:?}");
        assert_eq!(log.take(), ["made", "received question", "received hand over"]);
    });
}

#[test]
fn a_panic_is_reported_and_closes_the_transport() {
    on_both(|| async {
        let reports = reports();
        let log = Log::default();
        let (transport, peer) = with_peer(Recorder::acting(&log, |_, _| panic!("as asked"))).await;
        peer.send(b"panic").await.unwrap();
        assert_eq!(calls(&log, 2).await, ["made", "received panic"]);
        assert!(transport.is_closing() && transport.local().is_none());
        assert_eq!(reports.take().len(), 1);
    });
}
