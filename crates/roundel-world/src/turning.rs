//! How a world goes round: whoever has something to do makes a turn, by the seed; when nobody has,
//! time jumps to whatever happens next.

use std::{
    cmp::Reverse,
    mem,
    task::Waker,
    time::{Duration, Instant},
};

use roundel_executor::task_tree_of;
use roundel_loop::{EventLoop, LoopHandle};
use roundel_sim::HostId;
use roundel_timer::Clock;

use crate::{World, failure::Cause, polled::Ran};

/// So many turns without any time passing are a program that runs in circles.
const BUSY: u64 = 300_000;

impl World {
    /// Goes round until `is_done`, or until the run has failed.
    pub(crate) fn turn_until(
        &self,
        mut is_done: impl FnMut() -> bool,
        limit: Option<Duration>,
    ) -> Result<(), Cause> {
        let begin = self.0.network.clock().now() - self.elapsed();
        let end = limit.map(|limit| begin + limit);
        let mut since_time_moved = 0;
        loop {
            if !self.0.orders.borrow().is_empty() {
                self.carry_out_orders();
            }
            if self.0.failure.borrow().is_some()
                && let Some(cause) = self.0.failure.take()
            {
                return Err(cause);
            }
            if is_done() {
                return Ok(());
            }
            self.collect_woken();
            if let Some(id) = self.pick() {
                self.turn(id)?;
                since_time_moved += 1;
                if since_time_moved > BUSY {
                    return Err(Cause::Busy { host: self.0.network.name(id).to_string() });
                }
            } else if !self.tell_of_quiet() {
                self.jump(end)?;
                since_time_moved = 0;
            }
        }
    }

    /// Lists a host among those that have something to do.
    pub(crate) fn mark_ready(&self, id: HostId) {
        let is_new = self.with_host(id, |state| {
            state.handle.is_some() && !state.is_paused && !mem::replace(&mut state.is_ready, true)
        });
        if is_new {
            self.0.ready.borrow_mut().push(id.number());
        }
    }

    /// Lists the hosts for which a packet has arrived, or somebody has rung.
    fn collect_woken(&self) {
        if self.0.network.has_woken() {
            self.collect_woken_by_packets();
        }
        if self.0.board.has_rung() {
            let mut rung = Vec::new();
            self.0.board.take(&mut rung);
            rung.into_iter().for_each(|number| self.mark_ready(self.id(number)));
        }
    }

    fn collect_woken_by_packets(&self) {
        let mut woken = self.0.woken.borrow_mut();
        self.0.network.take_woken(&mut woken);
        for id in woken.drain(..) {
            match self.0.network.wake_delay() {
                Some(delay) if !delay.is_zero() => {
                    let at = self.0.network.clock().now() + delay;
                    self.0.agenda.borrow_mut().push(Reverse((at, id.number())));
                    self.with_host(id, |state| {
                        state.armed = Some(state.armed.map_or(at, |armed| armed.min(at)));
                    });
                }
                _ => self.mark_ready(id),
            }
        }
    }

    /// One of the hosts that have something to do, by the seed.
    fn pick(&self) -> Option<HostId> {
        let mut ready = self.0.ready.borrow_mut();
        loop {
            let nth = match ready.len() {
                0 => return None,
                1 => 0,
                len => self.0.schedule.borrow_mut().index(len),
            };
            let id = self.id(ready.swap_remove(nth));
            let can_run = self.with_host(id, |state| {
                state.is_ready = false;
                state.event_loop.is_some() && !state.is_paused
            });
            if can_run {
                return Some(id);
            }
        }
    }

    /// One turn of a host's loop.
    fn turn(&self, id: HostId) -> Result<(), Cause> {
        let taken = self.with_host(id, |state| state.event_loop.take());
        let Some(mut event_loop) = taken else { return Ok(()) };
        self.0.turns.set(self.0.turns.get() + 1);
        let turn = event_loop.run_once()?;
        if self.0.network.keeps_trace() {
            self.show_tasks(id, &event_loop.handle());
        }
        self.0.network.note(id, "turn", turn.call_backs, 0);
        if event_loop.handle().is_stopping() {
            // asyncio's `loop.stop()`: the program ends its own loop.
            self.stop(id, false);
        }
        self.put_back(id, event_loop);
        if !turn.is_idle {
            self.mark_ready(id);
        }
        Ok(())
    }

    /// Which tasks the turn has run.
    #[cold]
    fn show_tasks(&self, id: HostId, handle: &LoopHandle) {
        let tree = task_tree_of(handle);
        for ran in self.with_host(id, |state| state.polled.look(tree.tasks())) {
            match ran {
                Ran::Went(task) => self.0.network.show(id, "task", task),
                Ran::Ended(task) => self.0.network.show(id, "task ended", task),
            }
        }
    }

    /// Puts a loop back behind its turn, and notes when its next timer is due.
    fn put_back(&self, id: HostId, event_loop: EventLoop) {
        let deadline = event_loop.next_deadline();
        let is_new = self.with_host(id, |state| {
            state.event_loop = Some(event_loop);
            let at = deadline.map(|deadline| state.clock.in_the_world(deadline));
            (mem::replace(&mut state.armed, at) != at).then_some(at).flatten()
        });
        if let Some(at) = is_new {
            self.0.agenda.borrow_mut().push(Reverse((at, id.number())));
        }
    }

    /// Tells those who wait for it that nobody can go on; false if nobody waits for it.
    fn tell_of_quiet(&self) -> bool {
        if self.0.waiting_for_quiet.borrow().is_empty() {
            return false;
        }
        if self.0.network.next_arrival().is_some_and(|at| at <= self.0.network.clock().now()) {
            return false;
        }
        self.0.waiting_for_quiet.take().into_iter().for_each(Waker::wake);
        true
    }

    /// Lets time pass until the next packet or timer.
    fn jump(&self, end: Option<Instant>) -> Result<(), Cause> {
        let timer = self.0.agenda.borrow().peek().map(|Reverse((at, _))| *at);
        let limit = match (timer, end) {
            (Some(timer), Some(end)) => Some(timer.min(end)),
            (timer, end) => timer.or(end),
        };
        let is_packet = self.0.network.advance_to_next(limit);
        let Some(next) = timer else {
            return match (is_packet, end) {
                (true, _) => Ok(()),
                (false, Some(_)) if self.0.network.next_arrival().is_some() => Err(Cause::TooLong),
                (false, _) => Err(Cause::Deadlock { tasks: self.tasks() }),
            };
        };
        if !is_packet {
            if end.is_some_and(|end| next > end) {
                return Err(Cause::TooLong);
            }
            self.0.network.advance_to(next);
        }
        self.mark_due(self.0.network.clock().now());
        Ok(())
    }

    /// Lists the hosts whose timers are due.
    fn mark_due(&self, now: Instant) {
        loop {
            let mut agenda = self.0.agenda.borrow_mut();
            let Some(Reverse((at, number))) = agenda.peek().copied() else { break };
            if at > now {
                break;
            }
            agenda.pop();
            drop(agenda);
            let id = self.id(number);
            let is_meant = self.with_host(id, |state| {
                let is_meant = state.armed == Some(at);
                if is_meant {
                    state.armed = None;
                }
                is_meant
            });
            if is_meant {
                self.mark_ready(id);
            }
        }
    }

    /// Every host's tasks.
    fn tasks(&self) -> String {
        let count = self.0.hosts.borrow().len();
        let mut text = String::new();
        for number in 0..count as u32 {
            let id = self.id(number);
            let Some(handle) = self.with_host(id, |state| state.handle.clone()) else { continue };
            let tree = task_tree_of(&handle);
            if !tree.tasks().is_empty() {
                text += &format!("host {}:\n{tree}", self.0.network.name(id));
            }
        }
        text
    }
}
