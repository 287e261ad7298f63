//! A client that numbers its questions by slots and frees a slot at the timeout: the late answer
//! frees it again, and a stranger's question gets it.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

use roundel_executor::{sleep, spawn, timeout};
use roundel_loop::Outcome;
use roundel_world::{Link, World};

use crate::{Code, support::*};

#[derive(Default)]
struct Slots {
    slots: RefCell<Vec<Slot>>,
    free: RefCell<Vec<u8>>,
}

#[derive(Clone, Default)]
struct Slot {
    life: u8,
    answer: Option<u8>,
    waiter: Option<Waker>,
}

impl Slots {
    fn take(&self) -> (u8, u8) {
        let mut slots = self.slots.borrow_mut();
        let index = self.free.borrow_mut().pop().unwrap_or_else(|| {
            slots.push(Slot::default());
            slots.len() as u8 - 1
        });
        let slot = &mut slots[usize::from(index)];
        slot.answer = None;
        (index, slot.life)
    }

    fn free(&self, index: u8) {
        let mut slots = self.slots.borrow_mut();
        slots[usize::from(index)].life += 1;
        slots[usize::from(index)].waiter = None;
        self.free.borrow_mut().push(index);
    }

    fn answered(&self, [index, life, answer]: [u8; 3], code: Code) {
        let mut slots = self.slots.borrow_mut();
        let slot = &mut slots[usize::from(index)];
        if code.is_broken() || slot.life == life {
            slot.answer = Some(answer);
            if let Some(waker) = slot.waiter.take() {
                waker.wake();
            }
        }
    }

    async fn answer(&self, index: u8) -> u8 {
        poll_fn(|context| {
            let slot = &mut self.slots.borrow_mut()[usize::from(index)];
            slot.waiter = Some(context.waker().clone());
            slot.answer.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

pub(crate) async fn body(world: World, code: Code) {
    world.set_default_link(Link { jitter: 6 * MS, ..Link::default() });
    let server = world.host("server", async |_| {
        let socket = datagrams(7);
        while let Ok(Outcome::Datagram(question)) = socket.recv_from(10).await {
            let [slot, life, number] = question.data[..] else { panic!("three bytes") };
            let _ = socket.send_to(&[slot, life, number + 100], question.from).await.unwrap();
        }
    });
    world.all_tasks_blocked().await;
    let (socket, slots) = (Rc::new(datagrams(0)), Rc::new(Slots::default()));
    spawn({
        let (socket, slots) = (Rc::clone(&socket), Rc::clone(&slots));
        async move {
            while let Ok(Outcome::Datagram(answer)) = socket.recv_from(10).await {
                slots.answered([answer.data[0], answer.data[1], answer.data[2]], code);
            }
        }
    })
    .detach();
    let answered = Cell::new(0);
    for number in 0..20 {
        let (slot, life) = slots.take();
        let _ = socket.send_to(&[slot, life, number], server.address(7)).await.unwrap();
        if let Ok(answer) = timeout(10 * MS, slots.answer(slot)).await {
            assert_eq!(answer, number + 100, "the answer to another question");
            answered.set(answered.get() + 1);
        }
        slots.free(slot);
        sleep(MS / 4).await;
    }
    assert!(answered.get() > 0);
}
