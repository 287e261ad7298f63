//! The writer hears of a cancel, and of nothing else.
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use roundel_promise::State;

#[macro_use]
mod both;
use both::{Wakes, ready};

both! {
    #[test]
    fn a_cancel_wakes_the_writer_once(promise) {
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let (mut promise, promised) = promise::<u32>();
        assert!(promise.poll_cancelled(&mut Context::from_waker(&waker)).is_pending());
        assert!(promised.cancel() && promised.cancel());
        assert_eq!(wakes.count(), 1);
        assert!(promise.poll_cancelled(&mut Context::from_waker(&waker)).is_ready());
        assert_eq!(Arc::strong_count(&wakes), 2, "ours and the waker's");
    }

    #[test]
    fn a_cancel_before_is_not_missed(promise) {
        let (mut promise, promised) = promise::<u32>();
        promised.cancel();
        let mut context = Context::from_waker(Waker::noop());
        assert!(promise.poll_cancelled(&mut context).is_ready());
        assert!(promise.start().is_err());
        assert!(promise.poll_cancelled(&mut context).is_ready(), "notified is cancelled too");
    }

    #[test]
    fn the_last_waker_of_the_writer_counts(promise) {
        let (old, new) = (Arc::new(Wakes::default()), Arc::new(Wakes::default()));
        let (mut promise, promised) = promise::<u32>();
        for wakes in [&old, &new] {
            let waker = Waker::from(wakes.clone());
            assert!(promise.poll_cancelled(&mut Context::from_waker(&waker)).is_pending());
        }
        assert_eq!(Arc::strong_count(&old), 1);
        promised.cancel();
        assert_eq!((old.count(), new.count()), (0, 1));
    }

    #[test]
    fn dropping_the_readers_is_not_a_cancel(promise) {
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let (mut promise, promised) = promise::<u32>();
        assert!(promise.poll_cancelled(&mut Context::from_waker(&waker)).is_pending());
        drop(promised.clone());
        drop(promised);
        assert_eq!(wakes.count(), 0);
        assert!(promise.poll_cancelled(&mut Context::from_waker(&waker)).is_pending());
    }

    #[test]
    fn a_cancel_that_comes_too_late_is_not_heard(promise) {
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let (mut promise, promised) = promise::<u32>();
        promise.start().expect("nobody cancelled");
        assert!(promise.poll_cancelled(&mut Context::from_waker(&waker)).is_pending());
        assert!(!promised.cancel());
        assert_eq!(wakes.count(), 0);
    }

    #[test]
    fn hearing_does_not_settle(promise) {
        let (mut promise, promised) = promise::<u32>();
        promised.cancel();
        ready(Box::pin(promise.cancelled()));
        assert_eq!(promised.state(), State::Cancelled);
        drop(promise);
        assert_eq!(promised.state(), State::CancelledAndNotified);
    }

    #[test]
    fn a_writer_that_goes_takes_its_waker_along_and_wakes_only_the_reader(promise) {
        let wakes = Arc::new(Wakes::default());
        for set in [true, false] {
            let waker = Waker::from(wakes.clone());
            let (mut promise, promised) = promise();
            assert!(promise.poll_cancelled(&mut Context::from_waker(&waker)).is_pending());
            if set {
                promise.set(1).expect("nobody cancelled");
            } else {
                drop(promise);
            }
            drop(waker);
            assert_eq!((wakes.count(), Arc::strong_count(&wakes)), (0, 1));
            assert!(promised.is_done());
        }
    }

    #[test]
    fn a_wait_that_is_dropped_loses_no_cancel(promise) {
        let (mut promise, promised) = promise::<u32>();
        let mut context = Context::from_waker(Waker::noop());
        assert!(pin!(promise.cancelled()).poll(&mut context).is_pending());
        promised.cancel();
        assert_eq!(pin!(promise.cancelled()).poll(&mut context), Poll::Ready(()));
    }
}
