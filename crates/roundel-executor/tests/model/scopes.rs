//! Lives with children: groups and gatherings.

use std::rc::Rc;

use roundel_executor::{Cause, GroupError, TaskGroup, gather, try_gather, yield_now};

use crate::{
    ledger::{Id, Ledger, Outcome, Stage},
    program::act,
    rules::Kind,
    world::{Life, World, number_of},
};

type Group<'scope, 'env> = TaskGroup<'scope, 'env, u64, u64>;

pub(crate) fn group(world: &Rc<World>, depth: u64) -> Life<'static> {
    let here = world.ledger().here();
    let id = world.ledger().open(Kind::Group, Some(here));
    let of = Rc::clone(world);
    world.live(id, async move {
        let world = &of;
        let ended = TaskGroup::scope(async |group| {
            let body = world.ledger().open(Kind::GroupBody, Some(id));
            world.live(body, body_of(world, group, id, depth)).await
        });
        let ended = ended.await;
        check_group(world, id, ended)
    })
}

async fn body_of(world: &Rc<World>, group: Group<'_, '_>, scope: Id, depth: u64) -> Outcome {
    if world.one_in(4) {
        let limit = 1 + world.below(2) as usize;
        group.limit(limit);
        world.ledger().records[scope].limit = Some(limit);
    }
    let mut children = Vec::new();
    for _ in 0..=world.below(3) {
        let (id, life) = child(world, &group, scope, depth);
        match world.one_in(3) {
            true => children.push((id, group.spawn_when_free(life).await)),
            false => children.push((id, group.spawn(life))),
        }
        if world.one_in(4) {
            yield_now().await;
        }
    }
    act(world, depth).await?;
    for (id, child) in children {
        match world.below(4) {
            0 => {
                let value = Some(Ok(child.await));
                let mut ledger = world.ledger();
                let expected = ledger.outcome(id);
                ledger
                    .check(value == expected, || format!("{id} gave {value:?}, not {expected:?}"));
            }
            1 => {
                world.ledger().cancel(id);
                let value = child.cancel().await.map(Ok);
                let mut ledger = world.ledger();
                // One that has failed has no value; the group is about to end.
                let expected = ledger.outcome(id).filter(Result::is_ok);
                ledger
                    .check(value == expected, || format!("{id} gave {value:?}, not {expected:?}"));
                let left = ledger.unsettled(id, true);
                ledger.check(left.is_none(), || format!("{id} was waited for before {left:?}"));
            }
            2 => {
                world.ledger().cancel(id);
                drop(child.cancel());
            }
            _ => {}
        }
    }
    if world.one_in(8) {
        finish(world, &group, scope);
    }
    Ok(world.fresh())
}

/// A child, which may have younger siblings and may end its group.
fn child<'scope>(
    world: &Rc<World>,
    group: &Group<'scope, '_>,
    scope: Id,
    depth: u64,
) -> (Id, Life<'scope>) {
    let id = world.ledger().open(Kind::Child, Some(scope));
    let (of, group) = (Rc::clone(world), group.clone());
    let life = world.live(id, async move {
        let world = of;
        let outcome = act(&world, depth).await?;
        if world.one_in(10) {
            finish(&world, &group, scope);
        }
        if depth > 0 && world.one_in(6) {
            let (_, sibling) = child(&world, &group, scope, depth - 1);
            group.spawn(sibling);
        }
        Ok(outcome)
    });
    (id, life)
}

fn finish(world: &World, group: &Group<'_, '_>, scope: Id) {
    let value = world.fresh();
    group.finish(value);
    let mut ledger = world.ledger();
    if !ledger.records[scope].ending {
        ledger.records[scope].finished = Some(value);
        ledger.end(scope);
    }
}

/// Everything that failed is in the error, and nothing else; or the value is the right one.
fn check_group(world: &World, id: Id, ended: Result<u64, GroupError<u64>>) -> Outcome {
    let mut failures = Vec::new();
    let outcome = ended.map_err(|error| {
        for failure in error.into_failures() {
            failures.push(match failure.into_cause() {
                Cause::Error(error) => Stage::Ended(Err(error)),
                Cause::Panic(error) => {
                    let payload = error.try_into_panic().unwrap_or_else(|_| Box::new(()));
                    Stage::Fell(number_of(world, &*payload))
                }
                _ => Stage::Open,
            });
        }
        world.fresh()
    });
    let mut ledger = world.ledger();
    for failure in &failures {
        if let Stage::Fell(number) = *failure {
            ledger.told(number);
        }
    }
    let mut expected: Vec<Stage> =
        ledger.failures(id).map(|part| ledger.records[part].stage).collect();
    let order = |stage: &Stage| match *stage {
        Stage::Ended(Err(number)) | Stage::Fell(number) => number,
        _ => 0,
    };
    failures.sort_unstable_by_key(order);
    expected.sort_unstable_by_key(order);
    ledger.check(failures == expected, || format!("group {id}: {failures:?}, not {expected:?}"));
    if outcome.is_ok() {
        let value = value_of(&ledger, id);
        ledger.check(value == Some(outcome), || format!("group {id}: {outcome:?}, not {value:?}"));
    }
    outcome
}

/// The value of a group without failures.
fn value_of(ledger: &Ledger, group: Id) -> Option<Outcome> {
    let record = &ledger.records[group];
    let body = record.parts.iter().find(|part| ledger.records[**part].kind == Kind::GroupBody);
    record.finished.map(Ok).or_else(|| ledger.outcome(*body?))
}

pub(crate) fn gathering(world: &Rc<World>, depth: u64) -> Life<'static> {
    let here = world.ledger().here();
    let tried = world.one_in(2);
    let kind = if tried { Kind::TryGather } else { Kind::Gather };
    let id = world.ledger().open(kind, Some(here));
    let parts = (0..world.below(4)).map(|_| {
        let part = world.ledger().open(Kind::Child, Some(id));
        world.live(part, act(world, depth))
    });
    let parts: Vec<_> = parts.collect();
    let of = Rc::clone(world);
    world.live(id, async move {
        let world = of;
        if !tried {
            let outcomes = gather(parts).await.into_iter().map(Some).collect();
            return check_gathered(&world, id, outcomes);
        }
        match try_gather(parts).await {
            Ok(values) => check_gathered(
                &world,
                id,
                values.into_iter().map(|value| Some(Ok(value))).collect(),
            ),
            Err(error) => {
                let mut ledger = world.ledger();
                let failed =
                    ledger.failures(id).any(|part| ledger.outcome(part) == Some(Err(error)));
                ledger.check(failed, || format!("gathering {id}: nobody failed with {error}"));
                Err(error)
            }
        }
    })
}

fn check_gathered(world: &World, id: Id, outcomes: Vec<Option<Outcome>>) -> Outcome {
    let mut ledger = world.ledger();
    let parts = &ledger.records[id].parts;
    let expected: Vec<_> = parts.iter().map(|part| ledger.outcome(*part)).collect();
    ledger
        .check(outcomes == expected, || format!("gathering {id}: {outcomes:?}, not {expected:?}"));
    drop(ledger);
    Ok(world.fresh())
}
