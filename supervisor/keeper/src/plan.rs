//! Patch plans: which `syscall` instructions of a file may be replaced by a jump into the agent's trampoline.
//!
//! A jump takes five bytes and a `syscall` two, so the instructions beside it move into the trampoline too. That is
//! right only if nobody enters the replaced bytes anywhere but at the first one. The phases, one file each:
//!
//! 1. [`image`]: the ELF file as code regions, boundaries of functions and every place that may hold a code address;
//! 2. [`unwind`]: functions and landing pads from `.eh_frame` and `.gcc_except_table`;
//! 3. [`code`]: one decoding of all code, chunk by chunk between boundaries, that collects every branch target;
//! 4. [`site`]: for each `syscall` the bytes to replace, or none: then the call stays on the signal path.
//!
//! Around them [`planner`] answers the replicas' requests, [`cache`] keeps plans between runs and [`table`] is the
//! only writer of the shared plan area.
//!
//! What makes a site safe:
//! - no address strictly inside the replaced bytes is a direct branch target, the start of a function, a symbol, a
//!   landing pad, a code address found in data, in a relocation or in an instruction, or an entry of a jump table;
//! - either the instruction behind is `cmp $-4095` or `cmp $-4096` with `%rax` or `%eax` (the error check that belongs
//!   to the call: nobody enters there without having made the call), or the function that holds the site, with all
//!   parts of it that jump into each other, contains no indirect jump;
//! - moved instructions are position independent, neither branch (but for a closing `ret`) nor push nor pop;
//! - the call is none of `rt_sigreturn`, `clone`, `fork`, `vfork`, `clone3`, and not in a signal frame function.

pub mod cache;
pub mod code;
pub mod image;
pub mod mapping;
pub mod planner;
pub mod site;
pub mod table;
pub mod unwind;

#[cfg(test)]
mod tests;

pub use planner::Planner;
pub use table::PlanTable;

use rcb_abi::plan::PlanSite;

/// Most code that is looked at, in bytes. LIMIT: the calls of larger files stay on the signal path, because decoding
/// them would hold up the start of a run by a second or more (64 MiB take about half a second).
const MOST_CODE_BYTES: usize = 64 << 20;

/// Why no plan can be made for a file.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file is not ELF, or its headers contradict each other.
    #[error("not a readable ELF file: {0}")]
    Elf(#[from] goblin::error::Error),
    /// ELF, but not for this machine.
    #[error("not a 64-bit x86-64 program or library")]
    Machine,
    /// More than 4 GiB (site offsets are 32 bits wide), or more than 64 MiB of code.
    #[error("too large: more than 64 MiB of code or 4 GiB in all")]
    TooLarge,
    /// The file could not be read.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
}

/// Works out the safe call sites of an ELF file, in rising order of file offset and without overlap.
///
/// Sites for which nothing safe is found are left out. A file without any `syscall` instruction costs little
/// more than one pass over its bytes.
pub fn sites_of(elf: &[u8]) -> Result<Vec<PlanSite>, PlanError> {
    let image = image::Image::parse(elf)?;
    if image.code_bytes() > MOST_CODE_BYTES {
        return Err(PlanError::TooLarge);
    }
    if !code::contains_syscall(&image) {
        return Ok(Vec::new());
    }
    let code = code::Code::decode(&image);
    Ok(site::choose(&image, &code))
}
