//! What the runner's tests share: runners on virtual time, a log, and what the handler was told.
#![allow(dead_code)] // each test file uses its own part

use std::{cell::RefCell, rc::Rc, time::Duration};

use roundel_executor::{AsyncExit, sleep, statistics};
use roundel_loop::{LoopHandle, Verdict};
use roundel_run::{Backend, Runner, RunnerBuilder};

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// What ran, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: impl ToString) {
        self.0.borrow_mut().push(line.to_string());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

pub(crate) fn builder() -> RunnerBuilder {
    Runner::builder().backend(Backend::Simulated)
}

/// A runner whose clock jumps. Its stall watch is off: a busy machine is not what is tested.
pub(crate) fn runner() -> Runner {
    quiet(builder())
}

pub(crate) fn quiet(builder: RunnerBuilder) -> Runner {
    let runner = builder.build().unwrap();
    runner.handle().set_slow_callback(None);
    runner
}

/// Collects what the loop's handler of unhandled failures is told from now on.
pub(crate) fn reports(handle: &LoopHandle) -> Log {
    let log = Log::default();
    let told = log.clone();
    handle.set_unhandled_handler(Some(Rc::new(move |report| {
        told.add(match report.panic_message() {
            Some(text) => format!("{}: {text}", report.message),
            None => report.message.clone(),
        });
        Verdict::Continue
    })));
    log
}

#[track_caller]
pub(crate) fn assert_nothing_left(handle: &LoopHandle) {
    assert_eq!(statistics(handle).tasks, 0, "tasks are left");
    assert_eq!(handle.statistics().pending_timers, 0, "timers are left");
}

/// Takes its time to exit, and logs it.
pub(crate) struct Slow(pub(crate) Log, pub(crate) Duration);

impl AsyncExit for Slow {
    async fn exit(self) {
        self.0.add("exit begins");
        sleep(self.1).await;
        self.0.add("exit ends");
    }
}
