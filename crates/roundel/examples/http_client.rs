//! Fetches a page, by HTTP/1 or HTTP/2.
//!
//! ```text
//! cargo run --features hyper --example http_client -- http://127.0.0.1:8080/
//! cargo run --features hyper --example http_client -- --http2 http://127.0.0.1:8080/
//! ```
//!
//! The head of the answer goes to standard error, its body to standard output as it comes.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response, Uri,
    body::{Bytes, Incoming},
    client::conn::{http1, http2},
    header::{HOST, USER_AGENT},
};
use lexopt::prelude::*;
use roundel::{
    executor::{HyperExecutor, HyperTimer},
    net::connect,
    spawn,
    stream::Duplex,
    timeout,
};

const USAGE: &str = "usage: http_client [--http2] http://HOST[:PORT][/PATH]";

/// How long to wait for the head of the answer.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("http_client: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    let (mut url, mut http2) = (None, false);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("http2") => http2 = true,
            Value(word) if url.is_none() => url = Some(word.string()?),
            _ => bail!(USAGE),
        }
    }
    let url: Uri = url.context(USAGE)?.parse().ok().context(USAGE)?;
    ensure!(url.scheme_str() == Some("http"), "only http:// is spoken here\n{USAGE}");
    roundel::run(async move {
        let response =
            timeout(PATIENCE, fetch(&url, http2)).await.context("waiting for an answer")??;
        eprintln!("{:?} {}", response.version(), response.status());
        for (name, value) in response.headers() {
            eprintln!("{name}: {}", String::from_utf8_lossy(value.as_bytes()));
        }
        let status = response.status();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                io::stdout().write_all(&data)?;
            }
        }
        ensure!(status.is_success(), "{status}");
        Ok(())
    })?
}

async fn fetch(url: &Uri, http2: bool) -> anyhow::Result<Response<Incoming>> {
    let host = url.host().context(USAGE)?;
    // A host in brackets is an address with colons.
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let stream = Duplex::from(connect((bare, url.port_u16().unwrap_or(80))).await?.open());
    let request = Request::get(url).header(USER_AGENT, "roundel");
    // A connection is a future beside the requests that go over it. As a task it works while they
    // wait; when nobody wants anything of it any more, it ends by itself.
    if http2 {
        let (mut sender, connection) =
            http2::Builder::new(HyperExecutor).timer(HyperTimer).handshake(stream).await?;
        spawn(connection).detach();
        Ok(sender.send_request(request.body(Empty::<Bytes>::new())?).await?)
    } else {
        let (mut sender, connection) = http1::handshake(stream).await?;
        spawn(connection).detach();
        // HTTP/1 names the host in a header, and behind it only the path.
        let path = url.path_and_query().map_or("/", |path| path.as_str());
        let authority = url.authority().context(USAGE)?.as_str();
        let request = request.uri(path).header(HOST, authority);
        Ok(sender.send_request(request.body(Empty::<Bytes>::new())?).await?)
    }
}
