//! Phase 1: an ELF file as code regions, boundaries between functions and addresses that data may hand to a jump.

use super::PlanError;
use super::unwind::{self, Frame, Memory, Unwind};
use goblin::elf::{Elf, header, program_header, section_header, sym};

/// A stretch of executable bytes.
pub struct Region<'a> {
    /// Address of the first byte, as linked.
    pub addr: u64,
    /// Its offset in the file.
    pub offset: u64,
    /// The bytes.
    pub bytes: &'a [u8],
    /// A procedure linkage table: stubs of indirect jumps that belong to no function.
    pub stubs: bool,
}

impl Region<'_> {
    /// Address behind the last byte.
    pub fn end(&self) -> u64 {
        self.addr + self.bytes.len() as u64
    }

    /// Whether the address lies in this region.
    pub fn contains(&self, addr: u64) -> bool {
        (self.addr..self.end()).contains(&addr)
    }
}

/// What the later phases need to know of a file.
pub struct Image<'a> {
    /// Code in rising order of address, without overlap.
    pub regions: Vec<Region<'a>>,
    /// Functions by unwind information, in rising order.
    pub frames: Vec<Frame>,
    /// Addresses at which an instruction surely starts, sorted: decoding starts anew there.
    pub starts: Vec<u64>,
    /// Code addresses that something other than a direct branch may go to, as far as data tells.
    pub entries: Vec<u64>,
    /// Absolute addresses may stand in instructions (a program linked to a fixed address).
    pub fixed: bool,
    /// Loaded bytes: `(address, bytes)`.
    loads: Vec<(u64, &'a [u8])>,
}

impl Memory for Image<'_> {
    fn from(&self, addr: u64) -> Option<&[u8]> {
        bytes_from(&self.loads, addr)
    }
}

impl<'a> Image<'a> {
    /// Reads the headers, tables and data of a file.
    pub fn parse(file: &'a [u8]) -> Result<Self, PlanError> {
        if u32::try_from(file.len()).is_err() {
            return Err(PlanError::TooLarge);
        }
        let elf = Elf::parse(file)?;
        let machine = elf.is_64 && elf.little_endian && elf.header.e_machine == header::EM_X86_64;
        if !machine || !matches!(elf.header.e_type, header::ET_EXEC | header::ET_DYN) {
            return Err(PlanError::Machine);
        }
        let loads = loads(&elf, file);
        let mut image = Self {
            regions: regions(&elf, file),
            frames: Vec::new(),
            starts: Vec::new(),
            entries: vec![elf.header.e_entry],
            fixed: elf.header.e_type == header::ET_EXEC,
            loads,
        };
        image.add_frames(&elf, file);
        image.add_symbols(&elf);
        image.add_pointers(&elf);
        image.starts.extend(image.regions.iter().map(|region| region.addr));
        image.starts.sort_unstable();
        image.starts.dedup();
        Ok(image)
    }

    /// How many bytes of code there are.
    pub fn code_bytes(&self) -> usize {
        self.regions.iter().map(|region| region.bytes.len()).sum()
    }

    /// The region that holds an address.
    pub fn region_of(&self, addr: u64) -> Option<usize> {
        let after = self.regions.partition_point(|region| region.addr <= addr);
        let index = after.checked_sub(1)?;
        self.regions[index].contains(addr).then_some(index)
    }

    /// The function that holds an address.
    pub fn frame_of(&self, addr: u64) -> Option<usize> {
        let after = self.frames.partition_point(|frame| frame.start <= addr);
        let index = after.checked_sub(1)?;
        (addr < self.frames[index].end).then_some(index)
    }

    /// Entries of the jump table at `base`: 4-byte distances from it, as compilers write them for position-independent
    /// code. Reads on until an entry does not point to code, so it may find too many, never too few.
    pub fn table_targets(&self, base: u64) -> impl Iterator<Item = u64> {
        let bytes = bytes_from(&self.loads, base).unwrap_or_default();
        bytes.chunks_exact(4).map_while(move |entry| {
            let distance = i32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]);
            let target = base.wrapping_add(i64::from(distance) as u64);
            self.region_of(target).map(|_| target)
        })
    }

    /// Adds what the unwind tables say.
    fn add_frames(&mut self, elf: &Elf<'_>, file: &[u8]) {
        let Some((addr, section)) = eh_frame(elf, file) else { return };
        let Unwind { frames, landing_pads } = unwind::read(section, addr, self);
        for frame in &frames {
            self.starts.extend([frame.start, frame.end]);
            self.entries.push(frame.start);
        }
        self.entries.extend(landing_pads);
        self.frames = frames;
    }

    /// Adds every symbol that lies in code.
    fn add_symbols(&mut self, elf: &Elf<'_>) {
        for symbol in elf.syms.iter().chain(elf.dynsyms.iter()) {
            let kind = symbol.st_type();
            let code = matches!(kind, sym::STT_FUNC | sym::STT_NOTYPE | sym::STT_GNU_IFUNC);
            if symbol.st_value == 0 || !code || self.region_of(symbol.st_value).is_none() {
                continue;
            }
            self.entries.push(symbol.st_value);
            if kind != sym::STT_NOTYPE {
                self.starts.push(symbol.st_value);
            }
        }
    }

    /// Adds code addresses that stand in relocations or, as 8-byte words, anywhere in what is loaded.
    fn add_pointers(&mut self, elf: &Elf<'_>) {
        for relocation in elf.dynrelas.iter().chain(elf.pltrelocs.iter()) {
            if let Some(addend) = relocation.r_addend {
                self.entries.push(addend as u64);
            }
        }
        let (low, high) = match (self.regions.first(), self.regions.last()) {
            (Some(first), Some(last)) => (first.addr, last.end()),
            _ => return,
        };
        for (addr, bytes) in &self.loads {
            let skip = (addr.wrapping_neg() % 8) as usize;
            for word in bytes.get(skip..).unwrap_or_default().chunks_exact(8) {
                let value =
                    u64::from_le_bytes([word[0], word[1], word[2], word[3], word[4], word[5], word[6], word[7]]);
                if (low..high).contains(&value) {
                    self.entries.push(value);
                }
            }
        }
    }
}

/// Executable sections; without section headers the executable segments as a whole.
fn regions<'a>(elf: &Elf<'_>, file: &'a [u8]) -> Vec<Region<'a>> {
    let mut regions = Vec::new();
    let flags = u64::from(section_header::SHF_EXECINSTR | section_header::SHF_ALLOC);
    for section in &elf.section_headers {
        if section.sh_type == section_header::SHT_PROGBITS
            && section.sh_flags & flags == flags
            && let Some(bytes) = slice(file, section.sh_offset, section.sh_size)
        {
            let stubs = elf.shdr_strtab.get_at(section.sh_name).is_some_and(|name| name.starts_with(".plt"));
            regions.push(Region { addr: section.sh_addr, offset: section.sh_offset, bytes, stubs });
        }
    }
    if elf.section_headers.is_empty() {
        for header in elf.program_headers.iter().filter(|header| header.p_type == program_header::PT_LOAD) {
            if header.is_executable()
                && let Some(bytes) = slice(file, header.p_offset, header.p_filesz)
            {
                regions.push(Region { addr: header.p_vaddr, offset: header.p_offset, bytes, stubs: false });
            }
        }
    }
    regions.retain(|region| {
        !region.bytes.is_empty() && region.addr.checked_add(region.bytes.len() as u64).is_some_and(|end| end < 1 << 63)
    });
    regions.sort_by_key(|region| region.addr);
    regions.dedup_by(|next, kept| next.addr < kept.end());
    regions
}

/// `.eh_frame` by its section, else by the pointer in the segment `PT_GNU_EH_FRAME`.
fn eh_frame<'a>(elf: &Elf<'_>, file: &'a [u8]) -> Option<(u64, &'a [u8])> {
    for section in &elf.section_headers {
        if elf.shdr_strtab.get_at(section.sh_name) == Some(".eh_frame") && section.sh_type != section_header::SHT_NOBITS
        {
            return Some((section.sh_addr, slice(file, section.sh_offset, section.sh_size)?));
        }
    }
    let header = elf.program_headers.iter().find(|header| header.p_type == program_header::PT_GNU_EH_FRAME)?;
    let bytes = slice(file, header.p_offset, header.p_filesz)?;
    // version 1, pointer encoded as pcrel|sdata4: the only form linkers write.
    let (1, 0x1b) = (*bytes.first()?, *bytes.get(1)?) else { return None };
    let distance = i32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?);
    let addr = header.p_vaddr.wrapping_add(4).wrapping_add(i64::from(distance) as u64);
    bytes_from(&loads(elf, file), addr).map(|bytes| (addr, bytes))
}

/// What the loader maps: `(address, bytes)`.
fn loads<'a>(elf: &Elf<'_>, file: &'a [u8]) -> Vec<(u64, &'a [u8])> {
    let headers = elf.program_headers.iter().filter(|header| header.p_type == program_header::PT_LOAD);
    headers.filter_map(|load| Some((load.p_vaddr, slice(file, load.p_offset, load.p_filesz)?))).collect()
}

fn bytes_from<'a>(loads: &[(u64, &'a [u8])], addr: u64) -> Option<&'a [u8]> {
    loads.iter().find_map(|(base, bytes)| bytes.get(usize::try_from(addr.checked_sub(*base)?).ok()?..))
}

fn slice(file: &[u8], offset: u64, size: u64) -> Option<&[u8]> {
    file.get(usize::try_from(offset).ok()?..usize::try_from(offset.checked_add(size)?).ok()?)
}
