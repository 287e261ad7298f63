//! A server that has many connections open while many more come and go, some of them badly: memory
//! stays flat, no descriptor is leaked, no task is left.
//!
//! A test run keeps 200 open and lets 3,000 pass; `ROUNDEL_DEEP` makes that 10,000 and a million, on
//! each driver. In a file of its own, as descriptors and memory are the whole process's. Those who
//! stay have a process of theirs, as one may not have descriptors enough for both ends.
#![cfg(target_os = "linux")]

use std::{
    cell::{Cell, RefCell},
    env, fs,
    io::{self, Read},
    net::{Ipv4Addr, SocketAddr},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    rc::Rc,
    time::{Duration, Instant},
};

use roundel_executor::{spawn, spawn_on, statistics, yield_now};
use roundel_loop::{
    Driver, DriverStatistics, EventLoop, LoopConfig, LoopHandle, SelectorDriver, SocketOption,
    Source, Verdict,
};
use roundel_net::{Connection, ListenOptions, Server, connect, serve};
use roundel_sim::Random;
use roundel_stream::{ReadError, StreamReader, StreamWriter};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More than a socket's buffers hold, so that a slow reader keeps its peer waiting.
const MUCH: usize = 6 << 20;

/// How many clients come and go at once.
const WORKERS: u64 = 64;

/// Each has 28,000 ports for us, of which those of the last minute's connections are taken.
const ADDRESSES: u64 = 200;

#[derive(Clone, Copy)]
struct Size {
    open: usize,
    churn: u64,
}

impl Size {
    fn chosen() -> Self {
        match env::var_os("ROUNDEL_DEEP").is_some_and(|value| !value.is_empty()) {
            true => Self { open: 10_000, churn: 1_000_000 },
            false => Self { open: 200, churn: 3_000 },
        }
    }
}

/// Raises the limit of open files, for one end of every connection.
fn make_room(size: Size) {
    let wanted = size.open as u64 + 2 * WORKERS + 1000;
    let limits = getrlimit(Resource::Nofile);
    if limits.current.is_some_and(|current| current < wanted) {
        let maximum = limits.maximum.map(|maximum| maximum.max(wanted));
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })
            .expect("a descriptor for each connection that is open");
    }
}

/// What the whole process has.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// In bytes, as statm(5) has it.
fn resident_memory() -> usize {
    let text = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * rustix::param::page_size()
}

// The server's side.

/// Does what each line asks for, until the peer ends.
async fn handle(connection: Connection, unexpected: Rc<Cell<u64>>) {
    let (mut reader, mut writer) = connection.open();
    let served = async {
        loop {
            let line = String::from_utf8_lossy(reader.read_line().await?).into_owned();
            match line.trim_end().split_once(' ') {
                Some(("echo", count)) => echo(&mut reader, &mut writer, parse(count)).await?,
                Some(("much", count)) => say_much(&mut writer, parse(count)).await?,
                Some(("count", _)) => {
                    let all = reader.read_to_end().await?;
                    writer.write(format!("{}\n", all.len()).as_bytes()).await?;
                }
                Some(("leave", _)) => return Ok(()),
                _ => return Ok::<_, ReadError>(()),
            }
        }
    };
    if let Err(error) = served.await {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
        let is_the_peers = matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof);
        unexpected.set(unexpected.get() + u64::from(!is_the_peers));
    }
}

fn parse(count: &str) -> usize {
    count.parse().unwrap_or(0)
}

/// In pieces: what is held for a peer that does not read is no more than one of them.
async fn say_much(writer: &mut StreamWriter, mut left: usize) -> io::Result<()> {
    static PIECE: [u8; 64 << 10] = [b'm'; 64 << 10];
    while left > 0 {
        let piece = &PIECE[..left.min(PIECE.len())];
        writer.write(piece).await?;
        left -= piece.len();
    }
    Ok(())
}

async fn echo(
    reader: &mut StreamReader,
    writer: &mut StreamWriter,
    mut left: usize,
) -> Result<(), ReadError> {
    while left > 0 {
        let piece = reader.read(left).await?;
        if piece.is_empty() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        left -= piece.len();
        let piece = piece.to_vec();
        writer.write(piece).await?;
    }
    Ok(())
}

// The clients' side.

/// An address of the server's, another one each time.
fn some_address(random: &mut Random, port: u16) -> SocketAddr {
    let last = 1 + random.below(ADDRESSES) as u8;
    SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), port))
}

async fn ask_echo(
    reader: &mut StreamReader,
    writer: &mut StreamWriter,
    count: usize,
) -> Result<(), ReadError> {
    writer.write_buffered(format!("echo {count}\n").as_bytes())?;
    writer.write(vec![b'e'; count]).await?;
    let echoed = reader.read_exact(count).await?;
    assert!(echoed.iter().all(|byte| *byte == b'e'));
    Ok(())
}

/// One connection's life, of a kind that the dice choose.
async fn come_and_go(random: &mut Random, port: u16) -> Result<(), ReadError> {
    let connection = connect(some_address(random, port)).await.map_err(io::Error::from)?;
    let kind = random.below(1000);
    if kind < 100 {
        // A reset before a word is said.
        connection.socket().socket().set(SocketOption::Linger(Some(Duration::ZERO))).unwrap();
        return Ok(());
    }
    if (100..250).contains(&kind) {
        // A reset in the middle of a line, or of an answer.
        connection.socket().socket().set(SocketOption::Linger(Some(Duration::ZERO))).unwrap();
        let (_reader, mut writer) = connection.open();
        let said: &[u8] = if kind < 180 { b"echo 1" } else { b"echo 5\nhello" };
        return Ok(writer.write(said).await?);
    }
    let (mut reader, mut writer) = connection.open();
    match kind {
        250..600 => ask_echo(&mut reader, &mut writer, random.within(1..3000) as usize).await?,
        600..800 => {
            // The end of one direction, and an answer behind it.
            writer.write(b"count all\n12345").await?;
            writer.write_eof().await?;
            assert_eq!(reader.read_line().await?, b"5\n");
        }
        800..900 => {
            writer.write(b"leave now\n").await?;
            assert_eq!(reader.read(1).await?, b"");
        }
        900..995 => {
            // What comes is not read.
            writer.write(b"much 20000\n").await?;
            reader.read(1).await?;
        }
        _ => slow_reader(&mut reader, &mut writer, random.chance(0.5)).await?,
    }
    Ok(())
}

/// Reads a little at a time; loses patience, or reads it all in the end.
async fn slow_reader(
    reader: &mut StreamReader,
    writer: &mut StreamWriter,
    is_patient: bool,
) -> Result<(), ReadError> {
    writer.write(format!("much {MUCH}\n").as_bytes()).await?;
    for _ in 0..20 {
        reader.read(1000).await?;
        yield_now().await;
    }
    let mut read = 20_000;
    while is_patient && read < MUCH {
        read += reader.read(usize::MAX).await?.len();
    }
    Ok(())
}

/// What goes on for as long as connections are to come.
struct Churn {
    left: Cell<u64>,
    port: u16,
    /// Memory when a tenth had come and gone: by then every pool and table has its size.
    at_a_tenth: Cell<usize>,
    total: u64,
}

async fn worker(seed: u64, churn: Rc<Churn>) {
    let mut random = Random::new(seed);
    while churn.left.get() > 0 {
        churn.left.set(churn.left.get() - 1);
        if churn.left.get() == churn.total - churn.total / 10 {
            churn.at_a_tenth.set(resident_memory());
        }
        if let Err(error) = come_and_go(&mut random, churn.port).await {
            panic!("seed {seed}: {error:?}");
        }
    }
}

// Those who stay.

const CROWD: &str = "ROUNDEL_SOAK_CROWD";

/// On which driver a process is to soak.
const DRIVER: &str = "ROUNDEL_SOAK_DRIVER";

/// As a child: opens connections, says so, and when its input ends sees whether all are served.
async fn crowd(size: Size, port: u16) {
    let mut random = Random::new(0);
    let mut open = Vec::new();
    for _ in 0..size.open {
        let connection = connect(some_address(&mut random, port)).await.unwrap();
        let (mut reader, mut writer) = connection.open();
        ask_echo(&mut reader, &mut writer, 10).await.unwrap();
        open.push((reader, writer));
    }
    println!("\nall are open");
    // Blocks: nobody here has anything to do meanwhile.
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
    for (reader, writer) in &mut open {
        ask_echo(reader, writer, 10).await.unwrap();
    }
    println!("\nall are served");
}

/// The child, seen from here.
struct Crowd {
    child: Child,
    told: StreamReader,
}

impl Crowd {
    async fn begin(port: u16) -> Self {
        let mut child = itself()
            .env(CROWD, port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let told = OwnedFd::from(child.stdout.take().unwrap());
        let told = StreamReader::new(LoopHandle::current().attach(Source::new(told)));
        let mut crowd = Self { child, told };
        crowd.says(b"all are open\n").await;
        crowd
    }

    async fn says(&mut self, words: &[u8]) {
        self.told.read_until(words).await.expect("the others go on");
    }

    /// Whoever stayed is still served.
    async fn end(mut self) {
        drop(self.child.stdin.take());
        self.says(b"all are served\n").await;
        self.told.read_to_end().await.unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

async fn begin(unexpected: &Rc<Cell<u64>>) -> (Server, u16) {
    let mut options = ListenOptions::default();
    options.backlog = 4096;
    let listener = options.bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addresses()[0].inet().unwrap().port();
    let unexpected = Rc::clone(unexpected);
    let server = serve(listener, async move |connection: Connection| {
        handle(connection, Rc::clone(&unexpected)).await;
    });
    (server, port)
}

async fn soak(name: String, size: Size) {
    let reports = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&reports);
    LoopHandle::current().set_unhandled_handler(Some(Rc::new(move |report| {
        told.borrow_mut().push(report.to_string());
        Verdict::Continue
    })));
    let unexpected = Rc::new(Cell::new(0));
    let (server, port) = begin(&unexpected).await;
    let crowd = Crowd::begin(port).await;
    let with_open = resident_memory();

    let begun = Instant::now();
    let churn = Rc::new(Churn {
        left: Cell::new(size.churn),
        port,
        at_a_tenth: Cell::new(0),
        total: size.churn,
    });
    let workers: Vec<_> =
        (1..=WORKERS).map(|seed| spawn(worker(seed, Rc::clone(&churn)))).collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let (took, at_end) = (begun.elapsed(), resident_memory());

    crowd.end().await;
    server.stop_accepting();
    server.closed().await;
    let served = server.statistics();
    assert!(served.accepted <= size.churn + size.open as u64);
    assert_eq!((served.connections, served.failed, served.pauses), (0, 0, 0));
    assert_eq!(unexpected.get(), 0, "errors that no peer has caused");
    assert_eq!(*reports.borrow(), [""; 0]);

    let at_a_tenth = churn.at_a_tenth.get();
    println!(
        "{name}: {} open, {} came and went in {took:.0?}, {} were accepted; resident {} KiB with \
         those open, {} KiB after a tenth, {} KiB at the end",
        size.open,
        size.churn,
        served.accepted,
        with_open >> 10,
        at_a_tenth >> 10,
        at_end >> 10
    );
    // Ten bytes for each connection would be twice as much. In a short run the first large answers
    // are still finding their places.
    let is_long = size.churn >= 1_000_000;
    assert!(!is_long || at_end < at_a_tenth + (4 << 20), "memory grows");
}

/// Nothing that the driver has is in use any more.
fn left(statistics: &DriverStatistics) -> (usize, usize, usize) {
    (statistics.sources, statistics.operations, statistics.buffers)
}

fn soak_on(name: &str, driver: Box<dyn Driver>, size: Size) {
    let mut config = LoopConfig::with_driver(driver);
    config.slow_callback = None;
    let mut event_loop = EventLoop::with_config(config);
    let handle = event_loop.handle();
    let before = descriptors();
    let task = spawn_on(&handle, soak(name.to_owned(), size));
    event_loop.run_until_complete(task).unwrap().unwrap();
    // What streams leave behind goes on call-backs.
    let turns = spawn_on(&handle, async {
        for _ in 0..20 {
            yield_now().await;
        }
    });
    event_loop.run_until_complete(turns).unwrap().unwrap();
    assert_eq!(statistics(&handle).tasks, 0, "tasks are left");
    assert_eq!(handle.statistics().pending_timers, 0, "timers are left");
    assert_eq!(left(&event_loop.driver_statistics()), (0, 0, 0), "the driver has something left");
    assert!(descriptors() <= before, "{} descriptors, {before} before", descriptors());
}

#[test]
fn a_busy_server_leaks_nothing() {
    let size = Size::chosen();
    make_room(size);
    if let Ok(port) = env::var(CROWD) {
        let mut event_loop = EventLoop::new().unwrap();
        event_loop.handle().set_slow_callback(None);
        let task = spawn_on(&event_loop.handle(), crowd(size, port.parse().unwrap()));
        return event_loop.run_until_complete(task).unwrap().unwrap();
    }
    if let Ok(name) = env::var(DRIVER) {
        return soak_on(&name, driver(&name), size);
    }
    let mut names = vec!["epoll"];
    match roundel_uring::probe() {
        Ok(_) => names.push("io_uring"),
        Err(why) => eprintln!("not on io_uring: {why}"),
    }
    // Each in a process of its own: memory that one driver has left is no measure for the next.
    for name in names {
        let soaked = itself().env(DRIVER, name).status().unwrap();
        assert!(soaked.success(), "on {name}");
    }
}

fn driver(name: &str) -> Box<dyn Driver> {
    match name {
        "epoll" => Box::new(SelectorDriver::by_name(name).unwrap()),
        _ => Box::new(roundel_uring::UringDriver::new().unwrap()),
    }
}

/// This test again, in a process of its own.
fn itself() -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "a_busy_server_leaks_nothing", "--nocapture"]);
    command
}
