//! More is ready than there is room for: everybody gets a turn.
use std::collections::BTreeSet;

use roundel_selector::{Events, Interest, Selector, Token};

use crate::bench::{every, pair, watch};

// spec: SEL-20
#[test]
fn nobody_starves_when_the_list_is_short() {
    every(|selector| {
        let sockets: Vec<_> = (0..10).map(|_| pair()).collect();
        for (token, (near, _)) in sockets.iter().enumerate() {
            watch(selector, near, token, Interest::WRITE);
        }
        for capacity in [1, 3, 7, 10, 300] {
            let rounds = 10_usize.div_ceil(capacity);
            let everyone = (0..10).map(Token).collect();
            // Two rounds more than needed: the scan may begin in the middle.
            assert_eq!(seen(selector, capacity, rounds + 2), everyone, "capacity {capacity}");
        }
    });
}

fn seen(selector: &mut dyn Selector, capacity: usize, rounds: usize) -> BTreeSet<Token> {
    let mut seen = BTreeSet::new();
    let mut events = Events::with_capacity(capacity);
    for _ in 0..rounds {
        selector.select(&mut events, None).unwrap();
        assert!(events.len() <= capacity);
        seen.extend(events.iter().map(|event| event.token));
    }
    seen
}

#[test]
fn there_is_room_for_one_at_least() {
    assert_eq!(Events::with_capacity(0).capacity(), 1);
}
