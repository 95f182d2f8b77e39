//! Plans kept between runs, in `$XDG_CACHE_HOME/rcb/plans` or `~/.cache/rcb/plans`.
//!
//! No folder `.cache` is made where `$HOME` is but a working folder that the guest looks into: then the user's home is
//! the one that the user database names.
//!
//! A plan is kept under a [`Key`]: a hash of the GNU build-id with the program headers and the size of the file, or,
//! where there is no build-id, of the whole content. A cache that cannot be written is skipped in silence; a file in
//! it that is damaged, of another version or for another key is ignored and made anew. Nothing here decides about
//! right or wrong output: the agent checks the bytes of every site before it uses a plan.
//!
//! ```text
//!  "RCBPLAN1" | VERSION u32 | count u32 | key u64 | size of the file u64 | count sites of 24 bytes | check u64
//! ```

use rcb_abi::plan::{MAX_SITE_BYTES, PlanSite};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// Version of format and rules; raised whenever [`super::sites_of`] may answer differently.
const VERSION: u32 = 1;
const MAGIC: [u8; 8] = *b"RCBPLAN1";
const HEAD_BYTES: usize = 32;
const SITE_BYTES: usize = 8 + MAX_SITE_BYTES;
/// Largest note segment that is searched for the build-id, in bytes.
const MOST_NOTE_BYTES: u64 = 64 << 10;
/// Most program headers that are read; real files have about a dozen.
const MOST_HEADERS: usize = 128;

/// What a cached plan belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    hash: u64,
    size: u64,
}

impl Key {
    /// Reads the key of a file, without moving its offset.
    pub fn of(file: &File, size: u64) -> io::Result<Self> {
        let mut hash = Hash::new();
        if !identify(file, &mut hash)? {
            hash = Hash::new();
            let mut buffer = vec![0; 1 << 20];
            let mut at = 0;
            loop {
                match file.read_at(&mut buffer, at)? {
                    0 => break,
                    read => {
                        hash.add(&buffer[..read]);
                        at += read as u64;
                    }
                }
            }
        }
        Ok(Self { hash: hash.finish(), size })
    }
}

/// Adds program headers and build-id to the hash; false if there is no build-id.
fn identify(file: &File, hash: &mut Hash) -> io::Result<bool> {
    let mut header = [0; 64];
    if file.read_at(&mut header, 0)? < 64 || !header.starts_with(b"\x7fELF\x02\x01") {
        return Ok(false);
    }
    let offset = u64_at(&header, 32);
    let count = usize::from(u16::from_le_bytes([header[56], header[57]])).min(MOST_HEADERS);
    let mut headers = vec![0; count * 56];
    if file.read_at(&mut headers, offset)? < headers.len() {
        return Ok(false);
    }
    hash.add(&headers);
    for note in headers.chunks_exact(56).filter(|header| header[..4] == 4_u32.to_le_bytes()) {
        let mut notes = vec![0; u64_at(note, 32).min(MOST_NOTE_BYTES) as usize];
        let read = file.read_at(&mut notes, u64_at(note, 8))?;
        if let Some(id) = build_id(&notes[..read]) {
            hash.add(id);
            return Ok(true);
        }
    }
    Ok(false)
}

/// The description of the note `NT_GNU_BUILD_ID` among notes.
fn build_id(mut notes: &[u8]) -> Option<&[u8]> {
    loop {
        let head = notes.get(..12)?;
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (name_bytes, id_bytes, kind) = (word(0) as usize, word(4) as usize, word(8));
        let id_at = 12 + name_bytes.next_multiple_of(4);
        let id = notes.get(id_at..id_at.checked_add(id_bytes)?)?;
        if kind == 3 && notes.get(12..16) == Some(b"GNU\0") && !id.is_empty() {
            return Some(id);
        }
        notes = notes.get(id_at + id_bytes.next_multiple_of(4)..)?;
    }
}

/// The user's home as `/etc/passwd` has it.
fn account_home() -> Option<PathBuf> {
    home_in(&fs::read_to_string("/etc/passwd").ok()?, nix::unistd::getuid().as_raw())
}

fn home_in(users: &str, uid: u32) -> Option<PathBuf> {
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut own = fields.filter(|fields| fields.get(2).and_then(|id| id.parse().ok()) == Some(uid));
    own.next().and_then(|fields| fields.get(5).map(PathBuf::from)).filter(|home| home.is_dir())
}

/// A folder of plans.
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The user's cache, if the environment names a place for one.
    pub fn of_user() -> Option<Self> {
        let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let of_home = || {
            let usual = absolute("HOME")?.join(".cache");
            if usual.is_dir() { Some(usual) } else { account_home().map(|home| home.join(".cache")) }
        };
        let base = absolute("XDG_CACHE_HOME").or_else(of_home)?;
        Some(Self { folder: base.join("rcb").join("plans") })
    }

    /// A cache in the given folder, which need not exist.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The plan kept for a key.
    pub fn load(&self, key: Key) -> Option<Vec<PlanSite>> {
        decode(&fs::read(self.path(key)).ok()?, key)
    }

    /// Keeps a plan; failures only cost time in a later run, so they are not reported.
    pub fn store(&self, key: Key, sites: &[PlanSite]) {
        let _not_kept = self.try_store(key, sites);
    }

    fn try_store(&self, key: Key, sites: &[PlanSite]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let path = self.path(key);
        // Two runs may store the same plan at once: each writes a file of its own, the later rename wins.
        let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
        let written = File::create_new(&temporary).and_then(|mut file| file.write_all(&encode(key, sites)));
        let result = written.and_then(|()| fs::rename(&temporary, &path));
        if result.is_err() {
            let _gone = fs::remove_file(&temporary);
        }
        result
    }

    fn path(&self, key: Key) -> PathBuf {
        self.folder.join(format!("{:016x}-{:x}.plan", key.hash, key.size))
    }
}

fn encode(key: Key, sites: &[PlanSite]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES + sites.len() * SITE_BYTES + 8);
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((sites.len() as u32).to_le_bytes());
    bytes.extend(key.hash.to_le_bytes());
    bytes.extend(key.size.to_le_bytes());
    for site in sites {
        bytes.extend(site.offset.to_le_bytes());
        bytes.extend([site.len, site.head, site.tail, site.reserved]);
        bytes.extend(site.expect);
    }
    let check = checksum(&bytes);
    bytes.extend(check.to_le_bytes());
    bytes
}

/// The sites in a file's bytes, if it is whole, of this version and for this key.
fn decode(bytes: &[u8], key: Key) -> Option<Vec<PlanSite>> {
    let body_bytes = bytes.len().checked_sub(8)?;
    let (body, check) = bytes.split_at(body_bytes);
    if body_bytes < HEAD_BYTES || u64_at(check, 0) != checksum(body) {
        return None;
    }
    let count = u32::from_le_bytes(body[12..16].try_into().ok()?) as usize;
    let known = body[..8] == MAGIC && body[8..12] == VERSION.to_le_bytes();
    if !known || u64_at(body, 16) != key.hash || u64_at(body, 24) != key.size {
        return None;
    }
    let rest = &body[HEAD_BYTES..];
    if rest.len() != count.checked_mul(SITE_BYTES)? {
        return None;
    }
    let sites: Vec<PlanSite> = rest.chunks_exact(SITE_BYTES).map(site).collect::<Option<_>>()?;
    let rising =
        sites.windows(2).all(|pair| u64::from(pair[0].offset) + u64::from(pair[0].len) <= pair[1].offset.into());
    rising.then_some(sites)
}

/// One site, if it is well formed.
fn site(bytes: &[u8]) -> Option<PlanSite> {
    let offset = u32::from_le_bytes(bytes[..4].try_into().ok()?);
    let (len, head, tail) = (bytes[4], bytes[5], bytes[6]);
    let expect: [u8; MAX_SITE_BYTES] = bytes[8..].try_into().ok()?;
    let whole = (5..=MAX_SITE_BYTES as u8).contains(&len) && u32::from(head) + 2 + u32::from(tail) == u32::from(len);
    let call = expect.get(usize::from(head)..usize::from(head) + 2)? == [0x0f, 0x05];
    (whole && call).then_some(PlanSite { offset, len, head, tail, reserved: 0, expect })
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut hash = Hash::new();
    hash.add(bytes);
    hash.finish()
}

/// A 64-bit hash over words, each step a bijection of the state: any single changed word changes the result. Not
/// against an attacker, who could write the cache anyway.
struct Hash {
    state: u64,
    length: u64,
}

impl Hash {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

    fn new() -> Self {
        Self { state: 0x5243_4250_4c41_4e00, length: 0 }
    }

    fn add(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            self.step(u64_at(word, 0));
        }
        let mut last = [0; 8];
        let rest = words.remainder();
        if !rest.is_empty() {
            last[..rest.len()].copy_from_slice(rest);
            self.step(u64_at(&last, 0));
        }
        self.length = self.length.wrapping_add(bytes.len() as u64);
    }

    fn step(&mut self, word: u64) {
        self.state = (self.state ^ word).wrapping_mul(Self::MULTIPLIER);
        self.state ^= self.state >> 32;
    }

    fn finish(mut self) -> u64 {
        self.step(self.length);
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some_sites() -> Vec<PlanSite> {
        let mut expect = [0; MAX_SITE_BYTES];
        expect[..8].copy_from_slice(&[0x0f, 0x05, 0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff]);
        let site = PlanSite { offset: 0x1000, len: 8, head: 0, tail: 6, reserved: 0, expect };
        vec![site, PlanSite { offset: 0x1008, ..site }]
    }

    const KEY: Key = Key { hash: 7, size: 0x2000 };

    #[test]
    fn home_of_an_account() {
        let users = "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534::/no/such/folder:/bin/false\n";
        assert_eq!(home_in(users, 0), Some(PathBuf::from("/")));
        assert_eq!(home_in(users, 65534), None);
        assert_eq!(home_in(users, 7), None);
    }

    #[test]
    fn what_is_stored_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("rcb/plans"));
        assert!(cache.load(KEY).is_none());
        cache.store(KEY, &some_sites());
        assert_eq!(cache.load(KEY), Some(some_sites()));
        assert!(cache.load(Key { hash: 8, ..KEY }).is_none());
        assert_eq!(fs::read_dir(folder.path().join("rcb/plans")).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = encode(KEY, &some_sites());
        assert!(decode(&bytes, KEY).is_some());
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&damaged, KEY).is_none(), "bit {bit}");
        }
        assert!(decode(&bytes, Key { size: 0x2001, ..KEY }).is_none(), "a file of another size");
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length], KEY).is_none(), "cut to {length}");
        }
    }

    #[test]
    fn sites_that_overlap_or_lie_are_refused() {
        let mut sites = some_sites();
        sites[1].offset = 0x1007;
        assert!(decode(&encode(KEY, &sites), KEY).is_none());
        let mut sites = some_sites();
        sites[0].head = 1;
        assert!(decode(&encode(KEY, &sites), KEY).is_none());
    }

    #[test]
    fn an_unwritable_cache_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        let cache = Cache::at(file.join("plans"));
        cache.store(KEY, &some_sites());
        assert!(cache.load(KEY).is_none());
    }

    #[test]
    fn keys_differ_with_content() {
        let folder = tempfile::tempdir().unwrap();
        let keys: Vec<Key> = [&b"one"[..], b"two", b"\x7fELF\x02\x01 cut off"]
            .iter()
            .map(|content| {
                let path = folder.path().join("f");
                fs::write(&path, content).unwrap();
                Key::of(&File::open(&path).unwrap(), content.len() as u64).unwrap()
            })
            .collect();
        assert_ne!(keys[0].hash, keys[1].hash);
        assert_ne!(keys[1].hash, keys[2].hash);
    }
}
