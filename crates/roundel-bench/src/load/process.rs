//! A server in a process of its own.

use std::{
    io::{self, BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::Program;
use crate::machine::{cpu_at_rest, sibling};

/// Ends with its owner.
pub(super) struct ServerProcess {
    child: Child,
    port: u16,
}

impl ServerProcess {
    pub(super) fn start(program: &Program) -> io::Result<Self> {
        let mut child = Command::new(sibling(program.name)?)
            .args(&program.arguments)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok());
        let port = port.ok_or_else(|| io::Error::other("the server told no port"))?;
        Ok(Self { child, port })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// What it has spent on the CPU so far, once it rests.
    pub(super) fn cpu_at_rest(&self) -> io::Result<Duration> {
        cpu_at_rest(self.child.id())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It never ends by itself; should it have failed, there is nobody to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
