//! Listeners: which addresses they bind, with which options, and what a failed one tells.

mod support;

use std::{
    collections::HashSet,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use roundel_loop::{
    Address, Family, KeepAlive, LoopHandle, Socket, SocketKind, SocketOption, SocketOptionName,
};
use roundel_net::{Connection, ListenOptions, Listener, connect, serve};

use support::{AGES, address, address_of, listen, on_both, receive, run, send};

fn inet(listener: &Listener) -> Vec<SocketAddr> {
    listener.local_addresses().iter().filter_map(Address::inet).collect()
}

// spec: NET-15
#[test]
fn an_empty_host_is_every_interface_of_both_families_at_one_port() {
    run(async {
        let every = Listener::bind(":0").await.unwrap();
        let hosts: HashSet<IpAddr> = inet(&every).iter().map(SocketAddr::ip).collect();
        let both = HashSet::from([Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()]);
        assert_eq!(hosts, both);
        drop(every);

        // As each has its own family only, both have room at one port.
        let (six, four) = loop {
            let six = Listener::bind("[::]:0").await.unwrap();
            // Another program may have the port in the other family.
            match Listener::bind((Ipv4Addr::UNSPECIFIED, address_of(&six).port())).await {
                Ok(four) => break (six, four),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::AddrInUse),
            }
        };
        let port = address_of(&six).port();
        let ours = connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        assert_eq!(four.accept().await.unwrap().peer(), &ours.local());
        let ours = connect((Ipv6Addr::LOCALHOST, port)).await.unwrap();
        assert_eq!(six.accept().await.unwrap().peer(), &ours.local());
    });
}

/// A listener at one port of both families, one of which is named twice.
async fn listen_at_both() -> (Listener, [(&'static str, u16); 2]) {
    loop {
        let port = address_of(&listen().await).port();
        let [four, six] = ["127.0.0.1", "::1"].map(|host| (host, port));
        // Another program may have taken the port.
        match ListenOptions::default().bind_all([four, six, four]).await {
            Ok(listener) => return (listener, [four, six]),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::AddrInUse),
        }
    }
}

// spec: NET-15
#[test]
fn several_hosts_share_a_listener_and_those_named_twice_are_bound_once() {
    run(async {
        let (listener, hosts) = listen_at_both().await;
        assert_eq!(listener.local_addresses().len(), 2);
        for target in &hosts {
            let ours = connect(*target).await.unwrap();
            assert_eq!(listener.accept().await.unwrap().peer(), &ours.local());
        }
        // A server accepts at both.
        let server = serve(listener, async |connection: Connection| {
            send(&connection, &connection.local().to_string()).await;
        });
        for target in &hosts {
            let ours = connect(*target).await.unwrap();
            assert_eq!(receive(&ours).await, ours.peer().to_string().into_bytes());
        }
        server.drain(AGES).await;
    });
}

// spec: NET-16
#[test]
fn a_bind_error_names_the_address_and_leaves_nothing_open() {
    on_both(|| async {
        let taken = listen().await;
        let address = address_of(&taken);
        let free = address_of(&listen().await);
        let error = ListenOptions::default().bind_all([free, address]).await.unwrap_err();
        assert_eq!(error.to_string(), format!("binding a socket to {address}"));
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        // The first of the two is free again.
        Listener::bind(free).await.unwrap();
    });
}

// spec: NET-16
#[test]
fn an_address_that_this_machine_does_not_have_is_left_out_unless_there_is_no_other() {
    run(async {
        // For documentation only: RFC 5737.
        let foreign = SocketAddr::from(([192, 0, 2, 1], 0));
        let error = Listener::bind(foreign).await.unwrap_err();
        assert_eq!(error.to_string(), "binding a socket to 192.0.2.1:0");
    });
}

/// What the kernel says of the listener's socket.
fn get(listener: &Listener, name: SocketOptionName) -> SocketOption {
    listener.sockets()[0].socket().get(name).unwrap()
}

// spec: NET-17, NET-18
#[test]
fn options_reach_the_listener() {
    on_both(|| async {
        let plain = listen().await;
        assert_eq!(get(&plain, SocketOptionName::ReuseAddress), SocketOption::ReuseAddress(true));
        assert_eq!(get(&plain, SocketOptionName::KeepAlive), SocketOption::KeepAlive(None));

        let mut options = ListenOptions::default();
        options.reuse_address = false;
        options.reuse_port = true;
        options.keep_alive = Some(KeepAlive::default());
        let one = options.bind("127.0.0.1:0").await.unwrap();
        assert_eq!(get(&one, SocketOptionName::ReuseAddress), SocketOption::ReuseAddress(false));
        let SocketOption::KeepAlive(probes) = get(&one, SocketOptionName::KeepAlive) else {
            unreachable!()
        };
        assert!(probes.is_some());
        // Shared by those who both say so.
        let another = options.bind(address_of(&one)).await.unwrap();
        assert_eq!(address_of(&another), address_of(&one));
        assert!(Listener::bind(address_of(&one)).await.is_err());
    });
}

// spec: NET-24
#[test]
fn sockets_made_elsewhere_serve_too() {
    on_both(|| async {
        let handle = LoopHandle::current();
        let socket = handle.socket(Family::V4, SocketKind::Stream).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        socket.listen(5).unwrap();
        let server = serve(Listener::from_sockets([socket]), async |connection: Connection| {
            send(&connection, "hello").await;
        });
        let client = connect(address(&server)).await.unwrap();
        assert_eq!(receive(&client).await, b"hello");
        server.drain(AGES).await;
    });
    run(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let theirs = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let ours = Connection::new(Socket::new(accepted)).unwrap();
        assert_eq!(ours.peer().inet(), Some(theirs.local_addr().unwrap()));
        send(&ours, "hello").await;
        let mut hello = [0; 5];
        io::Read::read_exact(&mut &theirs, &mut hello).unwrap();
        assert_eq!(&hello, b"hello");

        // One that is not connected has nobody at its other end.
        let lonely = LoopHandle::current().socket(Family::V4, SocketKind::Stream).unwrap();
        assert_eq!(Connection::new(lonely).unwrap_err().kind(), io::ErrorKind::NotConnected);
    });
}

#[test]
fn an_accept_that_is_given_up_leaves_its_connection_to_the_next() {
    run(async {
        let (listener, hosts) = listen_at_both().await;
        // Both addresses have one; each accept takes one and gives the other up.
        let clients = [connect(hosts[0]).await.unwrap(), connect(hosts[1]).await.unwrap()];
        let accepted = [listener.accept().await.unwrap(), listener.accept().await.unwrap()]
            .map(|connection| connection.peer().clone());
        for client in clients {
            assert!(accepted.contains(&client.local()));
        }
    });
}
