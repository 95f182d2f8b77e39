//! Tests of the search and of the checks, with files in a folder of their own.

use super::*;
use std::os::unix::fs::{PermissionsExt, chown};

fn write(folder: &Path, name: &str, bytes: &[u8], mode: u32) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("write");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("chmod");
    path
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

fn code(result: Result<Program>) -> u8 {
    result.expect_err("must be refused").exit_code()
}

#[test]
fn finds_along_path() {
    let found = resolve(OsStr::new("true"), &words(&["x"]), None).expect("true");
    assert_eq!(found.execfn, "/bin/true");
    assert_eq!(found.argv, words(&["true", "x"]));
    assert_eq!(found.exe, fs::canonicalize("/bin/true").expect("canonical"));
}

#[test]
fn missing_is_127_and_forbidden_is_126() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path();
    let plain = write(path, "plain", b"#!/bin/sh\n", 0o644);
    assert_eq!(code(resolve(OsStr::new("no-such-program"), &[], Some(path.as_os_str()))), 127);
    assert_eq!(code(resolve(path.join("absent").as_os_str(), &[], None)), 127);
    assert_eq!(code(resolve(OsStr::new(""), &[], None)), 127);
    assert_eq!(code(resolve(plain.as_os_str(), &[], None)), 126);
    assert_eq!(code(resolve(OsStr::new("plain"), &[], Some(path.as_os_str()))), 126);
    assert_eq!(code(resolve(path.as_os_str(), &[], None)), 126);
    assert_eq!(code(resolve(OsStr::new("/dev/null"), &[], None)), 126);
}

#[test]
fn other_kinds_of_file_are_126() {
    let folder = tempfile::tempdir().expect("folder");
    let mut elf = fs::read("/bin/true").expect("true");
    let setuid = write(folder.path(), "setuid", &elf, 0o4755);
    let setgid = write(folder.path(), "setgid", &elf, 0o2755);
    elf[18] = 183;
    let arm = write(folder.path(), "arm", &elf, 0o755);
    let binary = write(folder.path(), "binary", b"\0\x01\x02\n", 0o755);
    for file in [&setuid, &setgid] {
        resolve(file.as_os_str(), &[], None).expect("one's own, of one's own group: nobody changes");
        let mode = fs::metadata(file).expect("file").permissions();
        // Only root can give files away.
        if !geteuid().is_root() {
            continue;
        }
        chown(file, Some(65534), Some(65534)).expect("chown");
        fs::set_permissions(file, mode).expect("chown has taken the bits");
        assert_eq!(code(resolve(file.as_os_str(), &[], None)), 126, "{}", file.display());
    }
    for file in [arm, binary] {
        assert_eq!(code(resolve(file.as_os_str(), &[], None)), 126, "{}", file.display());
    }
}

#[test]
fn scripts_become_their_interpreter() {
    let folder = tempfile::tempdir().expect("folder");
    let inner = write(folder.path(), "inner", b"#!/bin/sh  -e  -u \necho\n", 0o755);
    let outer = write(folder.path(), "outer", format!("#! {}\t\n", inner.display()).as_bytes(), 0o755);
    let found = resolve(outer.as_os_str(), &words(&["a", "b"]), None).expect("script");
    let expected = ["/bin/sh", "-e  -u", inner.to_str().expect("utf8"), outer.to_str().expect("utf8"), "a", "b"];
    assert_eq!(found.argv, words(&expected));
    assert_eq!(found.execfn, outer.as_os_str());
    assert_eq!(found.exe, fs::canonicalize("/bin/sh").expect("canonical"));
}

#[test]
fn scripts_without_interpreter() {
    let folder = tempfile::tempdir().expect("folder");
    let missing = write(folder.path(), "missing", b"#!/no/such/interpreter\n", 0o755);
    let denied = write(folder.path(), "denied", b"#!/etc/passwd\n", 0o755);
    let text = write(folder.path(), "text", b"echo hello\n", 0o755);
    let own = folder.path().join("own");
    write(folder.path(), "own", format!("#!{}\n", own.display()).as_bytes(), 0o755);
    assert_eq!(code(resolve(missing.as_os_str(), &[], None)), 127);
    assert_eq!(code(resolve(denied.as_os_str(), &[], None)), 126);
    assert_eq!(code(resolve(own.as_os_str(), &[], None)), 126);
    let found = resolve(text.as_os_str(), &words(&["a"]), None).expect("text");
    assert_eq!(found.argv, words(&["/bin/sh", text.to_str().expect("utf8"), "a"]));
    assert_eq!(found.execfn, "/bin/sh");
}

#[test]
fn shebang_lines_as_the_kernel_reads_them() {
    let parse = |line: &[u8]| {
        parse_shebang(line).map(|(name, argument)| {
            (name.into_string().expect("utf8"), argument.map(|text| text.into_string().expect("utf8")))
        })
    };
    assert_eq!(parse(b"#!/bin/sh\n"), Some(("/bin/sh".into(), None)));
    assert_eq!(parse(b"#!/bin/sh"), Some(("/bin/sh".into(), None)));
    assert_eq!(parse(b"#! \t/bin/sh \t-x y\t \nz"), Some(("/bin/sh".into(), Some("-x y".into()))));
    assert_eq!(parse(b"#!\n"), None);
    assert_eq!(parse(b"#!   \t \n"), None);
    assert_eq!(parse(b"#!"), None);
    let long = [b"#!/".as_slice(), &[b'a'; 253]].concat();
    assert_eq!(parse(&long), None);
    let cut = [b"#!/bin/sh ".as_slice(), &[b'a'; 246]].concat();
    assert_eq!(parse(&cut), Some(("/bin/sh".into(), Some("a".repeat(245)))));
}
