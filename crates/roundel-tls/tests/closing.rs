//! How a stream over TLS ends: by a close on both sides, in one direction, too late, cut off.

mod support;

use std::{io::ErrorKind, sync::Arc};

use futures::poll;
use roundel_executor::{sleep, spawn};
use roundel_loop::LoopHandle;
use roundel_net::{connect, serve};
use roundel_stream::WaterMarks;
use roundel_tls::{Limits, TlsAcceptor, TlsError};
use support::{
    MS, VERSIONS, acceptor, address, close, connections, connector, listen, localhost, run,
    secured, server_config, streams,
};

/// More than any socket's buffer holds.
const MUCH: usize = 12 << 20;

// spec: TLS-05, TLS-11
#[test]
fn a_close_sends_what_is_unsent_and_waits_for_the_peer() {
    run(async || {
        for version in VERSIONS {
            let server = TlsAcceptor::new(Arc::new(server_config(&[version])));
            let (mut ours, mut theirs) = secured(&connector(), &server).await;
            assert!(poll!(Box::pin(ours.writer.write(vec![1; MUCH]))).is_pending());
            ours.writer.close();
            assert!(ours.writer.is_closing());
            let mut closed = Box::pin(ours.writer.closed());
            assert!(poll!(&mut closed).is_pending());
            assert_eq!(theirs.reader.read_to_end().await.unwrap().len(), MUCH);
            assert!(poll!(&mut closed).is_pending(), "the peer has not ended");
            assert_eq!(ours.reader.read(1).await.unwrap(), b"");
            theirs.writer.closed().await.unwrap();
            closed.await.unwrap();
            let error = ours.writer.write(b"more").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        }
    });
}

// spec: TLS-05, TLS-09
#[test]
fn a_peer_that_does_not_end_is_waited_for_within_the_limit() {
    run(async || {
        let limits = Limits::new(1000 * MS, 5 * MS).unwrap();
        let (mut ours, mut theirs) = secured(&connector().with_limits(limits), &acceptor()).await;
        let begun = LoopHandle::current().now();
        let error = ours.writer.closed().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(LoopHandle::current().now() - begun >= 5 * MS);
        // The peer had its notice long ago.
        assert_eq!(theirs.reader.read(1).await.unwrap(), b"");
        theirs.writer.closed().await.ok();
    });
}

#[test]
fn a_server_counts_who_waits_for_the_peers_end_and_an_abort_waits_for_nobody() {
    run(async || {
        let acceptor = acceptor();
        let server = serve(listen().await, async move |connection| {
            let mut stream = acceptor.accept(connection).await?;
            stream.writer.close();
            Ok::<_, TlsError>(())
        });
        let connection = connect(address(&server)).await.unwrap();
        let mut theirs = connector().open(localhost(), connection).await.unwrap();
        assert_eq!(theirs.reader.read(1).await.unwrap(), b"", "its notice");
        assert_eq!(server.statistics().connections, 1);
        assert_eq!(server.abort().await, 1);
        assert_eq!(server.statistics().connections, 0);
    });
}

// spec: TLS-06
#[test]
fn what_comes_before_the_peers_end_is_read() {
    run(async || {
        let (mut ours, mut theirs) = streams().await;
        theirs.writer.write_buffered(b"last ").unwrap();
        theirs.writer.write_buffered(b"words").unwrap();
        theirs.writer.close();
        sleep(MS).await;
        assert_eq!(ours.reader.read_to_end().await.unwrap(), b"last words");
        assert!(ours.reader.at_eof());
        close(ours, theirs).await;
    });
}

// spec: TLS-06
#[test]
fn one_direction_ends_and_the_other_goes_on() {
    run(async || {
        for version in VERSIONS {
            let server = TlsAcceptor::new(Arc::new(server_config(&[version])));
            let (mut ours, mut theirs) = secured(&connector(), &server).await;
            assert!(ours.writer.can_write_eof());
            ours.writer.write(b"question").await.unwrap();
            ours.writer.write_eof().await.unwrap();
            assert_eq!(theirs.reader.read_to_end().await.unwrap(), b"question");
            theirs.writer.write(b"answer").await.unwrap();
            assert_eq!(ours.reader.read_exact(6).await.unwrap(), b"answer");
            close(theirs, ours).await;
        }
    });
}

#[test]
fn a_connection_that_is_cut_off_is_no_end() {
    run(async || {
        let (mut ours, mut theirs) = streams().await;
        theirs.writer.write(b"to be conti").await.unwrap();
        theirs.writer.flush().await.unwrap();
        theirs.writer.abort();
        assert_eq!(ours.reader.read_exact(11).await.unwrap(), b"to be conti");
        let kind = ours.reader.read(1).await.unwrap_err().kind();
        // Or a reset, if the peer's kernel had something for it.
        assert!(matches!(kind, ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset), "{kind}");
        ours.writer.closed().await.ok();
    });
}

#[test]
fn dropped_ends_send_the_notice_and_wait_for_nothing() {
    run(async || {
        let (ours, mut theirs) = streams().await;
        drop(ours);
        assert_eq!(theirs.reader.read(1).await.unwrap(), b"");
        assert_eq!(LoopHandle::current().statistics().pending_timers, 0);
        theirs.writer.closed().await.ok();
    });
}

// spec: TLS-04
#[test]
fn every_state_leads_to_the_next_and_every_one_to_the_end() {
    run(async || {
        for last in ["plain", "handshake", "secured", "flushing", "parting", "closed"] {
            let (ours, theirs) = connections().await;
            let (mut reader, mut writer) = ours.open();
            let server = spawn(async move {
                let Ok(mut stream) = acceptor().accept(theirs).await else { return };
                while let Ok(Some(_)) = stream.reader.read_chunk().await {}
                // why: the clock is virtual; the other side is to wait for this end.
                sleep(MS).await;
                stream.writer.closed().await.ok();
            });
            let connector = connector();
            for state in ["plain", "handshake", "secured", "flushing", "parting", "closed"] {
                match state {
                    "plain" => assert!(!writer.is_closing()),
                    "handshake" if last == "handshake" => {
                        let mut starting =
                            Box::pin(connector.start(localhost(), &mut reader, &mut writer));
                        assert!(poll!(&mut starting).is_pending());
                    }
                    "secured" => {
                        connector.start(localhost(), &mut reader, &mut writer).await.unwrap();
                    }
                    "flushing" => {
                        writer.set_limits(WaterMarks::high_at(MUCH));
                        writer.write(vec![0; MUCH]).await.unwrap();
                        writer.close();
                        assert!(writer.buffered_bytes() > 0);
                    }
                    "parting" => {
                        writer.flush().await.unwrap();
                        assert!(poll!(Box::pin(writer.closed())).is_pending());
                    }
                    "closed" => writer.closed().await.unwrap(),
                    _ => {}
                }
                if state == last {
                    break;
                }
            }
            writer.abort();
            writer.closed().await.ok();
            assert!(writer.is_closing());
            assert_eq!(writer.peer_address().unwrap_err().kind(), ErrorKind::NotConnected);
            server.await.unwrap();
        }
    });
}
