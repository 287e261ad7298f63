//! `World`: what the lives of a program share: chance, the ledger, the tasks that wait to be
//! joined, and gates to wait at.

use std::{
    any::Any,
    cell::{Cell, RefCell, RefMut},
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use roundel_executor::Task;
use roundel_sim::VirtualClock;

use crate::ledger::{Fall, Id, Ledger, Outcome, Stage};

pub(crate) struct World {
    random: Cell<u64>,
    next_number: Cell<u64>,
    ledger: RefCell<Ledger>,
    /// How many lives the program may have.
    pub(crate) size: usize,
    pub(crate) pool: RefCell<Vec<(Id, Task<Outcome>)>>,
    gates: RefCell<[Vec<Waiter>; 3]>,
    /// Who was woken at a gate and has not been polled since: the life, and in which turn.
    woken: RefCell<Vec<(u64, Id, u64)>>,
}

struct Waiter {
    number: u64,
    life: Id,
    waker: Waker,
}

impl World {
    pub(crate) fn new(seed: u64, clock: VirtualClock) -> Rc<Self> {
        let mut world = Self {
            random: Cell::new((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            next_number: Cell::new(1),
            ledger: RefCell::new(Ledger::new(clock)),
            size: 0,
            pool: RefCell::default(),
            gates: RefCell::default(),
            woken: RefCell::default(),
        };
        world.size = 4 + world.below(60) as usize;
        Rc::new(world)
    }

    /// xorshift64.
    pub(crate) fn below(&self, limit: u64) -> u64 {
        let mut random = self.random.get();
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        self.random.set(random);
        ((u128::from(random) * u128::from(limit)) >> 64) as u64
    }

    pub(crate) fn one_in(&self, limit: u64) -> bool {
        self.below(limit) == 0
    }

    /// A number that nobody has.
    pub(crate) fn fresh(&self) -> u64 {
        self.next_number.replace(self.next_number.get() + 1)
    }

    pub(crate) fn ledger(&self) -> RefMut<'_, Ledger> {
        self.ledger.borrow_mut()
    }

    pub(crate) fn live<'a>(
        self: &Rc<Self>,
        id: Id,
        future: impl Future<Output = Outcome> + 'a,
    ) -> Life<'a> {
        Life { world: Rc::clone(self), id, future: Box::pin(future) }
    }

    /// Waits until the gate is opened.
    pub(crate) async fn pass(self: &Rc<Self>, gate: usize) {
        Pass { world: Rc::clone(self), gate, number: self.fresh(), begun: false }.await;
    }

    /// Lets everybody through who waits at the gate.
    pub(crate) fn open_gate(&self, gate: usize) {
        let turn = self.ledger().turn;
        let waiters = std::mem::take(&mut self.gates.borrow_mut()[gate]);
        for Waiter { number, life, waker } in waiters {
            self.woken.borrow_mut().push((number, life, turn));
            waker.wake();
        }
    }

    /// A turn is over: whoever was woken before it has had a poll, or is no more.
    pub(crate) fn turn_over(&self) {
        let mut ledger = self.ledger();
        let turn = ledger.turn;
        for &(_, life, since) in &*self.woken.borrow() {
            // A clean-up gives way to what it leaves itself.
            let late = since < turn && !ledger.is_in_exit(life);
            ledger.check(!late, || format!("{life} was woken and is not polled"));
        }
        ledger.turn += 1;
    }

    fn forget(&self, gate: usize, of: u64) {
        self.gates.borrow_mut()[gate].retain(|waiter| waiter.number != of);
        self.woken.borrow_mut().retain(|(number, ..)| *number != of);
    }
}

/// The number of a panic of the program. Any other panic is a bug.
pub(crate) fn number_of(world: &World, payload: &(dyn Any + Send)) -> u64 {
    let number = payload.downcast_ref::<Fall>().map_or(0, |fall| fall.0);
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    world.ledger().check(number != 0, || format!("a panic from elsewhere: {text:?}"));
    number
}

/// A future that tells the ledger of its polls and its end.
pub(crate) struct Life<'a> {
    world: Rc<World>,
    id: Id,
    future: Pin<Box<dyn Future<Output = Outcome> + 'a>>,
}

impl Life<'_> {
    pub(crate) fn id(&self) -> Id {
        self.id
    }
}

impl Future for Life<'_> {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let Self { world, id, future } = &mut *self;
        world.ledger().enter(*id);
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        let stage = match &polled {
            Ok(Poll::Pending) => Stage::Open,
            Ok(Poll::Ready(outcome)) => Stage::Ended(*outcome),
            Err(payload) => Stage::Fell(number_of(world, &**payload)),
        };
        world.ledger().leave(*id, stage);
        polled.unwrap_or_else(|payload| resume_unwind(payload))
    }
}

impl Drop for Life<'_> {
    fn drop(&mut self) {
        let mut ledger = self.world.ledger();
        if !ledger.is_over(self.id) {
            ledger.dropped(self.id);
        }
    }
}

/// A wait at a gate.
struct Pass {
    world: Rc<World>,
    gate: usize,
    number: u64,
    begun: bool,
}

impl Future for Pass {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { world, gate, number, .. } = &*self;
        let (life, waker) = (world.ledger().here(), context.waker().clone());
        let mut gates = world.gates.borrow_mut();
        match gates[*gate].iter_mut().find(|waiter| waiter.number == *number) {
            // A clean-up that is handed on has another waker.
            Some(waiter) => waiter.waker = waker,
            None if self.begun => return Poll::Ready(()),
            None => gates[*gate].push(Waiter { number: *number, life, waker }),
        }
        drop(gates);
        self.begun = true;
        Poll::Pending
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.world.forget(self.gate, self.number);
    }
}

/// A task that somebody awaits. Whoever lets go of it puts it back.
pub(crate) struct Held {
    pub(crate) world: Rc<World>,
    pub(crate) id: Id,
    pub(crate) task: Option<Task<Outcome>>,
}

impl Held {
    pub(crate) fn task(&mut self) -> &mut Task<Outcome> {
        self.task.as_mut().expect("a task is let go of once")
    }
}

impl std::borrow::Borrow<Task<Outcome>> for Held {
    fn borrow(&self) -> &Task<Outcome> {
        self.task.as_ref().expect("a task is let go of once")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            self.world.pool.borrow_mut().push((self.id, task));
        }
    }
}
