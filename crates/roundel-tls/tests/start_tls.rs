//! TLS that begins in the middle of a stream, on the same reader and writer; and TLS within TLS.

mod support;

use roundel_executor::{spawn, timeout};
use roundel_stream::{StreamReader, StreamWriter};
use roundel_tls::TlsStream;
use support::{MS, acceptor, close, connections, connector, localhost, run, secured, streams};

/// What a mail server says before it goes on under TLS.
async fn serve(reader: &mut StreamReader, writer: &mut StreamWriter) {
    writer.write(b"220 ready\r\n").await.unwrap();
    loop {
        match reader.read_line().await.unwrap() {
            b"STARTTLS\r\n" => {
                writer.write(b"220 go on\r\n").await.unwrap();
                let session = acceptor().start(reader, writer).await.unwrap();
                assert_eq!(session.server_name(), Some("localhost"));
            }
            b"" => return,
            said => {
                let said = said.to_ascii_uppercase();
                writer.write(said).await.unwrap();
            }
        }
    }
}

// spec: STW-11, TLS-10
#[test]
fn reader_and_writer_stay_the_same() {
    run(async || {
        let (ours, theirs) = connections().await;
        let server = spawn(async move {
            let (mut reader, mut writer) = theirs.open();
            serve(&mut reader, &mut writer).await;
            writer.closed().await.unwrap();
        });
        let (mut reader, mut writer) = ours.open();
        assert_eq!(reader.read_line().await.unwrap(), b"220 ready\r\n");
        writer.write(b"in the open\r\n").await.unwrap();
        assert_eq!(reader.read_line().await.unwrap(), b"IN THE OPEN\r\n");
        writer.write(b"STARTTLS\r\n").await.unwrap();
        assert_eq!(reader.read_line().await.unwrap(), b"220 go on\r\n");
        let session = connector().start(localhost(), &mut reader, &mut writer).await.unwrap();
        assert_eq!(session.peer_certificates().len(), 1);
        writer.write(b"among us\r\n").await.unwrap();
        assert_eq!(reader.read_line().await.unwrap(), b"AMONG US\r\n");
        writer.closed().await.unwrap();
        server.await.unwrap();
    });
}

// spec: STW-11
#[test]
fn what_a_server_has_read_ahead_is_for_tls() {
    run(async || {
        let (ours, theirs) = connections().await;
        let (mut reader, mut writer) = ours.open();
        let client = spawn(async move {
            // The hello goes out with the line before it.
            writer.write_buffered(b"STARTTLS\r\n").unwrap();
            connector().start(localhost(), &mut reader, &mut writer).await.unwrap();
            writer.write(b"hello\r\n").await.unwrap();
            assert_eq!(reader.read_line().await.unwrap(), b"HELLO\r\n");
            writer.closed().await.unwrap();
        });
        let (mut reader, mut writer) = theirs.open();
        // A read that is given up leaves what it has received.
        assert!(timeout(MS * 10, reader.read_exact(60_000)).await.is_err());
        assert_eq!(reader.read_line().await.unwrap(), b"STARTTLS\r\n");
        assert!(reader.buffered_bytes() > 0, "the hello has come too");
        acceptor().start(&mut reader, &mut writer).await.unwrap();
        let said = reader.read_line().await.unwrap().to_ascii_uppercase();
        writer.write(said).await.unwrap();
        writer.closed().await.unwrap();
        client.await.unwrap();
    });
}

#[test]
fn what_is_sent_right_behind_the_handshake_is_read() {
    run(async || {
        // With a server that sends before it reads, in the flight of its tickets.
        let (ours, theirs) = connections().await;
        let server = spawn(async move {
            let mut stream = acceptor().accept(theirs).await.unwrap();
            stream.writer.write(b"greetings\n").await.unwrap();
            stream.writer.closed().await.unwrap();
        });
        let mut ours = connector().open(localhost(), ours).await.unwrap();
        assert_eq!(ours.reader.read_to_end().await.unwrap(), b"greetings\n");
        ours.writer.closed().await.unwrap();
        server.await.unwrap();

        // And with a client that sends, and ends, in the flight of its handshake's end.
        let (ours, theirs) = connections().await;
        let client = spawn(async move {
            let mut stream = connector().open(localhost(), ours).await.unwrap();
            stream.writer.write(vec![7; 100_000]).await.unwrap();
            stream.writer.closed().await.unwrap();
        });
        let mut theirs = acceptor().accept(theirs).await.unwrap();
        assert_eq!(theirs.reader.read_to_end().await.unwrap(), [7; 100_000]);
        theirs.writer.closed().await.unwrap();
        client.await.unwrap();
    });
}

// spec: TLS-11
#[test]
fn tls_works_within_tls() {
    run(async || {
        let (mut ours, mut theirs) = streams().await;
        let inner = spawn(async move {
            theirs.session =
                acceptor().start(&mut theirs.reader, &mut theirs.writer).await.unwrap();
            let said = theirs.reader.read_line().await.unwrap().to_ascii_uppercase();
            theirs.writer.write(said).await.unwrap();
            theirs
        });
        ours.session =
            connector().start(localhost(), &mut ours.reader, &mut ours.writer).await.unwrap();
        ours.writer.write(b"deep down\n").await.unwrap();
        assert_eq!(ours.reader.read_line().await.unwrap(), b"DEEP DOWN\n");
        close(ours, inner.await.unwrap()).await;
    });
}

fn much(seed: usize) -> Vec<u8> {
    (0..2_000_000).map(|nth| (nth * seed % 251) as u8).collect()
}

async fn exchange(stream: TlsStream, sends: usize, hears: usize) {
    let (mut reader, mut writer) = (stream.reader, stream.writer);
    let writing = spawn(async move {
        writer.write(much(sends)).await.unwrap();
        writer.write_eof().await.unwrap();
        writer
    });
    assert!(reader.read_to_end().await.unwrap() == much(hears));
    writing.await.unwrap().closed().await.unwrap();
}

#[test]
fn much_goes_through_in_both_directions_at_once() {
    run(async || {
        let (ours, theirs) = secured(&connector(), &acceptor()).await;
        let there = spawn(exchange(theirs, 3, 5));
        exchange(ours, 5, 3).await;
        there.await.unwrap();
    });
}
