//! Every awaited function, dropped at each of its awaits: nothing is lost and nothing stays open.

mod support;

use std::{cell::RefCell, net::SocketAddr, pin::Pin, rc::Rc};

use roundel_executor::{Task, all_tasks, sleep, spawn, timeout};
use roundel_net::{
    Answer, Connection, DatagramSocket, ListenOptions, Listener, RESOLVER, Resolver, connect,
    connect_unix, resolve, serve,
};
use roundel_sim::{Cut, cancel_at_every_await};

use support::{AGES, MS, address, address_of, listen, receive, run, run_on, send, simulated_loop};

/// Runs rounds over the kernel's sockets, and over simulated ones, where none may be left open.
fn check<F: Future<Output = ()> + 'static>(round: impl Fn(Cut) -> F) {
    cancel_at_every_await(|cut| run(round(cut)));
    cancel_at_every_await(|cut| {
        let (mut event_loop, network) = simulated_loop();
        run_on(&mut event_loop, round(cut));
        assert_eq!(network.open_sockets(), 0, "sockets are left open");
    });
}

/// Takes its time to say that there are two addresses.
#[derive(Debug)]
struct Slow([SocketAddr; 2]);

impl Resolver for Slow {
    fn look_up<'a>(&'a self, _host: &'a str, _port: u16) -> Answer<'a> {
        Box::pin(async {
            sleep(MS).await;
            Ok(self.0.into())
        })
    }
}

// spec: NET-05
#[test]
fn connect_closes_what_it_opened() {
    check(async |cut| {
        let listener = listen().await;
        let refusing = address_of(&listen().await);
        let slow = Rc::new(Slow([refusing, address_of(&listener)]));
        let connected = RESOLVER.scope(slow, cut.short(connect("example.org:80"))).await;
        if let Some(connected) = connected {
            connected.unwrap();
        }
    });
}

#[test]
fn connect_unix_closes_what_it_opened() {
    check(async |cut| {
        let name = format!("\0roundel-net-cut-{}-{}", std::process::id(), cut.at());
        let _listener = Listener::bind_unix(&name).unwrap();
        if let Some(connected) = cut.short(connect_unix(&name)).await {
            connected.unwrap();
        }
    });
}

#[test]
fn resolve_and_bind_leave_nothing() {
    check(async |cut| {
        let slow = Rc::new(Slow(["127.0.0.1:0", "[::1]:0"].map(|text| text.parse().unwrap())));
        if let Some(found) = RESOLVER.scope(slow, cut.short(resolve("example.org:80"))).await {
            found.unwrap();
        }
    });
    check(async |cut| {
        let slow = Rc::new(Slow(["127.0.0.1:0", "[::1]:0"].map(|text| text.parse().unwrap())));
        let binding = ListenOptions::default();
        let binding = cut.short(binding.bind("example.org:80"));
        if let Some(bound) = RESOLVER.scope(slow, binding).await {
            assert_eq!(bound.unwrap().local_addresses().len(), 2);
        }
    });
    // In threads.
    cancel_at_every_await(|cut| {
        run(async move {
            if let Some(found) = cut.short(resolve("localhost:80")).await {
                found.unwrap();
            }
        });
    });
}

#[test]
fn accept_loses_no_connection() {
    check(async |cut| {
        let listener = Rc::new(listen().await);
        let accepting = spawn({
            let listener = Rc::clone(&listener);
            async move { cut.short(async { listener.accept().await }).await }
        });
        sleep(MS).await;
        let client = connect(address_of(&listener)).await.unwrap();
        let accepted = match accepting.await.unwrap() {
            Some(accepted) => accepted.unwrap(),
            None => listener.accept().await.unwrap(),
        };
        assert_eq!(accepted.peer(), &client.local());
    });
}

#[test]
fn a_datagram_socket_that_is_not_bound_yet_closes_what_it_opened() {
    check(async |cut| {
        let slow = Rc::new(Slow(["127.0.0.1:0", "[::1]:0"].map(|text| text.parse().unwrap())));
        let binding = cut.short(DatagramSocket::bind("example.org:80"));
        if let Some(bound) = RESOLVER.scope(slow, binding).await {
            bound.unwrap();
        }
    });
}

#[test]
fn a_dropped_receive_leaves_its_message() {
    check(async |cut| {
        let server = Rc::new(DatagramSocket::bind("127.0.0.1:0").await.unwrap());
        let receiving = spawn({
            let server = Rc::clone(&server);
            async move { cut.short(async { server.recv(100).await }).await }
        });
        sleep(MS).await;
        let client = DatagramSocket::connect(server.local().inet().unwrap()).await.unwrap();
        client.send(b"message").await.unwrap();
        let received = match receiving.await.unwrap() {
            Some(received) => received.unwrap(),
            None => server.recv(100).await.unwrap(),
        };
        assert_eq!(received[..], *b"message");
    });
}

/// A full queue at the other end, so that the send has to wait; and who empties it by and by.
async fn full(cut: &Cut) -> (DatagramSocket, Task<Vec<Vec<u8>>>) {
    let name = format!("\0roundel-net-full-{}-{}", std::process::id(), cut.at());
    let reader = DatagramSocket::bind_unix(&name).unwrap();
    let socket = DatagramSocket::connect_unix(&name).await.unwrap();
    while timeout(30 * MS, socket.send(b"filling")).await.is_ok() {}
    let received = spawn(async move {
        let mut all = Vec::new();
        sleep(10 * MS).await;
        while all.last().is_none_or(|last| last != b"end") {
            all.push(reader.recv(100).await.unwrap().to_vec());
        }
        all.retain(|message| message != b"filling" && message != b"end");
        all
    });
    (socket, received)
}

#[cfg(target_os = "linux")]
#[test]
fn a_dropped_send_has_sent_its_message_whole_or_not_at_all() {
    type Send = fn(&DatagramSocket) -> Pin<Box<dyn Future<Output = usize> + '_>>;
    let sends: [Send; 4] = [
        |socket| Box::pin(async { usize::from(socket.send(b"one").await.is_ok()) }),
        |socket| {
            let peer = socket.peer().unwrap();
            Box::pin(async { usize::from(socket.send_to(b"one", peer).await.is_ok()) })
        },
        |socket| Box::pin(async { socket.send_batch([b"one", b"two"]).await.len() }),
        |socket| {
            let peer = socket.peer().unwrap();
            let all = [&b"one"[..], b"two"].map(|data| (data, peer.clone()));
            Box::pin(async { socket.send_batch_to(all).await.len() })
        },
    ];
    for send in sends {
        let polls = cancel_at_every_await(|cut| {
            run(async move {
                let (socket, received) = full(&cut).await;
                let sent = cut.short(send(&socket)).await;
                socket.send(b"end").await.unwrap();
                let received = received.await.unwrap();
                assert!(
                    [&b"one"[..], b"two"]
                        .starts_with(&received.iter().map(|it| &it[..]).collect::<Vec<_>>())
                );
                assert!(sent.is_none_or(|sent| sent == received.len()));
            });
        });
        assert!(polls >= 2, "it never waited");
    }
}

/// A server with two connections: one that comes to its end when it is asked to, one that does not.
async fn two_connections() -> (roundel_net::Server, Vec<Connection>, Rc<RefCell<u32>>) {
    let ended = Rc::new(RefCell::new(0));
    let server = serve(listen().await, {
        let ended = Rc::clone(&ended);
        async move |connection: Connection| {
            let ended = Ended(Rc::clone(&ended));
            match &*receive(&connection).await {
                b"polite" => roundel_executor::stop_requested().await,
                _ => sleep(AGES).await,
            }
            drop(ended);
        }
    });
    let mut clients = Vec::new();
    for word in ["polite", "rude"] {
        let client = connect(address(&server)).await.unwrap();
        send(&client, word).await;
        clients.push(client);
    }
    while server.statistics().connections < 2 {
        sleep(MS).await;
    }
    sleep(30 * MS).await;
    (server, clients, ended)
}

/// Counts its drops.
struct Ended(Rc<RefCell<u32>>);

impl Drop for Ended {
    fn drop(&mut self) {
        *self.0.borrow_mut() += 1;
    }
}

/// Whatever is cut, the next abort ends it all.
async fn assert_all_end(server: roundel_net::Server, ended: &RefCell<u32>) {
    server.abort().await;
    assert_eq!(*ended.borrow(), 2);
    assert_eq!(server.statistics().connections, 0);
    while all_tasks().len() > 1 {
        sleep(MS).await;
    }
}

// spec: SRV-06
#[test]
fn the_ends_of_a_server_can_be_given_up_and_asked_for_again() {
    check(async |cut| {
        let (server, _clients, ended) = two_connections().await;
        cut.short(server.drain(100 * MS)).await;
        assert!(!server.is_accepting() || *ended.borrow() == 0);
        assert_all_end(server, &ended).await;
    });
    check(async |cut| {
        let (server, _clients, ended) = two_connections().await;
        cut.short(server.abort()).await;
        assert_all_end(server, &ended).await;
    });
    check(async |cut| {
        let (server, clients, ended) = two_connections().await;
        drop(clients);
        server.stop_accepting();
        cut.short(async { timeout(10 * MS, server.closed()).await }).await;
        assert_all_end(server, &ended).await;
    });
    check(async |cut| {
        let (server, _clients, ended) = two_connections().await;
        let address = address(&server);
        // In a task of its own, which runs what is left when it is cut.
        let is_begun = cut.at() > 0;
        spawn(cut.short(server.serve_until(sleep(50 * MS)))).await.unwrap();
        if is_begun {
            assert_eq!((*ended.borrow(), all_tasks().len()), (2, 1));
        }
        while all_tasks().len() > 1 {
            sleep(MS).await;
        }
        assert!(connect(address).await.is_err());
    });
}
