//! Random numbers that a seed repeats.

/// SplitMix64 (Steele, Lea, Flood, *Fast Splittable Pseudorandom Number Generators*, OOPSLA 2014).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    /// Number `index` of the sequences that a seed gives, independent of the others.
    pub(crate) fn new(seed: u64, index: u64) -> Self {
        let mut outer = Self(seed);
        let base = outer.next();
        Self(base ^ index.wrapping_mul(0xD134_2543_DE82_EF95))
    }

    /// 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// Uniform in `0..bound`; the bias is below 2^-32 for bounds below 2^32.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        scale(self.next(), bound)
    }
}

/// A number of 64 bits as a part of `bound`.
pub(crate) fn scale(bits: u64, bound: u64) -> u64 {
    ((u128::from(bits) * u128::from(bound)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_and_stays_below() {
        let values = |seed, index| {
            let mut draw = Draw::new(seed, index);
            (0..100).map(|_| draw.below(17)).collect::<Vec<_>>()
        };
        assert_eq!(values(1, 2), values(1, 2));
        assert_ne!(values(1, 2), values(1, 3));
        assert!(values(1, 2).iter().all(|&value| value < 17));
    }
}
