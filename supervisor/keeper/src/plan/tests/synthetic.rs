//! A linker for tests: puts functions, unwind tables, landing pads and jump tables into a small ELF file.

/// Address (and file offset) of the first byte of code.
pub(super) const CODE: u64 = 0x1000;
/// Address (and file offset) of the read-only data.
pub(super) const DATA: u64 = 0x8000;
const UNWIND: u64 = 0xa000;

/// What goes into the file.
#[derive(Default)]
pub(super) struct Program {
    pub(super) code: Vec<u8>,
    /// Functions as `(offset in code, length, landing pad as an offset from its start)`.
    pub(super) functions: Vec<(u64, u64, Option<u64>)>,
    pub(super) data: Vec<u8>,
    /// Functions are called from the signal trampoline's unwind entry.
    pub(super) signal: bool,
    /// Linked to a fixed address (ET_EXEC).
    pub(super) fixed: bool,
}

impl Program {
    /// One function that is all of the code.
    pub(super) fn function(code: &[u8]) -> Self {
        Self { code: code.to_vec(), functions: vec![(0, code.len() as u64, None)], ..Self::default() }
    }

    /// Functions one behind the other.
    pub(super) fn functions(parts: &[&[u8]]) -> Self {
        let mut program = Self::default();
        for part in parts {
            program.functions.push((program.code.len() as u64, part.len() as u64, None));
            program.code.extend_from_slice(part);
        }
        program
    }

    /// The file: one executable segment, one of data, one of unwind tables; no sections, no symbols.
    pub(super) fn link(&self) -> Vec<u8> {
        assert!(self.code.len() <= (DATA - CODE) as usize && self.data.len() <= (UNWIND - DATA) as usize);
        let unwind = self.unwind();
        let mut file = vec![0; UNWIND as usize];
        file[..16].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
        let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
        put(16, &(if self.fixed { 2_u16 } else { 3 }).to_le_bytes());
        put(18, &62_u16.to_le_bytes());
        put(20, &1_u32.to_le_bytes());
        put(24, &CODE.to_le_bytes());
        put(32, &64_u64.to_le_bytes());
        put(52, &64_u16.to_le_bytes());
        put(54, &56_u16.to_le_bytes());
        put(56, &4_u16.to_le_bytes());
        put(58, &64_u16.to_le_bytes());
        let segments = [
            (1_u32, 5_u32, CODE, self.code.len()),
            (1, 4, DATA, self.data.len()),
            (1, 4, UNWIND, unwind.len()),
            (0x6474_e550, 4, UNWIND, 8),
        ];
        for (index, (kind, flags, addr, len)) in segments.into_iter().enumerate() {
            let at = 64 + index * 56;
            put(at, &kind.to_le_bytes());
            put(at + 4, &flags.to_le_bytes());
            for (field, value) in [(8, addr), (16, addr), (24, addr), (32, len as u64), (40, len as u64), (48, 0x1000)]
            {
                put(at + field, &value.to_le_bytes());
            }
        }
        put(CODE as usize, &self.code);
        put(DATA as usize, &self.data);
        file.extend(unwind);
        file
    }

    /// `.eh_frame_hdr` (its first 8 bytes), `.eh_frame` behind it, then the tables of landing pads.
    fn unwind(&self) -> Vec<u8> {
        let mut out = vec![1, 0x1b, 0xff, 0xff];
        out.extend(4_i32.to_le_bytes());
        let record = |out: &mut Vec<u8>, body: &[u8]| {
            let padded = body.len().next_multiple_of(4);
            out.extend((padded as u32).to_le_bytes());
            out.extend(body);
            out.resize(out.len() + padded - body.len(), 0);
        };
        // id 0, version 1, augmentation, code factor, data factor, return register, 2 bytes of data: lsda, pointer
        let letters: &[u8] = if self.signal { b"zLRS\0" } else { b"zLR\0" };
        let common_at = out.len();
        record(&mut out, &[&[0, 0, 0, 0, 1], letters, &[1, 0x78, 16, 2, 0x1b, 0x1b]].concat());
        let mut patches = Vec::new();
        for &(offset, len, pad) in &self.functions {
            let at = out.len() + 4;
            let start = (CODE + offset) as i64 - (UNWIND as i64 + at as i64 + 4);
            let mut body = ((at - common_at) as u32).to_le_bytes().to_vec();
            body.extend((start as i32).to_le_bytes());
            body.extend((len as u32).to_le_bytes());
            body.push(4);
            patches.push((at + body.len(), len, pad));
            body.extend([0; 4]);
            record(&mut out, &body);
        }
        out.extend([0; 4]);
        for (at, len, pad) in patches {
            let Some(pad) = pad else { continue };
            let distance = out.len() as i32 - at as i32;
            out[at..at + 4].copy_from_slice(&distance.to_le_bytes());
            // no landing pad base, no types, call sites as ULEB128: one for the whole function (two-byte numbers)
            let uleb = |value: u64| [(value & 0x7f) as u8 | 0x80, (value >> 7) as u8];
            out.extend([0xff, 0xff, 0x01, 6, 0]);
            out.extend(uleb(len));
            out.extend(uleb(pad));
            out.push(0);
        }
        out
    }
}
