//! The programs: what a life does next is left to chance.

use std::{
    future::{Future, poll_fn},
    panic::resume_unwind,
    pin::Pin,
    rc::Rc,
    task::Poll,
    time::Duration,
};

use roundel_executor::{
    AsyncExit, Builder, cancel_all, sleep, statistics, timeout_scope, with, yield_now,
};
use roundel_loop::{Deadline, LoopHandle};

use crate::{
    join::{cancel_some, detach_some, join, join_some},
    ledger::{Fall, Id, Outcome, Stage},
    rules::Kind,
    scopes::{gathering, group},
    support::MS,
    world::{Held, Life, World},
};

/// Longer than the grace of a clean-up, which is a second.
const TOO_LONG: Duration = Duration::from_secs(2);

/// The first task. It lives until nothing else does.
pub(crate) fn first(world: &Rc<World>) -> Life<'static> {
    let id = world.ledger().open(Kind::Task { eager: false }, None);
    let of = Rc::clone(world);
    world.live(id, async move {
        let world = of;
        for _ in 0..=world.below(3) {
            spawn_task(&world, 5);
        }
        let handle = LoopHandle::current();
        if world.one_in(8) {
            sleep(world.below(8) as u32 * MS).await;
            world.ledger().sweeping = true;
            cancel_all(&handle).await;
            let left = statistics(&handle).tasks;
            world.ledger().check(left == 1, || format!("{left} tasks outlived cancel_all"));
            world.ledger().sweeping = false;
        }
        loop {
            let next = world.pool.borrow_mut().pop();
            match next {
                Some((id, task)) => join(Held { world: world.clone(), id, task: Some(task) }).await,
                None if statistics(&handle).tasks > 1 => sleep(5 * MS).await,
                None => return Ok(world.fresh()),
            }
        }
    })
}

/// A few steps, boxed because they are made of such.
pub(crate) fn act(world: &Rc<World>, depth: u64) -> Pin<Box<dyn Future<Output = Outcome>>> {
    let world = Rc::clone(world);
    Box::pin(async move {
        for _ in 0..=world.below(5) {
            let full = world.ledger().records.len() >= world.size;
            let outcome = match depth {
                1.. if !full && !world.one_in(3) => compound(&world, depth - 1).await,
                _ => simple(&world).await,
            };
            if outcome.is_err() && world.one_in(2) {
                return outcome;
            }
        }
        Ok(world.fresh())
    })
}

async fn simple(world: &Rc<World>) -> Outcome {
    match world.below(24) {
        0..=5 => nap(world, world.below(6)).await,
        6..=9 => yield_now().await,
        10..=13 => world.pass(world.below(3) as usize).await,
        14..=16 => world.open_gate(world.below(3) as usize),
        17..=19 => cancel_some(world),
        20 => detach_some(world),
        21..=22 => return Err(world.fresh()),
        _ => resume_unwind(Box::new(Fall(world.fresh()))), // without the noise of the panic hook
    }
    Ok(world.fresh())
}

async fn compound(world: &Rc<World>, depth: u64) -> Outcome {
    match world.below(16) {
        0..=2 => spawn_task(world, depth),
        3..=5 => join_some(world).await,
        6..=7 => return guest(world, depth).await,
        8 => {
            let unpolled = guest(world, depth);
            world.ledger().abandon(unpolled.id());
        }
        9..=10 => return limited(world, depth).await,
        11..=13 => return group(world, depth).await,
        14 => return gathering(world, depth).await,
        _ => return cut(world, depth).await,
    }
    Ok(world.fresh())
}

/// Sleeps, neither too long nor too short.
async fn nap(world: &World, ms: u64) {
    let (here, until) = {
        let ledger = world.ledger();
        (ledger.here(), ledger.now() + ms * 1000)
    };
    sleep(ms as u32 * MS).await;
    let mut ledger = world.ledger();
    let now = ledger.now();
    let punctual = now == until || now > until && ledger.is_in_exit(here);
    ledger.check(punctual, || format!("{here} sleeps until {now}, not {until}"));
}

fn spawn_task(world: &Rc<World>, depth: u64) {
    let eager = world.one_in(4);
    let id = world.ledger().open(Kind::Task { eager }, None);
    let life = world.live(id, act(world, depth));
    let task = Builder::new().eager_start(eager).spawn(life);
    world.pool.borrow_mut().push((id, task));
}

/// A body with a deadline, which it may move.
fn limited(world: &Rc<World>, depth: u64) -> Life<'static> {
    let here = world.ledger().here();
    let id = world.ledger().open(Kind::Timeout, Some(here));
    let of = Rc::clone(world);
    world.live(id, async move {
        let world = &of;
        let ended = timeout_scope(deadline(world, id), async |scope| {
            let body = world.ledger().open(Kind::TimeoutBody, Some(id));
            let body = world.live(body, async {
                if world.one_in(3) {
                    act(world, depth).await?;
                    let moved = scope.reschedule(deadline(world, id));
                    world.ledger().check(moved, || format!("{id} has expired around its body"));
                }
                act(world, depth).await
            });
            body.await
        });
        let ended = ended.await;
        let mut ledger = world.ledger();
        let body = ledger.records[id].parts.first();
        let stage = body.map(|body| ledger.records[*body].stage);
        let expected = Some(ended.map_or(Stage::Dropped, Stage::Ended));
        ledger.check(stage == expected, || format!("timeout {id} gave {ended:?} for {stage:?}"));
        drop(ledger);
        ended.unwrap_or_else(|_| Err(world.fresh()))
    })
}

/// A deadline for the parts of this life.
fn deadline(world: &World, of: Id) -> Deadline {
    let ms = world.below(8);
    world.ledger().set_deadline(of, ms);
    Deadline::after(LoopHandle::current().now(), ms as u32 * MS)
}

/// A body that is dropped after some polls.
fn cut(world: &Rc<World>, depth: u64) -> Life<'static> {
    let here = world.ledger().here();
    let id = world.ledger().open(Kind::Cut, Some(here));
    let of = Rc::clone(world);
    world.live(id, async move {
        let world = of;
        let body = world.ledger().open(Kind::CutBody, Some(id));
        let mut life = Some(world.live(body, act(&world, depth)));
        let mut polls = world.below(4);
        poll_fn(|context| {
            let Some(living) = &mut life else { return Poll::Ready(Err(world.fresh())) };
            let polled = Pin::new(living).poll(context);
            if polled.is_pending() && polls == 0 {
                world.ledger().abandon(body);
                life = None;
                return Poll::Ready(Err(world.fresh()));
            }
            polls = polls.saturating_sub(1);
            polled
        })
        .await
    })
}

/// A resource whose exit is counted.
struct Guest {
    world: Rc<World>,
    /// The life that has entered it.
    id: Id,
    leaving: bool,
}

fn guest(world: &Rc<World>, depth: u64) -> Life<'static> {
    let here = world.ledger().here();
    let id = world.ledger().open(Kind::With, Some(here));
    let guest = Guest { world: Rc::clone(world), id, leaving: false };
    let future = with(guest, async move |guest| {
        let Guest { world, id, .. } = guest;
        let body = world.ledger().open(Kind::WithBody, Some(*id));
        world.live(body, act(world, depth)).await
    });
    world.live(id, future)
}

impl AsyncExit for Guest {
    async fn exit(mut self) {
        let world = Rc::clone(&self.world);
        let id = world.ledger().exit(self.id);
        self.leaving = true;
        let life = world.live(id, async {
            if world.one_in(50) {
                sleep(TOO_LONG).await;
            }
            act(&world, 1).await
        });
        _ = life.await;
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if !self.leaving {
            self.world.ledger().lost(self.id);
        }
    }
}
