//! Under the default seccomp profile of Docker, where address randomisation cannot be switched off and descriptors cannot
//! be fetched: programs do what they do natively there, faults are detected, and `rcb doctor` says what is used instead.
//! (The tiny programs run there as well, in `conformance`.)

use libtest_mimic::{Arguments, Failed, Trial};
use rcb_tests::case::Case;
use rcb_tests::conform::{Expected, conform, failure};
use rcb_tests::outcome::{Ended, Outcome, differences};
use rcb_tests::require::trial;
use rcb_tests::runtime::{Lockstep, Setting, Twist, rcb};
use rcb_tests::sandbox::Sandbox;
use rcb_tests::{confine, inherited, victim};
use std::time::Duration;

/// Name, what it needs, command for the shell.
const COMMANDS: [(&str, &str, &str); 22] = [
    ("true", "true", "$RUN /bin/true; echo $?"),
    ("script", "sh", "printf '#!/bin/sh\\necho script $0 $1\\n' > s; chmod +x s; $RUN ./s one"),
    ("bzip2", "bzip2", "cat /bin/ls /bin/sh > data; $RUN bzip2 -k data; sha256sum data.bz2"),
    (
        "python3",
        "/usr/bin/python3",
        "$RUN /usr/bin/python3 -c 'import sys, mmap; print(sys.argv, sum(range(10**5)))' a b",
    ),
    (
        "python3-start",
        "/usr/bin/python3",
        "$RUN /usr/bin/python3 -c 'import subprocess as s; print(s.run([\"sh\", \"-c\", \"echo $PPID | wc -l\"], capture_output=True))'",
    ),
    ("perl", "perl", "$RUN perl -e '%h = map { $_ => $_ ** 2 } 1 .. 2000; print join(\",\", sort keys %h), \"\\n\"'"),
    ("pipeline", "awk", "$RUN sh -c 'ls /usr/bin | sort -r | awk \"{ n++ } END { print n }\"; (exit 3); echo $?'"),
    ("compile", "gcc", "echo 'int main(void) { return 42; }' > h.c; $RUN gcc -O1 -o h h.c; $RUN ./h; echo $?; rm h"),
    ("make", "make", "printf 'all: a b\\n%%:\\n\\techo $@ > $@\\n' > Makefile; $RUN make -s -j2; cat a b"),
    ("maps", "awk", "$RUN awk '{ n++ } END { print (n > 5) }' /proc/self/maps"),
    ("stack-in-maps", "awk", "$RUN awk '/stack/ { print $NF }' /proc/self/maps"),
    ("command-line", "cat", "$RUN cat /proc/self/cmdline; $RUN sh -c 'tr \"\\0\" . < /proc/$$/cmdline' name; echo"),
    ("environment", "env", "A='b c' $RUN env | grep ^A="),
    ("arguments", "sh", "$RUN sh -c 'echo $#; echo $1 | wc -c' $(seq 20000)"),
    (
        "no-arguments",
        "/usr/bin/python3",
        "$RUN /usr/bin/python3 -c 'import os; os.execve(\"/bin/true\", [\"\"], {})'; echo $?",
    ),
    ("stack-limits", "bash", "$RUN bash -c 'ulimit -s; ulimit -S -s 16384; ulimit -s; bash -c \"ulimit -s\"'"),
    ("stack-unlimited", "bash", "ulimit -s unlimited; $RUN bash -c 'ulimit -s; ulimit -S -s 300; ls / | wc -l'"),
    ("stack-tiny", "bash", "ulimit -S -s 100; $RUN bash -c 'ulimit -s; ls / | wc -l'"),
    (
        "recursion",
        "perl",
        "$RUN perl -e 'no warnings; sub f { my $n = shift; $n ? 1 + f($n - 1) : 0 } print f(50000), \"\\n\"'",
    ),
    (
        "recursion-python3",
        "/usr/bin/python3",
        "$RUN /usr/bin/python3 -c 'import sys; sys.setrecursionlimit(10**6); f = lambda n: n and 1 + f(n - 1); print(f(9000))'",
    ),
    (
        "address-space",
        "bash",
        "(ulimit -S -v 1000000; $RUN bash -c 'ulimit -v; ulimit -S -v 500000; ulimit -v; ls / | wc -l')",
    ),
    (
        "address-space-full",
        "/usr/bin/python3",
        "$RUN sh -c 'ulimit -S -v 400000; exec /usr/bin/python3 -c \"bytearray(10**8); print(1); bytearray(10**9)\"'; echo $?",
    ),
];

const fn confined(replicas: usize, lockstep: Lockstep) -> Setting {
    Setting::Replicated { replicas, lockstep, twist: Twist::Confined }
}

const SETTINGS: [Setting; 4] = [
    confined(1, Lockstep::Output),
    confined(2, Lockstep::Output),
    confined(3, Lockstep::Output),
    confined(2, Lockstep::Strict),
];

/// Seeds of the flips.
const SEEDS: u64 = 24;

fn main() {
    inherited::settle();
    let mut trials: Vec<Trial> = Vec::new();
    for (name, need, command) in COMMANDS {
        trials.push(trial(name, [need], move || {
            let mut case = Case::shell(name, command);
            case.deadline = Duration::from_secs(30);
            conform("confined", &case, &Expected::ANYTHING, &SETTINGS)
        }));
    }
    trials.push(trial("the-profile-binds", [], the_profile_binds));
    trials.push(trial("faults-are-detected", ["sha256sum"], faults_are_detected));
    trials.push(trial("the-wrong-one-is-named", ["sha256sum"], the_wrong_one_is_named));
    trials.push(trial("doctor", [], doctor));
    trials.push(trial("no-room", [], no_room));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Runs words under the profile.
fn run(sandbox: &Sandbox, words: &[&str]) -> Result<Outcome, Failed> {
    let mut command: Vec<String> = confine::prefix().into();
    command.extend(words.iter().map(|word| (*word).to_string()));
    Ok(sandbox.run_words(&Case::shell("confined", ""), &command, "seen")?)
}

/// Without this nothing else here would show anything.
fn the_profile_binds() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let script = "import ctypes; c = ctypes.CDLL(None, use_errno=True); \
                  print(c.personality(0x40000), ctypes.get_errno(), c.personality(8), c.syscall(438, 3, 0, 0), ctypes.get_errno())";
    let seen = run(&sandbox, &["/usr/bin/python3", "-c", script])?;
    let text = String::from_utf8_lossy(&seen.stdout).into_owned();
    if text == "-1 1 0 -1 1\n" { Ok(()) } else { Err(failure("confined", "the-profile-binds", sandbox, &text)) }
}

/// Bit flips in registers and results: what leaves is right, or the run ends with 120; some do.
fn faults_are_detected() -> Result<(), Failed> {
    const REGISTERS: [&str; 8] = ["rbx", "rbp", "r12", "r13", "r14", "r15", "rsp", "rax"];
    let victim = victim::named("sha256sum");
    let prepared = victim.prepared()?;
    let sandbox = Sandbox::new()?;
    let mut detected = 0;
    for seed in 0..SEEDS {
        let replicas = 2 + seed as usize % 2;
        let call = 1 + seed * prepared.calls / SEEDS;
        let register = REGISTERS[seed as usize % REGISTERS.len()];
        let words = format!("replica={},call={call},reg={register},bit={}", seed as usize % replicas, 3 + seed % 30);
        let mut case = prepared.case.clone();
        case.options = ["--inject", &words, "--deadline", "4"].map(String::from).into();
        let seen = sandbox.run(&case, confined(replicas, Lockstep::Output))?;
        let wrong = if seen.ended == Ended::Exit(victim::DISAGREED) {
            detected += 1;
            !prepared.native.stdout.starts_with(&seen.stdout) || !seen.report.contains("fault:")
        } else {
            !differences(&prepared.native, &seen, false).is_empty()
        };
        if wrong {
            let text = format!("--inject {words}: {}\n{}", seen.ended, seen.report);
            return Err(failure("confined", "faults-are-detected", sandbox, &text));
        }
    }
    if detected < SEEDS / 4 {
        let text = format!("{detected} of {SEEDS} flips were detected: is anything injected?");
        return Err(failure("confined", "faults-are-detected", sandbox, &text));
    }
    Ok(())
}

/// With three replicas the one that suffers is blamed. (It is not replaced where descriptors cannot be fetched.)
fn the_wrong_one_is_named() -> Result<(), Failed> {
    let victim = victim::named("sha256sum");
    let prepared = victim.prepared()?;
    for replica in 0..3 {
        let sandbox = Sandbox::new()?;
        let mut blamed = 0;
        for back in 0..12 {
            let mut case = prepared.case.clone();
            let words = format!("replica={replica},call={},input,bit=0", prepared.calls - back);
            case.options = vec!["--inject".into(), words.clone()];
            let seen = sandbox.run(&case, confined(3, Lockstep::Output))?;
            // Not every call passes bytes to the kernel.
            let right = if seen.ended == Ended::Exit(victim::DISAGREED) {
                blamed += 1;
                seen.report.contains(&format!("to blame: {replica};"))
            } else {
                seen.report.contains("was not injected") && seen.stdout == prepared.native.stdout
            };
            if !right {
                let text = format!("--inject {words}: {}\n{}", seen.ended, seen.report);
                return Err(failure("confined", "the-wrong-one-is-named", sandbox, &text));
            }
        }
        if blamed == 0 {
            return Err(failure("confined", "the-wrong-one-is-named", sandbox, "no flip was detected"));
        }
    }
    Ok(())
}

fn doctor() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let seen = run(&sandbox, &[&rcb().display().to_string(), "doctor"])?;
    let text = String::from_utf8_lossy(&seen.stdout).into_owned();
    let said = text.contains("lay out their addresses themselves") && text.contains("passed over sockets");
    if seen.ended == Ended::Exit(0) && said && !text.contains("missing ") {
        return Ok(());
    }
    Err(failure("confined", "doctor", sandbox, &format!("{}\n{text}{}", seen.ended, seen.report)))
}

/// A hard limit of address space that cannot be raised: the run and the doctor say so. (Some may raise it.)
fn no_room() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let command = rcb().display().to_string();
    let script = format!(
        "ulimit -v 4000000; {command} run -n 2 -- true; echo $?; {command} doctor | grep -c 'cannot be raised'; \
         ulimit -v unlimited 2>&1 || :; ulimit -v"
    );
    let seen = run(&sandbox, &["bash", "-c", &script])?;
    let text = String::from_utf8_lossy(&seen.stdout).into_owned();
    let right = if text.ends_with("unlimited\n") {
        text.starts_with("0\n0\n")
    } else {
        text.starts_with("125\n1\n") && seen.report.contains("ulimit -v")
    };
    if right { Ok(()) } else { Err(failure("confined", "no-room", sandbox, &format!("{text}{}", seen.report))) }
}
