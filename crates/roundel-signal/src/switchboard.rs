//! `listen`: who listens to which signal, in the whole process, and the thread that tells them.
//!
//! The handler may do next to nothing, so it only marks the signal and rings; the thread looks who
//! listens. It tells them with the lock open, because a waker is foreign code.

use std::{
    collections::BTreeMap,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use signal_hook::{
    consts::FORBIDDEN,
    flag,
    iterator::{Handle, Signals},
    low_level::unregister,
};

use crate::{SignalError, SignalKind, disposition::Disposition};

/// Whoever wants to know.
pub(crate) trait Listener: Send + Sync {
    fn hear(&self);
}

/// What a listener makes of a signal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rank {
    /// Something of its own; as long as there is one, nobody else is told.
    Stream,
    /// A warning: once it was given, the next signal ends the program.
    Warning,
}

/// One kind of signal, handled from now on until the program ends.
struct Line {
    listeners: Vec<(u64, Rank, Arc<dyn Listener>)>,
    /// While set, the handler makes the default happen; none if the signal did something else.
    default: Option<Arc<AtomicBool>>,
    /// While set, the handler ends the program.
    warned: Arc<AtomicBool>,
}

struct Switchboard {
    /// Adds kinds of signals to what the thread hears; none until the thread has started.
    handle: Option<Handle>,
    lines: BTreeMap<SignalKind, Line>,
    next_number: u64,
}

static SWITCHBOARD: Mutex<Switchboard> =
    Mutex::new(Switchboard { handle: None, lines: BTreeMap::new(), next_number: 0 });

fn switchboard() -> MutexGuard<'static, Switchboard> {
    SWITCHBOARD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Beyond it there is no signal on any system.
const HIGHEST: i32 = 127;
/// A shell reports a program that a signal has ended by this and the signal's number.
const EXIT_CODE: i32 = 128;

/// A place among the listeners, until dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    kind: SignalKind,
    number: u64,
}

/// Has the listener told of every signal of this kind from now on.
pub(crate) fn listen(
    kind: SignalKind,
    rank: Rank,
    listener: Arc<dyn Listener>,
) -> Result<Seat, SignalError> {
    let mut board = switchboard();
    board.open(kind)?;
    let number = board.next_number;
    board.next_number += 1;
    let line = board.lines.get_mut(&kind).expect("the line was opened just now");
    line.listeners.push((number, rank, listener));
    line.set_default(false);
    Ok(Seat { kind, number })
}

/// Whether the signal does what the system does by default, but for those who listen here.
pub(crate) fn is_default(kind: SignalKind) -> bool {
    match switchboard().lines.get(&kind) {
        Some(line) => line.default.is_some(),
        None => Disposition::of(kind) == Disposition::Default,
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut board = switchboard();
        let Some(line) = board.lines.get_mut(&self.kind) else { return };
        let at = line.listeners.iter().position(|(number, ..)| *number == self.number);
        let left = at.map(|at| line.listeners.remove(at));
        line.set_default(line.listeners.is_empty());
        if line.of_rank(Rank::Warning).next().is_none() {
            line.warned.store(false, Ordering::SeqCst);
        }
        // The listener may hold a waker: it is dropped with the lock open.
        drop(board);
        drop(left);
    }
}

impl Switchboard {
    /// Has the kind handled, if it is not yet.
    fn open(&mut self, kind: SignalKind) -> Result<(), SignalError> {
        let number = kind.as_raw();
        if self.lines.contains_key(&kind) {
            return Ok(());
        }
        if !(1..=HIGHEST).contains(&number) {
            return Err(SignalError::Unknown(kind));
        }
        if FORBIDDEN.contains(&number) {
            return Err(SignalError::Forbidden(kind));
        }
        let handle = self.thread()?;
        let before = Disposition::of(kind);
        let (default, warned) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        // Refused for real-time signals, whose default is not imitated.
        let imitated = (before == Disposition::Default)
            .then(|| flag::register_conditional_default(number, Arc::clone(&default)).ok())
            .flatten();
        // Actions run in the order in which they are registered. The thread is rung for last: what
        // it changes is for the next signal.
        let ending =
            flag::register_conditional_shutdown(number, EXIT_CODE + number, Arc::clone(&warned));
        let installed = ending.and_then(|ending| {
            handle.add_signal(number).inspect_err(|_| {
                unregister(ending);
            })
        });
        if let Err(source) = installed {
            imitated.map(unregister);
            return Err(match source.kind() {
                io::ErrorKind::InvalidInput => SignalError::Unknown(kind),
                _ => SignalError::Install { kind, source },
            });
        }
        let default = imitated.map(|_| default);
        self.lines.insert(kind, Line { listeners: Vec::new(), default, warned });
        Ok(())
    }

    /// Starts the thread, if it does not run yet.
    fn thread(&mut self) -> Result<Handle, SignalError> {
        if let Some(handle) = &self.handle {
            return Ok(handle.clone());
        }
        let none: [i32; 0] = [];
        let mut signals = Signals::new(none).map_err(SignalError::Thread)?;
        let handle = signals.handle();
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || signals.forever().for_each(|number| tell(SignalKind::from_raw(number))))
            .map_err(SignalError::Thread)?;
        self.handle = Some(handle.clone());
        Ok(handle)
    }
}

impl Line {
    fn set_default(&self, happens: bool) {
        if let Some(default) = &self.default {
            default.store(happens, Ordering::SeqCst);
        }
    }

    fn of_rank(&self, rank: Rank) -> impl Iterator<Item = &Arc<dyn Listener>> {
        self.listeners.iter().filter(move |(_, of, _)| *of == rank).map(|(.., listener)| listener)
    }

    /// Who is to hear of the signal that has come.
    fn told(&self) -> Vec<Arc<dyn Listener>> {
        let streams: Vec<_> = self.of_rank(Rank::Stream).cloned().collect();
        if !streams.is_empty() {
            return streams;
        }
        let warned: Vec<_> = self.of_rank(Rank::Warning).cloned().collect();
        // Before anybody hears: whoever has seen the effect of the first can count on the next.
        self.warned.store(!warned.is_empty(), Ordering::SeqCst);
        warned
    }
}

fn tell(kind: SignalKind) {
    let told = switchboard().lines.get(&kind).map(Line::told).unwrap_or_default();
    for listener in told {
        // A waker that panics has been reported by the panic hook; the others want to hear too.
        let _ = catch_unwind(AssertUnwindSafe(|| listener.hear()));
    }
}
