//! Time that jumps: a virtual clock under the real event loop.
#![forbid(unsafe_code)]
