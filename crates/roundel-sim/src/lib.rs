//! Time that jumps: a virtual clock under the real event loop.
#![forbid(unsafe_code)]
#![cfg(unix)]

mod auto_jump;

pub use auto_jump::AutoJump;
pub use roundel_timer::VirtualClock;
