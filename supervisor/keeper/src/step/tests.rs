//! The decisions, one story per test.

use super::*;

fn at(seq: u64) -> Glance {
    Glance { seq, phase: phase::RUN, ..Glance::default() }
}

fn waiting(seq: u64, wait_for: u32) -> Glance {
    Glance { seq, phase: phase::WAIT_REQUEST, wait_for, ..Glance::default() }
}

fn faulty(seq: u64, kind: u32) -> Glance {
    Glance { seq, phase: phase::PARKED, fault: Fault { kind, seq, ..Fault::default() }, ..Glance::default() }
}

fn ended(replica: usize, end: End) -> Event {
    Event::Ended { replica, end, agreed: Some(end) }
}

#[test]
fn agreed_exit_passes_through() {
    let mut state = State::new(2);
    assert_eq!(state.step(&ended(1, End::Exit(3))), [Action::StartGrace]);
    assert_eq!(state.step(&ended(0, End::Exit(3))), [Action::Finish(End::Exit(3))]);
    assert_eq!(state.step(&Event::GraceOver), []);
    assert_eq!(state.step(&Event::Interrupted(2)), []);
}

#[test]
fn one_that_does_not_end_is_a_fault() {
    let mut state = State::new(3);
    state.step(&ended(2, End::Exit(0)));
    state.step(&ended(0, End::Exit(0)));
    assert_eq!(state.step(&Event::GraceOver), [Action::Judge(Cause::NotEnded { replica: 1 })]);
}

#[test]
fn whoever_has_announced_its_end_gets_more_time() {
    let mut state = State::new(2);
    state.step(&ended(0, End::Exit(0)));
    state.step(&Event::Look(vec![at(9), Glance { phase: phase::ENDING, ..at(9) }]));
    for _ in 0..MAX_GRACES {
        assert_eq!(state.step(&Event::GraceOver), [Action::StartGrace]);
    }
    assert_eq!(state.step(&Event::GraceOver), [Action::Judge(Cause::NotEnded { replica: 1 })]);
}

#[test]
fn different_ends_are_a_fault() {
    let mut state = State::new(2);
    state.step(&ended(0, End::Exit(0)));
    let end = End::Exit(1);
    assert_eq!(state.step(&ended(1, end)), [Action::Judge(Cause::Died { replica: 1, end })]);
}

#[test]
fn death_without_agreement() {
    let end = End::Signal(libc::SIGKILL);
    let event = Event::Ended { replica: 0, end, agreed: None };
    assert_eq!(State::new(2).step(&event), [Action::Judge(Cause::Died { replica: 0, end })]);
    assert_eq!(State::new(1).step(&event), [Action::Finish(end)]);
    // Agreed on one end, met another.
    let event = Event::Ended { replica: 0, end, agreed: Some(End::Exit(0)) };
    assert_eq!(State::new(2).step(&event), [Action::Judge(Cause::Died { replica: 0, end })]);
}

#[test]
fn two_replicas_need_no_third_word() {
    let mut state = State::new(2);
    let event = Event::Look(vec![at(7), faulty(7, kind::MISMATCH)]);
    let actions = state.step(&event);
    assert!(matches!(actions[..], [Action::Judge(Cause::Fault { observer: 1, .. })]), "{actions:?}");
}

#[test]
fn the_third_gets_a_moment_to_arrive() {
    let mut state = State::new(3);
    assert_eq!(state.step(&Event::Look(vec![faulty(7, kind::MISMATCH), at(8), at(6)])), [Action::StartGrace]);
    assert_eq!(state.step(&Event::Look(vec![faulty(7, kind::MISMATCH), at(8), at(6)])), []);
    let actions = state.step(&Event::Look(vec![faulty(7, kind::MISMATCH), at(8), at(7)]));
    assert!(matches!(actions[..], [Action::Judge(Cause::Fault { observer: 0, .. })]), "{actions:?}");
}

#[test]
fn but_only_a_moment() {
    let mut state = State::new(3);
    state.step(&Event::Look(vec![faulty(7, kind::MISMATCH), at(8), at(6)]));
    assert!(matches!(state.step(&Event::GraceOver)[..], [Action::Judge(Cause::Fault { .. })]));
}

#[test]
fn faults_of_the_agent_are_judged_at_once() {
    let mut state = State::new(3);
    let actions = state.step(&Event::Look(vec![at(1), at(1), faulty(9, kind::AGENT_PANIC)]));
    assert!(matches!(actions[..], [Action::Judge(Cause::Fault { observer: 2, .. })]));
}

#[test]
fn silence_counts_in_ticks_from_when_somebody_waits() {
    let mut state = State::new(2);
    let alone = Event::Tick(vec![at(5), at(5)]);
    for _ in 0..100 {
        assert_eq!(state.step(&alone), [], "both compute");
    }
    let waits = Event::Tick(vec![waiting(6, 1), at(5)]);
    for _ in 0..TICKS_PER_DEADLINE {
        assert_eq!(state.step(&waits), []);
    }
    assert_eq!(state.step(&waits), [Action::Judge(Cause::Silent { replica: 1, waiting: 0, stopped: false })]);
}

#[test]
fn a_sign_of_life_starts_the_count_again() {
    let mut state = State::new(2);
    for seq in 0..50 {
        for _ in 0..TICKS_PER_DEADLINE {
            assert_eq!(state.step(&Event::Tick(vec![waiting(100, 1), at(seq)])), []);
        }
    }
}

#[test]
fn blocked_and_late_are_not_silent() {
    let mut state = State::new(2);
    let blocked = Glance { phase: phase::BLOCKED, ..at(5) };
    for _ in 0..100 {
        assert_eq!(state.step(&Event::Tick(vec![blocked, waiting(5, 0)])), []);
    }
    let mut state = State::new(2);
    for tick in 1..100 {
        let late = Glance { user_ns: tick * 1000, ..at(5) };
        let peer = Glance { user_ns: 1_000_000, ..waiting(6, 1) };
        assert_eq!(state.step(&Event::Tick(vec![peer, late])), []);
    }
    // It gets no CPU time at all: stopped, or starved.
    let mut state = State::new(2);
    let peer = Glance { user_ns: 1_000_000, ..waiting(6, 1) };
    let judged = (0..100).flat_map(|_| state.step(&Event::Tick(vec![peer, at(5)]))).collect::<Vec<_>>();
    assert_eq!(judged, [Action::Judge(Cause::Silent { replica: 1, waiting: 0, stopped: false })]);
}

#[test]
fn an_unreadable_answer_waits_for_its_other_readers() {
    for kind in [kind::PAYLOAD, kind::LOG] {
        let mut unreadable = faulty(7, kind);
        unreadable.fault.peer = 0;
        let judged = |actions: &[Action]| matches!(actions, [Action::Judge(Cause::Fault { observer: 1, .. })]);
        // The leader need not have come further; the other follower has read it, or cannot either.
        for third in [at(8), faulty(7, kind)] {
            let mut state = State::new(3);
            assert_eq!(state.step(&Event::Look(vec![at(7), unreadable, at(7)])), [Action::StartGrace]);
            assert!(judged(&state.step(&Event::Look(vec![at(7), unreadable, third]))));
        }
        // There is no other, or the leader complains of itself.
        assert!(judged(&State::new(2).step(&Event::Look(vec![at(7), unreadable]))));
        unreadable.fault.peer = u32::MAX;
        assert!(judged(&State::new(3).step(&Event::Look(vec![at(7), unreadable, at(7)]))));
    }
}

#[test]
fn all_waiting_for_each_other_is_judged() {
    let mut state = State::new(2);
    let event = Event::Tick(vec![waiting(6, 1), waiting(6, 0)]);
    let judged = (0..100).flat_map(|_| state.step(&event)).collect::<Vec<_>>();
    assert_eq!(judged, [Action::Judge(Cause::Deadlock)]);
}

#[test]
fn a_stopped_replica_is_silent_even_in_a_call_that_blocks() {
    let stopped = Cause::Silent { replica: 0, waiting: 1, stopped: true };
    for phase in [phase::BLOCKED, phase::RUN, phase::WAIT_REQUEST] {
        let mut state = State::new(3);
        let first = Glance { phase, wait_for: 2, stopped: true, ..at(5) };
        let event = Event::Tick(vec![first, waiting(5, 0), at(5)]);
        let judged = (0..100).flat_map(|_| state.step(&event)).collect::<Vec<_>>();
        assert_eq!(judged, [Action::Judge(stopped)]);
    }
    // Nobody waits for it: it may stand there for ever.
    let mut state = State::new(2);
    let event = Event::Tick(vec![Glance { stopped: true, ..at(5) }, at(5)]);
    assert!((0..100).all(|_| state.step(&event).is_empty()));
}

#[test]
fn a_replica_that_goes_on_between_stops_is_slow() {
    let mut state = State::new(3);
    for tick in 0..100 {
        let pulsed = Glance { stopped: true, ..at(5 + tick) };
        assert_eq!(state.step(&Event::Tick(vec![waiting(6 + tick, 1), pulsed, waiting(6 + tick, 0)])), []);
    }
}

#[test]
fn a_stop_of_all_is_no_fault() {
    let stop = |glance: Glance| Glance { stopped: true, ..glance };
    let mut state = State::new(2);
    for event in [vec![stop(at(5)), stop(waiting(5, 0))], vec![stop(waiting(5, 1)), stop(waiting(5, 0))]] {
        assert!((0..100).all(|_| state.step(&Event::Tick(event.clone())).is_empty()));
    }
}

#[test]
fn waiting_for_what_is_there_is_no_sign_of_life() {
    let mut state = State::new(2);
    let stuck = Glance { served: true, phase: phase::WAIT_RESULT, ..waiting(5, 0) };
    let event = Event::Tick(vec![waiting(8, 1), stuck]);
    let ticks = (1..100).find(|_| !state.step(&event).is_empty());
    assert_eq!(ticks, Some(TICKS_PER_DEADLINE + 2), "as any silence: the first tick shows a new number");
    // Nobody waits for it yet.
    let mut state = State::new(2);
    let event = Event::Tick(vec![at(8), stuck]);
    let judged = (0..100).flat_map(|_| state.step(&event)).collect::<Vec<_>>();
    assert_eq!(judged, [Action::Judge(Cause::Silent { replica: 1, waiting: 1, stopped: false })]);
    // Each has what the other wants, and none goes on.
    let mut state = State::new(2);
    let event = Event::Tick(vec![Glance { served: true, ..waiting(5, 1) }, Glance { served: true, ..waiting(5, 0) }]);
    let judged = (0..100).flat_map(|_| state.step(&event)).collect::<Vec<_>>();
    assert_eq!(judged, [Action::Judge(Cause::Deadlock)]);
}

#[test]
fn the_user_ends_it_at_any_time() {
    let mut state = State::new(3);
    state.step(&Event::Look(vec![faulty(7, kind::MISMATCH), at(8), at(6)]));
    assert_eq!(state.step(&Event::Interrupted(libc::SIGINT)), [Action::Abandon(libc::SIGINT)]);
    assert_eq!(state.step(&Event::GraceOver), []);
}
