//! A server without descriptors says so, pauses, and goes on. In a file of their own, as
//! the limit is the whole process's.

mod support;

use std::{fs::File, io::Read, net::TcpStream};

use roundel_executor::sleep;
use roundel_net::{Connection, connect, serve};
use roundel_sim::Faults;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use support::{AGES, MS, address, listen, receive, reports, run, run_on, send, simulated_loop};

// spec: NET-22
#[test]
fn without_descriptors_a_server_says_so_pauses_and_goes_on() {
    run(async {
        // Before the first accept: io_uring's go by the limit of the time when they were asked for.
        let before = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(100), ..before }).unwrap();
        let reports = reports();
        let server = serve(listen().await, async |connection: Connection| {
            send(&connection, "served").await;
        });
        let address = address(&server);
        // The acceptor waits by now.
        sleep(MS).await;

        let mut files: Vec<File> = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            files.push(file);
        }
        drop(files.pop());
        let mut client = TcpStream::connect(address).unwrap();
        sleep(3500 * MS).await;
        let told = reports.take();
        assert_eq!(server.statistics().pauses, 4, "at 0, 1, 2 and 3 seconds");
        assert_eq!(told.len(), 4, "{told:?}");
        let first_line = told[0].lines().next();
        assert_eq!(first_line, Some("a server is out of descriptors or memory, and pauses"));
        assert!(told[0].contains("pause: 1s"), "{}", told[0]);

        drop(files);
        setrlimit(Resource::Nofile, before).unwrap();
        // Not before the next second is over.
        sleep(490 * MS).await;
        assert_eq!(server.statistics().accepted, 0);
        sleep(20 * MS).await;
        assert_eq!(server.statistics().accepted, 1);
        let mut served = String::new();
        server.drain(AGES).await;
        client.read_to_string(&mut served).unwrap();
        assert_eq!(served, "served");
    });
}

// spec: NET-22
#[test]
fn a_simulated_server_without_descriptors_does_the_same() {
    let (mut event_loop, network) = simulated_loop();
    run_on(&mut event_loop, async move {
        let reports = reports();
        let server = serve(listen().await, async |connection: Connection| {
            send(&connection, "served").await;
        });
        network.set_faults(Faults { emfile_on_accept: 1.0, ..Faults::NONE });
        let client = connect(address(&server)).await.unwrap();
        sleep(2500 * MS).await;
        assert_eq!((server.statistics().pauses, reports.take().len()), (3, 3));

        network.set_faults(Faults::NONE);
        assert_eq!(receive(&client).await, b"served");
        server.drain(AGES).await;
    });
}
