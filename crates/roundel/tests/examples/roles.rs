//! S3-E11 of `seeds`, with each of its roles in a process of its own.

use crate::process::Process;

#[test]
fn a_server_and_its_clients_meet_and_ctrl_c_ends_the_server() {
    // Slower than in the note: a busy machine needs its time to start the clients.
    let slower = ["--scale", "3"];
    let server = ["S3-E11", "server", "--port", "0"].into_iter().chain(slower);
    let mut server = Process::example("seeds", server);
    let listens = server.complains();
    let (_, port) = listens.rsplit_once(':').expect(&listens);
    let client =
        |repetitions| Process::example("seeds", ["S3-E11", "client", repetitions, "--port", port]);
    let (one, none) = (client("1"), client("0"));
    assert!(none.succeed(b"").output.is_empty());
    let one = one.succeed(b"");
    assert!(
        matches!(one.lines()[..], [line] if line.contains(" Got line: client: ('127.0.0.1', "))
    );
    let ended = server.end_by_ctrl_c();
    let count = |what| ended.lines().iter().filter(|line| line.contains(what)).count();
    assert_eq!((count("Client connected"), count("Finished sending to")), (2, 2), "{ended:?}");
    assert_eq!(count(" client: "), 1);
}
