//! What there is: shared words as memory holds them, stores on their way to it, and what each replica knows.

use rcb_vote::meeting::slot;
use std::hash::{Hash, Hasher};

/// Most replicas.
pub(crate) const MOST: usize = 3;
/// Most slots of a ring.
pub(crate) const SLOTS: usize = 4;
/// Stores that a replica may have on their way: those of one request that is not announced, seq included.
pub(crate) const DEPTH: usize = 4;
/// Added to the chain of a corrupted replica.
pub(crate) const WRONG: u8 = 0x80;

/// A word of a segment, as an index into [`World::memory`].
pub(crate) type Word = u8;
pub(crate) const HEAD_SEQ: Word = 0;
pub(crate) const HEAD_CHAIN: Word = 1;
pub(crate) const ASLEEP: Word = 2;
pub(crate) const TRACE_SEQ: Word = 3;
pub(crate) const TRACE_CHAIN: Word = TRACE_SEQ + SLOTS as Word;
pub(crate) const RECORD_SEQ: Word = TRACE_CHAIN + SLOTS as Word;
pub(crate) const RECORD_CHAIN: Word = RECORD_SEQ + SLOTS as Word;
pub(crate) const RECORD_RESULT: Word = RECORD_CHAIN + SLOTS as Word;
/// Rounded up to eight, which makes comparing and hashing cheap.
const WORDS: usize = (RECORD_RESULT as usize + SLOTS).next_multiple_of(8);

/// Kinds of calls, by how they are agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Performed by each; not announced.
    Local,
    /// Performed once, by the leader, without a meeting.
    Ahead,
    /// Performed once, after a meeting.
    Output,
    /// Input that cannot be given back: performed once, after a meeting.
    Consume,
    /// An exception: all meet all.
    Event,
    /// The last vote.
    Exit,
}

impl Kind {
    /// Whether the leader performs it for all.
    pub(crate) const fn is_once(self) -> bool {
        matches!(self, Self::Ahead | Self::Output | Self::Consume)
    }

    /// Whether it must not be performed before all have agreed.
    pub(crate) const fn meets(self) -> bool {
        matches!(self, Self::Output | Self::Consume)
    }
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// The chain of a replica differs from a call on.
    Value {
        replica: usize,
        from: u8,
    },
    /// A replica makes other calls from a call on: local ones, which it announces to nobody.
    Stray {
        replica: usize,
        from: u8,
    },
    /// Any one replica stops for ever at any point.
    Stop,
}

/// A protocol that is wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// Sequence numbers are published by a plain store, which may still be on its way when the publisher looks for
    /// sleepers.
    PlainPublish,
    /// The sleeper says that it sleeps by a plain store, which may still be on its way when it looks again.
    PlainAsleep,
    /// Sequence numbers are compared, chains are not.
    SeqOnly,
    /// The leader performs an output without waiting for its peers.
    PerformFirst,
    /// An unequal head is taken for that of a peer that has moved on, and the trace is not looked at.
    NoTrace,
    /// A peer may lag by `lag` itself, not only by less.
    LagByOne,
}

/// What is explored.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) n: usize,
    /// Calls, from sequence number 1 on.
    pub(crate) program: Vec<Kind>,
    pub(crate) strict: bool,
    pub(crate) ring: usize,
    pub(crate) lag: u64,
    pub(crate) fault: Fault,
    pub(crate) flaw: Flaw,
    /// Overwriting a slot that is needed counts by itself, not only by what comes of it.
    pub(crate) guard_slots: bool,
}

impl Setup {
    /// Without fault and flaw, with the smallest rings that have the shape of the real ones.
    pub(crate) fn new(n: usize, program: &[Kind]) -> Self {
        let (fault, flaw) = (Fault::None, Flaw::None);
        Self { n, program: program.to_vec(), strict: false, ring: SLOTS, lag: 2, fault, flaw, guard_slots: true }
    }

    /// What a replica calls at `seq`; `None` behind the end.
    pub(crate) fn kind(&self, replica: usize, seq: u8) -> Option<Kind> {
        let kind = self.program.get(usize::from(seq).checked_sub(1)?).copied();
        match self.fault {
            Fault::Stray { replica: stray, from } if stray == replica && seq >= from => kind.map(|_| Kind::Local),
            _ => kind,
        }
    }

    /// The chain of a replica at `seq`: in truth, whatever the memory says.
    pub(crate) fn chain(&self, replica: usize, seq: u8) -> u8 {
        match self.fault {
            Fault::Value { replica: bad, from } | Fault::Stray { replica: bad, from }
                if bad == replica && seq >= from =>
            {
                seq | WRONG
            }
            _ => seq,
        }
    }

    pub(crate) fn slot(&self, seq: u8) -> Word {
        slot(u64::from(seq), self.ring) as Word
    }
}

/// What a replica waits for, and what it does then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Goal {
    /// The leader, for the request of a peer.
    Request,
    /// Anybody at a symmetric meeting.
    Symmetric,
    /// A follower, for the record.
    Record,
}

/// The next step of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum At {
    /// Runs the guest until its next call.
    Guest,
    StoreTraceChain,
    StoreHeadChain,
    PublishHead,
    /// Looks whether a peer sleeps, one by one.
    LookForSleepers {
        record: bool,
    },
    Wake {
        record: bool,
    },
    /// Polls a peer's head (with naps).
    BoundLag,
    /// All behind the post: what kind of call is it?
    Decide,
    Look(Goal),
    SayAsleep(Goal),
    LookAgain(Goal),
    /// A follower looks whether its leader has gone on without an answer.
    LeaderHead,
    /// It has: has the answer come between the looks?
    LookOnceMore,
    Futex(Goal),
    Asleep(Goal),
    SayAwake(Goal),
    RequestSeq,
    RequestChain,
    HeadChain,
    HeadSeq,
    TraceSeq,
    TraceChain,
    RecordSeq,
    RecordChain,
    TakeResult,
    Perform,
    StoreRecordResult,
    PublishRecord,
    Exit,
}

/// Whether a replica takes steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Life {
    Runs,
    /// Stopped from outside.
    Dead,
    /// Has reported a difference from this replica.
    Parked(u8),
    Exited,
    /// A stray one behind the end of the program.
    Lost,
}

/// One replica. `seq` to `chain` are private; `on_way` are its stores that memory has yet to see, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Replica {
    pub(crate) life: Life,
    pub(crate) at: At,
    /// Its latest request.
    pub(crate) seq: u8,
    /// The peer it is looking at.
    pub(crate) peer: u8,
    /// A sequence number it has loaded.
    pub(crate) seen: u8,
    /// A chain it has loaded.
    pub(crate) chain: u8,
    pub(crate) on_way: [(Word, u8); DEPTH],
    pub(crate) count: u8,
}

impl Hash for Replica {
    /// Few words for a hash that is called without optimization; the stores on their way are left to equality but for
    /// their number and the latest.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (word, value) = self.on_way[usize::from(self.count.saturating_sub(1))];
        state.write_u64(u64::from_le_bytes([self.seq, self.peer, self.seen, self.chain, self.count, word, value, 0]));
        self.life.hash(state);
        self.at.hash(state);
    }
}

/// Everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) replicas: [Replica; MOST],
    pub(crate) memory: [[u8; WORDS]; MOST],
    /// Calls that have been performed once: bit by sequence number.
    pub(crate) performed: u16,
}

impl World {
    /// Nobody has made a call.
    pub(crate) fn start() -> Self {
        let replica = Replica {
            life: Life::Runs,
            at: At::Guest,
            seq: 0,
            peer: 0,
            seen: 0,
            chain: 0,
            on_way: [(0, 0); DEPTH],
            count: 0,
        };
        Self { replicas: [replica; MOST], memory: [[0; WORDS]; MOST], performed: 0 }
    }

    pub(crate) fn load(&self, replica: usize, word: Word) -> u8 {
        self.memory[replica][usize::from(word)]
    }

    /// Whether a plain store finds room.
    pub(crate) fn has_room(&self, replica: usize) -> bool {
        usize::from(self.replicas[replica].count) < DEPTH
    }

    /// A plain store: on its way.
    pub(crate) fn store(&mut self, replica: usize, word: Word, value: u8) {
        let own = &mut self.replicas[replica];
        own.on_way[usize::from(own.count)] = (word, value);
        own.count += 1;
    }

    /// The oldest store arrives.
    pub(crate) fn arrive(&mut self, replica: usize) -> (Word, u8) {
        let own = &mut self.replicas[replica];
        let (word, value) = own.on_way[0];
        own.on_way.copy_within(1.., 0);
        own.on_way[DEPTH - 1] = (0, 0);
        own.count -= 1;
        self.memory[replica][usize::from(word)] = value;
        (word, value)
    }
}
