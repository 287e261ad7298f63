//! A reader fed by a pump that, at the end, wakes only a reader who has nothing: one who waits for
//! more than there will ever be is forgotten.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

use roundel_executor::{sleep, spawn};
use roundel_world::World;

use crate::{Code, support::*};

#[derive(Default)]
struct Pipe {
    buffered: RefCell<Vec<u8>>,
    has_ended: Cell<bool>,
    reader: RefCell<Option<Waker>>,
}

impl Pipe {
    fn wake(&self) {
        if let Some(waker) = self.reader.take() {
            waker.wake();
        }
    }

    async fn pump(self: Rc<Self>, from: Connection, code: Code) {
        loop {
            match recv(&from).await {
                Ok(data) if !data.is_empty() => {
                    self.buffered.borrow_mut().extend(data);
                    self.wake();
                }
                _ => break,
            }
        }
        self.has_ended.set(true);
        if !code.is_broken() || self.buffered.borrow().is_empty() {
            self.wake();
        }
    }

    /// The next message of four bytes; none at the end, whole or not.
    async fn message(&self) -> Option<Vec<u8>> {
        poll_fn(|context| {
            let mut buffered = self.buffered.borrow_mut();
            if buffered.len() >= 4 {
                return Poll::Ready(Some(buffered.drain(..4).collect()));
            }
            if self.has_ended.get() {
                return Poll::Ready(None);
            }
            *self.reader.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

pub(crate) async fn body(world: World, code: Code) {
    let server = world.add_host("server");
    let serving = server.spawn(async move {
        let connection = accept(&listen(7)).await.unwrap();
        let pipe = Rc::new(Pipe::default());
        spawn(Rc::clone(&pipe).pump(connection, code)).detach();
        let mut count = 0;
        while pipe.message().await.is_some() {
            count += 1;
        }
        count
    });
    world.all_tasks_blocked().await;
    let to = server.address(7);
    let client = world.host("client", async move |_| {
        let connection = connect(to).await.unwrap();
        for _ in 0..20 {
            // A header, and after a moment its content.
            send(&connection, b"me").await.unwrap();
            sleep(MS / 10).await;
            send(&connection, b"ss").await.unwrap();
            sleep(2 * MS).await;
        }
    });
    sleep(2 * MS + world.random("kill").time(20 * MS)).await;
    client.kill();
    assert!(serving.await.unwrap() <= 20);
}
