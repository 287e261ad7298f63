//! `Word`: the pieces of a transcript's line that are compared each in its own way.

/// A piece of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Word<'a> {
    pub(crate) text: &'a str,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// To be the same in every run.
    Plain,
    /// A number with a decimal point: seconds.
    Time(f64),
    /// A port, a process's number, a time of day, a date, an address: another one in every run.
    Environment,
}

/// Splits a line; the texts of the words, put together, are the line again.
pub(crate) fn words(line: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let plain = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (text, figures) = rest.split_at(plain);
        if !text.is_empty() {
            words.push(Word { text, kind: Kind::Plain });
        }
        let (text, after) = figures.split_at(length_of_figures(figures));
        if !text.is_empty() {
            words.push(Word { text, kind: kind(text) });
        }
        rest = after;
    }
    words
}

/// How far a number, a time of day, a date or an address goes. Punctuation behind it is not its.
fn length_of_figures(text: &str) -> usize {
    let belongs = |c: char| c.is_ascii_hexdigit() || "x.:-".contains(c);
    let run = &text[..text.find(|c| !belongs(c)).unwrap_or(text.len())];
    run.trim_end_matches(['x', '.', ':', '-']).len()
}

fn kind(figures: &str) -> Kind {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match figures.split_once('.') {
        Some((whole, tenths)) if is_number(whole) && is_number(tenths) => {
            figures.parse().map_or(Kind::Plain, Kind::Time)
        }
        // Ports and processes have long numbers; a program's own are short.
        None if is_number(figures) && figures.len() < 4 => Kind::Plain,
        None if !is_number(figures) && !figures.contains([':', '-', 'x']) => Kind::Plain,
        _ => Kind::Environment,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[(&str, Kind)]) {
        let expected: Vec<_> = expected.iter().map(|&(text, kind)| Word { text, kind }).collect();
        assert_eq!(words(line), expected);
        assert_eq!(words(line).iter().map(|word| word.text).collect::<String>(), line);
    }

    #[test]
    fn seconds_have_a_decimal_point() {
        check(
            "[1.25s] square(3, ) -> 9",
            &[
                ("[", Kind::Plain),
                ("1.25", Kind::Time(1.25)),
                ("s] square(", Kind::Plain),
                ("3", Kind::Plain),
                (", ) -> ", Kind::Plain),
                ("9", Kind::Plain),
            ],
        );
        check("", &[]);
        check("at 0.5.", &[("at ", Kind::Plain), ("0.5", Kind::Time(0.5)), (".", Kind::Plain)]);
    }

    #[test]
    fn what_differs_from_run_to_run_is_told_apart() {
        for text in ["59990", "127.0.0.1", "00:56:52", "2024-05-01", "0x7fc5b5fdab10"] {
            check(text, &[(text, Kind::Environment)]);
        }
        for text in ["256", "3d", "7"] {
            check(text, &[(text, Kind::Plain)]);
        }
    }
}
