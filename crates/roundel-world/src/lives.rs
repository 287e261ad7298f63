//! How hosts begin and end: a loop of their own, opened and closed between two turns.

use std::rc::Rc;

use roundel_executor::Builder;
use roundel_loop::{EventLoop, LoopConfig, Schedule, Unhandled, Verdict};
use roundel_sim::HostId;

use crate::{
    Host, World,
    failure::Cause,
    names::knowing,
    world::{HostState, Order},
};

impl World {
    /// Gives a host a loop on its part of the network.
    pub(crate) fn open_loop(&self, id: HostId) {
        let (clock, disk) = self.with_host(id, |state| (state.clock.clone(), state.disk.clone()));
        let driver = self.0.network.driver(id).on_board(&self.0.board).with_disk(disk);
        let mut config = LoopConfig::with_driver(Box::new(driver));
        config.clock = clock.into();
        // A stall takes real time, of which a run knows nothing.
        config.slow_callback = None;
        config.debug = false;
        if self.0.shuffles_tasks.get() {
            config.schedule = Schedule::Seeded(self.0.schedule.borrow_mut().number());
        }
        let event_loop = EventLoop::with_config(config);
        let handle = event_loop.handle();
        let (world, host) = (Rc::downgrade(&self.0), self.0.network.name(id));
        handle.set_unhandled_handler(Some(Rc::new(move |report: &Unhandled| {
            let Some(world) = world.upgrade().map(World) else { return Verdict::Continue };
            if report.panic.is_some() {
                let (host, message) = (host.to_string(), report.to_string());
                world.fail(Cause::Panicked { host, message, payload: None });
            } else {
                // What a program reports and survives is a part of the run, not its end.
                world.0.network.note(id, "reported", 0, 0);
            }
            Verdict::Continue
        })));
        self.with_host(id, |state| {
            state.handle = Some(handle);
            state.event_loop = Some(event_loop);
            state.is_ending = false;
        });
        self.mark_ready(id);
    }

    /// Notes what ends the run; the first counts.
    pub(crate) fn fail(&self, cause: Cause) {
        self.0.failure.borrow_mut().get_or_insert(cause);
    }

    pub(crate) fn start(&self, id: HostId) {
        self.0.orders.borrow_mut().push(Order::Start(id));
    }

    /// Stops a host: its loop is closed before the next turn. With `crash`, its kernel is gone now.
    pub(crate) fn stop(&self, id: HostId, crash: bool) {
        self.with_host(id, |state| {
            state.is_ending = true;
            if crash {
                state.disk.lose_power(&mut self.0.schedule.borrow_mut());
            }
        });
        if crash {
            self.0.network.power_off(id);
        }
        self.0.orders.borrow_mut().push(Order::Stop(id));
    }

    pub(crate) fn carry_out_orders(&self) {
        while !self.0.orders.borrow().is_empty() {
            let order = self.0.orders.borrow_mut().remove(0);
            match order {
                Order::Stop(id) => self.close_loop(id),
                Order::Start(id) => self.begin_life(id),
            }
        }
    }

    pub(crate) fn close_loop(&self, id: HostId) {
        let ended = self.with_host(id, |state: &mut HostState| {
            state.armed = None;
            state.polled = Default::default();
            state.is_paused = false;
            (state.event_loop.take(), state.handle.take())
        });
        if ended.0.is_some() {
            self.0.network.note(id, "stopped", 0, 0);
        }
        // What is dropped now is the user's, and may look at the world.
        drop(ended);
    }

    /// Starts a host, unless somebody has done so already.
    fn begin_life(&self, id: HostId) {
        if self.with_host(id, |state| state.event_loop.is_some()) {
            return;
        }
        self.0.network.power_on(id);
        self.open_loop(id);
        self.0.network.note(id, "started", 0, 0);
        self.run_program(id);
    }

    /// Lets a host that is up begin its program.
    pub(crate) fn run_program(&self, id: HostId) {
        let (program, handle) =
            self.with_host(id, |state| (state.program.clone(), state.handle.clone()));
        if let (Some(program), Some(handle)) = (program, handle) {
            let network = self.0.network.clone();
            let future = knowing(network, id, program(Host { world: self.clone(), id }));
            Builder::new().name(self.0.network.name(id)).spawn_on(&handle, future).detach();
            self.mark_ready(id);
        }
    }

    /// Closes every loop; the main host's last, since it made the others.
    pub(crate) fn end(&self) {
        let count = self.0.hosts.borrow().len();
        for number in (0..count as u32).rev() {
            self.close_loop(self.id(number));
        }
        // A crash may have been ordered by what was dropped; there is nobody left.
        self.0.orders.borrow_mut().clear();
        let programs: Vec<_> =
            self.0.hosts.borrow_mut().iter_mut().map(|state| state.program.take()).collect();
        drop(programs);
    }
}
