//! The programs, written once and compiled for each runtime by itself.
//!
//! That needs a macro: a trait would have to choose whether `spawn` asks for `Send`, and tokio's
//! does where the others' do not. Compiled in place, every program uses each runtime as if it had
//! been written for it alone.

use std::error::Error;

use crate::memory::{self, Usage};

/// What the process uses at this moment.
pub(crate) type Meter<'a> = &'a dyn Fn() -> Result<Usage, Box<dyn Error>>;

/// One runtime's programs; each gives nanoseconds of CPU time for each of what it does.
#[derive(Clone, Copy, Debug)]
pub struct Programs {
    /// As in the table's head, and one word.
    pub name: &'static str,
    /// So many tasks at once, all of them awaited; so many times over.
    pub spawned: fn(usize, usize) -> f64,
    /// So many tasks, each of which yields so often.
    pub yields: fn(usize, usize) -> f64,
    /// Two tasks, and so many round trips of a ball between them.
    pub ping_pong: fn(usize) -> f64,
    /// So many tasks, each of which sets so many timeouts that never fire.
    pub timeouts: fn(usize, usize) -> f64,
    /// So many tasks that sleep within a second.
    pub sleepers: fn(usize) -> f64,
    /// Before and while so many tasks sleep.
    pub(crate) asleep: fn(usize, Meter<'_>) -> memory::Measured,
}

macro_rules! programs {
    ($($runtime:ident),*) => {$(
        mod $runtime {
            use std::{hint::black_box, time::Duration};

            use super::{
                super::runtimes::$runtime::{
                    NAME, Receiver, Sender, detach, new_runtime, oneshot, run, send, sleep, spawn,
                    timeout, value, yield_now,
                },
                Meter, Programs,
            };
            use crate::{
                machine::process_cpu_per_item,
                memory::{Measured, delays as long},
                timers::delays as short,
            };

            const TIMEOUT: Duration = Duration::from_secs(10);

            pub(super) const PROGRAMS: Programs =
                Programs { name: NAME, spawned, yields, ping_pong, timeouts, sleepers, asleep };

            fn spawned(at_once: usize, rounds: usize) -> f64 {
                let mut runtime = new_runtime();
                let main = async move {
                    let mut tasks = Vec::with_capacity(at_once);
                    for _ in 0..rounds {
                        tasks.extend((0..at_once).map(|nth| spawn(async move { black_box(nth) })));
                        for task in tasks.drain(..) {
                            value(task.await);
                        }
                    }
                };
                process_cpu_per_item(at_once * rounds, || run(&mut runtime, main))
            }

            fn yields(width: usize, turns: usize) -> f64 {
                let mut runtime = new_runtime();
                let main = async move {
                    let task = |_| {
                        spawn(async move {
                            for _ in 0..turns {
                                yield_now().await;
                            }
                        })
                    };
                    let tasks: Vec<_> = (0..width).map(task).collect();
                    for task in tasks {
                        value(task.await);
                    }
                };
                process_cpu_per_item(width * turns, || run(&mut runtime, main))
            }

            /// A ball says where to throw the next one.
            struct Ball(Sender<Ball>);

            async fn player(mut catch: Receiver<Ball>, throws: usize) {
                for _ in 0..throws {
                    let Ok(Ball(throw)) = catch.await else { panic!("a ball is caught") };
                    let (next, back) = oneshot();
                    catch = back;
                    send(throw, Ball(next));
                }
            }

            fn ping_pong(trips: usize) -> f64 {
                let mut runtime = new_runtime();
                let main = async move {
                    let ((first, catch), (second, other)) = (oneshot(), oneshot());
                    let players = [spawn(player(catch, trips)), spawn(player(other, trips))];
                    send(first, Ball(second));
                    for player in players {
                        value(player.await);
                    }
                };
                process_cpu_per_item(trips, || run(&mut runtime, main))
            }

            fn timeouts(width: usize, turns: usize) -> f64 {
                let mut runtime = new_runtime();
                let main = async move {
                    let task = |_| {
                        spawn(async move {
                            for _ in 0..turns {
                                let turn = timeout(TIMEOUT, yield_now());
                                turn.await.expect("ten seconds have not passed");
                            }
                        })
                    };
                    let tasks: Vec<_> = (0..width).map(task).collect();
                    for task in tasks {
                        value(task.await);
                    }
                };
                process_cpu_per_item(width * turns, || run(&mut runtime, main))
            }

            fn sleepers(count: usize) -> f64 {
                let mut runtime = new_runtime();
                let main = async move {
                    let tasks: Vec<_> = short(count).map(|delay| spawn(sleep(delay))).collect();
                    for task in tasks {
                        value(task.await);
                    }
                };
                process_cpu_per_item(count, || run(&mut runtime, main))
            }

            fn asleep(count: usize, meter: Meter<'_>) -> Measured {
                let mut runtime = new_runtime();
                // The first has the runtime make everything that it makes once.
                run(&mut runtime, async {
                    sleep(Duration::from_millis(1)).await;
                });
                let before = meter()?;
                run(&mut runtime, async move {
                    long(count).for_each(|delay| detach(spawn(sleep(delay))));
                    // Time for each of them to be polled, wherever the main task stands in line.
                    sleep(Duration::from_millis(500)).await;
                });
                Ok([before, meter()?])
            }
        }
    )*};
}

programs!(compio, monoio, roundel, smol, tokio, tokio_local);

/// All runtimes, we first.
pub(super) const ALL: [Programs; 6] = [
    roundel::PROGRAMS,
    tokio::PROGRAMS,
    tokio_local::PROGRAMS,
    smol::PROGRAMS,
    monoio::PROGRAMS,
    compio::PROGRAMS,
];

/// A runtime's programs, by its name.
pub fn named(name: &str) -> Option<Programs> {
    ALL.into_iter().find(|programs| programs.name == name)
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn every_program_ends_on_every_runtime() {
        for programs in ALL {
            let costs = [
                (programs.spawned)(10, 3),
                (programs.yields)(3, 10),
                (programs.ping_pong)(10),
                (programs.timeouts)(3, 10),
                (programs.sleepers)(10),
            ];
            assert!(costs.iter().all(|&cost| cost > 0.0), "{}: {costs:?}", programs.name);
        }
    }
}
