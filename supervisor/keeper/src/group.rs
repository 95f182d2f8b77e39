//! The replicas of one run and everything they share, from preparation to the starting signal.

use crate::areas::{ControlArea, PlanFile, SegmentArea, wake_all};
use crate::config::RunConfig;
use crate::descriptors::{self, Handout};
use crate::error::{Error, Result};
use crate::inherited::Inherited;
use crate::processes;
use crate::program::Program;
use crate::spawn::{self, Child};
use nix::sys::eventfd::{EfdFlags, EventFd};
use rcb_abi::control::Hook;
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

/// A group that runs.
pub struct Group {
    /// Control page.
    pub control: ControlArea,
    /// Patch plans.
    pub plans: PlanFile,
    /// One segment per replica.
    pub segments: Vec<SegmentArea>,
    /// Replicas write here when there is something for us to see.
    pub notify: EventFd,
    /// The processes.
    pub children: Vec<Child>,
    /// CPU of each replica.
    pub cpus: Vec<u32>,
}

impl Group {
    /// Prepares everything and starts the replicas. They wait for [`Group::go`].
    pub fn start(
        config: &RunConfig,
        inherited: &Inherited,
        program: &Program,
        image: &[u8],
        cpus: Vec<u32>,
    ) -> Result<Self> {
        let mut control = ControlArea::create()?;
        let plans = PlanFile::create()?;
        let random = random_bytes()?;
        fill_control(&mut control, config, inherited, &cpus, random);
        let mut segments = Vec::new();
        for replica in 0..config.replicas {
            let mut segment = SegmentArea::create(replica)?;
            fill_segment(&mut segment, replica, inherited, program, random)?;
            segments.push(segment);
        }
        let notify = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .map_err(|error| Error::os("making an eventfd", error))?;
        let [soft, hard] = inherited.nofile;
        let base = descriptors::fd_base(soft, hard, descriptors::is_free)?;
        let handout = Handout::prepare(image, base, &control, &plans, &segments, notify.as_fd())?;
        let mut group = Self { control, plans, segments, notify, children: Vec::new(), cpus };
        let started = spawn::start(&handout, inherited, &group.cpus, &program.argv, &mut group.children);
        if let Err(error) = started {
            group.kill_all();
            return Err(error);
        }
        Ok(group)
    }

    /// Tells the replicas who their peers are and lets them run.
    pub fn go(&self) {
        let control = self.control.get();
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

fn fill_control(area: &mut ControlArea, config: &RunConfig, inherited: &Inherited, cpus: &[u32], random: [u8; 16]) {
    let shared = (1..cpus.len()).any(|index| cpus[..index].contains(&cpus[index]));
    let control = area.fill();
    control.magic = MAGIC;
    control.version = ABI_VERSION;
    control.replicas = config.replicas as u32;
    control.lockstep = config.lockstep as u32;
    control.spin = if shared { SPIN_SHARED } else { SPIN_ALONE };
    control.force_fd_passing = u32::from(config.force_fd_passing);
    control.virtual_pid = inherited.pid;
    control.virtual_ppid = inherited.ppid;
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
    control.wide_digest = u32::from(std::is_x86_feature_detected!("aes"));
}

fn fill_segment(
    area: &mut SegmentArea,
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
    area.fill(|segment| {
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
