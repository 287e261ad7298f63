//! `TimeLine`: what happened on which turn of the loop, in lines that a reader can follow.

use std::{
    fmt::Display,
    io::{self, Write},
    time::Instant,
};

use roundel::{
    EventLoop, LoopHandle,
    event_loop::{Unhandled, Verdict},
};

/// Tells the story of the loop that runs in the calling thread. `Copy` and `Send`, so that every
/// call-back can have it, those of other threads too.
#[derive(Clone, Copy)]
pub(crate) struct TimeLine {
    start: Instant,
}

impl TimeLine {
    pub(crate) fn begin(start: Instant) -> Self {
        print("turn", "ms", "who", "what");
        Self { start }
    }

    /// Adds a line. Only call-backs have a turn, so only they can tell.
    #[track_caller]
    pub(crate) fn tell(self, who: &str, what: impl Display) {
        let handle = LoopHandle::current();
        let elapsed = (handle.now() - self.start).as_secs_f64() * 1e3;
        print(handle.statistics().turns, format!("{elapsed:.2}"), who, what);
    }

    /// What the loop does with failures that nobody waits for: here they are part of the story.
    pub(crate) fn report(self, failure: &Unhandled) -> Verdict {
        match (failure.panic_message(), &failure.stall) {
            (Some(words), _) => self.tell("panic", format_args!("\"{words}\"; the loop goes on")),
            (_, Some(stall)) => self.tell("stall", stall),
            _ => self.tell("failure", failure),
        }
        Verdict::Continue
    }

    /// Closes with what the loop and its driver have counted.
    pub(crate) fn end(self, event_loop: &EventLoop) {
        let (loop_, driver) = (event_loop.handle().statistics(), event_loop.driver_statistics());
        let _ = writeln!(io::stdout(), "\n{loop_:#?}\n{driver:#?}");
    }
}

fn print(turn: impl Display, ms: impl Display, who: impl Display, what: impl Display) {
    // Whoever reads us may have read enough (`| head`); that is no reason to fail.
    let _ = writeln!(io::stdout(), "{turn:>5} {ms:>8}  {who:<9}  {what}");
}
