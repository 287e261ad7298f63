//! Which types may cross threads: a task and all that touches it stays, what comes out of it goes.

use std::marker::PhantomData;

use roundel_executor::*;

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
fn a_task_stays_in_its_thread() {
    check! {
        Task<u8>: "",
        Builder: "",
        Sleep: "",
        Shield<u8>: "",
        ContextVars: "",
        Token<u8>: "",
    }
}

#[test]
fn what_is_known_of_tasks_and_what_comes_out_of_them_crosses() {
    check! {
        TaskInfo: "Send Sync",
        TaskTree: "Send Sync",
        TaskState: "Send Sync",
        WaitsFor: "Send Sync",
        PollTime: "Send Sync",
        ExecutorStatistics: "Send Sync",
        Elapsed: "Send Sync",
        JoinError: "Send Sync",
        // A variable is a static, whatever its values are.
        ContextVar<std::rc::Rc<u8>>: "Send Sync",
    }
}
