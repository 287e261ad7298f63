//! The separator search, over bytes that come in pieces, against looking at each end one by one.
//!
//! The search is the stream crate's own file, as nobody outside should call it.
#![no_main]

#[path = "../../crates/roundel-stream/src/find.rs"]
mod find;

use find::{Found, find, searched};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((separators, text)) = separators(input) else { return };
    let separators: Vec<&[u8]> = separators.iter().map(|it| &it[..]).collect();
    // The text's own bytes say how it is cut.
    let (mut came, mut from) = (0, 0);
    while came < text.len() {
        came = text.len().min(came + 1 + usize::from(text[came] % 7));
        let there = &text[..came];
        let found = find(there, &separators, from);
        assert_eq!(found, slowly(there, &separators), "{separators:?} in {there:?}");
        if found.is_some() {
            return;
        }
        from = searched(came, &separators);
        // Behind it no separator can have begun; before it, none will be found.
        assert!(from <= came);
        for more in &separators {
            let longer = [there, more].concat();
            assert_eq!(find(&longer, &separators, from), slowly(&longer, &separators));
        }
    }
});

/// Up to three separators of up to four bytes, and the text behind them; of four letters, so that
/// separators are there and overlap.
fn separators(input: &[u8]) -> Option<(Vec<Vec<u8>>, Vec<u8>)> {
    let (&count, mut rest) = input.split_first()?;
    let mut separators = Vec::new();
    for _ in 0..=count % 3 {
        let (&len, behind) = rest.split_first()?;
        let separator = behind.get(..1 + usize::from(len % 4))?;
        separators.push(letters(separator));
        rest = &behind[separator.len()..];
    }
    Some((separators, letters(rest)))
}

fn letters(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| b"ab\r\n"[usize::from(byte % 4)]).collect()
}

/// The first end at which a separator has come, and the shortest one that ends there.
fn slowly(text: &[u8], separators: &[&[u8]]) -> Option<Found> {
    (0..=text.len()).find_map(|end| {
        let ending = separators.iter().filter(|separator| text[..end].ends_with(separator));
        let len = ending.map(|separator| separator.len()).min()?;
        Some(Found { begin: end - len, end })
    })
}
