//! Peers that are not what they should be: the server refuses them in clear words, holds little of
//! what they send, and goes on.

mod support;

use std::{
    cell::{Cell, RefCell},
    io::ErrorKind,
    rc::Rc,
    time::Duration,
};

use roundel_executor::{Task, sleep, spawn};
use roundel_net::{Connection, Server, connect, serve};
use roundel_stream::{StreamReader, StreamWriter};
use roundel_tls::{Limits, TlsStream};
use support::{MS, acceptor, address, connections, connector, listen, localhost, reports, run};

/// An echo under TLS.
async fn echo() -> Server {
    let acceptor = acceptor().with_limits(Limits::new(100 * MS, 100 * MS).unwrap());
    serve(listen().await, async move |connection| {
        let mut stream = acceptor.accept(connection).await?;
        roundel_stream::copy(&mut stream.reader, &mut stream.writer).await?;
        stream.writer.closed().await?;
        Ok::<_, Box<dyn std::error::Error>>(())
    })
}

/// The server serves as it should.
async fn check(server: &Server) {
    let connection = connect(address(server)).await.unwrap();
    let mut stream = connector().open(localhost(), connection).await.unwrap();
    stream.writer.write(b"still there?\n").await.unwrap();
    assert_eq!(stream.reader.read_line().await.unwrap(), b"still there?\n");
    stream.writer.closed().await.unwrap();
}

/// Sends `piece` again and again until the server has none of it any more; returns how many bytes
/// have gone.
async fn pour(server: &Server, head: &[u8], piece: &[u8]) -> usize {
    let (mut reader, mut writer) = connect(address(server)).await.unwrap().open();
    let mut sent = head.len();
    writer.write(head).await.unwrap();
    while writer.write(piece).await.is_ok() {
        sent += piece.len();
        if writer.flush().await.is_err() {
            break;
        }
        sleep(MS).await;
    }
    while let Ok(Some(_)) = reader.read_chunk().await {}
    sent
}

#[test]
fn garbage_is_refused_and_the_server_goes_on() {
    run(async || {
        let reports = reports();
        let server = echo().await;
        let http = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100);
        let zeroes = vec![0; 10_000];
        // A record of a hello that is longer than any, and goes on for ever.
        let hello = [&[22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff][..], &[7; 0x4000 - 4]].concat();
        let fragment = [&[22, 3, 1, 0x40, 0][..], &[7; 0x4000]].concat();
        for (head, piece) in [(&[][..], &http), (&[], &zeroes), (&hello, &fragment)] {
            let sent = pour(&server, head, piece).await;
            assert!(sent < 8 << 20, "{sent} bytes were taken");
            check(&server).await;
        }
        server.drain(Duration::from_secs(1)).await;
        let reports = reports.borrow();
        assert_eq!(reports.len(), 3, "{reports:?}");
        assert!(reports.iter().all(|report| report.contains("TLS handshake: ")), "{reports:?}");
    });
}

#[test]
fn a_hello_that_drips_is_given_up_at_the_limit() {
    run(async || {
        let reports = reports();
        let server = echo().await;
        let (mut reader, mut writer) = connect(address(&server)).await.unwrap().open();
        let dripping = spawn(async move {
            for byte in [22, 3, 1, 0x20].into_iter().chain(std::iter::repeat(1)) {
                if writer.write(&[byte]).await.is_err() {
                    return;
                }
                sleep(10 * MS).await;
            }
        });
        check(&server).await;
        while let Ok(Some(_)) = reader.read_chunk().await {}
        dripping.await.unwrap();
        check(&server).await;
        server.drain(Duration::from_secs(1)).await;
        assert!(reports.borrow()[0].contains("not done within 100ms"), "{:?}", reports.borrow());
    });
}

/// What a relay between the two ends does to the client's bytes, from now on.
#[derive(Clone, Copy, Default)]
enum Spoil {
    #[default]
    Nothing,
    LastByte,
    CutOff,
}

/// A stream over TLS through a relay.
async fn through_a_relay() -> (TlsStream, TlsStream, Rc<Cell<Spoil>>, Task<()>) {
    let (client, near): (Connection, Connection) = connections().await;
    let (far, server) = connections().await;
    let spoil = Rc::new(Cell::new(Spoil::Nothing));
    let relay = spawn({
        let spoil = Rc::clone(&spoil);
        async move {
            let (near_reader, near_writer) = near.open();
            let (far_reader, far_writer) = far.open();
            let back = spawn(pass_on(far_reader, near_writer, Rc::default()));
            pass_on(near_reader, far_writer, spoil).await;
            back.cancel();
            back.await.ok();
        }
    });
    let theirs = spawn(async move { acceptor().accept(server).await.unwrap() });
    let ours = connector().open(localhost(), client).await.unwrap();
    (ours, theirs.await.unwrap(), spoil, relay)
}

async fn pass_on(mut reader: StreamReader, mut writer: StreamWriter, spoil: Rc<Cell<Spoil>>) {
    while let Ok(Some(chunk)) = reader.read_chunk().await {
        let mut bytes = chunk.to_vec();
        match spoil.get() {
            Spoil::Nothing => {}
            Spoil::LastByte => *bytes.last_mut().unwrap() ^= 1,
            Spoil::CutOff => break,
        }
        if writer.write(bytes).await.is_err() {
            return;
        }
    }
    writer.write_eof().await.ok();
}

#[test]
fn a_record_that_was_changed_fails_both_directions_behind_what_came() {
    run(async || {
        let (mut ours, mut theirs, spoil, relay) = through_a_relay().await;
        ours.writer.write(b"fine\n").await.unwrap();
        assert_eq!(theirs.reader.fill().await.unwrap(), b"fine\n");
        spoil.set(Spoil::LastByte);
        ours.writer.write(b"changed\n").await.unwrap();
        assert_eq!(theirs.reader.read_line().await.unwrap(), b"fine\n");
        let error = theirs.reader.read(100).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains("decrypt"), "{error}");
        let error = theirs.writer.write(b"x").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        // The peer is told.
        let error = ours.reader.read(100).await.unwrap_err();
        assert!(error.to_string().contains("BadRecordMac"), "{error}");
        assert!(theirs.writer.closed().await.is_err());
        drop((ours, theirs));
        relay.await.unwrap();
    });
}

#[test]
fn bytes_that_are_cut_off_are_no_end() {
    run(async || {
        let (mut ours, mut theirs, spoil, relay) = through_a_relay().await;
        ours.writer.write(b"all of i").await.unwrap();
        assert_eq!(theirs.reader.read_exact(8).await.unwrap(), b"all of i");
        spoil.set(Spoil::CutOff);
        ours.writer.close();
        let error = theirs.reader.read_to_end().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        drop((ours, theirs));
        relay.await.unwrap();
    });
}

#[test]
fn a_peer_that_reads_nothing_makes_writes_wait() {
    run(async || {
        let (mut ours, theirs) = support::streams().await;
        let written = RefCell::new(0);
        let writing = roundel_executor::timeout(100 * MS, async {
            loop {
                ours.writer.write(vec![0; 100_000]).await.unwrap();
                *written.borrow_mut() += 100_000;
            }
        });
        assert!(writing.await.is_err());
        // What the kernel holds, and the high mark.
        assert!(*written.borrow() < 12 << 20);
        assert!(ours.writer.buffered_bytes() <= 200_000);
        ours.writer.abort();
        drop(theirs);
    });
}
