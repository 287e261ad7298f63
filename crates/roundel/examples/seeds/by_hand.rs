//! S0-E3, S2-E8, S4-E1: promises kept by hand, without a loop and on one.

use roundel::{
    LoopHandle,
    executor::spawn_on,
    promise::{self, local},
    yield_now,
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

/// S2-E8: to await a promise that is kept already does not give control back to the loop, so the
/// call-back, queued before, runs last.
pub(crate) fn kept_already(stage: &Stage) -> Played {
    fn promised_success(stage: &Stage) -> local::Promised<&'static str> {
        stage.say("future object function~!");
        let printer = stage.clone();
        LoopHandle::current().call_soon(move || printer.say("hello world"));
        let (promise, promised) = local::promise();
        // Nobody cancels; if somebody did, the value would have no taker.
        let _ = promise.set("success");
        promised
    }
    stage.run(async |stage| {
        let result = promised_success(&stage).await?;
        stage.say(result);
        stage.say("AAAAAAAA");
        stage.say("BBBBBBBB");
        stage.say("CCCCCCCC");
        // A run ends with its main task; so that the call-back comes before that, one turn more.
        yield_now().await;
        Ok(())
    })
}

/// S4-E1: a promise is passed to a task, which keeps it two seconds later. The loop runs until the
/// task has ended.
pub(crate) fn passed_in(stage: &Stage) -> Played {
    async fn sleep_and_set(stage: Stage, promise: local::Promise<&'static str>) {
        stage.sleep(2.0).await;
        let _ = promise.set("Done!");
    }
    let (promise, promised) = local::promise();
    let mut event_loop = stage.event_loop()?;
    let task = spawn_on(&event_loop.handle(), sleep_and_set(stage.clone(), promise));
    event_loop.run_until_complete(task)??;
    // The seed prints nothing; what it leaves behind is the value.
    match event_loop.run_until_complete(promised)?? {
        "Done!" => Ok(()),
        other => Err(format!("the promise was kept with {other:?}").into()),
    }
}
