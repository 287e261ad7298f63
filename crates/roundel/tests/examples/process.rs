//! `Process`: an example or a tool, running; no test waits for its end for ever.

use std::{
    env,
    ffi::OsStr,
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// Nothing here takes so long, however busy the machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A process, running. It is killed if its test fails.
pub(crate) struct Process {
    name: String,
    child: Killed,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    errors: BufReader<ChildStderr>,
}

/// What a process has said, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) output: Vec<u8>,
    pub(crate) errors: String,
}

impl Process {
    /// The example of this name.
    pub(crate) fn example<A: AsRef<OsStr>>(
        name: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        // Beside this test's own program; `cargo test` builds both unless told otherwise.
        let test = env::current_exe().unwrap();
        let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
        let program = profile.join("examples").join(name);
        assert!(program.exists(), "build it first: cargo build --all-features --example {name}");
        Self::start(&program, arguments)
    }

    /// An example that says first where it listens.
    #[track_caller]
    pub(crate) fn server<'a>(
        name: &str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> (Self, SocketAddr) {
        let mut server = Self::example(name, arguments);
        let line = server.says();
        let address = line.strip_prefix("listening at ").and_then(|rest| rest.split(',').next());
        let address = address.and_then(|address| address.parse().ok());
        (server, address.unwrap_or_else(|| panic!("{name} said: {line}")))
    }

    pub(crate) fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        Self {
            name: program.file_name().unwrap().to_string_lossy().into_owned(),
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            errors: BufReader::new(child.stderr.take().unwrap()),
            child: Killed(child),
        }
    }

    /// The next line of its standard output.
    #[track_caller]
    pub(crate) fn says(&mut self) -> String {
        let mut line = String::new();
        if self.output.read_line(&mut line).unwrap() == 0 {
            let mut errors = String::new();
            self.errors.read_to_string(&mut errors).unwrap();
            panic!("{} says no more: {errors}", self.name);
        }
        line.trim_end().to_owned()
    }

    /// The next line of its standard error.
    #[track_caller]
    pub(crate) fn complains(&mut self) -> String {
        let mut line = String::new();
        self.errors.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Gives it something to read, and leaves its input open.
    pub(crate) fn hears(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).unwrap();
    }

    /// Presses Ctrl-C.
    pub(crate) fn interrupt(&self) {
        self.child.send(Signal::SIGINT);
    }

    /// Presses Ctrl-C and expects it to end well.
    #[track_caller]
    pub(crate) fn end_by_ctrl_c(self) -> Ended {
        self.interrupt();
        self.succeed(b"")
    }

    /// As [`end`](Self::end), and it has to end well.
    #[track_caller]
    pub(crate) fn succeed(self, input: &[u8]) -> Ended {
        let name = self.name.clone();
        let ended = self.end(input);
        let said = String::from_utf8_lossy(&ended.output);
        assert!(ended.status.success(), "{name}: {}\n{said}\n{}", ended.status, ended.errors);
        ended
    }

    /// Gives it the rest of its input, and waits for its end.
    #[track_caller]
    pub(crate) fn end(self, rest: &[u8]) -> Ended {
        let Self { name, mut child, mut input, mut output, mut errors } = self;
        let rest = rest.to_vec();
        // It may not want to read all of it.
        thread::spawn(move || input.write_all(&rest));
        let (tell, told) = mpsc::channel();
        let errors = thread::spawn(move || {
            let mut all = String::new();
            errors.read_to_string(&mut all).map(|_| all).unwrap()
        });
        thread::spawn(move || {
            let mut all = Vec::new();
            output.read_to_end(&mut all).unwrap();
            // Nobody listens if the time is up.
            let _ = tell.send(all);
        });
        let output = told.recv_timeout(LIMIT);
        let output = output.unwrap_or_else(|_| panic!("{name} still runs after {LIMIT:?}"));
        Ended { status: child.0.wait().unwrap(), output, errors: errors.join().unwrap() }
    }
}

impl Ended {
    /// What it said, in lines.
    pub(crate) fn lines(&self) -> Vec<&str> {
        str::from_utf8(&self.output).unwrap().lines().collect()
    }
}

/// A child that does not outlive this.
struct Killed(Child);

impl Killed {
    fn send(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id() as i32), signal).unwrap();
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
