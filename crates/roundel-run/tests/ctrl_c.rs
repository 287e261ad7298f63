//! Ctrl-C, seen from outside: each program is a process of its own, as signals are the process's
//! and only its main thread takes Ctrl-C over.

use std::{
    env,
    io::{BufRead, BufReader, Lines},
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    thread,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

const INTERRUPTED: &str = "error: running: interrupted by Ctrl-C";

// spec: RUN-08, RUN-09
#[test]
fn the_first_cancels_the_main_task_which_cleans_up() {
    // One waits in the kernel, the other never does.
    for name in ["polite", "busy"] {
        let mut program = Program::start(name);
        program.says("ready");
        program.press();
        program.says("cleaned up");
        program.says(INTERRUPTED);
        assert!(program.end().success());
    }
}

// spec: RUN-09
#[test]
fn the_second_ends_the_program() {
    let mut program = Program::start("stubborn");
    program.says("ready");
    program.press();
    program.says("cleaning up");
    program.press();
    assert_eq!(program.end().code(), Some(130));
}

#[test]
fn the_second_ends_even_a_program_whose_loop_is_held_up() {
    let mut program = Program::start("blocked");
    program.says("ready");
    // Nothing shows when the first has arrived, and until then a second is the same.
    while program.child.try_wait().unwrap().is_none() {
        program.press();
        thread::yield_now();
    }
    assert_eq!(program.end().code(), Some(130));
}

// spec: RUN-10
#[test]
fn each_run_takes_it_over_anew_and_gives_it_back() {
    let mut program = Program::start("several-runs");
    for line in ["first", "second"] {
        program.says(line);
        program.press();
        program.says(INTERRUPTED);
    }
    program.says("over");
    program.press();
    assert_eq!(program.end().signal(), Some(Signal::SIGINT as i32), "as without any run");
}

// spec: RUN-09
#[test]
fn a_program_that_heeds_it_by_itself_has_a_result() {
    let mut program = Program::start("heedful");
    program.says("ready");
    for _ in 0..3 {
        program.press();
        program.says("heard SIGINT");
    }
    program.says("result: 3");
    assert!(program.end().success());
}

// spec: RUN-10
#[test]
fn where_it_cannot_be_had_the_program_runs_without() {
    // Not the main thread, or not wanted.
    for name in ["in-a-thread", "deaf"] {
        let mut program = Program::start(name);
        program.says("ready");
        program.press();
        assert_eq!(program.end().signal(), Some(Signal::SIGINT as i32), "{name}");
    }
}

// spec: RUN-08
#[test]
fn a_program_that_ignores_it_goes_on_ignoring_it() {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' INT; exec \"$0\" until-terminated"]).arg(example());
    let mut program = Program::of(&mut command);
    program.says("ready");
    // Signals of one process are told in the order of their numbers.
    program.press();
    program.send(Signal::SIGTERM);
    program.says("heard SIGTERM");
    program.says("result: 1");
    assert!(program.end().success());
}

#[test]
fn every_loop_of_a_group_is_cancelled_and_cleans_up() {
    let mut program = Program::start("group");
    program.says("ready");
    program.says("ready");
    program.press();
    program.says("cleaned up");
    program.says("cleaned up");
    program.says("error: running a group of loops: interrupted by Ctrl-C");
    assert!(program.end().success());
}

/// The example, running. Its input stays open, so that it can wait there.
struct Program {
    child: Child,
    _input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(name: &str) -> Self {
        Self::of(Command::new(example()).arg(name))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, _input: input, output }
    }

    #[track_caller]
    fn says(&mut self, line: &str) {
        let said = self.output.next();
        assert_eq!(said.map(Result::unwrap).as_deref(), Some(line));
    }

    fn send(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    fn press(&self) {
        self.send(Signal::SIGINT);
    }

    fn end(&mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        assert!(self.output.next().is_none(), "it has said everything");
        status
    }
}

/// A test that fails leaves no program behind.
impl Drop for Program {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The example's binary, beside this test's; `cargo test` builds both unless told otherwise.
fn example() -> PathBuf {
    let test = env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    let example = profile.join("examples/interrupts");
    assert!(example.exists(), "build it first: cargo build --example interrupts");
    example
}
