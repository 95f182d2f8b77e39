//! Puts the program where execve would have put it: segments, interpreter, heap, auxiliary vector.

pub mod elf;
pub mod layout;
pub mod proc;
pub mod script;
pub mod stack;
