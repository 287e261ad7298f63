//! One value, later: a promise in two ends, awaited, blocked on or called back.
#![forbid(unsafe_code)]
