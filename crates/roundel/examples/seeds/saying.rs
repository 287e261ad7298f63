//! S2-E1 to S2-E7: what is awaited one after the other, and what overlaps.

use roundel::{executor::spawn_on, gather, spawn};

use super::{seed::Played, stage::Stage, wall_clock::WallClock};

/// S2-E1: a pause in which others could go on.
pub(crate) fn hello_world(stage: &Stage) -> Played {
    stage.run(async |stage| {
        greet(stage).await;
        Ok(())
    })
}

/// S2-E7: the same program by hand. What `run` does is to make a loop, run it until one task has
/// ended, and close it.
pub(crate) fn hello_world_by_hand(stage: &Stage) -> Played {
    let mut event_loop = stage.event_loop()?;
    let main = spawn_on(&event_loop.handle(), greet(stage.clone()));
    event_loop.run_until_complete(main)??;
    event_loop.close();
    Ok(())
}

async fn greet(stage: Stage) {
    stage.say("hello");
    stage.sleep(1.0).await;
    stage.say("world");
}

/// S2-E2: a future does nothing until it is awaited, so the second begins when the first has ended.
pub(crate) fn after_each_other(stage: &Stage) -> Played {
    stage.run(async |stage| {
        let clock = WallClock::set(&stage, [0, 56, 52]);
        stage.say(format!("started at {}", clock.time()));
        say_after(stage.clone(), 3.0, "hello").await;
        say_after(stage.clone(), 4.0, "world").await;
        stage.say(format!("finished at {}", clock.time()));
        Ok(())
    })
}

/// S2-E3: a task begins by itself, so the two pauses overlap.
pub(crate) fn at_the_same_time(stage: &Stage) -> Played {
    stage.run(async |stage| {
        let hello = spawn(say_after(stage.clone(), 3.0, "hello"));
        let world = spawn(say_after(stage.clone(), 4.0, "world"));
        let clock = WallClock::set(&stage, [1, 9, 12]);
        stage.say(format!("started at {}", clock.time()));
        hello.await?;
        world.await?;
        stage.say(format!("finished at {}", clock.time()));
        Ok(())
    })
}

async fn say_after(stage: Stage, delay: f64, what: &str) {
    stage.sleep(delay).await;
    stage.say(what);
}

/// S2-E4: two that could overlap, and do not.
pub(crate) fn repeating_in_turn(stage: &Stage) -> Played {
    stage.run(async |stage| {
        saying(stage.clone(), 1.0, "hello", 5).await;
        saying(stage.clone(), 2.0, "world", 3).await;
        Ok(())
    })
}

/// S2-E5: three tasks, awaited in turn; they do not care in which.
pub(crate) fn repeating_as_tasks(stage: &Stage) -> Played {
    stage.run(async |stage| {
        let hello = spawn(saying(stage.clone(), 1.0, "hello", 5));
        let world = spawn(saying(stage.clone(), 2.0, "world", 3));
        let python = spawn(saying(stage.clone(), 3.0, "python", 2));
        hello.await?;
        world.await?;
        python.await?;
        Ok(())
    })
}

/// S2-E6: the same three, gathered. The results are in the order of the futures, not of their ends.
pub(crate) fn repeating_gathered(stage: &Stage) -> Played {
    stage.run(async |stage| {
        let hello = saying(stage.clone(), 1.0, "hello", 5);
        let world = saying(stage.clone(), 2.0, "world", 3);
        let python = saying(stage.clone(), 3.0, "python", 2);
        let results = gather([hello, world, python]).await;
        stage.say(format!("{results:?}"));
        Ok(())
    })
}

async fn saying(stage: Stage, interval: f64, what: &str, how_many: u32) -> &str {
    for _ in 0..how_many {
        stage.sleep(interval).await;
        stage.say(what);
    }
    what
}
