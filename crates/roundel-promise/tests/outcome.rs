//! The outcome is decided once, whoever decides it, and can be seen from outside.
use std::sync::Arc;
use std::task::Waker;

use roundel_promise::{Broken, Cancelled, State};

#[macro_use]
mod both;
use both::{Log, Wakes, poll, ready};

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

    // spec: CFF-18
    #[test]
    fn an_error_that_looks_like_nothing_is_an_error(promise) {
        let (empty, promised) = promise::<Result<u32, ()>>();
        empty.set(Err(())).expect("nobody cancelled");
        assert_eq!(ready(promised), Ok(Err(())));
    }

    #[test]
    fn an_outcome_without_a_value_can_be_asked_for_again(promise) {
        let (dropped, mut promised) = promise::<u32>();
        drop(dropped);
        assert_eq!(ready(&mut promised), Err(Broken::Abandoned));
        assert_eq!(ready(&mut promised), Err(Broken::Abandoned));
    }
}
