//! Which types may cross threads. Threads are told apart by type, so each row is a promise to
//! users: to lose a trait breaks programs, and to gain one by accident breaks ours.

use std::marker::PhantomData;

/// Says whether `T` has an auto trait: an inherent constant, where its bound holds, goes before
/// the trait's constant of the same name.
struct Probe<T>(PhantomData<T>);

trait Otherwise {
    const SEND: bool = false;
    const SYNC: bool = false;
}

impl<T> Otherwise for Probe<T> {}

impl<T: Send> Probe<T> {
    const SEND: bool = true;
}

impl<T: Sync> Probe<T> {
    const SYNC: bool = true;
}

/// A row for each type: the traits that it has, of Send and Sync.
macro_rules! check {
    ($($type:ty: $expected:literal,)*) => {
        let mut found = Vec::new();
        let mut expected = Vec::new();
        $(
            let name = stringify!($type);
            let traits = [
                (<Probe<$type>>::SEND, "Send"),
                (<Probe<$type>>::SYNC, "Sync"),
            ];
            let traits = traits.iter().filter(|(has, _)| *has).map(|(_, name)| *name);
            found.push(format!("{name}: {}", traits.collect::<Vec<_>>().join(" ")));
            expected.push(format!("{name}: {}", $expected));
        )*
        assert_eq!(found, expected);
    };
}

#[test]
fn a_loop_stays_in_its_thread() {
    use roundel::event_loop::*;
    check! {
        EventLoop: "",
        LoopHandle: "",
        LoopConfig: "",
        SharedClock: "",
        Handle: "",
        TimerHandle: "",
        WatchHandle: "",
        Attached: "",
        Submission: "",
        PendingOperation: "",
        OperationHandle: "",
    }
}

#[test]
fn what_reaches_a_loop_from_other_threads_crosses_them() {
    use roundel::event_loop::*;
    check! {
        RemoteHandle: "Send Sync",
        RemoteCall: "Send Sync",
        Stall: "Send Sync",
        LoopStatistics: "Send Sync",
        RunError: "Send Sync",
        OperationError: "Send Sync",
        // It may hold a panic's payload, which is Send and nothing more.
        Unhandled: "Send",
    }
    fn cloned<T: Clone>() {}
    cloned::<RemoteHandle>();
    cloned::<LoopHandle>();
}

#[test]
fn a_promise_crosses_threads_with_its_value() {
    use std::{cell::Cell, rc::Rc};

    use roundel::promise::{Promise, Promised, Waited, local};
    check! {
        Promise<u8>: "Send Sync",
        Promised<u8>: "Send Sync",
        Waited<u8>: "Send Sync",
        // Values are handed over, so they need not be Sync.
        Promise<Cell<u8>>: "Send Sync",
        Promised<Cell<u8>>: "Send Sync",
        Promise<Rc<u8>>: "",
        Promised<Rc<u8>>: "",
        local::Promise<u8>: "",
        local::Promised<u8>: "",
    }
}

#[test]
fn time_is_everywhere() {
    use roundel::timer::*;
    check! {
        SystemClock: "Send Sync",
        VirtualClock: "Send Sync",
        Deadline: "Send Sync",
        TimerKey: "Send Sync",
        TimerQueue<u8>: "Send Sync",
    }
}

#[test]
fn a_selector_is_one_threads_and_its_notifier_everybodys() {
    use roundel::selector::*;
    check! {
        Notifier: "Send Sync",
        Source: "Send Sync",
        Events: "Send Sync",
        SelectorError: "Send Sync",
        DefaultSelector: "Send",
        SelectorMap<u8>: "Send",
    }
}

#[test]
fn a_driver_is_one_threads() {
    use roundel::{driver::*, sim::AutoJump};
    check! {
        SelectorDriver: "",
        AutoJump<SelectorDriver>: "",
        // Its memory goes back to its driver's pool.
        Buffer: "",
        Operation: "",
        Outcome: "",
        OperationError: "Send Sync",
        DriverError: "Send Sync",
        SourceId: "Send Sync",
        Key: "Send Sync",
        DriverStatistics: "Send Sync",
    }
}

#[test]
fn a_runner_is_one_threads_and_a_group_its_programs() {
    use roundel::{run::*, signal::*};
    check! {
        Runner: "",
        RunnerBuilder: "",
        RunError: "Send Sync",
        Backend: "Send Sync",
        LoopGroup: "Send Sync",
        Member: "Send Sync",
        // It may hold panics' payloads.
        LoopGroupError: "Send",
        Signal: "Send Sync",
        CtrlC: "Send Sync",
    }
}
