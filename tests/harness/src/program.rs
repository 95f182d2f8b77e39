//! Guest programs: C or assembly with directives in the comment at their top.
//!
//! ```text
//!  // covers: pread64 readv      calls or features the program is about (required)
//!  // needs: avx                 see `require`; the program is skipped where it is missing
//!  // flags: -O0 -lm             words for the compiler
//!  // variants: pie static       how it is linked: pie (the default), no-pie, static, static-pie, bare (no libc)
//!  // args: one two              arguments
//!  // env: NAME=value            one variable (may be repeated)
//!  // stdin: text\n              standard input
//!  // status: 3                  exit status, 0 if absent
//!  // signal: SIGSEGV            death by a signal instead
//!  // token: none                the last line is not DONE
//! ```

use crate::case::Case;
use crate::conform::Expected;
use crate::outcome::Ended;
use nix::sys::signal::Signal;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr as _;
use std::sync::OnceLock;

/// A program and what its directives say.
#[derive(Clone, Debug)]
pub struct Program {
    /// `family/name`.
    pub name: String,
    /// The source.
    pub source: PathBuf,
    covers: Vec<String>,
    /// What it needs, see [`crate::require::missing`].
    pub needs: Vec<String>,
    /// The ways in which it is linked.
    pub variants: Vec<String>,
    flags: Vec<String>,
    args: Vec<String>,
    env: Vec<(String, String)>,
    stdin: Option<Vec<u8>>,
    ended: Ended,
    token: Option<String>,
}

/// All programs below `tests/programs`, in order of name.
///
/// # Panics
/// If a program has no directive `covers`, or one that is not known.
pub fn all() -> Vec<Program> {
    let root = crate::tests_dir().join("programs");
    let mut found = Vec::new();
    for family in fs::read_dir(&root).expect("tests/programs is there").flatten().filter(|e| e.path().is_dir()) {
        for item in fs::read_dir(family.path()).expect("a folder can be listed").flatten() {
            let path = item.path();
            if path.extension().is_some_and(|e| e == "c" || e == "S") {
                found.push(Program::load(&root, &path));
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// The program with this name.
///
/// # Panics
/// If there is none.
pub fn named(name: &str) -> Program {
    let root = crate::tests_dir().join("programs");
    Program::load(&root, &root.join(format!("{name}.c")))
}

impl Program {
    fn load(root: &Path, source: &Path) -> Self {
        let text = fs::read_to_string(source).expect("a source can be read");
        let relative = source.strip_prefix(root).expect("programs lie below their root").with_extension("");
        let mut program = Self {
            name: relative.display().to_string(),
            source: source.to_path_buf(),
            covers: Vec::new(),
            needs: Vec::new(),
            variants: vec!["pie".into()],
            flags: Vec::new(),
            args: Vec::new(),
            env: Vec::new(),
            stdin: None,
            ended: Ended::Exit(0),
            token: Some("DONE".into()),
        };
        for line in text.lines().take_while(|line| line.starts_with("//")) {
            let line = line.trim_start_matches('/').trim();
            if let Some((key, value)) = line.split_once(": ")
                && !key.contains(' ')
            {
                program.directive(key, value.trim());
            }
        }
        assert!(!program.covers.is_empty(), "{}: no directive `covers`", program.name);
        program
    }

    fn directive(&mut self, key: &str, value: &str) {
        let words = || value.split_whitespace().map(String::from).collect();
        match key {
            "covers" => self.covers = words(),
            "needs" => self.needs = words(),
            "variants" => self.variants = words(),
            "flags" => self.flags = words(),
            "args" => self.args = words(),
            "env" => {
                let (name, value) = value.split_once('=').expect("env: NAME=value");
                self.env.push((name.into(), value.into()));
            }
            "stdin" => self.stdin = Some(value.replace("\\n", "\n").into_bytes()),
            "status" => self.ended = Ended::Exit(value.parse().expect("status: a number")),
            "signal" => {
                self.ended = Ended::Signal(Signal::from_str(value).expect("signal: a name as SIGSEGV") as i32);
                self.token = None;
            }
            "token" => self.token = (value != "none").then(|| value.into()),
            other => panic!("{}: directive `{other}` is not known", self.name),
        }
    }

    /// The calls and features it is about.
    pub fn covers(&self) -> &[String] {
        &self.covers
    }

    /// The case that runs one variant, compiled if it is not yet.
    pub fn case(&self, name: &str, variant: &str) -> io::Result<Case> {
        let binary = self.compile(variant)?;
        let mut case = Case::program(name, &binary, &self.args);
        case.env.clone_from(&self.env);
        case.stdin.clone_from(&self.stdin);
        Ok(case)
    }

    /// How its native run must end.
    pub fn expected(&self) -> Expected {
        Expected { ended: Some(self.ended), last_line: self.token.clone() }
    }

    /// Compiles one variant; what was compiled from the same text is used again.
    pub fn compile(&self, variant: &str) -> io::Result<PathBuf> {
        let mut words: Vec<String> = FLAGS.iter().map(|flag| (*flag).into()).collect();
        words.extend(linking(variant).iter().map(|s| (*s).into()));
        let header = self.source.with_file_name("../check.h");
        let mut hash = DefaultHasher::new();
        (compiler_version(), &words, &self.flags, fs::read(&self.source)?, fs::read(&header)?).hash(&mut hash);
        let stem = self.name.replace('/', "-");
        // A folder per hash, so that argv[0] is a plain name.
        let folder =
            crate::target_dir().join("rcb-tests-programs").join(format!("{stem}-{variant}-{:016x}", hash.finish()));
        let binary = folder.join(&stem);
        if binary.exists() {
            return Ok(binary);
        }
        fs::create_dir_all(&folder)?;
        let unfinished = folder.join(format!("{stem}.{}", std::process::id()));
        let output = Command::new("cc")
            .args(&words)
            .arg("-I")
            .arg(crate::tests_dir().join("programs"))
            .arg("-o")
            .arg(&unfinished)
            .arg(&self.source)
            .args(&self.flags)
            .output()?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        fs::rename(&unfinished, &binary)?;
        Ok(binary)
    }
}

/// The compiler's usual warnings without those that see through deliberate mistakes.
const FLAGS: [&str; 12] = [
    "-O1",
    "-g",
    "-Wall",
    "-Werror",
    "-Wno-unused-result",
    "-Wno-nonnull",
    "-Wno-stringop-overflow",
    "-Wno-stringop-overread",
    "-Wno-format-overflow",
    "-Wno-infinite-recursion",
    "-Wno-missing-braces",
    "-D_GNU_SOURCE",
];

fn linking(variant: &str) -> &'static [&'static str] {
    match variant {
        "pie" => &["-fPIE", "-pie"],
        "no-pie" => &["-fno-pie", "-no-pie"],
        "static" => &["-fno-pie", "-static"],
        "static-pie" => &["-fPIE", "-static-pie"],
        "bare" => &["-fno-pie", "-nostdlib", "-static", "-fno-stack-protector"],
        other => panic!("variant `{other}` is not known"),
    }
}

fn compiler_version() -> &'static [u8] {
    static VERSION: OnceLock<Vec<u8>> = OnceLock::new();
    VERSION.get_or_init(|| Command::new("cc").arg("--version").output().map(|o| o.stdout).unwrap_or_default())
}
