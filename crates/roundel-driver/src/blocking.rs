//! `BlockingCall`: a call that blocks, for another thread to make, and how its answer comes back.
//!
//! No kernel reports the readiness of a disk, so a readiness driver cannot carry out a file's
//! operations; nor may it start threads or run a pool's code. It hands the call out and hears of
//! its end through a channel and its notifier.

use std::{
    fmt, io,
    sync::mpsc::{Receiver, Sender, channel},
};

use roundel_selector::Notifier;

use crate::{
    arena::Place,
    file_call::{Answer, FileCall},
};

/// A call that blocks, for a thread on which it may.
///
/// Dropped without having been made, it ends its operation with an error, so none is lost with a
/// pool that closes.
pub struct BlockingCall(Box<dyn FnOnce(Option<io::Error>) + Send>);

impl BlockingCall {
    /// For drivers: makes the call and reports its end by the driver's own means; given a reason
    /// not to make it, reports this. To be dropped has to be reported too.
    pub fn new(call: impl FnOnce(Option<io::Error>) + Send + 'static) -> Self {
        Self(Box::new(call))
    }

    /// Makes the call: blocks.
    pub fn make(self) {
        (self.0)(None);
    }

    /// Ends the operation without making the call.
    pub fn refuse(self, why: io::Error) {
        (self.0)(Some(why));
    }
}

impl From<BlockingCall> for Box<dyn FnOnce() + Send> {
    /// As pools take it.
    fn from(call: BlockingCall) -> Self {
        Box::new(move || call.make())
    }
}

impl fmt::Debug for BlockingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlockingCall")
    }
}

/// The calls of one driver that are out.
#[derive(Debug)]
pub(crate) struct CallsOut {
    sender: Sender<(Place, Answer)>,
    answers: Receiver<(Place, Answer)>,
    /// Answers to come, asked for or not: an operation may have been given up meanwhile.
    out: usize,
}

impl CallsOut {
    pub(crate) fn new() -> Self {
        let (sender, answers) = channel();
        Self { sender, answers, out: 0 }
    }

    /// Makes a file's call one for another thread.
    pub(crate) fn hand_out(
        &mut self,
        place: Place,
        call: FileCall,
        notifier: Notifier,
    ) -> BlockingCall {
        self.out += 1;
        let mut errand = Errand { call: Some(call), place, sender: self.sender.clone(), notifier };
        BlockingCall::new(move |refusal| {
            if let Some(call) = errand.call.take() {
                errand.report(match refusal {
                    Some(why) => call.refuse(why),
                    None => call.make(),
                });
            }
        })
    }

    /// The next answer that has come; costs a comparison while no call is out.
    pub(crate) fn answer(&mut self) -> Option<(Place, Answer)> {
        if self.out == 0 {
            return None;
        }
        let answer = self.answers.try_recv().ok()?;
        self.out -= 1;
        Some(answer)
    }
}

/// A call on its way; whatever happens to it, its answer comes.
struct Errand {
    call: Option<FileCall>,
    place: Place,
    sender: Sender<(Place, Answer)>,
    notifier: Notifier,
}

impl Errand {
    fn report(&self, answer: Answer) {
        // A driver that is gone has no use for it; a file that was opened closes here.
        if self.sender.send((self.place, answer)).is_ok() {
            self.notifier.notify();
        }
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            let why = "the call was dropped before it was made";
            self.report(call.refuse(io::Error::new(io::ErrorKind::Interrupted, why)));
        }
    }
}
