//! `delegate!`: a selector that is another one under its own type.

/// Implements `Selector` for a type through an expression that names the selector inside.
macro_rules! delegate {
    (impl[$($generics:tt)*] Selector for $type:ty, $this:ident => $inner:expr) => {
        impl<$($generics)*> $crate::Selector for $type {
            fn register(
                &mut $this,
                source: &$crate::Source,
                token: $crate::Token,
                interest: $crate::Interest,
                trigger: $crate::Trigger,
            ) -> Result<(), $crate::SelectorError> {
                $inner.register(source, token, interest, trigger)
            }

            fn modify(
                &mut $this,
                source: &$crate::Source,
                token: $crate::Token,
                interest: $crate::Interest,
                trigger: $crate::Trigger,
            ) -> Result<(), $crate::SelectorError> {
                $inner.modify(source, token, interest, trigger)
            }

            fn unregister(&mut $this, source: &$crate::Source) -> Result<(), $crate::SelectorError> {
                $inner.unregister(source)
            }

            fn select(
                &mut $this,
                events: &mut $crate::Events,
                timeout: Option<std::time::Duration>,
            ) -> Result<(), $crate::SelectorError> {
                $inner.select(events, timeout)
            }

            fn notifier(&$this) -> $crate::Notifier {
                $inner.notifier()
            }

            fn name(&$this) -> &'static str {
                $inner.name()
            }

            fn reports_close(&$this) -> bool {
                $inner.reports_close()
            }

            fn supports_edge(&$this) -> bool {
                $inner.supports_edge()
            }

            fn descriptor(&$this) -> Option<rustix::fd::BorrowedFd<'_>> {
                $inner.descriptor()
            }
        }
    };
}

pub(crate) use delegate;
