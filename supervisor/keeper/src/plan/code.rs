//! Phase 2 and 3: one decoding of all code, which collects every address that a branch may go to.
//!
//! Code is decoded in chunks between addresses at which an instruction surely starts (functions by unwind tables and
//! symbols, sections), so a stretch of data in code puts at most its own chunk out of step. A chunk that does not
//! decode to its exact end is *broken*: its sites are dropped and its bytes are searched for branches at every
//! position, which finds too many targets but none too few.
//!
//! Functions that jump (not call) into each other are parts of one function, as compilers split off cold code; what
//! holds for one part (an indirect jump, a broken chunk) holds for all.

use super::image::{Image, Region};
use iced_x86::{Code as Opcode, Decoder, DecoderOptions, FlowControl, Instruction, OpKind};
use std::collections::HashSet;

/// How many instructions before a site are remembered.
pub const LOOK_BACK: usize = 16;

/// One `syscall` instruction in a chunk that is not broken.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Its address.
    pub addr: u64,
    /// Index of its region.
    pub region: usize,
    /// Its function, if the unwind tables know one.
    pub frame: Option<usize>,
    /// End of its chunk.
    pub limit: u64,
    /// Addresses of the instructions before it in its chunk, the nearest first.
    pub before: [u64; LOOK_BACK],
    /// How many of `before` are valid.
    pub before_count: usize,
}

/// What the decoding yields.
pub struct Code {
    /// In rising order of address.
    pub found: Vec<Found>,
    targets: Targets,
    /// Per frame: some part of its function can be entered in ways that cannot be listed.
    open: Vec<bool>,
}

impl Code {
    /// Decodes all code of an image.
    pub fn decode(image: &Image<'_>) -> Self {
        let mut walk = Walk {
            image,
            targets: Targets::new(&image.regions),
            found: Vec::new(),
            open: image.frames.iter().map(|frame| frame.opaque).collect(),
            links: Vec::new(),
            tables: HashSet::new(),
        };
        for (region, start, end) in chunks(image) {
            walk.chunk(region, start, end);
        }
        for &entry in &image.entries {
            walk.targets.mark(entry);
        }
        for &base in &walk.tables {
            for target in image.table_targets(base) {
                walk.targets.mark(target);
            }
        }
        let open = spread(walk.open, &walk.links);
        Self { found: walk.found, targets: walk.targets, open }
    }

    /// Whether something may go to an address in `from..to`.
    pub fn is_entered(&self, mut addresses: std::ops::Range<u64>) -> bool {
        addresses.any(|addr| self.targets.is_marked(addr))
    }

    /// Whether the function can be entered only where [`Code::is_entered`] says so.
    pub fn is_closed(&self, frame: usize) -> bool {
        !self.open[frame]
    }
}

/// Whether some chunk holds a `syscall` instruction: the two bytes also occur inside other instructions, and most
/// libraries and many programs make all their calls through the C library.
pub fn contains_syscall(image: &Image<'_>) -> bool {
    chunks(image).any(|(region, start, end)| {
        let region = &image.regions[region];
        let bytes = &region.bytes[(start - region.addr) as usize..(end - region.addr) as usize];
        bytes.windows(2).any(|pair| pair == [0x0f, 0x05])
            && Decoder::with_ip(64, bytes, start, DecoderOptions::NONE)
                .into_iter()
                .any(|instruction| instruction.code() == Opcode::Syscall)
    })
}

/// All chunks as region, start and end, in rising order.
fn chunks<'a>(image: &'a Image<'_>) -> impl Iterator<Item = (usize, u64, u64)> + 'a {
    image.regions.iter().enumerate().flat_map(|(index, region)| {
        let first = image.starts.partition_point(|&addr| addr <= region.addr);
        let inner = image.starts[first..].iter().copied().take_while(|&addr| addr < region.end());
        let mut start = region.addr;
        inner.chain([region.end()]).map(move |end| (index, std::mem::replace(&mut start, end), end))
    })
}

/// State of the decoding.
struct Walk<'a> {
    image: &'a Image<'a>,
    targets: Targets,
    found: Vec<Found>,
    open: Vec<bool>,
    /// Pairs of frames that are parts of one function.
    links: Vec<(usize, usize)>,
    /// Addresses that code computes and that may be bases of jump tables.
    tables: HashSet<u64>,
}

impl Walk<'_> {
    /// Decodes the bytes from `start` to `end`, all in one region and all in one function or in none.
    fn chunk(&mut self, index: usize, start: u64, end: u64) {
        let region = &self.image.regions[index];
        let bytes = &region.bytes[(start - region.addr) as usize..(end - region.addr) as usize];
        let frame = if region.stubs { None } else { self.image.frame_of(start) };
        let found_before = self.found.len();
        let mut decoder = Decoder::with_ip(64, bytes, start, DecoderOptions::NONE);
        let mut instruction = Instruction::default();
        let mut recent = [0_u64; LOOK_BACK];
        let mut count = 0_usize;
        let mut broken = false;
        while decoder.can_decode() {
            decoder.decode_out(&mut instruction);
            match instruction.flow_control() {
                FlowControl::Next => self.plain(&instruction),
                FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch | FlowControl::Call => {
                    self.branch(&instruction, frame);
                }
                FlowControl::XbeginXabortXend => self.branch(&instruction, frame),
                FlowControl::IndirectBranch => self.open_frame(frame),
                FlowControl::Exception if instruction.is_invalid() => {
                    broken = true;
                    break;
                }
                _ => {}
            }
            if instruction.code() == Opcode::Syscall {
                let before = std::array::from_fn(|back| recent[count.wrapping_sub(back + 1) % LOOK_BACK]);
                let before_count = count.min(LOOK_BACK);
                self.found.push(Found {
                    addr: instruction.ip(),
                    region: index,
                    frame,
                    limit: end,
                    before,
                    before_count,
                });
            }
            recent[count % LOOK_BACK] = instruction.ip();
            count += 1;
        }
        if broken {
            self.found.truncate(found_before);
            self.search(region, bytes, start);
            self.open_frame(frame);
        }
    }

    fn open_frame(&mut self, frame: Option<usize>) {
        if let Some(frame) = frame {
            self.open[frame] = true;
        }
    }

    /// An instruction that goes on to the next: it may compute a code address or the base of a table.
    fn plain(&mut self, instruction: &Instruction) {
        if instruction.code() == Opcode::Lea_r64_m && instruction.is_ip_rel_memory_operand() {
            let addr = instruction.memory_displacement64();
            if !self.targets.mark(addr) {
                self.tables.insert(addr);
            }
        } else if self.image.fixed {
            for operand in 0..instruction.op_count() {
                if matches!(
                    instruction.op_kind(operand),
                    OpKind::Immediate32 | OpKind::Immediate32to64 | OpKind::Immediate64
                ) {
                    self.targets.mark(instruction.immediate(operand));
                }
            }
        }
    }

    /// A direct branch or call (or an indirect call, which has no target here).
    fn branch(&mut self, instruction: &Instruction, frame: Option<usize>) {
        if !matches!(instruction.op0_kind(), OpKind::NearBranch64 | OpKind::NearBranch32 | OpKind::NearBranch16) {
            return;
        }
        let target = instruction.near_branch_target();
        self.targets.mark(target);
        if instruction.flow_control() == FlowControl::Call {
            return;
        }
        if let Some(own) = frame {
            let own_frame = &self.image.frames[own];
            if (own_frame.start..own_frame.end).contains(&target) {
                return;
            }
        }
        self.link(frame, target, instruction.flow_control() == FlowControl::ConditionalBranch);
    }

    /// A jump out of its own function: into the middle of another, or on a condition to its start, it joins the two
    /// (an unconditional jump to a start is a tail call).
    fn link(&mut self, from: Option<usize>, target: u64, conditional: bool) {
        let Some(to) = self.image.frame_of(target) else { return };
        if self.image.frames[to].start == target && !conditional {
            return;
        }
        if self.image.region_of(target).is_none_or(|region| self.image.regions[region].stubs) {
            return;
        }
        match from {
            Some(from) => self.links.push((from, to)),
            None => self.open[to] = true,
        }
    }

    /// Finds everything in a broken chunk that could be a direct branch, at every byte.
    fn search(&mut self, region: &Region<'_>, bytes: &[u8], start: u64) {
        for at in 0..bytes.len() {
            let rest = &bytes[at..];
            let here = start + at as u64;
            let near = match rest {
                [0xe8 | 0xe9, a, b, c, d, ..] => Some((5, [*a, *b, *c, *d])),
                [0x0f, 0x80..=0x8f, a, b, c, d, ..] | [0xc7, 0xf8, a, b, c, d, ..] => Some((6, [*a, *b, *c, *d])),
                _ => None,
            };
            let target = match (near, rest) {
                (Some((length, distance)), _) => here + length + i64::from(i32::from_le_bytes(distance)) as u64,
                (None, [0x70..=0x7f | 0xeb | 0xe0..=0xe3, distance, ..]) => {
                    (here + 2).wrapping_add(i64::from(*distance as i8) as u64)
                }
                _ => continue,
            };
            if self.targets.mark(target) && !region.stubs {
                self.link(None, target, true);
            }
        }
    }
}

/// Whatever is open opens all that is linked to it.
fn spread(mut open: Vec<bool>, links: &[(usize, usize)]) -> Vec<bool> {
    loop {
        let mut changed = false;
        for &(one, other) in links {
            if open[one] != open[other] {
                (open[one], open[other]) = (true, true);
                changed = true;
            }
        }
        if !changed {
            return open;
        }
    }
}

/// One bit per byte of code: may be entered.
struct Targets {
    regions: Vec<(u64, u64, Vec<u64>)>,
}

impl Targets {
    fn new(regions: &[Region<'_>]) -> Self {
        let bits = |region: &Region<'_>| vec![0; region.bytes.len().div_ceil(64)];
        Self { regions: regions.iter().map(|region| (region.addr, region.end(), bits(region))).collect() }
    }

    /// Marks an address; false if it is no code.
    fn mark(&mut self, addr: u64) -> bool {
        for (start, end, bits) in &mut self.regions {
            if (*start..*end).contains(&addr) {
                let bit = addr - *start;
                bits[(bit / 64) as usize] |= 1 << (bit % 64);
                return true;
            }
        }
        false
    }

    fn is_marked(&self, addr: u64) -> bool {
        self.regions.iter().any(|(start, end, bits)| {
            let bit = addr.wrapping_sub(*start);
            (*start..*end).contains(&addr) && bits[(bit / 64) as usize] >> (bit % 64) & 1 == 1
        })
    }
}
