//! The proactor where it is to be had, and where a container's policy forbids it.
#![cfg(target_os = "linux")]

use std::{collections::BTreeMap, error::Error, thread};

use roundel_executor::yield_now;
use roundel_run::{Backend, BackendError, LoopGroup, RunError, Runner};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

/// The number of `io_uring_setup` on every architecture that has it.
const IO_URING_SETUP: i64 = 425;

/// Runs `test` in a thread that may not open a ring, as in a container: such is Docker's policy.
fn without_io_uring(test: impl FnOnce() + Send) {
    let refusal = SeccompAction::Errno(rustix::io::Errno::PERM.raw_os_error() as u32);
    let rules = BTreeMap::from([(IO_URING_SETUP, Vec::new())]);
    let architecture = std::env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, architecture).unwrap();
    let filter = BpfProgram::try_from(filter).unwrap();
    thread::scope(|scope| {
        let denied = scope.spawn(|| {
            apply_filter(&filter).unwrap();
            test();
        });
        denied.join().unwrap();
    });
}

fn is_here() -> bool {
    let probed = roundel_uring::probe();
    if let Err(reason) = &probed {
        eprintln!("half of the test is not run: {reason}");
    }
    probed.is_ok()
}

#[test]
fn where_it_is_allowed_both_take_it() {
    if is_here() {
        for backend in [Backend::Auto, Backend::Proactor] {
            let mut runner = Runner::builder().backend(backend).build().unwrap();
            assert_eq!(runner.handle().driver_name(), "uring");
            assert_eq!(runner.handle().statistics().fallback, None);
            assert_eq!(runner.run(async { yield_now().await }).unwrap(), ());
        }
    }
}

#[test]
fn where_it_is_forbidden_auto_falls_back_and_says_so() {
    without_io_uring(|| {
        let mut runner = Runner::new().unwrap();
        assert_eq!(runner.handle().driver_name(), "epoll");
        let fallback = runner.handle().statistics().fallback;
        assert_eq!(fallback, Some("io_uring is forbidden here"));
        assert_eq!(runner.run(async { 7 }).unwrap(), 7);
    });
}

#[test]
fn where_it_is_forbidden_asking_for_it_is_an_error_that_says_why() {
    without_io_uring(|| {
        let refused = Runner::builder().backend(Backend::Proactor).build().unwrap_err();
        assert!(
            matches!(
                &refused,
                RunError::Backend(BackendError::Unavailable { backend: Backend::Proactor, .. })
            ),
            "{refused:?}"
        );
        assert_eq!(refused.to_string(), "choosing the backend proactor");
        let why = refused.source().map(ToString::to_string);
        assert_eq!(why.as_deref(), Some("opening io_uring: it is forbidden here"));
    });
}

#[test]
fn a_loop_per_core_is_a_ring_per_core() {
    if is_here() {
        let group = LoopGroup::new().loops(3).backend(Backend::Proactor);
        let indices = group.run(async |member| {
            yield_now().await;
            member.index()
        });
        assert_eq!(indices.unwrap(), [0, 1, 2]);
    }
}
