//! Trials on disk: a file of SQLite that several campaigns share, so that an interrupted one goes on where it stopped and
//! parts made on several machines become one table.

use crate::outcome::{Class, Ended};
use crate::trial::Trial;
use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// Raised when the tables change.
const VERSION: i64 = 1;

const TABLES: &str = "
create table campaign (
    id integer primary key,
    key text not null unique,
    golden text not null,
    length_us integer not null
);
create table trial (
    campaign integer not null references campaign,
    number integer not null,
    attempt integer not null,
    class text not null,
    target text not null,
    place text not null,
    at text not null,
    replica integer,
    after_us integer not null,
    ended text not null,
    fault text,
    blamed text not null,
    heal_us integer,
    length_us integer not null,
    difference text not null,
    primary key (campaign, number)
);";

/// What makes two campaigns the same: everything that decides what trial number N is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Key {
    /// Version of rcb.
    pub version: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Replicas; 0 for the program alone.
    pub replicas: usize,
    /// Options for `rcb run`, and what else decides what counts.
    pub options: Vec<String>,
    /// Targets.
    pub targets: Vec<String>,
    /// Kind of fault.
    pub kind: String,
    /// Bits of one fault.
    pub bits: u32,
    /// Seed.
    pub seed: u64,
}

/// A trial as it is stored.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Row {
    /// Number in the campaign.
    pub number: u64,
    /// How often nothing could be hit before.
    pub attempt: u32,
    /// Its class.
    pub class: Class,
    /// Part that was hit.
    pub target: String,
    /// The bits.
    pub place: String,
    /// Where the program stood.
    pub at: String,
    /// The replica.
    pub replica: Option<u64>,
    /// Time of the fault, in microseconds from the start.
    pub after_us: u64,
    /// `exit N`, `signal N` or `late`.
    pub ended: String,
    /// Kind of the fault as rcb names it.
    pub fault: Option<String>,
    /// Replicas that were blamed.
    pub blamed: Vec<u64>,
    /// Time to heal.
    pub heal_us: Option<u64>,
    /// Length of the run.
    pub length_us: u64,
    /// In what it differs from the undisturbed run.
    pub difference: String,
}

/// Makes the tables of a new file, or looks whether they are what is wanted: of this version and this `application` (a
/// number of SQLite's for what a file is; 0 for a store of trials). Several processes may do so at a time.
///
/// # Errors
/// When the file is something else, or cannot be written.
pub fn with_tables(connection: &mut Connection, tables: &str, version: i64, application: i64) -> Result<()> {
    connection.busy_timeout(Duration::from_secs(30))?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let number = |name: &str| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let there: i64 = transaction.query_row("select count(*) from sqlite_master", [], |row| row.get(0))?;
    let (found, of) = (number("user_version")?, number("application_id")?);
    if there == 0 && found == 0 {
        transaction.execute_batch(tables)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.pragma_update(None, "application_id", application)?;
    } else {
        ensure!(of == application, "its tables are those of something else");
        ensure!(found == version, "version {found} of the tables is not {version}");
    }
    Ok(transaction.commit()?)
}

/// A campaign with all its trials.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Stored {
    /// What it is.
    pub key: Key,
    /// Digest of what the undisturbed run does.
    pub golden: String,
    /// Length of the undisturbed run.
    pub length_us: u64,
    /// In the order of their numbers.
    pub trials: Vec<Row>,
}

/// An open store.
pub struct Store(Connection);

impl Store {
    /// Opens a file, or makes it.
    ///
    /// # Errors
    /// When it cannot be opened, or is something else.
    pub fn open(path: &Path) -> Result<Self> {
        let connection = Connection::open(path).with_context(|| format!("opening the store {}", path.display()))?;
        Self::prepare(connection).with_context(|| format!("{} as a store of trials", path.display()))
    }

    /// One that is gone with the process.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn in_memory() -> Result<Self> {
        Self::prepare(Connection::open_in_memory()?)
    }

    fn prepare(mut connection: Connection) -> Result<Self> {
        with_tables(&mut connection, TABLES, VERSION, 0)?;
        Ok(Self(connection))
    }

    /// The campaign with this key, made if it is new.
    ///
    /// # Errors
    /// When the undisturbed run did something else when the campaign began.
    pub fn campaign(&self, key: &Key, golden: &str, length: Duration) -> Result<i64> {
        let text = serde_json::to_string(key)?;
        let known = self.0.query_row("select id, golden from campaign where key = ?1", [&text], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        });
        if let Some((id, before)) = known.optional()? {
            ensure!(
                before == golden,
                "the undisturbed run does something else than when the trials in the store were made: use another store"
            );
            return Ok(id);
        }
        self.0.execute(
            "insert into campaign (key, golden, length_us) values (?1, ?2, ?3) on conflict do nothing",
            params![text, golden, length.as_micros() as u64],
        )?;
        Ok(self.0.query_row("select id from campaign where key = ?1", [&text], |row| row.get(0))?)
    }

    /// Numbers of the trials that have been made.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn made(&self, campaign: i64) -> Result<BTreeSet<u64>> {
        let mut query = self.0.prepare("select number from trial where campaign = ?1")?;
        let numbers = query.query_map([campaign], |row| row.get(0))?;
        Ok(numbers.collect::<Result<_, _>>()?)
    }

    /// Adds a trial; one that is there stays.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&self, campaign: i64, trial: &Trial) -> Result<()> {
        let ended = match trial.ended {
            Ended::Exit(status) => format!("exit {status}"),
            Ended::Signal(signal) => format!("signal {signal}"),
            Ended::Late => "late".to_owned(),
        };
        self.0.execute(
            "insert into trial values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             on conflict do nothing",
            params![
                campaign,
                trial.number,
                trial.attempt,
                trial.class.word(),
                trial.hit.target.word(),
                trial.hit.place,
                trial.hit.at,
                trial.hit.replica.map(|replica| replica as u64),
                trial.hit.after.as_micros() as u64,
                ended,
                trial.fault,
                serde_json::to_string(&trial.blamed)?,
                trial.heal_us,
                trial.length.as_micros() as u64,
                trial.difference,
            ],
        )?;
        Ok(())
    }

    /// All campaigns.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn campaigns(&self) -> Result<Vec<Stored>> {
        let mut query = self.0.prepare("select id, key, golden, length_us from campaign order by id")?;
        let heads = query
            .query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get(3)?)))?;
        let mut campaigns = Vec::new();
        for head in heads {
            let (id, key, golden, length_us) = head?;
            let key = serde_json::from_str(&key).context("reading the key of a campaign")?;
            campaigns.push(Stored { key, golden, length_us, trials: self.trials(id)? });
        }
        Ok(campaigns)
    }

    /// Trials of one campaign.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn trials(&self, campaign: i64) -> Result<Vec<Row>> {
        let mut query = self.0.prepare(
            "select number, attempt, class, target, place, at, replica, after_us, ended, fault, blamed, heal_us,
             length_us, difference from trial where campaign = ?1 order by number",
        )?;
        let rows = query.query_map([campaign], |row| {
            let (class, blamed): (String, String) = (row.get(2)?, row.get(10)?);
            let wrong = |column, what: &str| {
                let text = format!("unknown {what}");
                rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, text.into())
            };
            Ok(Row {
                number: row.get(0)?,
                attempt: row.get(1)?,
                class: Class::of_word(&class).ok_or_else(|| wrong(2, "class"))?,
                target: row.get(3)?,
                place: row.get(4)?,
                at: row.get(5)?,
                replica: row.get(6)?,
                after_us: row.get(7)?,
                ended: row.get(8)?,
                fault: row.get(9)?,
                blamed: serde_json::from_str(&blamed).map_err(|_| wrong(10, "list of replicas"))?,
                heal_us: row.get(11)?,
                length_us: row.get(12)?,
                difference: row.get(13)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Campaigns of several stores, those with the same key together. Of two trials with the same number the first counts.
///
/// # Errors
/// When the undisturbed runs of the same campaign did different things.
pub fn merge(stores: impl IntoIterator<Item = Vec<Stored>>) -> Result<Vec<Stored>> {
    let mut merged: Vec<Stored> = Vec::new();
    for stored in stores.into_iter().flatten() {
        let Some(known) = merged.iter_mut().find(|known| known.key == stored.key) else {
            merged.push(stored);
            continue;
        };
        ensure!(
            known.golden == stored.golden,
            "the undisturbed run of {} differs between stores",
            known.key.command.join(" ")
        );
        let made: BTreeSet<u64> = known.trials.iter().map(|row| row.number).collect();
        known.trials.extend(stored.trials.into_iter().filter(|row| !made.contains(&row.number)));
        known.trials.sort_by_key(|row| row.number);
    }
    Ok(merged)
}

#[cfg(test)]
mod tests;
