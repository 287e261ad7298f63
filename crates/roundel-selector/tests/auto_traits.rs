//! Which types may cross threads.
use roundel_selector::{
    Events, Notifier, PollingSelector, SelectorError, SelectorKey, SelectorMap, Source, Token,
};

fn send<T: Send>() {}
fn send_and_sync<T: Send + Sync>() {}

#[test]
fn sources_and_notifiers_cross_threads() {
    send_and_sync::<Source>();
    send_and_sync::<Notifier>();
    send_and_sync::<Events>();
    send_and_sync::<Token>();
    send_and_sync::<SelectorError>();
    send_and_sync::<SelectorKey<u8>>();
}

#[test]
fn selectors_move_to_other_threads() {
    send::<PollingSelector>();
    send::<SelectorMap<u8, PollingSelector>>();
}

#[cfg(target_os = "linux")]
#[test]
fn selectors_of_linux_move_to_other_threads() {
    send::<roundel_selector::EpollSelector>();
    send::<roundel_selector::PollSelector>();
    send::<roundel_selector::SelectSelector>();
}
