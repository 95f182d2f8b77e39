//! The store: one row for each run, one for each replica of it with its CPU, time and faults.

use anyhow::{Context, Result};
use rusqlite::{Connection, TransactionBehavior, params};
use serde_json::Value;
use std::path::Path;

/// Raised when the tables change.
const VERSION: i64 = 1;

const TABLES: &str = "
create table run (
    id integer primary key,
    host text not null,
    unix_s real not null,
    command text not null,
    replicas integer not null,
    wall_s real not null,
    injected integer not null
);
create table replica (
    run integer not null references run,
    replica integer not null,
    cpu integer not null,
    cpu_s real not null,
    blamed integer not null,
    involved integer not null,
    primary key (run, replica)
);";

/// One run as its record tells it.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Run {
    unix_s: f64,
    command: String,
    wall_s: f64,
    injected: bool,
    replicas: Vec<Replica>,
}

/// One replica of a run.
#[derive(Clone, PartialEq, Debug, Default)]
struct Replica {
    cpu: u64,
    cpu_s: f64,
    /// Faults for which it was blamed.
    blamed: u64,
    /// Faults for which nobody was.
    involved: u64,
}

/// What is known of one CPU.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Cpu {
    /// Machine.
    pub(crate) host: String,
    /// Number.
    pub(crate) number: u64,
    /// Runs in which it had a replica.
    pub(crate) runs: u64,
    /// Its CPU time with replicas.
    pub(crate) used_s: f64,
    /// Faults for which a replica on it was blamed.
    pub(crate) blamed: u64,
    /// Faults of replicas on it for which nobody was blamed.
    pub(crate) involved: u64,
}

impl Run {
    /// Takes it from a record; `None` where no replica has been started.
    pub(crate) fn of_record(text: &str) -> Option<Self> {
        let mut run = Self::default();
        for event in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let number = |name: &str| event[name].as_f64().unwrap_or(0.0);
            match event["event"].as_str() {
                Some("start") => {
                    run.unix_s = number("unix_s");
                    let words = event["command"].as_array().into_iter().flatten().filter_map(Value::as_str);
                    run.command = words.collect::<Vec<_>>().join(" ");
                    run.injected = !event["inject"].is_null();
                }
                Some("replica") => {
                    run.replicas.push(Replica { cpu: event["cpu"].as_u64()?, ..Replica::default() });
                }
                Some("fault") => run.fault(&event["blamed"]),
                Some("healed") => run.fault(&Value::Array(vec![event["replica"].clone()])),
                Some("summary") => {
                    run.wall_s = number("wall_s");
                    let used = event["replicas"].as_array().into_iter().flatten();
                    for (replica, used) in run.replicas.iter_mut().zip(used) {
                        let seconds = |name: &str| used[name].as_f64().unwrap_or(0.0);
                        replica.cpu_s = seconds("user_s") + seconds("system_s");
                    }
                }
                _ => {}
            }
        }
        (!run.replicas.is_empty()).then_some(run)
    }

    fn fault(&mut self, blamed: &Value) {
        let blamed: Vec<u64> = blamed.as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
        if blamed.is_empty() {
            self.replicas.iter_mut().for_each(|replica| replica.involved += 1);
        }
        for replica in blamed {
            if let Some(replica) = self.replicas.get_mut(replica as usize) {
                replica.blamed += 1;
            }
        }
    }
}

/// An open store.
pub(crate) struct Store(Connection);

impl Store {
    /// Opens a file, or makes it.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let open = || -> Result<Self> {
            let mut connection = Connection::open(path)?;
            rcb_inject::with_tables(&mut connection, TABLES, VERSION, APPLICATION)?;
            Ok(Self(connection))
        };
        open().with_context(|| format!("opening the history {}", path.display()))
    }

    /// Adds a run.
    pub(crate) fn add(&mut self, host: &str, run: &Run) -> Result<()> {
        let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute(
            "insert into run (host, unix_s, command, replicas, wall_s, injected) values (?1, ?2, ?3, ?4, ?5, ?6)",
            params![host, run.unix_s, run.command, run.replicas.len() as u64, run.wall_s, run.injected],
        )?;
        let id = transaction.last_insert_rowid();
        for (number, replica) in run.replicas.iter().enumerate() {
            transaction.execute(
                "insert into replica values (?1, ?2, ?3, ?4, ?5, ?6)",
                params![id, number as u64, replica.cpu, replica.cpu_s, replica.blamed, replica.involved],
            )?;
        }
        Ok(transaction.commit()?)
    }

    /// Every CPU that has had a replica; runs with injected faults only if they are wanted.
    pub(crate) fn cpus(&self, with_injected: bool) -> Result<Vec<Cpu>> {
        let mut query = self.0.prepare(
            "select host, cpu, count(distinct run.id), total(cpu_s), sum(blamed), sum(involved)
             from replica join run on replica.run = run.id where ?1 or not injected
             group by host, cpu order by host, cpu",
        )?;
        let rows = query.query_map([with_injected], |row| {
            Ok(Cpu {
                host: row.get(0)?,
                number: row.get(1)?,
                runs: row.get(2)?,
                used_s: row.get(3)?,
                blamed: row.get(4)?,
                involved: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// `rcbh` in ASCII.
const APPLICATION: i64 = 0x7263_6268;

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"event":"start","unix_s":5.0,"command":["ls","-l"],"inject":null}
{"event":"replica","replica":0,"cpu":2}
{"event":"replica","replica":1,"cpu":3}
{"event":"replica","replica":2,"cpu":5}
{"event":"fault","blamed":[1]}
{"event":"summary","wall_s":1.5,"replicas":[{"user_s":1.0,"system_s":0.25},{"user_s":1.0},{"user_s":2.0}]}
"#;

    #[test]
    fn runs_are_kept_and_added_up() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("history");
        let run = Run::of_record(RECORD).expect("a run");
        let unclear = Run::of_record(&RECORD.replace("[1]", "[]")).expect("a run");
        let injected = Run::of_record(&RECORD.replace("null", "\"hang\"")).expect("a run");
        for run in [&run, &unclear, &injected] {
            Store::open(&path).expect("opens").add("here", run).expect("added");
        }
        let store = Store::open(&path).expect("opens");
        let cpus = store.cpus(false).expect("read");
        let seen: Vec<_> = cpus.iter().map(|cpu| (cpu.number, cpu.runs, cpu.blamed, cpu.involved)).collect();
        assert_eq!(seen, [(2, 2, 0, 1), (3, 2, 1, 1), (5, 2, 0, 1)]);
        assert!((cpus[0].used_s - 2.5).abs() < 1e-9);
        assert_eq!(store.cpus(true).expect("read")[1].blamed, 2);
    }

    #[test]
    fn what_is_no_history_is_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("trials");
        rcb_inject::Store::open(&path).expect("a store of trials");
        let error = format!("{:#}", Store::open(&path).err().expect("refused"));
        assert!(error.contains("those of something else"), "{error}");
        assert_eq!(Run::of_record(""), None);
    }
}
