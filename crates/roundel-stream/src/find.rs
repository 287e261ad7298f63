//! Separators: which of them ends first. Pure.

use memchr::memmem;

/// A separator's place, counted from the first unread byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) begin: usize,
    pub(crate) end: usize,
}

/// The separator that ends first in `bytes`, none of which begins before `from`; of two that end
/// together, the shorter.
pub(crate) fn find(bytes: &[u8], separators: &[&[u8]], from: usize) -> Option<Found> {
    let rest = bytes.get(from..)?;
    let places = separators.iter().filter_map(|separator| {
        let begin = from + memmem::find(rest, separator)?;
        Some(Found { begin, end: begin + separator.len() })
    });
    places.min_by_key(|found| (found.end, found.end - found.begin))
}

/// How far `len` bytes without a separator need not be searched again: a separator of which the
/// last byte is still to come may begin behind it.
pub(crate) fn searched(len: usize, separators: &[&[u8]]) -> usize {
    let longest = separators.iter().map(|separator| separator.len()).max().unwrap_or(0);
    (len + 1).saturating_sub(longest)
}

#[cfg(test)]
mod tests {
    use super::{Found, find, searched};

    #[test]
    fn what_ends_first_is_found() {
        let check = |bytes: &[u8], separators: &[&[u8]], expected| {
            let found = find(bytes, separators, 0).map(|Found { begin, end }| (begin, end));
            assert_eq!(found, expected, "{separators:?} in {bytes:?}");
        };
        check(b"ab\ncd", &[b"\n"], Some((2, 3)));
        check(b"ab", &[b"\n"], None);
        check(b"abcdef", &[b"bcde", b"cd"], Some((2, 4)));
        check(b"abcd", &[b"abcd", b"cd"], Some((2, 4)));
        check(b"a\r\n\r\n", &[b"\r\n\r\n", b"\n\n"], Some((1, 5)));
        check(b"", &[b"x"], None);
    }

    #[test]
    fn a_separator_that_has_begun_is_searched_again() {
        assert_eq!(searched(10, &[b"\n"]), 10);
        assert_eq!(searched(10, &[b"\n", b"abcd"]), 7);
        assert_eq!(searched(2, &[b"abcd"]), 0);
    }
}
