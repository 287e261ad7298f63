//! hyper on every backend, and its time limits in no time on the simulated one.
#![cfg(feature = "hyper")]

use std::{cell::Cell, convert::Infallible, net::SocketAddr, rc::Rc, time::Duration};

use futures::future::join_all;
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    client,
    server::conn::{http1, http2},
    service::service_fn,
};
use roundel::{
    Backend, Runner,
    executor::{HyperExecutor, HyperTimer},
    net::{Connection, Listener, Server, connect, serve},
    sleep, spawn,
    stream::Duplex,
};

fn backends() -> impl Iterator<Item = Backend> {
    let proactor = Backend::Proactor.driver().is_ok().then_some(Backend::Proactor);
    [Backend::from("epoll"), Backend::Simulated].into_iter().chain(proactor)
}

fn address_of(server: &Server) -> SocketAddr {
    server.addresses()[0].inet().unwrap()
}

#[test]
fn the_streams_of_one_connection_are_tasks_side_by_side() {
    async fn serve_http2(client: Connection, most: Rc<Cell<usize>>) -> hyper::Result<()> {
        let at_once = Rc::new(Cell::new(0));
        let respond = service_fn(move |request: Request<Incoming>| {
            let (at_once, most) = (Rc::clone(&at_once), Rc::clone(&most));
            async move {
                at_once.set(at_once.get() + 1);
                most.set(most.get().max(at_once.get()));
                sleep(Duration::from_millis(10)).await;
                at_once.set(at_once.get() - 1);
                Ok::<_, Infallible>(Response::new(request.uri().path().to_owned()))
            }
        });
        let stream = Duplex::from(client.open());
        http2::Builder::new(HyperExecutor).timer(HyperTimer).serve_connection(stream, respond).await
    }

    for backend in backends() {
        let mut runner = Runner::builder().backend(backend.clone()).build().unwrap();
        let most = Rc::new(Cell::new(0));
        let counted = Rc::clone(&most);
        runner
            .run(async move {
                let listener = Listener::bind("127.0.0.1:0").await.unwrap();
                let server = serve(listener, async move |client| {
                    serve_http2(client, Rc::clone(&counted)).await
                });
                let stream = Duplex::from(connect(address_of(&server)).await.unwrap().open());
                let http2 = client::conn::http2::Builder::new(HyperExecutor);
                let (sender, connection) = http2.handshake(stream).await.unwrap();
                let connection = spawn(connection);
                let asked = (0..100).map(|number| {
                    let mut sender = sender.clone();
                    async move {
                        let uri = format!("http://here/{number}");
                        let request = Request::get(uri).body(Empty::<Bytes>::new()).unwrap();
                        let response = sender.send_request(request).await.unwrap();
                        let body = response.into_body().collect().await.unwrap().to_bytes();
                        assert_eq!(body, format!("/{number}"));
                    }
                });
                join_all(asked).await;
                drop(sender);
                connection.await.unwrap().unwrap();
                server.drain(Duration::from_secs(1)).await;
                assert_eq!(server.statistics().failed, 0);
            })
            .unwrap();
        assert!(most.get() > 50, "{backend}: {} at once", most.get());
        assert!(runner.close().is_empty(), "{backend}: tasks are left");
    }
}

#[test]
fn the_head_of_a_request_is_waited_for_in_the_loops_time() {
    let mut runner = Runner::builder().backend(Backend::Simulated).build().unwrap();
    let clock = runner.virtual_clock().unwrap().clone();
    let timed_out = Rc::new(Cell::new(false));
    let told = Rc::clone(&timed_out);
    runner
        .run(async move {
            let listener = Listener::bind("127.0.0.1:0").await.unwrap();
            let server = serve(listener, async move |client: Connection| {
                let respond = service_fn(async |_: Request<Incoming>| {
                    Ok::<_, Infallible>(Response::new(String::new()))
                });
                let mut http1 = http1::Builder::new();
                http1.timer(HyperTimer).header_read_timeout(Duration::from_secs(3600));
                let served = http1.serve_connection(Duplex::from(client.open()), respond).await;
                told.set(served.is_err_and(|error| error.is_timeout()));
            });
            let (mut reader, mut writer) = connect(address_of(&server)).await.unwrap().open();
            writer.write(b"GET / HTTP/1.1\r\nhost: ").await.unwrap();
            reader.read_to_end().await.unwrap();
            server.abort().await;
        })
        .unwrap();
    assert!(timed_out.get());
    assert_eq!(clock.elapsed().as_secs(), 3600);
}
