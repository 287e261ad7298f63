//! Call-backs: their order, their panics, and what they may do to their promise.
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use roundel_promise::Broken;

#[macro_use]
mod both;
use both::{Log, Wakes, poll, ready};

both! {
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
