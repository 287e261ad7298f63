//! Which ends may cross threads, pinned at compile time.
//!
//! That the local ends may not is a `compile_fail` test in the documentation of `local`, and the
//! ambiguity below: it compiles only as long as exactly one of the two implementations applies.
use std::cell::Cell;
use std::rc::Rc;

use roundel_promise::{AsCompleted, Promise, Promised, Waited, local};

fn is_send<T: Send>() {}
fn is_sync<T: Sync>() {}
fn is_unpin<T: Unpin>() {}
fn is_clone<T: Clone>() {}

trait AmbiguousIfSend<Marker> {
    fn check() {}
}
struct IsSend;
impl<T: ?Sized> AmbiguousIfSend<()> for T {}
impl<T: ?Sized + Send> AmbiguousIfSend<IsSend> for T {}

trait AmbiguousIfClone<Marker> {
    fn check() {}
}
struct IsClone;
impl<T: ?Sized> AmbiguousIfClone<()> for T {}
impl<T: Clone> AmbiguousIfClone<IsClone> for T {}

/// Can be sent, and neither shared nor cloned.
struct OnlySend(#[allow(dead_code)] Cell<u32>);

#[test]
fn ends_go_where_their_value_may_go() {
    is_send::<(Promise<OnlySend>, Promised<OnlySend>)>();
    is_sync::<(Promise<OnlySend>, Promised<OnlySend>)>();
    is_send::<(Waited<OnlySend>, AsCompleted<OnlySend>)>();
    <Promise<Rc<()>> as AmbiguousIfSend<_>>::check();
    <Promised<Rc<()>> as AmbiguousIfSend<_>>::check();
}

#[test]
fn local_ends_stay() {
    <local::Promise<()> as AmbiguousIfSend<_>>::check();
    <local::Promised<()> as AmbiguousIfSend<_>>::check();
}

#[test]
fn claims_are_cloned_only_if_the_value_can_be() {
    is_clone::<(Promised<u32>, local::Promised<u32>)>();
    <Promised<OnlySend> as AmbiguousIfClone<_>>::check();
    <local::Promised<OnlySend> as AmbiguousIfClone<_>>::check();
}

#[test]
fn claims_can_be_awaited_in_place() {
    is_unpin::<(Promised<std::marker::PhantomPinned>, local::Promised<OnlySend>)>();
}
