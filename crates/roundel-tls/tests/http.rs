//! hyper over TLS, at both ends: a `Duplex` is a `Duplex`.

mod support;

use std::{convert::Infallible, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    service::service_fn,
};
use roundel_executor::spawn;
use roundel_net::{connect, serve};
use roundel_stream::Duplex;
use support::{acceptor, address, connector, listen, localhost, reports, run};

async fn repeat(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    Ok(Response::new(Full::new([path.as_bytes(), b": ", &body].concat().into())))
}

#[test]
fn requests_are_answered_over_tls() {
    run(async || {
        let reports = reports();
        let acceptor = acceptor();
        let server = serve(listen().await, async move |connection| {
            let stream = Duplex::from(acceptor.accept(connection).await?);
            let http = hyper::server::conn::http1::Builder::new();
            http.serve_connection(stream, service_fn(repeat)).await?;
            Ok::<_, Box<dyn std::error::Error>>(())
        });
        let connection = connect(address(&server)).await.unwrap();
        let stream = Duplex::from(connector().open(localhost(), connection).await.unwrap());
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        let connection = spawn(connection);
        for len in [0, 10, 1_000_000] {
            let body = Full::new(Bytes::from(vec![b'x'; len]));
            let request =
                Request::post(format!("/{len}")).header("host", "localhost").body(body).unwrap();
            let response = sender.send_request(request).await.unwrap();
            let answer = response.into_body().collect().await.unwrap().to_bytes();
            let head = format!("/{len}: ");
            assert!(answer.starts_with(head.as_bytes()));
            assert_eq!(answer.len(), head.len() + len);
        }
        drop(sender);
        connection.await.unwrap().unwrap();
        let drained = server.drain(Duration::from_secs(5)).await;
        assert_eq!(drained.aborted, 0);
        assert_eq!(*reports.borrow(), [""; 0]);
    });
}
