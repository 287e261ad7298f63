//! Each crate can be reached through the facade: one thing of each is used by its module's path.

use std::{error::Error, os::unix::net::UnixStream, time::Duration};

#[test]
fn the_timer_crate_is_reached() {
    use roundel::timer::{Clock, Deadline, TimerQueue, VirtualClock};
    let clock = VirtualClock::new();
    let mut timers = TimerQueue::new();
    timers.insert(Deadline::after(clock.now(), Duration::from_secs(1)), "due");
    clock.advance(Duration::from_secs(1));
    assert_eq!(timers.pop_due(clock.now()), Some("due"));
}

#[test]
fn the_promise_crate_is_reached() {
    let (promise, promised) = roundel::promise::promise();
    assert!(promise.set(1).is_ok());
    assert_eq!(promised.result(), Ok(1));
    let (_promise, _promised): (roundel::Promise<u8>, roundel::Promised<u8>) =
        roundel::promise::promise();
}

#[test]
fn the_selector_crate_is_reached() -> Result<(), Box<dyn Error>> {
    use roundel::selector::{Interest, Readiness, SelectorMap, Source};
    let (ours, _theirs) = UnixStream::pair()?;
    let mut map = SelectorMap::new()?;
    map.register(Source::new(ours), Interest::WRITE, "ours")?;
    let ready: Vec<_> =
        map.select(None)?.into_iter().map(|(key, ready)| (*key.data(), ready)).collect();
    assert_eq!(ready, [("ours", Readiness::WRITABLE)]);
    Ok(())
}

#[test]
fn the_driver_crate_is_reached() -> Result<(), Box<dyn Error>> {
    use roundel::driver::{Driver, Operation, Outcome, SelectorDriver, Source, Submitted};
    let (ours, _theirs) = UnixStream::pair()?;
    let mut driver = SelectorDriver::by_name("default")?;
    let source = driver.attach(Source::new(ours));
    let submitted = driver.submit(Operation::Send { source, data: b"hello".into() });
    assert!(matches!(submitted, Submitted::Done(Ok(Outcome::Sent(data))) if *data == *b"hello"));
    Ok(())
}

#[test]
fn the_loop_and_the_simulation_are_reached() -> Result<(), Box<dyn Error>> {
    use roundel::{EventLoop, LoopConfig, driver::SelectorDriver, sim};
    let clock = sim::VirtualClock::new();
    let driver = sim::AutoJump::new(SelectorDriver::by_name("default")?, clock.clone());
    let mut config = LoopConfig::with_driver(Box::new(driver));
    config.clock = clock.clone().into();

    let mut event_loop = EventLoop::with_config(config);
    let handle: roundel::LoopHandle = event_loop.handle();
    let remote: roundel::RemoteHandle = event_loop.remote();
    let _timer: roundel::event_loop::TimerHandle =
        handle.call_later(Duration::from_secs(60), move || remote.stop());
    event_loop.run_forever()?;
    assert_eq!(clock.elapsed(), Duration::from_secs(60));
    Ok(())
}

#[test]
fn tasks_are_reached_at_the_root_and_by_their_module() {
    let mut runner =
        roundel::Runner::builder().backend(roundel::Backend::Simulated).build().unwrap();
    let answers = runner.run(async {
        let task: roundel::Task<u8> = roundel::spawn(async { 1 });
        let late = roundel::timeout(Duration::from_secs(1), std::future::pending::<u8>());
        roundel::executor::yield_now().await;
        (task.await.unwrap(), late.await)
    });
    assert_eq!(answers.unwrap(), (1, Err(roundel::Elapsed)));
}

#[test]
fn the_run_and_signal_crates_are_functions_and_modules_of_the_same_names() {
    let outcome: Result<_, roundel::RunError> = roundel::run(async {
        let signals: roundel::signal::Signal = roundel::signal(roundel::SignalKind::USER1)?;
        Ok::<_, roundel::signal::SignalError>(signals.kind())
    });
    assert_eq!(outcome.unwrap().unwrap(), roundel::SignalKind::USER1);
    let loops = roundel::run::LoopGroup::new().loops(1).run(async |member| member.index());
    assert_eq!(loops.unwrap(), [0]);
}
