//! The phases in their order.

use crate::constants::Constants;
use crate::duplicate::Duplication;
use crate::entries::{self, Twin};
use crate::fault::Check;
use crate::ir::{Module, Value};
use crate::options::{Mistake, Options, Protection, Scheme};
use crate::report::{FunctionReport, Outcome, Report};
use crate::select::{Planned, plan};
use crate::{Error, cfc, mistake, normalise, note, slices, structure};
use inkwell::context::Context;
use std::collections::{BTreeMap, HashMap};
use std::mem::ManuallyDrop;

/// A hardened module.
#[derive(Debug)]
pub struct Hardened {
    /// For code generation without further optimisation and without loop strength reduction.
    pub bitcode: Vec<u8>,
    /// What was done.
    pub report: Report,
    /// The module as text, when asked for.
    pub text: Option<String>,
}

/// Hardens a module of bitcode or IR text. `name` is for messages.
///
/// The module stays in memory: taking it apart is a tenth of the work, and the programs that call this end soon.
///
/// # Errors
/// See [`Error`]; nothing is produced then.
pub fn harden(bytes: &[u8], name: &str, options: &Options, with_text: bool) -> Result<Hardened, Error> {
    let context = ManuallyDrop::new(Context::create());
    let module = ManuallyDrop::new(Module::read(&context, bytes, name)?);
    let report = run(&module, options)?;
    let text = with_text.then(|| module.text());
    Ok(Hardened { bitcode: module.bitcode(), report, text })
}

/// Runs every phase on a module.
///
/// # Errors
/// See [`Error`].
pub(crate) fn run(module: &Module<'_>, options: &Options) -> Result<Report, Error> {
    let triple = module.triple();
    if !triple.starts_with("x86_64-") || !triple.contains("linux") {
        return Err(Error::Target { triple });
    }
    if module.initial_value(note::SYMBOL).is_some() {
        return Err(Error::Twice);
    }
    module.verify("reading")?;
    let planned = plan(module, options);
    let sizes: HashMap<Value, u32> = planned.iter().map(|one| (one.function, size(one.function))).collect();
    let mut report = Report { protection: options.protection, functions: Vec::new() };
    if planned.iter().any(|one| one.decision.is_ok()) {
        module.run_passes(normalise::PASSES)?;
        for one in planned.iter().filter(|one| one.decision.is_ok()) {
            normalise::normalise(one.function);
        }
        if cfg!(debug_assertions) {
            // The last look finds the same mistakes; this one says where they come from.
            module.verify("normalising")?;
        }
    }

    let twins = make_twins(&planned);
    let mut bodies = HashMap::new();
    for twin in &twins {
        bodies.insert(twin.function, twin.body);
    }

    let mut constants = Constants::default();
    let mut made_mistake = options.mistake.is_none();
    for one in &planned {
        let before = sizes.get(&one.function).copied().unwrap_or_default();
        let Ok(protection) = one.decision else {
            report.functions.push(left(one, before));
            continue;
        };
        let twin = twins.iter().find(|twin| twin.function == one.function);
        let body = twin.map_or(one.function, |twin| twin.body);
        if twin.is_none() {
            body.drop_promises();
        }
        let mut duplication = Duplication::new(module, &mut constants, &bodies, (body, &one.name, twin.is_some()));
        duplication.run(twin.map_or(&[], |twin| &twin.twice));
        let (mut shadows, mut faults) = (duplication.shadows, duplication.faults);
        let is_late = options.mistake == Some(Mistake::LateSharedOperand);
        let mut err = |shadows: &mut _| {
            if let Some(mistake) = options.mistake.filter(|_| !made_mistake) {
                made_mistake = mistake::make(mistake, shadows);
            }
        };
        if !is_late {
            err(&mut shadows);
        }
        structure::check(&one.name, &shadows)?;
        if is_late {
            err(&mut shadows);
        }
        if protection.cfc {
            slices::part(body, &shadows);
            cfc::sign(body, &mut faults);
        }
        let checks = faults.counts.iter().map(|(check, &count)| (check.name().to_owned(), count)).collect();
        report.functions.push(FunctionReport {
            name: one.name.clone(),
            outcome: Outcome::Protected { protection: protection.to_string(), twin: twin.is_some() },
            checks,
            unshadowed: shadows.unshadowed,
            single: shadows.single,
            instructions: (before, size(body)),
        });
    }
    finish_entries(module, &twins, &planned, &mut report);
    note::attach(module, &note::Note::of(&report, &module.source()));
    module.verify("duplicating")?;
    Ok(report)
}

fn make_twins(planned: &[Planned]) -> Vec<Twin> {
    let twice = planned.iter().filter(|one| one.takes_twice);
    twice
        .filter_map(|one| {
            let protection: Protection = one.decision.ok()?;
            (protection.scheme == Scheme::Swift)
                .then(|| entries::make_twin(one.function, if protection.cfc { "swift_cfc" } else { "swift" }))
        })
        .collect()
}

fn finish_entries(module: &Module<'_>, twins: &[Twin], planned: &[Planned], report: &mut Report) {
    for twin in twins {
        let Some(index) = planned.iter().position(|one| one.function == twin.function) else { continue };
        let name = planned[index].name.clone();
        let Some(checks) = entries::finish(module, twin, &name) else { continue };
        let target = &mut report.functions[index].checks;
        for (check, count) in checks {
            *target.entry(Check::name(check).to_owned()).or_default() += count;
        }
    }
}

fn left(one: &Planned, size: u32) -> FunctionReport {
    let reason = one.decision.err().unwrap_or(crate::Reason::Unprotected);
    FunctionReport {
        name: one.name.clone(),
        outcome: Outcome::Left { reason },
        checks: BTreeMap::new(),
        unshadowed: 0,
        single: 0,
        instructions: (size, size),
    }
}

/// Instructions of a function.
fn size(function: Value) -> u32 {
    function.instructions_of_function().count() as u32
}
