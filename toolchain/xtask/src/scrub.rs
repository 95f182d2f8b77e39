//! Rust source with comments and the contents of literals blanked out, so that a word found in it is code.
//!
//! This is a lexer for exactly that purpose: line and nested block comments, strings with escapes, raw strings, byte
//! and C strings, characters as opposed to lifetimes. Line breaks stay where they are.

/// Blanks comments; with `literals` also what stands between quotes.
fn blank(source: &str, literals: bool) -> String {
    let bytes = source.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let (end, is_literal) = token_end(bytes, at);
        let is_comment = bytes[at..].starts_with(b"//") || bytes[at..].starts_with(b"/*");
        if is_comment || (is_literal && literals) {
            for byte in &mut out[at..end] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
        }
        at = end;
    }
    // Whole characters were overwritten or none, so this is still UTF-8.
    String::from_utf8(out).unwrap_or_default()
}

/// Source without comments and literals.
pub fn code(source: &str) -> String {
    blank(source, true)
}

/// Source without comments.
pub fn without_comments(source: &str) -> String {
    blank(source, false)
}

/// Where the comment, literal or single byte that begins at `at` ends, and whether it is a literal.
fn token_end(bytes: &[u8], at: usize) -> (usize, bool) {
    let rest = &bytes[at..];
    let begins_word = at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    if rest.starts_with(b"//") {
        return (at + rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len()), false);
    }
    if rest.starts_with(b"/*") {
        return (at + block_comment(rest), false);
    }
    if begins_word && let Some(length) = raw_string(rest) {
        return (at + length, true);
    }
    match rest[0] {
        b'"' => (at + quoted(rest, b'"'), true),
        b'\'' if is_character(rest) => (at + quoted(rest, b'\''), true),
        _ => (at + 1, false),
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
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

/// Length of a raw string (`r"..."`, `br#"..."#`, `cr"..."`) at the start of `rest`.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let prefix = [b"r".as_slice(), b"br", b"cr"].into_iter().find(|prefix| rest.starts_with(prefix))?;
    let hashes = rest[prefix.len()..].iter().take_while(|&&byte| byte == b'#').count();
    let open = prefix.len() + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let close = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    let body = &rest[open + 1..];
    let end = body.windows(close.len()).position(|window| window == close);
    Some(end.map_or(rest.len(), |end| open + 1 + end + close.len()))
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// A quote begins a character and not a lifetime when an escape follows, or exactly one character and a quote.
fn is_character(rest: &[u8]) -> bool {
    if rest.get(1) == Some(&b'\\') {
        return true;
    }
    let text = std::str::from_utf8(&rest[1..rest.len().min(9)])
        .or_else(|error| std::str::from_utf8(&rest[1..=error.valid_up_to()]));
    text.is_ok_and(|text| text.chars().nth(1) == Some('\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_comments_and_literals_but_keeps_lines() {
        let source = "let a = \"unsafe\"; // unsafe\n/* unsafe /* nested */\n*/ let b = 'x';\n";
        let clean = code(source);
        assert!(!clean.contains("unsafe"));
        assert!(clean.contains("let b ="));
        assert_eq!(clean.lines().count(), source.lines().count());
    }

    #[test]
    fn raw_strings_end_at_their_own_hashes() {
        let clean = code("let a = r#\"one \" unsafe\"#; keep(br\"unsafe\")");
        assert!(!clean.contains("unsafe"));
        assert!(clean.contains("; keep("));
    }

    #[test]
    fn lifetimes_are_not_characters() {
        let clean = code("fn f<'a>(x: &'a str) -> char { '\\'' } // end\nunsafe");
        assert!(clean.contains("fn f<'a>(x: &'a str)"));
        assert!(clean.ends_with("unsafe"));
        assert!(!clean.contains("end"));
    }

    #[test]
    fn a_word_that_ends_in_r_does_not_open_a_raw_string() {
        assert!(code("concat!(var\"x\", keep)").contains("keep"));
    }

    #[test]
    fn comments_alone_can_go() {
        assert_eq!(without_comments("f(\"// no\"); // yes").trim_end(), "f(\"// no\");");
    }
}
