//! What a stream holds while nothing moves.

mod support;

use futures::poll;

use support::{End, ends, loops, turns};

/// Twenty connections, each in the middle of a line.
async fn halfway() -> Vec<(End, End)> {
    let mut connections = Vec::new();
    for _ in 0..20 {
        let (mut ours, mut theirs) = ends().await;
        theirs.tell(b"a line\nhalf a li").await;
        assert_eq!(ours.reader.read_line().await.unwrap(), b"a line\n");
        assert!(poll!(Box::pin(ours.reader.read_line())).is_pending());
        connections.push((ours, theirs));
    }
    turns(2).await;
    connections
}

#[test]
fn a_reader_that_waits_in_the_middle_of_a_line_holds_no_buffer() {
    for (name, mut event_loop) in loops() {
        let mut connections = event_loop.run_until_complete(halfway()).unwrap();
        assert_eq!(event_loop.driver_statistics().buffers, 0, "on {name}");
        let rest = async {
            for (ours, theirs) in &mut connections {
                assert_eq!(ours.reader.buffered_bytes(), 9);
                theirs.tell(b"ne\n").await;
                assert_eq!(ours.reader.read_line().await.unwrap(), b"half a line\n");
            }
        };
        event_loop.run_until_complete(rest).unwrap();
    }
}
