//! What `check` finds, shrinks and tells; and the helpers of tests.

mod support;

use std::{
    cell::{Cell, RefCell},
    env,
    process::Command,
    rc::Rc,
    time::Duration,
};

use roundel_executor::{sleep, spawn, yield_now};
use roundel_loop::{Family, LoopHandle, Outcome, Socket, SocketKind};
use roundel_world::{
    Cause, Found, Link, Sequencer, Simulation, World, assert_yields, check, run, try_check,
};
use support::*;

/// Fails once thirty datagrams of those sent got lost.
async fn loses_thirty(world: World) {
    let inbox = world.add_host("inbox");
    let count = Rc::new(Cell::new(0));
    let counted = Rc::clone(&count);
    let _receiving = inbox.spawn(async move {
        let socket = datagrams(9);
        while socket.recv_from(10).await.is_ok() {
            counted.set(counted.get() + 1);
        }
    });
    world.all_tasks_blocked().await;
    world.set_default_link(Link { loss: 0.5, ..Link::default() });
    let socket = datagrams(0);
    for _ in 0..100 {
        let _ = socket.send_to(b"x", inbox.address(9)).await.unwrap();
    }
    sleep(SECOND).await;
    assert!(count.get() > 70, "{} got lost", 100 - count.get());
}

fn found() -> Found {
    try_check(5, loses_thirty).expect_err("half of them get lost")
}

#[test]
fn the_fewest_faults_are_found() {
    let found = found();
    assert_eq!(found.faults, Some(30));
    assert_eq!(found.failure.faults, 30);
    assert!(found.to_string().contains("30 got lost"), "{found}");
}

#[test]
fn a_failure_says_how_to_see_it_again() {
    let told = found().to_string();
    let command = "ROUNDEL_SEED=0 ROUNDEL_FAULTS=30 cargo test -p roundel-world \
                   a_failure_says_how_to_see_it_again -- --exact";
    assert!(told.contains(command), "{told}");
    assert!(told.contains("datagram"), "what happened last is not in {told}");
    let failure = Simulation::new(0).most_faults(30).run(loses_thirty).unwrap_err();
    assert_eq!(failure.trace, found().failure.trace, "it is the same run");
    assert!(Simulation::new(0).most_faults(29).run(loses_thirty).is_ok());
}

const CHILD: &str = "ROUNDEL_TEST_CHILD";

#[test]
fn the_environment_says_which_seed_runs() {
    let name = "the_environment_says_which_seed_runs";
    if env::var_os(CHILD).is_some() {
        check(1000, async |world| println!("seed {}", world.seed()));
        return;
    }
    let mut child = Command::new(env::current_exe().unwrap());
    let child = child.args([name, "--exact", "--nocapture"]);
    let output = child.env(CHILD, "1").env("ROUNDEL_SEED", "123").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.matches("seed ").count(), 1, "{said}");
    assert!(said.contains("seed 123"), "{said}");
}

#[test]
fn a_socket_that_outlives_its_world_is_a_leak() {
    let kept: Rc<RefCell<Vec<Socket>>> = Rc::default();
    let found = try_check(1, async move |_| {
        let socket = LoopHandle::current().socket(Family::V4, SocketKind::Stream).unwrap();
        kept.borrow_mut().push(socket);
    });
    let found = found.expect_err("it is kept");
    assert!(matches!(found.failure.cause, Cause::Leak { sockets: 1 }), "{found}");
}

/// Which of a hundred datagrams get lost, if only so many may.
fn lost(most: u64) -> Vec<u8> {
    let ran = Simulation::new(9).most_faults(most).run(async |world| {
        let inbox = world.add_host("inbox");
        let received = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&received);
        let _receiving = inbox.spawn(async move {
            let socket = datagrams(9);
            while let Ok(Outcome::Datagram(message)) = socket.recv_from(10).await {
                seen.borrow_mut().push(message.data[0]);
            }
        });
        world.all_tasks_blocked().await;
        world.set_default_link(Link { loss: 0.5, ..Link::default() });
        let socket = datagrams(0);
        for number in 0..100 {
            let _ = socket.send_to(&[number], inbox.address(9)).await.unwrap();
        }
        sleep(SECOND).await;
        received.take()
    });
    let received = ran.unwrap().output;
    (0..100).filter(|number| !received.contains(number)).collect()
}

#[test]
fn a_limit_of_faults_moves_no_draw() {
    let all = lost(u64::MAX);
    assert!(all.len() > 30, "{all:?}");
    for most in [0, 1, 10, 30] {
        assert_eq!(lost(most), all[..most as usize]);
    }
}

#[test]
fn a_purpose_has_the_same_numbers_whenever_it_is_asked_for() {
    run(9, async |world| {
        let first = world.random("mine").number();
        let other = world.random("theirs").number();
        assert_eq!(world.random("mine").number(), first);
        assert_ne!(first, other);
    })
    .unwrap();
}

#[test]
fn all_are_blocked_when_nobody_can_go_on() {
    check(20, async |world| {
        let host = world.add_host("busy");
        let steps = Rc::new(Cell::new(0));
        let counted = Rc::clone(&steps);
        let _going = host.spawn(async move {
            for _ in 0..50 {
                yield_now().await;
                counted.set(counted.get() + 1);
            }
            sleep(SECOND).await;
            counted.set(0);
        });
        world.all_tasks_blocked().await;
        assert_eq!((steps.get(), world.elapsed()), (50, Duration::ZERO));
        world.advance(2 * SECOND).await;
        assert_eq!(steps.get(), 0);
    });
}

#[test]
fn steps_come_in_the_order_of_their_numbers() {
    check(20, async |_| {
        let (order, seen) = (Sequencer::new(), Rc::new(RefCell::new(Vec::new())));
        let tasks: Vec<_> = [3, 1, 0, 2]
            .map(|number| {
                let (order, seen) = (order.clone(), Rc::clone(&seen));
                spawn(async move {
                    order.step(number).await;
                    seen.borrow_mut().push(number);
                })
            })
            .into();
        roundel_executor::gather(tasks).await;
        assert_eq!(*seen.borrow(), [0, 1, 2, 3]);
    });
}

#[test]
fn who_lets_nobody_run_is_told() {
    run(1, async |_| assert_yields(yield_now()).await).unwrap();
    let failure = run(1, async |_| assert_yields(async {}).await).unwrap_err();
    assert!(failure.to_string().contains("without letting anybody else run"), "{failure}");
}
