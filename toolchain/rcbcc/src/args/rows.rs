//! The options that matter, one row each. The first row that fits counts.

use super::Stop;

/// How an option is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// Alone.
    Flag,
    /// With its value in the same word.
    Joined,
    /// With its value in the next word.
    Separate,
    /// With its value in the same or the next word.
    Either,
    /// `--name=value` or `--name value`.
    EqualsOrSeparate,
}

/// What an option means here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Meaning {
    Protect,
    Only,
    Except,
    List,
    Report,
    Show,
    NoAudit,
    Require,
    Allow,
    CatchSignals,
    Verbose,
    Output,
    Language,
    Stop(Stop),
    MakeDependencies,
    DependencyFile,
    DependencyTarget,
    DependencyDetail,
    /// For compiling only.
    Compile,
    /// For linking only.
    LinkOnly,
    Shared,
    Relocatable,
    NoLibraries,
    /// What rustc tells an LLVM linker plugin; the value is behind `-plugin-opt=`.
    Plugin,
    /// For compiling and linking.
    Both,
    /// Cannot be honoured, with the reason.
    Refused(&'static str),
    /// Of no use here.
    Dropped,
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    pub(crate) meaning: Meaning,
}

const fn row(name: &'static str, form: Form, meaning: Meaning) -> Row {
    Row { name, form, meaning }
}

const LTO: &str = "with link-time optimisation an optimiser runs after hardening and removes the redundancy";
const OTHER_LINKER: &str = "objects are linked with lld, whose --start-lib keeps the fault handler replaceable";

use Form::{Either, EqualsOrSeparate, Flag, Joined, Separate};
use Meaning as M;

/// The table.
pub(crate) const ROWS: &[Row] = &[
    // Ours.
    row("--protect", EqualsOrSeparate, M::Protect),
    row("--protect-only", EqualsOrSeparate, M::Only),
    row("--no-protect", EqualsOrSeparate, M::Except),
    row("--protect-list", EqualsOrSeparate, M::List),
    row("--report", EqualsOrSeparate, M::Report),
    row("--show", EqualsOrSeparate, M::Show),
    row("--no-audit", Flag, M::NoAudit),
    row("--require-hardening", Flag, M::Require),
    row("--allow-unhardened", EqualsOrSeparate, M::Allow),
    row("--catch-signals", Flag, M::CatchSignals),
    row("-v", Flag, M::Verbose),
    // Where to stop, and questions.
    row("-c", Flag, M::Stop(Stop::Object)),
    row("-S", Flag, M::Stop(Stop::Assembly)),
    row("-E", Flag, M::Stop(Stop::Other)),
    row("-M", Flag, M::Stop(Stop::Other)),
    row("-MM", Flag, M::Stop(Stop::Other)),
    row("-fsyntax-only", Flag, M::Stop(Stop::Other)),
    row("-###", Flag, M::Stop(Stop::Other)),
    row("--version", Flag, M::Stop(Stop::Other)),
    row("-V", Flag, M::Stop(Stop::Other)),
    row("-qversion", Flag, M::Stop(Stop::Other)),
    row("--help", Flag, M::Stop(Stop::Other)),
    row("-dumpversion", Flag, M::Stop(Stop::Other)),
    row("-dumpmachine", Flag, M::Stop(Stop::Other)),
    row("-dM", Flag, M::Stop(Stop::Other)),
    row("-print-", Joined, M::Stop(Stop::Other)),
    row("--print-", Joined, M::Stop(Stop::Other)),
    row("-emit-llvm", Flag, M::Refused("what comes out would be optimised again, which removes the redundancy")),
    row("-o", Either, M::Output),
    row("-x", Either, M::Language),
    // Dependency files.
    row("-MD", Flag, M::MakeDependencies),
    row("-MMD", Flag, M::MakeDependencies),
    row("-MF", Either, M::DependencyFile),
    row("-MT", Either, M::DependencyTarget),
    row("-MQ", Either, M::DependencyTarget),
    row("-MP", Flag, M::DependencyDetail),
    row("-MG", Flag, M::DependencyDetail),
    row("-MJ", Either, M::DependencyDetail),
    // Link-time optimisation.
    row("-fno-lto", Flag, M::Dropped),
    row("-flto", Flag, M::Refused(LTO)),
    row("-flto=", Joined, M::Refused(LTO)),
    row("-Wl,-plugin-opt=", Joined, M::Plugin),
    row("-fuse-ld=lld", Joined, M::Dropped),
    row("-fuse-ld=lld", Flag, M::Dropped),
    row("-fuse-ld=", Joined, M::Refused(OTHER_LINKER)),
    // Linking.
    row("-shared", Flag, M::Shared),
    row("-r", Flag, M::Relocatable),
    row("-nostdlib", Flag, M::NoLibraries),
    row("-nodefaultlibs", Flag, M::NoLibraries),
    row("-nostartfiles", Flag, M::LinkOnly),
    row("-static", Flag, M::LinkOnly),
    row("-static-pie", Flag, M::LinkOnly),
    row("-pie", Flag, M::LinkOnly),
    row("-no-pie", Flag, M::LinkOnly),
    row("-rdynamic", Flag, M::LinkOnly),
    row("-s", Flag, M::LinkOnly),
    row("-static-libgcc", Flag, M::LinkOnly),
    row("-static-libstdc++", Flag, M::LinkOnly),
    row("-Wl,", Joined, M::LinkOnly),
    row("-Xlinker", Separate, M::LinkOnly),
    row("-L", Either, M::LinkOnly),
    row("-l", Either, M::LinkOnly),
    row("-T", Either, M::LinkOnly),
    row("-u", Separate, M::LinkOnly),
    row("-z", Separate, M::LinkOnly),
    row("-e", Separate, M::LinkOnly),
    // With a value in the next word, so that it is not taken for an input.
    row("-I", Either, M::Compile),
    row("-D", Either, M::Compile),
    row("-U", Either, M::Compile),
    row("-include", Separate, M::Compile),
    row("-imacros", Separate, M::Compile),
    row("-isystem", Either, M::Compile),
    row("-idirafter", Either, M::Compile),
    row("-iquote", Either, M::Compile),
    row("-iprefix", Separate, M::Compile),
    row("-iwithprefix", Separate, M::Compile),
    row("-isysroot", Separate, M::Both),
    row("--sysroot", Separate, M::Both),
    row("-target", Separate, M::Both),
    row("-arch", Separate, M::Both),
    row("-Xclang", Separate, M::Compile),
    row("-Xpreprocessor", Separate, M::Compile),
    row("-Xassembler", Separate, M::Compile),
    row("-mllvm", Separate, M::Compile),
    row("--param", Separate, M::Compile),
    row("-B", Either, M::Both),
];
