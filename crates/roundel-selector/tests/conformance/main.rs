//! What every selector must do, run on each that this platform has, through `Box<dyn Selector>`.
#![cfg(unix)]

mod bench;

mod registration;

mod capacity;
mod edge;
mod ends;
mod level;
mod timeout;

mod notify;
mod signals;

mod descriptors;
