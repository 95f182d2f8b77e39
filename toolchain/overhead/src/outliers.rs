//! Which of several measurements of the same thing stand apart, and what to do about it.

use crate::samples::Samples;

/// Modified z-score from which on a value is an outlier (Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993).
const LIMIT: f64 = 3.5;
/// A value that differs by less than this share of the median is none, however close together the others are.
const SMALL: f64 = 0.02;

/// For every value whether it is an outlier: `0.6745 * |x - median| / MAD`, with the median absolute deviation MAD.
pub fn flags(values: &[f64]) -> Vec<bool> {
    let samples = |values: &[f64]| values.iter().copied().collect::<Samples>();
    let Some(median) = samples(values).median() else { return Vec::new() };
    let apart: Vec<f64> = values.iter().map(|value| (value - median).abs()).collect();
    let mad = samples(&apart).median().unwrap_or(0.0);
    apart.iter().map(|apart| *apart > SMALL * median.abs() && 0.6745 * apart > LIMIT * mad).collect()
}

/// What to tell about so many outliers among so many runs, if anything.
pub fn advice(outliers: usize, runs: usize, first_is_one: bool) -> Option<String> {
    if outliers == 0 {
        return None;
    }
    let what = format!("{outliers} of {runs} rounds stand apart and were left out");
    Some(if first_is_one && outliers == 1 {
        format!("{what}: the first one, so caches were cold; try --warmup 2")
    } else {
        format!("{what}: something else used the machine; close other programs or take more rounds (--runs)")
    })
}

/// Half the width of the 95 % interval of the mean, from the standard deviation; `None` with fewer than two values.
pub fn half_width(values: &[f64]) -> Option<f64> {
    /// Student's t, two-sided 95 %, for 1 to 10 degrees of freedom; beyond, the normal distribution is near enough.
    const T: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
    let count = u32::try_from(values.len()).ok().filter(|count| *count >= 2)?;
    let mean = values.iter().sum::<f64>() / f64::from(count);
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / f64::from(count - 1);
    let t = T.get(count as usize - 2).copied().unwrap_or(2.0);
    Some(t * (variance / f64::from(count)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_far_away_is_one() {
        assert_eq!(flags(&[1.00, 1.01, 0.99, 1.02, 5.0]), [false, false, false, false, true]);
        assert_eq!(flags(&[1.0, 1.0, 1.0, 1.005]), [false; 4], "half a percent is nothing");
        assert_eq!(flags(&[1.0, 1.0, 1.0, 1.2]), [false, false, false, true]);
        assert_eq!(flags(&[1.0, 3.0]), [false, false], "two values do not say which one is wrong");
        assert_eq!(flags(&[]), [false; 0]);
    }

    #[test]
    fn advice_depends_on_which_one() {
        assert_eq!(advice(0, 5, false), None);
        assert!(advice(1, 5, true).unwrap().contains("--warmup"));
        assert!(advice(1, 5, false).unwrap().contains("--runs"));
    }

    #[test]
    fn interval_of_the_mean() {
        assert_eq!(half_width(&[1.0]), None);
        // Standard deviation 1, five values: 2.776 / sqrt(5).
        let values = [-1.0, -1.0, 0.0, 1.0, 1.0];
        assert!((half_width(&values).unwrap() - 2.776 / 5.0_f64.sqrt()).abs() < 1e-9);
    }
}
