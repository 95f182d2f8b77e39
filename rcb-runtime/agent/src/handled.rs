//! Calls that a row of the table cannot state. Each file says in its head why.

pub mod execve;
pub mod exit;
pub mod files;
pub mod fork;
pub mod huge;
pub mod identity;
pub mod jobs;
pub mod limits;
pub mod memory;
pub mod message;
pub mod petition;
pub mod pidfd;
pub mod placement;
pub mod process;
pub mod read;
pub mod signal;
pub mod wait;
pub mod walltime;
pub mod window;

use crate::call::{Answer, Call, each};
use crate::state::State;
use rcb_abi::fault::Regs;
use rcb_sys::nr;
use rcb_syscalls::spec::Handler;

/// Routes a handled call.
pub fn handle(st: &mut State, call: &Call, handler: Handler, regs: &mut Regs) -> Answer {
    match handler {
        Handler::Read => read::read(st, call),
        Handler::Open => files::open(st, call),
        Handler::ProcPath => files::path(st, call),
        Handler::Close => files::close(st, call),
        Handler::CloseRange => files::close_range(st, call),
        Handler::Dup => files::dup(st, call),
        Handler::Mmap => memory::mmap(st, call),
        Handler::Munmap => memory::munmap(st, call),
        Handler::Mprotect => memory::mprotect(st, call),
        Handler::Mremap => memory::mremap(st, call),
        Handler::Madvise => memory::madvise(st, call),
        Handler::Brk => memory::brk(st, call),
        Handler::Execve => execve::execve(st, call),
        Handler::Execveat => execve::execveat(st, call),
        Handler::Exit => exit::exit(st, call),
        Handler::SigAction => signal::action(st, call),
        Handler::SigProcMask => signal::mask(st, call, regs),
        Handler::SigPending => signal::pending(st, call),
        Handler::SigReturn => signal::sigreturn(st, regs),
        Handler::SigAltStack => signal::altstack(st, call, regs),
        Handler::Kill if call.nr == nr::PIDFD_SEND_SIGNAL => pidfd::send_signal(st, call),
        Handler::Kill => signal::kill(st, call),
        Handler::Identity => identity::identity(st, call),
        Handler::SetTidAddress => Answer::local(identity::pid()),
        Handler::ArchPrctl => process::arch_prctl(st, call),
        Handler::Prctl => process::prctl(st, call),
        Handler::Personality => process::personality(call),
        Handler::Affinity => placement::affinity(st, call),
        Handler::WallTime => walltime::wall_time(st, call),
        Handler::Directory => files::directory(st, call),
        Handler::Futex => Answer::local(each(call.nr, call.args)),
        Handler::Rlimit => limits::rlimit(st, call),
        Handler::Wait => wait::wait(st, call),
        Handler::Fork => fork::fork(st, call, regs),
        Handler::JobControl => jobs::job_control(st, call),
    }
}
