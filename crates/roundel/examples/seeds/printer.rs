//! S3-E5: call-backs that block, and the timers that have to wait for them.

use roundel::EventLoop;

use super::{seed::Played, stage::Stage};

/// Four ways to schedule a call-back. Those of the ready queue block for 0.2 s each, so the timers,
/// long due, run when the queue has been worked off.
pub(crate) fn blocking(stage: &Stage) -> Played {
    let start = stage.now();
    let printer = |name: &'static str| {
        let stage = stage.clone();
        move || {
            stage.say(format!("Started {name} at {:.1}", stage.since(start)));
            stage.block(stage.seconds(0.2));
            stage.say(format!("Finished {name} at {:.1}", stage.since(start)));
        }
    };
    let mut event_loop: EventLoop = stage.event_loop()?;
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
