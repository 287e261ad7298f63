//! A semaphore that hands its permit to the first waiter: one that was cancelled between the
//! hand-over and its next step takes the permit with it.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
    time::Duration,
};

use roundel_executor::{sleep, spawn};
use roundel_world::World;

use crate::{Code, support::*};

struct Semaphore {
    permits: Cell<usize>,
    waiters: RefCell<VecDeque<Rc<Waiter>>>,
    code: Code,
}

#[derive(Default)]
struct Waiter {
    waker: RefCell<Option<Waker>>,
    is_granted: Cell<bool>,
}

/// A wait for a permit, which may be dropped.
struct Wait<'a> {
    semaphore: &'a Semaphore,
    waiter: Rc<Waiter>,
    is_over: bool,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        self.semaphore.waiters.borrow_mut().retain(|other| !Rc::ptr_eq(other, &self.waiter));
        if self.waiter.is_granted.get() && !self.semaphore.code.is_broken() {
            self.semaphore.release();
        }
    }
}

impl Semaphore {
    async fn acquire(&self) {
        if self.permits.get() > 0 {
            self.permits.set(self.permits.get() - 1);
            return;
        }
        let waiter = Rc::new(Waiter::default());
        self.waiters.borrow_mut().push_back(Rc::clone(&waiter));
        let mut wait = Wait { semaphore: self, waiter, is_over: false };
        poll_fn(|context| {
            wait.is_over = wait.waiter.is_granted.get();
            *wait.waiter.waker.borrow_mut() = Some(context.waker().clone());
            if wait.is_over { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn release(&self) {
        let Some(waiter) = self.waiters.borrow_mut().pop_front() else {
            self.permits.set(self.permits.get() + 1);
            return;
        };
        waiter.is_granted.set(true);
        if let Some(waker) = waiter.waker.take() {
            waker.wake();
        }
    }
}

/// Gives a wait up after a while; true if it had its permit before.
async fn acquire_within(semaphore: &Rc<Semaphore>, patience: Duration) -> bool {
    let semaphore = Rc::clone(semaphore);
    let waiting = spawn(async move { semaphore.acquire().await });
    sleep(patience).await;
    waiting.cancel();
    waiting.await.is_ok()
}

pub(crate) async fn body(world: World, code: Code) {
    let server = world.host("echo", async |_| echo(7).await);
    world.all_tasks_blocked().await;
    let (client, to) = (world.add_host("client"), server.address(7));
    let permits = Cell::new(1);
    let semaphore = Rc::new(Semaphore { permits, waiters: RefCell::default(), code });
    let workers: Vec<_> = (0..3)
        .map(|number| {
            let semaphore = Rc::clone(&semaphore);
            let mut random = world.random(&format!("worker {number}"));
            client.spawn(async move {
                let socket = datagrams(0);
                for _ in 0..3 {
                    // Times are round, so that they meet now and then.
                    if acquire_within(&semaphore, MS * random.below(6) as u32).await {
                        sleep(MS * random.below(4) as u32).await;
                        let _ = socket.send_to(b"work", to).await.unwrap();
                        semaphore.release();
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    assert_eq!(semaphore.permits.get(), 1, "the permit is gone");
}
