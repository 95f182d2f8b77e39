//! The disagreements of a group since its checkpoints: who was wrong, and what a fault that comes back follows.

/// So many rollbacks to one checkpoint are tried for a fault at the same request, and for any.
const MOST_TRIES: usize = 2;
const MOST_TRIES_IN_ALL: usize = 8;

/// What a replica had at the request at which the set disagreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) cpu: u32,
    pub(super) chain: Option<u64>,
}

/// One disagreement since a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Try {
    /// The checkpoint.
    pub(super) to: u64,
    /// The request; what each replica had.
    pub(super) seq: u64,
    pub(super) said: Vec<Said>,
}

/// The disagreements of a group, so that a fault that comes back is known.
#[derive(Default)]
pub struct Tries {
    list: Vec<Try>,
    /// The latest one has not been done again yet.
    is_open: bool,
}

/// What doing it again has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retried {
    /// The group.
    pub group: usize,
    /// The request.
    pub seq: u64,
    /// The replica that had been wrong, and its CPU at that time; `None`: that is still not clear.
    pub wrong: Option<(usize, u32)>,
}

impl Tries {
    /// A disagreement; `is_open`: doing it again is to tell who was wrong.
    pub(super) fn add(&mut self, one: Try, is_open: bool) {
        self.list.push(one);
        self.is_open = is_open;
    }

    /// Whether it is worth going back to this checkpoint because of a fault at this request.
    pub(super) fn may_go_back(&self, to: u64, at: u64) -> bool {
        let same = self.list.iter().filter(|before| before.to == to);
        same.clone().filter(|before| before.seq == at).count() < MOST_TRIES && same.count() < MOST_TRIES_IN_ALL
    }

    /// What doing it again has shown, once it has; `again` is request and chain of each replica, request 0 before.
    pub fn outcome(&mut self, again: &[(u64, u64)], group: usize) -> Option<Retried> {
        let last = self.list.last().filter(|_| self.is_open)?;
        if again.iter().any(|(seq, _)| *seq == 0) {
            return None;
        }
        self.is_open = false;
        let (seq, chain) = again[0];
        let is_agreed = seq == last.seq && again.iter().all(|other| *other == again[0]);
        let others: Vec<usize> =
            (0..last.said.len()).filter(|replica| last.said[*replica].chain != Some(chain)).collect();
        let wrong = match others[..] {
            [replica] if is_agreed => Some((replica, last.said[replica].cpu)),
            _ => None,
        };
        Some(Retried { group, seq: last.seq, wrong })
    }

    /// What a fault that comes back follows.
    pub(super) fn pattern(&self) -> String {
        let tries = self.list.len();
        let text = format!("the fault is permanent: it has come back {tries} times");
        let [.., before, last] = &self.list[..] else { return text };
        if before.seq != last.seq {
            return format!("{text}, at different calls");
        }
        let by_cpu = |said: &Said| before.said.iter().any(|other| other == said);
        if last.said.iter().all(by_cpu) && before.said != last.said {
            let cpus: Vec<usize> = last.said.iter().map(|said| said.cpu as usize).collect();
            return format!(
                "{text} and stays with the CPUs: one of CPUs {} computes wrongly",
                crate::verdict::list(&cpus)
            );
        }
        let chains = |said: &[Said]| said.iter().map(|said| said.chain).collect::<Vec<_>>();
        if chains(&before.said) == chains(&last.said) {
            return format!("{text} and stays with the replica: its memory was wrong at the checkpoint already");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disagreed(to: u64, seq: u64, said: [(u32, u64); 2]) -> Try {
        Try { to, seq, said: said.map(|(cpu, chain)| Said { cpu, chain: Some(chain) }).into() }
    }

    #[test]
    fn done_again_the_one_that_had_something_else_was_wrong() {
        let mut tries = Tries::default();
        tries.add(disagreed(1, 40, [(2, 77), (3, 78)]), true);
        assert_eq!(tries.outcome(&[(0, 0), (40, 77)], 5), None, "one has not got there");
        let told = Some(Retried { group: 5, seq: 40, wrong: Some((1, 3)) });
        assert_eq!(tries.outcome(&[(40, 77), (40, 77)], 5), told);
        assert_eq!(tries.outcome(&[(40, 77), (40, 77)], 5), None, "told once");
    }

    #[test]
    fn nobody_is_named_without_agreement() {
        for again in [[(40, 77), (40, 78)], [(41, 77), (41, 77)], [(40, 99), (40, 99)]] {
            let mut tries = Tries::default();
            tries.add(disagreed(1, 40, [(2, 77), (3, 78)]), true);
            assert_eq!(tries.outcome(&again, 0), Some(Retried { group: 0, seq: 40, wrong: None }), "{again:?}");
        }
    }

    #[test]
    fn a_checkpoint_is_tried_twice_for_the_same_fault() {
        let mut tries = Tries::default();
        for _ in 0..2 {
            assert!(tries.may_go_back(1, 40));
            tries.add(disagreed(1, 40, [(2, 77), (3, 78)]), true);
        }
        assert!(!tries.may_go_back(1, 40));
        assert!(tries.may_go_back(1, 41) && tries.may_go_back(2, 40));
    }

    #[test]
    fn a_fault_that_comes_back_follows_something() {
        let cases = [
            ([(2, 77), (3, 78)], [(3, 78), (2, 77)], "stays with the CPUs: one of CPUs 3 and 2"),
            ([(2, 77), (3, 78)], [(3, 77), (2, 78)], "stays with the replica"),
        ];
        for (first, second, what) in cases {
            let mut tries = Tries::default();
            tries.add(disagreed(1, 40, first), true);
            tries.add(disagreed(1, 40, second), true);
            assert!(tries.pattern().contains(what), "{}", tries.pattern());
        }
        let mut tries = Tries::default();
        tries.add(disagreed(1, 40, [(2, 77), (3, 78)]), true);
        tries.add(disagreed(1, 41, [(3, 78), (2, 77)]), true);
        assert!(tries.pattern().contains("at different calls"));
    }
}
