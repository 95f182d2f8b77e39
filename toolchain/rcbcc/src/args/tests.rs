//! Tests of reading command lines.

use super::*;

fn args(words: &str) -> Args {
    parse(words.split_whitespace().map(OsString::from).collect()).expect("a command line")
}

fn inputs(words: &str) -> Vec<String> {
    args(words).inputs.iter().map(|input| input.path.to_string_lossy().into_owned()).collect()
}

#[test]
fn values_are_not_inputs() {
    assert_eq!(inputs("-I inc -include a.h -o out -Xclang -foo -MF x.d -L lib b.c -lm c.o"), ["b.c", "c.o"]);
}

#[test]
fn knows_where_to_stop() {
    for (words, stop) in [
        ("a.c", Stop::Link),
        ("-c a.c", Stop::Object),
        ("-S a.c", Stop::Assembly),
        ("-E -c a.c", Stop::Other),
        ("-c -MM a.c", Stop::Other),
        ("-print-search-dirs", Stop::Other),
        ("--version", Stop::Other),
        ("-MD -c a.c", Stop::Object),
    ] {
        assert_eq!(args(words).stop, stop, "{words}");
    }
}

#[test]
fn languages_hold_until_the_next() {
    let all = args("-x c a -xc++ b -x none c.c");
    let languages: Vec<_> = all.inputs.iter().map(|input| input.language.clone()).collect();
    assert_eq!(languages, [Some("c".into()), Some("c++".into()), None]);
}

#[test]
fn our_options_do_not_reach_clang() {
    let all = args("--protect swift+cfc --report=r.json --protect-only=f -O2 -c a.c --require-hardening");
    assert_eq!(all.ours.protection.to_string(), "swift+cfc");
    assert!(all.ours.require);
    assert_eq!(all.compile, ["-O2"].map(OsString::from));
}

#[test]
fn order_of_the_link_is_kept() {
    let all = args("a.o -Wl,--as-needed -lm b.o -O2 -lc -o x");
    let words: Vec<_> = all
        .link
        .iter()
        .map(|word| match word {
            Word::Option(option) => option.to_string_lossy().into_owned(),
            Word::Input(index) => format!("#{index}"),
        })
        .collect();
    assert_eq!(words, ["#0", "-Wl,--as-needed", "-lm", "#1", "-O2", "-lc"]);
}

#[test]
fn some_are_refused_with_a_reason() {
    for words in ["-flto a.c", "-flto=thin a.c", "-fuse-ld=bfd a.o", "-emit-llvm -c a.c"] {
        assert_eq!(args(words).refused.len(), 1, "{words}");
    }
    assert!(args("-fno-lto -fuse-ld=lld a.c").refused.is_empty());
}

#[test]
fn a_missing_value_is_an_error() {
    assert!(parse(vec!["-o".into()]).is_err());
    assert!(parse(vec!["--protect=everything".into()]).is_err());
}
