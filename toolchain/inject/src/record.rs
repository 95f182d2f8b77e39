//! What the record of a replicated run says about faults.

use serde_json::Value;

/// Faults of one run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Record {
    /// Kind of the first fault that was reported.
    pub(crate) fault: Option<String>,
    /// Replicas that were blamed for it.
    pub(crate) blamed: Vec<u64>,
    /// Replacements, rollbacks and starts anew, with the time that the longest one took.
    pub(crate) healed: usize,
    /// Microseconds.
    pub(crate) heal_us: Option<u64>,
}

impl Record {
    /// Takes what it knows from JSON lines; of a run that was killed the last one may be torn.
    pub(crate) fn read(text: &[u8]) -> Self {
        let mut record = Self::default();
        let lines = text.split(|byte| *byte == b'\n');
        for event in lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok()) {
            match event["event"].as_str() {
                Some("fault") if record.fault.is_none() => {
                    record.fault = Some(event["kind"].as_str().unwrap_or("unknown").to_owned());
                    let blamed = event["blamed"].as_array();
                    record.blamed = blamed.into_iter().flatten().filter_map(Value::as_u64).collect();
                }
                Some("healed") => {
                    record.healed += 1;
                    record.heal_us = record.heal_us.max(event["heal_us"].as_u64());
                    if record.fault.is_none() {
                        record.fault = event["kind"].as_str().map(str::to_owned);
                        record.blamed = event["replica"].as_u64().into_iter().collect();
                    }
                }
                Some("rolled-back" | "started-over") => {
                    record.healed += 1;
                    record.heal_us = record.heal_us.max(event["rollback_us"].as_u64());
                    if record.fault.is_none() {
                        record.fault = event["kind"].as_str().map(str::to_owned);
                        let blamed = event["blamed"].as_array();
                        record.blamed = blamed.into_iter().flatten().filter_map(Value::as_u64).collect();
                    }
                }
                // Of two replicas this tells who was wrong, after the fact.
                Some("retried") if record.blamed.is_empty() => {
                    record.blamed = event["replica"].as_u64().into_iter().collect();
                }
                _ => {}
            }
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_and_healings_are_found() {
        let text =
            b"{\"event\":\"start\"}\n{\"event\":\"fault\",\"kind\":\"mismatch\",\"blamed\":[2]}\n{\"event\":\"su";
        let found = Record::read(text);
        assert_eq!((found.fault.as_deref(), found.blamed, found.healed), (Some("mismatch"), vec![2], 0));
        let text = b"{\"event\":\"healed\",\"replica\":1,\"kind\":\"died\",\"heal_us\":700}\n{\"event\":\"healed\",\"heal_us\":900}\n";
        let found = Record::read(text);
        assert_eq!((found.healed, found.heal_us, found.blamed), (2, Some(900), vec![1]));
        assert_eq!(found.fault.as_deref(), Some("died"));
        assert_eq!(Record::read(b""), Record::default());
    }
}
