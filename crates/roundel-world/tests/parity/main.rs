//! One body of what Linux does at the ends of connections, on the real kernel and on the simulated
//! one: the same outcomes, by the numbers of their errors, one by one.

mod ports;
#[path = "../support/mod.rs"]
mod support;

use std::{
    net::{Ipv4Addr, Shutdown, SocketAddr},
    path::PathBuf,
};

use roundel_executor::{spawn_on, timeout};
use roundel_loop::{
    Address, EventLoop, Family, Interest, LoopHandle, Message, OperationError, Outcome, Socket,
    SocketError, SocketKind, SocketOption,
};
use roundel_world::run;
use support::{Connection, MS};

/// What a program is told, in order.
#[derive(Debug, Default)]
struct Told(Vec<String>);

impl Told {
    fn operation(&mut self, what: &str, result: Result<Outcome, OperationError>) {
        let text = match result {
            Ok(Outcome::Received(data)) if data.is_empty() => "the end".to_owned(),
            Ok(Outcome::Received(data)) => String::from_utf8_lossy(&data).into_owned(),
            Ok(Outcome::Datagram(it)) => String::from_utf8_lossy(&it.data).into_owned(),
            Ok(Outcome::Datagrams(all)) => {
                let texts = all.iter().map(|it| String::from_utf8_lossy(&it.data));
                texts.collect::<Vec<_>>().join(", ")
            }
            Ok(Outcome::SentBatch(all)) => {
                let told = all.iter().map(|sent| match sent {
                    Ok(_) => "ok".to_owned(),
                    Err(error) => number(error.raw_os_error()),
                });
                told.collect::<Vec<_>>().join(", ")
            }
            Ok(_) => "ok".to_owned(),
            Err(error) => number(error.raw_os_error()),
        };
        self.0.push(format!("{what}: {text}"));
    }

    fn call<T>(&mut self, what: &str, result: Result<T, SocketError>) {
        let text = match result {
            Ok(_) => "ok".to_owned(),
            Err(error) => number(error.raw_os_error()),
        };
        self.0.push(format!("{what}: {text}"));
    }
}

fn number(error: Option<i32>) -> String {
    let names = [
        (2, "ENOENT"),
        (11, "EAGAIN"),
        (22, "EINVAL"),
        (32, "EPIPE"),
        (89, "EDESTADDRREQ"),
        (90, "EMSGSIZE"),
        (95, "EOPNOTSUPP"),
        (97, "EAFNOSUPPORT"),
        (98, "EADDRINUSE"),
        (99, "EADDRNOTAVAIL"),
        (101, "ENETUNREACH"),
        (104, "ECONNRESET"),
        (106, "EISCONN"),
        (107, "ENOTCONN"),
        (111, "ECONNREFUSED"),
    ];
    let known = names.iter().find(|(number, _)| Some(*number) == error);
    known.map_or_else(|| format!("{error:?}"), |(_, name)| (*name).to_owned())
}

fn socket(family: Family, kind: SocketKind) -> Socket {
    LoopHandle::current().socket(family, kind).unwrap()
}

fn attach(socket: Socket) -> Connection {
    LoopHandle::current().attach(socket)
}

fn loopback() -> Address {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()
}

fn tcp() -> Connection {
    attach(socket(Family::V4, SocketKind::Stream))
}

fn listener(backlog: u32) -> (Connection, Address) {
    let socket = socket(Family::V4, SocketKind::Stream);
    socket.bind(&loopback()).unwrap();
    socket.listen(backlog).unwrap();
    let address = socket.local_address().unwrap();
    (attach(socket), address)
}

async fn pair() -> (Connection, Connection) {
    let (listener, address) = listener(16);
    let ours = tcp();
    let _ = ours.connect(address).await.unwrap();
    let theirs = support::accept(&listener).await.unwrap();
    (ours, theirs)
}

/// Until the other end's doings have arrived.
async fn readable(connection: &Connection) {
    let _ = connection.ready(Interest::READ).await.unwrap();
}

async fn ends(told: &mut Told) {
    let (ours, theirs) = pair().await;
    let _ = ours.send(b"question").await.unwrap();
    ours.socket().shutdown(Shutdown::Write).unwrap();
    told.operation("half close: what was sent", theirs.recv(100).await);
    told.operation("half close: then", theirs.recv(100).await);
    told.operation("half close: the other half", theirs.send(b"answer").await);
    told.operation("half close: arrives", ours.recv(100).await);
    told.operation("half close: a send", ours.send(b"more").await);
    told.call("half close: again", ours.socket().shutdown(Shutdown::Write));

    let (ours, theirs) = pair().await;
    let _ = theirs.send(b"last words").await.unwrap();
    drop(theirs);
    told.operation("end with data left", ours.recv(4).await);
    told.operation("end with data left: the rest", ours.recv(100).await);
    told.operation("end with data left: then", ours.recv(100).await);
    told.operation("end with data left: and again", ours.recv(100).await);

    let (ours, _theirs) = pair().await;
    ours.socket().shutdown(Shutdown::Read).unwrap();
    told.operation("reading was shut down", ours.recv(100).await);
    told.operation("reading was shut down: a send", ours.send(b"still").await);
}

async fn closes(told: &mut Told) {
    let (ours, theirs) = pair().await;
    drop(theirs);
    told.operation("write after close: the end", ours.recv(100).await);
    told.operation("write after close: the first", ours.send(b"lost").await);
    let _ = timeout(20 * MS, ours.ready(Interest::READ)).await;
    let _ = support::recv(&ours).await;
    tick().await;
    told.operation("write after close: the second", ours.send(b"lost").await);
    told.operation("write after close: a read", ours.recv(100).await);

    let (ours, theirs) = pair().await;
    let _ = ours.send(b"unread").await.unwrap();
    readable(&theirs).await;
    drop(theirs);
    told.operation("close with unread data: a read", ours.recv(100).await);
    told.operation("close with unread data: the next", ours.recv(100).await);
    told.operation("close with unread data: a send", ours.send(b"lost").await);
}

/// Long enough for a packet to come back on loopback.
async fn tick() {
    roundel_executor::sleep(20 * MS).await;
}

async fn resets(told: &mut Told) {
    let (ours, theirs) = pair().await;
    theirs.socket().set(SocketOption::Linger(Some(std::time::Duration::ZERO))).unwrap();
    drop(theirs);
    told.operation("reset: a read", ours.recv(100).await);
    told.operation("reset: the next", ours.recv(100).await);
    told.operation("reset: a send", ours.send(b"lost").await);
    told.call("reset: the peer", ours.socket().peer_address());
    told.call("reset: a shutdown", ours.socket().shutdown(Shutdown::Both));

    let (ours, theirs) = pair().await;
    theirs.socket().set(SocketOption::Linger(Some(std::time::Duration::ZERO))).unwrap();
    drop(theirs);
    readable(&ours).await;
    told.operation("reset: a send first", ours.send(b"lost").await);
    told.operation("reset: then a read", ours.recv(100).await);

    let (ours, theirs) = pair().await;
    let _ = theirs.send(b"before").await.unwrap();
    readable(&ours).await;
    theirs.socket().set(SocketOption::Linger(Some(std::time::Duration::ZERO))).unwrap();
    drop(theirs);
    tick().await;
    told.operation("reset behind data", ours.recv(100).await);
    told.operation("reset behind data: then", ours.recv(100).await);
}

async fn connects(told: &mut Told) {
    let (listening, address) = listener(16);
    drop(listening);
    let refused = tcp();
    told.operation("refused", refused.connect(address.clone()).await);
    told.operation("refused: a read", refused.recv(100).await);
    told.operation("refused: a send", refused.send(b"lost").await);

    let (_listening, address) = listener(16);
    let ours = tcp();
    told.operation("connect", ours.connect(address.clone()).await);
    let (_other, elsewhere) = listener(16);
    told.operation("connect: elsewhere", ours.connect(elsewhere).await);

    let fresh = tcp();
    told.operation("unconnected: a read", fresh.recv(100).await);
    told.operation("unconnected: a send", fresh.send(b"lost").await);
    told.operation("unconnected: an accept", fresh.accept().await);
    told.call("unconnected: a shutdown", fresh.socket().shutdown(Shutdown::Both));
    told.call("unconnected: the peer", fresh.socket().peer_address());
    told.operation(
        "another family",
        fresh.connect(Address::unix("/a/path/longer/than/an/address").unwrap()).await,
    );
}

async fn backlogs(told: &mut Told) {
    let (listening, address) = listener(1);
    let [one, two, three] = [(); 3].map(|()| tcp());
    told.operation("backlog: the first", one.connect(address.clone()).await);
    told.operation("backlog: the second", two.connect(address.clone()).await);
    let waits = timeout(100 * MS, three.connect(address.clone())).await.is_err();
    told.0.push(format!("backlog: the third waits: {waits}"));
    told.operation("backlog: an accept", listening.accept().await);
    // Asked again after a second, and let in.
    let _ = three.ready(Interest::WRITE).await.unwrap();
    told.call("backlog: the third then", three.socket().peer_address());
    drop(listening);
    told.operation("closed with a queue", two.recv(100).await);
}

async fn binds(told: &mut Told) {
    let (listening, address) = listener(16);
    told.call("listen again", listening.socket().listen(4));
    told.call("bind again", listening.socket().bind(&loopback()));
    told.call("taken", socket(Family::V4, SocketKind::Stream).bind(&address));
    let elsewhere = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 0));
    told.call("not ours", socket(Family::V4, SocketKind::Stream).bind(&elsewhere.into()));
    let datagrams = socket(Family::V4, SocketKind::Datagram);
    told.call("udp at tcp's port", datagrams.bind(&address));
    told.call("udp does not listen", datagrams.listen(4));
    told.operation("a listener reads", listening.recv(100).await);
    told.operation("a listener sends", listening.send(b"lost").await);
    let (ours, _theirs) = pair().await;
    told.call("a connection does not listen", ours.socket().listen(4));
}

async fn datagrams(told: &mut Told) {
    let inbox = socket(Family::V4, SocketKind::Datagram);
    inbox.bind(&loopback()).unwrap();
    let address = inbox.local_address().unwrap();
    drop(inbox);
    let ours = attach(socket(Family::V4, SocketKind::Datagram));
    told.operation("udp: to nobody", ours.send_to(b"lost", address.clone()).await);
    told.operation("udp: without an address", ours.send(b"lost").await);
    told.operation("udp: too long", ours.send_to(vec![0; 65_508], address.clone()).await);
    told.operation("udp: connect", ours.connect(address.clone()).await);
    told.operation("udp: connected, to nobody", ours.send(b"lost").await);
    readable(&ours).await;
    told.operation("udp: is told", ours.recv(100).await);
    told.call("udp: a shutdown", ours.socket().shutdown(Shutdown::Write));
    told.operation("udp: then", ours.send(b"lost").await);
    several_datagrams(told, address).await;
    let fresh = socket(Family::V4, SocketKind::Datagram);
    told.call("udp: unconnected, a shutdown", fresh.shutdown(Shutdown::Write));
}

async fn several_datagrams(told: &mut Told, of_nobody: Address) {
    let inbox = socket(Family::V4, SocketKind::Datagram);
    inbox.bind(&loopback()).unwrap();
    let (address, inbox) = (inbox.local_address().unwrap(), attach(inbox));
    let ours = attach(socket(Family::V4, SocketKind::Datagram));
    let message =
        |data: &[u8], to: Option<&Address>| Message { data: data.into(), to: to.cloned() };
    let long = vec![0; 65_508];
    let to = [
        message(b"one", Some(&address)),
        message(&long, Some(&address)),
        message(b"lost", None),
        message(b"", Some(&address)),
        message(b"two", Some(&address)),
        message(b"lost", Some(&of_nobody)),
    ];
    told.operation("udp: many are sent", ours.send_batch(to).await);
    roundel_executor::sleep(MS).await;
    told.operation("udp: many are received", inbox.recv_batch(100, 10).await);
    told.operation("udp: connect to nobody", ours.connect(of_nobody).await);
    let lost = || ours.send_batch([b"lost", b"gone"].map(|data| message(data, None)));
    told.operation("udp: many to nobody", lost().await);
    roundel_executor::sleep(MS).await;
    told.operation("udp: many after an error", lost().await);
    roundel_executor::sleep(MS).await;
    told.operation("udp: many are told", ours.recv_batch(100, 10).await);
}

async fn unix(told: &mut Told, path: PathBuf) {
    let address = Address::unix(&path).unwrap();
    let stream = || attach(socket(Family::Unix, SocketKind::Stream));
    told.operation("unix: no such name", stream().connect(address.clone()).await);
    let listening = socket(Family::Unix, SocketKind::Stream);
    told.call("unix: listen without a name", listening.listen(4));
    listening.bind(&address).unwrap();
    told.call("unix: taken", socket(Family::Unix, SocketKind::Stream).bind(&address));
    told.operation("unix: nobody listens", stream().connect(address.clone()).await);
    listening.listen(16).unwrap();
    let listening = attach(listening);
    told.operation("unix: unconnected, a send", stream().send(b"lost").await);

    let ours = stream();
    told.operation("unix: connect", ours.connect(address.clone()).await);
    let theirs = support::accept(&listening).await.unwrap();
    told.call("unix: who is there", theirs.socket().peer_credentials());
    let _ = theirs.send(b"last words").await.unwrap();
    drop(theirs);
    told.operation("unix: last words", ours.recv(100).await);
    told.operation("unix: the end", ours.recv(100).await);
    told.operation("unix: a send", ours.send(b"lost").await);

    let ours = stream();
    let _ = ours.connect(address.clone()).await.unwrap();
    let theirs = support::accept(&listening).await.unwrap();
    let _ = ours.send(b"unread").await.unwrap();
    readable(&theirs).await;
    drop(theirs);
    told.operation("unix: close with unread data", ours.recv(100).await);
    told.operation("unix: close with unread data, then", ours.recv(100).await);
    drop(listening);
    let _ = std::fs::remove_file(&path);
}

async fn everything() -> Vec<String> {
    let mut told = Told::default();
    ends(&mut told).await;
    closes(&mut told).await;
    resets(&mut told).await;
    connects(&mut told).await;
    backlogs(&mut told).await;
    binds(&mut told).await;
    ports::neighbours(&mut told).await;
    ports::guises(&mut told).await;
    datagrams(&mut told).await;
    let name = format!("roundel-parity-{}", std::process::id());
    unix(&mut told, std::env::temp_dir().join(name)).await;
    told.0
}

#[test]
fn the_simulated_kernel_tells_programs_what_the_real_one_does() {
    let mut event_loop = EventLoop::new().unwrap();
    let task = spawn_on(&event_loop.handle(), everything());
    let real = event_loop.run_until_complete(task).unwrap().unwrap();
    let simulated = run(1, async |_| everything().await).unwrap().output;
    assert!(real.len() > 60, "{} outcomes", real.len());
    let pairs = real.iter().zip(&simulated);
    let differences: Vec<_> = pairs.filter(|(real, simulated)| real != simulated).collect();
    assert!(differences.is_empty(), "(real, simulated): {differences:#?}");
    assert_eq!(real.len(), simulated.len());
}
