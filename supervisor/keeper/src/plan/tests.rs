//! Plans of real libraries and of made-up programs, each rule checked anew on the bytes by means of its own.

mod real;
mod rules;
mod synthetic;

use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, Instruction, OpKind};
use rcb_abi::plan::PlanSite;
use std::collections::BTreeSet;

/// All instructions of some code, decoded from its first byte to its last.
fn linear(bytes: &[u8], addr: u64) -> Vec<Instruction> {
    Decoder::with_ip(64, bytes, addr, DecoderOptions::NONE).into_iter().collect()
}

/// Where direct branches go.
fn direct_targets(instructions: &[Instruction]) -> BTreeSet<u64> {
    let direct = instructions.iter().filter(|instruction| instruction.op0_kind() == OpKind::NearBranch64);
    direct.map(Instruction::near_branch_target).collect()
}

/// Checks everything about a site that its own bytes show; panics with a reason.
fn check_bytes(site: &PlanSite, file: &[u8]) {
    let len = usize::from(site.len);
    let at = site.offset as usize;
    assert!((5..=16).contains(&len), "{site:x?}");
    assert_eq!(usize::from(site.head) + 2 + usize::from(site.tail), len, "{site:x?}");
    assert_eq!(site.expect[..len], file[at..at + len], "{site:x?}");
    assert!(site.expect[len..].iter().all(|&byte| byte == 0), "{site:x?}");

    let instructions = linear(&site.expect[..len], 0x1000);
    let call = instructions.iter().position(|instruction| instruction.ip() == 0x1000 + u64::from(site.head));
    let call = call.expect("the head is whole instructions");
    assert_eq!(instructions[call].code(), Code::Syscall, "{site:x?}");
    let last = instructions.len() - 1;
    for (index, instruction) in instructions.iter().enumerate().filter(|(index, _)| *index != call) {
        assert!(!instruction.is_invalid(), "{site:x?}");
        assert!(!instruction.is_ip_rel_memory_operand(), "{site:x?}");
        assert!(!instruction.is_stack_instruction() || index == last && instruction.code() == Code::Retnq, "{site:x?}");
        let goes_on = instruction.flow_control() == FlowControl::Next;
        let returns = instruction.flow_control() == FlowControl::Return && index == last && index > call;
        assert!(goes_on || returns, "{site:x?}");
    }
    for number in [15, 56, 57, 58, 435_u32] {
        let number = number.to_le_bytes();
        let before = &file[at.saturating_sub(8)..at + usize::from(site.head)];
        for load in [&[0xb8][..], &[0x48, 0xc7, 0xc0]] {
            assert!(!before.ends_with(&[load, &number].concat()), "{site:x?} is rt_sigreturn, clone, fork or vfork");
        }
    }
}

/// Sites do not overlap and are in order.
fn check_order(sites: &[PlanSite]) {
    for pair in sites.windows(2) {
        assert!(pair[0].offset + u32::from(pair[0].len) <= pair[1].offset, "{pair:x?}");
    }
}
