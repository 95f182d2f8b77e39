//! The machine everything ran on, which CPUs may be used, and whether it is quiet.

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// CPUs this process was allowed to use when it first asked, before anything was pinned.
pub fn allowed_cpus() -> Vec<usize> {
    static ALLOWED: OnceLock<Vec<usize>> = OnceLock::new();
    let ask = || {
        let set = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
        (0..CpuSet::count()).filter(|&cpu| set.is_set(cpu).unwrap_or(false)).collect()
    };
    ALLOWED.get_or_init(ask).clone()
}

/// Binds the calling thread, and what it starts from now on, to one CPU. A failure shows in the labels of what is
/// measured, not here.
pub fn pin(cpu: usize) {
    bind(&[cpu]);
}

/// Lets the calling thread, and what it starts from now on, run on these CPUs.
pub fn bind(cpus: &[usize]) {
    let mut set = CpuSet::new();
    for &cpu in cpus {
        _ = set.set(cpu);
    }
    _ = sched_setaffinity(Pid::from_raw(0), &set);
}

/// What a report says about the machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor as it calls itself.
    pub processor: String,
    /// Kernel release and version.
    pub kernel: String,
    /// Distribution.
    pub system: String,
    /// CPUs used, in the order in which replicas are placed.
    pub cpus: Vec<usize>,
    /// One-minute load average at the start.
    pub load: String,
    /// Cycles of the time-stamp counter in a nanosecond.
    pub cycles_per_ns: f64,
}

impl Machine {
    /// Looks around. `cpus` are those that will be used.
    pub fn look(cpus: Vec<usize>) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let processor = field(&read("/proc/cpuinfo"), "model name", ':').unwrap_or("unknown processor").to_owned();
        let system = field(&read("/etc/os-release"), "PRETTY_NAME", '=').unwrap_or("unknown system").to_owned();
        let kernel = ["ostype", "osrelease"].map(|name| read(&format!("/proc/sys/kernel/{name}")).trim().to_owned());
        Self {
            processor,
            kernel: kernel.join(" "),
            system: system.trim_matches('"').to_owned(),
            cpus,
            load: read("/proc/loadavg").split(' ').next().unwrap_or("?").to_owned(),
            cycles_per_ns: crate::clock::cycles_per_ns(),
        }
    }

    /// One paragraph.
    pub fn text(&self) -> String {
        format!(
            "{}, {} CPUs used ({}), time-stamp counter {:.2} GHz; {}; {}; load average at the start {}.",
            self.processor,
            self.cpus.len(),
            self.cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            self.cycles_per_ns,
            self.system,
            self.kernel,
            self.load,
        )
    }

    /// For the JSON file.
    pub fn json(&self) -> Value {
        json!({
            "processor": self.processor, "kernel": self.kernel, "system": self.system, "cpus": self.cpus,
            "load": self.load, "cycles_per_ns": self.cycles_per_ns,
        })
    }
}

fn field<'a>(text: &'a str, name: &str, separator: char) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(separator).map(|(_, value)| value.trim())
}

/// CPU seconds used on the whole machine so far, time stolen by the host included.
pub fn busy_s() -> f64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    busy_from(text.lines().next().unwrap_or_default())
}

/// From the first line of `/proc/stat`: user, nice, system, irq, softirq and steal, in hundredths of a second.
fn busy_from(line: &str) -> f64 {
    let ticks: Vec<f64> = line.split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect();
    [0, 1, 2, 5, 6, 7].iter().filter_map(|&index| ticks.get(index)).sum::<f64>() / 100.0
}

/// Waits until other programs use less than `limit` CPUs over a quarter of a second, at most `patience`. Returns
/// whether it became quiet.
pub fn wait_until_quiet(limit: f64, patience: Duration) -> bool {
    let end = Instant::now() + patience;
    loop {
        let (before, begin) = (busy_s(), Instant::now());
        std::thread::sleep(Duration::from_millis(250));
        if (busy_s() - before) / begin.elapsed().as_secs_f64() < limit {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_waiting_time_are_not_busy() {
        assert!((busy_from("cpu  100 10 50 9999 77 1 2 3 0 0") - 1.66).abs() < 1e-9);
    }

    #[test]
    fn fields_are_found() {
        assert_eq!(field("a: 1\nmodel name\t: Foo CPU\n", "model name", ':'), Some("Foo CPU"));
        assert_eq!(field("", "x", '='), None);
    }

    #[test]
    fn there_is_a_cpu_to_run_on() {
        assert!(!allowed_cpus().is_empty());
    }
}
