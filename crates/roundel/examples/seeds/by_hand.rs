//! S0-E3, S4-E1: promises kept by hand, without a loop and on one.

use roundel::{
    LoopHandle,
    promise::{self, local},
};

use super::{seed::Played, stage::Stage};

/// S0-E3: what can be seen of a promise before and after it is kept. Its call-back runs in between,
/// within the call that keeps it.
pub(crate) fn inspected(stage: &Stage) -> Played {
    let (promise, promised) = promise::promise::<&str>();
    let printer = stage.clone();
    promised.on_done(move |outcome| {
        if let Ok(text) = outcome {
            printer.say(text.chars().rev().collect::<String>());
        }
    });
    stage.say(format!("{promised:#?}"));
    promise.set("HELLO")?;
    stage.say(format!("{promised:#?}"));
    Ok(())
}

/// S4-E1: a promise is passed in, and kept two seconds later. The loop runs until it is.
pub(crate) fn passed_in(stage: &Stage) -> Played {
    fn sleep_and_set(stage: &Stage, handle: &LoopHandle, promise: local::Promise<&'static str>) {
        handle.call_later(stage.seconds(2.0), move || {
            // Nobody cancels; if somebody did, the value would have no taker.
            let _ = promise.set("Done!");
        });
    }
    let mut event_loop = stage.event_loop()?;
    let (promise, promised) = local::promise();
    sleep_and_set(stage, &event_loop.handle(), promise);
    // The seed prints nothing; what it leaves behind is the value.
    match event_loop.run_until_complete(promised)?? {
        "Done!" => Ok(()),
        other => Err(format!("the promise was kept with {other:?}").into()),
    }
}
