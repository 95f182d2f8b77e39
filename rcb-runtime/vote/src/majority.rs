//! Majority over the chains of replicas at the same request.

use rcb_abi::MAX_REPLICAS;

/// Outcome of a vote among `n` replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vote {
    /// All agree.
    Unanimous,
    /// More than half agree; bit `i` of `blamed` is set for every replica that does not.
    Majority {
        /// Replicas in the minority.
        blamed: u32,
    },
    /// No value has more than half of the votes.
    None,
}

/// Votes over `values[0..n]`; `None` stands for a replica that did not arrive and counts against it.
///
/// Total: any input gives a verdict. At most [`MAX_REPLICAS`] values are looked at.
pub fn vote(values: &[Option<u64>]) -> Vote {
    let values = &values[..values.len().min(MAX_REPLICAS)];
    for candidate in values.iter().flatten() {
        let mut agree = 0;
        let mut blamed = 0u32;
        for (i, value) in values.iter().enumerate() {
            if *value == Some(*candidate) {
                agree += 1;
            } else {
                blamed |= 1 << i;
            }
        }
        if agree == values.len() {
            return Vote::Unanimous;
        }
        if agree * 2 > values.len() {
            return Vote::Majority { blamed };
        }
    }
    Vote::None
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_cases() {
        assert_eq!(vote(&[Some(1)]), Vote::Unanimous);
        assert_eq!(vote(&[Some(1), Some(1)]), Vote::Unanimous);
        assert_eq!(vote(&[Some(1), Some(2)]), Vote::None);
        assert_eq!(vote(&[Some(2), Some(1), Some(1)]), Vote::Majority { blamed: 1 });
        assert_eq!(vote(&[Some(1), None, Some(1)]), Vote::Majority { blamed: 2 });
        assert_eq!(vote(&[Some(1), Some(2), Some(3)]), Vote::None);
        assert_eq!(vote(&[None, None]), Vote::None);
        assert_eq!(vote(&[]), Vote::None);
    }

    proptest! {
        #[test]
        fn the_blamed_are_exactly_those_that_differ(values in prop::collection::vec(prop::option::of(0u64..3), 1..9)) {
            let verdict = vote(&values);
            let best = (0..3).max_by_key(|v| values.iter().filter(|x| **x == Some(*v)).count()).unwrap();
            let count = values.iter().filter(|x| **x == Some(best)).count();
            match verdict {
                Vote::Unanimous => prop_assert_eq!(count, values.len()),
                Vote::Majority { blamed } => {
                    prop_assert!(count * 2 > values.len() && count < values.len());
                    for (i, value) in values.iter().enumerate() {
                        prop_assert_eq!(blamed >> i & 1 == 1, *value != Some(best));
                    }
                }
                Vote::None => prop_assert!(count * 2 <= values.len()),
            }
        }
    }
}
