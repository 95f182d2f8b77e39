//! Response files: `@file` stands for the words in the file.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// How deep response files may name each other.
const DEPTH: u32 = 16;

/// Replaces every `@file` by its words; one that cannot be read stays, as with GCC.
pub(crate) fn expand(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    expand_to(words, DEPTH)
}

fn expand_to(words: impl IntoIterator<Item = OsString>, depth: u32) -> Vec<OsString> {
    let mut out = Vec::new();
    for word in words {
        let name = word.as_bytes().strip_prefix(b"@").map(std::ffi::OsStr::from_bytes);
        match name.filter(|_| depth > 0).and_then(|name| std::fs::read(name).ok()) {
            Some(text) => out.extend(expand_to(split(&text), depth - 1)),
            None => out.push(word),
        }
    }
    out
}

/// Words separated by white space; quotes and backslashes as GCC reads them.
fn split(text: &[u8]) -> Vec<OsString> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (_, b'\\') => word.get_or_insert_default().extend(bytes.next()),
            (Some(open), _) if open == byte => quote = None,
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (None, _) if byte.is_ascii_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    words.into_iter().map(OsString::from_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_like_gcc() {
        let text = b"-c 'a b.c'\n\"-DX=\\\"y\\\"\"  e\\ f ''\t";
        let expected = ["-c", "a b.c", "-DX=\"y\"", "e f", ""];
        assert_eq!(split(text), expected.map(OsString::from));
    }

    #[test]
    fn files_may_name_files_and_a_missing_one_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let (inner, outer) = (folder.path().join("inner"), folder.path().join("outer"));
        std::fs::write(&inner, "-c").expect("written");
        std::fs::write(&outer, format!("-O2 @{}", inner.display())).expect("written");
        let words = [format!("@{}", outer.display()).into(), OsString::from("@/nowhere")];
        assert_eq!(expand(words), ["-O2", "-c", "@/nowhere"].map(OsString::from));
    }
}
