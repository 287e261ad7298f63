//! Context variables: what a task sees, and what it keeps to itself.

mod support;

use std::{cell::Cell, rc::Rc, thread};

use roundel_executor::{ContextVar, ContextVars, ForeignToken, spawn, spawn_on, yield_now};
use roundel_loop::LoopHandle;
use support::{Log, run, turn, virtual_loop};

static USER: ContextVar<&str> = ContextVar::new("user");
static DEPTH: ContextVar<u32> = ContextVar::with_default("depth", || 7);

// spec: CTX-01
#[test]
fn a_variable_has_a_name_and_perhaps_a_default() {
    assert_eq!((USER.name(), USER.get()), ("user", None));
    assert_eq!((DEPTH.name(), DEPTH.get()), ("depth", Some(7)), "outside a loop too");
    run(async {
        assert_eq!((USER.get(), DEPTH.get()), (None, Some(7)));
        USER.set("ada");
        DEPTH.set(8);
        assert_eq!((USER.get(), DEPTH.get()), (Some("ada"), Some(8)));
    });
}

// spec: CTX-02
#[test]
fn a_token_restores_once_and_only_where_it_was_made() {
    run(async {
        let first = USER.set("ada");
        let second = USER.set("bob");
        assert_eq!((first.old_value(), second.old_value()), (None, Some("ada")));
        second.reset().unwrap();
        assert_eq!(USER.get(), Some("ada"));
        // In another task the context is another, though its values are the same.
        let first = spawn(async move {
            let ForeignToken(first) = first.reset().unwrap_err();
            assert_eq!(USER.get(), Some("ada"));
            first
        });
        let first = ContextVars::copy().run(|| USER.set("carol").reset().map(|()| first));
        first.unwrap().await.unwrap().reset().unwrap();
        assert_eq!(USER.get(), None);
    });
}

#[test]
#[should_panic(expected = "no event loop runs in this thread")]
fn a_value_needs_a_loop_to_live_on() {
    USER.set("nobody");
}

// spec: CTX-03
#[test]
fn a_copy_is_a_snapshot_that_shares_the_values() {
    static SHARED: ContextVar<Rc<()>> = ContextVar::new("shared");
    run(async {
        let value = Rc::new(());
        SHARED.set(Rc::clone(&value));
        USER.set("ada");
        let mut copies: Vec<_> = (0..1000).map(|_| ContextVars::copy()).collect();
        assert_eq!(Rc::strong_count(&value), 2, "one for all of them");
        USER.set("bob");
        assert!(copies.iter_mut().all(|copy| copy.run(|| USER.get()) == Some("ada")));
        assert_eq!(USER.get(), Some("bob"));
    });
}

// spec: CTX-04
#[test]
fn what_a_function_changes_in_a_copy_stays_in_there() {
    run(async {
        USER.set("ada");
        let mut copy = ContextVars::copy();
        let text = copy.run(|| {
            USER.set("bob");
            let mut inner = ContextVars::new();
            assert_eq!(inner.run(|| USER.get()), None, "entered within another");
            USER.get()
        });
        assert_eq!((text, USER.get()), (Some("bob"), Some("ada")));
        assert_eq!(copy.run(|| USER.get()), Some("bob"));
        // Left by a panic too. To enter it twice does not compile: `run` takes `&mut self`.
        let unwound = std::panic::AssertUnwindSafe(|| copy.run(|| panic!("inside")));
        std::panic::catch_unwind(unwound).unwrap_err();
        assert_eq!(USER.get(), Some("ada"));
    });
}

// spec: CTX-05
#[test]
fn each_thread_and_each_loop_begins_empty() {
    let (mut event_loop, handle, _) = virtual_loop();
    handle.call_soon(|| drop(USER.set("ada")));
    turn(&mut event_loop);
    handle.call_soon(|| assert_eq!(USER.get(), Some("ada"), "what runs outside tasks shares it"));
    turn(&mut event_loop);
    assert_eq!(handle.statistics().panics, 0);
    run(async { assert_eq!(USER.get(), None, "another loop of this thread") });
    thread::spawn(|| run(async { assert_eq!(USER.get(), None) })).join().unwrap();
}

// spec: CTX-06
#[test]
fn a_task_takes_a_copy_when_it_is_spawned_and_a_call_back_when_it_is_bound() {
    run(async {
        let log = Log::default();
        USER.set("ada");
        let task = spawn(async { USER.get() });
        let (one, two) = (log.clone(), log.clone());
        let handle = LoopHandle::current();
        let show = |log: Log| move || log.add(USER.get().unwrap_or("nobody"));
        handle.call_soon(ContextVars::copy().bind(show(one)));
        handle.call_soon(show(two));
        USER.set("bob");
        assert_eq!(task.await.unwrap(), Some("ada"));
        assert_eq!(log.take(), ["ada", "nobody"]);
    });
}

// spec: CTX-07, TSK-24
#[test]
fn what_a_task_changes_its_creator_does_not_see_unless_they_share_it() {
    static COUNT: ContextVar<Rc<Cell<u32>>> = ContextVar::new("count");
    run(async {
        USER.set("ada");
        COUNT.set(Rc::default());
        let child = spawn(async {
            let before = USER.get();
            USER.set("bob");
            COUNT.get().unwrap().set(1);
            yield_now().await;
            (before, USER.get())
        });
        yield_now().await;
        assert_eq!(USER.get(), Some("ada"));
        assert_eq!(child.await.unwrap(), (Some("ada"), Some("bob")));
        assert_eq!(COUNT.get().unwrap().get(), 1, "shared on purpose");
    });
}

#[test]
fn a_scope_holds_for_what_it_awaits_and_for_nothing_beside_it() {
    run(async {
        USER.set("ada");
        let inner = USER.scope("bob", async {
            let first = USER.get();
            yield_now().await;
            USER.set("carol");
            yield_now().await;
            (first, USER.get())
        });
        let beside = async {
            let mut seen = vec![USER.get()];
            for _ in 0..2 {
                yield_now().await;
                seen.push(USER.get());
            }
            seen
        };
        let (inside, outside) = futures::future::join(inner, beside).await;
        assert_eq!(inside, (Some("bob"), Some("carol")));
        assert_eq!(outside, [Some("ada"); 3]);
        assert_eq!(USER.get(), Some("ada"));
        let own = ContextVars::new().scope(async {
            yield_now().await;
            USER.get()
        });
        assert_eq!(own.await, None);
    });
}

#[test]
fn values_are_dropped_where_no_borrow_is_held() {
    /// Uses variables while it is dropped.
    #[derive(Clone)]
    struct Curious(Log);
    impl Drop for Curious {
        fn drop(&mut self) {
            let user = LoopHandle::try_current().and_then(|_| USER.get());
            self.0.add(user.unwrap_or("nobody"));
        }
    }
    static CURIOUS: ContextVar<Rc<Curious>> = ContextVar::new("curious");
    let log = Log::default();
    let (mut event_loop, handle, _) = virtual_loop();
    let task = spawn_on(&handle, {
        let log = log.clone();
        async move {
            USER.set("ada");
            CURIOUS.set(Rc::new(Curious(log.clone())));
            let token = CURIOUS.set(Rc::new(Curious(log.clone())));
            token.reset().unwrap();
            assert_eq!(log.take(), ["ada"]);
        }
    });
    event_loop.run_until_complete(task).unwrap().unwrap();
    assert_eq!(log.take(), ["nobody"], "with its task, which has ended");
}
