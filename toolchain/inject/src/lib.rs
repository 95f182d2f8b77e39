//! Fault injection into running programs, alone or as replicas: bits change at a time that is uniform over the run.
//!
//! ```text
//!  undisturbed runs  ->  output, files, status, length T
//!  each trial: start -> time uniform in [0, T) -> stop one process -> 0 to 63 single steps -> change bits -> let go
//!              -> run to the end -> class -> store
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | `plan` | what a trial will do: a pure function of seed and number |
//! | `subject`, `launch` | the program with its surroundings; one run of it |
//! | `tracee`, `registers`, `memory`, `strike` | the blow |
//! | `record`, `outcome`, `trial` | what came of it |
//! | `store`, `campaign`, `table` | many of them: kept, resumed, merged, shown |
//!
//! When and which bit follow from seed and number; what the program was doing at that time does not. Where a stop is not
//! where the target is (a replica in its agent when registers of the program are wanted), the process is let go and stopped
//! again a random moment later; a run that ends before is made again with the next attempt's draws.
//!
//! LIMIT: of a program with several threads only the first one is hit.

mod campaign;
mod draw;
mod launch;
mod memory;
mod outcome;
mod plan;
mod process;
mod record;
mod registers;
mod store;
mod strike;
mod subject;
mod table;
mod target;
mod tracee;
mod trial;

pub use campaign::{Campaign, Found, Nobody, Watcher};
pub use outcome::{Class, Counts, Ended, Estimate, wilson};
pub use plan::Faults;
pub use store::{Key, Row, Store, Stored, merge, with_tables};
pub use strike::Hit;
pub use subject::{Files, Subject};
pub use table::{Summary, markdown, text};
pub use target::{Kind, Target};
pub use trial::{Golden, Trial};
