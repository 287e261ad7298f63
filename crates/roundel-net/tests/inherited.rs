//! Sockets that a program was started with, in a process of its own.
#![cfg(all(feature = "inherit", target_os = "linux"))]

mod support;

use std::{
    io::Read,
    net::{TcpListener, TcpStream, UdpSocket},
    os::fd::OwnedFd,
    process::{Command, Output, Stdio},
};

use roundel_loop::SocketKind;
use roundel_net::{Connection, DatagramSocket, Listener, inherited, serve};

use support::{AGES, MS, run, send};

const CHILD: &str = "ROUNDEL_INHERITED_CHILD";

/// As a child: serves what it inherited, and tells what that was.
fn child(kind: &str) {
    let given = match inherited() {
        Ok(given) => given,
        Err(error) => return println!("<{error}>"),
    };
    for it in &given {
        println!("<{} {:?}>", it.name, it.kind);
    }
    assert!(inherited().unwrap().is_empty(), "they are taken once");
    if given.is_empty() {
        return println!("<nothing>");
    }
    let sockets: Vec<_> = given.into_iter().map(|it| it.socket).collect();
    let is_stream = kind == "stream";
    run(async move {
        if is_stream {
            let server = serve(Listener::from_sockets(sockets), async |connection: Connection| {
                send(&connection, "served by a child").await;
            });
            while server.statistics().accepted == 0 {
                roundel_executor::sleep(MS).await;
            }
            server.drain(AGES).await;
        } else {
            let socket = DatagramSocket::from_socket(sockets.into_iter().next().unwrap()).unwrap();
            let question = socket.recv_from(100).await.unwrap();
            socket.send_to(question.data, question.from).await.unwrap();
        }
    });
}

/// Begins a child as systemd does: the descriptor has number 3, and the environment tells of it. A
/// shell moves it there, as only unsafe code could here.
fn begin(descriptor: OwnedFd, kind: &str, setting: &str) -> std::process::Child {
    let script = format!("exec 3<&0 0</dev/null; {setting}; exec \"$0\" \"$@\"");
    let program = std::env::current_exe().unwrap();
    Command::new("sh")
        .args(["-c", &script, program.to_str().unwrap()])
        .args(["--exact", "what_is_inherited_is_served", "--nocapture"])
        .env(CHILD, kind)
        .stdin(Stdio::from(descriptor))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[track_caller]
fn told(output: &Output, line: &str) {
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains(line), "no {line} in {output:?}");
}

const OURS: &str = "export LISTEN_FDS=1 LISTEN_PID=$$";

#[test]
fn what_is_inherited_is_served() {
    if let Ok(kind) = std::env::var(CHILD) {
        return child(&kind);
    }
    let listening = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listening.local_addr().unwrap();
    let server = begin(listening.into(), "stream", &format!("{OURS} LISTEN_FDNAMES=web"));
    let mut served = String::new();
    TcpStream::connect(address).unwrap().read_to_string(&mut served).unwrap();
    assert_eq!(served, "served by a child");
    told(&server.wait_with_output().unwrap(), "<web Stream>");
    // The child has closed it, and nobody else has it.
    assert!(TcpStream::connect(address).is_err());

    let bound = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = bound.local_addr().unwrap();
    let server = begin(bound.into(), "datagram", OURS);
    let asking = UdpSocket::bind("127.0.0.1:0").unwrap();
    asking.send_to(b"hello", address).unwrap();
    let mut answer = [0; 100];
    let (len, _) = asking.recv_from(&mut answer).unwrap();
    assert_eq!(&answer[..len], b"hello");
    told(&server.wait_with_output().unwrap(), &format!("<unknown {:?}>", SocketKind::Datagram));
}

#[test]
fn what_is_for_others_or_no_socket_is_not_taken() {
    let socket = || TcpListener::bind("127.0.0.1:0").unwrap().into();
    let output = begin(socket(), "stream", "export LISTEN_FDS=1 LISTEN_PID=1").wait_with_output();
    told(&output.unwrap(), "<nothing>");
    let output = begin(socket(), "stream", ":").wait_with_output();
    told(&output.unwrap(), "<nothing>");
    let file = std::fs::File::open("/dev/null").unwrap();
    let output = begin(file.into(), "stream", &format!("{OURS} LISTEN_FDNAMES=pipe"));
    told(&output.wait_with_output().unwrap(), "<inheriting descriptor 0, called \"pipe\">");
}
