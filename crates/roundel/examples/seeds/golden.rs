//! `Golden`: what a seed program printed when it was recorded, and whether it has done so again.
//!
//! A golden file has a header, an empty line, and the recorded lines as they were printed:
//!
//! ```text
//! # where it comes from              a comment
//! class: T,G                         how to compare; see `Class`
//! input: hello                       a line of standard input, if the program reads any
//!
//! @ 1.0                              what follows was printed 1.0 s after the start
//! hello
//! @ end 2.0                          the program ended after 2.0 s
//! ```

use std::{cmp::Ordering, fmt::Write};

use super::{
    transcript::{Line, Transcript},
    words::{Kind, Word, words},
};

/// How a transcript is compared. The letters of the header may be combined.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Class {
    /// T: printed times are compared as times, in tenths of a second. Without it (D) to the byte.
    timed: bool,
    /// G: lines of one instant may come in any order.
    grouped: bool,
    /// M: all lines may.
    any_order: bool,
    /// R: so they may on the real clock, where a program's several speakers overtake each other.
    raced: bool,
    /// X: ports, process numbers, times of day and addresses may be others.
    environment: bool,
}

/// How far times may be off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tolerance {
    /// On a virtual clock: the same tenth of a second.
    Exact,
    /// On the real clock: not early, for a timer never is, and at most so many seconds late.
    Late(f64),
}

impl Tolerance {
    fn allows(self, recorded: f64, came: f64) -> bool {
        let late = (came * 10.0).round() - (recorded * 10.0).round();
        match self {
            Self::Exact => late == 0.0,
            Self::Late(limit) => (0.0..=(limit * 10.0).round()).contains(&late),
        }
    }
}

/// A recorded transcript.
#[derive(Debug, Default)]
pub(crate) struct Golden {
    class: Class,
    input: String,
    lines: Vec<Line>,
    end: Option<f64>,
}

impl Golden {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (header, body) = text.split_once("\n\n").ok_or("no empty line ends the header")?;
        let mut golden = Self::default();
        for line in header.lines() {
            match line.split_once(": ") {
                _ if line.starts_with('#') => {}
                Some(("class", letters)) => golden.class = Class::parse(letters)?,
                Some(("input", line)) => golden.input += &format!("{line}\n"),
                _ => return Err(format!("no header line: {line}")),
            }
        }
        let seconds = |text: &str| text.parse().map_err(|_| format!("no time: {text}"));
        let mut at = None;
        for line in body.lines() {
            match line.strip_prefix("@ ").map(|mark| (mark.strip_prefix("end "), mark)) {
                Some((Some(end), _)) => golden.end = Some(seconds(end)?),
                Some((None, instant)) => at = Some(seconds(instant)?),
                None => golden.lines.push(Line { at, text: line.to_owned() }),
            }
        }
        Ok(golden)
    }

    /// What the program read from standard input.
    pub(crate) fn input(&self) -> &str {
        &self.input
    }

    /// # Errors
    /// Every difference, a line each.
    pub(crate) fn compare(&self, came: &Transcript, tolerance: Tolerance) -> Result<(), String> {
        let mut differences = String::new();
        if came.lines.len() != self.lines.len() {
            let (recorded, came) = (self.lines.len(), came.lines.len());
            let _ = writeln!(differences, "{recorded} lines were recorded, {came} came");
        }
        for (nth, (recorded, came)) in self.pairs(came, tolerance).into_iter().enumerate() {
            if !self.class.accepts(recorded, came, tolerance) {
                let (number, recorded) = (nth + 1, &recorded.text);
                let _ = writeln!(differences, "{number}: recorded: {recorded}");
                let _ = writeln!(differences, "{number}: came:     {}", came.text);
            } else if let (Some(at), Some(now)) = (recorded.at, came.at)
                && !tolerance.allows(at, now)
            {
                let text = &came.text;
                let _ = writeln!(differences, "recorded at {at} s, came at {now:.3} s: {text}");
            }
        }
        if let Some(end) = self.end.filter(|end| !tolerance.allows(*end, came.end)) {
            let _ = writeln!(differences, "recorded end at {end} s, came at {:.3} s", came.end);
        }
        if differences.is_empty() { Ok(()) } else { Err(differences) }
    }

    /// Which line is to be compared with which.
    fn pairs<'a>(
        &'a self,
        came: &'a Transcript,
        tolerance: Tolerance,
    ) -> Vec<(&'a Line, &'a Line)> {
        let mut recorded: Vec<&Line> = self.lines.iter().collect();
        let mut came: Vec<&Line> = came.lines.iter().collect();
        let mut start = 0;
        for length in self.group_lengths(tolerance) {
            let group = |all: usize| start.min(all)..(start + length).min(all);
            let (these, those) = (group(recorded.len()), group(came.len()));
            recorded[these].sort_by(|a, b| self.class.order(a, b));
            came[those].sort_by(|a, b| self.class.order(a, b));
            start += length;
        }
        recorded.into_iter().zip(came).collect()
    }

    /// How many lines at a time have no order of their own.
    fn group_lengths(&self, tolerance: Tolerance) -> Vec<usize> {
        if self.class.any_order || self.class.raced && tolerance != Tolerance::Exact {
            return vec![usize::MAX];
        }
        let same = |a: &Line, b: &Line| self.class.grouped && a.at.is_some() && a.at == b.at;
        self.lines.chunk_by(same).map(<[Line]>::len).collect()
    }
}

impl Class {
    fn parse(letters: &str) -> Result<Self, String> {
        let mut class = Self::default();
        for letter in letters.split(',') {
            match letter {
                "D" => {}
                "T" => class.timed = true,
                "G" => class.grouped = true,
                "M" => class.any_order = true,
                "R" => class.raced = true,
                "X" => class.environment = true,
                _ => {
                    return Err(format!("no class is called {letter}; there are D, T, G, M, R, X"));
                }
            }
        }
        Ok(class)
    }

    fn accepts(self, recorded: &Line, came: &Line, tolerance: Tolerance) -> bool {
        let (recorded, came) = (words(&recorded.text), words(&came.text));
        let accepts = |(recorded, came): (&Word<'_>, &Word<'_>)| match (recorded.kind, came.kind) {
            (Kind::Time(recorded), Kind::Time(came)) if self.timed => {
                tolerance.allows(recorded, came)
            }
            (Kind::Environment, Kind::Environment) if self.environment => true,
            _ => recorded.text == came.text,
        };
        recorded.len() == came.len() && recorded.iter().zip(&came).all(accepts)
    }

    /// By what must be the same, then by the times, which may be off a little. What may be
    /// anything says nothing about the order.
    fn order(self, a: &Line, b: &Line) -> Ordering {
        let key = |line: &Line| {
            let (mut text, mut times) = (String::new(), 0.0);
            for word in words(&line.text) {
                match word.kind {
                    Kind::Time(seconds) if self.timed => times += seconds,
                    Kind::Environment if self.environment => {}
                    _ => text += word.text,
                }
            }
            (text, times)
        };
        let ((a, a_times), (b, b_times)) = (key(a), key(b));
        a.cmp(&b).then(a_times.total_cmp(&b_times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(lines: &[(f64, &str)], end: f64) -> Transcript {
        let line = |&(at, text): &(f64, &str)| Line { at: Some(at), text: text.to_owned() };
        Transcript { lines: lines.iter().map(line).collect(), end }
    }

    /// The differences that a golden text finds in lines that came at 0 s.
    fn differences(golden: &str, came: &[&str]) -> String {
        let lines: Vec<_> = came.iter().map(|text| (0.0, *text)).collect();
        compare(golden, &lines, 0.0, Tolerance::Exact)
    }

    fn compare(golden: &str, came: &[(f64, &str)], end: f64, tolerance: Tolerance) -> String {
        let golden = Golden::parse(golden).expect("well formed");
        golden.compare(&transcript(came, end), tolerance).err().unwrap_or_default()
    }

    #[test]
    fn class_d_is_compared_to_the_byte() {
        let golden = "class: D\n\none 0.1\ntwo\n";
        assert_eq!(differences(golden, &["one 0.1", "two"]), "");
        assert_eq!(
            differences(golden, &["one 0.10", "two"]),
            "1: recorded: one 0.1\n1: came:     one 0.10\n"
        );
        assert_ne!(differences(golden, &["two", "one 0.1"]), "");
    }

    #[test]
    fn a_missing_or_additional_line_is_a_difference() {
        let golden = "class: D\n\none\ntwo\n";
        assert_eq!(differences(golden, &["one"]), "2 lines were recorded, 1 came\n");
        assert_eq!(differences(golden, &["one", "two", ""]), "2 lines were recorded, 3 came\n");
        assert_ne!(differences("class: M\n\n", &["one"]), "");
    }

    #[test]
    fn class_t_rounds_printed_times_to_tenths_and_nothing_else() {
        let golden = "class: T\n\n[1.00106335s] square(3) -> 9\n";
        assert_eq!(differences(golden, &["[1.00000000s] square(3) -> 9"]), "");
        assert_ne!(differences(golden, &["[1.10000000s] square(3) -> 9"]), "");
        assert_ne!(differences(golden, &["[1.00000000s] square(3) -> 8"]), "");
        assert_ne!(differences(golden, &["[1.00000000s] square(3) -> 9 "]), "");
    }

    #[test]
    fn a_real_clock_may_be_late_within_limits_but_never_early() {
        let check = |came: &str, limit: f64| {
            let golden = "class: T\n\n1.0\n";
            compare(golden, &[(0.0, came)], 0.0, Tolerance::Late(limit)).is_empty()
        };
        assert!(check("1.0", 0.1) && check("1.1", 0.1) && check("7.0", f64::INFINITY));
        assert!(!check("1.2", 0.1));
        assert!(!check("0.9", 0.1) && !check("0.9", f64::INFINITY));
    }

    #[test]
    fn lines_have_their_instants_and_the_program_its_end() {
        let check = |at: f64, end: f64| {
            let golden = "class: T\n\n@ 1.0\nhello\n@ end 2.0\n";
            compare(golden, &[(at, "hello")], end, Tolerance::Exact)
        };
        assert_eq!(check(1.0, 2.0), "");
        assert_eq!(check(1.1, 2.0), "recorded at 1 s, came at 1.100 s: hello\n");
        assert_eq!(check(1.0, 1.0), "recorded end at 2 s, came at 1.000 s\n");
    }

    #[test]
    fn class_g_has_no_order_within_an_instant_but_keeps_the_instants_apart() {
        let golden = "class: G\n\n@ 1.0\na\nb\n@ 2.0\na\nc\n";
        let check = |lines: [(f64, &str); 4]| compare(golden, &lines, 2.0, Tolerance::Exact);
        assert_eq!(check([(1.0, "b"), (1.0, "a"), (2.0, "c"), (2.0, "a")]), "");
        assert_ne!(check([(1.0, "b"), (1.0, "c"), (2.0, "a"), (2.0, "a")]), "");
        assert_ne!(check([(1.0, "b"), (2.0, "a"), (2.0, "c"), (2.0, "a")]), "");
    }

    #[test]
    fn class_m_has_no_order_at_all_but_counts() {
        let golden = "class: M,T\n\n@ 0.0\n[0.0s] start\n@ 1.0\n1\n1\n25\n";
        let check = |lines: [(f64, &str); 4]| compare(golden, &lines, 1.0, Tolerance::Exact);
        assert_eq!(check([(1.0, "25"), (1.0, "1"), (0.0, "[0.01s] start"), (1.0, "1")]), "");
        assert_ne!(check([(1.0, "25"), (1.0, "1"), (0.0, "[0.01s] start"), (1.0, "25")]), "");
        assert_ne!(check([(1.0, "25"), (1.0, "1"), (1.0, "[0.01s] start"), (1.0, "1")]), "");
    }

    #[test]
    fn class_r_has_no_order_on_the_real_clock_and_all_of_it_on_the_virtual_one() {
        let golden = "class: R,T\n\n@ 1.0\n1.0 a\n1.0 b\n";
        let check = |lines: [&str; 2], tolerance| {
            compare(golden, &lines.map(|line| (1.0, line)), 1.0, tolerance)
        };
        let late = Tolerance::Late(0.1);
        assert_eq!(check(["1.0 a", "1.0 b"], Tolerance::Exact), "");
        assert_ne!(check(["1.0 b", "1.0 a"], Tolerance::Exact), "");
        assert_eq!(check(["1.1 b", "1.0 a"], late), "");
        assert_ne!(check(["1.0 b", "1.0 b"], late), "");
        assert_ne!(check(["1.0 b", "0.9 a"], late), "");
    }

    #[test]
    fn class_x_lets_the_environment_differ_and_nothing_else() {
        let golden = "class: X,T\n\n0.4 client: ('127.0.0.1', 59990), 0\nat 00:56:52\n";
        let second = "at 12:00:00";
        assert_eq!(differences(golden, &["0.4 client: ('127.0.0.1', 41234), 0", second]), "");
        assert_ne!(differences(golden, &["0.5 client: ('127.0.0.1', 41234), 0", second]), "");
        assert_ne!(differences(golden, &["0.4 client: ('127.0.0.1', 41234), 1", second]), "");
        assert_ne!(differences("class: D\n\nat 00:56:52\n", &[second]), "");
    }

    #[test]
    fn a_header_may_hold_input_and_must_be_understood() {
        let golden = Golden::parse("# seed 3\nclass: D\ninput: one\ninput: two\n\n").unwrap();
        assert_eq!(golden.input(), "one\ntwo\n");
        for wrong in ["class: D", "class: Q\n\n", "clss: D\n\n", "class: D\n\n@ soon\n"] {
            assert!(Golden::parse(wrong).is_err(), "{wrong}");
        }
    }
}
