//! Kinds of checks, and the symbol that a failed one calls.

use serde::Serialize;

/// Name of the function that is called on a fault: `void __rcb_fault(const struct rcb_site *)`, which does not return.
pub const HANDLER: &str = "__rcb_fault";

/// What was checked. The numbers stand in the object, `rcb-pass-rt` reads them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// A store, read back.
    Store = 0,
    /// The way a branch or switch went.
    Branch = 1,
    /// Arguments of a call of code that is not hardened with this function.
    Call = 2,
    /// The value returned to such code.
    Return = 3,
    /// Operands of an atomic or volatile access.
    Access = 4,
    /// The control-flow signature.
    Signature = 5,
}

impl Check {
    /// All kinds.
    pub const ALL: [Self; 6] = [Self::Store, Self::Branch, Self::Call, Self::Return, Self::Access, Self::Signature];

    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Branch => "branch",
            Self::Call => "call",
            Self::Return => "return",
            Self::Access => "access",
            Self::Signature => "signature",
        }
    }
}
