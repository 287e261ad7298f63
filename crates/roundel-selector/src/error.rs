//! What can go wrong with a selector.

/// A selector's failure: the action, and why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// The kernel refused; `action` says what was tried.
    #[error("{action}")]
    Os {
        /// What was tried, as "registering source".
        action: &'static str,
        /// The kernel's reason.
        source: std::io::Error,
    },
}
