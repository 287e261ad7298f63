//! How a world goes round: whoever has something to do makes a turn, by the seed; when nobody has,
//! time jumps to whatever happens next.

use std::{
    cmp::Reverse,
    mem,
    time::{Duration, Instant},
};

use roundel_executor::task_tree_of;
use roundel_loop::RunError;
use roundel_sim::HostId;
use roundel_timer::Clock;

use crate::{World, failure::Cause};

/// So many turns without any time passing are a program that runs in circles.
const BUSY: u64 = 2_000_000;

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
            self.carry_out_orders();
            if let Some(cause) = self.0.failure.take() {
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
        let mut woken = self.0.woken.take();
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
        self.0.woken.replace(woken);
        let mut rung = Vec::new();
        self.0.board.take(&mut rung);
        rung.into_iter().for_each(|number| self.mark_ready(self.id(number)));
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
        let handle = event_loop.handle();
        let before = handle.statistics().call_backs;
        let mut make = || -> Result<bool, RunError> {
            event_loop.poll_events(Some(Duration::ZERO))?;
            event_loop.process_events()?;
            event_loop.run_ready()?;
            event_loop.prepare_to_wait()
        };
        let is_idle = make()?;
        let call_backs = handle.statistics().call_backs - before;
        self.0.network.note(id, "turn", call_backs, 0);
        let deadline = event_loop.next_deadline();
        if handle.is_stopping() {
            // asyncio's `loop.stop()`: the program ends its own loop.
            self.stop(id, false);
        }
        self.with_host(id, |state| state.event_loop = Some(event_loop));
        self.arm(id, deadline);
        if !is_idle {
            self.mark_ready(id);
        }
        Ok(())
    }

    /// Notes when a host's next timer is due.
    fn arm(&self, id: HostId, deadline: Option<Instant>) {
        let is_new = self.with_host(id, |state| {
            let at = deadline.map(|deadline| state.clock.in_the_world(deadline));
            (mem::replace(&mut state.armed, at) != at).then_some(at).flatten()
        });
        if let Some(at) = is_new {
            self.0.agenda.borrow_mut().push(Reverse((at, id.number())));
        }
    }

    /// Tells those who wait for it that nobody can go on; false if nobody waits for it.
    fn tell_of_quiet(&self) -> bool {
        if self.0.network.next_arrival().is_some_and(|at| at <= self.0.network.clock().now()) {
            return false;
        }
        let waiting = self.0.waiting_for_quiet.take();
        let is_told = !waiting.is_empty();
        waiting.into_iter().for_each(|waker| waker.wake());
        is_told
    }

    /// Lets time pass until the next packet or timer.
    fn jump(&self, end: Option<Instant>) -> Result<(), Cause> {
        let timer = self.0.agenda.borrow().peek().map(|Reverse((at, _))| *at);
        let packet = self.0.network.next_arrival();
        let Some(next) = timer.into_iter().chain(packet).min() else {
            return Err(Cause::Deadlock { tasks: self.tasks() });
        };
        if end.is_some_and(|end| next > end) {
            return Err(Cause::TooLong);
        }
        self.0.network.advance_to(next);
        loop {
            let mut agenda = self.0.agenda.borrow_mut();
            let Some(Reverse((at, number))) = agenda.peek().copied() else { break };
            if at > next {
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
        Ok(())
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
