//! `http_server`, `http_client` and `crawler`: HTTP/1 and HTTP/2, checked with curl, wrk and h2load.
#![cfg(feature = "hyper")]

use std::net::{SocketAddr, TcpListener};

use crate::{drivers, process::Process, tool::Tool};

/// A server on each driver, one after the other.
fn on_every_driver(check: impl Fn(SocketAddr)) {
    for driver in drivers() {
        let (server, address) = Process::server("http_server", ["127.0.0.1:0", "--driver", driver]);
        check(address);
        server.end_by_ctrl_c();
    }
}

#[test]
fn curl_gets_pages_by_both_versions() {
    let Some(curl) = Tool::find("curl") else { return };
    on_every_driver(|address| {
        let ask = |arguments: &[&str], path: &str, input: &[u8]| {
            let always = ["--silent", "--show-error", "--max-time", "50"];
            let url = format!("http://{address}{path}");
            curl.run(always.iter().chain(arguments).copied().chain([&*url]), input).output
        };
        for version in ["--http1.1", "--http2-prior-knowledge"] {
            let front = String::from_utf8(ask(&[version], "/", b"")).unwrap();
            assert!(front.contains("<title>/</title>") && front.contains("/stars"), "{front}");
            let much = b"0123456789".repeat(100_000);
            assert!(ask(&[version, "--data-binary", "@-"], "/echo", &much) == much);
            let status = ["--output", "/dev/null", "--write-out", "%{http_code} %{http_version}"];
            let status = ask(&[&[version][..], &status].concat(), "/nobody", b"");
            let expected = if version == "--http1.1" { "404 1.1" } else { "404 2" };
            assert_eq!(String::from_utf8(status).unwrap(), expected);
        }
        // Several requests over one connection, and a head without its body.
        let url = format!("http://{address}/moon");
        let front = ask(&[&url, "--head"], "/", b"");
        assert_eq!(front.windows(15).filter(|line| line == b"HTTP/1.1 200 OK").count(), 2);
        let visits = ask(&[], "/visits", b"");
        assert_eq!(String::from_utf8(visits).unwrap(), "9\n");
    });
}

#[test]
fn many_requests_at_once_are_all_answered() {
    on_every_driver(|address| {
        let url = format!("http://{address}/");
        if let Some(wrk) = Tool::find("wrk") {
            let report = wrk.run(["-t1", "-c16", "-d1s", "--timeout", "50s", &*url], b"");
            let report = String::from_utf8(report.output).unwrap();
            assert!(report.contains(" requests in "), "{report}");
            assert!(!report.contains("errors") && !report.contains("Non-2xx"), "{report}");
        }
        if let Some(h2load) = Tool::find("h2load") {
            let report = h2load.run(["-n", "1000", "-c", "5", "-m", "20", &*url], b"");
            let report = String::from_utf8(report.output).unwrap();
            assert!(report.contains("1000 succeeded, 0 failed, 0 errored"), "{report}");
        }
    });
}

#[test]
fn garbage_is_refused_and_ctrl_c_closes_what_idles() {
    let Some(nc) = Tool::find("nc.openbsd") else { return };
    let (server, address) = Process::server("http_server", ["127.0.0.1:0"]);
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let answer = nc.run(["-N", &*host, &*port], b"\x16\x03\x01 no HTTP at all\r\n\r\n");
    assert!(answer.output.starts_with(b"HTTP/1.1 400 "), "{answer:?}");
    assert!(nc.run(["-N", &*host, &*port], b"").output.is_empty());

    let mut silent = nc.start(["-v", &*host, &*port]);
    assert!(silent.complains().contains("succeeded"));
    let mut idle = nc.start([&*host, &*port]);
    idle.hears("HEAD / HTTP/1.1\r\nhost: here\r\n\r\n");
    assert_eq!(idle.says(), "HTTP/1.1 200 OK");
    let ended = server.end_by_ctrl_c();
    assert_eq!(ended.lines(), ["2 connections came to their ends, 0 did not"]);
    silent.succeed(b"");
    idle.succeed(b"");
}

#[test]
fn the_client_fetches_pages_by_both_versions() {
    let (server, address) = Process::server("http_server", ["127.0.0.1:0"]);
    let url = format!("http://{address}/stars");
    for (options, version) in [(&[][..], "HTTP/1.1 200"), (&["--http2"], "HTTP/2.0 200")] {
        let arguments = options.iter().copied().chain([&*url]);
        let ended = Process::example("http_client", arguments).succeed(b"");
        assert!(ended.lines()[0].contains("<title>/stars</title>"), "{ended:?}");
        assert!(ended.errors.starts_with(version), "{ended:?}");
    }
    let missing = Process::example("http_client", [&*format!("http://{address}/nobody")]).end(b"");
    assert_eq!(missing.status.code(), Some(1));
    assert_eq!(missing.lines(), ["there is no /nobody"]);
    server.end_by_ctrl_c();
    // Nobody is there any more.
    let refused = Process::example("http_client", [&*url]).end(b"");
    assert!(refused.errors.contains("refused"), "{refused:?}");
}

#[test]
fn the_crawler_visits_every_page_once_and_tells_the_broken_links() {
    let (server, address) = Process::server("http_server", ["127.0.0.1:0"]);
    let url = format!("http://{address}/");
    for at_once in ["1", "8"] {
        let crawled = Process::example("crawler", [&*url, at_once]).succeed(b"");
        let mut lines = crawled.lines();
        assert_eq!(lines.pop(), Some("4 pages, 1 broken link"));
        lines.sort_unstable();
        let expected = [
            "/: 2 links",
            "/moon: 1 link",
            "/nobody: 404 Not Found",
            "/planets: 2 links",
            "/stars: 2 links",
        ];
        assert_eq!(lines, expected);
    }
    server.end_by_ctrl_c();
    let nothing = Process::example("crawler", [&*url]).end(b"");
    assert_eq!(nothing.status.code(), Some(1));
    assert!(nothing.errors.contains("there is nothing at"), "{nothing:?}");
}

#[test]
fn a_crawl_is_ended_by_ctrl_c_though_a_server_does_not_answer() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let crawler = Process::example("crawler", [&*url]);
    let (connection, _) = silent.accept().unwrap();
    crawler.interrupt();
    let ended = crawler.end(b"");
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.errors.contains("interrupted by Ctrl-C"), "{ended:?}");
    drop(connection);
}
