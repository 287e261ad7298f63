//! Peers that do not behave, at a server of lines: what it holds for each stays bounded, the error
//! says what was wrong, and everybody else is served.

mod support;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use roundel_executor::{sleep, timeout};
use roundel_loop::SocketOption;
use roundel_net::{Connection, ServeOptions, Server, connect, serve};
use roundel_stream::{ReadError, StreamReader, StreamWriter, WaterMarks};

use support::{AGES, MS, address, listen, on_both, receive, reports, send};

/// No line is longer.
const LIMIT: usize = 1000;

/// What a reader may hold beside its limit: one receive.
const ONE_RECEIVE: usize = 256 << 10;

/// No peer is waited for longer.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// The most that any connection has held.
#[derive(Default)]
struct Held {
    unread: Cell<usize>,
    unsent: Cell<usize>,
}

impl Held {
    fn note(&self, reader: &StreamReader, writer: &StreamWriter) {
        self.unread.set(self.unread.get().max(reader.buffered_bytes()));
        self.unsent.set(self.unsent.get().max(writer.buffered_bytes()));
    }
}

/// Answers each line with a thousand of its kind.
async fn serve_lines(connection: Connection, held: Rc<Held>) -> Result<(), ReadError> {
    let (mut reader, mut writer) = connection.open();
    reader.set_limit(LIMIT);
    writer.set_limits(WaterMarks::high_at(10_000));
    loop {
        let line = timeout(PATIENCE, reader.read_line()).await;
        let Ok(line) = line else {
            return Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
        };
        let line = line?.to_vec();
        if line.is_empty() {
            return Ok(());
        }
        let answer = line.repeat(if line.starts_with(b"much") { 1000 } else { 1 });
        writer.write(answer).await?;
        held.note(&reader, &writer);
    }
}

async fn begin() -> (Server, Rc<Held>) {
    let held = Rc::new(Held::default());
    let noting = Rc::clone(&held);
    let server = serve(listen().await, async move |connection: Connection| {
        serve_lines(connection, Rc::clone(&noting)).await
    });
    (server, held)
}

async fn is_served(server: &Server) {
    let client = connect(address(server)).await.unwrap();
    send(&client, "hello\n").await;
    assert_eq!(receive(&client).await, b"hello\n");
}

/// Waits until so many handlers have failed; what was reported of the last.
async fn failures(server: &Server, reports: &support::Log, count: u64) -> String {
    while server.statistics().failed < count {
        sleep(100 * MS).await;
    }
    reports.take().pop().unwrap()
}

#[test]
fn a_line_without_end_is_refused_and_its_connection_closed() {
    on_both(|| async {
        let (reports, (server, held)) = (reports(), begin().await);
        let peer = connect(address(&server)).await.unwrap();
        let (mut reader, mut writer) = peer.open();
        // It goes on until the server has had enough.
        while writer.write(vec![b'x'; 100_000]).await.is_ok() {}
        let report = failures(&server, &reports, 1).await;
        assert!(report.contains("no separator within the limit of 1000 bytes"), "{report}");
        assert!(reader.read(1).await.is_ok_and(<[u8]>::is_empty) || reader.read(1).await.is_err());
        assert!(held.unread.get() <= LIMIT + ONE_RECEIVE);
        is_served(&server).await;
        server.abort().await;
    });
}

#[test]
fn peers_that_drip_are_waited_for_as_long_as_the_server_likes() {
    on_both(|| async {
        let (reports, (server, held)) = (reports(), begin().await);
        let mut loris = Vec::new();
        for _ in 0..20 {
            let connection = connect(address(&server)).await.unwrap();
            send(&connection, "G").await;
            loris.push(connection);
        }
        for _ in 0..8 {
            sleep(1000 * MS).await;
            is_served(&server).await;
            for slow in &loris {
                send(slow, "E").await;
            }
        }
        assert_eq!(server.statistics().failed, 0);
        let report = failures(&server, &reports, 20).await;
        assert!(report.contains("timed out"), "{report}");
        for slow in &loris {
            // It ends, or was reset by what came behind the end.
            let ended = slow.socket().recv(1).await;
            assert!(
                !matches!(ended, Ok(roundel_loop::Outcome::Received(data)) if !data.is_empty())
            );
        }
        assert!(held.unread.get() <= 10);
        is_served(&server).await;
        server.abort().await;
    });
}

#[test]
fn a_peer_that_never_reads_holds_up_its_own_handler_only() {
    on_both(|| async {
        let (server, held) = begin().await;
        let greedy = connect(address(&server)).await.unwrap();
        let (_reader, mut writer) = greedy.open();
        let question = [&b"much "[..], &[b'y'; 900], b"\n"].concat();
        // Until nothing moves any more: neither side reads.
        let stuck = async {
            loop {
                writer.write(&question[..]).await.unwrap();
                writer.flush().await.unwrap();
            }
        };
        let stuck: Result<std::convert::Infallible, _> = timeout(5000 * MS, stuck).await;
        assert!(stuck.is_err());
        assert!(held.unsent.get() <= 10_000 + 1000 * question.len());
        assert!(held.unread.get() <= LIMIT + ONE_RECEIVE);
        is_served(&server).await;
        assert_eq!(server.drain(100 * MS).await.aborted, 1);
        // Each end still has bytes for the other.
        writer.abort();
        sleep(100 * MS).await;
    });
}

#[test]
fn a_peer_that_resets_in_the_middle_is_reported_and_hurts_nobody() {
    on_both(|| async {
        let (reports, (server, _)) = (reports(), begin().await);
        for nth in 1..=5 {
            let rude = connect(address(&server)).await.unwrap();
            send(&rude, "half a li").await;
            sleep(5 * MS).await;
            rude.socket()
                .socket()
                .set(SocketOption::Linger(Some(std::time::Duration::ZERO)))
                .unwrap();
            drop(rude);
            let report = failures(&server, &reports, nth).await;
            assert!(report.to_lowercase().contains("reset"), "{report}");
            is_served(&server).await;
        }
        server.drain(AGES).await;
    });
}

/// Those who wait for room cost the server nothing, and have their turn when there is some.
#[test]
fn a_crowd_is_served_by_and_by() {
    on_both(|| async {
        let most = Rc::new(RefCell::new(0));
        let mut options = ServeOptions::default();
        options.limit = Some(10);
        let held = Rc::new(Held::default());
        let server = options.serve(listen().await, async move |connection: Connection| {
            serve_lines(connection, Rc::clone(&held)).await
        });
        let mut crowd = Vec::new();
        for _ in 0..50 {
            let connection = connect(address(&server)).await.unwrap();
            send(&connection, "me too\n").await;
            crowd.push(connection);
        }
        for connection in crowd {
            assert_eq!(receive(&connection).await, b"me too\n");
            let now = server.statistics().connections;
            most.replace_with(|most| now.max(*most));
        }
        assert_eq!(*most.borrow(), 10);
        server.drain(AGES).await;
    });
}
