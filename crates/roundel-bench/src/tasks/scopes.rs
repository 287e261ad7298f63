//! A group of children beside what others have for it: a set of futures within one task, which
//! can neither be seen nor cancelled one by one, and a set of tasks, which cannot borrow.

use std::{convert::Infallible, future::Future, hint::black_box};

use futures_util::{StreamExt, stream::FuturesUnordered};
use roundel_executor::TaskGroup;
use smol::future::yield_now;
use tokio::task::JoinSet;

use super::runtimes::{roundel, tokio as ct};
use crate::{
    machine::process_cpu_per_item,
    plan::Plan,
    row::{Figure, ROUNDEL, Row, Unit},
};

const CHILDREN: usize = 1000;

pub(super) fn rows(plan: &Plan) -> Vec<Row> {
    let scopes = plan.scaled(200_000) / CHILDREN;
    [("1000 children, each ready at once", 0), ("1000 children, each yields ten times", 10)]
        .map(|(title, yields)| {
            Row::new(title, [Figure::new("CPU per child", Unit::Nanoseconds)])
                .only(ROUNDEL, move || group(scopes, yields))
                .only("FuturesUnordered, our loop", move || unordered_on_loop(scopes, yields))
                .only("FuturesUnordered, tokio", move || unordered_on_tokio(scopes, yields))
                .only("tokio's JoinSet", move || join_set(scopes, yields))
        })
        .into()
}

async fn child(nth: usize, yields: usize) -> usize {
    for _ in 0..yields {
        yield_now().await;
    }
    black_box(nth)
}

fn on_loop(scopes: usize, main: impl Future<Output = ()> + 'static) -> f64 {
    let mut event_loop = roundel::new_runtime();
    process_cpu_per_item(scopes * CHILDREN, || roundel::run(&mut event_loop, main))
}

fn on_tokio(scopes: usize, main: impl Future<Output = ()> + Send + 'static) -> f64 {
    let mut runtime = ct::new_runtime();
    // A task, as ours is.
    let main = async move { ct::value(tokio::spawn(main).await) };
    process_cpu_per_item(scopes * CHILDREN, || ct::run(&mut runtime, main))
}

fn group(scopes: usize, yields: usize) -> f64 {
    on_loop(scopes, async move {
        for _ in 0..scopes {
            let scope = TaskGroup::scope(async |group| {
                for nth in 0..CHILDREN {
                    group.spawn(async move { Ok::<_, Infallible>(child(nth, yields).await) });
                }
                Ok(())
            });
            scope.await.expect("no child fails");
        }
    })
}

async fn unordered(scopes: usize, yields: usize) {
    for _ in 0..scopes {
        let mut children: FuturesUnordered<_> =
            (0..CHILDREN).map(|nth| child(nth, yields)).collect();
        while children.next().await.is_some() {}
    }
}

fn unordered_on_loop(scopes: usize, yields: usize) -> f64 {
    on_loop(scopes, unordered(scopes, yields))
}

fn unordered_on_tokio(scopes: usize, yields: usize) -> f64 {
    on_tokio(scopes, unordered(scopes, yields))
}

fn join_set(scopes: usize, yields: usize) -> f64 {
    on_tokio(scopes, async move {
        for _ in 0..scopes {
            let mut children = JoinSet::new();
            for nth in 0..CHILDREN {
                children.spawn(child(nth, yields));
            }
            while children.join_next().await.is_some() {}
        }
    })
}
