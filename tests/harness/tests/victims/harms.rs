//! Named faults, each made in one of three replicas of a program whose output is known: the kind of fault is the one to be
//! expected, the output is what it would have been, and the set is whole again.

use crate::claim;
use crate::deaths::{guest, nothing_left};
use crate::heals::{await_healed, await_healed_for, events, pid_of};
use libtest_mimic::{Failed, Trial};
use nix::sys::signal::Signal;
use rcb_abi::segment::{Head, Segment};
use rcb_tests::case::Case;
use rcb_tests::launch::{Launch, signal_to};
use rcb_tests::outcome::Ended;
use rcb_tests::random::Random;
use rcb_tests::require::trial;
use rcb_tests::runtime::Setting;
use rcb_tests::sandbox::Sandbox;
use rcb_tests::{processes, victim};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::mem::offset_of;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// `jmp` to itself.
const LOOP: [u8; 2] = [0xeb, 0xfe];
/// Lines of `worker table`: half a second.
const LINES: &str = "80";
/// Longest time to replace a replica with 100 MiB of memory in use, from the verdict on.
const HEAL_LARGE_US: u64 = 50_000;

pub(crate) fn trials() -> Vec<Trial> {
    let mut all = Vec::new();
    for who in 0..3 {
        all.push(trial(format!("harm-loop-{who}"), ["cc"], move || in_a_loop(who)));
        all.push(trial(format!("harm-wild-write-{who}"), ["cc"], move || wild_write(who)));
        all.push(trial(format!("harm-corrupt-{who}"), ["cc"], move || corrupt(who)));
        all.push(trial(format!("harm-stop-{who}"), ["cc"], move || stopped(who)));
        all.push(trial(format!("harm-in-forks-{who}"), ["cc"], move || again_and_again("forks", who)));
        all.push(trial(format!("harm-in-execs-{who}"), ["cc"], move || again_and_again("execs", who)));
    }
    for who in [0, 2] {
        all.push(trial(format!("harm-loop-found-early-{who}"), ["cc"], move || in_a_loop_for_long(who)));
    }
    for what in ["kill-begun", "kill-done"] {
        all.push(trial(format!("harm-pipe-{what}"), ["cc"], move || between_intent_and_result(what)));
    }
    all.push(trial("harm-many-descriptors", ["cc"], many_descriptors));
    all.push(trial("harm-large-memory", ["cc"], large_memory));
    all.push(trial("harm-then-job-control", ["cc"], job_control));
    all
}

/// Three replicas of `worker` under way, with their record.
pub(crate) struct Worker {
    _sandbox: Sandbox,
    pub(crate) record: PathBuf,
    pub(crate) launch: Launch,
}

impl Worker {
    /// Starts it with words of its own, with a deadline of a second.
    pub(crate) fn start(words: &[&str]) -> Result<Self, Failed> {
        Self::with_options(words, &SOON)
    }

    /// The same with other options of `rcb run`.
    pub(crate) fn with_options(words: &[&str], options: &[&str]) -> Result<Self, Failed> {
        let sandbox = Sandbox::new()?;
        let record = sandbox.path().join("record");
        let work = sandbox.fresh_work(None)?;
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let mut case = Case::program("worker", &guest("worker"), &words);
        case.options = options.iter().map(ToString::to_string).collect();
        case.options.extend(["--record".into(), record.display().to_string()]);
        let launch = Launch::start(&case, &case.command(Setting::output(3)), &work)?;
        Ok(Self { _sandbox: sandbox, record, launch })
    }

    /// Memory of a replica.
    pub(crate) fn memory(&self, who: usize) -> Result<File, Failed> {
        let path = format!("/proc/{}/mem", pid_of(&self.record, who)?);
        Ok(OpenOptions::new().read(true).write(true).open(path)?)
    }

    /// One replica has been replaced for such a fault, and there are three again.
    pub(crate) fn is_healed(&self, who: usize, kinds: &[&str]) -> Result<(), Failed> {
        let healed = await_healed(&self.record, 1)?;
        let is_right = healed[0]["replica"] == who && kinds.iter().any(|kind| healed[0]["kind"] == *kind);
        claim(is_right && healed.len() == 1, || format!("replica {who} should have been replaced once: {healed:?}"))?;
        // A program that was about to end may have done so: then its end is what shows that it was whole.
        let left = self.launch.replicas();
        claim(left.len() == 3 || left.is_empty(), || format!("{left:?} should be three replicas"))
    }

    /// It ends with this output from here on. What the record has by then.
    pub(crate) fn ends_with(mut self, expected: &[u8]) -> Result<Vec<Value>, Failed> {
        self.launch.stdin = None;
        let done = self.launch.finish()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]).into_owned();
        claim(done.ended == Ended::Exit(0), || format!("ended with {}\n{}", done.ended, done.report))?;
        claim(done.stdout == expected, || {
            format!("{}\ninstead of\n{}\n{}", text(&done.stdout), text(expected), done.report)
        })?;
        nothing_left(&done)?;
        Ok(victim::read_record(&self.record)?)
    }
}

/// Options for a deadline of a second.
pub(crate) const SOON: [&str; 2] = ["--deadline", "1"];

/// `worker table` or `busy` under way, the first line that it prints, which says where table and code are, and what follows.
pub(crate) fn begun(words: &[&str], options: &[&str]) -> Result<(Worker, String, Vec<u8>), Failed> {
    // First, because replicas do not wait for it.
    let native = natively(words)?;
    let first = native.iter().position(|byte| *byte == b'\n').ok_or("no line")?;
    let mut worker = Worker::with_options(words, options)?;
    let line = worker.launch.line()?;
    Ok((worker, line, native[first + 1..].to_vec()))
}

/// What `worker` prints natively.
pub(crate) fn natively(words: &[&str]) -> Result<Vec<u8>, Failed> {
    let done = std::process::Command::new(guest("worker")).args(words).output()?;
    claim(done.status.success(), || format!("natively: {}", done.status))?;
    Ok(done.stdout)
}

/// `worker table` under way: its first line says where its table and its code lie, the other lines are still to come.
fn table() -> Result<(Worker, [u64; 2], Vec<u8>), Failed> {
    let (worker, line, expected) = begun(&["table", LINES], &SOON)?;
    let mut places = line.split(' ').map(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16));
    let (Some(Ok(words)), Some(Ok(code))) = (places.next(), places.next()) else {
        return Err(format!("the guest said {line:?}").into());
    };
    Ok((worker, [words, code], expected))
}

/// The code that computes a line becomes an endless loop.
fn in_a_loop(who: usize) -> Result<(), Failed> {
    let (worker, [_, code], expected) = table()?;
    worker.memory(who)?.write_all_at(&LOOP, code)?;
    worker.is_healed(who, &["silent"])?;
    worker.ends_with(&expected).map(drop)
}

/// The same without a deadline of the user's: found by what the others needed, long before the usual deadline.
fn in_a_loop_for_long(who: usize) -> Result<(), Failed> {
    let (worker, line, expected) = begun(&["table", LINES], &[])?;
    let code = line.split(' ').next_back().unwrap_or_default().trim_start_matches("0x");
    worker.memory(who)?.write_all_at(&LOOP, u64::from_str_radix(code, 16)?)?;
    // It takes CPU time to tell, which there is little of on a busy machine.
    let healed = await_healed_for(&worker.record, 1, Duration::from_mins(1))?;
    worker.is_healed(who, &["silent"])?;
    let headline = healed[0]["headline"].as_str().unwrap_or_default();
    claim(headline.contains("computes for far longer"), || headline.to_owned())?;
    worker.ends_with(&expected).map(drop)
}

/// Half a page of noise over the table.
fn wild_write(who: usize) -> Result<(), Failed> {
    let (worker, [words, _], expected) = table()?;
    let mut random = Random::new(who as u64);
    let noise: Vec<u8> = (0..256).flat_map(|_| random.next_u64().to_ne_bytes()).collect();
    worker.memory(who)?.write_all_at(&noise, words + 64)?;
    worker.is_healed(who, &["mismatch"])?;
    worker.ends_with(&expected).map(drop)
}

/// A bit of the agent's own data: of its digest of all that was compared, in its private memory.
fn corrupt(who: usize) -> Result<(), Failed> {
    const LINES: &str = "200";
    let (worker, _, expected) = begun(&["busy", LINES], &SOON)?;
    let pid = pid_of(&worker.record, who)?;
    let memory = worker.memory(who)?;
    let mut places = Vec::new();
    for _ in 0..100 {
        // Stopped in the program's own code: while a call is handled, the word may be in a register.
        signal_to(pid, Signal::SIGSTOP);
        if is_in_program(pid) {
            places = digest_places(pid, &memory)?;
            for place in &places {
                let mut byte = [0];
                memory.read_exact_at(&mut byte, *place)?;
                memory.write_all_at(&[byte[0] ^ 16], *place)?;
            }
        }
        signal_to(pid, Signal::SIGCONT);
        if !places.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    claim(!places.is_empty(), || "the agent's digest was not found".into())?;
    worker.is_healed(who, &["mismatch"])?;
    worker.ends_with(&expected).map(drop)
}

/// Whether a process stands still in code that is not the agent's.
fn is_in_program(pid: i32) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) {
        if processes::look(pid).is_some_and(|process| process.state == 'T') {
            // Number, stack pointer and place; a call in which it sleeps has six arguments, too.
            let text = std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
            let place = text.split_whitespace().last().unwrap_or_default().trim_start_matches("0x");
            let place = u64::from_str_radix(place, 16).unwrap_or(rcb_abi::AGENT_BASE);
            return text.starts_with("-1 ") && !(rcb_abi::AGENT_BASE..rcb_abi::AGENT_END).contains(&place);
        }
        std::thread::yield_now();
    }
    false
}

/// Where the agent of a stopped replica keeps its digest: behind the number of its latest request in its private memory; what
/// looks the same on its stack is not in use while the program's code runs.
fn digest_places(pid: i32, memory: &File) -> Result<Vec<u64>, Failed> {
    let mut seq = [0; 8];
    let head = rcb_abi::OWN_ADDR + offset_of!(Segment, head) as u64;
    memory.read_exact_at(&mut seq, head + offset_of!(Head, seq) as u64)?;
    let seq = u64::from_ne_bytes(seq);
    let mut places = Vec::new();
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps"))?;
    for line in maps.lines() {
        let mut words = line.split([' ', '-']);
        let mut number = || words.next().and_then(|text| u64::from_str_radix(text, 16).ok()).unwrap_or(0);
        let (start, end) = (number(), number());
        let is_agents = (rcb_abi::AGENT_BASE..rcb_abi::CONTROL_ADDR).contains(&start);
        if !is_agents || !line.contains(" rw-p ") {
            continue;
        }
        let mut bytes = vec![0; (end - start) as usize];
        memory.read_exact_at(&mut bytes, start)?;
        let values: Vec<u64> = bytes.as_chunks().0.iter().map(|word| u64::from_ne_bytes(*word)).collect();
        // A digest is a large number; that of a request stands in other places, too.
        let found = values.windows(2).enumerate().filter(|(_, pair)| pair[0] == seq && pair[1] >> 48 != 0);
        places.extend(found.map(|(at, _)| start + 8 * (at as u64 + 1)));
    }
    Ok(places)
}

/// Stopped, and nobody lets it go on.
fn stopped(who: usize) -> Result<(), Failed> {
    let (worker, _, expected) = table()?;
    signal_to(pid_of(&worker.record, who)?, Signal::SIGSTOP);
    worker.is_healed(who, &["stopped"])?;
    worker.ends_with(&expected).map(drop)
}

/// Whether a command has ended. (The list of its children may miss some while others end.)
pub(crate) fn is_zombie(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
}

/// A replica of the first process is killed again and again while that forks or executes programs all the time, so that
/// some are lost in the middle of it.
fn again_and_again(what: &str, who: usize) -> Result<(), Failed> {
    const KILLS: usize = 12;
    let words = [what, "1000"];
    let native = natively(&words)?;
    let mut worker = Worker::start(&words)?;
    // From here on all replicas are there.
    let first = worker.launch.line()?.len() + 1;
    let mut random = Random::new(7 + who as u64);
    for _ in 0..KILLS {
        std::thread::sleep(Duration::from_micros(15_000 + random.below(10_000)));
        let healed = events(&worker.record, "healed")?.len();
        signal_to(pid_of(&worker.record, who)?, Signal::SIGKILL);
        if is_zombie(worker.launch.pid()) {
            break;
        }
        // The next one only when this one has been replaced: two at once are not corrected. At the end nobody needs to be.
        let start = Instant::now();
        while events(&worker.record, "healed")?.len() == healed && !is_zombie(worker.launch.pid()) {
            claim(start.elapsed() < Duration::from_secs(10), || "a replica was not replaced".into())?;
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let healed = events(&worker.record, "healed")?;
    claim(healed.len() > KILLS / 4, || format!("only {} replicas were lost on the way", healed.len()))?;
    let is_right = |event: &Value| event["replica"] == who && event["kind"] == "died";
    claim(healed.iter().all(is_right), || format!("{healed:?}"))?;
    worker.ends_with(&native[first..]).map(drop)
}

/// The leader dies when it has begun a write to a pipe, or has done it and told nobody.
fn between_intent_and_result(what: &str) -> Result<(), Failed> {
    const LINES: &str = "12";
    let mut died = 0;
    // A line is a write and a poll, after some fifty calls of the loader.
    for call in 40..80 {
        let fault = format!("replica=0,call={call},{what}");
        let (worker, _, expected) = begun(&["table", LINES], &["--inject", &fault])?;
        let events = worker
            .ends_with(&expected)
            .map_err(|error| format!("call {call}: {}", error.message().unwrap_or_default()))?;
        let healed = events.iter().filter(|event| event["event"] == "healed");
        let is_right = |event: &Value| event["kind"] == "died" && !event["leader"].is_null();
        claim(healed.clone().all(is_right), || format!("call {call}: {events:?}"))?;
        died += healed.count();
    }
    claim(died > 8, || format!("only {died} leaders died in the middle of a call"))
}

/// A program with 200 open descriptors loses its leader, then another one: its descriptors are as before.
fn many_descriptors() -> Result<(), Failed> {
    let mut worker = Worker::start(&["descriptors"])?;
    claim(worker.launch.line()? == "ready", || "the guest is not ready".into())?;
    signal_to(pid_of(&worker.record, 0)?, Signal::SIGKILL);
    worker.is_healed(0, &["died"])?;
    let healed = events(&worker.record, "healed")?;
    claim(!healed[0]["leader"].is_null(), || format!("there should be a new leader: {}", healed[0]))?;
    let mut input = worker.launch.stdin.take().ok_or("no standard input")?;
    input.write_all(b"1")?;
    claim(worker.launch.line()? == "byte 0", || "the byte was not read".into())?;
    let leader = healed[0]["leader"].as_u64().ok_or("no leader")? as usize;
    signal_to(pid_of(&worker.record, leader)?, Signal::SIGKILL);
    let healed = await_healed(&worker.record, 2)?;
    claim(healed[1]["replica"] == leader, || format!("{healed:?}"))?;
    claim(worker.launch.replicas().len() == 3, || format!("{:?} should be three replicas", worker.launch.replicas()))?;
    input.write_all(b"2")?;
    worker.ends_with(b"byte 1\n200 right, next 3\n").map(drop)
}

/// The terminal stops a program whose leader has been replaced, and lets it go on: all of its replicas, and no fault.
fn job_control() -> Result<(), Failed> {
    let (worker, _, expected) = table()?;
    signal_to(pid_of(&worker.record, 0)?, Signal::SIGKILL);
    worker.is_healed(0, &["died"])?;
    let leader = events(&worker.record, "healed")?[0]["leader"].as_u64().ok_or("no leader")? as usize;
    let pids = [pid_of(&worker.record, 0)?, pid_of(&worker.record, 1)?, pid_of(&worker.record, 2)?];
    let all_are = |stopped: bool| {
        let is_stopped = |pid: &i32| processes::look(*pid).map(|process| process.state == 'T');
        pids.iter().all(|pid| is_stopped(pid) == Some(stopped))
    };
    for (signal, stopped) in [(Signal::SIGTSTP, true), (Signal::SIGCONT, false)] {
        signal_to(pids[leader], signal);
        let start = Instant::now();
        while !all_are(stopped) {
            claim(start.elapsed() < Duration::from_secs(10), || format!("{signal} did not reach all of {pids:?}"))?;
            std::thread::sleep(Duration::from_millis(1));
        }
        // Longer than the deadline.
        std::thread::sleep(if stopped { Duration::from_millis(1500) } else { Duration::ZERO });
    }
    let events = worker.ends_with(&expected)?;
    claim(events.iter().filter(|event| event["event"] == "healed").count() == 1, || format!("{events:?}"))
}

/// A replica with 100 MiB in use is replaced within 50 ms; the median of several, since others use the machine, too.
fn large_memory() -> Result<(), Failed> {
    let mut worker = Worker::start(&["large", "100"])?;
    claim(worker.launch.line()? == "ready", || "the guest is not ready".into())?;
    for (count, who) in [0, 1, 2, 0, 1].into_iter().enumerate() {
        signal_to(pid_of(&worker.record, who)?, Signal::SIGKILL);
        await_healed(&worker.record, count + 1)?;
    }
    let healed = events(&worker.record, "healed")?;
    let mut times: Vec<u64> = healed.iter().filter_map(|event| event["heal_us"].as_u64()).collect();
    times.sort_unstable();
    claim(times.len() == 5 && times[2] <= HEAL_LARGE_US, || format!("microseconds to replace: {times:?}"))?;
    worker.ends_with(b"1\n").map(drop)
}
