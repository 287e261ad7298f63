//! The traits of other libraries: futures, tokio, hyper; on every driver, without a runtime of
//! theirs.

mod support;

use futures::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, StreamExt};
use roundel_stream::Duplex;

use support::{End, ends, run};

/// More than the high water mark, so that writes wait.
const MUCH: usize = 1 << 20;

fn duplex(end: End) -> Duplex {
    Duplex::from((end.reader, end.writer))
}

#[test]
fn futures_read_write_and_split() {
    run(async || {
        let (ours, theirs) = ends().await;
        let (mut ours, mut theirs) = (duplex(ours), duplex(theirs));
        ours.write_all(b"a line\n").await.unwrap();
        let (reader, mut writer) = ours.split();
        let send = async {
            writer.write_all(&vec![b'x'; MUCH]).await.unwrap();
            writer.flush().await.unwrap();
            writer.close().await.unwrap();
        };
        let receive = async {
            let mut line = String::new();
            theirs.read_line(&mut line).await.unwrap();
            let mut rest = Vec::new();
            theirs.read_to_end(&mut rest).await.unwrap();
            (line, rest.len())
        };
        let ((), got) = futures::join!(send, receive);
        assert_eq!(got, ("a line\n".to_owned(), MUCH));
        drop((reader, writer));
    });
}

#[test]
fn futures_lines_of_a_reader() {
    run(async || {
        let (ours, mut theirs) = ends().await;
        theirs.tell(b"one\ntwo").await;
        drop(theirs);
        let lines: Vec<_> = AsyncBufReadExt::lines(ours.reader).map(Result::unwrap).collect().await;
        assert_eq!(lines, ["one", "two"]);
    });
}

#[cfg(feature = "tokio")]
#[test]
fn tokio_reads_and_writes() {
    use roundel_stream::FromTokio;
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
    run(async || {
        let (ours, theirs) = ends().await;
        let (mut ours, mut theirs) = (duplex(ours), theirs);
        let send = async {
            AsyncWriteExt::write_all(&mut ours, b"a line\n").await.unwrap();
            AsyncWriteExt::write_all(&mut ours.writer, &vec![b'x'; MUCH]).await.unwrap();
            ours.shutdown().await.unwrap();
        };
        let receive = async {
            let mut line = String::new();
            AsyncBufReadExt::read_line(&mut theirs.reader, &mut line).await.unwrap();
            let mut rest = Vec::new();
            AsyncReadExt::read_to_end(&mut theirs.reader, &mut rest).await.unwrap();
            (line, rest.len())
        };
        let ((), got) = futures::join!(send, receive);
        assert_eq!(got, ("a line\n".to_owned(), MUCH));

        let (near, far) = tokio::io::duplex(10);
        let (mut near, mut far) = (FromTokio(near), FromTokio(far));
        let mut all = String::new();
        let (sent, got) = futures::join!(
            async {
                futures::AsyncWriteExt::write_all(&mut near, b"more than ten bytes").await?;
                futures::AsyncWriteExt::close(&mut near).await
            },
            futures::AsyncReadExt::read_to_string(&mut far, &mut all),
        );
        sent.unwrap();
        assert_eq!((got.unwrap(), &all[..]), (19, "more than ten bytes"));
    });
}

#[cfg(feature = "hyper")]
#[test]
fn hyper_serves_and_asks() {
    use std::convert::Infallible;

    use http_body_util::{BodyExt, Empty};
    use hyper::{Request, Response, body::Bytes, service::service_fn};
    run(async || {
        let (ours, theirs) = ends().await;
        let service = service_fn(async |request: Request<_>| {
            let _: &hyper::body::Incoming = request.body();
            let text = format!("{} {}", request.method(), request.uri()).repeat(10_000);
            Ok::<_, Infallible>(Response::new(text))
        });
        let server = hyper::server::conn::http1::Builder::new();
        let serve = server.serve_connection(duplex(theirs), service);
        let ask = async {
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(duplex(ours)).await.unwrap();
            let asking = async {
                for path in ["/one", "/two"] {
                    let request = Request::get(path).body(Empty::<Bytes>::new()).unwrap();
                    let response = sender.send_request(request).await.unwrap();
                    let body = response.into_body().collect().await.unwrap().to_bytes();
                    assert_eq!(body, format!("GET {path}").repeat(10_000));
                }
                drop(sender);
            };
            futures::join!(connection, asking).0.unwrap();
        };
        futures::join!(serve, ask).0.unwrap();
    });
}
