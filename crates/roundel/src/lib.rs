//! An asyncio-shaped event loop in layers, one crate each, composed bottom-up.
#![forbid(unsafe_code)]
