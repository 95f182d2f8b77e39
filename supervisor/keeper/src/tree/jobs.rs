//! Job control: process groups, and processes that stop and go on.
//!
//! The terminal and other processes stop the leader's process; its followers stop with it. What the kernel says of its
//! stops and returns goes into the control page, where `wait4` of the parent finds it, and the parent gets SIGCHLD as it
//! would natively. A stop that nobody has ordered and that the terminal does not make is a fault of that process, and the
//! watchdog's to notice.

use super::{Tree, Watched};
use crate::areas::{low_half, wake_all};
use crate::group::Shared;
use crate::processes::{self, Job};
use nix::unistd::{Pid, getpgid, getppid, getsid, setpgid};
use std::sync::atomic::Ordering;

/// `wait4` of a child that has gone on.
const CONTINUED: u32 = 0xffff;

impl Tree<'_> {
    /// Takes in which replicas have stopped or gone on.
    pub fn jobs(&mut self) {
        while let Some((pid, job)) = processes::job_news() {
            let is_it = |watched: &Watched<'_>| watched.group.children.iter().position(|child| child.pid == pid);
            let found = self.groups.iter_mut().find_map(|(id, watched)| Some((*id, is_it(watched)?, watched)));
            let Some((id, replica, watched)) = found else { continue };
            let status = match job {
                Job::Continued if replica == watched.leader && watched.stopped => {
                    watched.stopped = false;
                    tell_followers(watched, libc::SIGCONT);
                    CONTINUED
                }
                Job::Stopped(signal) if !watched.stopped => {
                    let by_order = watched.stop_ordered.filter(|_| signal == libc::SIGSTOP);
                    let meant = replica == watched.leader && (signal != libc::SIGSTOP || by_order.is_some());
                    if !meant && !all_stopped(watched) {
                        continue;
                    }
                    watched.stop_ordered = None;
                    watched.stopped = true;
                    tell_followers(watched, libc::SIGSTOP);
                    (by_order.unwrap_or(signal) as u32) << 8 | 0x7f
                }
                _ => continue,
            };
            let parent = watched.parent;
            publish(self.shared, id, status);
            if let Some(parent) = parent {
                self.tell_parent(parent);
            }
        }
    }

    /// A child of this group has stopped or gone on.
    fn tell_parent(&self, parent: usize) {
        let Some(watched) = self.groups.get(&parent) else { return };
        if watched.lead().wants_stop_news() {
            processes::signal(watched.lead_child(), libc::SIGCHLD);
        }
        let events = &self.shared.control.get(parent).child_events;
        events.fetch_add(1, Ordering::Release);
        wake_all(low_half(events));
    }

    /// The default action of a signal is to stop this group.
    pub(super) fn stop(&mut self, id: usize, signal: i32) -> i32 {
        if signal != libc::SIGSTOP && self.is_orphaned(id) {
            return 0;
        }
        let alone = self.groups.len() == 1;
        let Some(watched) = self.groups.get_mut(&id) else { return -libc::ESRCH };
        watched.stop_ordered = Some(signal);
        watched.group.children.iter().for_each(|child| processes::signal(child, libc::SIGSTOP));
        // Whoever has started us sees a stopped job, unless others of the tree go on and need us.
        let leader = Pid::from_raw(watched.lead_child().pid as i32);
        if alone && getpgid(Some(leader)) == getpgid(None) {
            let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP);
            watched.group.children.iter().for_each(|child| processes::signal(child, libc::SIGCONT));
        }
        0
    }

    /// Whether the process group of this group has no member with a parent in the same session and another process
    /// group, who could let it go on.
    fn is_orphaned(&self, id: usize) -> bool {
        let leader = |id: usize| self.groups.get(&id).map(|watched| watched.lead_child().pid as i32);
        let of = |pid: i32| Some((getpgid(Some(Pid::from_raw(pid))).ok()?, getsid(Some(Pid::from_raw(pid))).ok()?));
        let Some((group, session)) = leader(id).and_then(of) else { return true };
        let cares = |(member, watched): (&usize, &Watched<'_>)| {
            let is_member = leader(*member).and_then(of) == Some((group, session));
            let parent = if *member == 0 { Some(getppid().as_raw()) } else { watched.parent.and_then(leader) };
            is_member && parent.and_then(of).is_some_and(|(other, same)| other != group && same == session)
        };
        !self.groups.iter().any(cares)
    }

    /// Moves a process of the tree to another process group, its replicas all together.
    pub(super) fn set_group(&self, pid: i32, group: i32) -> i32 {
        let Some(watched) = self.groups.values().find(|watched| watched.guest_pid as i32 == pid) else {
            return -libc::ESRCH;
        };
        let leader = watched.lead_child().pid as i32;
        let group = if group == pid { leader } else { group };
        for child in &watched.group.children {
            if let Err(errno) = setpgid(Pid::from_raw(child.pid as i32), Pid::from_raw(group)) {
                return -(errno as i32);
            }
        }
        0
    }
}

fn tell_followers(watched: &Watched<'_>, signal: i32) {
    let followers = watched.group.children.iter().enumerate().filter(|(replica, _)| *replica != watched.leader);
    followers.for_each(|(_, child)| processes::signal(child, signal));
}

fn all_stopped(watched: &Watched<'_>) -> bool {
    let state = |pid| processes::stat(pid).map(|stat| stat.state);
    watched.group.children.iter().all(|child| state(child.pid) == Some('T'))
}

/// Writes what has happened where the parent's wait looks.
fn publish(shared: &Shared, id: usize, status: u32) {
    let control = shared.control.get(id);
    control.job_status.store(status, Ordering::Relaxed);
    control.job_changes.fetch_add(1, Ordering::Release);
}
