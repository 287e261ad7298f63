//! Standard input and output as streams, in a process of their own.
#![cfg(target_os = "linux")]

mod support;

use std::{
    fs::File,
    io::{Seek, Write},
    process::{Command, Stdio},
};

use roundel_stream::{copy, stderr, stdin, stdout};

const CHILD: &str = "ROUNDEL_STANDARD_CHILD";

/// As a child: what comes in goes out, by way of the streams, on every driver that finds any of it.
fn echo() {
    support::run_on_kernel(async || {
        let (mut input, mut output) = (stdin().unwrap(), stdout().unwrap());
        copy(&mut input, &mut output).await.unwrap();
        output.flush().await.unwrap();
        let mut error = stderr().unwrap();
        error.write(b"done\n").await.unwrap();
        error.flush().await.unwrap();
    });
}

fn child(input: Stdio) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "what_comes_in_goes_out", "--nocapture"]).env(CHILD, "1");
    child.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
    child
}

#[test]
fn what_comes_in_goes_out() {
    if std::env::var_os(CHILD).is_some() {
        return echo();
    }
    let mut piped = child(Stdio::piped()).spawn().unwrap();
    piped.stdin.take().unwrap().write_all(b"hello by a pipe\n").unwrap();
    let output = piped.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("hello by a pipe\n"), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("done\n"), "{output:?}");

    // A file is read from where it stands, not from its begin.
    let path = std::env::temp_dir().join(format!("roundel-standard-{}", std::process::id()));
    let mut file = File::options().create(true).truncate(true).read(true).write(true).open(&path);
    let file = file.as_mut().unwrap();
    file.write_all(b"skipped, hello by a file\n").unwrap();
    file.seek(std::io::SeekFrom::Start(9)).unwrap();
    let output = child(file.try_clone().unwrap().into()).output().unwrap();
    std::fs::remove_file(path).unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("hello by a file\n") && !text.contains("skipped"), "{output:?}");
}
