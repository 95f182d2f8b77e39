//! Measured factors C, kept from one session to the next with the builds that they belong to.
//!
//! A factor is a property of two binaries on one machine: the supervisor with its agent as the compiler makes it, and
//! the hardened one. What a call and a byte cost both of them is kept, too, since C of a program depends on its mix of
//! them. Both are known by a digest of the whole file, which carries the agent inside.

use crate::subject::digest;
use crate::work::Work;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// One measured factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Name of the hardened build, such as `swift`.
    pub name: String,
    /// Build id of the one without hardening.
    pub base: String,
    /// Build id of the hardened one.
    pub build: String,
    /// Processor it was measured on.
    pub processor: String,
    /// C of the build as a whole.
    pub factor: f64,
    /// C of each kind of work: calls, votes, digests.
    pub kinds: Vec<(String, f64)>,
    /// What C of a program depends on; nothing in files of versions that used the single factor for every program.
    #[serde(default)]
    pub work: Work,
    /// When, seconds since 1970.
    pub unix_s: f64,
}

/// The file of measured factors.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
}

/// The build id of a binary: 16 hexadecimal digits.
///
/// # Errors
/// When it cannot be read.
pub fn build_id(binary: &Path) -> Result<String> {
    let bytes = fs::read(binary).with_context(|| format!("cannot read {}", binary.display()))?;
    Ok(format!("{:016x}", digest(&bytes)))
}

impl Store {
    /// In the user's folder for caches.
    ///
    /// # Errors
    /// When there is none: neither `XDG_CACHE_HOME` nor `HOME` is set.
    pub fn of_user() -> Result<Self> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
        let folder =
            folder.context("neither XDG_CACHE_HOME nor HOME is set: there is no place for measured factors")?;
        Ok(Self::at(folder.join("rcb/factors.json")))
    }

    /// In this file.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// All factors; none if there is no file.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else.
    pub fn all(&self) -> Result<Vec<Measured>> {
        match fs::read_to_string(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error).with_context(|| format!("reading {}", self.path.display())),
            Ok(text) => serde_json::from_str(&text).with_context(|| format!("{} is damaged", self.path.display())),
        }
    }

    /// Adds a factor; an older one of the same builds goes.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&self, measured: Measured) -> Result<()> {
        let mut all = self.all()?;
        all.retain(|old| (&old.base, &old.build) != (&measured.base, &measured.build));
        all.push(measured);
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        // Whole or not at all, should two sessions write at the same time.
        let part = self.path.with_extension(format!("{}.part", std::process::id()));
        fs::write(&part, serde_json::to_string_pretty(&all)?).with_context(|| format!("writing {}", part.display()))?;
        fs::rename(&part, &self.path).with_context(|| format!("writing {}", self.path.display()))
    }

    /// The factors measured against this build.
    ///
    /// # Errors
    /// When there are none; the text says what to do.
    pub fn of_base(&self, base: &str) -> Result<Vec<Measured>> {
        let all = self.all()?;
        let (fitting, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.base == base);
        if fitting.is_empty() {
            let others = if others.is_empty() { "" } else { " (those that are kept belong to other builds)" };
            bail!(
                "no factor of a hardened build has been measured against this rcb{others}; build one and run `rcb measure \
                 --with none=THIS_RCB --with NAME=HARDENED_RCB -- PROGRAM`, or give C as a number"
            );
        }
        Ok(fitting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::{Costs, Mix, Rates, Slowdown};

    /// A build whose calls are slower by the factor.
    fn known(factor: f64) -> Work {
        let (base, hardened) =
            (Rates { call_ns: 200.0, byte_ns: 0.05 }, Rates { call_ns: 200.0 * factor, byte_ns: 0.05 });
        Work { alone: None, together: Some(Costs { base, hardened }) }
    }

    #[test]
    fn a_file_of_an_older_version_has_the_single_factor() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("factors.json");
        let old = r#"[{"name":"swift","base":"1","build":"9","processor":"p","factor":1.24,
            "kinds":[["calls",1.3],["votes",1.42],["digests",1.03]],"unix_s":5.0}]"#;
        fs::write(&path, old).unwrap();
        let store = Store::at(path);
        let found = store.of_base("1").unwrap().remove(0);
        assert_eq!(found.work, Work::default());
        let slowdown = Slowdown { name: found.name.clone(), factor: found.factor, work: found.work };
        let mix = Mix { calls: 1_000_000, bytes: 1000 };
        for replicas in 1..4 {
            assert!((slowdown.factor(replicas, mix) - 1.24).abs() < 1e-12);
        }
        // Measured again, it has all.
        store.add(Measured { work: known(1.5), ..found }).unwrap();
        let all = store.all().unwrap();
        assert_eq!((all.len(), all[0].work), (1, known(1.5)));
    }

    #[test]
    fn factors_belong_to_builds() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path().join("a/factors.json"));
        assert!(store.of_base("1").unwrap_err().to_string().contains("rcb measure"));
        let one = |base: &str, factor| Measured {
            name: "swift".into(),
            base: base.into(),
            build: "9".into(),
            processor: String::new(),
            factor,
            kinds: vec![("calls".into(), factor)],
            work: known(factor),
            unix_s: 0.0,
        };
        store.add(one("1", 1.5)).unwrap();
        store.add(one("1", 1.6)).unwrap();
        store.add(one("2", 2.0)).unwrap();
        assert_eq!(store.of_base("1").unwrap(), [one("1", 1.6)]);
        assert!(store.of_base("3").unwrap_err().to_string().contains("other builds"));
        fs::write(folder.path().join("a/factors.json"), "x").unwrap();
        assert!(store.all().is_err());
    }

    #[test]
    fn another_binary_has_another_id() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("1"), folder.path().join("2"));
        fs::write(&one, "a").unwrap();
        fs::write(&other, "b").unwrap();
        assert_ne!(build_id(&one).unwrap(), build_id(&other).unwrap());
        assert_eq!(build_id(&one).unwrap().len(), 16);
        assert!(build_id(&folder.path().join("3")).is_err());
    }
}
