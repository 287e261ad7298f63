//! Sockets and files that have no descriptor: only the driver that made them knows what they are.

use std::{cell::RefCell, io, net::Shutdown, rc::Rc};

use roundel_driver::{
    Address, Credentials, Driver, File, ForeignFile, SelectorDriver, Socket, SocketCalls,
    SocketOption, SocketOptionName,
};

/// Notes what is asked of it.
#[derive(Debug, Default)]
struct Noted(RefCell<Vec<String>>);

impl Noted {
    fn note(&self, what: String) -> io::Result<()> {
        self.0.borrow_mut().push(what);
        Ok(())
    }
}

impl SocketCalls for Noted {
    fn bind(&self, address: &Address) -> io::Result<()> {
        self.note(format!("bind {address}"))
    }

    fn listen(&self, backlog: u32) -> io::Result<()> {
        self.note(format!("listen {backlog}"))
    }

    fn local_address(&self) -> io::Result<Address> {
        Ok(Address::unnamed_unix())
    }

    fn peer_address(&self) -> io::Result<Address> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.note(format!("shutdown {how:?}"))
    }

    fn set(&self, option: SocketOption) -> io::Result<()> {
        self.note(format!("set {option:?}"))
    }

    fn get(&self, name: SocketOptionName) -> io::Result<SocketOption> {
        self.note(format!("get {name:?}"))?;
        Ok(SocketOption::NoDelay(true))
    }

    fn peer_credentials(&self) -> io::Result<Credentials> {
        Ok(Credentials::new(1, 2, 3))
    }

    fn take_error(&self) -> io::Result<Option<io::Error>> {
        Ok(Some(io::ErrorKind::ConnectionReset.into()))
    }
}

impl ForeignFile for Noted {}

#[test]
fn calls_reach_the_drivers_own_socket() {
    let noted = Rc::new(Noted::default());
    let socket = Socket::foreign(Rc::clone(&noted) as _);
    socket.bind(&Address::unix("/here").unwrap()).unwrap();
    socket.listen(7).unwrap();
    socket.shutdown(Shutdown::Read).unwrap();
    socket.set(SocketOption::TimeToLive(9)).unwrap();
    let no_delay = socket.get(SocketOptionName::NoDelay).unwrap();
    assert_eq!(no_delay, SocketOption::NoDelay(true));
    assert_eq!(
        *noted.0.borrow(),
        ["bind /here", "listen 7", "shutdown Read", "set TimeToLive(9)", "get NoDelay"]
    );
    assert_eq!(socket.local_address().unwrap(), Address::unnamed_unix());
    assert_eq!(socket.peer_credentials().unwrap(), Credentials::new(1, 2, 3));
    let pending = socket.take_error().unwrap().expect("one is pending");
    assert_eq!(pending.kind(), io::ErrorKind::ConnectionReset);
    let error = socket.peer_address().expect_err("it has no peer");
    assert_eq!(error.to_string(), "reading a socket's peer address");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotConnected);
}

#[test]
fn only_its_driver_sees_through_it() {
    #[derive(Debug)]
    struct Other;
    impl ForeignFile for Other {}

    let noted = Rc::new(Noted::default());
    let socket = Socket::foreign(Rc::clone(&noted) as _);
    assert!(Rc::ptr_eq(&socket.downcast::<Noted>().expect("it is one"), &noted));
    assert!(socket.source().is_none());
    let file = File::foreign(Rc::clone(&noted) as _);
    assert!(file.downcast::<Noted>().is_some() && file.downcast::<Other>().is_none());
    assert!(file.source().is_none());
    assert!(socket.try_into_fd().is_err() && file.try_into_fd().is_err());
    assert!(Socket::new(std::net::UdpSocket::bind("127.0.0.1:0").unwrap()).source().is_some());
}

#[test]
fn the_last_clone_closes_it() {
    let noted = Rc::new(Noted::default());
    let socket = Socket::foreign(Rc::clone(&noted) as _);
    let clone = socket.clone();
    drop(socket);
    assert_eq!(Rc::strong_count(&noted), 2);
    drop(clone);
    assert_eq!(Rc::strong_count(&noted), 1);
}

#[test]
#[should_panic = "a socket is attached to the driver that made it"]
fn another_driver_does_not_take_it() {
    let mut driver = SelectorDriver::by_name("default").unwrap();
    driver.attach_socket(Socket::foreign(Rc::new(Noted::default())));
}

#[test]
#[should_panic = "a file is attached to the driver that opened it"]
fn another_driver_does_not_take_a_file() {
    let mut driver = SelectorDriver::by_name("default").unwrap();
    driver.attach_file(File::foreign(Rc::new(Noted::default())));
}
