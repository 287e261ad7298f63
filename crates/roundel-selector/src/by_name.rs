//! `by_name`: a selector chosen at run time, by configuration or by a test that tries them all.
use crate::{DefaultSelector, Selector, SelectorError, platform};

pub(crate) use platform::SELECTORS;

/// A selector's name and how to open it.
pub(crate) struct Named {
    pub(crate) name: &'static str,
    pub(crate) open: fn() -> Result<Box<dyn Selector + Send>, SelectorError>,
}

/// Opens the selector called `name`: one of [`names`].
///
/// # Errors
///
/// [`SelectorError::UnknownName`] with the names of this platform if there is no such selector;
/// else what the selector's own `new` may fail with.
///
/// # Examples
///
/// ```
/// use roundel_selector::{by_name, names};
///
/// for name in names() {
///     by_name(name)?;
/// }
/// let error = by_name("smoke signals").unwrap_err();
/// assert!(error.to_string().contains("no selector is called \"smoke signals\" here"));
/// # Ok::<(), roundel_selector::SelectorError>(())
/// ```
pub fn by_name(name: &str) -> Result<Box<dyn Selector + Send>, SelectorError> {
    if name == DEFAULT {
        return Ok(Box::new(DefaultSelector::new()?));
    }
    match SELECTORS.iter().find(|selector| selector.name == name) {
        Some(selector) => (selector.open)(),
        None => {
            Err(SelectorError::UnknownName { name: name.to_owned(), available: names().collect() })
        }
    }
}

/// The names of the selectors that this platform has, best first, and `default`.
///
/// # Examples
///
/// ```
/// # #[cfg(target_os = "linux")]
/// let names: Vec<_> = roundel_selector::names().collect();
/// # #[cfg(target_os = "linux")]
/// assert_eq!(names, ["epoll", "poll", "select", "polling", "default"]);
/// ```
pub fn names() -> impl Iterator<Item = &'static str> {
    SELECTORS.iter().map(|selector| selector.name).chain([DEFAULT])
}

const DEFAULT: &str = "default";
