//! S1-E3: coroutines from before `async`: the steps of each, and where it stands, kept by hand.

use std::{
    any::type_name_of_val,
    cell::Cell,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use roundel::{
    ReturnWhen,
    executor::{Sleep, spawn_on},
    wait,
};

use super::{seed::Played, stage::Stage, wall_clock::WallClock};

/// What the coroutines of a program share.
struct Shared {
    stage: Stage,
    clock: WallClock,
    random: Random,
}

/// Draws how long to sleep, sleeps, and prints the time.
struct PrintTime {
    index: u32,
    shared: Rc<Shared>,
    step: Step,
}

/// Where a coroutine stands.
enum Step {
    NotBegun,
    Sleeping(u32, Sleep),
}

impl Future for PrintTime {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { index, shared, step } = &mut *self;
        loop {
            match step {
                Step::NotBegun => {
                    let seconds = shared.random.draw();
                    *step = Step::Sleeping(seconds, shared.stage.sleep(seconds.into()));
                }
                Step::Sleeping(seconds, sleep) => {
                    ready!(Pin::new(sleep).poll(context));
                    let now = format!("2019-08-01 {}", shared.clock.exact_time());
                    let line = format!("[{index}] Sleep time : {seconds}, Complete time : {now}");
                    shared.stage.say(line);
                    return Poll::Ready(());
                }
            }
        }
    }
}

/// To make ten coroutines runs none of them: each begins when the loop polls it.
pub(crate) fn waited_for(stage: &Stage) -> Played {
    let shared = Rc::new(Shared {
        stage: stage.clone(),
        clock: WallClock::set(stage, [0, 16, 45]),
        random: Random::as_recorded(),
    });
    let print_time = |index| PrintTime { index, shared: shared.clone(), step: Step::NotBegun };
    let futures: Vec<_> = (0..10).map(print_time).collect();
    stage.say(type_name_of_val(&futures));
    stage.say(type_name_of_val(&futures[0]));
    stage.say("point 1 >");

    let mut event_loop = stage.event_loop()?;
    stage.say("point 2 >");
    let handle = event_loop.handle();
    let tasks: Vec<_> = futures.into_iter().map(|future| spawn_on(&handle, future)).collect();
    let waited = event_loop.run_until_complete(wait(tasks, ReturnWhen::AllCompleted, None))?;
    stage.say("point 3 >");
    event_loop.close();
    stage.say("point 4 >");
    if waited.pending.is_empty() { Ok(()) } else { Err("some have not ended".into()) }
}

/// A random generator (xorshift64).
struct Random(Cell<u64>);

impl Random {
    /// Draws what was drawn when the note was recorded.
    fn as_recorded() -> Self {
        Self(Cell::new(610_683_816))
    }

    /// As `random.randrange(1, 10)`.
    fn draw(&self) -> u32 {
        let mut x = self.0.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.0.set(x);
        1 + (x >> 32) as u32 % 9
    }
}
