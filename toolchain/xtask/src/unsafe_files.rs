//! Where `unsafe` may stand: in files that open with an allow and its reason.
//!
//! The compiler's lint is satisfied by an allow anywhere above, for instance in a parent module; here every file has to
//! say so itself, so that the list of files is the list of places to review.

use crate::Finding;
use crate::scrub;
use crate::tree::Tree;

/// What a file with `unsafe` in it must open with, possibly with more lints in the list.
const OPENING: &str = "#![allow(unsafe_code, reason = \"";

/// Files that contain `unsafe`, whether they may or not.
pub fn list(tree: &Tree) -> Vec<&str> {
    tree.rust().filter(|(_, text)| uses_unsafe(text)).map(|(name, _)| name).collect()
}

/// Refuses `unsafe` in a file that does not open with an allow and a reason, and an allow in a file that has none.
pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust().filter_map(|(name, text)| judge(name, text)).collect()
}

fn judge(name: &str, text: &str) -> Option<Finding> {
    match (uses_unsafe(text), opens(text)) {
        (true, false) => Some(Finding::error(name, format!("contains unsafe code but no `{OPENING}...\")]`"))),
        (false, true) => Some(Finding::error(name, "allows unsafe code but contains none")),
        _ => None,
    }
}

/// Whether an inner attribute allows unsafe code and says why.
fn opens(text: &str) -> bool {
    let clean = scrub::without_comments(text);
    let attributes = clean.split("#![allow(").skip(1).filter_map(|rest| rest.split_once(")]"));
    attributes.into_iter().any(|(inner, _)| inner.contains("unsafe_code") && inner.contains("reason = \""))
}

/// Whether the keyword occurs, or an attribute or macro that the lint counts as unsafe code.
fn uses_unsafe(text: &str) -> bool {
    let code = scrub::code(text);
    let words = code.split(|byte: char| !byte.is_alphanumeric() && byte != '_');
    let counts = ["unsafe", "no_mangle", "export_name", "link_section", "global_asm", "naked_asm"];
    words.into_iter().any(|word| counts.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOW: &str = "//! Head.\n#![allow(unsafe_code, reason = \"calls the kernel\")]\n";

    #[test]
    fn wants_the_allow_in_the_file_itself() {
        let body = "fn f() { unsafe { g() } }\n";
        let with = format!("{ALLOW}{body}");
        let tree = Tree::of(&[("good.rs", &with), ("bad.rs", body)]);
        let findings = check(&tree);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].place, "bad.rs");
        assert_eq!(list(&tree), ["bad.rs", "good.rs"]);
    }

    #[test]
    fn an_allow_without_a_reason_does_not_do() {
        let tree = Tree::of(&[("a.rs", "#![allow(unsafe_code)]\nfn f() { unsafe { g() } }\n")]);
        assert_eq!(check(&tree).len(), 1);
    }

    #[test]
    fn an_allow_may_name_more_lints() {
        let text = "#![allow(unsafe_code, unreachable_pub, reason = \"symbols\")]\nfn f() { unsafe { g() } }\n";
        assert_eq!(check(&Tree::of(&[("a.rs", text)])), []);
    }

    #[test]
    fn an_allow_in_a_comment_does_not_do() {
        let tree = Tree::of(&[("a.rs", "// #![allow(unsafe_code, reason = \"x\")]\nfn f() { unsafe { g() } }\n")]);
        assert_eq!(check(&tree).len(), 1);
    }

    #[test]
    fn the_word_in_text_is_not_code_and_an_idle_allow_is_refused() {
        assert_eq!(check(&Tree::of(&[("a.rs", "//! Never unsafe.\nconst A: &str = \"unsafe\";\n")])), []);
        assert_eq!(check(&Tree::of(&[("a.rs", ALLOW)])).len(), 1);
    }
}
