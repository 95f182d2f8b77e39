//! What a replica does next: one access to shared memory per step, in the order in which the agent makes them.
//!
//! The agent's files are named where their code is followed. What is concluded is never decided here, but by
//! `rcb_vote::meeting`, except where a [`Flaw`] asks for something wrong.

use crate::world::{
    ASLEEP, At, Fault, Flaw, Goal, HEAD_CHAIN, HEAD_SEQ, Kind, Life, RECORD_CHAIN, RECORD_RESULT, RECORD_SEQ, Setup,
    TRACE_CHAIN, TRACE_SEQ, Word, World,
};
use rcb_vote::meeting::{self, Answer, Finding, Head, Post};

/// Replica that performs.
pub(crate) const LEADER: usize = 0;

/// What must never happen, in words.
pub(crate) type Violation = &'static str;

/// One step of a replica; `None` if it can take none now.
pub(crate) fn step(setup: &Setup, world: &World, replica: usize) -> Result<Option<World>, Violation> {
    if world.replicas[replica].life != Life::Runs {
        return Ok(None);
    }
    let mut actor = Actor { setup, world: *world, replica };
    Ok(actor.act()?.then_some(actor.world))
}

/// Whether the next step of a replica is one that nobody can see: a plain store on its way.
pub(crate) fn is_unseen(world: &World, replica: usize) -> bool {
    let own = &world.replicas[replica];
    own.life == Life::Runs
        && world.has_room(replica)
        && matches!(own.at, At::StoreTraceChain | At::StoreHeadChain | At::StoreRecordResult | At::SayAwake(_))
}

struct Actor<'a> {
    setup: &'a Setup,
    world: World,
    replica: usize,
}

impl Actor<'_> {
    /// Returns false if the step is not possible now.
    fn act(&mut self) -> Result<bool, Violation> {
        let own = self.world.replicas[self.replica];
        match own.at {
            // agree/post.rs
            At::Guest => return Ok(self.next_call()),
            At::StoreTraceChain => {
                return Ok(self.plain(TRACE_CHAIN + self.setup.slot(own.seq), self.own_chain(), At::StoreHeadChain));
            }
            At::StoreHeadChain => return Ok(self.plain(HEAD_CHAIN, self.own_chain(), At::PublishHead)),
            At::PublishHead => {
                let kind = self.setup.kind(self.replica, own.seq);
                if kind == Some(Kind::Local) && !self.setup.strict {
                    if !self.plain(HEAD_SEQ, own.seq, At::Guest) {
                        return Ok(false);
                    }
                    self.posted();
                    return Ok(true);
                }
                return Ok(self.publish(HEAD_SEQ, false));
            }
            // agree/meet.rs: publish
            At::LookForSleepers { record } => {
                if meeting::must_wake(u32::from(self.world.load(usize::from(own.peer), ASLEEP))) {
                    self.go(At::Wake { record });
                } else if !self.next_peer(At::LookForSleepers { record }) {
                    self.published(record);
                }
            }
            At::Wake { record } => {
                self.wake(record);
                self.published(record);
            }
            // agree/meet.rs: bound_lag
            At::BoundLag => {
                let floor = match self.setup.flaw {
                    Flaw::LagByOne => u64::from(own.seq).saturating_sub(self.setup.lag),
                    _ => meeting::lag_floor(u64::from(own.seq), self.setup.lag),
                };
                if !meeting::arrived(u64::from(self.world.load(usize::from(own.peer), HEAD_SEQ)), floor) {
                    return Ok(false);
                }
                if !self.next_peer(At::BoundLag) {
                    self.go(At::Decide);
                }
            }
            At::Decide => self.decide(true),
            At::Perform => {
                self.perform()?;
                // agree/record.rs: fill
                return Ok(self.plain(
                    RECORD_CHAIN + self.setup.slot(own.seq),
                    self.own_chain(),
                    At::StoreRecordResult,
                ));
            }
            At::StoreRecordResult => {
                return Ok(self.plain(RECORD_RESULT + self.setup.slot(own.seq), own.seq, At::PublishRecord));
            }
            At::PublishRecord => return Ok(self.publish(RECORD_SEQ + self.setup.slot(own.seq), true)),
            At::Exit => self.exit()?,
            _ => return self.meet(),
        }
        Ok(true)
    }

    /// agree/meet.rs: wait, sleep, all, symmetric, record.
    fn meet(&mut self) -> Result<bool, Violation> {
        let own = self.world.replicas[self.replica];
        let peer = usize::from(own.peer);
        let slot = self.setup.slot(own.seq);
        match own.at {
            At::Look(goal) => self.look(goal, At::SayAsleep(goal), after(goal)),
            At::SayAsleep(goal) if self.setup.flaw == Flaw::PlainAsleep => {
                return Ok(self.plain(ASLEEP, 1, At::LookAgain(goal)));
            }
            At::SayAsleep(goal) => return Ok(self.visible(ASLEEP, 1, At::LookAgain(goal))),
            At::LookAgain(Goal::Record) => self.look(Goal::Record, At::LeaderHead, At::SayAwake(Goal::Record)),
            At::LookAgain(goal) => self.look(goal, At::Futex(goal), At::SayAwake(goal)),
            At::LeaderHead => {
                let skipped = meeting::skipped(u64::from(self.world.load(LEADER, HEAD_SEQ)), u64::from(own.seq));
                self.go(if skipped { At::LookOnceMore } else { At::Futex(Goal::Record) });
            }
            At::LookOnceMore => {
                let answered =
                    meeting::arrived(u64::from(self.world.load(LEADER, RECORD_SEQ + slot)), u64::from(own.seq));
                self.go(if answered { At::Futex(Goal::Record) } else { At::SayAwake(Goal::Record) });
            }
            At::Futex(goal) => {
                let (owner, word) = self.awaited(goal);
                let unchanged = self.world.load(owner, word) == own.seen;
                self.go(if unchanged { At::Asleep(goal) } else { At::LookAgain(goal) });
            }
            At::Asleep(goal) => {
                // Only a peer that makes other calls than ours leaves us to the end of a nap.
                let (owner, word) = self.awaited(goal);
                let naps = matches!(self.setup.fault, Fault::Stray { .. });
                let arrived = meeting::arrived(u64::from(self.world.load(owner, word)), u64::from(own.seq));
                let skipped = goal == Goal::Record
                    && meeting::skipped(u64::from(self.world.load(LEADER, HEAD_SEQ)), u64::from(own.seq));
                if !naps || !(arrived || skipped) {
                    return Ok(false);
                }
                self.go(At::LookAgain(goal));
            }
            At::SayAwake(goal) => return Ok(self.plain(ASLEEP, 0, after(goal))),
            At::RequestSeq => self.take_seq(peer, HEAD_SEQ, At::RequestChain),
            At::RequestChain => {
                self.take_chain(peer, HEAD_CHAIN);
                match meeting::request(self.own_post(), self.taken()) {
                    Finding::Agree => self.met(Goal::Request),
                    Finding::Wait | Finding::Differ => self.park(peer),
                }
            }
            At::HeadChain => {
                self.take_chain(peer, HEAD_CHAIN);
                self.go(At::HeadSeq);
            }
            At::HeadSeq => {
                self.take_seq(peer, HEAD_SEQ, At::TraceSeq);
                let found = meeting::head(self.own_post(), self.taken());
                if found == Head::Agree || self.setup.flaw == Flaw::NoTrace {
                    self.met(Goal::Symmetric);
                }
            }
            At::TraceSeq => self.take_seq(peer, TRACE_SEQ + slot, At::TraceChain),
            At::TraceChain => {
                self.take_chain(peer, TRACE_CHAIN + slot);
                match meeting::trace(self.own_post(), self.taken()) {
                    Finding::Agree => self.met(Goal::Symmetric),
                    Finding::Wait | Finding::Differ => self.park(peer),
                }
            }
            At::RecordSeq => self.take_seq(LEADER, RECORD_SEQ + slot, At::RecordChain),
            At::RecordChain => {
                self.take_chain(LEADER, RECORD_CHAIN + slot);
                match meeting::record(self.own_post(), self.taken()) {
                    Answer::Agree => self.go(At::TakeResult),
                    Answer::Differ | Answer::Wait | Answer::Impossible => self.park(LEADER),
                }
            }
            At::TakeResult => {
                if self.world.load(LEADER, RECORD_RESULT + slot) != own.seq {
                    return Err("a follower takes the result of another call");
                }
                self.go(At::Guest);
            }
            _ => return Err("the model has a step without a meaning"),
        }
        Ok(true)
    }

    fn go(&mut self, at: At) {
        self.world.replicas[self.replica].at = at;
    }

    /// Turns to the first peer.
    fn first_peer(&mut self, at: At) {
        self.world.replicas[self.replica].peer = u8::from(self.replica == 0);
        self.go(at);
    }

    /// Turns to the next peer, if there is one.
    fn next_peer(&mut self, at: At) -> bool {
        let peer = usize::from(self.world.replicas[self.replica].peer);
        let next = (peer + 1..self.setup.n).find(|p| *p != self.replica);
        if let Some(next) = next {
            self.world.replicas[self.replica].peer = next as u8;
            self.go(at);
        }
        next.is_some()
    }

    fn own_chain(&self) -> u8 {
        self.setup.chain(self.replica, self.world.replicas[self.replica].seq)
    }

    fn own_post(&self) -> Post {
        Post { seq: u64::from(self.world.replicas[self.replica].seq), chain: u64::from(self.own_chain()) }
    }

    fn taken(&self) -> Post {
        let own = &self.world.replicas[self.replica];
        Post { seq: u64::from(own.seen), chain: u64::from(own.chain) }
    }

    fn take_seq(&mut self, owner: usize, word: Word, next: At) {
        self.world.replicas[self.replica].seen = self.world.load(owner, word);
        self.go(next);
    }

    fn take_chain(&mut self, owner: usize, word: Word) {
        let loaded = self.world.load(owner, word);
        let chain = if self.setup.flaw == Flaw::SeqOnly { self.own_chain() } else { loaded };
        self.world.replicas[self.replica].chain = chain;
    }

    /// A store whose arrival nobody waits for.
    fn plain(&mut self, word: Word, value: u8, next: At) -> bool {
        let room = self.world.has_room(self.replica);
        if room {
            self.world.store(self.replica, word, value);
            self.go(next);
        }
        room
    }

    /// A store that has arrived, with all earlier ones, before the next step.
    fn visible(&mut self, word: Word, value: u8, next: At) -> bool {
        let ready = self.world.replicas[self.replica].count == 0;
        if ready {
            self.world.memory[self.replica][usize::from(word)] = value;
            self.go(next);
        }
        ready
    }

    fn publish(&mut self, word: Word, record: bool) -> bool {
        let seq = self.world.replicas[self.replica].seq;
        let at = At::LookForSleepers { record };
        let done = match self.setup.flaw {
            Flaw::PlainPublish => self.plain(word, seq, at),
            _ => self.visible(word, seq, at),
        };
        if done {
            self.first_peer(at);
        }
        done
    }

    /// Behind a publication.
    fn published(&mut self, record: bool) {
        if record {
            self.go(At::Guest);
        } else {
            self.posted();
        }
    }

    /// Behind the post of a request.
    fn posted(&mut self) {
        let seq = u64::from(self.world.replicas[self.replica].seq);
        if seq.is_multiple_of(self.setup.lag) {
            self.first_peer(At::BoundLag);
        } else {
            self.decide(true);
        }
    }

    fn wake(&mut self, record: bool) {
        let own = self.world.replicas[self.replica];
        let word = if record { RECORD_SEQ + self.setup.slot(own.seq) } else { HEAD_SEQ };
        for sleeper in 0..self.setup.n {
            if let At::Asleep(goal) = self.world.replicas[sleeper].at {
                let waits = Actor { setup: self.setup, world: self.world, replica: sleeper }.awaited(goal);
                if waits == (self.replica, word) && self.world.replicas[sleeper].life == Life::Runs {
                    self.world.replicas[sleeper].at = At::LookAgain(goal);
                }
            }
        }
    }

    /// The word that a waiting replica looks at.
    fn awaited(&self, goal: Goal) -> (usize, Word) {
        let own = &self.world.replicas[self.replica];
        match goal {
            Goal::Request | Goal::Symmetric => (usize::from(own.peer), HEAD_SEQ),
            Goal::Record => (LEADER, RECORD_SEQ + self.setup.slot(own.seq)),
        }
    }

    fn look(&mut self, goal: Goal, early: At, arrived: At) {
        let (owner, word) = self.awaited(goal);
        let seen = self.world.load(owner, word);
        let own = &mut self.world.replicas[self.replica];
        let there = meeting::arrived(u64::from(seen), u64::from(own.seq));
        own.seen = if there { 0 } else { seen };
        own.at = if there { arrived } else { early };
    }

    /// One peer has agreed: the next, or on with the call.
    fn met(&mut self, goal: Goal) {
        let own = &mut self.world.replicas[self.replica];
        (own.seen, own.chain) = (0, 0);
        if self.next_peer(At::Look(goal)) {
            return;
        }
        match goal {
            Goal::Symmetric => self.decide(false),
            Goal::Request | Goal::Record => self.go(At::Perform),
        }
    }

    fn park(&mut self, peer: usize) {
        self.world.replicas[self.replica].life = Life::Parked(peer as u8);
    }

    /// The guest's next call, up to the first store of its post.
    fn next_call(&mut self) -> bool {
        let own = self.world.replicas[self.replica];
        let seq = own.seq + 1;
        if self.setup.kind(self.replica, seq).is_none() {
            self.world.replicas[self.replica].life = Life::Lost;
            return true;
        }
        if !self.world.has_room(self.replica) {
            return false;
        }
        let own = &mut self.world.replicas[self.replica];
        (own.seq, own.peer, own.seen, own.chain) = (seq, 0, 0, 0);
        self.plain(TRACE_SEQ + self.setup.slot(seq), seq, At::StoreTraceChain)
    }

    /// call.rs: handle, perform, once, follow; handled/exit.rs. Nothing of this can be seen by others.
    fn decide(&mut self, must_meet: bool) {
        let own = self.world.replicas[self.replica];
        let Some(kind) = self.setup.kind(self.replica, own.seq) else { return };
        let symmetric = self.setup.strict || matches!(kind, Kind::Event | Kind::Exit);
        if must_meet && symmetric {
            return self.first_peer(At::Look(Goal::Symmetric));
        }
        let leads = self.replica == LEADER;
        match kind {
            Kind::Local | Kind::Event => self.go(At::Guest),
            Kind::Exit => self.go(At::Exit),
            _ if !leads => self.go(At::Look(Goal::Record)),
            _ if kind.meets() && !self.setup.strict && self.setup.flaw != Flaw::PerformFirst => {
                self.first_peer(At::Look(Goal::Request));
            }
            _ => self.go(At::Perform),
        }
    }

    fn perform(&mut self) -> Result<(), Violation> {
        let own = self.world.replicas[self.replica];
        if self.world.performed >> own.seq != 0 {
            return Err("a call is performed twice or out of order");
        }
        if self.setup.kind(self.replica, own.seq).is_some_and(Kind::meets) {
            self.must_be_agreed("an output is performed that is not agreed")?;
        }
        self.world.performed |= 1 << own.seq;
        Ok(())
    }

    fn exit(&mut self) -> Result<(), Violation> {
        self.must_be_agreed("a replica ends without agreement")?;
        self.world.replicas[self.replica].life = Life::Exited;
        Ok(())
    }

    /// All have posted this very request: by what they are, not by what was loaded.
    fn must_be_agreed(&self, otherwise: Violation) -> Result<(), Violation> {
        let seq = self.world.replicas[self.replica].seq;
        let same =
            |peer: usize| self.world.load(peer, HEAD_SEQ) >= seq && self.setup.chain(peer, seq) == self.own_chain();
        if (0..self.setup.n).all(|peer| peer == self.replica || same(peer)) { Ok(()) } else { Err(otherwise) }
    }
}

/// The first step behind a wait.
const fn after(goal: Goal) -> At {
    match goal {
        Goal::Request => At::RequestSeq,
        Goal::Symmetric => At::HeadChain,
        Goal::Record => At::RecordSeq,
    }
}
