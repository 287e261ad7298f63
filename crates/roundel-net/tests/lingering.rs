//! Connections whose peers do not take what was written: how long they are the server's, and that an
//! abort leaves none.

mod support;

use std::{
    cell::{Cell, RefCell},
    future::pending,
    io,
    path::PathBuf,
    rc::Rc,
};

use roundel_executor::{AsyncExit, all_tasks, sleep, spawn, with};
use roundel_loop::LoopHandle;
use roundel_net::{Connection, ServeOptions, Server, connect, serve};
use roundel_stream::{Chunk, Protocol, StreamReader, StreamWriter, Transport, WaterMarks};

use support::{AGES, Log, MS, address, listen, millis_since, on_both, reports};

/// More than the kernel keeps of a connection at both of its ends.
const MUCH: usize = 16 << 20;

/// The descriptors of the server's connections, as the system names them; none in a simulation.
#[derive(Clone, Default)]
struct Descriptors(Rc<RefCell<Vec<PathBuf>>>);

impl Descriptors {
    fn note(&self, connection: &Connection) {
        use std::os::fd::{AsFd, AsRawFd};
        if let Some(source) = connection.socket().socket().source() {
            let number = source.as_fd().as_raw_fd();
            self.0.borrow_mut().extend(std::fs::read_link(format!("/proc/self/fd/{number}")));
        }
    }

    #[track_caller]
    fn assert_closed(&self) {
        let Ok(open) = std::fs::read_dir("/proc/self/fd") else { return };
        let open: Vec<_> =
            open.flatten().filter_map(|it| std::fs::read_link(it.path()).ok()).collect();
        for noted in &*self.0.borrow() {
            assert!(!open.contains(noted), "{noted:?} is open");
        }
    }
}

/// Writes more than the peer has asked for, and waits for nothing.
async fn write_much(connection: Connection) -> (StreamReader, StreamWriter) {
    let (reader, mut writer) = connection.open();
    writer.set_limits(WaterMarks::high_at(usize::MAX));
    writer.write(vec![7; MUCH]).await.unwrap();
    assert!(writer.buffered_bytes() > 0, "the peer has room for all of it");
    (reader, writer)
}

/// A server whose handlers write and return, and leave most of it unsent.
async fn leaving(options: ServeOptions) -> (Server, Descriptors) {
    let descriptors = Descriptors::default();
    let noting = descriptors.clone();
    let server = options.serve(listen().await, async move |connection: Connection| {
        noting.note(&connection);
        write_much(connection).await;
    });
    (server, descriptors)
}

/// A client that reads nothing until it is asked to, of a server that has accepted it.
async fn silent_client(server: &Server) -> Connection {
    let before = server.statistics().accepted;
    let client = connect(address(server)).await.unwrap();
    while server.statistics().accepted == before {
        sleep(MS).await;
    }
    sleep(10 * MS).await;
    client
}

/// How much comes, until the end or a reset.
async fn read_all(client: Connection) -> usize {
    let (mut reader, _writer) = client.open();
    let mut all = 0;
    while let Ok(Some(data)) = reader.read_chunk().await {
        assert!(data.iter().all(|&byte| byte == 7));
        all += data.len();
    }
    all
}

// spec: SRV-09, TRP-10
#[test]
fn an_abort_drops_what_is_unsent_and_leaves_no_descriptor() {
    on_both(|| async {
        let descriptors = Descriptors::default();
        let noting = descriptors.clone();
        let server = serve(listen().await, async move |connection: Connection| {
            noting.note(&connection);
            let _ends = write_much(connection).await;
            pending::<()>().await;
        });
        let client = silent_client(&server).await;
        assert_eq!(server.abort().await, 1);
        descriptors.assert_closed();
        assert_eq!(server.statistics().connections, 0);
        assert!(read_all(client).await < MUCH);
    });
}

// spec: SRV-08, TRP-09
#[test]
fn what_a_handler_leaves_is_sent_behind_it_and_keeps_its_place() {
    on_both(|| async {
        let mut options = ServeOptions::default();
        options.limit = Some(1);
        let (server, descriptors) = leaving(options).await;
        let first = silent_client(&server).await;
        let second = connect(address(&server)).await.unwrap();
        sleep(200 * MS).await;
        // The only other task accepts: no handler runs.
        assert_eq!(all_tasks().len(), 2);
        let now = server.statistics();
        assert_eq!((now.accepted, now.connections), (1, 1), "there is no room for the second");

        assert_eq!(read_all(first).await, MUCH);
        assert_eq!(read_all(second).await, MUCH);
        server.stop_accepting();
        server.closed().await;
        descriptors.assert_closed();
        assert_eq!(server.statistics().accepted, 2);
    });
}

// spec: SRV-02
#[test]
fn a_handler_that_panics_is_reported_at_once_and_what_it_wrote_is_sent() {
    on_both(|| async {
        let reports = reports();
        let server = serve(listen().await, async |connection: Connection| {
            let (_reader, writer) = write_much(connection).await;
            assert_eq!(writer.buffered_bytes(), 0, "as asked");
        });
        let client = silent_client(&server).await;
        assert_eq!(server.statistics().connections, 1);
        let told = reports.take();
        assert!(told.len() == 1 && told[0].contains("as asked"), "{told:?}");
        assert_eq!(read_all(client).await, MUCH);
        server.drain(AGES).await;
    });
}

#[test]
fn a_drain_waits_for_what_is_unsent() {
    on_both(|| async {
        let (server, descriptors) = leaving(ServeOptions::default()).await;
        let client = silent_client(&server).await;
        let server = Rc::new(server);
        let draining = spawn({
            let server = Rc::clone(&server);
            async move { server.drain(AGES).await }
        });
        for _ in 0..3 {
            roundel_executor::yield_now().await;
        }
        assert!(!draining.is_done());
        assert_eq!(read_all(client).await, MUCH);
        let drained = draining.await.unwrap();
        assert_eq!((drained.finished, drained.aborted), (1, 0));
        descriptors.assert_closed();
    });
}

// spec: SRV-09
#[test]
fn a_drain_drops_what_is_unsent_when_its_limit_is_over() {
    on_both(|| async {
        let (server, descriptors) = leaving(ServeOptions::default()).await;
        let client = silent_client(&server).await;
        let start = LoopHandle::current().now();
        let drained = server.drain(500 * MS).await;
        assert_eq!((drained.finished, drained.aborted), (0, 1));
        assert_eq!(millis_since(start), 500);
        descriptors.assert_closed();
        assert!(read_all(client).await < MUCH);
    });
}

#[test]
fn a_server_that_is_dropped_drops_what_is_unsent() {
    on_both(|| async {
        let (server, descriptors) = leaving(ServeOptions::default()).await;
        let client = silent_client(&server).await;
        drop(server);
        descriptors.assert_closed();
        assert!(read_all(client).await < MUCH);
    });
}

#[test]
fn a_stream_that_another_task_has_is_the_servers_until_it_is_closed() {
    on_both(|| async {
        let failed = Rc::new(Cell::new(None));
        let descriptors = Descriptors::default();
        let server = serve(listen().await, {
            let (failed, noting) = (Rc::clone(&failed), descriptors.clone());
            async move |connection: Connection| {
                noting.note(&connection);
                let failed = Rc::clone(&failed);
                drop(spawn(async move {
                    let (_reader, mut writer) = write_much(connection).await;
                    writer.flush().await.ok();
                    let error = writer.write(b"more").await.unwrap_err();
                    failed.set(Some(error.kind()));
                }));
            }
        });
        let client = silent_client(&server).await;
        assert_eq!(server.statistics().connections, 1);
        assert_eq!(server.abort().await, 1);
        descriptors.assert_closed();
        while all_tasks().len() > 1 {
            sleep(MS).await;
        }
        assert_eq!(failed.get(), Some(io::ErrorKind::BrokenPipe));
        assert!(read_all(client).await < MUCH);
    });
}

/// Says goodbye at length.
struct Goodbye(Connection);

impl AsyncExit for Goodbye {
    async fn exit(self) {
        write_much(self.0).await;
    }
}

#[test]
fn what_a_clean_up_leaves_is_dropped_too() {
    on_both(|| async {
        let descriptors = Descriptors::default();
        let noting = descriptors.clone();
        let server = serve(listen().await, async move |connection: Connection| {
            noting.note(&connection);
            with(Goodbye(connection), async |_| pending::<()>().await).await;
        });
        let client = silent_client(&server).await;
        assert_eq!(server.abort().await, 1);
        descriptors.assert_closed();
        assert!(read_all(client).await < MUCH);
    });
}

/// Tells how it ends.
struct Telling(Log);

impl Protocol for Telling {
    fn data_received(&mut self, _: &Transport, _: Chunk) {}

    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.0.add(format!("lost: {error:?}"));
    }
}

// spec: SRV-09, TRP-02, TRP-10
#[test]
fn a_transport_over_a_connection_is_counted_and_aborted() {
    on_both(|| async {
        let log = Log::default();
        let descriptors = Descriptors::default();
        let server = serve(listen().await, {
            let (log, noting) = (log.clone(), descriptors.clone());
            async move |connection: Connection| {
                noting.note(&connection);
                let handle = LoopHandle::current();
                let transport = Transport::start(&handle, connection, Telling(log.clone()));
                transport.write(vec![7; MUCH]).unwrap();
            }
        });
        let client = silent_client(&server).await;
        assert_eq!(server.statistics().connections, 1);
        assert!(log.take().is_empty());
        assert_eq!(server.abort().await, 1);
        descriptors.assert_closed();
        assert!(read_all(client).await < MUCH);
        assert_eq!(log.take(), ["lost: None"]);
    });
}

#[test]
fn a_socket_that_was_taken_out_is_its_new_owners() {
    on_both(|| async {
        let kept = Rc::new(RefCell::new(Vec::new()));
        let server = serve(listen().await, {
            let kept = Rc::clone(&kept);
            async move |connection: Connection| {
                kept.borrow_mut().push(connection.into_socket());
            }
        });
        let client = silent_client(&server).await;
        assert_eq!(server.statistics().connections, 0);
        assert_eq!(server.abort().await, 0);
        let socket = kept.borrow_mut().pop().unwrap();
        socket.send(b"alive").await.unwrap();
        assert_eq!(support::receive(&client).await, b"alive");
    });
}
