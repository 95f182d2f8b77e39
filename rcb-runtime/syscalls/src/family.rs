//! Second-level tables of the multiplexers: calls whose arguments depend on a request number.
//!
//! A request that is not listed is not performed: the guest gets the errno that the kernel gives for a request it
//! does not know, so that programs take their fall-back. Requests that are refused although the kernel knows them
//! have a row, so that the warning can say why.

pub mod arch_prctl;
pub mod epoll;
pub mod fcntl;
pub mod futex;
pub mod ioctl;
pub mod msgctl;
pub mod prctl;
pub mod semctl;

use crate::spec::{Family, Row};

impl Family {
    /// The row of a request. `selector` is the value of argument `select`; the kernel looks at its low 32 bits only.
    pub fn find(&self, selector: u64) -> Option<&'static Row> {
        let key = selector as u32 & self.mask;
        let rows: &'static [Row] = self.rows;
        let at = rows.binary_search_by_key(&key, |row| row.nr).ok()?;
        Some(&rows[at])
    }
}
