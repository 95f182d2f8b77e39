//! Steps of a process that never sleeps.

use super::*;
use std::process::{Command, Stdio};

#[test]
fn steps_that_take_long_leave_no_signal() {
    let mut child = Command::new("sh").args(["-c", "while :; do :; done"]).stdin(Stdio::null()).spawn().unwrap();
    // As often as it takes to be interrupted before, in and behind a step.
    for _ in 0..40 {
        let mut tracee = Tracee::stop(child.id(), true).unwrap().expect("it computes for ever");
        for _ in 0..50 {
            assert!(tracee.step_within(Duration::ZERO).unwrap());
        }
    }
    let ended = child.try_wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(ended, None, "a signal of ours has reached it");
}
