//! The blow itself: stops a process of the run if registers are meant, looks whether the target is there just now, and changes
//! its bits.

use crate::launch::{Running, Wait};
use crate::memory::{Mappings, choose, is_agent, present};
use crate::plan::{Plan, Share};
use crate::process::is_running;
use crate::registers::Bit;
use crate::target::{Kind, Target};
use crate::tracee::Tracee;
use anyhow::{Context, Result};
use iced_x86::{Decoder, DecoderOptions};
use std::fs;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

/// Stops that are not where the target is are followed by another one, up to this part of the run later.
const PAUSE: u64 = 32;
/// Between two looks whether the first replica is there.
const BEGINNING: Duration = Duration::from_micros(50);
/// Longest instruction.
const INSTRUCTION: usize = 15;
/// Pauses of a fault that stays are parts of this part of the run.
const STAYING: u32 = 8;

/// What was hit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hit {
    /// Part of the replica or program.
    pub target: Target,
    /// The bits.
    pub place: String,
    /// Where the program stood.
    pub at: String,
    /// Which replica.
    pub replica: Option<usize>,
    /// The process.
    pub pid: u32,
    /// Time since the start.
    pub after: Duration,
}

/// How an attempt to hit ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Struck {
    /// The fault is there.
    Hit(Hit),
    /// The run ended before.
    Missed,
    /// The campaign is to stop.
    Stopped,
}

/// A bit as it was changed, so that it can be forced again.
#[derive(Clone, Copy, Debug)]
enum Changed {
    Register(Bit, bool),
    Memory(u64, u8, bool),
}

/// Hits the run as planned, at a time that is uniform over `window` from its first replica on.
///
/// # Errors
/// When processes may not be traced.
pub(crate) fn strike(run: &Running<'_>, plan: &Plan, window: Duration) -> Result<Struck> {
    let mut rest = plan.rest.clone();
    let nanoseconds = window.as_nanos() as u64;
    while !run.has_begun() && run.wait_until(Instant::now() + BEGINNING)? == Wait::Time {}
    let mut time = Instant::now() + Duration::from_nanos(plan.after.of(nanoseconds));
    let mut process = plan.process;
    loop {
        match run.wait_until(time)? {
            Wait::Time => {}
            Wait::Ended => return Ok(Struck::Missed),
            Wait::Stopped => return Ok(Struck::Stopped),
        }
        if let Some((hit, changed)) = attempt(run, plan, process)? {
            return stay(run, plan, hit, &changed, window);
        }
        time = Instant::now() + Duration::from_nanos(1 + rest.below(nanoseconds / PAUSE + 1));
        process = Share(rest.next());
    }
}

/// Forces the bits of a fault that stays again.
fn stay(run: &Running<'_>, plan: &Plan, hit: Hit, changed: &[Changed], window: Duration) -> Result<Struck> {
    for pause in &plan.again {
        let pause = Duration::from_nanos(pause.of((window / STAYING).as_nanos() as u64));
        match run.wait_until(Instant::now() + pause)? {
            Wait::Time => {}
            Wait::Ended => break,
            Wait::Stopped => return Ok(Struck::Stopped),
        }
        let Some(mut tracee) = reach(run, plan, hit.pid)? else { continue };
        for change in changed {
            match *change {
                Changed::Register(bit, value) => match change_register(&tracee, bit, Some(value)) {
                    Err(error) if tracee.is_gone(&error) => break,
                    result => drop(result?),
                },
                // The page may be gone by now, and the fault with it.
                Changed::Memory(address, bit, value) => {
                    let _ = change_memory(&mut tracee, address, bit, Some(value));
                }
            }
        }
    }
    Ok(Struck::Hit(hit))
}

/// One stop. `None` when the target is not there.
fn attempt(run: &Running<'_>, plan: &Plan, process: Share) -> Result<Option<(Hit, Vec<Changed>)>> {
    let processes = processes(run)?;
    let Some(&pid) = processes.get(process.of(processes.len() as u64) as usize) else { return Ok(None) };
    // What the supervisor alone can write.
    let pid = if plan.target == Target::Control { run.pid } else { pid };
    let Some(mut tracee) = reach(run, plan, pid)? else { return Ok(None) };
    match hit(run, plan, pid, &mut tracee) {
        // Somebody has killed it meanwhile, or it is ending.
        Err(error) if tracee.is_gone(&error) => Ok(None),
        result => result,
    }
}

/// Stops a process if registers are to be hit. `None` when it is gone, or sleeps.
fn reach(run: &Running<'_>, plan: &Plan, pid: u32) -> Result<Option<Tracee>> {
    let of_registers = plan.target.needs_program_code() || plan.target == Target::Agent && plan.in_registers;
    if !of_registers {
        return Ok(Some(Tracee::unstopped(pid)));
    }
    if is_running(pid) { Tracee::stop(pid, pid == run.pid) } else { Ok(None) }
}

/// Hits a process. `None` when the target is not there.
fn hit(run: &Running<'_>, plan: &Plan, pid: u32, tracee: &mut Tracee) -> Result<Option<(Hit, Vec<Changed>)>> {
    let after = run.started.elapsed();
    if plan.target.needs_program_code() {
        for _ in 0..plan.steps {
            // A step into a call might not come back.
            if tracee.place()?.is_some_and(is_agent) || tracee.is_at_call()? {
                break;
            }
            if !tracee.step()? {
                return Ok(None);
            }
        }
    }
    let mappings = Mappings::of(tracee)?;
    let replica = mappings.replica();
    if replica.is_none() && run.subject().replicas > 0 && plan.target != Target::Control {
        // Not yet, or no longer, an agent.
        return Ok(None);
    }
    let place = tracee.place()?;
    let rip = place.unwrap_or_default();
    if !is_there(run, plan, &mappings, rip, tracee)? {
        return Ok(None);
    }
    let changes = if plan.kind == Kind::Skip {
        skip(tracee, rip)?.map(|place| (place, Vec::new()))
    } else {
        change(tracee, plan, &mappings, replica)?
    };
    let at = place.map_or_else(|| "somewhere".to_owned(), |place| mappings.place(place));
    Ok(changes.map(|(place, changed)| (Hit { target: plan.target, place, at, replica, pid, after }, changed)))
}

/// Whether the process executes what the target needs.
fn is_there(run: &Running<'_>, plan: &Plan, mappings: &Mappings, rip: u64, tracee: &Tracee) -> Result<bool> {
    if plan.target == Target::Agent {
        return Ok(is_agent(rip) || !plan.in_registers);
    }
    if !plan.target.needs_program_code() {
        return Ok(true);
    }
    if run.subject().replicas > 0 && is_agent(rip) {
        return Ok(false);
    }
    if !run.subject().own_code {
        return Ok(true);
    }
    let exe = match fs::read_link(tracee.proc_path("exe")) {
        Ok(exe) => exe,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error).context("finding the file of a program"),
    };
    Ok(mappings.is_code_of(rip, &exe.to_string_lossy()))
}

/// Changes the bits of the plan: which they are, and how they are now. `None` when there are none.
fn change(
    tracee: &mut Tracee,
    plan: &Plan,
    mappings: &Mappings,
    replica: Option<usize>,
) -> Result<Option<(String, Vec<Changed>)>> {
    let ranges = match (plan.target, replica) {
        (Target::Memory, _) => mappings.of_program(),
        (Target::Agent, _) => mappings.of_agent(),
        (Target::Log, Some(_)) => mappings.of_log(),
        (Target::Control, _) => mappings.of_control(),
        _ => Vec::new(),
    };
    let pages = present(tracee, &ranges)?;
    let (mut places, mut changed) = (Vec::new(), Vec::new());
    for draw in &plan.bits {
        let bit = match plan.target {
            Target::Registers => Some(Bit::general(*draw)),
            Target::Flags => Some(Bit::flag(*draw)),
            Target::Ip => Some(Bit::pointer(*draw)),
            Target::Vector => Some(Bit::vector(*draw)),
            Target::Agent if plan.in_registers => Some(Bit::general(*draw)),
            Target::Memory | Target::Agent | Target::Log | Target::Control => None,
        };
        if let Some(bit) = bit {
            let Some(value) = change_register(tracee, bit, None)? else { return Ok(None) };
            places.push(bit.to_string());
            changed.push(Changed::Register(bit, value));
        } else {
            let Some(address) = choose(&pages, draw[0]) else { return Ok(None) };
            let bit = draw[1].of(8) as u8;
            let value = change_memory(tracee, address, bit, None)?;
            places.push(format!("byte {} bit {bit}", mappings.place(address)));
            changed.push(Changed::Memory(address, bit, value));
        }
    }
    Ok(Some((places.join(", "), changed)))
}

fn change_register(tracee: &Tracee, bit: Bit, value: Option<bool>) -> Result<Option<bool>> {
    if bit.is_vector() {
        let mut state = tracee.extended_state()?;
        let value = bit.change_extended(&mut state, value);
        if value.is_some() {
            tracee.set_extended_state(state)?;
        }
        return Ok(value);
    }
    let mut registers = tracee.registers()?;
    let value = bit.change(&mut registers, value);
    tracee.set_registers(registers)?;
    Ok(value)
}

fn change_memory(tracee: &mut Tracee, address: u64, bit: u8, value: Option<bool>) -> Result<bool> {
    let mut byte = [0];
    if tracee.read(address, &mut byte)? == 0 {
        return Err(std::io::Error::from_raw_os_error(libc::ESRCH))
            .context("reading the memory of a process that is ending");
    }
    let value = value.unwrap_or(byte[0] >> bit & 1 == 0);
    tracee.write(address, byte[0] & !(1 << bit) | u8::from(value) << bit)?;
    Ok(value)
}

/// Leaves out the instruction at `rip`, and says which. `None` where there is none.
fn skip(tracee: &mut Tracee, rip: u64) -> Result<Option<String>> {
    let mut code = [0; INSTRUCTION];
    // Less than that before a hole, nothing where the instruction pointer is wild already.
    let Ok(length) = tracee.read(rip, &mut code) else { return Ok(None) };
    let instruction = Decoder::with_ip(64, &code[..length], rip, DecoderOptions::NONE).decode();
    if instruction.is_invalid() {
        return Ok(None);
    }
    let mut registers = tracee.registers()?;
    registers.rip = instruction.next_ip();
    tracee.set_registers(registers)?;
    Ok(Some(format!("instruction left out: {:?}", instruction.code())))
}

/// Processes that may be hit: the replicas of all groups, which are children of the supervisor, or a program alone and all
/// that come from it.
pub(crate) fn processes(run: &Running<'_>) -> Result<Vec<u32>> {
    if run.subject().replicas > 0 {
        return Ok(children(run.pid)?.into_iter().filter(|pid| !is_frozen(*pid)).collect());
    }
    let mut all = vec![run.pid];
    let mut next = 0;
    while let Some(&pid) = all.get(next) {
        all.extend(children(pid)?);
        next += 1;
    }
    Ok(all)
}

/// Children of a process, in the order of their start.
/// Whether a process is a frozen copy, which belongs to a checkpoint and not to the run: it blocks every signal that can be
/// blocked.
fn is_frozen(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line == "SigBlk:\tfffffffffffbfeff")
}

fn children(pid: u32) -> Result<Vec<u32>> {
    match fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")) {
        Ok(text) => Ok(text.split_whitespace().filter_map(|word| word.parse().ok()).collect()),
        Err(error) if error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error).context("listing the children of a process"),
    }
}
