//! Exit codes of our own. Everything else is the guest's status, passed through.

/// The replicas disagreed and it could not be corrected.
pub const DISAGREED: u8 = 120;
/// rcb itself failed, or was called in a wrong way.
pub const FAILED: u8 = 125;
/// The program was found but cannot be executed: not an x86-64 ELF file, no permission, set-user-ID of another.
pub const CANNOT_EXECUTE: u8 = 126;
/// The program was not found.
pub const NOT_FOUND: u8 = 127;
