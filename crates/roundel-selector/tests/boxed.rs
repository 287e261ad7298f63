//! A selector behind a box, or chosen as the default, answers every question as the one inside.
#![cfg(target_os = "linux")]

use roundel_selector::{DefaultSelector, EpollSelector, PollSelector, Selector, by_name};

fn answers(selector: &impl Selector) -> (&'static str, bool, bool, bool) {
    let descriptor = selector.descriptor().is_some();
    (selector.name(), selector.supports_edge(), selector.reports_close(), descriptor)
}

#[test]
fn a_box_hides_no_answer() {
    let epoll = EpollSelector::new().unwrap();
    assert_eq!(answers(&epoll), ("epoll", true, true, true));
    assert_eq!(answers(&by_name("epoll").unwrap()), answers(&epoll));
    assert_eq!(answers(&DefaultSelector::new().unwrap()), answers(&epoll));
    let poll = PollSelector::new().unwrap();
    assert_eq!(answers(&by_name("poll").unwrap()), answers(&poll));
}
