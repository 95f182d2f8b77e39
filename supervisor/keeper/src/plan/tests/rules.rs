//! Each rule on code made for it, and random code against a plain check.

use super::synthetic::{CODE, DATA, Program};
use super::{check_bytes, check_order, direct_targets, linear};
use crate::plan::sites_of;

const SYSCALL: [u8; 2] = [0x0f, 0x05];
const CHECK: [u8; 6] = [0x48, 0x3d, 0x01, 0xf0, 0xff, 0xff]; // cmp $-4095, %rax
const GETPID: [u8; 5] = [0xb8, 39, 0, 0, 0]; // mov $39, %eax
const MOVE: [u8; 2] = [0x89, 0xc2]; // mov %eax, %edx
const TEST: [u8; 2] = [0x85, 0xc0]; // test %eax, %eax
const RET: [u8; 1] = [0xc3];
const NOP: [u8; 1] = [0x90];
const JMP_RAX: [u8; 2] = [0xff, 0xe0];

/// `(offset in code, head, tail)` of every planned site.
fn plan(program: &Program) -> Vec<(u64, u8, u8)> {
    let file = program.link();
    let sites = sites_of(&file).unwrap();
    check_order(&sites);
    for site in &sites {
        check_bytes(site, &file);
    }
    sites.iter().map(|site| (u64::from(site.offset) - CODE, site.head, site.tail)).collect()
}

fn plan_of(parts: &[&[u8]]) -> Vec<(u64, u8, u8)> {
    plan(&Program::function(&parts.concat()))
}

#[test]
fn the_error_check_behind_a_call_moves_with_it() {
    assert_eq!(plan_of(&[&GETPID, &SYSCALL, &CHECK, &RET]), [(5, 0, 6)]);
    // the 5-byte form with %eax
    assert_eq!(plan_of(&[&GETPID, &SYSCALL, &[0x3d, 0x00, 0xf0, 0xff, 0xff], &RET]), [(5, 0, 5)]);
}

#[test]
fn plain_instructions_and_a_return_move_too() {
    assert_eq!(plan_of(&[&GETPID, &SYSCALL, &MOVE, &TEST, &RET]), [(5, 0, 4)]);
    assert_eq!(plan_of(&[&GETPID, &SYSCALL, &MOVE, &RET, &NOP]), [(5, 0, 3)]);
}

#[test]
fn what_stands_before_a_call_moves_if_nothing_behind_it_can() {
    assert_eq!(plan_of(&[&GETPID, &SYSCALL, &RET, &NOP, &NOP]), [(0, 5, 0)]);
    // push %rdi behind; jne behind
    assert_eq!(plan_of(&[&GETPID, &SYSCALL, &[0x57], &CHECK, &RET]), [(0, 5, 0)]);
    assert_eq!(plan_of(&[&GETPID, &SYSCALL, &[0x75, 0xf7], &RET]), [(0, 5, 0)]);
}

#[test]
fn an_entry_on_the_call_keeps_its_head_in_place() {
    // jmp to the syscall at 7; nothing behind it can move
    assert_eq!(plan_of(&[&[0xeb, 5], &GETPID, &SYSCALL, &[0x57], &RET]), []);
    // jmp to the first byte of the head is no matter
    assert_eq!(plan_of(&[&[0xeb, 0], &GETPID, &SYSCALL, &[0x57], &RET]), [(2, 5, 0)]);
}

#[test]
fn an_entry_behind_the_call_excludes_the_tail() {
    // jmp to the check at 9: the number before it moves instead
    assert_eq!(plan_of(&[&[0xeb, 7], &GETPID, &SYSCALL, &CHECK, &RET]), [(2, 5, 0)]);
    // ... and nothing is left where that cannot move either (pop %rax)
    assert_eq!(plan_of(&[&[0xeb, 3], &[0x58], &SYSCALL, &CHECK, &RET]), []);
    // an entry behind the tail is no matter
    assert_eq!(plan_of(&[&[0xeb, 9], &[0x58], &SYSCALL, &CHECK, &RET]), [(3, 0, 6)]);
}

#[test]
fn an_entry_into_the_middle_of_an_instruction_counts() {
    assert_eq!(plan_of(&[&[0xeb, 4], &[0x58], &SYSCALL, &CHECK, &RET]), []);
}

#[test]
fn only_the_error_check_is_trusted_beside_an_indirect_jump() {
    assert_eq!(plan_of(&[&GETPID, &SYSCALL, &MOVE, &TEST, &JMP_RAX]), []);
    assert_eq!(plan_of(&[&GETPID, &SYSCALL, &CHECK, &JMP_RAX]), [(5, 0, 6)]);
}

#[test]
fn an_indirect_jump_in_a_part_split_off_counts() {
    let hot = [&GETPID[..], &SYSCALL, &MOVE, &TEST, &RET].concat();
    // the cold part jumps to the start of `mov $39` plus nothing: into the hot part at its first byte, on a condition
    let to_start = [&[0x74, (-(hot.len() as i8) - 2) as u8], &JMP_RAX[..]].concat();
    assert_eq!(plan(&Program::functions(&[&hot, &to_start])), []);
    // a tail call to a start does not join them
    let tail_call = [&JMP_RAX[..], &[0xeb, (-(hot.len() as i8) - 4) as u8]].concat();
    assert_eq!(plan(&Program::functions(&[&hot, &tail_call])), [(5, 0, 4)]);
    // the same jump behind the tail of the site, into the function: joined
    let into = [&JMP_RAX[..], &[0xeb, (-4 - 1_i8) as u8]].concat();
    assert_eq!(plan(&Program::functions(&[&hot, &into])), []);
}

#[test]
fn an_entry_of_a_jump_table_counts() {
    // lea table(%rip), %rax in another function; the table names the check
    let caller = |to: u64| [&[0x48, 0x8d, 0x05][..], &((to - (CODE + 9 + 7)) as u32).to_le_bytes(), &RET].concat();
    let site = [&[0x58][..], &SYSCALL, &CHECK].concat();
    let mut program = Program::functions(&[&site, &caller(DATA)]);
    assert_eq!(plan(&program), [(1, 0, 6)]);
    let entry = |target: u64| (target as i32 - DATA as i32).to_le_bytes();
    program.data = [entry(CODE), entry(CODE + 3)].concat();
    assert_eq!(plan(&program), [], "second entry is the address of the check");
    program.data = [entry(CODE), entry(0), entry(CODE + 3)].concat();
    assert_eq!(plan(&program), [(1, 0, 6)], "the table ends at its first entry that is no code");
}

#[test]
fn an_address_in_data_or_in_an_instruction_counts() {
    let site = [&[0x58][..], &SYSCALL, &CHECK, &RET].concat();
    let mut program = Program::function(&site);
    program.data = (CODE + 3).to_le_bytes().to_vec();
    assert_eq!(plan(&program), []);
    // mov $address, %edi: an address only in a program linked to a fixed place
    let site = [&[0xbf][..], &(CODE as u32 + 8).to_le_bytes(), &[0x58], &SYSCALL, &CHECK, &RET].concat();
    let mut program = Program::function(&site);
    assert_eq!(plan(&program), [(6, 0, 6)]);
    program.fixed = true;
    assert_eq!(plan(&program), []);
}

#[test]
fn a_landing_pad_counts() {
    let mut program = Program::function(&[&[0x58][..], &SYSCALL, &CHECK, &RET].concat());
    program.functions[0].2 = Some(9);
    assert_eq!(plan(&program), [(1, 0, 6)], "a pad behind the tail");
    program.functions[0].2 = Some(3);
    assert_eq!(plan(&program), []);
}

#[test]
fn the_start_of_a_function_counts() {
    let site = [&[0x58][..], &SYSCALL].concat();
    let check = [&CHECK[..], &RET].concat();
    assert_eq!(plan(&Program::functions(&[&site, &check])), []);
}

#[test]
fn without_unwind_tables_only_the_error_check_is_trusted() {
    let code = [&GETPID[..], &SYSCALL, &MOVE, &TEST, &RET, &GETPID, &SYSCALL, &CHECK, &RET].concat();
    let program = Program { code, ..Program::default() };
    assert_eq!(plan(&program), [(17, 0, 6)]);
}

#[test]
fn only_the_two_bounds_of_error_numbers_make_an_error_check() {
    for (bound, trusted) in [(-4095_i32, true), (-4096, true), (-4094, false), (-1, false), (0, false), (5, false)] {
        let check = [&[0x48, 0x3d][..], &bound.to_le_bytes()].concat();
        let code = [&[0x58][..], &SYSCALL, &check, &RET].concat();
        let expected: &[(u64, u8, u8)] = if trusted { &[(1, 0, 6)] } else { &[] };
        assert_eq!(plan(&Program { code, ..Program::default() }), expected, "{bound}");
    }
}

#[test]
fn calls_that_return_elsewhere_are_left_alone() {
    for number in [15, 56, 57, 58] {
        assert_eq!(plan_of(&[&[0xb8, number, 0, 0, 0], &SYSCALL, &CHECK, &RET]), [], "{number}");
        let wide = [0x48, 0xc7, 0xc0, number, 0, 0, 0];
        assert_eq!(plan_of(&[&wide, &MOVE, &[0x74, 0], &SYSCALL, &CHECK, &RET]), [], "{number}");
    }
    assert_eq!(plan_of(&[&[0xb8, 0xb3, 1, 0, 0], &SYSCALL, &CHECK, &RET]), []);
    let mut program = Program::function(&[&GETPID[..], &SYSCALL, &CHECK, &RET].concat());
    program.signal = true;
    assert_eq!(plan(&program), []);
}

#[test]
fn what_depends_on_its_place_stays() {
    // mov 0x100(%rip), %rdx
    let relative = [0x48, 0x8b, 0x15, 0, 1, 0, 0];
    assert_eq!(plan_of(&[&[0x58], &SYSCALL, &relative, &RET]), []);
    // call behind, pop behind, second syscall behind
    assert_eq!(plan_of(&[&[0x58], &SYSCALL, &[0xe8, 0, 0, 0, 0], &RET]), []);
    assert_eq!(plan_of(&[&[0x58], &SYSCALL, &[0x5a], &CHECK, &RET]), []);
    assert_eq!(plan_of(&[&[0x58], &SYSCALL, &SYSCALL, &CHECK, &RET]), [(3, 0, 6)]);
}

#[test]
fn code_that_does_not_decode_is_searched_and_its_sites_dropped() {
    let good = [&[0x58][..], &SYSCALL, &CHECK, &RET].concat();
    // 06 is no instruction in 64-bit mode
    let broken = [&[0x58][..], &SYSCALL, &CHECK, &[0x06]].concat();
    assert_eq!(plan(&Program::functions(&[&good, &broken])), [(1, 0, 6)]);
    // behind what does not decode hides a jump to the good function's check: 10 + 11 + 2 = 23 bytes back to 3
    let hiding = [&broken[..], &[0xeb, (3_i8 - 22) as u8]].concat();
    assert_eq!(plan(&Program::functions(&[&good, &hiding])), []);
}

/// SplitMix64, so that a failing case repeats from its printed seed.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % below
    }
}

/// Random functions with calls, and jumps to random bytes of all of them.
fn random_program(random: &mut Random) -> Program {
    const PIECES: [&[u8]; 12] = [
        &GETPID,
        &MOVE,
        &TEST,
        &CHECK,
        &RET,
        &[0x57],
        &[0x5f],
        &[0x48, 0x89, 0x44, 0x24, 0x08],
        &[0x48, 0x8b, 0x15, 0, 1, 0, 0],
        &[0x31, 0xff],
        &[0xff, 0xd0],
        &[0x74, 0x00],
    ];
    let parts: Vec<Vec<u8>> = (0..=random.next(4))
        .map(|_| {
            let mut code = Vec::new();
            for _ in 0..4 + random.next(30) {
                match random.next(10) {
                    0..=2 => code.extend(SYSCALL),
                    3 => code.extend([&[0x0f, 0x84][..], &[0; 4]].concat()),
                    4 => code.extend(CHECK),
                    5 if random.next(12) == 0 => code.extend(JMP_RAX),
                    _ => code.extend(PIECES[random.next(PIECES.len() as u64) as usize]),
                }
            }
            code
        })
        .collect();
    let mut program = Program::functions(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let size = program.code.len();
    for at in 0..size.saturating_sub(6) {
        if program.code[at..at + 6] == [0x0f, 0x84, 0, 0, 0, 0] {
            let distance = random.next(size as u64) as i32 - at as i32 - 6;
            program.code[at + 2..at + 6].copy_from_slice(&distance.to_le_bytes());
        }
    }
    program
}

#[test]
fn random_code_is_never_planned_across_a_branch_target() {
    let (mut planned, mut calls) = (0, 0);
    for seed in 0..3000 {
        let program = random_program(&mut Random(seed));
        let instructions = linear(&program.code, CODE);
        let targets = direct_targets(&instructions);
        calls += instructions.iter().filter(|instruction| instruction.code() == iced_x86::Code::Syscall).count();
        for (offset, head, tail) in plan(&program) {
            let first = CODE + offset;
            let last = first + u64::from(head) + 2 + u64::from(tail);
            let inside = targets.range(first + 1..last).next();
            assert!(inside.is_none(), "seed {seed}: site at {first:x}..{last:x} is entered at {inside:x?}");
            let starts = program.functions.iter().map(|function| CODE + function.0);
            assert_eq!(starts.filter(|start| (first + 1..last).contains(start)).count(), 0, "seed {seed}");
            planned += 1;
        }
    }
    assert!(planned * 10 > calls, "{planned} of {calls}: the check above saw something");
}
