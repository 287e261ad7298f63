//! One body of tests for both pairs, on one thread and across threads, and what it needs.
//!
//! `both! { #[test] fn name(promise) { … } }` makes two tests of each function.
#![allow(dead_code, unreachable_pub, reason = "each test crate uses a part of it")]

use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use roundel_promise::Broken;

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
pub struct Wakes(pub AtomicUsize);

impl Wakes {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

pub fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(waker))
}

pub fn ready<F: Future<Output: Debug> + Unpin>(mut future: F) -> F::Output {
    match poll(&mut future, Waker::noop()) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing is decided"),
    }
}

/// What call-backs write, in order.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn line(&self, what: impl Into<String>) {
        self.0.lock().expect("no line panics").push(what.into());
    }

    pub fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no line panics").clone()
    }

    /// A call-back that writes its name and what it was given.
    pub fn entry<T: Debug>(
        &self,
        name: &'static str,
    ) -> impl FnOnce(Result<&T, Broken>) + Send + 'static + use<T> {
        let log = self.clone();
        move |outcome| log.line(format!("{name}: {outcome:?}"))
    }
    /// A waker that writes its name.
    pub fn waker(&self, name: &'static str) -> Waker {
        Waker::from(Arc::new(Entry { name, log: self.clone() }))
    }
}

struct Entry {
    name: &'static str,
    log: Log,
}

impl Wake for Entry {
    fn wake(self: Arc<Self>) {
        self.log.line(self.name);
    }
}
