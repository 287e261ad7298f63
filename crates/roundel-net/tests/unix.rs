//! Unix sockets: paths, abstract names, what stands there already, and what is left.

mod support;

use std::{
    fs, io,
    os::unix::{fs::FileTypeExt, net::UnixListener},
    path::PathBuf,
};

use roundel_net::{Connection, ListenOptions, Listener, connect_unix, serve};

use support::{AGES, on_both, receive, run, send};

/// A path of the test's own, in a folder that goes with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("roundel-net-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.join("socket")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server that greets, and a client that is greeted.
async fn greet(path: PathBuf) {
    let server = serve(Listener::bind_unix(&path).unwrap(), async |connection: Connection| {
        send(&connection, "hello").await;
    });
    let client = connect_unix(&path).await.unwrap();
    assert_eq!(receive(&client).await, b"hello");
    server.drain(AGES).await;
}

// spec: NET-25
#[test]
fn a_path_or_an_abstract_name_is_served_and_connected_to() {
    on_both(|| async {
        let scratch = Scratch::new("greet");
        greet(scratch.path()).await;
    });
    #[cfg(target_os = "linux")]
    on_both(|| greet(PathBuf::from(format!("\0roundel-net-{}", std::process::id()))));
}

// spec: NET-25
#[test]
fn sockets_that_exist_serve_and_connect_too() {
    run(async {
        let scratch = Scratch::new("sockets");
        let listening = UnixListener::bind(scratch.path()).unwrap();
        let listener = Listener::from_sockets([roundel_loop::Socket::new(listening)]);
        let theirs = std::os::unix::net::UnixStream::connect(scratch.path()).unwrap();
        let theirs = Connection::new(roundel_loop::Socket::new(theirs)).unwrap();
        let ours = listener.accept().await.unwrap();
        send(&theirs, "hello").await;
        assert_eq!(receive(&ours).await, b"hello");
    });
}

// spec: NET-26
#[test]
fn a_dead_servers_file_is_removed_and_another_file_is_not() {
    run(async {
        let scratch = Scratch::new("stale");
        // The standard library leaves the file.
        drop(UnixListener::bind(scratch.path()).unwrap());
        assert!(fs::metadata(scratch.path()).unwrap().file_type().is_socket());
        greet(scratch.path()).await;

        fs::write(scratch.path(), "precious").unwrap();
        let error = Listener::bind_unix(scratch.path()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert_eq!(fs::read_to_string(scratch.path()).unwrap(), "precious");
    });
}

// spec: NET-27
#[test]
fn the_file_goes_with_the_server_unless_it_is_another_or_is_to_stay() {
    run(async {
        let scratch = Scratch::new("own");
        let path = scratch.path();
        let server = serve(Listener::bind_unix(&path).unwrap(), async |_connection| ());
        assert!(path.exists());
        server.stop_accepting();
        assert!(!path.exists());
        server.closed().await;

        // Gone already.
        let listener = Listener::bind_unix(&path).unwrap();
        fs::remove_file(&path).unwrap();
        drop(listener);

        // Replaced by a successor.
        let predecessor = Listener::bind_unix(&path).unwrap();
        let successor = Listener::bind_unix(&path).unwrap();
        drop(predecessor);
        assert!(path.exists());
        let _connection = connect_unix(&path).await.unwrap();
        drop(successor);
        assert!(!path.exists());

        // Told to stay.
        let mut options = ListenOptions::default();
        options.keep_path = true;
        drop(options.bind_unix(&path).unwrap());
        assert!(path.exists());
    });
}

#[test]
fn the_other_end_is_known_by_its_credentials() {
    on_both(|| async {
        let scratch = Scratch::new("credentials");
        let listener = Listener::bind_unix(scratch.path()).unwrap();
        let ours = connect_unix(scratch.path()).await.unwrap();
        let theirs = listener.accept().await.unwrap();
        let known = theirs.credentials().unwrap();
        assert_eq!(known, ours.credentials().unwrap());
    });
    run(async {
        let scratch = Scratch::new("process");
        let listener = Listener::bind_unix(scratch.path()).unwrap();
        let _ours = connect_unix(scratch.path()).await.unwrap();
        let process = listener.accept().await.unwrap().credentials().unwrap().process;
        assert_eq!(process, std::process::id() as i32);
    });
}

#[test]
fn a_path_that_can_be_no_sockets_is_told() {
    run(async {
        let long = "x".repeat(200);
        let error = Listener::bind_unix(&long).unwrap_err();
        assert_eq!(error.to_string(), format!("binding a socket to {long:?}"));
        let error = connect_unix(&long).await.unwrap_err();
        assert_eq!(error.to_string(), format!("connecting to {long:?}"));
        let nobody = connect_unix("/nonexistent/socket").await.unwrap_err();
        assert_eq!(nobody.kind(), io::ErrorKind::NotFound);
    });
}
