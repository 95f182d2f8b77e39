//! What the alternatives cost at least: a stop under ptrace, with a tracer that does nothing.
#![allow(unsafe_code, reason = "forks the process to be traced")]

use anyhow::{Context, Result, bail};
use nix::sys::ptrace;
use nix::sys::signal::{Signal, raise};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getppid};
use rcb_overhead::machine;
use std::time::Instant;

/// How a call is caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// PTRACE_SYSCALL: a stop on entry and one on exit.
    EntryAndExit,
    /// PTRACE_SYSEMU: one stop, and the kernel does not perform the call.
    EntryOnly,
}

/// Nanoseconds that a process needs for one getppid while a tracer on `tracer_cpu` only lets it go on.
pub fn ptrace_call_ns(stop: Stop, tracer_cpu: usize, tracee_cpu: usize, calls: u32) -> Result<f64> {
    // Tracing is bound to a thread, and so is the pinning, which must not stay.
    let measured = std::thread::spawn(move || {
        machine::pin(tracer_cpu);
        measure(stop, tracee_cpu, calls)
    });
    measured.join().map_err(|_| anyhow::anyhow!("the tracer panicked"))?
}

fn measure(stop: Stop, tracee_cpu: usize, calls: u32) -> Result<f64> {
    // SAFETY: the child calls only the kernel, and never returns.
    match unsafe { fork() }.context("fork failed")? {
        ForkResult::Child => tracee(tracee_cpu),
        ForkResult::Parent { child } => {
            let result = trace(stop, child, calls);
            // The process may be gone already, which is as well.
            _ = nix::sys::signal::kill(child, Signal::SIGKILL);
            _ = waitpid(child, None);
            result
        }
    }
}

fn tracee(cpu: usize) -> ! {
    machine::pin(cpu);
    if ptrace::traceme().is_ok() && raise(Signal::SIGSTOP).is_ok() {
        loop {
            std::hint::black_box(getppid());
        }
    }
    // SAFETY: _exit ends the process without running anything of the parent's.
    unsafe { libc::_exit(1) }
}

fn trace(stop: Stop, child: Pid, calls: u32) -> Result<f64> {
    match waitpid(child, None)? {
        WaitStatus::Stopped(..) => {}
        other => bail!("this process may not trace its child ({other:?})"),
    }
    ptrace::setoptions(child, ptrace::Options::PTRACE_O_TRACESYSGOOD | ptrace::Options::PTRACE_O_EXITKILL)?;
    // Warm up, and arrive at a stop on entry.
    stops(stop, child, 11)?;
    let per_call = if stop == Stop::EntryAndExit { 2 } else { 1 };
    let begin = Instant::now();
    stops(stop, child, calls * per_call)?;
    Ok(begin.elapsed().as_secs_f64() * 1e9 / f64::from(calls))
}

fn stops(stop: Stop, child: Pid, count: u32) -> Result<()> {
    for _ in 0..count {
        match stop {
            Stop::EntryAndExit => ptrace::syscall(child, None)?,
            Stop::EntryOnly => ptrace::sysemu(child, None)?,
        }
        match waitpid(child, None)? {
            WaitStatus::PtraceSyscall(_) => {}
            other => bail!("unexpected stop {other:?}"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_costs_more_than_the_call_alone() {
        let cpu = machine::allowed_cpus()[0];
        // Where tracing is forbidden there is nothing to measure, and the bench says so.
        let Ok(two) = ptrace_call_ns(Stop::EntryAndExit, cpu, cpu, 100) else { return };
        let one = ptrace_call_ns(Stop::EntryOnly, cpu, cpu, 100).unwrap();
        assert!(two > 500.0 && one > 250.0, "{two} {one}");
    }
}
