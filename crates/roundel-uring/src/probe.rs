//! `probe`: what this kernel's io_uring offers, by feature, or why it offers nothing.

use std::{fmt, io};

use io_uring::{IoUring, Probe, opcode};
use rustix::io::Errno;

use crate::{Unavailable, UringConfig, UringDriver};

/// What a ring can be opened with. What is missing here is done without; what cannot be done
/// without is an [`Unavailable`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Features {
    /// One thread submits, so the kernel takes no lock (Linux 6.0).
    pub single_issuer: bool,
    /// The kernel's share of an operation runs when we wait, not when we do something else
    /// (Linux 6.1).
    pub deferred_task_running: bool,
    /// Waiting names the ring by a number of its own; no descriptor is looked up (Linux 5.18).
    pub registered_ring: bool,
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let features = [
            ("single issuer", self.single_issuer),
            ("deferred task running", self.deferred_task_running),
            ("registered ring", self.registered_ring),
        ];
        for (nth, (name, there)) in features.iter().enumerate() {
            let separator = if nth == 0 { "" } else { ", " };
            write!(f, "{separator}{name}: {}", if *there { "yes" } else { "no" })?;
        }
        Ok(())
    }
}

/// Whether an `UringDriver` can be had here, and with what. Opens a small ring and closes it.
///
/// ```
/// match roundel_uring::probe() {
///     Ok(features) => println!("io_uring is here: {features}"),
///     Err(reason) => println!("io_uring is not to be had: {reason}"),
/// }
/// ```
///
/// # Errors
/// The kernel has no io_uring, forbids it, is too old, or has no memory to lock for it.
pub fn probe() -> Result<Features, Unavailable> {
    UringDriver::with_config(UringConfig { submissions: 8, completions: 16 })
        .map(|it| it.features())
}

/// A ring with so many entries and the features it was opened with; it is not registered yet.
pub(crate) fn open(entries: u32, completions: u32) -> Result<(IoUring, Features), Unavailable> {
    let (ring, features) = open_as_one_can(entries, completions)?;
    demand(&ring)?;
    Ok((ring, features))
}

/// The best first: what the kernel does not know it refuses as invalid.
fn open_as_one_can(entries: u32, completions: u32) -> Result<(IoUring, Features), Unavailable> {
    let ways = [(true, true), (true, false), (false, false)];
    let mut refusal = None;
    for (single_issuer, deferred_task_running) in ways {
        let mut builder = IoUring::builder();
        builder.setup_clamp().setup_cqsize(completions).setup_submit_all().setup_taskrun_flag();
        if single_issuer {
            builder.setup_single_issuer();
        }
        if deferred_task_running {
            builder.setup_defer_taskrun();
        } else {
            builder.setup_coop_taskrun();
        }
        match builder.build(entries) {
            Ok(ring) => {
                let registered_ring = false;
                let features = Features { single_issuer, deferred_task_running, registered_ring };
                return Ok((ring, features));
            }
            Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => {
                refusal = Some(error);
            }
            Err(error) => return Err(unavailable(error)),
        }
    }
    Err(match refusal {
        Some(_) => Unavailable::TooOld { feature: "cooperative task running", since: "5.19" },
        None => unavailable(io::ErrorKind::Unsupported.into()),
    })
}

/// What no ring of ours can do without.
fn demand(ring: &IoUring) -> Result<(), Unavailable> {
    let parameters = ring.params();
    let mut probe = Probe::new();
    ring.submitter().register_probe(&mut probe).map_err(unavailable)?;
    let demands = [
        (parameters.is_feature_nodrop(), "queue without losses", "5.5"),
        (parameters.is_feature_submit_stable(), "stable submission", "5.5"),
        (parameters.is_feature_ext_arg(), "timeout of a wait", "5.11"),
        (probe.is_supported(opcode::OpenAt::CODE), "opening files", "5.6"),
        // It has no mark of its own; this operation came with it.
        (probe.is_supported(opcode::SendZc::CODE), "multishot receive", "6.0"),
    ];
    match demands.into_iter().find(|(there, ..)| !there) {
        Some((_, feature, since)) => Err(Unavailable::TooOld { feature, since }),
        None => Ok(()),
    }
}

pub(crate) fn unavailable(error: io::Error) -> Unavailable {
    match Errno::from_io_error(&error) {
        Some(Errno::NOSYS) => Unavailable::Missing,
        Some(Errno::PERM | Errno::ACCESS) => Unavailable::Forbidden,
        Some(Errno::NOMEM) => Unavailable::Memory,
        _ => Unavailable::Os(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustix::io::Errno;

    use super::{Unavailable, unavailable};

    #[test]
    fn each_refusal_has_its_reason() {
        let reason = |errno: Errno| unavailable(io::Error::from(errno)).to_string();
        assert!(reason(Errno::NOSYS).contains("no io_uring"));
        assert!(reason(Errno::PERM).contains("forbidden"));
        assert!(reason(Errno::ACCESS).contains("forbidden"));
        assert!(reason(Errno::NOMEM).contains("memory"));
        assert!(matches!(unavailable(Errno::MFILE.into()), Unavailable::Os(_)));
    }
}
