//! `rcb doctor`: tries what replicated runs need of kernel and machine, and says what does not work without it.
//!
//! Every probe really does the thing, in a child process of its own where it would change the state of the caller;
//! nothing stays behind. A probe that is denied by a container's filter looks like one that the kernel lacks, so the
//! advice names both.

mod child;
mod kernel;
mod machine;
mod pingpong;
mod siblings;

use serde::Serialize;

/// How a probe came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Replicated runs work, but something is slower, less certain or less complete.
    Limited,
    /// Replicated runs do not work.
    Missing,
}

/// What one probe found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub name: &'static str,
    /// How it came out.
    pub level: Level,
    /// What was seen.
    pub found: String,
    /// What does not work, or works less well; empty if all is well.
    pub effect: &'static str,
    /// What to do about it; empty if there is nothing to do.
    pub advice: &'static str,
}

impl Finding {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, level: Level::Ok, found: found.into(), effect: "", advice: "" }
    }

    fn limited(name: &'static str, found: impl Into<String>, effect: &'static str, advice: &'static str) -> Self {
        Self { name, level: Level::Limited, found: found.into(), effect, advice }
    }

    fn missing(name: &'static str, found: impl Into<String>, effect: &'static str, advice: &'static str) -> Self {
        Self { name, level: Level::Missing, found: found.into(), effect, advice }
    }
}

/// Runs every probe. Takes about a second, most of it for the latency between CPUs.
pub fn examine() -> Vec<Finding> {
    let mut findings = vec![
        kernel::version(),
        kernel::dispatch(),
        kernel::seccomp(),
        kernel::tsc(),
        kernel::cpuid(),
        kernel::memfd_exec(),
        kernel::personality(),
        kernel::pidfd_open(),
        siblings::descriptors(),
        siblings::yama(),
        siblings::futex(),
    ];
    findings.extend(machine::cpus());
    findings.extend([machine::quota(), machine::nofile(), machine::core_size()]);
    findings
}

/// Whether replicated runs work, as far as the findings tell.
pub fn is_usable(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.level != Level::Missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_probe_answers_and_leaves_nothing_behind() {
        let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let before = descriptors();
        let findings = examine();
        assert!(findings.len() >= 15, "{findings:#?}");
        for finding in &findings {
            assert!(!finding.found.is_empty(), "{finding:?}");
            assert_eq!(finding.level == Level::Ok, finding.effect.is_empty(), "{finding:?}");
        }
        // Other tests of this process open and close descriptors at the same time; a leak would be of one per probe.
        assert!(descriptors() < before + findings.len());
    }

    #[test]
    fn one_missing_thing_is_enough() {
        let good = Finding::ok("a", "b");
        let limited = Finding::limited("a", "b", "c", "d");
        assert!(is_usable(&[good.clone(), limited.clone()]));
        assert!(!is_usable(&[good, limited, Finding::missing("a", "b", "c", "d")]));
    }
}
