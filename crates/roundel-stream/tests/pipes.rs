//! Pipes and terminals as streams, on every driver with a kernel under it.
#![cfg(target_os = "linux")]

mod support;

use std::{
    cell::RefCell,
    io::{ErrorKind, Read, Write, pipe},
    os::fd::OwnedFd,
    rc::Rc,
};

use roundel_loop::{LoopHandle, Source};
use roundel_stream::{Chunk, Protocol, StreamReader, StreamWriter, Transport, open};

use support::{run_on_kernel, turns};

fn reader(end: impl Into<OwnedFd>) -> StreamReader {
    StreamReader::new(LoopHandle::current().attach(Source::new(end.into())))
}

fn writer(end: impl Into<OwnedFd>) -> StreamWriter {
    StreamWriter::new(LoopHandle::current().attach(Source::new(end.into())))
}

#[test]
fn a_pipe_is_read_and_written() {
    run_on_kernel(async || {
        let (from, into) = pipe().unwrap();
        let (mut reader, mut writer) = (reader(from), writer(into));
        let all: Vec<u8> = (0..1 << 20).map(|nth| (nth % 251) as u8).collect();
        let write = async {
            writer.write(all.clone()).await.unwrap();
            drop(writer);
        };
        let (read, ()) = futures::join!(reader.read_to_end(), write);
        assert_eq!(read.unwrap(), all);
    });
}

// spec: PIP-03
#[test]
fn the_end_of_a_pipe_is_the_end_of_its_stream() {
    run_on_kernel(async || {
        let (from, mut into) = pipe().unwrap();
        let mut reader = reader(from);
        into.write_all(b"last").unwrap();
        drop(into);
        assert_eq!(reader.read_line().await.unwrap(), b"last");
        assert!(reader.read_line().await.unwrap().is_empty());
        assert!(reader.at_eof());
    });
}

// spec: PIP-06
#[test]
fn ending_a_pipe_flushes_and_closes_it() {
    run_on_kernel(async || {
        let (mut from, into) = pipe().unwrap();
        let mut writer = writer(into);
        assert!(!writer.can_write_eof());
        writer.write_buffered(b"all of it").unwrap();
        writer.write_eof().await.unwrap();
        let mut all = String::new();
        from.read_to_string(&mut all).unwrap();
        assert_eq!(all, "all of it");
        assert_eq!(writer.write(b"more").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_pipe_without_a_reader_fails() {
    run_on_kernel(async || {
        let (from, into) = pipe().unwrap();
        let mut writer = writer(into);
        drop(from);
        let write = writer.write(b"to nobody").await;
        let error = write.and(writer.flush().await).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn pieces_that_queue_for_a_pipe_arrive_in_order() {
    run_on_kernel(async || {
        let (from, into) = pipe().unwrap();
        let (mut reader, mut writer) = (reader(from), writer(into));
        // More than a pipe holds, so that what follows has to queue.
        writer.write_buffered(&[b'x'; 100_000]).unwrap();
        turns(2).await;
        writer.write_buffered(b"one ").unwrap();
        let (read, written) = futures::join!(reader.read_exact(100_010), async {
            writer.write_vectored(vec![b"two ".into(), b"th".into()]).await
        });
        written.unwrap();
        assert_eq!(&read.unwrap()[100_000..], b"one two th");
    });
}

// spec: PIP-07
#[test]
fn a_terminal_is_read_and_written_and_ends_quietly() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    run_on_kernel(async || {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let mut terminal =
            std::fs::File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let (mut reader, mut writer) = open(LoopHandle::current().attach(Source::new(controller)));
        terminal.write_all(b"prompt: \n").unwrap();
        assert_eq!(reader.read_line().await.unwrap(), b"prompt: \r\n");
        writer.write(b"typed\n").await.unwrap();
        writer.flush().await.unwrap();
        let mut room = [0; 100];
        let len = terminal.read(&mut room).unwrap();
        assert_eq!(&room[..len], b"typed\n");
        // The terminal echoes what is typed.
        assert_eq!(reader.read_line().await.unwrap(), b"typed\r\n");
        drop(terminal);
        assert_eq!(reader.read_line().await.unwrap(), b"");
        assert!(reader.at_eof());
    });
}

/// Counts what it is called.
#[derive(Clone, Default)]
struct Calls(Rc<RefCell<Vec<String>>>);

impl Protocol for Calls {
    fn data_received(&mut self, _: &Transport, data: Chunk) {
        assert!(data.len() <= 256 << 10);
        self.0.borrow_mut().push(format!("{} bytes", data.len()));
    }

    fn eof_received(&mut self, _: &Transport) -> bool {
        self.0.borrow_mut().push("eof".into());
        true
    }

    fn connection_lost(&mut self, error: Option<std::io::Error>) {
        self.0.borrow_mut().push(format!("lost {error:?}"));
    }
}

/// Keeps all it is sent.
#[derive(Clone, Default)]
struct Bytes(Rc<RefCell<Vec<u8>>>);

impl Protocol for Bytes {
    fn data_received(&mut self, _: &Transport, data: Chunk) {
        self.0.borrow_mut().extend_from_slice(&data);
    }
}

// spec: PIP-02, PIP-03, PIP-04
#[test]
fn a_protocol_over_a_pipe_may_pause_and_ends_with_the_pipe_whatever_it_says() {
    run_on_kernel(async || {
        let (from, mut into) = pipe().unwrap();
        let (calls, handle) = (Calls::default(), LoopHandle::current());
        let from = handle.attach(Source::new(OwnedFd::from(from)));
        let transport = Transport::start(&handle, from, calls.clone());
        turns(3).await;
        transport.pause_reading();
        transport.pause_reading();
        into.write_all(b"12345").unwrap();
        drop(into);
        turns(3).await;
        assert!(calls.0.borrow().is_empty());
        transport.resume_reading();
        transport.resume_reading();
        // The kernel has it all: on each driver a few turns are enough.
        while calls.0.borrow().len() < 3 {
            turns(1).await;
        }
        assert_eq!(*calls.0.borrow(), ["5 bytes", "eof", "lost None"]);
        transport.pause_reading();
        transport.resume_reading();
        assert!(!transport.is_reading() && transport.is_closing());
    });
}

#[test]
fn a_pause_loses_nothing_of_a_pipe_that_has_more() {
    run_on_kernel(async || {
        let (from, mut into) = pipe().unwrap();
        let (bytes, handle) = (Bytes::default(), LoopHandle::current());
        let from = handle.attach(Source::new(OwnedFd::from(from)));
        let transport = Transport::start(&handle, from, bytes.clone());
        let all: Vec<u8> = (0..60_u8).collect();
        for (nth, piece) in all.chunks(3).enumerate() {
            into.write_all(piece).unwrap();
            // At each turn that a receive may have come to.
            turns(nth % 4).await;
            transport.pause_reading();
            turns(nth % 3).await;
            transport.resume_reading();
        }
        drop(into);
        while !transport.is_closing() {
            turns(1).await;
        }
        assert_eq!(*bytes.0.borrow(), all);
    });
}

// spec: PIP-05
#[test]
fn a_protocol_over_a_writing_end_hears_that_the_reader_left() {
    run_on_kernel(async || {
        for is_jammed in [false, true] {
            let (from, into) = pipe().unwrap();
            let (calls, handle) = (Calls::default(), LoopHandle::current());
            let into = handle.attach(Source::new(OwnedFd::from(into)));
            let transport = Transport::start(&handle, into, calls.clone());
            turns(3).await;
            transport.write(b"hello").unwrap();
            if is_jammed {
                transport.write(vec![0; 1 << 20]).unwrap();
            }
            turns(3).await;
            assert!(calls.0.borrow().is_empty() && !transport.is_closing());
            assert_eq!(transport.buffered_bytes() > 0, is_jammed);
            drop(from);
            while calls.0.borrow().is_empty() {
                turns(1).await;
            }
            let lost = match is_jammed {
                true => calls.0.borrow()[0].contains("BrokenPipe"),
                false => calls.0.borrow()[0] == "lost None",
            };
            assert!(lost && transport.is_closing(), "{:?}", calls.0.borrow());
            assert_eq!(transport.write(b"late").unwrap_err().kind(), ErrorKind::BrokenPipe);
        }
    });
}

// spec: PIP-01
#[test]
fn the_end_of_a_pipe_is_owned_and_closed_with_its_stream() {
    run_on_kernel(async || {
        let (from, mut into) = pipe().unwrap();
        let reader = reader(from);
        drop(reader);
        turns(3).await;
        assert_eq!(into.write(b"to nobody").unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}
