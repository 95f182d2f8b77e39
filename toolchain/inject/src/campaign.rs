//! Many trials: workers that draw numbers, one thread that stores what they find.

use crate::launch::Place;
use crate::outcome::Counts;
use crate::plan::Faults;
use crate::process::check_permission;
use crate::store::{Key, Row, Store};
use crate::subject::Subject;
use crate::trial::{Golden, Trial, golden, trial};
use anyhow::{Context, Result, bail, ensure};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Undisturbed runs of each worker before a campaign.
const UNDISTURBED: usize = 5;
/// Between two calls of [`Watcher::look`] when nothing happens.
const LOOK: Duration = Duration::from_millis(100);

/// A campaign.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// What is harmed.
    pub subject: Subject,
    /// How.
    pub faults: Faults,
    /// Numbers of trials: from 0 to below this.
    pub trials: u64,
    /// Trials at a time.
    pub jobs: usize,
    /// Which part of the numbers is made here: this one of so many, counted from 1.
    pub shard: (u64, u64),
}

/// Somebody who watches a campaign.
pub trait Watcher {
    /// The undisturbed run is known, and so many trials were made before.
    fn begin(&mut self, golden: &Golden, before: &Counts, left: usize);
    /// A trial has ended.
    fn tell(&mut self, trial: &Trial);
    /// Called often. Whether the campaign shall stop.
    fn look(&mut self) -> bool;
}

/// Nobody.
pub struct Nobody;

impl Watcher for Nobody {
    fn begin(&mut self, _: &Golden, _: &Counts, _: usize) {}
    fn tell(&mut self, _: &Trial) {}
    fn look(&mut self) -> bool {
        false
    }
}

/// What a campaign has found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The undisturbed run.
    pub golden: Golden,
    /// All trials of this campaign that the store has.
    pub rows: Vec<Row>,
    /// Some are still to be made.
    pub is_stopped: bool,
}

impl Found {
    /// How many of each class.
    pub fn counts(&self) -> Counts {
        self.rows.iter().map(|row| row.class).collect()
    }
}

impl Campaign {
    /// One that makes all of its trials one after the other.
    pub fn new(subject: Subject, faults: Faults, trials: u64) -> Self {
        Self { subject, faults, trials, jobs: 1, shard: (1, 1) }
    }

    /// What it is, for a store.
    pub fn key(&self) -> Key {
        let words =
            |words: &[std::ffi::OsString]| words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let mut options: Vec<String> = words(&self.subject.options);
        options.extend(self.subject.own_code.then(|| "own code only".to_owned()));
        options.extend(self.subject.template.as_ref().map(|folder| format!("in a copy of {}", folder.display())));
        options.extend(self.subject.input.as_ref().map(|path| format!("input {}", path.display())));
        Key {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: words(&self.subject.command),
            replicas: self.subject.replicas,
            options,
            targets: self.faults.targets.iter().map(ToString::to_string).collect(),
            kind: self.faults.kind.to_string(),
            bits: self.faults.bits,
            seed: self.faults.seed,
        }
    }

    /// Refuses what makes no sense.
    fn check(&self) -> Result<()> {
        ensure!(!self.subject.command.is_empty(), "no program is named");
        ensure!(!self.faults.targets.is_empty() && self.faults.bits > 0 && self.jobs > 0, "nothing is to be hit");
        if self.subject.replicas == 0
            && let Some(target) = self.faults.targets.iter().find(|target| !target.is_of_program())
        {
            bail!("a program without replicas has no {target}");
        }
        check_permission()
    }

    /// Where the workers run: replicas of several workers are spread over the CPUs.
    fn places(&self) -> Result<(Option<tempfile::TempDir>, Vec<Place>)> {
        let folder = self.subject.template.is_some().then(tempfile::tempdir).transpose().context("making a folder")?;
        let cpus = allowed_cpus()?;
        let mut places = Vec::new();
        for worker in 0..self.jobs {
            let scratch = folder.as_ref().map(|folder| folder.path().join(worker.to_string())).unwrap_or_default();
            if folder.is_some() {
                std::fs::create_dir(&scratch).with_context(|| format!("making {}", scratch.display()))?;
            }
            let first = worker * self.subject.replicas;
            let spread = (first..first + self.subject.replicas).map(|index| cpus[index % cpus.len()]);
            places.push(Place { cpus: if self.jobs > 1 { spread.collect() } else { Vec::new() }, scratch });
        }
        Ok((folder, places))
    }

    /// Makes the trials that the store does not have. `None` when it was stopped before the undisturbed run was known.
    ///
    /// # Errors
    /// When the program cannot be run or traced, does not do the same every time, or the store cannot be written.
    pub fn run(&self, store: &Store, watcher: &mut impl Watcher) -> Result<Option<Found>> {
        self.check()?;
        let stop = AtomicBool::new(false);
        let (_folder, places) = self.places()?;
        let Some(golden) = watched(&stop, watcher, || golden(&self.subject, &places, UNDISTURBED, &stop))? else {
            return Ok(None);
        };
        let id = store.campaign(&self.key(), &golden.digest(), golden.length)?;
        let made = store.made(id)?;
        let (part, parts) = self.shard;
        let numbers = (0..self.trials).filter(|number| number % parts == part - 1 && !made.contains(number));
        let numbers: Vec<u64> = numbers.collect();
        let before = store.trials(id)?.iter().map(|row| row.class).collect();
        watcher.begin(&golden, &before, numbers.len());
        self.work(&numbers, &golden, &places, &stop, watcher, |trial| store.add(id, trial))?;
        Ok(Some(Found { golden, rows: store.trials(id)?, is_stopped: stop.load(Ordering::Relaxed) }))
    }

    /// Makes one trial again and tells everything about it. `None` when it was stopped.
    ///
    /// # Errors
    /// As [`Campaign::run`].
    pub fn repeat(&self, number: u64, watcher: &mut impl Watcher) -> Result<Option<(Golden, Trial)>> {
        self.check()?;
        let stop = AtomicBool::new(false);
        let (_folder, places) = self.places()?;
        let place = &places[..1];
        watched(&stop, watcher, || {
            let Some(golden) = golden(&self.subject, place, UNDISTURBED, &stop)? else { return Ok(None) };
            let trial = trial(&self.subject, &golden, &self.faults, number, &place[0], &stop)?;
            Ok(trial.map(|trial| (golden, trial)))
        })
    }

    /// Makes these trials with all workers.
    fn work(
        &self,
        numbers: &[u64],
        golden: &Golden,
        places: &[Place],
        stop: &AtomicBool,
        watcher: &mut impl Watcher,
        mut keep: impl FnMut(&Trial) -> Result<()>,
    ) -> Result<()> {
        let next = AtomicUsize::new(0);
        let (sender, receiver) = channel();
        std::thread::scope(|scope| {
            for place in places {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let Some(&number) = numbers.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                        let result = trial(&self.subject, golden, &self.faults, number, place, stop);
                        if sender.send(result).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            let mut problem = Ok(());
            loop {
                let result = receiver.recv_timeout(LOOK);
                let kept = match result {
                    Ok(Ok(Some(trial))) => keep(&trial).inspect(|()| watcher.tell(&trial)),
                    Ok(Ok(None)) | Err(RecvTimeoutError::Timeout) => Ok(()),
                    Ok(Err(error)) => Err(error),
                    Err(RecvTimeoutError::Disconnected) => return problem,
                };
                if kept.is_err() && problem.is_ok() {
                    problem = kept;
                }
                if problem.is_err() || watcher.look() {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        })
    }
}

/// Does something while somebody watches.
fn watched<T: Send>(
    stop: &AtomicBool,
    watcher: &mut impl Watcher,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(work);
        while !thread.is_finished() {
            if watcher.look() {
                stop.store(true, Ordering::Relaxed);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        thread.join().unwrap_or_else(|_| bail!("a thread died"))
    })
}

/// CPUs that may be used here.
fn allowed_cpus() -> Result<Vec<usize>> {
    let set = nix::sched::sched_getaffinity(nix::unistd::Pid::from_raw(0)).context("asking for the CPUs")?;
    Ok((0..nix::sched::CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).collect())
}
