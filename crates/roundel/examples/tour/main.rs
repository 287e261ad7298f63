//! A tour of tasks and the loop below them: what happens on which turn, and in which order.
//!
//! `cargo run --release --example tour [-- --driver NAME]`

mod client;
mod echo;
mod endings;
mod timeline;

use std::{cell::Cell, error::Error, net::TcpListener, panic, rc::Rc, thread, time::Duration};

use roundel::{
    Backend, LoopConfig, LoopHandle, RemoteHandle, RemoteSpawn, Runner, TaskGroup,
    driver::Driver,
    executor::{Builder, MissedTick},
    interval,
    promise::promise,
    sleep, sleep_until, task_tree, timeout, yield_now,
};

use crate::timeline::TimeLine;

const CLIENTS: usize = 3;
const TICK: Duration = Duration::from_millis(1);
const TOO_SLOW: Duration = Duration::from_millis(50);
const BLOCKED: Duration = Duration::from_millis(80);

/// Whatever goes wrong on a tour.
type Failed = Box<dyn Error>;

fn main() -> Result<(), Failed> {
    // The parts of a loop can be chosen; here, what counts as holding it up.
    let mut config = LoopConfig::with_driver(driver()?);
    config.slow_callback = Some(TOO_SLOW);
    let mut runner = Runner::builder().config(config).build()?;
    let handle = runner.handle();

    let timeline = TimeLine::begin(handle.now());
    handle.set_unhandled_handler(Some(Rc::new(move |failure| timeline.report(failure))));
    // The time line reports a panic; one report is enough.
    panic::set_hook(Box::new(|_| {}));

    // Ctrl-C would cancel it, with all that it has begun.
    let toured = runner.run(tour(timeline))?;
    // What the tour has left behind is cancelled now, and its clean-up awaited.
    runner.close();
    timeline.end(&handle);
    toured
}

/// The driver that the command line names, or the best there is.
fn driver() -> Result<Box<dyn Driver>, Failed> {
    let mut arguments = std::env::args().skip(1);
    let backend = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Backend::Auto,
        (Some("--driver"), Some(name)) => Backend::from(&*name),
        _ => return Err("usage: tour [--driver NAME]".into()),
    };
    Ok(backend.driver()?)
}

async fn tour(timeline: TimeLine) -> Result<(), Failed> {
    order(timeline).await;
    elsewhere(timeline).await?;
    echo(timeline).await?;
    endings::failure(timeline).await;
    endings::deadline(timeline).await;
    mishaps(timeline).await;
    endings::left_behind(timeline);
    Ok(())
}

/// Steps of tasks and call-backs share one queue, and run in the order in which they were queued;
/// timers run in the order of their deadlines.
async fn order(timeline: TimeLine) {
    let handle = LoopHandle::current();
    handle.call_later(2 * TICK, move || timeline.tell("after 2 ms"));
    handle.call_later(TICK, move || timeline.tell("after 1 ms"));
    handle.call_soon(move || timeline.tell("first of the queue"));
    let task = async move {
        timeline.tell("second; lets the others go on");
        yield_now().await;
        timeline.tell("fourth: on the next turn, not this one");
    };
    Builder::new().name("task").spawn(task).detach();
    handle.call_soon(move || timeline.tell("third"));
    timeline.tell("has queued them, and nothing has run yet");
    sleep(3 * TICK).await;
    timeline.tell("has slept for 3 ms");
}

/// Another thread has tasks run here. Its end is awaited like a task's.
async fn elsewhere(timeline: TimeLine) -> Result<(), Failed> {
    let remote = LoopHandle::current().remote();
    let (promise, ended) = promise();
    thread::spawn(move || promise.set(count_primes(&remote, timeline)));
    timeline.tell(format!("awaited a thread, which spawned {} tasks here", ended.await?));
    Ok(())
}

fn count_primes(remote: &RemoteHandle, timeline: TimeLine) -> usize {
    let told = [1_000, 2_000, 3_000_u32].map(|limit| {
        let primes = (2..limit).filter(|n| (2..*n).all(|d| n % d != 0)).count();
        remote.spawn(async move || timeline.tell(format!("{primes} primes below {limit}")))
    });
    // An order fails if the loop is closed: then nobody wants to know.
    told.iter().flatten().count()
}

/// An echo server, its clients, and somebody who looks on.
async fn echo(timeline: TimeLine) -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = Builder::new().name("server").spawn(echo::serve(listener, timeline));
    let checked = Cell::new(0);
    let clients = TaskGroup::scope(async |group| {
        for number in 1..=CLIENTS {
            let client = client::talk(address, number, &checked, timeline);
            group.builder().name(format!("client {number}")).spawn(client);
        }
        group.builder().name("observer").spawn(observe(&checked, timeline));
        Ok(())
    });
    timeout(Duration::from_secs(5), clients).await??;
    server.cancel();
    if let Err(error) = server.await {
        timeline.tell(error);
    }
    Ok(())
}

/// Looks every millisecond until bytes come back, then shows who waits for whom.
async fn observe(checked: &Cell<usize>, timeline: TimeLine) -> Result<(), Failed> {
    let mut ticks = interval(TICK).on_missed(MissedTick::Skip);
    while checked.get() == 0 {
        ticks.tick().await;
        timeline.tell(format!("{} bytes have come back", checked.get()));
    }
    timeline.show(&task_tree());
    Ok(())
}

/// What must not happen in a task, and what the loop makes of it.
async fn mishaps(timeline: TimeLine) {
    let handle = LoopHandle::current();
    Builder::new().name("careless").spawn(async { panic!("a task panics") }).detach();
    sleep(TICK).await;
    let blocker = async move {
        timeline.tell(format_args!("blocks its thread for {BLOCKED:?}"));
        thread::sleep(BLOCKED);
    };
    Builder::new().name("blocker").spawn(blocker).detach();
    let due = handle.now() + TICK;
    sleep_until(due).await;
    let late = (handle.now() - due).as_millis();
    timeline.tell(format!("has slept for 1 ms, and was held up for {late} ms"));
}
