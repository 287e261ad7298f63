//! When: clocks, deadlines and an exact timer queue.
#![forbid(unsafe_code)]
