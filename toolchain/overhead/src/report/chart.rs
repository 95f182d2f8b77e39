//! What a figure shows, as plain data.

/// A figure with a heading and a sentence on how to read it.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Short name, for links and for choosing one: letters and dashes.
    pub id: &'static str,
    /// Heading.
    pub title: String,
    /// How to read it.
    pub note: String,
    /// The figure itself.
    pub chart: Chart,
}

/// The kinds of figures.
#[derive(Clone, Debug, PartialEq)]
pub enum Chart {
    /// Bars side by side, one group per row.
    Grouped {
        /// Names of the bars in a group.
        series: Vec<String>,
        /// Groups.
        rows: Vec<(String, Vec<Option<Bar>>)>,
        /// Where bars begin and a line is drawn: 1 for ratios, 0 for shares.
        base: f64,
        /// Digits behind the point.
        digits: usize,
        /// Unit behind the values.
        unit: &'static str,
    },
    /// One bar per row, made of parts.
    Stacked {
        /// Names of the parts.
        series: Vec<String>,
        /// Rows; parts below 0 are drawn as 0.
        rows: Vec<(String, Vec<f64>)>,
        /// Unit of the axis.
        unit: &'static str,
    },
    /// Lines over an axis, with measured points.
    Lines {
        /// Name of the horizontal axis.
        across: String,
        /// Name of the vertical axis.
        up: String,
        /// Lines.
        lines: Vec<(String, Vec<(f64, f64)>)>,
        /// Points: the line they belong to, and the place.
        points: Vec<(usize, (f64, f64))>,
    },
}

/// A bar with its interval, if it has one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Length.
    pub value: f64,
    /// Interval.
    pub interval: Option<(f64, f64)>,
}

impl Bar {
    /// A bar without an interval.
    pub fn plain(value: f64) -> Self {
        Self { value, interval: None }
    }
}

/// A table whose columns can be sorted.
#[derive(Clone, Debug, PartialEq)]
pub struct Sortable {
    /// Short name, for links.
    pub id: String,
    /// Heading.
    pub title: String,
    /// How to read it.
    pub note: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Cells.
    pub rows: Vec<Vec<String>>,
}

/// About `count` round steps over `low..=high`: 1, 2 or 5 times a power of ten.
pub fn ticks(low: f64, high: f64, count: u32) -> Vec<f64> {
    let span = high - low;
    if !span.is_finite() || span <= low.abs() * 1e-9 {
        return vec![low];
    }
    let rough = span / f64::from(count.max(1));
    let power = 10_f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|by| by * power).find(|step| *step >= rough * 0.999).unwrap_or(power);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    #[allow(clippy::cast_precision_loss, reason = "a few steps")]
    let values = (first..=last.min(first + 100)).map(|index| index as f64 * step).collect();
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_steps() {
        assert_eq!(ticks(0.0, 10.0, 5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        let steps = ticks(1.0, 1.13, 4);
        assert!((steps[0] - 1.0).abs() < 1e-9 && steps.len() >= 3, "{steps:?}");
        assert!(!ticks(1.0, 1.0, 4).is_empty());
    }
}
