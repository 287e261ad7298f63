//! Claims to the value: waiting, being woken, getting it, leaving.
use std::cell::Cell;
use std::sync::Arc;
use std::task::{Poll, Waker};

#[macro_use]
mod both;
use both::{Log, Wakes, poll, ready};

both! {
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
    fn readers_are_woken_in_order_of_arrival(promise) {
        let log = Log::default();
        let (seated, mut first) = promise();
        assert!(poll(&mut first, &log.waker("first")).is_pending());
        let mut second = first.clone();
        assert!(poll(&mut second, &log.waker("second")).is_pending());
        seated.set(1).expect("nobody cancelled");

        let (standing, mut first) = promise();
        let mut second = first.clone();
        assert!(poll(&mut second, &log.waker("second")).is_pending());
        assert!(poll(&mut first, &log.waker("first")).is_pending());
        standing.set(1).expect("nobody cancelled");
        assert_eq!(log.lines(), ["first", "second", "second", "first"]);
    }

    #[test]
    fn a_reader_that_waits_stays_when_a_crowd_gathers(promise) {
        let wakes = Arc::new(Wakes::default());
        let (promise, mut promised) = promise();
        assert!(poll(&mut promised, &Waker::from(wakes.clone())).is_pending());
        promised.on_done(|_| ());
        assert_eq!(promised.inspect().waiters, 1);
        promise.set(1).expect("nobody cancelled");
        assert_eq!((wakes.count(), ready(promised)), (1, Ok(1)));
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
        let (promise, mut first) = promise();
        let mut second = first.clone();
        promise.set(Arc::clone(&value)).expect("nobody cancelled");
        let clone = ready(&mut first);
        assert_eq!(Arc::strong_count(&value), 3, "ours, theirs and a clone");
        let moved = ready(&mut second);
        assert_eq!(Arc::strong_count(&value), 3, "ours, a clone and theirs");
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
    fn a_value_nobody_claims_is_dropped(promise) {
        let value = Arc::new(());
        let (promise, promised) = promise();
        drop(promised);
        promise.set(Arc::clone(&value)).expect("nobody cancelled");
        assert_eq!(Arc::strong_count(&value), 1);
    }
}
