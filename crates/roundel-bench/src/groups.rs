//! The groups of rows, by name.

use crate::{
    echo, http, lines,
    machine::{CLIENT_CORE, SERVER_CORE},
    memory,
    plan::Plan,
    promise, remote,
    row::Row,
    sim, soon, tasks, timers,
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

/// The groups that are measured and shown together.
#[derive(Debug)]
pub struct Page {
    /// As on the command line, and of its file.
    pub name: &'static str,
    /// In the order of the layers.
    pub groups: &'static [Group],
}

/// In the order of the layers.
pub const PAGES: [Page; 5] = [
    Page { name: "ground", groups: &GROUND },
    Page { name: "tasks", groups: &tasks::GROUPS },
    Page { name: "streams", groups: &STREAMS },
    Page { name: "one-core", groups: &ONE_CORE },
    Page { name: "sim", groups: &sim::GROUPS },
];

const STREAMS: [Group; 4] = [
    Group {
        name: "stream-echo",
        subject: "TCP echo by streams, server and client each on a core",
        core: CLIENT_CORE,
        rows: echo::stream_rows,
    },
    Group {
        name: "lines",
        subject: "Lines, read one by one",
        core: SERVER_CORE,
        rows: lines::rows,
    },
    Group {
        name: "http",
        subject: "HTTP/1.1 by hyper, server and client each on a core",
        core: CLIENT_CORE,
        rows: http::rows,
    },
    Group {
        name: "idle",
        subject: "Memory of an idle connection with streams",
        core: SERVER_CORE,
        rows: memory::idle_streams,
    },
];

const ONE_CORE: [Group; 2] = [
    Group {
        name: "echo-one-core",
        subject: "TCP echo on loopback, server and client on one core",
        core: SERVER_CORE,
        rows: echo::rows_on_one_core,
    },
    Group {
        name: "stream-echo-one-core",
        subject: "TCP echo by streams, server and client on one core",
        core: SERVER_CORE,
        rows: echo::stream_rows_on_one_core,
    },
];

const GROUND: [Group; 6] = [
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
    for page in &PAGES {
        if page.name == name {
            return Some(page.groups);
        }
        if let Some(nth) = page.groups.iter().position(|group| group.name == name) {
            return Some(&page.groups[nth..=nth]);
        }
    }
    None
}

/// Every name, for whoever mistyped one.
pub fn names() -> String {
    let page = |page: &Page| {
        let groups: Vec<_> = page.groups.iter().map(|group| group.name).collect();
        format!("{} ({})", page.name, groups.join(", "))
    };
    PAGES.iter().map(page).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{PAGES, named, names};

    #[test]
    fn every_name_is_listed_and_found() {
        for page in &PAGES {
            assert!(names().contains(page.name));
            assert_eq!(named(page.name).map(<[_]>::len), Some(page.groups.len()));
            for group in page.groups {
                assert!(names().contains(group.name));
                // Two groups of one name would hide each other.
                assert_eq!(named(group.name).map(|found| found[0].subject), Some(group.subject));
                assert_eq!(named(group.name).map(<[_]>::len), Some(1));
            }
        }
        assert!(named("so").is_none());
    }
}
