//! Roundel's benchmarks: each figure beside a peer's, taken in the same run.
//!
//! A *row* is one question put to several *peers*; a *group* is the rows of one subject. A race
//! lets the peers answer in turn, round by round, so that whatever else the machine does falls on
//! all of them alike; what is compared are the rounds' ratios, and a figure is never shown without
//! its spread. `docs/perf.md` says how to run them and what they showed.
#![deny(unsafe_code)]

// What is measured, and how.
pub mod load;
pub mod machine;
pub mod plan;
pub mod race;
pub mod row;
pub mod spread;

// What is asked.
pub mod groups;

pub mod echo;
pub mod http;
pub mod lines;
pub mod memory;
pub mod promise;
pub mod remote;
pub mod sim;
pub mod soon;
pub mod tasks;
pub mod timers;

// What is shown.
pub mod plot;
pub mod report;
