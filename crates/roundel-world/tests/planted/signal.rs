//! A signal whose waiter looks, gives way, and only then registers: a wake between the two is lost.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

use roundel_executor::sleep;
use roundel_world::{Link, World};

use crate::{Code, support::*};

#[derive(Default)]
struct Signal {
    is_set: Cell<bool>,
    waiter: RefCell<Option<Waker>>,
}

impl Signal {
    fn set(&self) {
        self.is_set.set(true);
        if let Some(waker) = self.waiter.take() {
            waker.wake();
        }
    }

    async fn wait(&self, code: Code) {
        if self.is_set.get() {
            return;
        }
        // Something that takes a moment before the waiter is ready to wait.
        sleep(MS / 20).await;
        let mut has_waited = false;
        poll_fn(|context| {
            let is_over = if code.is_broken() { has_waited } else { self.is_set.get() };
            if is_over {
                return Poll::Ready(());
            }
            has_waited = true;
            *self.waiter.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

pub(crate) async fn body(world: World, code: Code) {
    world.set_default_link(Link { jitter: 10 * MS, ..Link::default() });
    let host = world.add_host("waits");
    let signal = Rc::new(Signal::default());
    let listening = host.spawn({
        let signal = Rc::clone(&signal);
        async move {
            let _ = datagrams(9).recv(10).await;
            signal.set();
        }
    });
    let nap = world.random("nap").time(12 * MS);
    let waiting = host.spawn(async move {
        sleep(nap).await;
        signal.wait(code).await;
    });
    world.all_tasks_blocked().await;
    let _ = datagrams(0).send_to(b"now", host.address(9)).await.unwrap();
    listening.await.unwrap();
    waiting.await.unwrap();
}
