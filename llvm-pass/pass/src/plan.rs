//! Why a function is left as it is.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a function is left as it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The command line or a list file says so.
    Excluded,
    /// Its annotation says so.
    Annotated,
    /// It has no prologue that could be extended.
    Naked,
    /// It takes and gives values that no second copy can have.
    Tokens,
    /// It is a coroutine that is not split yet.
    Coroutine,
    /// `asm goto`.
    AsmGoto,
    /// Vectors whose length is known only when the program runs.
    ScalableVectors,
    /// It chooses an implementation while the program is being loaded.
    Resolver,
    /// It is part of what faults are reported with.
    Runtime,
    /// The whole module is compiled without protection.
    Unprotected,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Excluded => "excluded by name",
            Self::Annotated => "annotated rcb.none",
            Self::Naked => "naked function",
            Self::Tokens => "token values",
            Self::Coroutine => "coroutine",
            Self::AsmGoto => "asm goto",
            Self::ScalableVectors => "scalable vectors",
            Self::Resolver => "ifunc resolver",
            Self::Runtime => "reports faults itself",
            Self::Unprotected => "compiled with none",
        })
    }
}
