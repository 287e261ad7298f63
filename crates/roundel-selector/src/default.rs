//! `DefaultSelector`: the best the platform has, found by trying.
use crate::{
    Selector, SelectorError,
    by_name::{Named, SELECTORS},
    delegate::delegate,
};

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
pub struct DefaultSelector(Box<dyn Selector + Send>);

impl DefaultSelector {
    /// Opens it. Opening includes a call that shows whether the mechanism works.
    ///
    /// # Errors
    ///
    /// The best mechanism's [`SelectorError`] if none opens.
    pub fn new() -> Result<Self, SelectorError> {
        first_that_opens(SELECTORS).map(Self)
    }
}

delegate!(impl[] Selector for DefaultSelector, self => self.0);

fn first_that_opens(selectors: &[Named]) -> Result<Box<dyn Selector + Send>, SelectorError> {
    let (best, others) = selectors.split_first().expect("every platform has a selector");
    (best.open)()
        .or_else(|error| others.iter().find_map(|selector| (selector.open)().ok()).ok_or(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PollingSelector;

    fn missing(selector: &'static str) -> Result<Box<dyn Selector + Send>, SelectorError> {
        Err(SelectorError::Unavailable { selector, source: std::io::ErrorKind::Unsupported.into() })
    }

    const BEST: Named = Named { name: "best", open: || missing("best") };
    const NEXT: Named = Named { name: "next", open: || missing("next") };
    const GOOD: Named =
        Named { name: "good", open: || Ok(Box::new(PollingSelector::named("good")?)) };
    const LAST: Named = Named { name: "last", open: || panic!("a better one opened") };

    // spec: SEL-30
    #[test]
    fn the_first_that_opens_is_taken() {
        assert_eq!(first_that_opens(&[BEST, NEXT, GOOD, LAST]).unwrap().name(), "good");
    }

    #[test]
    fn if_none_opens_the_error_is_that_of_the_best() {
        let error = first_that_opens(&[BEST, NEXT]).unwrap_err();
        assert!(matches!(error, SelectorError::Unavailable { selector: "best", .. }));
    }

    // spec: SEL-30
    #[cfg(target_os = "linux")]
    #[test]
    fn linux_prefers_epoll_to_poll_to_select() {
        let names: Vec<_> = SELECTORS.iter().map(|selector| selector.name).collect();
        assert_eq!(names, ["epoll", "poll", "select", "polling"]);
    }
}
