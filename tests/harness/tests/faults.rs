//! Bit flips in one replica: at a random call, in a register, in memory, in a result or in the bytes of a call.
//!
//! With two or three replicas a flip may have no effect or be detected; it may never change what leaves. With three it is
//! corrected, but for every third case, which asks for detection alone. Each case
//! follows from the seed in its name, so that the name repeats it. The control runs flip the same way with a
//! single replica, where nothing can detect it: if these did not go wrong, the others would show nothing.

use libtest_mimic::{Arguments, Failed, Trial};
use rcb_tests::case::Case;
use rcb_tests::conform::failure;
use rcb_tests::inherited;
use rcb_tests::outcome::{Ended, Outcome, differences};
use rcb_tests::random::Random;
use rcb_tests::require::trial;
use rcb_tests::runtime::Setting;
use rcb_tests::sandbox::Sandbox;
use rcb_tests::victim::{self, Victim};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Cases per program and number of replicas; `RCB_FAULT_SEEDS` chooses another number (`make soak` does).
const SEEDS: u64 = 18;

/// Control runs per program.
const CONTROL: u64 = 16;

static NO_EFFECT: AtomicUsize = AtomicUsize::new(0);
static DETECTED: AtomicUsize = AtomicUsize::new(0);
static CORRECTED: AtomicUsize = AtomicUsize::new(0);

fn main() {
    inherited::settle();
    let seeds = std::env::var("RCB_FAULT_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS);
    let mut trials = Vec::new();
    for victim in victim::all() {
        let victim = Arc::new(victim);
        for replicas in [2, 3] {
            for seed in 1..=seeds {
                trials.push(flip_trial(&victim, replicas, seed));
            }
        }
        trials.push(control_trial(&victim));
    }
    trials.push(trial("input-flip-takes-effect", [], input_flip_takes_effect));
    trials.push(trial("input-flip-in-partly-readable-buffer", ["cc"], partly_readable));
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    let [quiet, seen, corrected] = [&NO_EFFECT, &DETECTED, &CORRECTED].map(|count| count.load(Ordering::Relaxed));
    // Not when tests are only listed: other programs read the list.
    if quiet + seen + corrected > 0 {
        println!("flips: {quiet} had no effect, {seen} were detected, {corrected} were corrected");
    }
    conclusion.exit();
}

/// The fault of a seed, in the words of `--inject`.
fn fault(seed: u64, replicas: usize, calls: u64) -> (usize, String) {
    // Those that a call preserves come twice: the others are often dead behind it.
    const REGISTERS: [&str; 24] = [
        "r15", "r14", "r13", "r12", "rbp", "rbx", "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8",
        "rax", "rcx", "rdx", "rsi", "rdi", "rip", "rflags", "rsp",
    ];
    let mut random = Random::new(seed * 1000 + replicas as u64);
    let replica = random.below(replicas as u64) as usize;
    let call = 1 + random.below(calls);
    let byte_bit = random.below(8);
    let wide_bit = random.below(64);
    let target = match random.below(20) {
        0..9 => format!("reg={},bit={wide_bit}", random.pick(&REGISTERS)),
        9..12 => format!("stack=+{},bit={byte_bit}", random.below(1024)),
        12..14 => format!("heap=+{},bit={byte_bit}", random.below(4096)),
        14..16 => format!("data=+{},bit={byte_bit}", random.below(4096)),
        16..19 => format!("result,bit={wide_bit}"),
        _ => format!("input,bit={byte_bit}"),
    };
    (replica, format!("replica={replica},call={call},{target}"))
}

fn flip_trial(victim: &Arc<Victim>, replicas: usize, seed: u64) -> Trial {
    let name = format!("{}-n{replicas}-seed{seed}", victim.name);
    let victim = victim.clone();
    trial(name.clone(), victim.needs.clone(), move || {
        let prepared = victim.prepared()?;
        let (replica, words) = fault(seed, replicas, prepared.calls);
        let sandbox = Sandbox::new()?;
        let mut case = prepared.case.clone();
        let record = sandbox.path().join("record");
        case.options =
            ["--inject", &words, "--deadline", "4", "--record", &record.display().to_string()].map(String::from).into();
        let heals = replicas > 2 && !seed.is_multiple_of(3);
        if !heals {
            case.options.push("--no-heal".into());
        }
        let seen = sandbox.run(&case, Setting::output(replicas))?;
        match judge(&prepared.native, &seen, &case) {
            Ok(true) if heals => {
                let text = format!("--inject {words}: detected and not corrected\n{}", seen.report);
                return Err(failure("faults", &name, sandbox, &text));
            }
            Ok(false) if seen.report.contains("corrected:") => {
                if let Err(text) = blames_only(&record, replica) {
                    let text = format!("--inject {words}: {text}\n{}", seen.report);
                    return Err(failure("faults", &name, sandbox, &text));
                }
                note(&name, &words, "corrected")?;
                CORRECTED.fetch_add(1, Ordering::Relaxed)
            }
            Ok(false) => {
                note(&name, &words, "no effect")?;
                NO_EFFECT.fetch_add(1, Ordering::Relaxed)
            }
            Ok(true) => {
                if replicas > 2
                    && let Err(text) = blames_only(&record, replica)
                {
                    return Err(failure(
                        "faults",
                        &name,
                        sandbox,
                        &format!("--inject {words}: {text}\n{}", seen.report),
                    ));
                }
                note(&name, &words, "detected")?;
                DETECTED.fetch_add(1, Ordering::Relaxed)
            }
            Err(text) => {
                let text = format!("--inject {words}:\n{text}  | {}", seen.report.replace('\n', "\n  | "));
                return Err(failure("faults", &name, sandbox, &text));
            }
        };
        Ok(())
    })
}

/// Leaves what a case has shown in `rcb-tests-faults/NAME` of the target directory: a runner with a process for each
/// test cannot count.
fn note(name: &str, words: &str, shown: &str) -> std::io::Result<()> {
    let folder = rcb_tests::target_dir().join("rcb-tests-faults");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(name), format!("{name}\t{words}\t{shown}\n"))
}

/// Whether the fault was detected (true) or had no effect (false); everything else is an error.
fn judge(native: &Outcome, seen: &Outcome, case: &Case) -> Result<bool, String> {
    if seen.ended == Ended::Exit(victim::DISAGREED) {
        if !native.stdout.starts_with(&seen.stdout) {
            return Err("  detected, but wrong bytes had left before\n".into());
        }
        if !seen.report.contains("fault:") {
            return Err("  exit 120 without a report\n".into());
        }
        return Ok(true);
    }
    let text = differences(native, seen, case.compare_files);
    if text.is_empty() { Ok(false) } else { Err(text) }
}

/// Whether the record blames the given replica and no other.
fn blames_only(record: &std::path::Path, replica: usize) -> Result<(), String> {
    let events = victim::read_record(record)?;
    let is_fault = |event: &&serde_json::Value| event["event"] == "fault" || event["event"] == "healed";
    let fault = events.iter().find(is_fault).ok_or("the record has no event `fault` or `healed`")?;
    let blamed = &fault["blamed"];
    if *blamed == serde_json::json!([replica]) {
        Ok(())
    } else {
        Err(format!("replica {replica} should be blamed, and {blamed} is"))
    }
}

/// The same kinds of flips with a single replica: at least some must go wrong.
fn control_trial(victim: &Arc<Victim>) -> Trial {
    let name = format!("{}-control", victim.name);
    let victim = victim.clone();
    trial(name.clone(), victim.needs.clone(), move || {
        let prepared = victim.prepared()?;
        let sandbox = Sandbox::new()?;
        let mut wrong = 0;
        for seed in 1..=CONTROL {
            let (_, words) = fault(seed, 1, prepared.calls);
            let mut case = prepared.case.clone();
            case.options = ["--inject", &words, "--deadline", "4"].map(String::from).into();
            // A flip may well make the only replica loop for ever: that is an effect too.
            case.deadline = std::time::Duration::from_secs(5);
            let seen = sandbox.run(&case, Setting::output(1))?;
            wrong += usize::from(!differences(&prepared.native, &seen, case.compare_files).is_empty());
        }
        println!("{name}: {wrong} of {CONTROL} flips with a single replica went wrong");
        if wrong == 0 {
            return Err(failure("faults", &name, sandbox, "no flip had an effect: nothing is injected"));
        }
        Ok(())
    })
}

/// The last call but one of a program is its last write: a flip of its bytes must be seen in just that place.
fn input_flip_takes_effect() -> Result<(), Failed> {
    let victim = victim::named("compute");
    let prepared = victim.prepared()?;
    let sandbox = Sandbox::new()?;
    let mut changed = Vec::new();
    for back in 0..4 {
        let mut case = prepared.case.clone();
        case.options = vec!["--inject".into(), format!("replica=0,call={},input,bit=0", prepared.calls - back)];
        let seen = sandbox.run(&case, Setting::output(1))?;
        let same_length = seen.stdout.len() == prepared.native.stdout.len();
        let bits: u32 = seen.stdout.iter().zip(&prepared.native.stdout).map(|(a, b)| (a ^ b).count_ones()).sum();
        if same_length && bits == 1 {
            changed.push(back);
        }
    }
    if changed.is_empty() {
        return Err(failure("faults", "input-flip-takes-effect", sandbox, "no flip changed one bit of the output"));
    }
    Ok(())
}

/// What the kernel writes of a buffer that ends in a hole is compared, however little it is.
fn partly_readable() -> Result<(), Failed> {
    let victim = victim::named("partly-written");
    let prepared = victim.prepared()?;
    let sandbox = Sandbox::new()?;
    let mut detected = 0;
    for back in 3..31 {
        let mut case = prepared.case.clone();
        case.options = vec!["--inject".into(), format!("replica=0,call={},input,bit=1", prepared.calls - back)];
        let seen = sandbox.run(&case, Setting::output(2))?;
        if seen.ended == Ended::Exit(victim::DISAGREED) {
            detected += 1;
        } else if seen.stdout != prepared.native.stdout {
            let text = format!("a flip at call {} left unseen\n{}", prepared.calls - back, seen.report);
            return Err(failure("faults", "input-flip-in-partly-readable-buffer", sandbox, &text));
        }
    }
    if detected < 12 {
        let text = format!("{detected} flips were detected, of 12 at least");
        return Err(failure("faults", "input-flip-in-partly-readable-buffer", sandbox, &text));
    }
    Ok(())
}
