//! `chat` and `kv_server`: lines, from several clients.

use crate::{process::Process, tool::Tool};

#[test]
fn guests_hear_each_other_come_speak_and_leave() {
    let Some(nc) = Tool::find("nc.openbsd") else { return };
    let (server, address) = Process::server("chat", ["127.0.0.1:0"]);
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let [mut first, second] = [(), ()].map(|()| {
        let mut guest = nc.start(["-v", &*host, &*port]);
        // Connected: whoever comes now comes behind it.
        assert!(guest.complains().contains("succeeded"));
        guest
    });
    let came = first.says();
    let name = came.strip_suffix(": has come").expect(&came).to_owned();
    assert!(name.starts_with("127.0.0.1:"), "{name}");

    let mut third = nc.start(["-N", &*host, &*port]);
    assert!(first.says().ends_with(": has come"));
    third.hears("hello, all\n");
    assert!(first.says().ends_with(": hello, all"));
    // The last words of one who goes may lack their line feed.
    third.succeed(b"and good bye");
    assert!(first.says().ends_with(": and good bye"));
    assert!(first.says().ends_with(": has left"));

    // Ctrl-C shows out who is there, and they are told by the end of their streams.
    server.end_by_ctrl_c();
    let heard = second.succeed(b"");
    let expected = [": has come", ": hello, all", ": and good bye", ": has left"];
    let lines = heard.lines();
    assert!(lines.iter().zip(expected).all(|(line, end)| line.ends_with(end)), "{lines:?}");
    assert!(lines.len() >= expected.len(), "{lines:?}");
    first.succeed(b"");
}

#[test]
fn a_table_is_shared_and_mistakes_are_answered() {
    let Some(nc) = Tool::find("nc.openbsd") else { return };
    let (server, address) = Process::server("kv_server", ["127.0.0.1:0"]);
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let ask = |commands: &[u8]| {
        let answers = nc.run(["-N", &*host, &*port], commands);
        answers.lines().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        ask(b"set fruit apples and pears\nset herb dill\nkeys\n"),
        ["ok", "ok", "fruit herb"]
    );
    assert_eq!(ask(b"get fruit\r\nquit\nget fruit\n"), ["apples and pears"]);
    let answers = ask(b"get tree\ndelete herb\ndelete herb\nkeys");
    assert_eq!(answers, ["error: there is no tree", "ok", "error: there is no herb", "fruit"]);
    let commands = "error: the commands are set KEY VALUE, get KEY, delete KEY, keys, quit";
    assert_eq!(ask(b"\nset fruit\n\xff\xfe\n"), [commands, commands, "error: no UTF-8"]);
    let line = [&[b'x'; 100_000][..], b"\nget fruit\n"].concat();
    let answers = ask(&line);
    assert_eq!(answers.first().unwrap(), "error: more than 4096 bytes in a line");
    assert_eq!(answers.last().unwrap(), "apples and pears");
    let ended = server.end_by_ctrl_c();
    assert_eq!(ended.errors, "");
}
