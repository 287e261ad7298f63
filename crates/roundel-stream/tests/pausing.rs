//! A transport that is paused and resumed at any time, while its peer sends, ends or resets the
//! connection: it tells all that a model has, in order, and nothing while it is paused.

mod support;

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    io,
    net::Shutdown,
    rc::Rc,
    task::{Poll, Waker},
    time::Duration,
};

use proptest::prelude::*;
use roundel_executor::timeout;
use roundel_loop::{Attached, LoopHandle, Socket, SocketOption};
use roundel_stream::{Chunk, Protocol, Transport};

use support::{run, sockets, turns};

/// Bounds a wait that must succeed, so that what is lost fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug)]
enum Step {
    Pause,
    Resume,
    /// The next data is answered by a pause within the call that tells it, perhaps taken back there.
    PauseInCall {
        resume: bool,
    },
    /// The peer sends so much.
    Tell(usize),
    /// All that was sent is heard.
    HearAll,
    Turns(usize),
}

/// How it ends.
#[derive(Clone, Copy, Debug)]
enum Last {
    PeerEnds,
    PeerResets,
    Close,
    Abort,
}

/// What the protocol was told.
#[derive(Default)]
struct Told {
    is_paused: Cell<bool>,
    pause_in_call: Cell<Option<bool>>,
    /// So many bytes, each of them as it was sent.
    heard: Cell<usize>,
    ends: Cell<usize>,
    lost: RefCell<Vec<Option<io::ErrorKind>>>,
    /// Sends of the peer's that the kernel has not taken.
    unsent: Cell<usize>,
    waiter: RefCell<Option<Waker>>,
}

impl Told {
    fn changed(&self) {
        if let Some(waiter) = self.waiter.take() {
            waiter.wake();
        }
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let waited = poll_fn(|context| {
            self.waiter.replace(Some(context.waker().clone()));
            if is_so(self) { Poll::Ready(()) } else { Poll::Pending }
        });
        assert!(timeout(PATIENCE, waited).await.is_ok(), "never: {what}");
    }
}

struct Witness(Rc<Told>);

impl Protocol for Witness {
    fn data_received(&mut self, transport: &Transport, data: Chunk) {
        assert!(transport.is_reading() && !self.0.is_paused.get(), "it is paused");
        assert!(self.0.ends.get() == 0 && self.0.lost.borrow().is_empty(), "behind the end");
        for sent in &*data {
            let heard = self.0.heard.get();
            assert_eq!(*sent, byte(heard), "lost, doubled or out of order");
            self.0.heard.set(heard + 1);
        }
        if let Some(resume) = self.0.pause_in_call.take() {
            transport.pause_reading();
            if resume {
                transport.resume_reading();
            }
            self.0.is_paused.set(!resume);
        }
        self.0.changed();
    }

    fn eof_received(&mut self, _: &Transport) -> bool {
        assert!(!self.0.is_paused.get(), "it is paused");
        self.0.ends.set(self.0.ends.get() + 1);
        false
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.0.lost.borrow_mut().push(error.map(|error| error.kind()));
        self.0.changed();
    }
}

/// A transport, its peer, and what the model knows of both.
struct Line {
    transport: Transport,
    told: Rc<Told>,
    peer: Option<(Attached<Socket>, Socket)>,
    sent: usize,
}

impl Line {
    async fn new() -> Self {
        let (ours, theirs) = sockets().await;
        let (handle, told) = (LoopHandle::current(), Rc::<Told>::default());
        let witness = Witness(Rc::clone(&told));
        let transport = Transport::start(&handle, handle.attach(ours), witness);
        let peer = Some((handle.attach(theirs.clone()), theirs));
        Self { transport, told, peer, sent: 0 }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Pause => {
                self.transport.pause_reading();
                self.told.is_paused.set(true);
            }
            Step::Resume => self.resume(),
            Step::PauseInCall { resume } => self.told.pause_in_call.set(Some(resume)),
            Step::Tell(amount) => self.tell(amount),
            Step::HearAll => self.hear_all().await,
            Step::Turns(count) => turns(count).await,
        }
        assert!(self.told.heard.get() <= self.sent, "nobody sent this");
    }

    fn resume(&self) {
        self.told.is_paused.set(false);
        self.transport.resume_reading();
    }

    fn tell(&mut self, amount: usize) {
        let Some((peer, _)) = &self.peer else { return };
        let data: Vec<u8> = (self.sent..self.sent + amount).map(byte).collect();
        self.sent += amount;
        let told = Rc::clone(&self.told);
        told.unsent.set(told.unsent.get() + 1);
        peer.send(data).then(move |_| {
            told.unsent.set(told.unsent.get() - 1);
            told.changed();
        });
    }

    /// None of it is lost by what came before.
    async fn hear_all(&self) {
        if self.peer.is_some() {
            self.told.pause_in_call.take();
            self.resume();
            self.told.until("all is heard", |told| told.heard.get() >= self.sent).await;
            self.told.until("all is sent", |told| told.unsent.get() == 0).await;
        }
    }

    async fn end(&mut self, last: Last) {
        match last {
            Last::PeerEnds => {
                if self.told.unsent.get() > 0 {
                    self.hear_all().await;
                }
                let (_, socket) = self.peer.as_ref().expect("it ends once");
                socket.shutdown(Shutdown::Write).unwrap();
            }
            Last::PeerResets => {
                let (peer, socket) = self.peer.take().expect("it ends once");
                socket.set(SocketOption::Linger(Some(Duration::ZERO))).unwrap();
                drop((peer, socket));
            }
            Last::Close => self.transport.close(),
            Last::Abort => self.transport.abort(),
        }
    }

    /// Whatever was paused, it ends once, and as it should.
    async fn check_the_end(self, last: Last, heard_before: usize) {
        self.told.pause_in_call.take();
        self.resume();
        self.told.until("the connection is lost", |told| !told.lost.borrow().is_empty()).await;
        turns(3).await;
        let lost = self.told.lost.borrow().clone();
        let (heard, ends) = (self.told.heard.get(), self.told.ends.get());
        match last {
            Last::PeerEnds => {
                assert_eq!((heard, ends, &lost[..]), (self.sent, 1, &[None][..]));
            }
            Last::PeerResets => {
                assert_eq!((ends, &lost[..]), (0, &[Some(io::ErrorKind::ConnectionReset)][..]));
            }
            Last::Close | Last::Abort => {
                assert_eq!((heard, ends, &lost[..]), (heard_before, 0, &[None][..]));
            }
        }
    }
}

/// The byte at a place of the stream: no two short stretches are alike.
fn byte(place: usize) -> u8 {
    ((place as u32).wrapping_mul(0x9e37_79b9) >> 24) as u8
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Pause),
        4 => Just(Step::Resume),
        2 => any::<bool>().prop_map(|resume| Step::PauseInCall { resume }),
        4 => (1..300_usize).prop_map(Step::Tell),
        // More than a driver keeps, and than it brings at once.
        1 => (1..400_000_usize).prop_map(Step::Tell),
        1 => Just(Step::HearAll),
        6 => (1..6_usize).prop_map(Step::Turns),
    ]
}

fn last() -> impl Strategy<Value = Last> {
    prop_oneof![
        4 => Just(Last::PeerEnds),
        3 => Just(Last::PeerResets),
        1 => Just(Last::Close),
        1 => Just(Last::Abort),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(debug_assertions) { 100 } else { 2_000 },
        // What hangs takes all the patience there is, each time.
        max_shrink_time: 10_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn pauses_lose_double_and_reorder_nothing(
        steps in prop::collection::vec(step(), 0..30),
        last in last(),
        behind in prop::collection::vec(step(), 0..6),
    ) {
        run(async || {
            let mut line = Line::new().await;
            for step in &steps {
                line.step(*step).await;
            }
            line.end(last).await;
            let heard = line.told.heard.get();
            for step in &behind {
                // Nobody sends any more, and not all need come.
                if !matches!(step, Step::Tell(_) | Step::HearAll) {
                    line.step(*step).await;
                }
            }
            line.check_the_end(last, heard).await;
        });
    }
}
