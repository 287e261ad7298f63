//! The handshake: what both sides know behind it, and every way in which it fails.

mod support;

use std::{io::ErrorKind, slice, sync::Arc, time::Duration};

use futures::poll;
use roundel_executor::spawn;
use roundel_loop::LoopHandle;
use roundel_net::{Listener, connect_unix, serve};
use roundel_tls::{
    Limits, TlsAcceptor, TlsConnector, TlsError,
    rustls::{
        AlertDescription, CertificateError, ClientConfig, ProtocolVersion, ServerConfig,
        server::WebPkiClientVerifier,
    },
};

use support::{
    LOCALHOST, MS, SOMEBODY, VERSIONS, acceptor, address, client_config, close, connections,
    connector, listen, localhost, reports, run, secured, server_config, streams,
};

// spec: TLS-02
#[test]
fn a_stream_comes_out_of_the_handshake_of_both_versions() {
    run(async || {
        for (version, told) in
            VERSIONS.into_iter().zip([ProtocolVersion::TLSv1_2, ProtocolVersion::TLSv1_3])
        {
            let mut server = server_config(&[version]);
            server.alpn_protocols = vec![b"h2".into(), b"http/1.1".into()];
            let mut client = client_config();
            client.alpn_protocols = vec![b"http/1.1".into(), b"other".into()];
            let (client, server) =
                (TlsConnector::new(Arc::new(client)), TlsAcceptor::new(Arc::new(server)));
            for is_resumed in [false, true] {
                let (mut ours, mut theirs) = secured(&client, &server).await;
                for session in [&ours.session, &theirs.session] {
                    assert_eq!(session.alpn(), Some(&b"http/1.1"[..]));
                    assert_eq!(session.version(), told);
                    assert_eq!(session.is_resumed(), is_resumed);
                }
                assert_eq!(ours.session.cipher_suite(), theirs.session.cipher_suite());
                assert_eq!(
                    ours.session.peer_certificates(),
                    slice::from_ref(&LOCALHOST.certificate)
                );
                assert_eq!(ours.session.server_name(), None);
                assert!(theirs.session.peer_certificates().is_empty());
                assert_eq!(theirs.session.server_name(), Some("localhost"));
                ours.writer.write(b"who is there?\n").await.unwrap();
                assert_eq!(theirs.reader.read_line().await.unwrap(), b"who is there?\n");
                theirs.writer.write(b"me\n").await.unwrap();
                assert_eq!(ours.reader.read_line().await.unwrap(), b"me\n");
                close(ours, theirs).await;
            }
        }
    });
}

// spec: TLS-02
#[test]
fn a_handler_begins_behind_the_handshake_and_a_bad_one_hurts_nobody() {
    run(async || {
        let reports = reports();
        let acceptor = acceptor();
        let server = serve(listen().await, async move |connection| {
            let mut stream = acceptor.accept(connection).await?;
            stream.writer.write(b"welcome\n").await?;
            stream.writer.closed().await?;
            Ok::<_, Box<dyn std::error::Error>>(())
        });
        let distrustful =
            ClientConfig::builder().with_root_certificates(SOMEBODY.roots()).with_no_client_auth();
        let distrustful = TlsConnector::new(Arc::new(distrustful));
        let target = ("localhost", address(&server).port());
        let error = distrustful.connect(target).await.unwrap_err();
        assert!(matches!(error, TlsError::Certificate(_)), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        let mut stream = connector().connect(target).await.unwrap();
        assert_eq!(stream.reader.read_to_end().await.unwrap(), b"welcome\n");
        stream.writer.closed().await.unwrap();
        server.drain(Duration::from_secs(1)).await;
        let reports = reports.borrow();
        assert!(reports.len() == 1 && reports[0].contains("the peer gives up: "), "{reports:?}");
    });
}

// spec: TLS-02
#[test]
fn who_is_not_accepted_is_told_why() {
    run(async || {
        // By the client: another name. The server hears the alert.
        let (ours, theirs) = connections().await;
        let accepting = spawn(async move { acceptor().accept(theirs).await });
        let error = connector().open("example.org".try_into().unwrap(), ours).await.unwrap_err();
        assert!(
            matches!(
                &error,
                TlsError::Certificate(CertificateError::NotValidForNameContext { .. })
            ),
            "{error:?}"
        );
        let error = accepting.await.unwrap().unwrap_err();
        assert!(matches!(error, TlsError::Alert(AlertDescription::BadCertificate)), "{error:?}");

        // By the server: a client without a certificate. A client of TLS 1.3 hears when it reads.
        let clients = WebPkiClientVerifier::builder(Arc::new(SOMEBODY.roots())).build().unwrap();
        let server = ServerConfig::builder()
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![LOCALHOST.certificate.clone()], LOCALHOST.key())
            .unwrap();
        let server = TlsAcceptor::new(Arc::new(server));
        let (ours, theirs) = connections().await;
        let accepting = spawn({
            let server = server.clone();
            async move { server.accept(theirs).await }
        });
        let mut ours = connector().open(localhost(), ours).await.unwrap();
        let error = accepting.await.unwrap().unwrap_err();
        assert!(matches!(error, TlsError::Protocol(_)), "{error:?}");
        let error = ours.reader.read(1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains("CertificateRequired"), "{error}");

        // And one whom it knows.
        let client = ClientConfig::builder()
            .with_root_certificates(LOCALHOST.roots())
            .with_client_auth_cert(vec![SOMEBODY.certificate.clone()], SOMEBODY.key())
            .unwrap();
        let (ours, theirs) = secured(&TlsConnector::new(Arc::new(client)), &server).await;
        assert_eq!(theirs.session.peer_certificates(), slice::from_ref(&SOMEBODY.certificate));
        close(ours, theirs).await;
    });
}

// spec: TLS-03, TLS-09
#[test]
fn a_handshake_that_takes_too_long_is_given_up() {
    run(async || {
        let limits = Limits::new(5 * MS, MS).unwrap();
        let (ours, theirs) = connections().await;
        let begun = LoopHandle::current().now();
        let error = connector().with_limits(limits).open(localhost(), ours).await.unwrap_err();
        assert!(matches!(error, TlsError::Elapsed { limit } if limit == 5 * MS), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
        assert!(LoopHandle::current().now() - begun >= 5 * MS);
        // The other end, too: it has a half of a handshake.
        let error = acceptor().with_limits(limits).accept(theirs).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::ConnectionReset), "{error:?}");
        let (ours, theirs) = connections().await;
        let error = acceptor().with_limits(limits).accept(theirs).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
        let (mut reader, _writer) = ours.open();
        assert_eq!(reader.read(1).await.unwrap(), b"");
        // A handshake in time leaves no timer behind, as the end of every test sees.
        let (ours, theirs) = streams().await;
        assert_eq!(LoopHandle::current().statistics().pending_timers, 0);
        close(ours, theirs).await;
    });
}

// spec: TLS-03
#[test]
fn a_peer_that_goes_away_in_the_handshake_is_a_reset() {
    run(async || {
        for sent in [&b""[..], &[22, 3, 1]] {
            let (ours, theirs) = connections().await;
            let (_reader, mut writer) = ours.open();
            writer.write(sent).await.unwrap();
            writer.write_eof().await.unwrap();
            let error = acceptor().accept(theirs).await.unwrap_err();
            assert!(matches!(error, TlsError::Ended), "{error:?}");
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            assert_eq!(std::io::Error::from(error).kind(), ErrorKind::ConnectionReset);
        }
    });
}

// spec: TLS-03, TLS-10
#[test]
fn a_handshake_that_is_given_up_closes_its_stream() {
    run(async || {
        let (ours, theirs) = connections().await;
        let (mut reader, mut writer) = ours.open();
        let (mut their_reader, mut their_writer) = theirs.open();
        let connector = connector();
        let mut starting = Box::pin(connector.start(localhost(), &mut reader, &mut writer));
        assert!(poll!(&mut starting).is_pending());
        drop(starting);
        assert!(writer.is_closing());
        assert_eq!(writer.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(reader.read(1).await.unwrap(), b"");
        // The hello is there, and then nothing more.
        let hello = their_reader.read_to_end().await.unwrap();
        assert_eq!(hello[0], 22);
        their_writer.abort();
    });
}

// spec: TLS-10
#[test]
fn a_failed_handshake_closes_its_stream() {
    run(async || {
        let (ours, theirs) = connections().await;
        let (mut reader, mut writer) = ours.open();
        let (mut their_reader, mut their_writer) = theirs.open();
        their_writer.write(b"220 this is not TLS at all\r\n").await.unwrap();
        let error = connector().start(localhost(), &mut reader, &mut writer).await.unwrap_err();
        assert!(matches!(error, TlsError::Protocol(_)), "{error:?}");
        assert!(writer.is_closing());
        writer.closed().await.unwrap();
        // A hello and an alert.
        let heard = their_reader.read_to_end().await.unwrap();
        assert_eq!((heard[0], heard[heard.len() - 7]), (22, 21));
    });
}

// spec: NET-09
#[test]
fn whom_the_certificate_is_for_is_always_said() {
    run(async || {
        // By the target of `connect`, which can be no name:
        let error = connector().connect(("not a name", 443)).await.unwrap_err();
        assert!(
            matches!(&error, TlsError::ServerName { host, .. } if host == "not a name"),
            "{error:?}"
        );
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        // Or an address: the certificate is not for that.
        let acceptor = acceptor();
        let server = serve(listen().await, async move |connection| {
            acceptor.accept(connection).await.map(drop)
        });
        let reports = reports();
        let error = connector().connect(address(&server)).await.unwrap_err();
        assert!(matches!(error, TlsError::Certificate(_)), "{error:?}");
        server.drain(Duration::from_secs(1)).await;
        assert_eq!(reports.borrow().len(), 1);
        // Or in words, where there is no host.
        let path = format!("\0roundel-tls-{}", std::process::id());
        let listener = Listener::bind_unix(&path).unwrap();
        let ours = connect_unix(&path).await.unwrap();
        let theirs = listener.accept().await.unwrap();
        let accepting = spawn(async move { support::acceptor().accept(theirs).await.unwrap() });
        let ours = connector().open(localhost(), ours).await.unwrap();
        close(ours, accepting.await.unwrap()).await;
    });
}

// spec: TLS-11
#[test]
fn what_cannot_begin_is_left_alone() {
    run(async || {
        let (ours, theirs) = connections().await;
        let (mut reader, mut writer) = ours.open();
        let (mut their_reader, mut their_writer) = theirs.open();
        let error =
            connector().start(localhost(), &mut reader, &mut their_writer).await.unwrap_err();
        assert!(matches!(error, TlsError::NotOneStream), "{error:?}");
        let error = acceptor().start(&mut their_reader, &mut writer).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        // Still a stream.
        writer.write(b"hello").await.unwrap();
        assert_eq!(their_reader.read(9).await.unwrap(), b"hello");
    });
}
