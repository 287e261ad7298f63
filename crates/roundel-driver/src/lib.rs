//! Operations, however the kernel reports them: readiness made into completion.
#![forbid(unsafe_code)]
#![cfg(unix)]

mod arena;
mod attempt;
mod buffer;
mod driver;
mod error;
mod operation;
mod selector_driver;
mod watched;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use buffer::{Buffer, BufferPool};
pub use driver::{Driver, DriverStatistics, Submitted};
pub use error::{DriverError, OperationError};
pub use operation::{Address, Completion, Key, Operation, Outcome, SourceId, UnixAddress};
pub use roundel_selector::{Interest, Notifier, Notify, Readiness, SelectorError, Source};
pub use selector_driver::SelectorDriver;
