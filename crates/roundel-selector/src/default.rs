//! `DefaultSelector`: the best the platform has, found by trying.
use crate::{Selector, SelectorError, by_name::SELECTORS, delegate::delegate};

/// The first selector of this platform's list, best first, that opens.
///
/// On Linux epoll, else poll (a kernel before 5.11, a sandbox without epoll), else select; on the
/// BSDs and macOS kqueue; on illumos and Solaris event ports; on Windows IOCP.
/// [`Selector::name`] tells which it is.
///
/// # Examples
///
/// ```
/// use roundel_selector::{DefaultSelector, Selector};
///
/// let selector = DefaultSelector::new()?;
/// # #[cfg(target_os = "linux")]
/// assert_eq!(selector.name(), "epoll");
/// # Ok::<(), roundel_selector::SelectorError>(())
/// ```
#[derive(Debug)]
pub struct DefaultSelector(Box<dyn Selector>);

impl DefaultSelector {
    /// Opens it. Opening includes a call that shows whether the mechanism works.
    ///
    /// # Errors
    ///
    /// The last mechanism's [`SelectorError`] if none opens.
    pub fn new() -> Result<Self, SelectorError> {
        let (best, others) = SELECTORS.split_first().expect("every platform has a selector");
        let opened =
            others.iter().fold((best.open)(), |opened, next| opened.or_else(|_| (next.open)()));
        opened.map(Self)
    }
}

delegate!(impl[] Selector for DefaultSelector, self => self.0);
