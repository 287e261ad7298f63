//! What holds for the pair on one thread and for the pair across threads alike.
//!
//! One body, run on both: `both! { fn name(promise) { … } }`.
use std::cell::Cell;
use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use roundel_promise::{Broken, Cancelled, State};

macro_rules! both {
    ($($(#[$attribute:meta])* fn $name:ident($promise:ident) $body:block)*) => {
        mod across_threads {
            #[allow(unused_imports)]
            use super::*;
            $($(#[$attribute])* fn $name() { use roundel_promise::promise as $promise; $body })*
        }
        mod on_one_thread {
            #[allow(unused_imports)]
            use super::*;
            $($(#[$attribute])* fn $name() { use roundel_promise::local::promise as $promise; $body })*
        }
    };
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wakes {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(waker))
}

fn ready<F: Future<Output: Debug> + Unpin>(mut future: F) -> F::Output {
    match poll(&mut future, Waker::noop()) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing is decided"),
    }
}

/// What call-backs write, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn line(&self, what: impl Into<String>) {
        self.0.lock().expect("no line panics").push(what.into());
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no line panics").clone()
    }

    /// A call-back that writes its name and what it was given.
    fn entry<T: Debug>(
        &self,
        name: &'static str,
    ) -> impl FnOnce(Result<&T, Broken>) + Send + 'static + use<T> {
        let log = self.clone();
        move |outcome| log.line(format!("{name}: {outcome:?}"))
    }
}

both! {
    // spec: CFF-01, CFF-02
    #[test]
    fn a_life_that_ends_well(promise) {
        let (mut promise, promised) = promise();
        assert_eq!((promised.state(), promised.is_done()), (State::Pending, false));
        promise.start().expect("nobody cancelled");
        assert_eq!((promised.state(), promised.is_running()), (State::Running, true));
        promise.set(1).expect("nobody cancelled");
        assert_eq!((promised.state(), promised.is_done()), (State::Finished, true));
        assert!(!promised.is_running() && !promised.is_cancelled());
    }

    // spec: CFF-07
    #[test]
    fn set_is_legal_before_and_after_the_start(promise) {
        let (unstarted, promised) = promise();
        unstarted.set(1).expect("nobody cancelled");
        assert_eq!(ready(promised), Ok(1));

        let (mut started, promised) = promise();
        started.start().expect("nobody cancelled");
        started.set(2).expect("nobody cancelled");
        assert_eq!(ready(promised), Ok(2));
    }

    // A finished promise cannot be set: that does not compile, see the documentation of `Promise`.
    // spec: CFF-08
    #[test]
    fn a_cancelled_promise_gives_the_value_back(promise) {
        let (promise, promised) = promise();
        assert!(promised.cancel());
        assert!(promise.is_cancelled());
        let refused = promise.set("unwanted").expect_err("it is cancelled");
        assert_eq!(refused.into_value(), "unwanted");
        assert!(promised.is_cancelled());
        assert_eq!(ready(promised), Err(Broken::Cancelled));
    }

    // spec: CFF-04
    #[test]
    fn cancel_succeeds_until_the_start_and_tells_once(promise) {
        let log = Log::default();
        let (_pending, promised) = promise::<u32>();
        promised.on_done(log.entry("once"));
        assert!(promised.cancel());
        assert!(promised.cancel());
        assert_eq!(log.lines(), ["once: Err(Cancelled)"]);

        let (mut running, promised) = promise::<u32>();
        running.start().expect("nobody cancelled");
        assert!(!promised.cancel());
        assert_eq!(promised.state(), State::Running);
        running.set(3).expect("nobody cancelled");
        assert!(!promised.cancel());
        assert_eq!(ready(promised), Ok(3));
    }

    // spec: CFF-05
    #[test]
    fn start_begins_or_learns_of_the_cancellation(promise) {
        let (mut wanted, promised) = promise::<u32>();
        assert_eq!(wanted.start(), Ok(()));
        assert!(promised.is_running());

        let (mut unwanted, promised) = promise::<u32>();
        promised.cancel();
        assert_eq!(promised.state(), State::Cancelled);
        assert_eq!(unwanted.start(), Err(Cancelled));
        assert_eq!(promised.state(), State::CancelledAndNotified);
        assert_eq!(unwanted.start(), Err(Cancelled));
    }

    // spec: CFF-05
    #[test]
    #[should_panic(expected = "started before")]
    fn starting_twice_is_a_bug(promise) {
        let (mut promise, _promised) = promise::<u32>();
        let _ = promise.start();
        let _ = promise.start();
    }

    #[test]
    fn dropping_the_writing_end_abandons(promise) {
        let log = Log::default();
        let wakes = Arc::new(Wakes::default());
        let (promise, mut promised) = promise::<u32>();
        promised.on_done(log.entry("told"));
        assert!(poll(&mut promised, &Waker::from(wakes.clone())).is_pending());
        drop(promise);
        assert_eq!(wakes.count(), 1);
        assert_eq!(promised.state(), State::Abandoned);
        assert_eq!(log.lines(), ["told: Err(Abandoned)"]);
        assert_eq!(ready(promised), Err(Broken::Abandoned));
    }

    #[test]
    fn dropping_the_writing_end_of_a_cancelled_promise_settles_it(promise) {
        let (promise, promised) = promise::<u32>();
        promised.cancel();
        assert!(!promised.state().is_settled());
        drop(promise);
        assert_eq!(promised.state(), State::CancelledAndNotified);
    }

    // spec: CFF-11
    #[test]
    fn call_backs_run_in_order_and_the_same_one_twice(promise) {
        let log = Log::default();
        let again = || {
            let log = log.clone();
            move |outcome: Result<&u32, Broken>| log.line(format!("again: {outcome:?}"))
        };
        let (promise, promised) = promise();
        promised.on_done(again());
        promised.on_done(log.entry("between"));
        promised.on_done(again());
        promise.set(7).expect("nobody cancelled");
        assert_eq!(log.lines(), ["again: Ok(7)", "between: Ok(7)", "again: Ok(7)"]);
    }

    // spec: CFF-12
    #[test]
    fn a_late_call_back_runs_at_once(promise) {
        let log = Log::default();
        let (kept, promised) = promise();
        kept.set(7).expect("nobody cancelled");
        promised.on_done(log.entry("set"));
        let (broken, promised) = promise::<u32>();
        drop(broken);
        promised.on_done(log.entry("dropped"));
        let (_promise, promised) = promise::<u32>();
        promised.cancel();
        promised.on_done(log.entry("cancelled"));
        assert_eq!(
            log.lines(),
            ["set: Ok(7)", "dropped: Err(Abandoned)", "cancelled: Err(Cancelled)"]
        );
    }

    // spec: CFF-13
    #[test]
    fn a_panic_in_a_call_back_spares_the_others(promise) {
        let log = Log::default();
        let (promise, promised) = promise();
        promised.on_done(log.entry("before"));
        promised.on_done(|_| panic!("this panic is part of the test"));
        promised.on_done(log.entry("after"));
        promise.set(7).expect("nobody cancelled");
        promised.on_done(|_| panic!("this panic is part of the test too"));
        assert_eq!(log.lines(), ["before: Ok(7)", "after: Ok(7)"]);
        assert_eq!(ready(promised), Ok(7));
    }

    // spec: CFF-15
    #[test]
    fn the_list_of_call_backs_is_kept(promise) {
        fn shout(_: Result<&u32, Broken>) {}
        let (promise, promised) = promise();
        promised.on_done(shout);
        promised.on_done(|_| ());
        let before = promised.inspect().callbacks;
        assert_eq!(before.len(), 2);
        assert!(before[0].ends_with("shout"), "{before:?}");
        promise.set(7).expect("nobody cancelled");
        assert_eq!(promised.inspect().callbacks, before);
    }

    // spec: CFF-17
    #[test]
    fn the_text_shows_five_fields(promise) {
        let (promise, promised) = promise();
        assert_eq!(
            format!("{promised:?}"),
            "Promised { state: PENDING, result: None, error: None, waiters: 0, callbacks: [] }"
        );
        assert_eq!(format!("{promise:?}"), "Promise { state: PENDING, .. }");
        promise.set("HELLO").expect("nobody cancelled");
        assert_eq!(
            format!("{promised:?}"),
            "Promised { state: FINISHED, result: Some(\"HELLO\"), error: None, waiters: 0, \
             callbacks: [] }"
        );
    }

    // spec: CFF-17
    #[test]
    fn the_text_tells_the_endings_apart(promise) {
        let (_promise, promised) = promise::<u32>();
        promised.cancel();
        assert!(format!("{promised:?}").contains("state: CANCELLED, result: None, error: Some(Cancelled)"));
        let (dropped, promised) = promise::<u32>();
        drop(dropped);
        assert!(format!("{promised:?}").contains("state: ABANDONED, result: None, error: Some(Abandoned)"));
    }

    #[test]
    fn waiters_are_counted_while_they_wait(promise) {
        let (_promise, mut promised) = promise::<u32>();
        let mut other = promised.clone();
        assert!(poll(&mut promised, Waker::noop()).is_pending());
        assert!(poll(&mut promised, Waker::noop()).is_pending());
        assert!(poll(&mut other, Waker::noop()).is_pending());
        assert_eq!(promised.inspect().waiters, 2);
        drop(other);
        assert_eq!(promised.inspect().waiters, 1);
    }

    // spec: CFF-18
    #[test]
    fn an_error_that_looks_like_nothing_is_an_error(promise) {
        let (empty, promised) = promise::<Result<u32, ()>>();
        empty.set(Err(())).expect("nobody cancelled");
        assert_eq!(ready(promised), Ok(Err(())));
    }

    #[test]
    fn the_last_waker_of_a_reader_counts(promise) {
        let (old, new) = (Arc::new(Wakes::default()), Arc::new(Wakes::default()));
        let (promise, mut promised) = promise();
        assert!(poll(&mut promised, &Waker::from(old.clone())).is_pending());
        assert!(poll(&mut promised, &Waker::from(new.clone())).is_pending());
        promise.set(1).expect("nobody cancelled");
        assert_eq!((old.count(), new.count()), (0, 1));
    }

    #[test]
    fn every_claim_is_honoured(promise) {
        let wakes = Arc::new(Wakes::default());
        let (promise, mut first) = promise();
        let mut second = first.clone();
        assert!(poll(&mut first, &Waker::from(wakes.clone())).is_pending());
        assert!(poll(&mut second, &Waker::from(wakes.clone())).is_pending());
        promise.set(String::from("both")).expect("nobody cancelled");
        assert_eq!(wakes.count(), 2);
        assert_eq!((ready(first).as_deref(), ready(second).as_deref()), (Ok("both"), Ok("both")));
    }

    #[test]
    fn the_last_claim_gets_the_value_itself(promise) {
        let value = Arc::new(());
        let (promise, first) = promise();
        let second = first.clone();
        promise.set(Arc::clone(&value)).expect("nobody cancelled");
        let clone = ready(first);
        assert_eq!(Arc::strong_count(&value), 3);
        let moved = ready(second);
        assert_eq!(Arc::strong_count(&value), 3);
        drop((clone, moved));
        assert_eq!(Arc::strong_count(&value), 1);
    }

    #[test]
    fn what_cannot_be_cloned_is_moved_out(promise) {
        struct Unclonable(Cell<u32>);
        let (promise, promised) = promise();
        promised.on_done(|outcome: Result<&Unclonable, _>| outcome.expect("it is set").0.set(2));
        promise.set(Unclonable(Cell::new(1))).map_err(drop).expect("nobody cancelled");
        let mut promised = promised;
        match poll(&mut promised, Waker::noop()) {
            Poll::Ready(Ok(value)) => assert_eq!(value.0.get(), 2),
            _ => panic!("the value is there"),
        }
    }

    #[test]
    fn peeking_takes_nothing(promise) {
        let (promise, promised) = promise();
        assert_eq!(promised.peek(|_| ()), None);
        promise.set(5).expect("nobody cancelled");
        assert_eq!(promised.peek(|outcome| outcome.copied()), Some(Ok(5)));
        // On loan: whoever looks a second time is not kept waiting, and learns nothing.
        assert_eq!(promised.peek(|_| promised.peek(|_| ())), Some(None));
        assert_eq!(ready(promised), Ok(5));
    }

    #[test]
    fn a_panic_while_looking_loses_nothing(promise) {
        let (promise, promised) = promise();
        promise.set(5).expect("nobody cancelled");
        let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            promised.peek(|_| panic!("this panic is part of the test"))
        }));
        assert!(looked.is_err());
        assert_eq!(ready(promised), Ok(5));
    }

    #[test]
    fn readers_are_woken_when_the_call_backs_have_looked(promise) {
        let wakes = Arc::new(Wakes::default());
        let (promise, mut promised) = promise();
        assert!(poll(&mut promised, &Waker::from(wakes.clone())).is_pending());
        let during = Arc::new(Wakes::default());
        promised.on_done({
            let (wakes, during) = (wakes.clone(), during.clone());
            move |_| { during.0.store(wakes.count() + 10, Ordering::Relaxed); }
        });
        promise.set(5).expect("nobody cancelled");
        assert_eq!((during.count(), wakes.count()), (10, 1));
        assert_eq!(ready(promised), Ok(5));
    }

    #[test]
    #[should_panic(expected = "handed over before")]
    fn polling_a_spent_claim_is_a_bug(promise) {
        let (promise, mut promised) = promise();
        promise.set(5).expect("nobody cancelled");
        assert_eq!(ready(&mut promised), Ok(5));
        let _ = poll(&mut promised, Waker::noop());
    }

    #[test]
    fn a_clone_of_a_spent_claim_is_spent(promise) {
        let (promise, mut promised) = promise();
        promise.set(5).expect("nobody cancelled");
        assert_eq!(ready(&mut promised), Ok(5));
        let clone = promised.clone();
        assert_eq!((clone.peek(|_| ()), clone.inspect().result), (None, None));
        assert!(clone.is_done());
    }

    #[test]
    fn an_outcome_without_a_value_can_be_asked_for_again(promise) {
        let (dropped, mut promised) = promise::<u32>();
        drop(dropped);
        assert_eq!(ready(&mut promised), Err(Broken::Abandoned));
        assert_eq!(ready(&mut promised), Err(Broken::Abandoned));
    }

    #[test]
    fn a_value_nobody_claims_is_dropped(promise) {
        let value = Arc::new(());
        let (promise, promised) = promise();
        drop(promised);
        promise.set(Arc::clone(&value)).expect("nobody cancelled");
        assert_eq!(Arc::strong_count(&value), 1);
    }
}

/// Things only one thread can do: call-backs that reach back to their own promise.
mod from_inside_a_call_back {
    use std::cell::RefCell;
    use std::rc::Rc;

    use roundel_promise::local::promise;

    use super::*;

    #[test]
    fn a_call_back_may_add_another() {
        let log = Log::default();
        let (promise, promised) = promise();
        let promised = Rc::new(RefCell::new(Some(promised)));
        let inner = (log.clone(), Rc::clone(&promised));
        promised.borrow().as_ref().expect("still here").on_done(move |_| {
            let (log, promised) = inner;
            promised.borrow().as_ref().expect("still here").on_done(log.entry("inner"));
            log.line("outer");
        });
        promise.set(1).expect("nobody cancelled");
        assert_eq!(log.lines(), ["outer", "inner: Ok(1)"]);
    }

    #[test]
    fn a_call_back_may_drop_the_last_reader() {
        let (promise, promised) = promise();
        let promised = Rc::new(RefCell::new(Some(promised)));
        let slot = Rc::clone(&promised);
        promised.borrow().as_ref().expect("still here").on_done(move |_| {
            slot.borrow_mut().take();
        });
        assert!(promise.set(1).is_ok());
        assert!(promised.borrow().is_none());
    }

    #[test]
    fn a_waker_may_drop_what_it_wakes() {
        struct Task(Mutex<Option<roundel_promise::Promised<u32>>>);
        impl Wake for Task {
            fn wake(self: Arc<Self>) {
                self.0.lock().expect("no one panics").take();
            }
        }
        let (promise, mut promised) = roundel_promise::promise();
        let other = promised.clone();
        let task = Arc::new(Task(Mutex::new(Some(other))));
        assert!(poll(&mut promised, &Waker::from(task.clone())).is_pending());
        promise.set(1).expect("nobody cancelled");
        assert!(task.0.lock().expect("no one panics").is_none());
        assert_eq!(ready(promised), Ok(1));
    }
}
