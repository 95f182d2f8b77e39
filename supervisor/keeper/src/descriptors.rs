//! Which descriptors a replica gets beyond those that the guest inherits, and at which numbers.
//!
//! All replicas use one block of [`RESERVED`] numbers, [`fd_base`] chooses it. Numbers of the block that nobody needs are
//! taken nevertheless, so that the kernel gives none of them to a guest that opens very many files. What a replica may only read it gets
//! through a read-only open file, so that no slip in an agent can change a page that belongs to somebody else.
#![allow(unsafe_code, reason = "asks for the state of descriptor numbers that nobody may own")]

use crate::agent;
use crate::areas::{Column, ControlArea, Journals, PlanFile, executable_file};
use crate::error::{Error, Result};
use rcb_abi::descriptors::{FD_AGENT, FD_CONTROL, FD_JOURNAL, FD_NOTIFY, FD_PEER, FD_PLAN, FD_SEGMENT, RESERVED};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

/// The block's usual place: the end of what `select` and a limit of 1024 allow.
const USUAL_BASE: u64 = 1024 - RESERVED as u64;

/// Chooses the first number of the block for a soft and a hard limit of descriptors. `is_free` says whether nothing
/// that was inherited has that number.
pub fn fd_base(soft: u64, hard: u64, is_free: impl Fn(u32) -> bool) -> Result<u32> {
    let reserved = u64::from(RESERVED);
    let wanted = if soft >= USUAL_BASE + reserved {
        USUAL_BASE
    } else if hard >= soft + reserved {
        soft
    } else {
        soft.saturating_sub(reserved)
    };
    let mut base = wanted;
    while base >= reserved {
        let first = base as u32;
        if (first..first + RESERVED).all(&is_free) {
            return Ok(first);
        }
        base -= reserved;
    }
    Err(Error::Setting(format!(
        "no {RESERVED} descriptor numbers in a row are free below {soft}: raise the limit (ulimit -n) or close some"
    )))
}

/// Whether no descriptor of this process has the number.
pub fn is_free(fd: u32) -> bool {
    // SAFETY: F_GETFD only asks.
    unsafe { libc::fcntl(fd as RawFd, libc::F_GETFD) == -1 }
}

/// Everything that replicas get, held until they have it.
pub struct Handout {
    base: u32,
    shared: Vec<(u32, OwnedFd)>,
    agents: Vec<OwnedFd>,
    segments: Vec<OwnedFd>,
    /// For the followers, which write.
    journals: Option<OwnedFd>,
    /// `peers[r][i]`: replica r's end of the stream to replica i.
    peers: Vec<Vec<Option<OwnedFd>>>,
}

impl Handout {
    /// Prepares the descriptors of all replicas.
    pub fn prepare(
        image: &[u8],
        base: u32,
        control: &ControlArea,
        plans: &PlanFile,
        columns: &[Column],
        notify: BorrowedFd<'_>,
        journals: Option<&Journals>,
    ) -> Result<Self> {
        let mut shared = vec![
            (FD_CONTROL, control.area().reopen_read_only()?),
            (FD_PLAN, plans.area().reopen_read_only()?),
            (FD_NOTIFY, notify.try_clone_to_owned().map_err(|error| Error::os("duplicating a descriptor", error))?),
        ];
        if let Some(journals) = journals {
            shared.push((FD_JOURNAL, journals.reopen_read_only()?));
        }
        for (replica, column) in columns.iter().enumerate() {
            shared.push((FD_SEGMENT + replica as u32, column.reopen_read_only()?));
        }
        let duplicate = |fd: &OwnedFd| fd.try_clone().map_err(|error| Error::os("duplicating a descriptor", error));
        let own = |column: &Column| duplicate(column.fd());
        let agent = |replica| executable_file("rcb-agent", &agent::image_for(image, base, replica as u32)?);
        Ok(Self {
            base,
            shared,
            agents: (0..columns.len()).map(agent).collect::<Result<_>>()?,
            segments: columns.iter().map(own).collect::<Result<_>>()?,
            journals: journals.map(|journals| duplicate(journals.fd())).transpose()?,
            peers: connect(columns.len())?,
        })
    }

    /// First number of the block.
    pub const fn base(&self) -> u32 {
        self.base
    }

    /// Which descriptor of ours a replica gets at which number.
    pub fn placements(&self, replica: usize) -> Vec<(RawFd, RawFd)> {
        let mut list: Vec<(u32, RawFd)> = vec![(FD_AGENT, self.agents[replica].as_raw_fd())];
        for (slot, fd) in &self.shared {
            let own = match &self.journals {
                Some(journals) if *slot == FD_JOURNAL && replica > 0 => Some(journals),
                _ => Some(&self.segments[replica]).filter(|_| *slot == FD_SEGMENT + replica as u32),
            };
            list.push((*slot, own.unwrap_or(fd).as_raw_fd()));
        }
        for (peer, end) in self.peers[replica].iter().enumerate() {
            list.extend(end.as_ref().map(|fd| (FD_PEER + peer as u32, fd.as_raw_fd())));
        }
        let idle = self.shared[0].1.as_raw_fd();
        let is_needed = |slot: &u32| list.iter().any(|(taken, _)| taken == slot);
        let rest: Vec<u32> = (0..RESERVED).filter(|slot| !is_needed(slot)).collect();
        list.extend(rest.into_iter().map(|slot| (slot, idle)));
        list.into_iter().map(|(slot, fd)| (fd, (self.base + slot) as RawFd)).collect()
    }
}

/// One stream between each two replicas.
fn connect(replicas: usize) -> Result<Vec<Vec<Option<OwnedFd>>>> {
    let mut ends: Vec<Vec<Option<OwnedFd>>> = Vec::new();
    for newcomer in 0..replicas {
        let mut own = Vec::new();
        for earlier in &mut ends {
            let (one, other) = UnixStream::pair().map_err(|error| Error::os("connecting the replicas", error))?;
            earlier.push(Some(one.into()));
            own.push(Some(other.into()));
        }
        own.push(None);
        debug_assert_eq!(own.len(), newcomer + 1);
        ends.push(own);
    }
    Ok(ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn block_stands_where_the_limits_allow() {
        let free = |_| true;
        assert_eq!(fd_base(1024, 1024, free).expect("usual"), 960);
        assert_eq!(fd_base(1 << 20, 1 << 20, free).expect("usual"), 960);
        assert_eq!(fd_base(256, 4096, free).expect("above the soft limit"), 256);
        assert_eq!(fd_base(256, 256, free).expect("inside"), 192);
        assert_eq!(fd_base(1000, 1010, free).expect("inside"), 936);
        assert!(fd_base(64, 64, free).is_err());
    }

    #[test]
    fn block_avoids_what_was_inherited() {
        assert_eq!(fd_base(1024, 1024, |fd| fd != 1000).expect("below"), 896);
        assert!(fd_base(1024, 1024, |_| false).is_err());
    }

    #[test]
    fn replicas_write_only_their_own_segment() {
        let control = ControlArea::create().expect("control");
        let plans = PlanFile::create().expect("plans");
        let columns: Vec<_> = (0..3).map(|r| Column::create(r).expect("column")).collect();
        let notify = nix::sys::eventfd::EventFd::new().expect("eventfd");
        let mut image = vec![0; 32];
        image[..16].copy_from_slice(&rcb_abi::descriptors::BOOT_MAGIC);
        let handout =
            Handout::prepare(&image, 960, &control, &plans, &columns, std::os::fd::AsFd::as_fd(&notify), None)
                .expect("handout");
        for replica in 0..3 {
            let placements = handout.placements(replica);
            let numbers: HashSet<_> = placements.iter().map(|(_, number)| *number).collect();
            assert_eq!(numbers.len(), placements.len());
            assert_eq!(placements.len(), RESERVED as usize);
            for (fd, number) in placements {
                // SAFETY: the descriptors live in `handout`.
                let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
                let slot = number as u32 - 960;
                let writable = flags & libc::O_ACCMODE != libc::O_RDONLY;
                let is_stream = (FD_PEER..FD_PEER + 3).contains(&slot) && slot != FD_PEER + replica as u32;
                assert_eq!(writable, slot == FD_NOTIFY || slot == FD_SEGMENT + replica as u32 || is_stream, "{slot}");
            }
        }
    }
}
