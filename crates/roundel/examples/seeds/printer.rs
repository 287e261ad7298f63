//! S3-E5, S3-E6: what is scheduled in four ways, and blocks its thread or does not.

use std::time::Instant;

use roundel::spawn;

use super::{seed::Played, stage::Stage};

/// Four ways to schedule a call-back. Those of the ready queue block for 0.2 s each, so the timers,
/// long due, run when the queue has been worked off.
pub(crate) fn blocking(stage: &Stage) -> Played {
    let start = stage.now();
    schedule(stage, |name| {
        let stage = stage.clone();
        move || {
            stage.say(format!("Started {name} at {:.1}", stage.since(start)));
            stage.block(stage.seconds(0.2));
            stage.say(format!("Finished {name} at {:.1}", stage.since(start)));
        }
    })
}

/// S3-E6: each call-back begins a task, which sleeps instead. Nobody has to wait for anybody.
pub(crate) fn sleeping(stage: &Stage) -> Played {
    async fn print(stage: Stage, start: Instant, name: &str) {
        stage.say(format!("Started {name} at {:.1}", stage.since(start)));
        stage.sleep(0.2).await;
        stage.say(format!("Finished {name} at {:.1}", stage.since(start)));
    }
    let start = stage.now();
    schedule(stage, |name| {
        let stage = stage.clone();
        move || spawn(print(stage, start, name)).detach()
    })
}

/// Schedules what `printer` makes in four ways, and runs the loop for a second.
fn schedule<P>(stage: &Stage, printer: impl Fn(&'static str) -> P) -> Played
where
    P: FnOnce() + Send + 'static,
{
    let mut event_loop = stage.event_loop()?;
    let handle = event_loop.handle();
    handle.call_at(handle.now() + stage.seconds(0.2), printer("call_at"));
    handle.call_later(stage.seconds(0.1), printer("call_later"));
    handle.call_soon(printer("call_soon"));
    event_loop.remote().call_soon(printer("call_soon_threadsafe"))?;

    // Make sure we stop after a second.
    handle.call_later(stage.seconds(1.0), {
        let handle = handle.clone();
        move || handle.stop()
    });
    event_loop.run_forever()?;
    Ok(())
}
