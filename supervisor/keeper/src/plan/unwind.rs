//! Functions and landing pads as the unwinder knows them: `.eh_frame` and `.gcc_except_table`.
//!
//! Stripped libraries have no local symbols, but their unwind tables still say where every function starts and ends.
//! Format: Linux Standard Base core specification, "DWARF Extensions"; Itanium C++ ABI, exception handling tables.
//! A record that cannot be read ends the walk: what is missing only makes fewer sites provable.

/// One frame description: a function, or the cold part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Address of the first byte.
    pub start: u64,
    /// Address behind the last byte.
    pub end: u64,
    /// The kernel's or libc's return from a signal handler runs here (augmentation `S`).
    pub signal: bool,
    /// Its landing pads could not be read.
    pub opaque: bool,
}

/// What the tables say about the whole file.
#[derive(Debug, Default)]
pub struct Unwind {
    /// In rising order of start, without overlap.
    pub frames: Vec<Frame>,
    /// Addresses at which exception handling and thread cancellation enter a function.
    pub landing_pads: Vec<u64>,
}

/// Bytes of the file by address.
pub trait Memory {
    /// All bytes from `addr` to the end of what the file maps there; `None` outside.
    fn from(&self, addr: u64) -> Option<&[u8]>;
}

const OMIT: u8 = 0xff;

/// How the frames of one common information entry encode their pointers.
#[derive(Clone, Copy)]
struct Common {
    pointer: u8,
    lsda: u8,
    augmented: bool,
    signal: bool,
}

/// Reads all of `.eh_frame`, which stands at address `base`.
pub fn read(section: &[u8], base: u64, memory: &impl Memory) -> Unwind {
    let mut unwind = Unwind::default();
    let mut cursor = Cursor { bytes: section, at: 0, base };
    while let Some(()) = record(section, &mut cursor, memory, &mut unwind) {}
    unwind.frames.sort_by_key(|frame| frame.start);
    unwind.frames.dedup_by(|next, kept| next.start < kept.end);
    unwind
}

/// Reads one record; `None` at the terminator or where the table cannot be understood.
fn record(section: &[u8], cursor: &mut Cursor<'_>, memory: &impl Memory, unwind: &mut Unwind) -> Option<()> {
    let mut length = u64::from(cursor.u32()?);
    if length == 0 {
        return None;
    }
    if length == 0xffff_ffff {
        length = cursor.u64()?;
    }
    let id_at = cursor.at;
    let end = id_at.checked_add(usize::try_from(length).ok()?).filter(|&end| end <= section.len())?;
    let id = cursor.u32()?;
    if id != 0 {
        // The id of a frame is the distance back to its common entry.
        let common_at = id_at.checked_sub(id as usize)?;
        let mut common_cursor = Cursor { bytes: section, at: common_at, base: cursor.base };
        let common = common(&mut common_cursor)?;
        let mut body = Cursor { bytes: section.get(..end)?, at: cursor.at, base: cursor.base };
        frame(&mut body, common, memory, unwind)?;
    }
    cursor.at = end;
    Some(())
}

/// Reads a common information entry whose length field is at the cursor (the 32-bit form, which every linker writes).
fn common(cursor: &mut Cursor<'_>) -> Option<Common> {
    let (_length, id) = (cursor.u32()?, cursor.u32()?);
    let version = cursor.u8()?;
    if id != 0 || !matches!(version, 1 | 3) {
        return None;
    }
    let augmentation = cursor.text()?;
    let mut common = Common { pointer: 0, lsda: OMIT, augmented: false, signal: false };
    if augmentation.is_empty() {
        return Some(common);
    }
    let (_code_factor, _data_factor) = (cursor.uleb()?, cursor.uleb()?);
    if version == 1 { cursor.u8().map(u64::from) } else { cursor.uleb() }?;
    for (position, letter) in augmentation.iter().enumerate() {
        match letter {
            b'z' if position == 0 => {
                common.augmented = true;
                cursor.uleb()?;
            }
            b'L' => common.lsda = cursor.u8()?,
            b'R' => common.pointer = cursor.u8()?,
            b'P' => {
                let encoding = cursor.u8()?;
                cursor.pointer(encoding & 0x7f)?;
            }
            b'S' => common.signal = true,
            b'B' => {}
            _ => return None,
        }
    }
    Some(common)
}

/// Reads a frame description behind its pointer to the common entry.
fn frame(cursor: &mut Cursor<'_>, common: Common, memory: &impl Memory, unwind: &mut Unwind) -> Option<()> {
    let start = cursor.pointer(common.pointer)?;
    let size = cursor.pointer(common.pointer & 0x0f)?;
    let end = start.checked_add(size)?;
    let mut opaque = false;
    if common.augmented {
        cursor.uleb()?;
        if common.lsda != OMIT {
            let at = cursor.address();
            let lsda = cursor.pointer(common.lsda & 0x7f)?;
            // A null pointer in relative form is stored as 0 and so reads as its own address.
            if lsda != 0 && lsda != at {
                opaque =
                    common.lsda & 0x80 != 0 || landing_pads(lsda, start, memory, &mut unwind.landing_pads).is_none();
            }
        }
    }
    if size != 0 {
        unwind.frames.push(Frame { start, end, signal: common.signal, opaque });
    }
    Some(())
}

/// Adds the landing pads of the function at `start` whose language-specific data stands at `lsda`.
fn landing_pads(lsda: u64, start: u64, memory: &impl Memory, pads: &mut Vec<u64>) -> Option<()> {
    let mut cursor = Cursor { bytes: memory.from(lsda)?, at: 0, base: lsda };
    let encoding = cursor.u8()?;
    let pad_base = if encoding == OMIT { start } else { cursor.pointer(encoding)? };
    if cursor.u8()? != OMIT {
        cursor.uleb()?;
    }
    let encoding = cursor.u8()?;
    let length = usize::try_from(cursor.uleb()?).ok()?;
    let end = cursor.at.checked_add(length)?;
    while cursor.at < end {
        let (_start, _size) = (cursor.pointer(encoding)?, cursor.pointer(encoding)?);
        let pad = cursor.pointer(encoding)?;
        cursor.uleb()?;
        if pad != 0 {
            pads.push(pad_base.wrapping_add(pad));
        }
    }
    Some(())
}

/// A position in bytes that stand at address `base`.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    base: u64,
}

impl<'a> Cursor<'a> {
    fn address(&self) -> u64 {
        self.base.wrapping_add(self.at as u64)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(N)?)?.try_into().ok()?;
        self.at += N;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    /// A NUL-terminated text, without the NUL.
    fn text(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        let length = rest.iter().position(|&byte| byte == 0)?;
        self.at += length + 1;
        Some(&rest[..length])
    }

    /// An unsigned LEB128 number (also skips a signed one, of which only the length matters here).
    fn uleb(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A pointer in one of the `DW_EH_PE` encodings, absolute or relative to its own place.
    fn pointer(&mut self, encoding: u8) -> Option<u64> {
        let place = self.address();
        let value = match encoding & 0x0f {
            0x00 | 0x04 | 0x0c => self.u64()?,
            0x01 => self.uleb()?,
            0x02 => u64::from(u16::from_le_bytes(self.take()?)),
            0x03 => u64::from(self.u32()?),
            0x0a => i64::from(i16::from_le_bytes(self.take()?)) as u64,
            0x0b => i64::from(self.u32()? as i32) as u64,
            _ => return None,
        };
        match encoding & 0xf0 {
            0x00 => Some(value),
            0x10 => Some(place.wrapping_add(value)),
            _ => None,
        }
    }
}
