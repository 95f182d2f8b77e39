//! `--stats`: the counters of a run as a table, and as fields of the record.

use crate::processes::Usage;
use rcb_abi::stats::Stats;
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;

/// Names of [`Stats::by_class`], in its order.
const CLASSES: [&str; 7] = ["local", "pure input", "consuming input", "output", "descriptor", "process", "signal"];

/// What is known of one replica at the end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Account {
    /// Its counters.
    pub stats: Stats,
    /// Its times.
    pub usage: Usage,
}

impl Account {
    /// Takes in what the same replica did and used in another group.
    pub fn add(&mut self, other: &Self) {
        let (own, more) = (&mut self.stats, &other.stats);
        own.by_class.iter_mut().zip(more.by_class).for_each(|(sum, count)| *sum += count);
        let pairs = [
            (&mut own.refused, more.refused),
            (&mut own.patched, more.patched),
            (&mut own.trapped, more.trapped),
            (&mut own.sites_planned, more.sites_planned),
            (&mut own.sites_met, more.sites_met),
            (&mut own.rdtsc, more.rdtsc),
            (&mut own.exceptions, more.exceptions),
            (&mut own.waits, more.waits),
            (&mut own.sleeps, more.sleeps),
            (&mut own.bytes_compared, more.bytes_compared),
            (&mut own.bytes_moved, more.bytes_moved),
            (&mut own.bytes_reread, more.bytes_reread),
            (&mut own.own_ns, more.own_ns),
            (&mut own.kernel_ns, more.kernel_ns),
            (&mut own.reading_ns, more.reading_ns),
            (&mut own.eager_spins, more.eager_spins),
            (&mut own.pause_spins, more.pause_spins),
            (&mut own.sleep_ns, more.sleep_ns),
        ];
        for (sum, count) in pairs {
            *sum += count;
        }
        // What a spin takes is the same everywhere.
        (own.eager_ps, own.pause_ps) = (own.eager_ps.max(more.eager_ps), own.pause_ps.max(more.pause_ps));
        self.usage.user += other.usage.user;
        self.usage.system += other.usage.system;
        self.usage.delayed += other.usage.delayed;
        self.usage.max_rss_kib = self.usage.max_rss_kib.max(other.usage.max_rss_kib);
    }
}

/// The table.
pub fn table(accounts: &[Account], wall: Duration) -> String {
    let mut out = format!("statistics ({:.3} s)\n", wall.as_secs_f64());
    let _ = write!(out, "  {:<26}", "replica");
    for replica in 0..accounts.len() {
        let _ = write!(out, "{replica:>14}");
    }
    out.push('\n');
    let mut row = |name: &str, value: &dyn Fn(&Account) -> String| {
        let _ = write!(out, "  {name:<26}");
        for account in accounts {
            let _ = write!(out, "{:>14}", value(account));
        }
        out.push('\n');
    };
    row("calls", &|account| calls(&account.stats).to_string());
    for (index, name) in CLASSES.iter().enumerate() {
        row(&format!("  {name}"), &|account| account.stats.by_class[index].to_string());
    }
    row("  refused", &|account| account.stats.refused.to_string());
    row("through patched sites", &|account| percent(account.stats.patched, account.stats.trapped));
    row("sites patched by plan", &|account| account.stats.sites_planned.to_string());
    row("sites patched when met", &|account| account.stats.sites_met.to_string());
    row("rdtsc answered", &|account| account.stats.rdtsc.to_string());
    row("CPU exceptions", &|account| account.stats.exceptions.to_string());
    row("waits for a peer", &|account| account.stats.waits.to_string());
    row("  with sleep", &|account| account.stats.sleeps.to_string());
    row("bytes compared", &|account| account.stats.bytes_compared.to_string());
    row("bytes moved", &|account| account.stats.bytes_moved.to_string());
    row("bytes read again", &|account| account.stats.bytes_reread.to_string());
    row("user time", &|account| seconds(account.usage.user));
    row("system time", &|account| seconds(account.usage.system));
    row("ready but not running", &|account| seconds(account.usage.delayed));
    row("time in the agent", &|account| seconds(Duration::from_nanos(account.stats.agent_ns())));
    row("  own work", &|account| seconds(Duration::from_nanos(account.stats.own_ns)));
    row("  waiting for peers", &|account| seconds(Duration::from_nanos(account.stats.wait_ns())));
    row("  guest's calls, in kernel", &|account| seconds(Duration::from_nanos(account.stats.kernel_ns)));
    row("largest resident set", &|account| format!("{} KiB", account.usage.max_rss_kib));
    out
}

fn calls(stats: &Stats) -> u64 {
    stats.by_class.iter().sum::<u64>() + stats.refused
}

fn percent(part: u64, rest: u64) -> String {
    let tenths = part.saturating_mul(1000).checked_div(part + rest);
    tenths.map_or_else(|| "-".into(), |tenths| format!("{}.{} %", tenths / 10, tenths % 10))
}

fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

/// The same as fields.
pub fn fields(account: &Account) -> Value {
    let Account { stats, usage } = account;
    let classes: serde_json::Map<String, Value> =
        CLASSES.iter().zip(stats.by_class).map(|(name, count)| (name.replace(' ', "_"), count.into())).collect();
    json!({
        "user_s": usage.user.as_secs_f64(),
        "system_s": usage.system.as_secs_f64(),
        "max_rss_kib": usage.max_rss_kib,
        "delayed_s": usage.delayed.as_secs_f64(),
        "stats": {
            "calls": calls(stats),
            "by_class": classes,
            "refused": stats.refused,
            "patched": stats.patched,
            "trapped": stats.trapped,
            "sites_planned": stats.sites_planned,
            "sites_met": stats.sites_met,
            "rdtsc": stats.rdtsc,
            "exceptions": stats.exceptions,
            "waits": stats.waits,
            "sleeps": stats.sleeps,
            "bytes_compared": stats.bytes_compared,
            "bytes_moved": stats.bytes_moved,
            "bytes_reread": stats.bytes_reread,
            "agent_s": Duration::from_nanos(stats.agent_ns()).as_secs_f64(),
            "wait_s": Duration::from_nanos(stats.wait_ns()).as_secs_f64(),
            "own_s": Duration::from_nanos(stats.own_ns).as_secs_f64(),
            "sleep_s": Duration::from_nanos(stats.sleep_ns).as_secs_f64(),
            "kernel_s": Duration::from_nanos(stats.kernel_ns).as_secs_f64(),
            "reading_s": Duration::from_nanos(stats.reading_ns).as_secs_f64(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut account = Account { stats: Stats::default(), usage: Usage::default() };
        account.stats.by_class = [1, 2, 3, 4, 5, 6, 7];
        account.stats.refused = 2;
        (account.stats.patched, account.stats.trapped) = (3, 1);
        account.stats.own_ns = 5_000_000;
        let text = table(&[account, account], Duration::from_millis(1500));
        assert!(text.starts_with("statistics (1.500 s)\n"), "{text}");
        for line in text.lines().skip(1) {
            assert_eq!(line.chars().count(), 2 + 26 + 2 * 14, "{line}");
        }
        assert!(text.contains("calls                                 30            30\n"), "{text}");
        assert!(text.contains("75.0 %") && text.contains("0.005 s"), "{text}");
    }
}
