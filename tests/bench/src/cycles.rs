//! Where the cycles of a replicated call go: the figures with which a design of this kind is judged on paper.
#![allow(unsafe_code, reason = "the digest of data reads through a raw address")]

use crate::calls::{Measured, PLAINEST, Setup};
use crate::report::{Part, Table};
use rcb_overhead::clock;
use rcb_overhead::samples::Samples;
use rcb_vote::digest;
use serde_json::json;
use std::hint::black_box;

/// Calls whose cost is split: none, some and many bytes in either direction.
const SPLIT: [&str; 7] =
    [PLAINEST, "read 1 B", "pread 4 KiB", "pread 64 KiB", "write 1 B", "write 4 KiB", "write 64 KiB"];

/// Tables from what was measured per call, and from the digest functions of the vote crate as they are.
pub fn part(measured: &Measured) -> Part {
    let digests = digests();
    let tables = vec![primitives(measured, &digests), split(measured)];
    let samples: serde_json::Map<_, _> =
        digests.iter().map(|(name, samples)| ((*name).to_owned(), samples.json())).collect();
    Part { name: "cycles", tables, limits: Vec::new(), samples: json!({ "digest_ns": samples }) }
}

/// Nanoseconds of each digest, medians over windows.
fn digests() -> Vec<(&'static str, Samples)> {
    let data = vec![0x5a_u8; 64 * 1024];
    let windows =
        |count: u32, body: &mut dyn FnMut()| (0..21).map(|_| clock::ns_per_iteration(count, &mut *body)).collect();
    let mut chain = 1;
    let mut state = [7_u64; 16];
    let request = windows(20_000, &mut || {
        chain = digest::chain_request(black_box(chain), black_box(&state));
        state[0] = chain;
    });
    let result = windows(20_000, &mut || chain = digest::chain_result(black_box(chain), black_box(42), black_box(0)));
    let page = windows(2_000, &mut || _ = black_box(of_data(black_box(&data[..4096]))));
    let large = windows(200, &mut || _ = black_box(of_data(black_box(&data))));
    vec![
        ("state comparison: digest of a request", request),
        ("state comparison: digest of a result", result),
        ("state comparison: digest of 4 KiB", page),
        ("state comparison: digest of 64 KiB", large),
    ]
}

/// Digest of whole blocks as the agent makes it on this machine.
fn of_data(data: &[u8]) -> u64 {
    let mut lanes = digest::LANES;
    let wide = std::is_x86_feature_detected!("aes");
    // SAFETY: the slice outlives the call, and the processor can do what is asked for.
    unsafe { rcb_sys::digest::blocks(data.as_ptr() as u64, data.len() / 64, &mut lanes, wide) };
    digest::finish(&lanes, data.len() as u64)
}

fn primitives(measured: &Measured, digests: &[(&'static str, Samples)]) -> Table {
    let note = format!(
        "Cycles of the time-stamp counter, {:.2} per nanosecond: medians (range). A notification is one way, half a \
         round trip.",
        clock::cycles_per_ns()
    );
    let mut table = Table::new("Primitives in cycles", &note, &["primitive", "cycles", "ns"]);
    let mut row = |name: String, samples: &Samples| table.row([name, in_cycles(samples).text(0), samples.text(1)]);
    for (name, samples) in digests {
        row((*name).to_owned(), samples);
    }
    let notifications =
        ["yield, same CPU", "futex wake-up, same CPU", "spin on a cache line, other CPU", "futex wake-up, other CPU"];
    for name in notifications {
        row(format!("notification: {name}"), &measured.floor(name));
    }
    table
}

fn in_cycles(samples: &Samples) -> Samples {
    samples.map(|ns| ns * clock::cycles_per_ns())
}

/// Splits n=2 strict by differences: what one replica adds to native is interception and digests, what the second
/// adds is the meeting and the delivery of result bytes; what depends on the bytes is what a call has beyond getpriority.
fn split(measured: &Measured) -> Table {
    let note = "Cycles per call, from differences of medians of the runs above: kernel = native; interception = n=1 \
                strict over native, for getpriority (trap, request digest, bookkeeping); bytes = the same for this call, \
                beyond getpriority; meet = n=2 strict over n=1 strict, for getpriority; deliver = the same for this call, beyond \
                getpriority; run-ahead = n=2 output over n=2 strict. Small negative values are noise.";
    let columns = ["call", "kernel", "interception", "bytes", "meet", "deliver", "= n=2 strict", "run-ahead", "= n=2"];
    let mut table = Table::new("Where the cycles of a call go", note, &columns);
    let median = |setup, case| measured.values(setup, case, None).median();
    let over = |setup, base, case| Some(median(setup, case)? - median(base, case)?);
    let cell = |ns: Option<f64>| ns.map_or_else(|| "-".to_owned(), |ns| format!("{:.0}", ns * clock::cycles_per_ns()));
    for case in SPLIT {
        let interception = over(Setup::OneStrict, Setup::Native, PLAINEST);
        let meet = over(Setup::TwoStrict, Setup::OneStrict, PLAINEST);
        let beyond = |all: Option<f64>, base: Option<f64>| Some(all? - base?);
        table.row([
            case.to_owned(),
            cell(median(Setup::Native, case)),
            cell(interception),
            cell(beyond(over(Setup::OneStrict, Setup::Native, case), interception)),
            cell(meet),
            cell(beyond(over(Setup::TwoStrict, Setup::OneStrict, case), meet)),
            cell(median(Setup::TwoStrict, case)),
            cell(over(Setup::Two, Setup::TwoStrict, case)),
            cell(median(Setup::Two, case)),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_cost_more_for_more_bytes() {
        let medians: Vec<_> = digests().iter().map(|(_, samples)| samples.median().unwrap()).collect();
        assert!(medians[3] > medians[2] && medians[2] > medians[1]);
    }

    #[test]
    fn without_runs_the_split_is_empty_but_the_digests_are_there() {
        let part = part(&Measured::default());
        assert_eq!(part.tables[1].rows[0][1], "-");
        assert_ne!(part.tables[0].rows[0][1], "-");
    }
}
