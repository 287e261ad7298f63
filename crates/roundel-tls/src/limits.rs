//! `Limits`: how long the peer may take over its part of TLS.

use std::time::Duration;

/// How long the peer has for the handshake, and for its end when a connection closes.
///
/// ```
/// use std::time::Duration;
/// use roundel_tls::Limits;
///
/// let limits = Limits::default();
/// assert_eq!(limits.handshake(), Duration::from_secs(60));
/// assert_eq!(limits.shutdown(), Duration::from_secs(30));
/// assert_eq!(Limits::new(Duration::from_secs(5), Duration::ZERO), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    handshake: Duration,
    shutdown: Duration,
}

/// asyncio's.
impl Default for Limits {
    fn default() -> Self {
        Self { handshake: Duration::from_secs(60), shutdown: Duration::from_secs(30) }
    }
}

impl Limits {
    /// Both. None if one of them is zero, in which nothing can be done.
    #[doc(alias = "ssl_handshake_timeout")]
    #[doc(alias = "ssl_shutdown_timeout")]
    pub fn new(handshake: Duration, shutdown: Duration) -> Option<Self> {
        (!handshake.is_zero() && !shutdown.is_zero()).then_some(Self { handshake, shutdown })
    }

    /// How long the handshake may take.
    pub fn handshake(self) -> Duration {
        self.handshake
    }

    /// How long a close waits for the peer's end.
    pub fn shutdown(self) -> Duration {
        self.shutdown
    }
}

#[cfg(test)]
mod tests {
    use super::Limits;
    use std::time::Duration;

    // spec: TLS-01
    #[test]
    fn no_limit_is_zero() {
        let (minute, second) = (Duration::from_secs(60), Duration::from_secs(1));
        assert_eq!(Limits::default(), Limits::new(minute, minute / 2).unwrap());
        assert_eq!(Limits::new(Duration::ZERO, second), None);
        assert_eq!(Limits::new(second, Duration::ZERO), None);
        let limits = Limits::new(second, minute).unwrap();
        assert_eq!((limits.handshake(), limits.shutdown()), (second, minute));
    }
}
