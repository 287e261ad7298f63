//! The `stdin` example end to end, on every selector.
#![cfg(unix)]
use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use roundel_selector::names;

#[test]
fn it_prints_each_line_when_it_comes_and_ends_with_the_input() {
    for name in names() {
        let mut child = start(name);
        let mut input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());

        // The first line is answered while the input stays open.
        input.write_all(b"hello\n").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "Got input from stdin: 'hello'\n", "{name}");

        // Two lines at once, an empty one, and a last one without its end.
        input.write_all(b"one\ntwo\n\nthree").unwrap();
        drop(input);
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        let expected =
            ["one", "two", "", "three"].map(|line| format!("Got input from stdin: '{line}'\n"));
        assert_eq!(rest, expected.concat(), "{name}");
        assert!(child.wait().unwrap().success());
    }
}

// spec: SEL-21
#[test]
fn it_lives_through_being_stopped_and_continued() {
    use nix::{
        sys::{
            signal::{Signal, kill},
            wait::{WaitPidFlag, WaitStatus, waitpid},
        },
        unistd::Pid,
    };
    for name in names() {
        let mut child = start(name);
        let mut input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let pid = Pid::from_raw(child.id() as i32);
        let mut line = String::new();
        for word in ["before", "after"] {
            line.clear();
            writeln!(input, "{word}").unwrap();
            output.read_line(&mut line).unwrap();
            assert_eq!(line, format!("Got input from stdin: '{word}'\n"), "{name}");

            // Linux interrupts epoll_wait with EINTR when a stopped process goes on.
            kill(pid, Signal::SIGSTOP).unwrap();
            let stopped = waitpid(pid, Some(WaitPidFlag::WUNTRACED)).unwrap();
            assert!(matches!(stopped, WaitStatus::Stopped(..)));
            kill(pid, Signal::SIGCONT).unwrap();
        }
        drop(input);
        assert!(child.wait().unwrap().success());
    }
}

fn start(selector: &str) -> Child {
    Command::new(example())
        .arg(selector)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The example's binary, beside this test's; `cargo test` builds both unless told otherwise.
fn example() -> PathBuf {
    let test = env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    let example = profile.join("examples/stdin");
    assert!(example.exists(), "build it first: cargo build --example stdin");
    example
}
