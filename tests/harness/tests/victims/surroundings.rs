//! Other users, other terminals, fewer CPUs than replicas, refused features.

use crate::claim;
use libtest_mimic::{Failed, Trial};
use rcb_tests::case::Case;
use rcb_tests::conform::{Expected, conform};
use rcb_tests::launch::Launch;
use rcb_tests::outcome::Ended;
use rcb_tests::program;
use rcb_tests::require::{is_root, trial};
use rcb_tests::runtime::{Setting, rcb};
use rcb_tests::sandbox::Sandbox;
use std::io::Write as _;
use std::path::Path;

pub(crate) fn trials() -> Vec<Trial> {
    let mut all = Vec::new();
    for (name, command) in [
        ("sha256sum", "exec $RUN sha256sum /etc/passwd"),
        (
            "python3",
            "exec $RUN /usr/bin/python3 -c 'import os; open(\"made\", \"w\").write(\"x\"); print(os.getuid(), os.listdir(\".\"))'",
        ),
        ("id", "exec $RUN id"),
        ("denied", "exec $RUN cat /etc/shadow"),
        ("ls", "exec $RUN ls -la /usr"),
    ] {
        all.push(trial(format!("ordinary-user-{name}"), ["setpriv", "/usr/bin/python3"], move || {
            ordinary_user(name, command, "")
        }));
        all.push(trial(format!("no-new-privileges-{name}"), ["setpriv", "/usr/bin/python3"], move || {
            ordinary_user(name, command, "--no-new-privs")
        }));
    }
    for replicas in [4, 5, 8] {
        for name in ["process/chain", "file/dup", "exceptions/segv-jump", "net/unix"] {
            all.push(trial(format!("{}-of-{replicas}", name.replace('/', "-")), ["cc"], move || many(name, replicas)));
        }
    }
    all.push(trial("one-cpu", ["taskset"], || {
        surrounded(
            "one-cpu",
            "exec taskset -c 0 $RUN sh -c 'i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); done; echo $i'",
        )
    }));
    all.push(trial("one-cpu-three", ["taskset", "gzip"], || {
        surrounded("one-cpu-three", "exec taskset -c 0 $RUN gzip -n -c /etc/services /etc/protocols")
    }));
    all.push(trial("file-size-limit", ["id"], || {
        surrounded(
            "file-size-limit",
            "(ulimit -S -f 0; $RUN id; echo $?; $RUN sh -c 'ulimit -S -f'; echo $?) 2>&1 | cat",
        )
    }));
    all.push(trial("long-call", ["cc"], long_call));
    all.push(trial("terminal", ["script"], || {
        surrounded("terminal", "script -qec '$RUN tty' /dev/null | sed s/[0-9]*//g; script -qec 'stty rows 40 cols 100; $RUN stty -a' /dev/null")
    }));
    all.push(trial("terminal-python", ["script", "/usr/bin/python3"], || {
        let command = "import os, sys, termios; t = termios.tcgetattr(0); print(os.isatty(0), os.isatty(1), os.get_terminal_size()); \
             t[3] &= ~termios.ECHO; termios.tcsetattr(0, termios.TCSADRAIN, t); print(termios.tcgetattr(0)[3] & termios.ECHO)";
        surrounded("terminal-python", &format!("script -qec \"stty rows 40 cols 100; $RUN /usr/bin/python3 -c \\\"{command}\\\"\" /dev/null"))
    }));
    all.push(trial("terminal-interrupt", ["script"], terminal_interrupt));
    all
}

/// A command for the shell, compared as every case.
fn surrounded(name: &str, script: &str) -> Result<(), Failed> {
    conform("victims", &Case::shell(name, script), &Expected::ANYTHING, &[Setting::output(2), Setting::output(3)])
}

/// As a user without any rights: under root by giving them up, else as we are.
fn ordinary_user(name: &str, command: &str, more: &str) -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    // The runtime may lie where only root can go.
    let copy = sandbox.path().join("rcb");
    std::fs::copy(rcb(), &copy)?;
    let become_nobody = "--reuid=65534 --regid=65534 --clear-groups";
    let run = |setting: Setting| -> Result<_, Failed> {
        let prefix = setting.prefix(&[]).join(" ").replace(&rcb().display().to_string(), &copy.display().to_string());
        let rights = if is_root() { become_nobody } else { "" };
        let template = sandbox.path().join("template");
        std::fs::create_dir_all(&template)?;
        if is_root() {
            std::os::unix::fs::chown(&template, Some(65534), Some(65534))?;
        }
        let mut case = Case::shell(name, "");
        case.template = Some(template);
        // Its own cache would belong to root.
        case.env = vec![("XDG_CACHE_HOME".into(), "/nonexistent".into())];
        let command = command.replace("exec $RUN", &format!("exec setpriv {rights} {more} {prefix}"));
        Ok(sandbox.run_words(&case, &["/bin/sh".into(), "-c".into(), command], &setting.to_string())?)
    };
    let native = run(Setting::Native)?;
    for setting in [Setting::output(2), Setting::output(3), Setting::strict(2)] {
        let seen = run(setting)?;
        let text = rcb_tests::outcome::differences(&native, &seen, true);
        claim(text.is_empty(), || format!("{name} under {setting}:\n{text}{}", seen.report))?;
    }
    Ok(())
}

/// More replicas than CPUs.
fn many(name: &str, replicas: usize) -> Result<(), Failed> {
    let program = program::named(name);
    let case = program.case(name, "pie")?;
    conform("victims", &case, &program.expected(), &[Setting::output(replicas), Setting::strict(replicas)])
}

/// A call that waits for the world longer than the deadline is no fault.
fn long_call() -> Result<(), Failed> {
    let program = program::named("victims/long-call");
    let mut case = program.case("long-call", "pie")?;
    case.options = vec!["--deadline".into(), "0.3".into()];
    conform("victims", &case, &program.expected(), &[Setting::output(2), Setting::strict(2)])
}

/// Ctrl-C typed at a terminal ends the run, and the terminal is usable again.
fn terminal_interrupt() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let work = sandbox.fresh_work(None)?;
    let case = Case::shell("interrupt", "");
    let prefix = Setting::output(2).prefix(&[]).join(" ");
    let script = format!(
        "stty -echo; {prefix} sh -c 'echo ready; while :; do :; done'; echo \"status $?\"; stty -a | grep -o isig"
    );
    let words = ["script", "-qec", &script, "/dev/null"].map(String::from);
    let mut launch = Launch::start(&case, &words, Path::new(&work))?;
    let line = launch.line()?;
    claim(line == "ready", || format!("the guest said {line:?}"))?;
    // `script` passes on what it reads; 3 is Ctrl-C.
    let mut terminal = launch.stdin.take().ok_or("no standard input")?;
    terminal.write_all(&[3])?;
    terminal.flush()?;
    let mut rest = String::new();
    for _ in 0..3 {
        let line = launch.line()?;
        rest.push_str(&line);
        rest.push('\n');
        if line == "isig" || line.is_empty() {
            break;
        }
    }
    drop(terminal);
    let done = launch.finish()?;
    claim(done.ended != Ended::Deadline, || format!("did not end: {rest}"))?;
    // The shell in the terminal sees death by SIGINT, and ends by it in its turn or says 130.
    claim(!rest.contains("status 120") && !rest.contains("status 0"), || format!("{rest}{}", done.report))?;
    claim(done.left.is_empty(), || format!("processes are left: {:?}", done.left))
}
