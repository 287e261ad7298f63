//! Which of a host's tasks goes first follows from the seed, unless the order of waking is asked
//! for; call-backs keep their order.

use std::{cell::RefCell, rc::Rc};

use roundel_executor::{gather, spawn, yield_now};
use roundel_loop::LoopHandle;
use roundel_world::{Simulation, World};

/// The order in which ten tasks make their second step.
async fn order(_: World) -> Vec<usize> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let tasks: Vec<_> = (0..10)
        .map(|number| {
            let seen = Rc::clone(&seen);
            spawn(async move {
                yield_now().await;
                seen.borrow_mut().push(number);
            })
        })
        .collect();
    gather(tasks).await;
    seen.take()
}

#[test]
fn the_seed_says_which_task_goes_first() {
    let of = |seed| Simulation::new(seed).run(order).unwrap().output;
    let orders: Vec<_> = (0..10).map(of).collect();
    assert_eq!(orders, (0..10).map(of).collect::<Vec<_>>());
    assert!(orders.iter().filter(|order| order.is_sorted()).count() < 2, "{orders:?}");
    assert_ne!(orders[0], orders[1]);
}

#[test]
fn tasks_keep_their_order_if_asked_to() {
    for seed in 0..10 {
        assert!(Simulation::new(seed).fifo().run(order).unwrap().output.is_sorted());
    }
}

#[test]
fn call_backs_keep_their_order_always() {
    for seed in 0..10 {
        let ran = Simulation::new(seed).run(async |_| {
            let seen = Rc::new(RefCell::new(Vec::new()));
            for number in 0..10 {
                let seen = Rc::clone(&seen);
                LoopHandle::current().call_soon(move || seen.borrow_mut().push(number));
            }
            yield_now().await;
            yield_now().await;
            seen.take()
        });
        assert_eq!(ran.unwrap().output, (0..10).collect::<Vec<_>>());
    }
}
