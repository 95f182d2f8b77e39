//! How rows are written down: constructors that fix the columns which belong together.
//!
//! A row of the tables is one of seven kinds; the few columns that vary beyond that are added by the methods of
//! [`Row`] (`blocking`, `makes`, `but`, `with`). The sizes of the kernel's structures stand here once.

use crate::spec::{Arg, Class, Cloexec, Exec, Family, Handler, Len, Makes, Row, Support};

/// What the files of rows import.
pub(crate) mod prelude {
    pub(crate) use super::*;
    pub(crate) use crate::errno::{EACCES, EINTR, EINVAL, EIO, ENODEV, ENOSYS, ENOTTY, EOPNOTSUPP, EPERM};
    pub(crate) use crate::flags;
    pub(crate) use crate::spec::Arg::{
        Addr, Fd, Flags, In, InOut, InVec, Int, MmsgIn, MmsgOut, MsgIn, MsgOut, Name, Out, OutVec, Path, SigMask,
        SigMaskIndirect, Strv,
    };
    pub(crate) use crate::spec::Class::{ConsumingInput, Descriptor, Local, Process, PureInput, Signal};
    pub(crate) use crate::spec::Len::{Bytes, Times};
    pub(crate) use crate::spec::{Cloexec, Handler, Len, Makes, Row};
}

const fn row(nr: u32, name: &'static str, args: &'static [Arg], exec: Exec, class: Class, support: Support) -> Row {
    Row { nr, name, args, exec, class, blocks: false, makes: Makes::Nothing, support, family: None }
}

/// State of the replica itself: every replica performs it.
pub(crate) const fn each(nr: u32, name: &'static str, args: &'static [Arg]) -> Row {
    row(nr, name, args, Exec::Each, Class::Local, Support::Full)
}

/// Reads something outside without changing it: the leader performs it and may run ahead.
pub(crate) const fn input(nr: u32, name: &'static str, args: &'static [Arg]) -> Row {
    row(nr, name, args, Exec::Once, Class::PureInput, Support::Full)
}

/// Takes something away or changes an object that only the group sees: once, after agreement.
pub(crate) const fn taking(nr: u32, name: &'static str, args: &'static [Arg]) -> Row {
    row(nr, name, args, Exec::Once, Class::ConsumingInput, Support::Full)
}

/// Visible outside: once, after agreement.
pub(crate) const fn output(nr: u32, name: &'static str, args: &'static [Arg]) -> Row {
    row(nr, name, args, Exec::Once, Class::Output, Support::Full)
}

/// Makes a descriptor (its result) and nothing else.
pub(crate) const fn making(nr: u32, name: &'static str, args: &'static [Arg], cloexec: Cloexec) -> Row {
    row(nr, name, args, Exec::Once, Class::Descriptor, Support::Full).makes(Makes::Result(cloexec))
}

/// Performed by a handler of its own.
pub(crate) const fn handled(nr: u32, name: &'static str, args: &'static [Arg], class: Class, by: Handler) -> Row {
    row(nr, name, args, Exec::Handled(by), class, Support::Full)
}

/// A pure input whose path may be one that the runtime answers.
pub(crate) const fn by_path(nr: u32, name: &'static str, args: &'static [Arg]) -> Row {
    handled(nr, name, args, Class::PureInput, Handler::ProcPath)
}

/// Not performed, with one warning.
pub(crate) const fn refused(nr: u32, name: &'static str, args: &'static [Arg], errno: u16, why: &'static str) -> Row {
    row(nr, name, args, Exec::Refused(errno), Class::Local, Support::None(why))
}

/// Not performed, in silence.
pub(crate) const fn absent(nr: u32, name: &'static str, args: &'static [Arg], errno: u16, why: &'static str) -> Row {
    row(nr, name, args, Exec::Absent(errno), Class::Local, Support::None(why))
}

/// A number for which x86-64 never had, or has no longer, a call.
pub(crate) const fn never(nr: u32, name: &'static str) -> Row {
    absent(nr, name, &[], crate::errno::ENOSYS, "the kernel has no such call on x86-64 (any more)")
}

impl Row {
    /// The call may wait without bound.
    pub(crate) const fn blocking(mut self) -> Self {
        self.blocks = true;
        self
    }

    /// The call makes descriptors.
    pub(crate) const fn makes(mut self, makes: Makes) -> Self {
        self.makes = makes;
        self
    }

    /// The call is supported in part; the sentence says what is missing.
    pub(crate) const fn but(mut self, missing: &'static str) -> Self {
        self.support = Support::Partial(missing);
        self
    }

    /// The call is a multiplexer.
    pub(crate) const fn with(mut self, family: &'static Family) -> Self {
        self.family = Some(family);
        self
    }

    /// The class of a row whose constructor cannot know it (refused calls say what they would have been).
    pub(crate) const fn class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }
}

/// `O_CLOEXEC` in argument `arg`; SOCK_, EPOLL_, EFD_, TFD_ and IN_CLOEXEC have the same value.
pub(crate) const fn o_cloexec(arg: u8) -> Cloexec {
    Cloexec::Arg { arg, mask: 0x8_0000 }
}

/// `int`, and everything else of four bytes.
pub(crate) const INT: Len = Len::Bytes(4);
/// `long`, `loff_t`, a pointer.
pub(crate) const LONG: Len = Len::Bytes(8);
/// `int[2]`.
pub(crate) const PAIR: Len = Len::Bytes(8);
/// `struct stat`.
pub(crate) const STAT: Len = Len::Bytes(144);
/// `struct statx`.
pub(crate) const STATX: Len = Len::Bytes(256);
/// `struct statfs`.
pub(crate) const STATFS: Len = Len::Bytes(120);
/// `struct timespec` and `struct timeval`.
pub(crate) const TIME: Len = Len::Bytes(16);
/// `struct timespec[2]` and `struct timeval[2]`.
pub(crate) const TIMES: Len = Len::Bytes(32);
/// `struct timezone`.
pub(crate) const TIMEZONE: Len = Len::Bytes(8);
/// `struct itimerval` and `struct itimerspec`.
pub(crate) const ITIMER: Len = Len::Bytes(32);
/// `struct timex`.
pub(crate) const TIMEX: Len = Len::Bytes(208);
/// `struct rlimit`.
pub(crate) const RLIMIT: Len = Len::Bytes(16);
/// `struct rusage`.
pub(crate) const RUSAGE: Len = Len::Bytes(144);
/// `siginfo_t`.
pub(crate) const SIGINFO: Len = Len::Bytes(128);
/// `struct kernel_sigaction`.
pub(crate) const SIGACTION: Len = Len::Bytes(32);
/// `stack_t`.
pub(crate) const STACK: Len = Len::Bytes(24);
/// `struct sigevent`.
pub(crate) const SIGEVENT: Len = Len::Bytes(64);
/// `struct mq_attr`.
pub(crate) const MQ_ATTR: Len = Len::Bytes(64);
/// Capability header (`version`, `pid`).
pub(crate) const CAP_HEADER: Len = Len::Bytes(8);
/// Capability data of versions 2 and 3.
pub(crate) const CAP_DATA: Len = Len::Bytes(24);
