//! What becomes of a panic that nobody is there to read: the loop's handler is told.

use std::{
    any::Any,
    mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use roundel_loop::{LoopHandle, Unhandled};

use crate::{JoinError, executor::Executor, header::Header};

pub(crate) fn report_panic(
    handle: &LoopHandle,
    header: &Header,
    message: &str,
    payload: Box<dyn Any + Send>,
) {
    let mut report = Unhandled::new(message).detail("task", header.id);
    report.panic = Some(payload);
    report.site = Some(header.site);
    if let Some(name) = header.name() {
        report = report.detail("name", name);
    }
    tell(handle, report);
}

/// Tells of a panic that had been collected for somebody who will not read it.
pub(crate) fn report_lost(handle: &LoopHandle, message: &str, error: JoinError) {
    let mut report = Unhandled::new(message).detail("task", error.task_id());
    report.site = Some(error.site());
    report.panic = error.try_into_panic().ok();
    tell(handle, report);
}

/// Tells of a panic in what the current task does.
pub(crate) fn report_here(message: &str, payload: Box<dyn Any + Send>) {
    let Some(handle) = LoopHandle::try_current() else { return };
    match Executor::of(&handle).current_task() {
        Some(task) => report_panic(&handle, task.header(), message, payload),
        None => {
            let mut report = Unhandled::new(message);
            report.panic = Some(payload);
            tell(&handle, report);
        }
    }
}

fn tell(handle: &LoopHandle, report: Unhandled) {
    handle.report(&report);
    // A payload may panic when it is dropped; what that brings is not dropped again.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(report))) {
        mem::forget(payload);
    }
}

/// A panic that was caught and is to go on later. If it is dropped before, it is told.
pub(crate) struct Unread(Option<Box<dyn Any + Send>>);

impl Unread {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        Self(Some(payload))
    }

    pub(crate) fn go_on(mut self) -> ! {
        resume_unwind(self.0.take().expect("a panic goes on once"))
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if let Some(payload) = self.0.take() {
            report_here("a panic was lost with the future that it was to end", payload);
        }
    }
}
