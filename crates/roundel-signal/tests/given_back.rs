//! What a signal does when nobody listens any more, seen from outside, in a process of its own.

use std::{
    env,
    io::{BufRead, BufReader, Lines},
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

// spec: SIG-05
#[test]
fn a_signal_that_ends_programs_ends_them_again() {
    // Not the signals that a shell has its background jobs ignore, and so their tests too.
    for signal in [Signal::SIGTERM, Signal::SIGUSR1, Signal::SIGALRM] {
        let mut listener = Listener::start(Command::new(example()).arg(number(signal)));
        listener.hears(signal);
        listener.send(signal);
        // Should it survive, it ends by itself.
        drop(listener.input.take());
        assert_eq!(listener.child.wait().unwrap().signal(), Some(signal as i32), "{signal}");
    }
}

#[test]
fn a_signal_that_did_nothing_does_nothing_again() {
    let mut listener = Listener::start(Command::new(example()).arg(number(Signal::SIGCHLD)));
    listener.hears(Signal::SIGCHLD);
    listener.outlives(Signal::SIGCHLD);
}

#[test]
fn a_signal_that_was_ignored_is_ignored_again() {
    let script = "trap '' USR1; exec \"$0\" \"$1\"";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(example()).arg(number(Signal::SIGUSR1));
    let mut listener = Listener::start(&mut command);
    listener.hears(Signal::SIGUSR1);
    listener.outlives(Signal::SIGUSR1);
}

/// The example, running.
struct Listener {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Listener {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, input, output }
    }

    fn send(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    fn says(&mut self, line: &str) {
        assert_eq!(self.output.next().unwrap().unwrap(), line);
    }

    /// Goes through its one signal.
    fn hears(&mut self, signal: Signal) {
        self.says(&format!("listening to {signal}"));
        self.send(signal);
        self.says(&format!("heard {signal}"));
        self.says(&format!("gave {signal} back"));
    }

    /// Gets the signal once more and ends by itself.
    fn outlives(&mut self, signal: Signal) {
        self.send(signal);
        drop(self.input.take());
        self.says(&format!("outlived {signal}"));
        assert!(self.child.wait().unwrap().success());
    }
}

fn number(signal: Signal) -> String {
    (signal as i32).to_string()
}

/// The example's binary, beside this test's; `cargo test` builds both unless told otherwise.
fn example() -> PathBuf {
    let test = env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    let example = profile.join("examples/listen");
    assert!(example.exists(), "build it first: cargo build --example listen");
    example
}
