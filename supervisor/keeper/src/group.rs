//! What the groups of a run share, and the replicas of one group, from preparation to the starting signal.

use crate::areas::{Column, ControlArea, Journals, PlanFile, SegmentArea, wake_all};
use crate::config::RunConfig;
use crate::descriptors::{self, Handout};
use crate::error::{Error, Result};
use crate::inherited::Inherited;
use crate::processes;
use crate::program::Program;
use crate::spawn::{self, Child};
use nix::sys::eventfd::{EfdFlags, EventFd};
use rcb_abi::control::{Control, Hook, Lockstep, process};
use rcb_abi::segment::PATH_BYTES;
use rcb_abi::{ABI_VERSION, MAGIC};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::Ordering;

/// Iterations of a waiting loop before it sleeps, when every replica has a CPU of its own: about 50 microseconds, the
/// price of one wake-up across cores.
const SPIN_ALONE: u32 = 2000;
/// The same when replicas share a CPU: whoever is waited for cannot run meanwhile.
const SPIN_SHARED: u32 = 20;

/// What all groups of a run share.
pub struct Shared {
    /// Control pages.
    pub control: ControlArea,
    /// Patch plans.
    pub plans: PlanFile,
    /// One column of segments per replica.
    pub columns: Vec<Column>,
    /// Journals, with checkpoints.
    pub journals: Option<Journals>,
    /// Replicas write here when there is something for us to see.
    pub notify: EventFd,
    /// CPU of each replica; the same in every group.
    pub cpus: Vec<u32>,
    /// Somebody wants to know how long replicas were ready without running, which costs three calls for each process.
    pub delays: bool,
}

/// The replicas of one process.
pub struct Group<'run> {
    /// Its number.
    pub id: usize,
    /// One segment per replica.
    pub segments: Vec<SegmentArea<'run>>,
    /// The processes.
    pub children: Vec<Child>,
}

impl Shared {
    /// Makes everything, with the first group filled in.
    pub fn prepare(config: &RunConfig, inherited: &Inherited, program: &Program, cpus: Vec<u32>) -> Result<Self> {
        let mut control = ControlArea::create()?;
        let plans = PlanFile::create()?;
        let random = random_bytes()?;
        fill_control(control.fill(0), config, inherited, &cpus, random);
        let mut columns = Vec::new();
        for replica in 0..config.replicas {
            let mut column = Column::create(replica)?;
            fill_segment(&mut column, replica, inherited, program, random)?;
            columns.push(column);
        }
        let notify = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .map_err(|error| Error::os("making an eventfd", error))?;
        let journals = config.checkpoint.map(|_| Journals::create()).transpose()?;
        let delays = config.stats || config.record.is_some();
        Ok(Self { control, plans, columns, journals, notify, cpus, delays })
    }

    /// Lets nothing leave any more, from any group, born or about to be: what ends first would look to the others like the
    /// end of a pipe.
    pub fn halt(&self) {
        for group in 0..rcb_abi::MAX_GROUPS {
            self.control.get(group).stop.store(1, Ordering::SeqCst);
        }
    }

    /// The segments of a group.
    pub fn segments(&self, group: usize) -> Vec<SegmentArea<'_>> {
        self.columns.iter().map(|column| column.segment(group)).collect()
    }
}

impl<'run> Group<'run> {
    /// Starts the replicas of the first group. They wait for [`Group::go`].
    pub fn start(shared: &'run Shared, inherited: &Inherited, program: &Program, image: &[u8]) -> Result<Self> {
        let [soft, hard] = inherited.nofile;
        let base = descriptors::fd_base(soft, hard, descriptors::is_free)?;
        let Shared { control, plans, columns, notify, cpus, .. } = shared;
        let handout = Handout::prepare(image, base, control, plans, columns, notify.as_fd(), shared.journals.as_ref())?;
        let mut group = Self { id: 0, segments: shared.segments(0), children: Vec::new() };
        let started = spawn::start(&handout, inherited, cpus, &program.argv, &mut group.children);
        if let Err(error) = started {
            group.kill_all();
            for child in &group.children {
                processes::reap(child, true, false);
            }
            return Err(error);
        }
        Ok(group)
    }

    /// Tells the replicas of the first group who their peers are and lets them run.
    pub fn go(&self, shared: &Shared) {
        let control = shared.control.get(self.id);
        for (child, place) in self.children.iter().zip(&control.pids) {
            place.store(child.pid, Ordering::Relaxed);
        }
        control.go.store(1, Ordering::Release);
        wake_all(&control.go);
    }

    /// Kills every replica that still exists. Reaping them stays the caller's business.
    pub fn kill_all(&self) {
        self.children.iter().for_each(|child| processes::signal(child, libc::SIGKILL));
    }
}

fn random_bytes() -> Result<[u8; 16]> {
    use std::io::Read;
    let mut random = [0; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut random))
        .map_err(|error| Error::os("reading random bytes", error))?;
    Ok(random)
}

fn fill_control(control: &mut Control, config: &RunConfig, inherited: &Inherited, cpus: &[u32], random: [u8; 16]) {
    let shared = (1..cpus.len()).any(|index| cpus[..index].contains(&cpus[index]));
    control.magic = MAGIC;
    control.version = ABI_VERSION;
    control.replicas = config.replicas as u32;
    // The way back is only as good as what has been done was agreed.
    let lockstep = if config.checkpoint.is_some() { Lockstep::Strict } else { config.lockstep };
    control.lockstep = lockstep as u32;
    control.checkpoints = u32::from(config.checkpoint.is_some());
    control.spin = if shared { SPIN_SHARED } else { SPIN_ALONE };
    control.force_fd_passing = u32::from(config.force_fd_passing);
    control.supervisor = inherited.pid;
    *control.virtual_ppid.get_mut() = inherited.ppid;
    *control.state.get_mut() = process::RUNS;
    control.affinity = inherited.affinity;
    control.nofile = inherited.nofile;
    control.ignored_signals = inherited.ignored;
    control.signal_mask = inherited.mask;
    control.random = random;
    control.cpus = [u32::MAX; rcb_abi::MAX_REPLICAS];
    control.cpus[..cpus.len()].copy_from_slice(cpus);
    control.hook = config.hook.unwrap_or(Hook::NONE);
    control.time_agent = u32::from(config.stats);
    control.no_patch = u32::from(config.no_patch);
    control.huge_pages = u32::from(config.huge_pages);
    control.own_layout = u32::from(inherited.randomised);
    control.wide_digest = u32::from(std::is_x86_feature_detected!("aes"));
}

fn fill_segment(
    column: &mut Column,
    replica: usize,
    inherited: &Inherited,
    program: &Program,
    random: [u8; 16],
) -> Result<()> {
    let exe = program.exe.as_os_str().as_bytes();
    let execfn = program.execfn.as_bytes();
    if exe.len() >= PATH_BYTES || execfn.len() >= PATH_BYTES {
        return Err(Error::Setting(format!("the path of the program has more than {} bytes", PATH_BYTES - 1)));
    }
    column.fill(|segment| {
        segment.magic = MAGIC;
        segment.version = ABI_VERSION;
        segment.replica = replica as u32;
        segment.carry.exe[..exe.len()].copy_from_slice(exe);
        segment.carry.execfn[..execfn.len()].copy_from_slice(execfn);
        segment.carry.mask = inherited.mask;
        segment.carry.ignored = inherited.ignored;
        segment.carry.personality = inherited.personality;
        segment.carry.random = random;
        segment.carry.affinity = inherited.affinity;
    })
}
