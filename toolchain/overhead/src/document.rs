//! What is kept of a session, as JSON: written by `rcb estimate` and `rcb measure`, read by `rcb report`.
//!
//! `schema` is raised when the meaning of a field changes or a field goes; new fields may come without that. All times
//! are seconds of wall time, unless the name of the field ends in another unit.

use crate::machine::Machine;
use crate::model::{Parts, Prediction, Scope};
use crate::samples::Samples;
use crate::split::Constants;
use crate::work::Mix;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// Version of the schema.
pub const SCHEMA: u32 = 1;
/// `kind` of a document of estimates.
pub const ESTIMATE: &str = "estimate";
/// `kind` of a document of predicted and measured runs.
pub const MEASURE: &str = "measure";

/// One session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: u32,
    /// [`ESTIMATE`] or [`MEASURE`].
    pub kind: String,
    /// Version of rcb.
    pub version: String,
    /// Start, seconds since 1970.
    pub unix_s: f64,
    /// What it ran on.
    pub machine: Machine,
    /// Round trip of a cache line between the first two CPUs in nanoseconds, once per round.
    pub round_trip_ns: Samples,
    /// How it was run.
    pub settings: Settings,
    /// What the machine costs whatever the program.
    pub calibration: Vec<Calibration>,
    /// The programs.
    pub programs: Vec<Program>,
}

/// How it was run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Rounds wanted.
    pub runs: usize,
    /// Rounds before, not counted.
    pub warmup: usize,
    /// `output` or `strict`.
    pub lockstep: String,
    /// Policy or list, as given.
    pub placement: String,
    /// Whether huge pages were asked for.
    pub huge_pages: bool,
}

/// Constants for a number of replicas and a build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Replicas.
    pub replicas: usize,
    /// Build of supervisor and agent; `default` for the one that measures.
    pub build: String,
    /// The constants.
    pub constants: Constants,
}

/// One program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// Short name.
    pub name: String,
    /// As it was started.
    pub command: String,
    /// Rounds that stood apart and were left out.
    pub outliers: usize,
    /// Largest share of the CPUs that other programs took in a round that counts.
    pub foreign: f64,
    /// Wall time of one native copy.
    pub native_s: Samples,
    /// Wall time under a tracer, if that was measured.
    #[serde(default)]
    pub traced_s: Samples,
    /// Share of the native CPU time spent in the kernel.
    pub kernel_share: f64,
    /// Per number of replicas and build.
    pub variants: Vec<Variant>,
    /// What the user should know about the figures.
    pub notes: Vec<String>,
}

/// One program as so many replicas of one build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// Replicas.
    pub replicas: usize,
    /// Build of supervisor and agent.
    pub build: String,
    /// C of the build for this program, if the build is hardened and was measured.
    pub factor: Option<f64>,
    /// Wall time of so many native copies at once; empty if that was not measured.
    pub copies_s: Samples,
    /// Wall time of the replicated run, without reading the clock.
    pub wall_s: Samples,
    /// Mean of `wall_s`.
    pub mean_s: f64,
    /// Half width of its 95 % interval; absent with one round.
    pub error_s: Option<f64>,
    /// The split, mean over the rounds.
    pub parts: Parts,
    /// What the parts miss of the wall time; negative if they say too much.
    pub unexplained_s: f64,
    /// System calls of a replica.
    pub calls: u64,
    /// Bytes that a replica hashed to be compared.
    #[serde(default)]
    pub bytes_compared: u64,
    /// Times that replicas were moved in all rounds.
    pub moves: usize,
    /// Predicted wall times.
    pub predictions: Vec<Predicted>,
}

impl Variant {
    /// What the leader's agent had to do.
    pub fn mix(&self) -> Mix {
        Mix { calls: self.calls, bytes: self.bytes_compared }
    }

    /// Wall time over that of one native copy.
    pub fn over_native(&self, program: &Program) -> Option<f64> {
        Some(self.wall_s.median()? / program.native_s.median()?)
    }

    /// Wall time over that of so many native copies at once.
    pub fn over_copies(&self) -> Option<f64> {
        Some(self.wall_s.median()? / self.copies_s.median()?)
    }
}

/// A predicted wall time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predicted {
    /// Name of the factor.
    pub name: String,
    /// C for this program.
    pub factor: f64,
    /// What is hardened.
    pub scope: Scope,
    /// The prediction.
    #[serde(flatten)]
    pub time: Prediction,
    /// What the run with the really hardened build took, if there was one.
    pub measured_s: Option<f64>,
}

impl Predicted {
    /// `predicted / measured - 1`.
    pub fn error(&self) -> Option<f64> {
        self.measured_s.map(|measured| self.time.seconds / measured - 1.0)
    }
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// When it is none or of another schema.
    pub fn parse(text: &str) -> Result<Self> {
        let value: serde_json::Value = serde_json::from_str(text).context("it is no JSON")?;
        let schema = value["schema"].as_u64().context("it has no `schema`")?;
        ensure!(schema == u64::from(SCHEMA), "its schema is {schema}, this rcb reads {SCHEMA}");
        serde_json::from_value(value).context("it is no document of rcb estimate or rcb measure")
    }

    /// The document as text.
    ///
    /// # Panics
    /// Never: everything in it can be written.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data") + "\n"
    }
}
