//! Who may be at a port together, and what a socket of IPv6 hears.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use roundel_loop::{Family, Outcome, Socket, SocketKind, SocketOption};

use super::{Told, attach, loopback, socket, support, tcp};

/// A socket of TCP at an address, after `tune`; whether it can be bound there, and listen.
fn listens(
    told: &mut Told,
    what: &str,
    at: &str,
    tune: &[SocketOption],
) -> Option<(Socket, SocketAddr)> {
    let at: SocketAddr = at.parse().unwrap();
    let family = if at.is_ipv4() { Family::V4 } else { Family::V6 };
    let socket = socket(family, SocketKind::Stream);
    tune.iter().for_each(|&option| socket.set(option).unwrap());
    let bound = socket.bind(&at.into());
    let result = bound.and_then(|()| socket.listen(16));
    let is_there = result.is_ok();
    told.call(what, result);
    let at = socket.local_address().unwrap().inet().unwrap();
    is_there.then_some((socket, at))
}

/// Who may be at a port together: by address and family, and by leave.
pub(crate) async fn neighbours(told: &mut Told) {
    let (only_v6, reuse) = (SocketOption::OnlyV6(true), SocketOption::ReuseAddress(true));
    let share = SocketOption::ReusePort(true);
    let (first, at) = listens(told, "port: the first", "127.0.0.1:0", &[]).unwrap();
    let port = at.port();
    let _second = listens(told, "port: another address", &format!("127.0.0.2:{port}"), &[]);
    listens(told, "port: any address", &format!("0.0.0.0:{port}"), &[]);
    let other = listens(told, "port: the other family", &format!("[::1]:{port}"), &[]);
    listens(told, "port: any of IPv6 alone, beside one", &format!("[::]:{port}"), &[only_v6]);
    drop(other);
    listens(told, "port: any of both", &format!("[::]:{port}"), &[]);
    let other = listens(told, "port: any of IPv6 alone", &format!("[::]:{port}"), &[only_v6]);
    listens(told, "port: beside it, IPv6", &format!("[::1]:{port}"), &[]);
    listens(told, "port: in guise", &format!("[::ffff:127.0.0.1]:{port}"), &[]);
    listens(told, "port: in guise, IPv6 alone", &format!("[::ffff:127.0.0.3]:{port}"), &[only_v6]);
    drop((first, other));

    let (_first, at) = listens(told, "reuse: the first", "127.0.0.1:0", &[reuse]).unwrap();
    let beside = socket(Family::V4, SocketKind::Stream);
    beside.set(reuse).unwrap();
    told.call("reuse: beside a listener", beside.bind(&at.into()));
    let bound = [(); 2].map(|()| socket(Family::V4, SocketKind::Stream));
    bound.iter().for_each(|socket| socket.set(reuse).unwrap());
    told.call("reuse: a bind", bound[0].bind(&loopback()));
    told.call("reuse: beside it", bound[1].bind(&bound[0].local_address().unwrap()));
    told.call("reuse: a listen", bound[0].listen(16));
    told.call("reuse: beside that", bound[1].listen(16));
    let (_first, at) = listens(told, "share: the first", "127.0.0.1:0", &[share]).unwrap();
    let _second = listens(told, "share: the second", &at.to_string(), &[share]);
    listens(told, "share: with nobody", &at.to_string(), &[]);
}

/// One socket that hears both families.
pub(crate) async fn guises(told: &mut Told) {
    let (socket_of_both, at) = listens(told, "both: listen", "[::]:0", &[]).unwrap();
    let listening = attach(socket_of_both);
    let ours = tcp();
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, at.port()));
    told.operation("both: by IPv4", ours.connect(to).await);
    let theirs = support::accept(&listening).await.unwrap();
    for address in [theirs.socket().local_address(), theirs.socket().peer_address()] {
        told.0.push(format!("both: seen as {}", address.unwrap().inet().unwrap().ip()));
    }
    let v6 = || attach(socket(Family::V6, SocketKind::Stream));
    let ours = v6();
    let to: SocketAddr = format!("[::ffff:127.0.0.1]:{}", at.port()).parse().unwrap();
    told.operation("both: in guise", ours.connect(to).await);
    told.0.push(format!(
        "both: we are {}",
        ours.socket().local_address().unwrap().inet().unwrap().ip()
    ));
    let alone = v6();
    alone.socket().set(SocketOption::OnlyV6(true)).unwrap();
    told.operation("alone: in guise", alone.connect(to).await);
    let only_v6 = SocketOption::OnlyV6(true);
    let (_alone, at) = listens(told, "alone: listen", "[::]:0", &[only_v6]).unwrap();
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, at.port()));
    told.operation("alone: by IPv4", tcp().connect(to).await);

    let inbox = socket(Family::V6, SocketKind::Datagram);
    inbox.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)).into()).unwrap();
    let port = inbox.local_address().unwrap().inet().unwrap().port();
    let (inbox, ours) = (attach(inbox), attach(socket(Family::V4, SocketKind::Datagram)));
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    told.operation("both: a datagram", ours.send_to(b"hello", to).await);
    let Outcome::Datagram(message) = inbox.recv_from(100).await.unwrap() else { unreachable!() };
    told.0.push(format!("both: a datagram from {}", message.from.inet().unwrap().ip()));
    told.operation("both: its answer", inbox.send_to(b"answer", message.from.clone()).await);
    told.operation("both: is heard", ours.recv(100).await);
    let to = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    told.operation("IPv4: to IPv6", ours.send_to(b"lost", to).await);
}
