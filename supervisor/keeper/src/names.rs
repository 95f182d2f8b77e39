//! Names of calls, signals and fault kinds, for people.

use nix::sys::signal::Signal;
use rcb_abi::fault::{heal_site, kind, replay_difference};
use rcb_abi::segment::{COMPARE, EXCEPTION, FORK, PIECE, RDTSC, START, Trace, no_copies, phase};
use rcb_guard::{End, Fault};
use rcb_syscalls::render::text::{Fetch, format_call};

/// Name of a call number, pseudo calls of the agent included.
pub fn call(nr: u32) -> String {
    match nr {
        START => "start of the program".into(),
        RDTSC => "rdtsc instruction".into(),
        PIECE => "a piece of a read".into(),
        FORK => "a step of a fork".into(),
        COMPARE => "comparison of memory".into(),
        _ if nr > EXCEPTION && nr <= EXCEPTION + 64 => format!("CPU exception {}", signal((nr - EXCEPTION) as i32)),
        _ => rcb_syscalls::lookup(nr).map_or_else(|| format!("system call {nr}"), |row| row.name.into()),
    }
}

/// A request with its arguments, decoded as far as the table can; `result` is added when it is known. `fetch` reads
/// memory of the replica as it was at the request, as far as that is still known.
pub fn request(trace: &Trace, result: Option<u64>, fetch: Fetch<'_>) -> String {
    if trace.nr >= EXCEPTION {
        return call(trace.nr);
    }
    format_call(trace.nr, trace.args, result.map(|result| result as i64), fetch)
}

/// How a process has ended.
pub fn end(end: End) -> String {
    match end {
        End::Exit(status) => format!("it exited with status {status}"),
        End::Signal(number) => format!("it was killed by {}", signal(number)),
    }
}

/// `SIGSEGV` and its like.
pub fn signal(number: i32) -> String {
    Signal::try_from(number).map_or_else(|_| format!("signal {number}"), |signal| signal.as_str().into())
}

/// The word for a fault kind in records.
pub const fn fault(kind: u32) -> &'static str {
    match kind {
        kind::MISMATCH => "mismatch",
        kind::PAYLOAD => "payload",
        kind::LOG => "log",
        kind::INPUT_CHANGED => "input-changed",
        kind::AGENT_EXCEPTION => "agent-exception",
        kind::AGENT_PANIC => "agent-panic",
        kind::MIRROR => "mirror",
        kind::RESULT => "result",
        kind::BOOT => "boot",
        kind::AGENT_CHECK => "agent-check",
        kind::HEAL => "not-healed",
        kind::BUFFER => "buffer",
        kind::MEMORY => "memory",
        _ => "unknown",
    }
}

/// Why a replica could not be replaced, by the words of one that had a part in it.
pub fn not_healed(words: &Fault) -> String {
    let errno = || nix::errno::Errno::from_raw(words.detail as i32).desc();
    if words.kind != kind::HEAL {
        return format!("a second fault ({})", fault(words.kind));
    }
    match words.site as u32 {
        heal_site::CLONE => format!("the copy could not be made ({})", errno()),
        heal_site::PLACE => format!("the copy could not take its place ({})", errno()),
        heal_site::SHARED_MEMORY => "the program shares memory between its processes".into(),
        heal_site::BOUND => "the lost leader's process had record locks or timers".into(),
        heal_site::BEGUN => {
            format!(
                "the lost leader had begun a call ({}), and whether it was performed is not known",
                call(words.detail as u32)
            )
        }
        heal_site::STREAMS => "descriptors are passed over streams here (see rcb doctor)".into(),
        heal_site::REPLAY => {
            let how = match words.detail >> 32 {
                replay_difference::REQUEST => "another request",
                replay_difference::ORDER => "not what the journal has there",
                replay_difference::RESULT => "another result",
                replay_difference::BYTES => "other bytes",
                replay_difference::FILE => "a file that is not to be found any more",
                _ => "something else",
            };
            format!("call {} ({}), done again, was {how}", words.seq, call(words.detail as u32))
        }
        other => format!("reason {other}"),
    }
}

/// Why a process leaves no frozen copies.
pub fn no_copies(why: u32) -> &'static str {
    if why == no_copies::SHARED_MEMORY {
        "the program shares memory between its processes"
    } else {
        "descriptors are passed over streams here (see rcb doctor)"
    }
}

/// What a replica was doing.
pub const fn phase(phase: u32) -> &'static str {
    match phase {
        phase::BOOT => "starting",
        phase::RUN => "running",
        phase::WAIT_REQUEST => "waiting for a peer",
        phase::WAIT_RESULT => "waiting for a result",
        phase::BLOCKED => "in a call that blocks",
        phase::PARKED => "parked",
        phase::ENDING => "ending",
        phase::ORPHANED => "without its leader",
        phase::STANDS => "standing still for a comparison of memory",
        _ => "in an unknown state",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudo_calls_have_names() {
        assert_eq!(call(EXCEPTION + 11), "CPU exception SIGSEGV");
        assert_eq!(call(RDTSC), "rdtsc instruction");
        assert_eq!(call(1), "write");
        assert_eq!(call(400), "system call 400");
        assert_eq!(signal(64), "signal 64");
    }
}
