//! How much slower hardened code is: the factor C of the cost model, as the user names it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Published slowdowns of code protected by SWIFT and by ANBD encoding: Schiffel, Schmitt, Süßkraut and Fetzer,
/// "Software-Implemented Hardware Error Detection: Costs and Gains", DEPEND 2010; `none` is code as the compiler makes it.
pub const PRESETS: [(&str, f64); 3] = [("none", 1.0), ("swift", 1.09), ("anbd", 3.89)];

/// A choice of C.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Factor {
    /// A name from [`PRESETS`] and its value.
    Preset(String, f64),
    /// A number of the user's.
    Number(f64),
    /// What `rcb measure` found on this machine; the value comes from its store.
    Measured,
}

/// Why a text is no factor.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FactorError {
    /// A number below 1, or none at all.
    #[error("C = {0}: hardened code is never faster than the same code without, so C is a finite number from 1 on")]
    BelowOne(String),
    /// Neither a number nor a name.
    #[error("C = '{0}': neither a number (from 1 on) nor one of none, swift, anbd, measured")]
    Unknown(String),
}

impl FromStr for Factor {
    type Err = FactorError;

    fn from_str(text: &str) -> Result<Self, FactorError> {
        let text = text.trim();
        if text == "measured" {
            return Ok(Self::Measured);
        }
        if let Some((name, value)) = PRESETS.iter().find(|(name, _)| *name == text) {
            return Ok(Self::Preset((*name).to_owned(), *value));
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() && value >= 1.0 => Ok(Self::Number(value)),
            Ok(_) => Err(FactorError::BelowOne(text.to_owned())),
            Err(_) => Err(FactorError::Unknown(text.to_owned())),
        }
    }
}

impl Factor {
    /// Its value, if the text says it.
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Preset(_, value) | Self::Number(value) => Some(*value),
            Self::Measured => None,
        }
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preset(name, _) => f.write_str(name),
            Self::Number(value) => write!(f, "{value}"),
            Self::Measured => f.write_str("measured"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        for (text, value) in [("none", 1.0), ("swift", 1.09), ("anbd", 3.89), ("1", 1.0), (" 1.5 ", 1.5)] {
            assert_eq!(text.parse::<Factor>().unwrap().value(), Some(value), "{text}");
        }
        assert_eq!("measured".parse(), Ok(Factor::Measured));
        assert_eq!("1.50".parse::<Factor>().unwrap().to_string(), "1.5");
    }

    #[test]
    fn what_is_no_factor_is_told() {
        for text in ["0.99", "0", "-2", "nan", "inf", "-inf"] {
            assert_eq!(text.parse::<Factor>(), Err(FactorError::BelowOne(text.into())), "{text}");
        }
        for text in ["", "fast", "1,5", "1.0x"] {
            assert_eq!(text.parse::<Factor>(), Err(FactorError::Unknown(text.trim().into())), "{text}");
        }
    }
}
