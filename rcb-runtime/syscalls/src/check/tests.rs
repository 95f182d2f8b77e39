//! The checks find what they are for: each rule is broken once by hand, and rows made at random are held against a
//! second, slower statement of the rules.

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::{MAX_ARGS, Problem, Why, calls, family, row};
use crate::flags;
use crate::row::prelude::*;
use crate::spec::{Arg, Class, Cloexec, Exec, Family, FlagSet, Len, Makes, Row, Support};
use crate::table::{SUBJECTS, rows};

const fn plain(args: &'static [Arg]) -> Row {
    each(1, "plain", args)
}

fn why(one: Row) -> Option<Why> {
    row(&one).err().map(|problem| problem.why)
}

#[test]
fn the_tables_themselves_are_sound() {
    for (subject, of_subject) in SUBJECTS {
        assert_eq!(calls(of_subject), Ok(()), "{subject}");
    }
}

#[test]
fn lengths_must_refer_to_integers() {
    assert_eq!(why(plain(&[Fd, In(Len::Arg(2))])), Some(Why::NoSuchArg));
    assert_eq!(why(plain(&[Fd, In(Len::Arg(0))])), Some(Why::NotInteger));
    assert_eq!(why(plain(&[In(Len::Arg(0))])), Some(Why::NotInteger));
    assert_eq!(why(plain(&[Fd, In(Len::Arg(2)), Int])), None);
    assert_eq!(why(plain(&[Fd, InVec { count: 0 }, Int])), Some(Why::NotInteger));
    assert_eq!(why(plain(&[Fd, Out(Len::FdSet { nfds: 7 })])), Some(Why::NoSuchArg));
    assert_eq!(why(plain(&[SigMask(Len::Bytes(8))])), Some(Why::Length));
}

#[test]
fn pointed_lengths_must_refer_to_a_word_read_and_written() {
    assert_eq!(why(plain(&[Fd, Out(Len::Pointed { arg: 2 }), Int])), Some(Why::NotPointer));
    assert_eq!(why(plain(&[Fd, Out(Len::Pointed { arg: 2 }), Out(INT)])), Some(Why::NotPointer));
    assert_eq!(why(plain(&[Fd, Out(Len::Pointed { arg: 2 }), InOut(INT)])), None);
    assert_eq!(why(plain(&[Fd, Out(Len::Pointed { arg: 3 }), InOut(INT)])), Some(Why::NoSuchArg));
}

#[test]
fn lengths_known_afterwards_are_not_for_input() {
    assert_eq!(why(plain(&[In(Len::Result { cap: 1 }), Int])), Some(Why::Length));
    assert_eq!(why(plain(&[InOut(Len::ResultTimes { cap: 1, size: 8 }), Int])), Some(Why::Length));
    assert_eq!(why(plain(&[Out(Len::ResultTimes { cap: 1, size: 0 }), Int])), Some(Why::Length));
    assert_eq!(why(plain(&[In(Len::Bytes(0))])), Some(Why::Length));
    assert_eq!(why(plain(&[Out(Len::Sized)])), Some(Why::Length));
}

#[test]
fn at_most_six_arguments() {
    assert_eq!(why(plain(&[Int, Int, Int, Int, Int, Int])), None);
    assert_eq!(why(plain(&[Int, Int, Int, Int, Int, Int, Int])), Some(Why::TooMany));
}

#[test]
fn flags_need_names() {
    const EMPTY: &FlagSet = &FlagSet { names: &[], mask: 0 };
    assert_eq!(why(plain(&[Flags(EMPTY)])), Some(Why::Flags));
    assert_eq!(why(plain(&[Flags(flags::OPEN)])), None);
}

#[test]
fn rows_that_are_not_performed_say_why_and_do_nothing() {
    let good = refused(1, "no", &[], ENOSYS, "because it must not be");
    assert_eq!(why(good), None);
    assert_eq!(why(Row { support: Support::Full, ..good }), Some(Why::Support));
    assert_eq!(why(Row { support: Support::None("no"), ..good }), Some(Why::Sentence));
    assert_eq!(why(Row { support: Support::None("it must not be."), ..good }), Some(Why::Sentence));
    assert_eq!(why(Row { exec: Exec::Refused(0), ..good }), Some(Why::Errno));
    assert_eq!(why(Row { exec: Exec::Absent(4000), ..good }), Some(Why::Errno));
    assert_eq!(why(good.blocking()), Some(Why::NotPerformed));
    assert_eq!(why(good.makes(Makes::Result(Cloexec::Never))), Some(Why::NotPerformed));
    assert_eq!(why(Row { exec: Exec::Once, class: Class::Output, ..good }), Some(Why::Support));
    assert_eq!(why(plain(&[]).but("short")), Some(Why::Sentence));
}

#[test]
fn class_and_performer_fit() {
    for class in [Class::Output, Class::ConsumingInput, Class::PureInput, Class::Descriptor, Class::Process] {
        assert_eq!(why(plain(&[]).class(class)), Some(Why::Class), "{class:?} by each replica");
    }
    assert_eq!(why(output(1, "out", &[]).class(Class::Local)), Some(Why::Class));
    assert_eq!(why(output(1, "out", &[]).class(Class::Signal)), Some(Why::Class));
    assert_eq!(why(plain(&[]).blocking()), Some(Why::Class));
}

#[test]
fn descriptors_come_from_somewhere() {
    let socket = making(1, "socket", &[Flags(flags::SOCKET_TYPE)], o_cloexec(0));
    assert_eq!(why(socket), None);
    assert_eq!(why(socket.makes(Makes::Nothing)), Some(Why::Makes));
    assert_eq!(why(socket.makes(Makes::Result(o_cloexec(1)))), Some(Why::Makes));
    assert_eq!(why(socket.makes(Makes::Result(Cloexec::Arg { arg: 0, mask: 0 }))), Some(Why::Makes));
    assert_eq!(why(socket.makes(Makes::Result(Cloexec::Pointed { arg: 0 }))), Some(Why::Makes));
    assert_eq!(why(socket.makes(Makes::Pair { arg: 0, cloexec: Cloexec::Never })), Some(Why::Makes));
    assert_eq!(why(socket.makes(Makes::Rights)), Some(Why::Makes));
    assert_eq!(why(input(1, "peek", &[Int]).makes(Makes::Result(Cloexec::Never))), Some(Why::Makes));
    assert_eq!(why(taking(1, "recvmsg", &[Fd, MsgOut, Int])), Some(Why::Makes));
}

#[test]
fn files_of_rows_rise_and_are_named() {
    let bad = |rows: &[Row]| calls(rows).err();
    let row = |nr, name| each(nr, name, &[]);
    assert_eq!(bad(&[row(3, "a"), row(4, "b")]), None);
    assert_eq!(bad(&[row(4, "a"), row(3, "b")]), Some(Problem { row: "b", why: Why::Order }));
    assert_eq!(bad(&[row(4, "a"), row(4, "b")]), Some(Problem { row: "b", why: Why::Order }));
    assert_eq!(bad(&[row(470, "a")]), Some(Problem { row: "a", why: Why::Number }));
    assert_eq!(bad(&[row(4, "Open")]), Some(Problem { row: "Open", why: Why::Name }));
    assert_eq!(bad(&[row(4, "")]), Some(Problem { row: "", why: Why::Name }));
}

#[test]
fn families_select_by_an_integer() {
    static ONE: [Row; 1] = [each(3, "ONE", &[Fd, Int])];
    static NESTED: [Row; 1] = [each(3, "ONE", &[Fd, Int]).with(&crate::family::epoll::FAMILY)];
    static LOWER: [Row; 1] = [each(3, "one", &[Fd, Int])];
    let of = |rows: &'static [Row], select, mask, unknown| family(&Family { select, mask, rows, unknown }).err();
    let why = |problem: Option<Problem>| problem.map(|problem| problem.why);
    assert_eq!(of(&ONE, 1, u32::MAX, 22), None);
    assert_eq!(why(of(&ONE, 0, u32::MAX, 22)), Some(Why::Select));
    assert_eq!(why(of(&ONE, 2, u32::MAX, 22)), Some(Why::Select));
    assert_eq!(why(of(&ONE, 1, 1, 22)), Some(Why::Number));
    assert_eq!(why(of(&ONE, 1, u32::MAX, 0)), Some(Why::Errno));
    assert_eq!(why(of(&[], 1, u32::MAX, 22)), Some(Why::Errno));
    assert_eq!(why(of(&NESTED, 1, u32::MAX, 22)), Some(Why::Nested));
    assert_eq!(why(of(&LOWER, 1, u32::MAX, 22)), Some(Why::Name));
}

#[test]
#[should_panic(expected = "write: a length refers to an argument that is no integer")]
fn a_problem_stops_with_the_name_of_the_row() {
    super::demand(calls(&[output(1, "write", &[Fd, In(Len::Arg(0)), Int])]));
}

/// The position that a length refers to, and whether an integer must stand there: stated a second time.
fn reference(arg: &Arg) -> Option<(u8, bool)> {
    match arg {
        Arg::In(len) | Arg::Out(len) | Arg::InOut(len) | Arg::SigMask(len) => match *len {
            Len::Arg(at)
            | Len::Times { arg: at, .. }
            | Len::Result { cap: at }
            | Len::ResultTimes { cap: at, .. }
            | Len::FdSet { nfds: at }
            | Len::BitMask { bits: at }
            | Len::Pages { arg: at }
            | Len::Msg { arg: at }
            | Len::MsgResult { cap: at } => Some((at, true)),
            Len::Pointed { arg: at } => Some((at, false)),
            Len::Bytes(_) | Len::Sized | Len::FileHandle => None,
        },
        Arg::InVec { count } | Arg::OutVec { count } | Arg::MmsgIn { count } | Arg::MmsgOut { count } => {
            Some((*count, true))
        }
        _ => None,
    }
}

fn refers_well(args: &[Arg]) -> bool {
    args.iter().filter_map(reference).all(|(at, integer)| match args.get(usize::from(at)) {
        Some(Arg::Int | Arg::Flags(_)) => integer,
        Some(Arg::InOut(Len::Bytes(4))) => !integer,
        _ => false,
    })
}

fn any_len() -> impl Strategy<Value = Len> {
    let at = 0..7_u8;
    prop_oneof![
        (0..300_u16).prop_map(Len::Bytes),
        at.clone().prop_map(Len::Arg),
        (at.clone(), 0..20_u16).prop_map(|(arg, size)| Len::Times { arg, size }),
        at.clone().prop_map(|cap| Len::Result { cap }),
        (at.clone(), 0..20_u16).prop_map(|(cap, size)| Len::ResultTimes { cap, size }),
        at.clone().prop_map(|arg| Len::Pointed { arg }),
        at.clone().prop_map(|nfds| Len::FdSet { nfds }),
        at.clone().prop_map(|bits| Len::BitMask { bits }),
        at.clone().prop_map(|arg| Len::Pages { arg }),
        Just(Len::Sized),
        Just(Len::FileHandle),
        at.clone().prop_map(|arg| Len::Msg { arg }),
        at.prop_map(|cap| Len::MsgResult { cap }),
    ]
}

fn any_arg() -> impl Strategy<Value = Arg> {
    prop_oneof![
        3 => Just(Arg::Int),
        1 => Just(Arg::Fd),
        1 => Just(Arg::Flags(flags::OPEN)),
        1 => Just(Arg::Path),
        1 => Just(Arg::InOut(Len::Bytes(4))),
        1 => Just(Arg::MsgIn),
        2 => any_len().prop_map(Arg::In),
        2 => any_len().prop_map(Arg::Out),
        1 => any_len().prop_map(Arg::InOut),
        1 => (0..7_u8).prop_map(|count| Arg::InVec { count }),
        1 => (0..7_u8).prop_map(|count| Arg::OutVec { count }),
    ]
}

proptest! {
    /// A row that is accepted refers to arguments that are there; one that refers well breaks another rule at most.
    #[test]
    fn random_arguments(args in proptest::collection::vec(any_arg(), 0..8)) {
        let verdict = super::args::all(&args);
        let well = args.len() <= MAX_ARGS && refers_well(&args);
        match verdict {
            Ok(()) => prop_assert!(well, "accepted {args:?}"),
            Err(Why::TooMany) => prop_assert!(args.len() > MAX_ARGS),
            Err(Why::NoSuchArg | Why::NotInteger | Why::NotPointer) => prop_assert!(!well, "refused {args:?}"),
            Err(_) => {}
        }
    }

    /// Taking the last argument away from a row of the table that refers to it is always noticed.
    #[test]
    fn shortened_rows_are_noticed(at in 0..381_usize) {
        let one = rows().nth(at).expect("381 rows");
        let args: Vec<Arg> = one.args.iter().copied().take(one.args.len().saturating_sub(1)).collect();
        prop_assert_eq!(super::args::all(&args).is_ok(), refers_well(&args), "{}", one.name);
    }
}
