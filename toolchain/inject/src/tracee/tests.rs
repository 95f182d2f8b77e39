//! Steps of a process that never sleeps.

use super::*;
use std::process::{Command, Stdio};

#[test]
fn steps_that_take_long_leave_no_signal() {
    let mut child = Command::new("sh").args(["-c", "while :; do :; done"]).stdin(Stdio::null()).spawn().unwrap();
    // Before the step, in the middle of it, behind it.
    for round in 0..40 {
        let mut tracee = Tracee::stop(child.id(), true).unwrap().expect("it computes for ever");
        for pause in 0..50 {
            tracee.begin_step().unwrap();
            let until = Instant::now() + Duration::from_micros(pause * (1 + round % 4));
            while Instant::now() < until {}
            assert!(tracee.interrupt(PATIENCE).unwrap());
        }
    }
    let ended = child.try_wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(ended, None, "a signal of ours has reached it");
}
