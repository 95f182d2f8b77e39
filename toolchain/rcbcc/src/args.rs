//! The command line of a compiler, as far as it must be understood: what goes in, what comes out, where it stops.
//!
//! Options are rows of a table. What no row names goes to clang as it is, in every step in which it can matter.

mod expand;
mod rows;

pub(crate) use expand::expand;

use rcb_pass::Protection;
use rows::{Form, Meaning, ROWS};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Where compilation stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Stop {
    /// An executable or a library.
    #[default]
    Link,
    /// `-c`.
    Object,
    /// `-S`.
    Assembly,
    /// `-E`, `-M`, questions: nothing is generated, clang does it alone.
    Other,
}

/// An input in its place among the options that it depends on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Input {
    /// The file; `-` is standard input.
    pub(crate) path: OsString,
    /// Language given by `-x` before it.
    pub(crate) language: Option<OsString>,
}

/// One word of the link, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Word {
    /// An option as it was.
    Option(OsString),
    /// The input with this index.
    Input(usize),
}

/// A command line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Args {
    /// What to do and what not.
    pub(crate) ours: Ours,
    pub(crate) stop: Stop,
    pub(crate) output: Option<PathBuf>,
    pub(crate) inputs: Vec<Input>,
    /// Options of preprocessing and compiling.
    pub(crate) compile: Vec<OsString>,
    /// Options and inputs in order, for linking.
    pub(crate) link: Vec<Word>,
    /// Options about dependency files: given to the first step only.
    pub(crate) dependencies: Vec<OsString>,
    /// A dependency file is wanted and none is named, or nothing names its target.
    pub(crate) wants_dependencies: bool,
    pub(crate) names_dependency_file: bool,
    pub(crate) names_dependency_target: bool,
    /// Why hardening with these options cannot be done.
    pub(crate) refused: Vec<(OsString, &'static str)>,
    /// The linker makes a relocatable object or a shared one.
    pub(crate) is_relocatable: bool,
    pub(crate) is_shared: bool,
    pub(crate) has_no_libraries: bool,
    /// Optimisation level that an LLVM linker plugin was given (by rustc).
    pub(crate) plugin_level: Option<char>,
}

/// Options of rcbcc itself.
#[derive(Clone, Debug)]
pub(crate) struct Ours {
    pub(crate) protection: Protection,
    pub(crate) only: Vec<OsString>,
    pub(crate) except: Vec<OsString>,
    pub(crate) lists: Vec<OsString>,
    pub(crate) report: Option<PathBuf>,
    pub(crate) show: Option<PathBuf>,
    pub(crate) audit: bool,
    pub(crate) require: bool,
    pub(crate) allow: Vec<String>,
    pub(crate) catch_signals: bool,
    pub(crate) verbose: bool,
}

impl Default for Ours {
    fn default() -> Self {
        Self {
            protection: Protection::SWIFT,
            only: Vec::new(),
            except: Vec::new(),
            lists: Vec::new(),
            report: None,
            show: None,
            audit: true,
            require: false,
            allow: Vec::new(),
            catch_signals: false,
            verbose: false,
        }
    }
}

/// Understands a command line (without the program's name, response files already read).
///
/// # Errors
/// When an option of ours has no or a wrong value; options of the compiler are left to clang to judge.
pub(crate) fn parse(words: Vec<OsString>) -> Result<Args, String> {
    let mut args = Args::default();
    let mut language: Option<OsString> = None;
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let is_option = word.as_bytes().starts_with(b"-") && word != "-";
        let Some((meaning, value, whole)) = is_option.then(|| find(&word, &mut words)).transpose()?.flatten() else {
            if is_option {
                args.compile.push(word.clone());
                args.link.push(Word::Option(word));
            } else {
                args.link.push(Word::Input(args.inputs.len()));
                args.inputs.push(Input { path: word, language: language.clone() });
            }
            continue;
        };
        apply(&mut args, meaning, value, whole, &mut language)?;
    }
    Ok(args)
}

/// What a row says about a word: its meaning, its value, and all its words.
type Found = (Meaning, OsString, Vec<OsString>);

/// The row of an option; takes its value from the following word where the row says so.
fn find(word: &OsString, rest: &mut impl Iterator<Item = OsString>) -> Result<Option<Found>, String> {
    let bytes = word.as_bytes();
    for row in ROWS {
        let name = row.name.as_bytes();
        let joined = bytes.strip_prefix(name).map(|value| OsString::from(std::ffi::OsStr::from_bytes(value)));
        let exact = bytes == name;
        let separate = exact && matches!(row.form, Form::Separate | Form::Either | Form::EqualsOrSeparate);
        if separate {
            let value = rest.next().ok_or_else(|| format!("{} needs a value", row.name))?;
            return Ok(Some((row.meaning, value.clone(), vec![word.clone(), value])));
        }
        let value = match row.form {
            Form::Flag if exact => Some(OsString::new()),
            Form::Joined => joined.filter(|_| !exact),
            Form::Either => joined,
            Form::EqualsOrSeparate => joined
                .filter(|value| value.as_bytes().starts_with(b"="))
                .map(|value| OsString::from(std::ffi::OsStr::from_bytes(&value.as_bytes()[1..]))),
            _ => None,
        };
        if let Some(value) = value {
            return Ok(Some((row.meaning, value, vec![word.clone()])));
        }
    }
    Ok(None)
}

fn apply(
    args: &mut Args,
    meaning: Meaning,
    value: OsString,
    whole: Vec<OsString>,
    language: &mut Option<OsString>,
) -> Result<(), String> {
    let text = value.to_string_lossy().into_owned();
    let ours = &mut args.ours;
    match meaning {
        Meaning::Protect => ours.protection = text.parse()?,
        Meaning::Only => ours.only.push(value),
        Meaning::Except => ours.except.push(value),
        Meaning::List => ours.lists.push(value),
        Meaning::Report => ours.report = Some(value.into()),
        Meaning::Show => ours.show = Some(value.into()),
        Meaning::NoAudit => ours.audit = false,
        Meaning::Require => ours.require = true,
        Meaning::Allow => ours.allow.push(text),
        Meaning::CatchSignals => ours.catch_signals = true,
        Meaning::Verbose => ours.verbose = true,
        Meaning::Output => args.output = Some(value.into()),
        Meaning::Language => *language = (text != "none").then_some(value),
        Meaning::Stop(stop) => {
            // Questions win over -c, -c and -S over linking.
            if args.stop != Stop::Other {
                args.stop = stop;
            }
            if stop == Stop::Other {
                args.compile.extend(whole.clone());
            }
        }
        Meaning::MakeDependencies => {
            args.wants_dependencies = true;
            args.dependencies.extend(whole);
        }
        Meaning::DependencyFile => {
            args.names_dependency_file = true;
            args.dependencies.extend(whole);
        }
        Meaning::DependencyTarget => {
            args.names_dependency_target = true;
            args.dependencies.extend(whole);
        }
        Meaning::DependencyDetail => args.dependencies.extend(whole),
        Meaning::Compile => {
            args.compile.extend(whole);
        }
        Meaning::LinkOnly => args.link.extend(whole.into_iter().map(Word::Option)),
        Meaning::Shared => {
            args.is_shared = true;
            args.link.extend(whole.into_iter().map(Word::Option));
        }
        Meaning::Relocatable => {
            args.is_relocatable = true;
            args.link.extend(whole.into_iter().map(Word::Option));
        }
        Meaning::NoLibraries => {
            args.has_no_libraries = true;
            args.compile.extend(whole.clone());
            args.link.extend(whole.into_iter().map(Word::Option));
        }
        Meaning::Plugin => {
            if let Some(level) = text.strip_prefix('O') {
                args.plugin_level = level.chars().next();
            }
        }
        Meaning::Both => {
            args.compile.extend(whole.clone());
            args.link.extend(whole.into_iter().map(Word::Option));
        }
        Meaning::Refused(reason) => args.refused.push((whole[0].clone(), reason)),
        Meaning::Dropped => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests;
