//! What a life does with the tasks that wait to be joined.

use std::rc::Rc;

use futures::StreamExt;
use roundel_executor::{JoinError, ReturnWhen, as_completed, shield, timeout, wait};

use crate::{
    ledger::Outcome,
    support::MS,
    world::{Held, World, number_of},
};

/// Takes a task that is younger than the one that runs: so nobody waits in a circle.
fn hold(world: &Rc<World>) -> Option<Held> {
    let ledger = world.ledger();
    let own = ledger.task_of(ledger.here());
    drop(ledger);
    let mut pool = world.pool.borrow_mut();
    let younger: Vec<usize> = (0..pool.len()).filter(|place| pool[*place].0 > own).collect();
    let place = *younger.get(world.below(younger.len().max(1) as u64) as usize)?;
    let (id, task) = pool.swap_remove(place);
    Some(Held { world: Rc::clone(world), id, task: Some(task) })
}

/// Compares a task's end with what the ledger knows.
fn check(world: &World, id: usize, outcome: Result<Outcome, JoinError>) {
    let told = outcome.map_err(|error| {
        let payload = error.try_into_panic().ok();
        payload.map(|payload| number_of(world, &*payload))
    });
    world.ledger().joined(id, told);
}

pub(crate) async fn join(mut held: Held) {
    let outcome = held.task().await;
    held.task = None;
    check(&held.world, held.id, outcome);
}

pub(crate) async fn join_some(world: &Rc<World>) {
    let Some(mut held) = hold(world) else { return };
    let limit = world.below(6) as u32 * MS;
    match world.below(6) {
        0..=1 => join(held).await,
        2 => {
            if let Ok(outcome) = timeout(limit, held.task()).await {
                held.task = None;
                check(world, held.id, outcome);
            }
        }
        3 => {
            let shielded = held.task.take().map(shield);
            if let Some(shielded) = shielded {
                check(world, held.id, shielded.await);
            }
        }
        4 => stop(world, held).await,
        _ => several(world, held).await,
    }
}

/// Asks a task to stop, which it does not heed.
async fn stop(world: &World, mut held: Held) {
    let Some(task) = held.task.take() else { return };
    let ms = world.below(6);
    world.ledger().set_deadline(held.id, ms);
    check(world, held.id, task.stop(ms as u32 * MS).await);
}

async fn several(world: &Rc<World>, first: Held) {
    let mut held = vec![first];
    held.extend((0..world.below(3)).filter_map(|_| hold(world)));
    let limit = world.one_in(2).then(|| world.below(6) as u32 * MS);
    if world.one_in(2) {
        let mut completions = as_completed(held, limit);
        while let Some(Ok(completed)) = completions.next().await {
            join(completed.task).await;
        }
        return;
    }
    let given = held.len();
    let when = match world.below(3) {
        0 => ReturnWhen::FirstCompleted,
        1 => ReturnWhen::FirstError(Result::is_err),
        _ => ReturnWhen::AllCompleted,
    };
    let waited = wait(held, when, limit).await;
    let (done, pending) = (waited.done.len(), waited.pending.len());
    let enough =
        limit.is_some() || pending == 0 || done > 0 && !matches!(when, ReturnWhen::AllCompleted);
    world.ledger().check(done + pending == given && enough, || {
        format!("a wait for {given} tasks, {when:?}, gave {done} and {pending}")
    });
    for task in waited.done {
        join(task).await;
    }
}

pub(crate) fn cancel_some(world: &World) {
    let pool = world.pool.borrow();
    let Some((id, task)) = pool.get(world.below(pool.len().max(1) as u64) as usize) else { return };
    let mut ledger = world.ledger();
    let done = ledger.is_over(*id) && ledger.unsettled(*id, true).is_none();
    let asked = task.cancel();
    ledger.check(asked != done, || format!("cancelling {id}, done {done}, says {asked}"));
    ledger.cancel(*id);
}

pub(crate) fn detach_some(world: &World) {
    let task = world.pool.borrow_mut().pop();
    drop(task);
}
