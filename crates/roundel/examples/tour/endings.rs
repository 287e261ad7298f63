//! How tasks end early: by a failure next to them, by a deadline, with the run. Each cleans up.

use std::{future::pending, time::Duration};

use roundel::{AsyncExit, Elapsed, TaskGroup, executor::Builder, sleep, timeout, with};

use crate::{TICK, timeline::TimeLine};

/// Something whose end takes time, and is waited for however its user ends.
struct Connection(TimeLine);

impl AsyncExit for Connection {
    async fn exit(self) {
        self.0.tell("says goodbye …");
        sleep(TICK).await;
        self.0.tell("… and hangs up");
    }
}

/// One of three children fails. The group cancels the others, waits until they have cleaned up, and
/// only then says what went wrong.
pub(crate) async fn failure(timeline: TimeLine) {
    let fetched = TaskGroup::scope(async |group| {
        for (mirror, delay) in [("mirror 1", 9), ("mirror 2", 2), ("mirror 3", 7)] {
            let page = with(Connection(timeline), async move |_connection| {
                sleep(delay * TICK).await;
                Err::<(), _>("no such page")
            });
            group.builder().name(mirror).spawn(page);
        }
        Ok(())
    });
    if let Err(error) = fetched.await {
        timeline.tell(error);
    }
}

/// A future that would wait for ever is given 2 ms.
pub(crate) async fn deadline(timeline: TimeLine) {
    let answer = with(Connection(timeline), async |_connection| pending::<()>().await);
    if let Err(Elapsed) = timeout(2 * TICK, answer).await {
        timeline.tell("had no answer within 2 ms");
    }
}

/// A task that nobody waits for: the end of the run will cancel it, and wait for its clean-up.
pub(crate) fn left_behind(timeline: TimeLine) {
    let sleeper = with(Connection(timeline), async |_connection| sleep(Duration::MAX).await);
    Builder::new().name("sleeper").spawn(sleeper).detach();
    timeline.tell("ends, and leaves a sleeper behind");
}
