//! `TimeLine`: what happened on which turn of the loop, in lines that a reader can follow.

use std::{
    fmt::Display,
    io::{self, Write},
    time::Instant,
};

use roundel::{
    LoopHandle, current_task,
    event_loop::{Unhandled, Verdict},
    executor::{TaskTree, statistics},
};

/// Tells the story of the loop that runs in the calling thread. `Copy` and `Send`, so that every
/// task and call-back can have it, those of other threads too.
#[derive(Clone, Copy)]
pub(crate) struct TimeLine {
    start: Instant,
}

impl TimeLine {
    pub(crate) fn begin(start: Instant) -> Self {
        print("turn", "ms", "who", "what");
        Self { start }
    }

    /// Adds a line. Who tells it is known: the running task.
    pub(crate) fn tell(self, what: impl Display) {
        match current_task() {
            Some(task) => self.line(task.name, what),
            None => self.line("call-back", what),
        }
    }

    /// What the loop does with failures that nobody waits for: here they are part of the story.
    pub(crate) fn report(self, failure: &Unhandled) -> Verdict {
        match (failure.panic_message(), &failure.stall) {
            (Some(words), _) => self.line("panic", format_args!("\"{words}\"; the loop goes on")),
            (_, Some(stall)) => self.line("stall", stall),
            _ => self.line("failure", failure),
        }
        Verdict::Continue
    }

    /// Shows who awaits whom at this moment.
    pub(crate) fn show(self, tree: &TaskTree) {
        self.tell("looks at the tasks:");
        let _ = writeln!(io::stdout(), "\n{tree}");
    }

    /// Closes with what the loop and its executor have counted.
    pub(crate) fn end(self, handle: &LoopHandle) {
        let (of_loop, of_tasks) = (handle.statistics(), statistics(handle));
        let _ = writeln!(io::stdout(), "\n{of_loop:#?}\n{of_tasks:#?}");
    }

    fn line(self, who: impl Display, what: impl Display) {
        let handle = LoopHandle::current();
        let elapsed = (handle.now() - self.start).as_secs_f64() * 1e3;
        print(handle.statistics().turns, format!("{elapsed:.2}"), who, what);
    }
}

fn print(turn: impl Display, ms: impl Display, who: impl Display, what: impl Display) {
    // Whoever reads us may have read enough (`| head`); that is no reason to fail.
    let _ = writeln!(io::stdout(), "{turn:>5} {ms:>8}  {who:<12}  {what}");
}
