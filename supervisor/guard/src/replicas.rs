//! A set of replicas.

use rcb_abi::MAX_REPLICAS;

/// Some of the replicas of a group: bit `i` stands for replica `i`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replicas(u32);

const ALL: u32 = (1 << MAX_REPLICAS) - 1;

impl Replicas {
    /// Nobody.
    pub const NONE: Self = Self(0);

    /// One replica; nobody if there can be no such replica.
    pub const fn one(replica: usize) -> Self {
        if replica < MAX_REPLICAS { Self(1 << replica) } else { Self::NONE }
    }

    /// From bits; those of replicas that cannot be are dropped.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & ALL)
    }

    /// Those for which `holds` is true, out of the first `count`.
    pub fn which(count: usize, mut holds: impl FnMut(usize) -> bool) -> Self {
        let chosen = (0..count.min(MAX_REPLICAS)).filter(|replica| holds(*replica));
        Self(chosen.fold(0, |bits, replica| bits | 1 << replica))
    }

    /// Whether it holds nobody.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether it holds this one.
    pub const fn contains(self, replica: usize) -> bool {
        replica < MAX_REPLICAS && self.0 >> replica & 1 == 1
    }

    /// Those in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The members in rising order.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..MAX_REPLICAS).filter(move |replica| self.contains(*replica))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members() {
        let some = Replicas::which(9, |replica| replica % 3 == 0);
        assert!(some.iter().eq([0, 3, 6]) && some.len() == 3 && !some.is_empty());
        assert!(some.contains(3) && !some.contains(4) && !some.contains(400));
        assert_eq!(some.and(Replicas::one(6)), Replicas::one(6));
        assert!(Replicas::one(usize::MAX).is_empty() && Replicas::from_bits(0x100).is_empty());
    }
}
