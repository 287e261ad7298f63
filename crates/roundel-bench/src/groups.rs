//! The groups of rows, by name.

use crate::{
    echo,
    machine::{CLIENT_CORE, SERVER_CORE},
    memory,
    plan::Plan,
    promise, remote,
    row::Row,
    soon, timers,
};

/// The rows of one subject.
#[derive(Debug)]
pub struct Group {
    /// As on the command line.
    pub name: &'static str,
    /// What it is about.
    pub subject: &'static str,
    /// The core on which this process takes part in it.
    pub core: usize,
    /// Its rows; they start nothing before they are raced.
    pub rows: fn(&Plan) -> Vec<Row>,
}

/// All groups together.
pub const GROUND: &str = "ground";

/// In the order of the layers.
pub const GROUPS: [Group; 6] = [
    Group {
        name: "soon",
        subject: "Call-backs: from call_soon to being run",
        core: SERVER_CORE,
        rows: soon::rows,
    },
    Group {
        name: "timers",
        subject: "Timers: set and cancelled, set and fired, and how late",
        core: SERVER_CORE,
        rows: timers::rows,
    },
    Group {
        name: "remote",
        subject: "Call-backs from another thread",
        core: SERVER_CORE,
        rows: remote::rows,
    },
    Group {
        name: "promise",
        subject: "Promises: from made to read",
        core: SERVER_CORE,
        rows: promise::rows,
    },
    Group {
        name: "memory",
        subject: "Memory of what waits",
        core: SERVER_CORE,
        rows: memory::rows,
    },
    Group {
        name: "echo",
        subject: "TCP echo on loopback, server and client each on a core",
        core: CLIENT_CORE,
        rows: echo::rows,
    },
];

/// The groups that a name stands for; none if it stands for nothing.
pub fn named(name: &str) -> Option<&'static [Group]> {
    match GROUPS.iter().position(|group| group.name == name) {
        Some(nth) => Some(&GROUPS[nth..=nth]),
        None => (name == GROUND).then_some(&GROUPS[..]),
    }
}

/// Every name, for whoever mistyped one.
pub fn names() -> String {
    let names: Vec<_> = GROUPS.iter().map(|group| group.name).collect();
    format!("{GROUND} (all of them), {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{GROUND, GROUPS, named, names};

    #[test]
    fn every_name_is_listed_and_found() {
        for group in &GROUPS {
            assert!(names().contains(group.name));
            assert_eq!(named(group.name).map(<[_]>::len), Some(1));
        }
        assert_eq!(named(GROUND).map(<[_]>::len), Some(GROUPS.len()));
        assert!(named("so").is_none());
    }
}
