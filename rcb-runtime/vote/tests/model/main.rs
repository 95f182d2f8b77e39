//! The meeting protocol under every interleaving, with two and three replicas.
//!
//! Replicas run small programs of calls; every access to a shared word is a step of its own, plain stores reach the
//! memory later and in order (as x86 has it), and a sleeper is woken by a peer or never: the agent's time-outs are
//! left out, except where a replica that makes other calls announces nothing. Rings are scaled down. What the replicas
//! conclude is what `rcb_vote::meeting` says, as in the agent.
//!
//! Every property has a protocol that is wrong on purpose and must be found out.

mod explore;
mod step;
mod verdict;
mod world;

use explore::{Seen, explore};
use world::Kind::{Ahead, Consume, Event, Exit, Local, Output};
use world::{Fault, Flaw, Kind, Setup};

/// Explores all of `setups`; a violation fails the test with the way to it.
fn holds(name: &str, setups: impl IntoIterator<Item = Setup>) -> Seen {
    let (mut count, mut sum) = (0, Seen::default());
    for setup in setups {
        assert!(setup.program.last() == Some(&Exit), "a program without an end");
        let seen = explore(&setup).unwrap_or_else(|found| panic!("{found}"));
        assert!(seen.ends > 0, "no end was reached: {setup:?}");
        count += 1;
        sum.states += seen.states;
        sum.ends += seen.ends;
    }
    println!("{name}: {count} explorations, {} states, {} ends", sum.states, sum.ends);
    sum
}

/// The violation that exploring must find.
fn found(setup: &Setup) -> &'static str {
    let found = explore(setup).expect_err("the flaw was not found");
    println!("{:?}: {}", setup.flaw, found.what);
    found.what
}

/// All programs of `length` calls of these kinds, with an exit behind.
fn programs(kinds: &[Kind], length: usize) -> Vec<Vec<Kind>> {
    let mut all = vec![vec![]];
    for _ in 0..length {
        let longer = |p: &Vec<Kind>| kinds.iter().map(|kind| [p.as_slice(), &[*kind]].concat()).collect::<Vec<_>>();
        all = all.iter().flat_map(longer).collect();
    }
    all.into_iter().map(|program| [program.as_slice(), &[Exit]].concat()).collect()
}

/// Enough calls for rings of four slots to come round twice, with the meetings at each place of a ring.
fn long() -> Vec<Vec<Kind>> {
    let mut all: Vec<Vec<Kind>> = (0..4)
        .flat_map(|place| {
            [(Event, Local), (Event, Ahead), (Output, Ahead), (Ahead, Local)].map(|(one, other)| {
                let mut program = vec![other; 8];
                program[place] = one;
                program[7] = Exit;
                program
            })
        })
        .collect();
    all.push(vec![Local, Event, Ahead, Local, Consume, Local, Local, Ahead, Local, Exit]);
    all
}

/// Every replica and every call at which something may go wrong.
fn faults(setup: &Setup, fault: fn(usize, u8) -> Fault) -> Vec<Setup> {
    let calls = 1..=setup.program.len() as u8;
    let with = |replica, from| Setup { fault: fault(replica, from), ..setup.clone() };
    (0..setup.n).flat_map(|replica| calls.clone().map(move |from| with(replica, from))).collect()
}

const fn value(replica: usize, from: u8) -> Fault {
    Fault::Value { replica, from }
}

const fn stray(replica: usize, from: u8) -> Fault {
    Fault::Stray { replica, from }
}

fn strict(setup: Setup) -> Setup {
    Setup { strict: true, ..setup }
}

#[test]
fn two_replicas_finish_and_perform_everything_once() {
    let all = programs(&[Local, Ahead, Output, Event], 3);
    holds("two", all.iter().map(|program| Setup::new(2, program)));
    let all = programs(&[Local, Ahead, Consume, Event], 2);
    holds("two, strict", all.iter().map(|program| strict(Setup::new(2, program))));
}

#[test]
fn three_replicas_finish_and_perform_everything_once() {
    let all = [&[Ahead, Output, Exit][..], &[Consume, Exit]];
    holds("three", all.map(|program| Setup::new(3, program)));
    holds("three, strict", [strict(Setup::new(3, &[Output, Exit]))]);
}

#[test]
fn no_slot_is_overwritten_that_a_peer_needs() {
    holds("rings of two", long().iter().map(|program| Setup::new(2, program)));
    holds("rings of two, strict", [strict(Setup::new(2, &long()[1]))]);
    let small = |program: &[Kind]| Setup { ring: 2, lag: 1, ..Setup::new(3, program) };
    holds("rings of three", [small(&[Ahead, Local, Ahead, Exit])]);
}

#[test]
fn a_wrong_value_is_reported_and_its_output_is_held_back() {
    for program in [&[Ahead, Output, Event, Exit][..], &[Local, Consume, Local, Ahead, Exit]] {
        holds("two, one wrong", faults(&Setup::new(2, program), value));
        holds("two, one wrong, strict", faults(&strict(Setup::new(2, program)), value));
    }
    holds("three, one wrong", faults(&Setup::new(3, &[Ahead, Output, Exit]), value));
    // The leader runs on while a follower reports: the slot of the first difference may be gone already.
    let late = Setup { fault: value(1, 2), ..Setup::new(3, &[Local, Local, Ahead, Local, Local, Local, Exit]) };
    holds("three, one wrong, reported late", [late]);
}

#[test]
fn a_stray_replica_takes_nobody_along() {
    for program in [&[Ahead, Output, Event, Exit][..], &[Local, Event, Local, Local, Consume, Exit]] {
        holds("two, one stray", faults(&Setup::new(2, program), stray));
    }
    holds("three, one stray", faults(&Setup::new(3, &[Output, Exit]), stray));
}

#[test]
fn a_stop_at_any_point_leaves_all_waiting_or_agreed() {
    let stop = |setup: Setup| Setup { fault: Fault::Stop, ..setup };
    let all = programs(&[Local, Ahead, Output, Event], 2);
    holds("two, a stop", all.iter().map(|program| stop(Setup::new(2, program))));
    holds("two, a stop, strict", [stop(strict(Setup::new(2, &[Local, Output, Exit])))]);
    holds("two, a stop, rings", [stop(Setup::new(2, &[Local, Event, Local, Ahead, Local, Local, Exit]))]);
    holds("three, a stop", [stop(Setup::new(3, &[Output, Exit]))]);
}

#[test]
fn a_plain_store_loses_a_wake_up() {
    let lost = "all wait and nobody will wake them";
    for flaw in [Flaw::PlainPublish, Flaw::PlainAsleep] {
        assert_eq!(found(&Setup { flaw, ..Setup::new(2, &[Output, Exit]) }), lost);
    }
}

#[test]
fn sequence_numbers_alone_do_not_hold_back_a_wrong_output() {
    let setup = Setup { flaw: Flaw::SeqOnly, fault: value(1, 1), ..Setup::new(2, &[Output, Exit]) };
    assert_eq!(found(&setup), "an output is performed that is not agreed");
    let setup = Setup { flaw: Flaw::SeqOnly, fault: value(1, 1), ..Setup::new(2, &[Exit]) };
    assert_eq!(found(&setup), "a replica ends without agreement");
}

#[test]
fn an_output_before_the_meeting_is_found() {
    for fault in [Fault::None, value(0, 1)] {
        let setup = Setup { flaw: Flaw::PerformFirst, fault, ..Setup::new(2, &[Output, Exit]) };
        assert_eq!(found(&setup), "an output is performed that is not agreed");
    }
}

#[test]
fn a_peer_that_has_moved_on_must_show_its_trace() {
    for fault in [value(1, 1), stray(1, 1)] {
        let setup = Setup { flaw: Flaw::NoTrace, fault, ..Setup::new(2, &[Exit, Exit]) };
        assert_eq!(found(&setup), "a replica ends without agreement");
    }
}

#[test]
fn a_lag_beyond_half_a_ring_is_found() {
    let program = [Local, Event, Local, Local, Local, Local, Local, Exit];
    assert!(!rcb_vote::meeting::ring_holds(4, 3));
    let (reported, taken) =
        ("a difference is reported where there is none", "a follower takes the result of another call");
    for (setup, consequence) in [
        (Setup { lag: 3, ..Setup::new(2, &program) }, reported),
        (Setup { flaw: Flaw::LagByOne, ..Setup::new(2, &program) }, reported),
        (Setup { lag: 3, ..Setup::new(2, &[Ahead, Ahead, Ahead, Ahead, Ahead, Ahead, Exit]) }, taken),
    ] {
        assert_eq!(found(&setup), "a slot is overwritten that a peer needs");
        assert_eq!(found(&Setup { guard_slots: false, ..setup }), consequence);
    }
}
