//! The errnos the agent itself gives or tests, as the kernel's positive numbers.

/// Declares constants with their text from errno(3).
macro_rules! errnos {
    ($($name:ident = $value:literal, $text:literal;)*) => { $( #[doc = $text] pub const $name: u16 = $value; )* };
}

errnos! {
    EPERM = 1, "Operation not permitted.";
    ENOENT = 2, "No such file or directory.";
    ESRCH = 3, "No such process.";
    EINTR = 4, "Interrupted system call.";
    E2BIG = 7, "Argument list too long.";
    ENOEXEC = 8, "Exec format error.";
    EBADF = 9, "Bad file descriptor.";
    ECHILD = 10, "No child processes.";
    EAGAIN = 11, "Resource temporarily unavailable.";
    ENOMEM = 12, "Cannot allocate memory.";
    EACCES = 13, "Permission denied.";
    EFAULT = 14, "Bad address.";
    EEXIST = 17, "File exists.";
    ENODEV = 19, "No such device.";
    ENOTDIR = 20, "Not a directory.";
    EISDIR = 21, "Is a directory.";
    EINVAL = 22, "Invalid argument.";
    EPIPE = 32, "Broken pipe.";
    ERANGE = 34, "Numerical result out of range.";
    EDEADLK = 35, "Resource deadlock avoided.";
    ENAMETOOLONG = 36, "File name too long.";
    ENOSYS = 38, "Function not implemented.";
    ELOOP = 40, "Too many levels of symbolic links.";
    ELIBBAD = 80, "Accessing a corrupted shared library.";
    EOPNOTSUPP = 95, "Operation not supported.";
    ETIMEDOUT = 110, "Connection timed out.";
}

/// An errno as the kernel returns it in rax.
pub const fn fail(errno: u16) -> i64 {
    -(errno as i64)
}

/// Whether a result of the kernel is an errno.
pub const fn is_error(result: i64) -> bool {
    result < 0 && result >= -4095
}
