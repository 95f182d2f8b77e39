//! Whether one CPU disagrees more often than the others: exact bounds, because faults are few.
//!
//! If all CPUs were equally good, each of K faults would fall on a CPU with the probability of its share of all CPU time:
//! a binomial number. The bound is that of Clopper and Pearson (*The use of confidence or fiducial limits*, Biometrika 26,
//! 1934), for the share of faults, turned into a ratio of rates; it is taken at a level that is divided by the number of CPUs
//! looked at, so that all bounds hold together.

/// Level of the bounds of all CPUs together.
pub(crate) const LEVEL: f64 = 0.05;

/// Logarithm of n!.
fn ln_factorial(n: u64) -> f64 {
    (2..=n).map(|i| (i as f64).ln()).sum()
}

/// Probability of at least `hits` of `total`, each with probability `share`.
pub(crate) fn at_least(hits: u64, total: u64, share: f64) -> f64 {
    if hits == 0 {
        return 1.0;
    }
    if share <= 0.0 || hits > total {
        return 0.0;
    }
    if share >= 1.0 {
        return 1.0;
    }
    let all = ln_factorial(total);
    let term = |i: u64| {
        let ways = all - ln_factorial(i) - ln_factorial(total - i);
        (ways + i as f64 * share.ln() + (total - i) as f64 * (-share).ln_1p()).exp()
    };
    (hits..=total).map(term).sum::<f64>().min(1.0)
}

/// Lower bound of a share of which `hits` of `total` were seen: below it, so many would be seen with less than `level`.
fn lower_share(hits: u64, total: u64, level: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if at_least(hits, total, middle) < level { low = middle } else { high = middle }
    }
    if hits == 0 { 0.0 } else { low }
}

/// Lower bound of how many times more often this CPU disagrees than the others, per time; `exposure` is its share of the
/// time of all. Infinite if it alone was used.
pub(crate) fn lower_ratio(hits: u64, total: u64, exposure: f64, cpus: u64) -> f64 {
    let share = lower_share(hits, total, LEVEL / cpus.max(1) as f64);
    (share / (1.0 - share)) / (exposure / (1.0 - exposure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_agree_with_tables() {
        // Ten throws of a coin.
        assert!((at_least(8, 10, 0.5) - 56.0 / 1024.0).abs() < 1e-12);
        assert!((at_least(1, 3, 0.25) - 37.0 / 64.0).abs() < 1e-12);
        assert_eq!((at_least(0, 5, 0.1), at_least(6, 5, 0.1), at_least(2, 5, 0.0)), (1.0, 0.0, 0.0));
    }

    #[test]
    fn bounds_agree_with_tables() {
        // Clopper and Pearson: 5 of 10, one side of 0.025, and all of 10.
        assert!((lower_share(5, 10, 0.025) - 0.1871).abs() < 1e-4);
        assert!((lower_share(10, 10, 0.025) - 0.6915).abs() < 1e-4);
        assert_eq!(lower_share(0, 10, 0.025).to_bits(), 0.0f64.to_bits());
    }

    #[test]
    fn a_bad_cpu_stands_out_and_chance_does_not() {
        // One of eight CPUs with a quarter of the faults, of few and of many.
        assert!(lower_ratio(2, 8, 0.125, 8) < 1.0);
        assert!(lower_ratio(100, 400, 0.125, 8) > 1.5);
        assert!(lower_ratio(7, 8, 0.125, 8) > 1.0);
        assert!(lower_ratio(0, 8, 0.125, 8) < 1e-12);
    }
}
