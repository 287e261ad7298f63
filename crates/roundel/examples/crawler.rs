//! A web crawler: follows the links of a site from page to page, so many pages at once.
//!
//! ```text
//! cargo run --features hyper --example http_server &
//! cargo run --features hyper --example crawler -- http://127.0.0.1:8080/ 4
//! ```
//!
//! The pages are children of one group, which the limit holds back. Whoever cancels the crawl, by
//! Ctrl-C say, cancels the group, and has waited for every one of them when it is over.

use std::{
    cell::Cell, collections::BTreeSet, convert::Infallible, env, process::ExitCode, time::Duration,
};

use anyhow::{Context, bail, ensure};
use futures::StreamExt;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, Uri, body::Bytes, client::conn::http1, header::HOST};
use roundel::{TaskGroup, net::connect, spawn, stream::Duplex, timeout};

const USAGE: &str = "usage: crawler http://HOST[:PORT][/PATH] [HOW-MANY-AT-ONCE]";

/// No page may take longer, or be longer.
const LONGEST: Duration = Duration::from_secs(10);
const LARGEST: usize = 1 << 20;
/// Some sites have no end.
const MOST_PAGES: usize = 1000;

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("crawler: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    let words: Vec<_> = env::args().skip(1).collect();
    let (url, at_once) = match &words[..] {
        [url] => (url, 8),
        [url, at_once] => (url, at_once.parse().ok().context(USAGE)?),
        _ => bail!(USAGE),
    };
    ensure!(at_once > 0, "none at once would take for ever\n{USAGE}");
    let url: Uri = url.parse().ok().context(USAGE)?;
    ensure!(url.scheme_str() == Some("http"), "only http:// is spoken here\n{USAGE}");
    let authority = url.authority().context(USAGE)?.to_string();
    let (pages, broken) = roundel::run(crawl(authority, url.path().to_owned(), at_once))?;
    println!("{}, {}", counted(pages, "page"), counted(broken, "broken link"));
    ensure!(pages > 0, "there is nothing at {url}");
    Ok(())
}

/// How many pages there are, and how many links lead nowhere.
async fn crawl(authority: String, start: String, at_once: usize) -> (usize, usize) {
    let (pages, broken) = (Cell::new(0), Cell::new(0));
    let crawled = TaskGroup::scope(async |group| {
        group.limit(at_once);
        let mut answers = group.results();
        let mut seen = BTreeSet::from([start.clone()]);
        answers.spawn(start.clone(), fetch(&authority, start));
        // Ends when every page that was asked for has come, and none has brought a new link.
        while let Some((path, answer)) = answers.next().await {
            let links = match answer {
                Ok(text) => {
                    pages.set(pages.get() + 1);
                    links(&text, &authority)
                }
                Err(error) => {
                    broken.set(broken.get() + 1);
                    println!("{path}: {error:#}");
                    continue;
                }
            };
            println!("{path}: {}", counted(links.len(), "link"));
            for link in links {
                if seen.len() < MOST_PAGES && seen.insert(link.clone()) {
                    answers.spawn(link.clone(), fetch(&authority, link));
                }
            }
        }
        Ok::<_, Infallible>(())
    });
    crawled.await.expect("a page that fails is an answer, not a failure");
    (pages.get(), broken.get())
}

/// Fetches a page. A failure is the answer: as an error of the child it would end the group.
async fn fetch(authority: &str, path: String) -> Result<anyhow::Result<String>, Infallible> {
    let fetched = timeout(LONGEST, get(authority, &path)).await;
    Ok(fetched.unwrap_or_else(|_| bail!("no answer within {LONGEST:?}")))
}

async fn get(authority: &str, path: &str) -> anyhow::Result<String> {
    let uri: Uri = format!("http://{authority}{path}").parse()?;
    let target = (uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(80));
    let stream = connect(target).await?.open();
    let (mut sender, connection) = http1::handshake(Duplex::from(stream)).await?;
    // Dropped at the end of this function, which closes the connection.
    let _connection = spawn(connection);
    let request = Request::get(path).header(HOST, authority).body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    ensure!(response.status().is_success(), "{}", response.status());
    let body = Limited::new(response.into_body(), LARGEST).collect().await;
    let body = body.map_err(anyhow::Error::from_boxed).context("reading the page")?;
    Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned())
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// The paths on the same host that a page links to. Real pages want a parser of HTML.
fn links(text: &str, authority: &str) -> BTreeSet<String> {
    let targets = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let paths = targets.filter_map(|target| {
        let path = match target.strip_prefix("http://") {
            Some(rest) => rest.strip_prefix(authority)?,
            None => target,
        };
        // Behind the `#` stands a place within the page.
        path.starts_with('/').then(|| path.split('#').next().unwrap_or(path).to_owned())
    });
    paths.collect()
}
