//! Call-backs in order: an event loop of ready queue, timers and one place that blocks.
#![forbid(unsafe_code)]
