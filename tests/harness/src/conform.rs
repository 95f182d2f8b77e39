//! Conformance: native first, then replicated; everything that can be seen must be equal.

use crate::case::Case;
use crate::outcome::{Ended, Outcome, differences};
use crate::runtime::Setting;
use crate::sandbox::Sandbox;
use libtest_mimic::Failed;

/// What the native run of a case must look like, so that an early crash cannot pass for success.
#[derive(Clone, Debug)]
pub struct Expected {
    /// How it ends; `None` accepts anything but the deadline.
    pub ended: Option<Ended>,
    /// The last line of its standard output.
    pub last_line: Option<String>,
}

impl Expected {
    /// Any end.
    pub const ANYTHING: Self = Self { ended: None, last_line: None };

    fn check(&self, outcome: &Outcome) -> Result<(), String> {
        if let Some(ended) = self.ended
            && ended != outcome.ended
        {
            return Err(format!("  ended: expected {ended}, seen {}", outcome.ended));
        }
        if outcome.ended == Ended::Deadline {
            return Err("  did not end before its deadline".into());
        }
        if let Some(token) = &self.last_line {
            let text = String::from_utf8_lossy(&outcome.stdout);
            let last = text.lines().next_back().unwrap_or("");
            if last != token {
                return Err(format!("  last line: expected {token:?}, seen {last:?}"));
            }
        }
        Ok(())
    }
}

/// Runs a case natively and under `settings` and compares.
///
/// `binary` is the name of the test binary, for the line that repeats the run.
pub fn conform(binary: &str, case: &Case, expected: &Expected, settings: &[Setting]) -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    match all_runs(&sandbox, case, expected, settings) {
        Ok(()) => Ok(()),
        Err(text) => Err(failure(binary, &case.name, sandbox, &text)),
    }
}

/// The text of a failed test: what happened, where its folder is and, on the last line, how to repeat it.
pub fn failure(binary: &str, name: &str, sandbox: Sandbox, text: &str) -> Failed {
    format!(
        "{}\n  folder: {}\nrepeat: cargo test -p rcb-tests --test {binary} -- --exact '{name}'",
        text.trim_end(),
        sandbox.keep().display()
    )
    .into()
}

fn all_runs(sandbox: &Sandbox, case: &Case, expected: &Expected, settings: &[Setting]) -> Result<(), String> {
    let mut native: Option<(Setting, Outcome)> = None;
    for &setting in settings {
        let reference = setting.reference();
        let (_, native) = match native.take().filter(|(known, _)| *known == reference) {
            Some(known) => native.insert(known),
            None => native.insert((reference, reference_run(sandbox, case, expected, reference)?)),
        };
        let label = if setting == reference { format!("{setting}-again") } else { setting.to_string() };
        let seen = sandbox.run_words(case, &case.command(setting), &label).map_err(|error| error.to_string())?;
        let mut text = differences(native, &seen, case.compare_files);
        if !text.is_empty() {
            for line in seen.report.lines() {
                text.push_str("  | ");
                text.push_str(line);
                text.push('\n');
            }
            return Err(format!("{label} differs from native: {}\n{text}", case.command(setting).join(" ")));
        }
    }
    Ok(())
}

/// The run that others are compared with.
fn reference_run(sandbox: &Sandbox, case: &Case, expected: &Expected, setting: Setting) -> Result<Outcome, String> {
    let native = sandbox.run(case, setting).map_err(|error| error.to_string())?;
    expected.check(&native).map_err(|text| {
        format!("{setting} run of {:?}:\n{text}\n{}", case.words, String::from_utf8_lossy(tail(&native.stderr)))
    })?;
    Ok(native)
}

fn tail(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.len().saturating_sub(2000)..]
}
