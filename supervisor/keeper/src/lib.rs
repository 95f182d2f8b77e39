//! Starts, watches and ends the replicas of a run.
//!
//! If this library is wrong, service stops but output stays right: what leaves is agreed between the replicas. A run
//! is one pass through [`run::run`], which names its phases in order:
//!
//! - [`program`] finds the file, [`placement`] the CPUs ([`balance`] and [`mover`] change them later), [`descriptors`] and [`areas`] make what the replicas share;
//! - [`group`] and [`spawn`] start them;
//! - [`act`] watches the groups in [`tree`], and asks the pure state machine in [`step`] what to do;
//! - [`evidence`] collects what the replicas have left, [`rcb_guard`] judges it, [`verdict`] and [`report`] put that
//!   into words, [`record`] and [`stats`] keep it.
//!
//! [`plan`] works out patch plans, [`topology`] knows the machine, [`doctor`] examines it, and [`strace`] reads what a
//! native run did. What `unsafe` there is stands in the modules that say so at their top: they talk to the kernel or
//! look into memory that others write.

pub mod act;
pub mod agent;
pub mod areas;
pub mod backtrace;
pub mod balance;
pub mod births;
pub mod checkpoint;
pub mod config;
pub mod descriptors;
pub mod doctor;
pub mod error;
pub mod evidence;
pub mod exit;
pub mod group;
pub mod heal;
pub mod inherited;
pub mod memory;
pub mod mover;
pub mod names;
pub mod placement;
pub mod plan;
pub mod processes;
pub mod program;
pub mod record;
pub mod refusals;
pub mod report;
pub mod rollback;
pub mod run;
pub mod scrub;
pub mod spawn;
pub mod stats;
pub mod step;
pub mod strace;
pub mod topology;
pub mod tree;
pub mod verdict;

pub use config::RunConfig;
pub use error::Error;
pub use inherited::Inherited;
pub use run::{Outcome, run};
