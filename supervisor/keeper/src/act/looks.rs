//! What the supervisor sees of the replicas of a group: what they say, and who has ended.

use crate::areas::SegmentArea;
use crate::processes;
use crate::run::say;
use crate::step::{Event, Glance};
use crate::tree::Watched;
use rcb_abi::fault::kind;
use rcb_guard::{End, decide};
use std::time::Instant;

/// One look at all replicas of a group.
pub fn look(watched: &Watched<'_>, with_times: bool) -> Vec<Glance> {
    let segments = &watched.group.segments;
    let glance = |(segment, child): (&SegmentArea<'_>, &crate::spawn::Child)| {
        let stat = if with_times { processes::stat(child.pid) } else { None };
        let inbox = segment.inbox();
        // The fault first: what a replica wrote before it is then seen too. A difference that it has seen before the
        // latest replacement it will look at again.
        let is_old = segment.epoch() < watched.epoch && watched.healing.is_none();
        let fault = Some(inbox.fault()).filter(|fault| !is_old || fault.kind != kind::MISMATCH).unwrap_or_default();
        let (seq, phase, wait_for) = (inbox.seq(), inbox.phase(), inbox.wait_for());
        let served = segments.get(wait_for as usize).map(SegmentArea::inbox).is_some_and(|peer| {
            let answered = peer.answered(seq);
            decide::is_served(phase, seq, peer.seq(), answered)
        });
        Glance {
            seq,
            phase,
            wait_for,
            fault,
            user_ns: stat.map_or(0, |stat| stat.user_ns),
            in_kernel: stat.is_some_and(|stat| stat.state == 'D'),
            stopped: stat.is_some_and(|stat| matches!(stat.state, 'T' | 't')),
            served,
        }
    };
    segments.iter().zip(&watched.group.children).map(glance).collect()
}

pub(super) fn collect_ended(watched: &mut Watched<'_>, delays: bool, ended: &[u32], events: &mut Vec<Event>) {
    for replica in 0..watched.group.children.len() {
        if watched.ends[replica].is_some() || !ended.contains(&watched.group.children[replica].pid) {
            continue;
        }
        if is_early(watched, replica) {
            continue;
        }
        let child = &watched.group.children[replica];
        let heals = watched.group.children.len() > 2 || watched.checkpoints.is_some();
        let ended = if heals {
            processes::reap_with_account(child, false, delays)
        } else {
            processes::reap(child, false, delays)
        };
        if let Some((end, usage)) = ended {
            if usage.cpu_time_is_up && end == End::Signal(libc::SIGKILL) && watched.killed.is_none() {
                // The kernel's answer to a program that has used up its limit, in one replica first.
                watched.killed = Some(end);
                watched.group.kill_all();
            }
            let announced = watched.group.segments[replica].inbox().ending();
            let end = if announced.is_none() { watched.killed.unwrap_or(end) } else { end };
            let agreed = watched.agreed(replica);
            watched.ends[replica] = Some((end, usage));
            let settled = watched.majority_end().filter(|_| agreed.is_none()).or_else(|| watched.shared_end(replica));
            if let Some(end) = settled.filter(|settled| *settled != end) {
                say(&format!("corrected: replica {replica} was lost when the others had agreed to end"));
                events.push(Event::Ended { replica, end, agreed: Some(end) });
            } else {
                events.push(Event::Ended { replica, end, agreed });
            }
        }
    }
}

/// Whether a replica is gone before it could say that it ends as the others do, who are about to say so. It stays a
/// zombie for a moment, until they have.
fn is_early(watched: &mut Watched<'_>, replica: usize) -> bool {
    if watched.agreed(replica).is_some() {
        return false;
    }
    let replicas = watched.group.children.len();
    let is_expected = match replicas {
        0 | 1 => false,
        2 => may_share_end(watched, replica),
        _ => watched.majority_end().is_none() && (0..replicas).any(|other| watched.agreed(other).is_some()),
    };
    if !is_expected {
        return false;
    }
    if processes::gone(&watched.group.children[replica]).is_none() {
        return true;
    }
    let until = *watched.early_until.get_or_insert_with(|| Instant::now() + super::GRACE);
    Instant::now() < until
}

/// Whether one of two replicas is gone with the end of the program as its latest request, and the other one may be about to
/// make the same.
fn may_share_end(watched: &Watched<'_>, replica: usize) -> bool {
    let [this, other] = [replica, 1 - replica].map(|replica| watched.group.segments[replica].inbox());
    let is_end = [libc::SYS_exit, libc::SYS_exit_group].contains(&i64::from(this.nr()));
    let is_under_way = watched.agreed(1 - replica).is_none() && watched.ends[1 - replica].is_none();
    is_end && is_under_way && other.seq() <= this.seq() && other.fault().kind == kind::NONE
}
