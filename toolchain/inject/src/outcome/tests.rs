//! Intervals against tables, and the class of every kind of end.

use super::*;

#[test]
fn intervals_agree_with_tables() {
    let (low, high) = wilson(0, 1000);
    assert!(low.abs() < 1e-12 && (high - 0.003_827).abs() < 1e-5, "{low} {high}");
    let (low, high) = wilson(159, 1000);
    assert!((low - 0.1377).abs() < 2e-4 && (high - 0.1830).abs() < 2e-4, "{low} {high}");
    assert_eq!(wilson(0, 0), (0.0, 1.0));
    assert_eq!(Estimate::new(1, 4).share.to_bits(), 0.25f64.to_bits());
}

#[test]
fn words_lead_back() {
    for class in Class::ALL {
        assert_eq!(Class::of_word(class.word()), Some(class));
        assert_eq!(serde_json::to_value(class).expect("text"), class.word());
    }
}

/// As the undisturbed run.
const SAME: Seen =
    Seen { ended: Ended::Exit(0), expected: 0, is_same: true, is_prefix: true, is_reported: false, is_healed: false };

#[test]
fn nothing_wrong_leaves_replicas() {
    let wrong = Seen { is_same: false, is_prefix: false, ..SAME };
    let short = Seen { is_same: false, ..SAME };
    for replicas in [2, 3] {
        let class = |seen: Seen| seen.class(replicas);
        assert_eq!(class(SAME), Class::NoEffect);
        assert_eq!(class(Seen { is_healed: true, ..SAME }), Class::Corrected);
        assert_eq!(class(Seen { is_reported: true, ..SAME }), Class::Corrected);
        assert_eq!(class(Seen { is_reported: true, ended: Ended::Exit(120), ..short }), Class::Stopped);
        assert_eq!(class(Seen { ended: Ended::Exit(120), ..short }), Class::Silent);
        assert_eq!(class(Seen { is_reported: true, ended: Ended::Exit(120), ..wrong }), Class::Silent);
        assert_eq!(class(Seen { is_reported: true, is_healed: true, ended: Ended::Exit(1), ..SAME }), Class::Silent);
        assert_eq!(class(wrong), Class::Silent);
        assert_eq!(class(short), Class::Silent);
        assert_eq!(class(Seen { ended: Ended::Exit(1), ..SAME }), Class::Silent);
        assert_eq!(class(Seen { ended: Ended::Signal(libc::SIGSEGV), ..short }), Class::Crashed);
        assert_eq!(class(Seen { ended: Ended::Exit(125), ..short }), Class::Lost);
        assert_eq!(class(Seen { ended: Ended::Signal(libc::SIGKILL), ..short }), Class::Lost);
        assert_eq!(class(Seen { ended: Ended::Late, ..short }), Class::Hung);
    }
}

#[test]
fn a_program_alone_says_itself_that_it_failed() {
    let short = Seen { is_same: false, ..SAME };
    assert_eq!(SAME.class(0), Class::NoEffect);
    assert_eq!(short.class(0), Class::Silent);
    assert_eq!(Seen { is_prefix: false, ..short }.class(1), Class::Silent);
    assert_eq!(Seen { ended: Ended::Exit(1), ..short }.class(0), Class::Crashed);
    assert_eq!(Seen { ended: Ended::Signal(libc::SIGKILL), ..short }.class(0), Class::Crashed);
    assert_eq!(Seen { is_reported: true, ended: Ended::Signal(libc::SIGABRT), ..short }.class(0), Class::Stopped);
    assert_eq!(Seen { ended: Ended::Exit(125), is_reported: true, ..short }.class(1), Class::Stopped);
    assert_eq!(Seen { ended: Ended::Exit(0), expected: 1, ..SAME }.class(0), Class::Silent);
}

#[test]
fn counts_add_up() {
    let mut counts: Counts = [Class::NoEffect, Class::Stopped, Class::Stopped, Class::Silent].into_iter().collect();
    assert_eq!((counts.total(), counts.effective(), counts.of(Class::Stopped)), (4, 3, 2));
    counts += counts;
    assert_eq!(counts.of(Class::Silent), 2);
    assert!(counts.to_string().starts_with("8 trials, no effect 2 = 25.00 %"), "{counts}");
}
