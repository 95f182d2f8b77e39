//! Answers the replicas' requests for plans, from memory, from the cache or by looking at the file.

use super::cache::{Cache, Key};
use super::table::{FileId, PlanTable};
use super::{PlanError, sites_of};
use rcb_abi::plan::{MAX_PLANS, PlanSite};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Files without a site are published too, so that replicas need not ask again, but only as long as this many
/// entries stay free for files that have some.
const KEPT_FREE: usize = MAX_PLANS / 2;

/// Where the C library stands on the usual distributions.
const C_LIBRARIES: [&str; 3] = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6", "/usr/lib/libc.so.6"];

/// Finds plans and publishes each once.
pub struct Planner {
    table: PlanTable,
    cache: Option<Cache>,
    known: HashMap<FileId, Option<u32>>,
}

impl Planner {
    /// A planner that publishes into `table` and keeps plans in `cache`.
    pub fn new(table: PlanTable, cache: Option<Cache>) -> Self {
        Self { table, cache, known: HashMap::new() }
    }

    /// The index of the plan for a file that a replica has mapped and that it knows as `dev` and `ino`; `None` if
    /// there is none (not ELF, nothing safe, area full, or not the file the replica means).
    ///
    /// The descriptor may share its offset with the guest; it is not moved.
    pub fn answer(&mut self, file: &File, dev: u64, ino: u64) -> Option<u32> {
        let id = file_id(&file.metadata().ok()?)?;
        if (id.dev, id.ino) != (dev, ino) {
            return None;
        }
        if let Some(&known) = self.known.get(&id) {
            return known;
        }
        let answer = self.find(file, id.size).and_then(|sites| self.publish(id, &sites));
        self.known.insert(id, answer);
        answer
    }

    /// Publishes what the cache holds for these files, looking into none of them; the number of plans published.
    /// Missing and unreadable files are skipped: a replica that needs one will say so.
    pub fn prefill(&mut self, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> usize {
        let mut published = 0;
        for path in paths {
            published += usize::from(self.prefill_one(path.as_ref()).is_some());
        }
        published
    }

    fn prefill_one(&mut self, path: &Path) -> Option<u32> {
        let cache = self.cache.as_ref()?;
        // A FIFO or device would block or act when opened.
        let file = path.metadata().ok().filter(Metadata::is_file).and_then(|_| File::open(path).ok())?;
        let id = file_id(&file.metadata().ok()?)?;
        if self.known.contains_key(&id) {
            return None;
        }
        let sites = cache.load(Key::of(&file, id.size).ok()?)?;
        let answer = self.publish(id, &sites);
        self.known.insert(id, answer);
        answer
    }

    fn find(&self, file: &File, size: u64) -> Option<Vec<PlanSite>> {
        let Some(cache) = &self.cache else { return look(file, size).ok() };
        let key = Key::of(file, size).ok()?;
        if let Some(sites) = cache.load(key) {
            return Some(sites);
        }
        let sites = look(file, size).ok()?;
        cache.store(key, &sites);
        Some(sites)
    }

    fn publish(&mut self, id: FileId, sites: &[PlanSite]) -> Option<u32> {
        if sites.is_empty() && self.table.len() >= MAX_PLANS - KEPT_FREE {
            return None;
        }
        self.table.publish(id, sites)
    }
}

/// Files that nearly every run of this program maps: itself, its interpreter and the C library.
pub fn usual_files(program: &Path) -> Vec<PathBuf> {
    let mut paths = vec![program.to_path_buf()];
    paths.extend(interpreter(program));
    paths.extend(C_LIBRARIES.iter().map(PathBuf::from).find(|path| path.exists()));
    paths
}

/// The interpreter that an ELF program names.
fn interpreter(program: &Path) -> Option<PathBuf> {
    let file = File::open(program).ok()?;
    let mut head = vec![0; 4096];
    let read = file.read_at(&mut head, 0).ok()?;
    let head = &head[..read];
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let word = |at: usize| Some(u64::from_le_bytes(head.get(at..at + 8)?.try_into().ok()?));
    let table = usize::try_from(word(32)?).ok()?;
    let count = usize::from(u16::from_le_bytes(head.get(56..58)?.try_into().ok()?));
    let header = (0..count)
        .map(|index| table.saturating_add(index * 56))
        .find(|&at| head.get(at..at + 4) == Some(&[3, 0, 0, 0]))?;
    let mut path = vec![0; usize::try_from(word(header + 32)?.min(4096)).ok()?];
    file.read_exact_at(&mut path, word(header + 8)?).ok()?;
    path.truncate(path.iter().position(|&byte| byte == 0)?);
    Some(PathBuf::from(OsString::from_vec(path)))
}

fn file_id(metadata: &Metadata) -> Option<FileId> {
    let seconds = u64::try_from(metadata.mtime()).unwrap_or(0);
    let mtime_ns = seconds.wrapping_mul(1_000_000_000).wrapping_add(metadata.mtime_nsec() as u64);
    metadata.is_file().then_some(FileId { dev: metadata.dev(), ino: metadata.ino(), size: metadata.size(), mtime_ns })
}

/// Reads a whole file, without moving its offset, and looks for sites.
fn look(file: &File, size: u64) -> Result<Vec<PlanSite>, PlanError> {
    if u32::try_from(size).is_err() {
        return Err(PlanError::TooLarge);
    }
    let mut head = [0; 4];
    if file.read_at(&mut head, 0)? < head.len() || head != *b"\x7fELF" {
        return Err(io::Error::from(io::ErrorKind::InvalidData).into());
    }
    let mut bytes = vec![0; size as usize];
    file.read_exact_at(&mut bytes, 0)?;
    sites_of(&bytes)
}
