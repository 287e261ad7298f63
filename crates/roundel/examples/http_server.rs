//! A web server: HTTP/1 and HTTP/2 on one port, spoken by hyper, carried by Roundel.
//!
//! ```text
//! cargo run --features hyper --example http_server -- 127.0.0.1:8080
//! curl http://127.0.0.1:8080/
//! curl --http2-prior-knowledge http://127.0.0.1:8080/
//! curl --data 'say it again' http://127.0.0.1:8080/echo
//! ```
//!
//! hyper asks three things of a runtime: a stream (`Duplex`), somewhere to spawn (`HyperExecutor`) and
//! timers (`HyperTimer`). Nothing of it is `Send`: a handler may share with others what it likes.
//! Ctrl-C lets the requests under way come to their ends, and closes what idles.

use std::{cell::Cell, convert::Infallible, pin::pin, process::ExitCode, rc::Rc};

use anyhow::bail;
use futures::{
    StreamExt,
    future::{Either, select},
};
use http_body_util::{Either as Body, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::CONTENT_TYPE,
    service::service_fn,
};
use hyper_util::server::conn::auto;
use lexopt::prelude::*;
use roundel::{
    Runner, SignalKind,
    executor::{HyperExecutor, HyperTimer},
    net::{Connection, Listener, serve},
    signal, stop_requested,
    stream::Duplex,
};

const USAGE: &str = "\
usage: http_server [HOST:PORT] [--driver NAME]

    HOST:PORT       where to listen: 127.0.0.1:8080 unless given; with port 0 at any free one
    --driver NAME   select, poll, epoll, polling, uring … (default: the best)
";

/// A small site: pages that link to each other, and to one that is not there.
const PAGES: [(&str, &str); 4] = [
    ("/", "A list: <a href=\"/stars\">stars</a>, <a href=\"/planets\">planets</a>."),
    ("/stars", "<a href=\"/planets\">Planets</a> go round them. <a href=\"/\">Back</a>."),
    ("/planets", "One has <a href=\"/moon\">a moon</a>, one <a href=\"/nobody\">nobody</a>."),
    ("/moon", "It goes round <a href=\"/planets#third\">the third</a>."),
];

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("http_server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    let (mut address, mut driver) = (None, "auto".to_owned());
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => {
                print!("{USAGE}");
                return Ok(());
            }
            Long("driver") => driver = parser.value()?.string()?,
            Value(word) if address.is_none() => address = Some(word.string()?),
            other => bail!("{}\n{USAGE}", other.unexpected()),
        }
    }
    let address = address.unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    Runner::builder().backend(&*driver).build()?.run(async move {
        let listener = Listener::bind(address).await?;
        let mut ctrl_c = signal(SignalKind::INTERRUPT)?;
        println!("listening at {}", listener.local_addresses()[0]);
        let visits = Rc::new(Cell::new(0));
        let server = serve(listener, async move |client| attend(client, &visits).await);
        let drained = server.serve_until(ctrl_c.next()).await;
        println!(
            "{} connections came to their ends, {} did not",
            drained.finished, drained.aborted
        );
        Ok(())
    })?
}

/// One connection, with as many requests as its client likes.
async fn attend(client: Connection, visits: &Rc<Cell<u64>>) -> anyhow::Result<()> {
    let visits = Rc::clone(visits);
    let respond = service_fn(move |request| respond(request, Rc::clone(&visits)));
    let mut http = auto::Builder::new(HyperExecutor);
    // With a timer hyper gives a client 30 s for the head of a request.
    http.http1().timer(HyperTimer);
    http.http2().timer(HyperTimer);
    let mut connection = pin!(http.serve_connection(Duplex::from(client.open()), respond));
    // The server asks its connections to stop when it drains.
    let ended = match select(&mut connection, pin!(stop_requested())).await {
        Either::Left((ended, _)) => ended,
        Either::Right(_) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    ended.map_err(anyhow::Error::from_boxed)
}

async fn respond(
    request: Request<Incoming>,
    visits: Rc<Cell<u64>>,
) -> Result<Response<Body<Incoming, Full<Bytes>>>, Infallible> {
    visits.set(visits.get() + 1);
    let page = |text: String| Body::Right(Full::new(Bytes::from(text)));
    let known = PAGES.iter().find(|(path, _)| *path == request.uri().path());
    let answer = match (request.method(), request.uri().path(), known) {
        (&Method::GET | &Method::HEAD, _, Some((path, text))) => Response::builder()
            .header(CONTENT_TYPE, "text/html; charset=utf-8")
            .body(page(format!("<title>{path}</title>\n<p>{text}\n"))),
        (&Method::GET, "/visits", _) => {
            Response::builder().body(page(format!("{}\n", visits.get())))
        }
        // What comes is what goes: a body of any length, and never more of it here than a piece.
        (&Method::POST, "/echo", _) => Response::builder().body(Body::Left(request.into_body())),
        (_, path, _) => Response::builder()
            .status(StatusCode::NOT_FOUND)
            .body(page(format!("there is no {path}\n"))),
    };
    Ok(answer.expect("a response of fixed parts is well formed"))
}
