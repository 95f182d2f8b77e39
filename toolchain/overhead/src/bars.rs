//! Bars for the terminal: where the time of a run goes.

use crate::model::Parts;
use std::fmt::Write;

/// Characters of a full bar.
const WIDTH: usize = 60;
/// One letter per part, in the order of [`Parts::named`].
const LETTERS: [char; 8] = ['#', '.', 'k', 'A', 'K', 'w', 'h', 'o'];

/// One line: the parts of a run on a scale on which `full_s` seconds fill the width. Negative parts are left out.
pub fn line(parts: &Parts, unexplained_s: f64, full_s: f64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "a width in characters")]
    let scale = if full_s > 0.0 { WIDTH as f64 / full_s } else { 0.0 };
    let values = parts.named().map(|(_, value)| value);
    let pieces = values.iter().zip(LETTERS).chain([(&unexplained_s, '?')]);
    let (mut text, mut end_s) = (String::new(), 0.0);
    for (value, letter) in pieces {
        // Rounding the ends, not the lengths, keeps the whole bar right.
        end_s += value.max(0.0);
        let end = ((end_s * scale).round() as usize).min(WIDTH);
        while text.chars().count() < end {
            text.push(letter);
        }
    }
    text
}

/// What the letters mean.
pub fn legend() -> String {
    let names = Parts::default().named().map(|(name, _)| name);
    let mut text = String::new();
    for (letter, name) in LETTERS.iter().zip(names) {
        _ = write!(text, "{letter} {name}   ");
    }
    text + "? unexplained"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_follow_the_parts() {
        let parts = Parts { app_s: 1.0, kernel_s: 0.5, master_s: 0.25, hardware_s: -0.1, ..Parts::default() };
        let text = line(&parts, 0.25, 2.0);
        let count = |letter| text.chars().filter(|c| *c == letter).count();
        assert_eq!([count('#'), count('k'), count('A'), count('h'), count('?')], [30, 15, 8, 0, 7]);
        assert_eq!(line(&parts, 0.0, 0.0), "");
        assert!(line(&parts, 9.0, 1.0).len() <= WIDTH);
        assert!(legend().starts_with("# program   . idle"));
    }
}
