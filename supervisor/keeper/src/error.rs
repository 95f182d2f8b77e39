//! What can go wrong before and beside the guest, and which exit code says so.

use crate::exit;
use std::io;

/// An error of the supervisor (never of the guest).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program does not exist.
    #[error("{program}: {reason}")]
    NotFound {
        /// As the user named it.
        program: String,
        /// What is missing: the file itself, its interpreter, ...
        reason: String,
    },
    /// The program exists but is nothing that can be run.
    #[error("{program}: {reason}")]
    CannotExecute {
        /// As the user named it.
        program: String,
        /// Why not, and what to do about it.
        reason: String,
    },
    /// A system call of the supervisor failed.
    #[error("{what}")]
    Os {
        /// What was being done.
        what: String,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
    /// A setting that cannot be used.
    #[error("{0}")]
    Setting(String),
    /// Something that cannot be, unless the build or the machine is broken.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    /// Wraps an `io::Error` or anything that becomes one.
    pub fn os(what: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::Os { what: what.into(), source: source.into() }
    }

    /// Wraps `errno` as it stands now.
    pub fn last_os(what: impl Into<String>) -> Self {
        Self::os(what, io::Error::last_os_error())
    }

    /// The exit code that goes with it.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::NotFound { .. } => exit::NOT_FOUND,
            Self::CannotExecute { .. } => exit::CANNOT_EXECUTE,
            Self::Os { .. } | Self::Setting(_) | Self::Internal(_) => exit::FAILED,
        }
    }
}

/// Result with [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;
