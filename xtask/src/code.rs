//! The code of a Rust file: the text with comments and literals blanked, line for line.
//!
//! Rules that look for code must not find words; this is a lexer just deep enough for that.

/// The same text with every character of a comment, string or character literal replaced by a
/// space. Line breaks stay, so a line of the result is the line of the file.
pub(crate) fn code_of(text: &str) -> String {
    let mut rest = text;
    let mut code = String::with_capacity(text.len());
    while let Some(first) = rest.chars().next() {
        match blank_length(rest, code.chars().next_back()) {
            0 => {
                code.push(first);
                rest = &rest[first.len_utf8()..];
            }
            length => {
                let (blank, after) = rest.split_at(length);
                code.extend(blank.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
                rest = after;
            }
        }
    }
    code
}

/// How many lines come before the file's module of unit tests.
pub(crate) fn lines_before_tests(code: &str) -> usize {
    let lines: Vec<&str> = code.lines().collect();
    let begins = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ");
    lines.windows(2).position(begins).unwrap_or(lines.len())
}

/// Places of `word` as a whole word: (line from 1, column in bytes).
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.lines().enumerate().flat_map(move |(at, line)| {
        line.match_indices(word).filter_map(move |(column, _)| {
            let (before, after) = (&line[..column], &line[column + word.len()..]);
            let alone = !before.ends_with(is_part) && !after.starts_with(is_part);
            alone.then_some((at + 1, column))
        })
    })
}

/// How many bytes at the start of `rest` are comment or literal; 0 if it is code.
fn blank_length(rest: &str, previous: Option<char>) -> usize {
    let bytes = rest.as_bytes();
    match bytes[0] {
        b'/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
        b'/' if rest.starts_with("/*") => block_comment(rest),
        b'"' => quoted(bytes, b'"'),
        b'r' if !previous.is_some_and(|c| c.is_alphanumeric() && c != 'b' || c == '_') => {
            raw_string(rest).unwrap_or(0)
        }
        // A lifetime has no closing quote where a character literal has it.
        b'\'' if rest[1..].starts_with('\\') => quoted(bytes, b'\''),
        b'\'' => match rest[1..].chars().next() {
            Some(c) if rest[1 + c.len_utf8()..].starts_with('\'') => 2 + c.len_utf8(),
            _ => 0,
        },
        _ => 0,
    }
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest.as_bytes()[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.as_bytes()[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn quoted(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest[1..].bytes().take_while(|byte| *byte == b'#').count();
    let body = rest[1 + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(2 + hashes + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked() {
        let rows = [
            ("a // unsafe", "a"),
            ("a /* x /* y */ \n z */ b", "a\n      b"),
            (r#"f("a \" b", 'c', '\'', '"')"#, "f(        ,    ,     ,    )"),
            (r##"r#"say "hi" // no"# + x"##, "                    + x"),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
            ("for r in bar {}", "for r in bar {}"),
            (r#"b"x" br"\" c"#, "b    b     c"),
        ];
        for (text, expected) in rows {
            let code: Vec<String> =
                code_of(text).lines().map(|line| line.trim_end().to_owned()).collect();
            assert_eq!(code.join("\n"), expected, "{text}");
        }
    }

    #[test]
    fn words_are_whole() {
        let found: Vec<_> = words("unsafe_code unsafe {\nx.unsafe()", "unsafe").collect();
        assert_eq!(found, [(1, 12), (2, 2)]);
    }

    #[test]
    fn unit_tests_are_a_module_of_their_own() {
        assert_eq!(lines_before_tests("fn a() {}\n\n#[cfg(test)]\nmod tests {}\n"), 2);
        assert_eq!(lines_before_tests("#[cfg(test)]\nfn for_tests() {}\nfn a() {}\n"), 3);
    }
}
