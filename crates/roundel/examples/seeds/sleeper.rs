//! S3-E1 to S3-E3, S4-E2: tasks that sleep, ways to wait for them, and a look at them.

use roundel::{
    ReturnWhen, all_tasks,
    executor::{Builder, TaskInfo, spawn_on},
    gather, spawn, wait, yield_now,
};

use super::{seed::Played, stage::Stage};

async fn sleeper(stage: Stage, delay: u32) {
    stage.sleep(delay.into()).await;
    stage.say(format!("Finished sleeper with delay: {delay}"));
}

/// S3-E1: three sleep at the same time; the longest says how long it takes.
pub(crate) fn waited_for(stage: &Stage) -> Played {
    stage.run(async |stage| {
        let sleepers = [1, 3, 2].map(|delay| spawn(sleeper(stage.clone(), delay)));
        let waited = wait(sleepers, ReturnWhen::AllCompleted, None).await;
        for task in waited.done {
            task.await?;
        }
        Ok(())
    })
}

/// S3-E2: a call-back begins the task. Nobody waits for it: the loop runs until it is stopped.
pub(crate) fn from_a_call_back(stage: &Stage) -> Played {
    let mut event_loop = stage.event_loop()?;
    let handle = event_loop.handle();
    let sleeper = sleeper(stage.clone(), 1);
    handle.call_soon(|| spawn(sleeper).detach());
    handle.call_later(stage.seconds(2.0), {
        let handle = handle.clone();
        move || handle.stop()
    });
    event_loop.run_forever()?;
    Ok(())
}

/// S3-E3: prints where every task stands. Python's program has one task, the printer; here is one
/// more to be seen. It is cancelled with the end of the main task.
pub(crate) fn stacks_printed(stage: &Stage) -> Played {
    stage.run(async |stage| {
        Builder::new().name("sleeper").spawn(sleeper(stage.clone(), 1)).detach();
        yield_now().await;
        all_tasks().iter().for_each(|task| print_stack(&stage, task));
        Ok(())
    })
}

/// A future has no stack between its steps, but its task knows how far it is and where it began.
fn print_stack(stage: &Stage, task: &TaskInfo) {
    let TaskInfo { name, state, polls, site, .. } = task;
    let file = site.file().rsplit('/').next().unwrap_or_default();
    stage.say(format!("Stack for {name} (state: {state:?}, polls: {polls}):"));
    stage.say(format!("  spawned at {file}:{}:{}", site.line(), site.column()));
}

/// S4-E2: the loop runs until three gathered tasks have ended.
pub(crate) fn gathered(stage: &Stage) -> Played {
    async fn sleep(stage: Stage, name: &str, seconds: u32) {
        stage.say(format!("[{name}] coroutine will sleep for {seconds} second(s)…"));
        stage.sleep(seconds.into()).await;
        stage.say(format!("[{name}] done!"));
    }
    let mut event_loop = stage.event_loop()?;
    let handle = event_loop.handle();
    let tasks = [("Task-A", 10), ("Task-B", 1), ("Task-C", 1)]
        .map(|(name, seconds)| spawn_on(&handle, sleep(stage.clone(), name, seconds)));
    let outcomes = event_loop.run_until_complete(gather(tasks))?;
    let values: Vec<()> = outcomes.into_iter().collect::<Result<_, _>>()?;
    stage.say(format!("{values:?}"));
    Ok(())
}
