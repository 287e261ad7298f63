//! Servers: who is served, what a failing handler does to others, and the ways to an end.

mod support;

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    future::pending,
    rc::Rc,
    time::Duration,
};

use roundel_executor::{AsyncExit, all_tasks, sleep, spawn, stop_requested, timeout, with};
use roundel_loop::{LoopHandle, OperationError, SocketOption, SocketOptionName};
use roundel_net::{Connection, ServeOptions, Server, connect, serve};

use support::{AGES, Log, MS, address, listen, millis_since, on_both, receive, reports, run, send};

async fn echo(connection: Connection) -> Result<(), OperationError> {
    loop {
        let data = receive(&connection).await;
        if data.is_empty() {
            return Ok(());
        }
        connection.socket().send(data).await?;
    }
}

/// A server whose handlers stay for ever.
async fn waiting() -> Server {
    serve(listen().await, async |_connection| pending::<Infallible>().await)
}

/// Turns, until it holds.
async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        sleep(MS).await;
    }
}

// spec: SRV-01, NET-20, NET-23
#[test]
fn each_connection_is_handled_by_a_task_of_its_own_from_the_beginning_on() {
    on_both(|| async {
        let server = serve(listen().await, echo);
        assert!(server.is_accepting());
        let mut clients = Vec::new();
        for nth in 0..10 {
            let client = connect(address(&server)).await.unwrap();
            send(&client, &format!("hello {nth}")).await;
            clients.push(client);
        }
        for (nth, client) in clients.iter().enumerate().rev() {
            assert_eq!(receive(client).await, format!("hello {nth}").into_bytes());
        }
        assert_eq!(server.statistics().connections, 10);
        let name = format!("connection from {}", clients[3].local());
        assert!(all_tasks().iter().any(|task| task.name == name));
        drop(clients);
        server.stop_accepting();
        server.closed().await;
        assert_eq!(server.statistics().accepted, 10);
    });
}

// spec: NET-07
#[test]
fn both_ends_send_small_segments_at_once() {
    on_both(|| async {
        let server = serve(listen().await, async |connection: Connection| {
            let no_delay = connection.socket().socket().get(SocketOptionName::NoDelay).unwrap();
            send(&connection, &format!("{no_delay:?}")).await;
        });
        let client = connect(address(&server)).await.unwrap();
        let no_delay = client.socket().socket().get(SocketOptionName::NoDelay).unwrap();
        assert_eq!(no_delay, SocketOption::NoDelay(true));
        assert_eq!(receive(&client).await, b"NoDelay(true)");
        server.abort().await;
    });
}

// spec: SRV-02
#[test]
fn a_handler_that_fails_or_panics_is_reported_and_hurts_nobody_else() {
    on_both(|| async {
        let reports = reports();
        let server = serve(listen().await, async |connection: Connection| {
            match &*receive(&connection).await {
                b"fail" => Err(std::io::Error::other("as asked")),
                b"panic" => panic!("as asked"),
                word => {
                    send(&connection, &String::from_utf8_lossy(word)).await;
                    Ok(())
                }
            }
        });
        let bystander = connect(address(&server)).await.unwrap();
        let mut peers = Vec::new();
        for word in ["fail", "panic"] {
            let client = connect(address(&server)).await.unwrap();
            send(&client, word).await;
            // Its connection is closed.
            assert_eq!(receive(&client).await, b"");
            peers.push(client.local().to_string());
        }
        send(&bystander, "fine").await;
        assert_eq!(receive(&bystander).await, b"fine");
        server.drain(AGES).await;
        assert_eq!(server.statistics().failed, 1);
        let told = reports.take();
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(
            told[0],
            format!("the handler of a connection failed\n  error: as asked\n  peer: {}", peers[0])
        );
        assert!(told[1].contains("panic: as asked"), "{}", told[1]);
        assert!(told[1].contains(&format!("connection from {}", peers[1])), "{}", told[1]);
    });
}

// spec: SRV-02
#[test]
fn a_handler_that_is_cancelled_is_closed_without_a_report() {
    on_both(|| async {
        let reports = reports();
        let server = waiting().await;
        let client = connect(address(&server)).await.unwrap();
        until(|| server.statistics().connections == 1).await;
        assert_eq!(server.abort().await, 1);
        assert_eq!(receive(&client).await, b"");
        assert!(reports.take().is_empty());
    });
}

// spec: SRV-07, SRV-10
#[test]
fn to_stop_accepting_closes_the_listener_at_once_and_leaves_connections_alone() {
    on_both(|| async {
        let server = serve(listen().await, echo);
        let address = address(&server);
        let client = connect(address).await.unwrap();
        send(&client, "before").await;
        assert_eq!(receive(&client).await, b"before");
        for _twice in 0..2 {
            server.stop_accepting();
            assert!(!server.is_accepting());
            assert!(server.addresses().is_empty());
        }
        let refused = connect(address).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        send(&client, "after").await;
        assert_eq!(receive(&client).await, b"after");
        drop(client);
        server.closed().await;
    });
}

// spec: SRV-08
#[test]
fn closed_waits_for_the_stop_and_for_every_connection_in_either_order() {
    for connection_first in [true, false] {
        on_both(move || async move {
            let server = Rc::new(serve(listen().await, echo));
            let client = connect(address(&server)).await.unwrap();
            send(&client, "hello").await;
            receive(&client).await;
            let closed = spawn({
                let server = Rc::clone(&server);
                async move { server.closed().await }
            });
            let mut client = Some(client);
            for first in [true, false] {
                assert!(!closed.is_done());
                if first == connection_first {
                    client = None;
                    until(|| server.statistics().connections == 0).await;
                } else {
                    server.stop_accepting();
                }
                sleep(10 * MS).await;
            }
            drop(client);
            assert!(closed.is_done());
            closed.await.unwrap();
        });
    }
}

/// Says goodbye for a while.
struct Goodbye(Log);

impl AsyncExit for Goodbye {
    async fn exit(self) {
        sleep(7 * MS).await;
        self.0.add("has left");
    }
}

// spec: SRV-09
#[test]
fn an_abort_cancels_every_handler_and_waits_for_its_clean_up() {
    on_both(|| async {
        let log = Log::default();
        let begun = Rc::new(Cell::new(0));
        let server = serve(listen().await, {
            let (log, begun) = (log.clone(), Rc::clone(&begun));
            async move |_connection| {
                begun.set(begun.get() + 1);
                with(Goodbye(log.clone()), async |_| sleep(AGES).await).await;
            }
        });
        let clients = [connect(address(&server)).await, connect(address(&server)).await];
        until(|| begun.get() == 2).await;
        assert_eq!(server.abort().await, 2);
        assert_eq!(log.take(), ["has left"; 2]);
        assert_eq!(server.abort().await, 0);
        drop(clients);
    });
}

// spec: SRV-09
#[test]
fn a_drain_asks_waits_for_its_limit_and_cuts_off_the_rest() {
    on_both(|| async {
        let polite = async |connection: Connection| match &*receive(&connection).await {
            b"polite" => stop_requested().await,
            b"busy" => sleep(300 * MS).await,
            _ => sleep(AGES).await,
        };
        let server = serve(listen().await, polite);
        let mut clients = Vec::new();
        for word in ["polite", "busy", "rude", "rude"] {
            let client = connect(address(&server)).await.unwrap();
            send(&client, word).await;
            clients.push(client);
        }
        // All of them have got their word.
        sleep(100 * MS).await;
        let start = LoopHandle::current().now();
        let drained = server.drain(500 * MS).await;
        assert_eq!((drained.finished, drained.aborted), (2, 2));
        assert_eq!(millis_since(start), 500);
    });
}

// spec: SRV-05, SRV-06
#[test]
fn serving_until_a_signal_drains_and_a_cancel_of_it_aborts_and_waits() {
    on_both(|| async {
        // The signal.
        let mut options = ServeOptions::default();
        options.grace = 100 * MS;
        let server = options.serve(listen().await, async |_connection| sleep(AGES).await);
        let _client = connect(address(&server)).await.unwrap();
        let drained = server.serve_until(sleep(50 * MS)).await;
        assert_eq!((drained.finished, drained.aborted), (0, 1));

        // The cancel.
        let log = Log::default();
        let server = serve(listen().await, {
            let log = log.clone();
            async move |_connection| with(Goodbye(log.clone()), async |_| sleep(AGES).await).await
        });
        let address = address(&server);
        let _client = connect(address).await.unwrap();
        let serving = spawn(server.serve_until(pending::<()>()));
        sleep(50 * MS).await;
        assert!(!serving.is_done());
        serving.cancel();
        assert!(serving.await.is_err_and(|error| error.is_cancelled()));
        assert_eq!(log.take(), ["has left"]);
        assert!(connect(address).await.is_err());
    });
}

// spec: SRV-11
#[test]
fn leaving_with_ends_the_server() {
    on_both(|| async {
        let address = with(waiting().await, async |server| {
            let address = address(server);
            let _client = connect(address).await.unwrap();
            until(|| server.statistics().connections == 1).await;
            address
        })
        .await;
        assert_eq!(all_tasks().len(), 1);
        assert!(connect(address).await.is_err());
    });
}

#[test]
fn dropping_a_server_ends_everything() {
    on_both(|| async {
        let server = waiting().await;
        let client = connect(address(&server)).await.unwrap();
        until(|| server.statistics().connections == 1).await;
        drop(server);
        assert_eq!(receive(&client).await, b"");
        until(|| all_tasks().len() == 1).await;
    });
}

#[test]
fn never_more_handlers_run_than_the_limit() {
    on_both(|| async {
        let (now, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let mut options = ServeOptions::default();
        options.limit = Some(3);
        let server = options.serve(listen().await, {
            let (now, most) = (Rc::clone(&now), Rc::clone(&most));
            async move |connection: Connection| {
                now.set(now.get() + 1);
                most.set(most.get().max(now.get()));
                sleep(10 * MS).await;
                send(&connection, "served").await;
                now.set(now.get() - 1);
            }
        });
        let mut clients = Vec::new();
        for _ in 0..10 {
            clients.push(connect(address(&server)).await.unwrap());
        }
        for client in &clients {
            assert_eq!(receive(client).await, b"served");
        }
        assert_eq!(most.get(), 3);
        server.abort().await;
    });
}

// spec: NET-21
#[test]
fn what_waits_to_be_accepted_is_accepted_in_one_go_up_to_the_backlog() {
    on_both(|| async {
        let mut options = roundel_net::ListenOptions::default();
        assert_eq!(options.backlog, 100);
        options.backlog = 8;
        let listener = options.bind("127.0.0.1:0").await.unwrap();
        let address = support::address_of(&listener);
        let mut clients = Vec::new();
        for _ in 0..8 {
            clients.push(connect(address).await.unwrap());
        }
        // The last of them is on its way yet.
        sleep(10 * MS).await;
        let handled = Rc::new(RefCell::new(Vec::new()));
        let server = serve(listener, {
            let handled = Rc::clone(&handled);
            async move |_connection| {
                handled.borrow_mut().push(LoopHandle::current().statistics().turns);
            }
        });
        until(|| handled.borrow().len() == 8).await;
        // One turn has accepted them all.
        let handled = handled.take();
        assert_eq!(handled.first(), handled.last(), "{handled:?}");
        server.abort().await;
    });
}

#[test]
#[should_panic(expected = "a server's limit is at least 1")]
fn a_limit_of_nothing_is_refused() {
    run(async {
        let mut options = ServeOptions::default();
        options.limit = Some(0);
        drop(options.serve(listen().await, echo));
    });
}

#[test]
fn nothing_ends_a_server_that_nobody_stops() {
    run(async {
        let server = waiting().await;
        let _client = connect(address(&server)).await.unwrap();
        assert!(timeout(Duration::from_secs(60), server.closed()).await.is_err());
        assert!(server.is_accepting());
        server.abort().await;
    });
}
