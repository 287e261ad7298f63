//! Blocking functions, run in the loop's default executor.

use std::{cell::RefCell, rc::Rc, thread};

use roundel_executor::{ToThreadError, spawn_on, to_thread, yield_now};
use roundel_loop::{EventLoop, LoopHandle};

type Jobs = RefCell<Vec<Box<dyn FnOnce() + Send>>>;

fn event_loop() -> (EventLoop, LoopHandle) {
    let event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    (event_loop, handle)
}

// spec: THR-01
#[test]
fn a_function_runs_in_another_thread_and_its_outcome_is_awaited() {
    let (mut event_loop, handle) = event_loop();
    handle.set_default_executor(|job| drop(thread::spawn(job)));
    let task = spawn_on(&handle, async { to_thread(|| thread::current().id()).await });
    let there = event_loop.run_until_complete(task).unwrap().unwrap().unwrap();
    assert_ne!(there, thread::current().id());
    let task = spawn_on(&handle, async { to_thread(|| panic!("there")).await });
    let outcome: Result<(), _> = event_loop.run_until_complete(task).unwrap().unwrap();
    assert!(matches!(outcome, Err(ToThreadError::Abandoned)), "{outcome:?}");
}

// spec: THR-01
#[test]
fn nothing_runs_until_it_is_awaited() {
    let (mut event_loop, handle) = event_loop();
    let jobs = Rc::<Jobs>::default();
    handle.set_default_executor({
        let jobs = Rc::clone(&jobs);
        move |job| jobs.borrow_mut().push(job)
    });
    let task = spawn_on(&handle, async move {
        let waiting = to_thread(|| 7);
        yield_now().await;
        assert!(jobs.borrow().is_empty(), "it has not been awaited");
        let mut waiting = Box::pin(waiting);
        assert!(futures::poll!(waiting.as_mut()).is_pending());
        let job = jobs.borrow_mut().pop().expect("it is awaited now");
        job();
        waiting.await
    });
    assert_eq!(event_loop.run_until_complete(task).unwrap().unwrap().unwrap(), 7);
}

#[test]
fn without_an_executor_it_says_so() {
    let (mut event_loop, handle) = event_loop();
    let task = spawn_on(&handle, async { to_thread(|| ()).await });
    let outcome = event_loop.run_until_complete(task).unwrap().unwrap();
    assert!(matches!(outcome, Err(ToThreadError::NoExecutor)), "{outcome:?}");
}
