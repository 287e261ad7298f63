//! What becomes of a panic that nobody is there to read: the loop's handler is told.

use std::any::Any;

use roundel_loop::{LoopHandle, Unhandled};

use crate::{JoinError, header::Header};

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
    handle.report(&report);
}

/// Tells of a panic that had been collected for somebody who will not read it.
pub(crate) fn report_lost(handle: &LoopHandle, message: &str, error: JoinError) {
    let mut report = Unhandled::new(message).detail("task", error.task_id());
    report.site = Some(error.site());
    report.panic = error.try_into_panic().ok();
    handle.report(&report);
}
