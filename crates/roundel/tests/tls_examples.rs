//! `tls_server` and `tls_client`, checked with each other and with OpenSSL's own.
#![cfg(feature = "tls")]

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

/// A directory of one test, gone with it.
struct Directory(PathBuf);

impl Directory {
    fn new(test: &str) -> Self {
        let path = env::temp_dir().join(format!("roundel-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A process at work; killed with its test.
struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<Box<dyn Read>>,
}

impl Process {
    fn start(program: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        let input = child.stdin.take();
        let output: Box<dyn Read> = Box::new(child.stdout.take().unwrap());
        Self { child, input, output: BufReader::new(output) }
    }

    /// Beside this test's own program; `cargo test` builds both unless told otherwise.
    fn example(name: &str, arguments: &[&str]) -> Self {
        let test = env::current_exe().unwrap();
        let profile = test.parent().and_then(Path::parent).unwrap();
        let program = profile.join("examples").join(name);
        assert!(program.exists(), "build it first: cargo build --all-features --example {name}");
        Self::start(&program, arguments)
    }

    /// OpenSSL, which comes with Debian's package `openssl`: without it nothing is shown here, so a
    /// machine that has none fails.
    fn openssl(arguments: &[&str]) -> Self {
        Self::start(Path::new("openssl"), arguments)
    }

    fn tell(&mut self, line: &str) {
        self.input.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
    }

    /// The next line.
    fn says(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line
    }

    /// The port behind the last colon of the line that begins so.
    fn port(&mut self, begin: &str) -> String {
        loop {
            let line = self.says();
            assert_ne!(line, "", "it does not say where it listens");
            if let Some(rest) = line.strip_prefix(begin) {
                let address = rest.split(',').next().unwrap_or(rest);
                return address.trim().rsplit(':').next().unwrap().to_owned();
            }
        }
    }

    /// Ends its input, hears the rest, and sees that it ends well.
    #[track_caller]
    fn end(&mut self) -> String {
        drop(self.input.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}, after {rest:?}");
        rest
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn the_client_talks_to_the_server() {
    let directory = Directory::new("tls-both");
    let certificate = directory.file("localhost.pem");
    let mut server = Process::example("tls_server", &["127.0.0.1:0", &certificate]);
    let port = server.port("listening at ");
    for _ in 0..2 {
        let target = format!("localhost:{port}");
        let mut client = Process::example("tls_client", &[&target, &certificate]);
        client.tell("hello, ");
        client.tell("world\nand more\n");
        assert_eq!((client.says(), client.says()), ("HELLO, WORLD\n".into(), "AND MORE\n".into()));
        client.tell("without an end");
        assert_eq!(client.end(), "WITHOUT AN END");
    }
}

#[test]
fn openssls_client_talks_to_the_server() {
    let directory = Directory::new("tls-server");
    let certificate = directory.file("localhost.pem");
    let mut server = Process::example("tls_server", &["127.0.0.1:0", &certificate]);
    let address = format!("127.0.0.1:{}", server.port("listening at "));
    for version in ["-tls1_2", "-tls1_3"] {
        let mut client = Process::openssl(&[
            "s_client",
            "-connect",
            &address,
            "-servername",
            "localhost",
            "-verify_hostname",
            "localhost",
            "-CAfile",
            &certificate,
            "-verify_return_error",
            "-quiet",
            "-no_ign_eof",
            version,
        ]);
        client.tell("hello\n");
        assert_eq!(client.says(), "HELLO\n", "over {version}");
        client.end();
    }
    // One that trusts nobody is no harm.
    let mut distrustful =
        Process::openssl(&["s_client", "-connect", &address, "-verify_return_error", "-quiet"]);
    drop(distrustful.input.take());
    assert!(!distrustful.child.wait().unwrap().success());
    let target = address.replace("127.0.0.1", "localhost");
    let mut client = Process::example("tls_client", &[&target, &certificate]);
    client.tell("still there?\n");
    assert_eq!(client.end(), "STILL THERE?\n");
}

#[test]
fn the_client_talks_to_openssls_server() {
    let directory = Directory::new("tls-client");
    let (certificate, key) = (directory.file("localhost.pem"), directory.file("key.pem"));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    for version in ["-tls1_2", "-tls1_3"] {
        // It sends each line back the other way round.
        let mut server = Process::openssl(&[
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-cert",
            &certificate,
            "-key",
            &key,
            "-rev",
            version,
        ]);
        let target = format!("localhost:{}", server.port("ACCEPT "));
        let mut client = Process::example("tls_client", &[&target, &certificate]);
        client.tell("hello\n");
        assert_eq!(client.says(), "olleh\n", "over {version}");
        client.end();
    }
}
