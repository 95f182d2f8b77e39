//! What stands behind a pointer: strings, buffers, vectors, messages, signal sets.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::Fetch;
use super::value::{SHOWN, address, path, quoted};
use crate::flags::signal_name;
use crate::spec::{Arg, Len};

/// Longest string that is followed.
const STRING_BYTES: usize = 4096;
/// Most elements of a vector that are shown.
const ELEMENTS: u64 = 4;
const PAGE: u64 = 4096;

/// One call, as far as it is known.
pub(super) struct Call<'a> {
    pub(super) args: &'a [u64; 6],
    pub(super) result: Option<i64>,
    pub(super) fetch: Fetch<'a>,
}

impl Call<'_> {
    /// The memory behind `at`; the address itself if it cannot be shown.
    pub(super) fn show(&self, at: u64, arg: &Arg) -> String {
        if at == 0 {
            return address(0);
        }
        let filled = self.result.is_some_and(|result| result >= 0);
        let text = match *arg {
            Arg::Path | Arg::Name => self.string(at).map(|bytes| path(&bytes)),
            Arg::Strv => self.strings(at),
            Arg::In(len) | Arg::InOut(len) => self.buffer(at, len),
            Arg::Out(len) if filled => self.buffer(at, len),
            Arg::InVec { count } => self.vectors(at, self.arg(count), u64::MAX),
            Arg::OutVec { count } if filled => self.vectors(at, self.arg(count), self.result.unwrap_or(0) as u64),
            Arg::MsgIn => self.message(at, u64::MAX),
            Arg::MsgOut if filled => self.message(at, self.result.unwrap_or(0) as u64),
            Arg::MmsgIn { count } => self.messages(at, self.arg(count)),
            Arg::MmsgOut { .. } if filled => self.messages(at, self.result.unwrap_or(0) as u64),
            Arg::SigMask(_) => self.signals(at),
            Arg::SigMaskIndirect => self.word(at).and_then(|mask| self.signals(mask)),
            _ => None,
        };
        text.unwrap_or_else(|| address(at))
    }

    fn arg(&self, position: u8) -> u64 {
        self.args.get(usize::from(position)).copied().unwrap_or(0)
    }

    fn word(&self, at: u64) -> Option<u64> {
        Some(u64::from_le_bytes((self.fetch)(at, 8)?.try_into().ok()?))
    }

    fn half(&self, at: u64) -> Option<u32> {
        Some(u32::from_le_bytes((self.fetch)(at, 4)?.try_into().ok()?))
    }

    /// A string up to its NUL, read page by page because the next page may not be there.
    fn string(&self, at: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        while bytes.len() < STRING_BYTES {
            let from = at.checked_add(bytes.len() as u64)?;
            let chunk = (self.fetch)(from, (PAGE - from % PAGE) as usize)?;
            if let Some(end) = chunk.iter().position(|&byte| byte == 0) {
                bytes.extend_from_slice(&chunk[..end]);
                return Some(bytes);
            }
            bytes.extend_from_slice(&chunk);
        }
        bytes.truncate(STRING_BYTES);
        Some(bytes)
    }

    fn strings(&self, at: u64) -> Option<String> {
        let mut shown = Vec::new();
        for index in 0..=ELEMENTS {
            let string = self.word(at.checked_add(index * 8)?)?;
            if string == 0 {
                break;
            }
            if index == ELEMENTS {
                shown.push("...".to_string());
                break;
            }
            shown.push(self.string(string).map_or_else(|| address(string), |bytes| quoted(&bytes, bytes.len())));
        }
        Some(format!("[{}]", shown.join(", ")))
    }

    /// Numbers of four and eight bytes as numbers, anything else as bytes.
    fn buffer(&self, at: u64, len: Len) -> Option<String> {
        match len {
            Len::Bytes(4) => return Some(format!("[{}]", self.half(at)? as i32)),
            Len::Bytes(8) => return Some(format!("[{}]", self.word(at)? as i64)),
            _ => {}
        }
        let whole = self.length(at, len)?;
        let bytes = (self.fetch)(at, whole.min(SHOWN as u64) as usize)?;
        Some(quoted(&bytes, usize::try_from(whole).unwrap_or(usize::MAX)))
    }

    fn length(&self, at: u64, len: Len) -> Option<u64> {
        let result = self.result.unwrap_or(0).max(0) as u64;
        Some(match len {
            Len::Bytes(bytes) => u64::from(bytes),
            Len::Arg(arg) => self.arg(arg),
            Len::Times { arg, size } => self.arg(arg).saturating_mul(u64::from(size)),
            Len::Result { cap } => result.min(self.arg(cap)),
            Len::ResultTimes { cap, size } => result.min(self.arg(cap)).saturating_mul(u64::from(size)),
            Len::Pointed { arg } => u64::from(self.half(self.arg(arg))?),
            Len::FdSet { nfds: bits } | Len::BitMask { bits } => self.arg(bits).div_ceil(64).saturating_mul(8),
            Len::Pages { arg } => self.arg(arg).div_ceil(PAGE),
            Len::Sized => u64::from(self.half(at)?).min(4096),
            Len::FileHandle => 8 + u64::from(self.half(at)?).min(128),
            Len::Msg { arg } => self.arg(arg).saturating_add(8),
            Len::MsgResult { cap } => result.min(self.arg(cap)).saturating_add(8),
        })
    }

    /// `struct iovec[count]`, of whose bytes the first `left` count.
    fn vectors(&self, at: u64, count: u64, mut left: u64) -> Option<String> {
        let mut shown = Vec::new();
        for index in 0..count.min(ELEMENTS) {
            let base = self.word(at.checked_add(index * 16)?)?;
            let len = self.word(at.checked_add(index * 16 + 8)?)?;
            let used = len.min(left);
            left -= used;
            let bytes = (self.fetch)(base, used.min(SHOWN as u64) as usize);
            let text = bytes.map_or_else(|| address(base), |bytes| quoted(&bytes, used as usize));
            shown.push(format!("{{{text}, {len}}}"));
        }
        if count > ELEMENTS {
            shown.push("...".to_string());
        }
        Some(format!("[{}]", shown.join(", ")))
    }

    /// `struct msghdr`: name, its length, iovecs, their count, control, its length, flags.
    fn message(&self, at: u64, bytes: u64) -> Option<String> {
        let field = |offset: u64| self.word(at.checked_add(offset)?);
        let name_len = u64::from(self.half(at.checked_add(8)?)?);
        let iovecs = self.vectors(field(16)?, field(24)?, bytes)?;
        let (name, control, control_len) = (field(0)?, field(32)?, field(40)?);
        Some(format!(
            "{{name={}, namelen={name_len}, iov={iovecs}, control={}, controllen={control_len}}}",
            address(name),
            address(control)
        ))
    }

    /// `struct mmsghdr[count]`: each a message of 56 bytes, its length and padding.
    fn messages(&self, at: u64, count: u64) -> Option<String> {
        let mut shown = Vec::new();
        for index in 0..count.min(ELEMENTS) {
            let one = at.checked_add(index * 64)?;
            shown.push(self.message(one, u64::MAX)?);
        }
        if count > ELEMENTS {
            shown.push("...".to_string());
        }
        Some(format!("[{}]", shown.join(", ")))
    }

    fn signals(&self, at: u64) -> Option<String> {
        if at == 0 {
            return Some(address(0));
        }
        let set = self.word(at)?;
        let names: Vec<String> = (0..64).filter(|bit| set >> bit & 1 == 1).map(|bit| signal_name(bit + 1)).collect();
        Some(format!("[{}]", names.join(" ")))
    }
}
