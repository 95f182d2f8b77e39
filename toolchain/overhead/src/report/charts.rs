//! From input to figures and tables.

use super::chart::{Bar, Chart, Figure, Sortable};
use super::input::{BenchTable, Input, wilson};
use crate::document::{Document, Program, Variant};
use crate::model::Scope;
use crate::samples::geometric_mean;

/// All figures for which there is something to show.
pub fn figures(input: &Input) -> Vec<Figure> {
    [overhead, parts, prediction, calls, placement, injection].iter().filter_map(|figure| figure(input)).collect()
}

/// Programs of all documents with the names under which they are shown.
fn programs(input: &Input) -> Vec<(String, &Document, &Program)> {
    let all = input.documents.iter().flat_map(|(_, document)| document.programs.iter().map(move |one| (document, one)));
    let all: Vec<_> = all.collect();
    let label = |document: &Document, program: &Program| {
        let twice = all.iter().filter(|(_, other)| other.name == program.name).count() > 1;
        match (twice, document.settings.placement.as_str()) {
            (true, "") => format!("{} (list)", program.name),
            (true, placement) => format!("{} ({placement})", program.name),
            _ => program.name.clone(),
        }
    };
    all.iter().map(|(document, program)| (label(document, program), *document, *program)).collect()
}

/// `n = 2`, or with the build when there are several.
fn series(variant: &Variant) -> String {
    match variant.build.as_str() {
        "default" | "none" => format!("n = {}", variant.replicas),
        build => format!("n = {}, {build}", variant.replicas),
    }
}

/// All series, by number of replicas, then in the order in which they are met.
fn all_series<'a>(variants: impl Iterator<Item = &'a Variant>) -> Vec<String> {
    let mut names: Vec<(usize, String)> = Vec::new();
    for variant in variants {
        let key = (variant.replicas, series(variant));
        if !names.contains(&key) {
            names.push(key);
        }
    }
    names.sort_by_key(|(replicas, _)| *replicas);
    names.into_iter().map(|(_, name)| name).collect()
}

fn overhead(input: &Input) -> Option<Figure> {
    let programs = programs(input);
    let series_names = all_series(programs.iter().flat_map(|(_, _, program)| &program.variants));
    let bar = |program: &Program, name: &String| {
        let variant = program.variants.iter().find(|variant| series(variant) == *name)?;
        let native = program.native_s.median()?;
        let interval =
            variant.error_s.map(|error| ((variant.mean_s - error) / native, (variant.mean_s + error) / native));
        Some(Bar { value: variant.over_native(program)?, interval })
    };
    let mut rows: Vec<(String, Vec<Option<Bar>>)> = programs
        .iter()
        .map(|(label, _, program)| (label.clone(), series_names.iter().map(|name| bar(program, name)).collect()))
        .collect();
    if rows.len() > 1 {
        let mean = |index: usize| {
            let values: Vec<f64> = rows.iter().filter_map(|(_, bars)| Some(bars[index]?.value)).collect();
            geometric_mean(&values).map(Bar::plain)
        };
        let means = (0..series_names.len()).map(mean).collect();
        rows.push(("geometric mean".into(), means));
    }
    (!rows.is_empty()).then(|| Figure {
        id: "overhead",
        title: "What replication costs".into(),
        note: "Wall time over one native copy; the whisker is the 95 % interval of the mean.".into(),
        chart: Chart::Grouped { series: series_names, rows, base: 1.0, digits: 3, unit: "" },
    })
}

fn parts(input: &Input) -> Option<Figure> {
    let programs = programs(input);
    let mut rows = Vec::new();
    let mut names: Vec<String> = crate::model::Parts::default().named().map(|(name, _)| name.to_owned()).into();
    names.push("unexplained".into());
    for (label, _, program) in &programs {
        for variant in &program.variants {
            let share = |value: f64| if variant.mean_s > 0.0 { value / variant.mean_s * 100.0 } else { 0.0 };
            let mut values: Vec<f64> = variant.parts.named().map(|(_, value)| share(value)).into();
            values.push(share(variant.unexplained_s));
            rows.push((format!("{label}, {}", series(variant)), values));
        }
    }
    (!rows.is_empty()).then(|| Figure {
        id: "parts",
        title: "Where the time goes".into(),
        note: "Share of the wall time of the replicated run. What the parts miss of it is unexplained; where they say too \
               much the bar is longer than 100 %."
            .into(),
        chart: Chart::Stacked { series: names, rows, unit: "%" },
    })
}

fn prediction(input: &Input) -> Option<Figure> {
    let (mut lines, mut points) = (Vec::new(), Vec::new());
    for (label, _, program) in programs(input) {
        let native = program.native_s.median()?;
        for variant in &program.variants {
            let predicted = variant.predictions.iter().filter(|one| one.scope == Scope::Built);
            let mut line = vec![(1.0, variant.mean_s / native)];
            let index = lines.len();
            for one in predicted {
                line.push((one.factor, one.time.seconds / native));
                points.extend(one.measured_s.map(|measured| (index, (one.factor, measured / native))));
            }
            if line.len() > 1 {
                line.sort_by(|a, b| a.0.total_cmp(&b.0));
                lines.push((format!("{label}, n = {}", variant.replicas), line));
            }
        }
    }
    (!lines.is_empty()).then(|| Figure {
        id: "prediction",
        title: "Predicted and measured over C".into(),
        note: "Lines: wall time over native, predicted for agent and supervisor slowed by C. Dots: measured with builds that \
               really are."
            .into(),
        chart: Chart::Lines { across: "C".into(), up: "x native".into(), lines, points },
    })
}

/// The table of `make bench` that splits a call.
const CALLS: &str = "Where the cycles of a call go";

fn calls(input: &Input) -> Option<Figure> {
    let tables = input.benches.iter().flat_map(|bench| &bench.parts).flat_map(|part| &part.tables);
    let table = tables.into_iter().find(|table| table.title == CALLS)?;
    let columns: Vec<usize> =
        (1..table.columns.len()).take_while(|index| !table.columns[*index].starts_with('=')).collect();
    let row = |cells: &Vec<String>| {
        let values: Option<Vec<f64>> = columns.iter().map(|index| number(cells.get(*index)?)).collect();
        Some((cells.first()?.clone(), values?))
    };
    Some(Figure {
        id: "calls",
        title: CALLS.into(),
        note: "Two replicas that meet at every call, in cycles of the time-stamp counter.".into(),
        chart: Chart::Stacked {
            series: columns.iter().map(|index| table.columns[*index].clone()).collect(),
            rows: table.rows.iter().filter_map(row).collect(),
            unit: "cycles",
        },
    })
}

fn placement(input: &Input) -> Option<Figure> {
    let placed = |document: &&Document| !document.settings.placement.is_empty();
    let documents: Vec<&Document> = input.documents.iter().map(|(_, document)| document).filter(placed).collect();
    let mut policies: Vec<String> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for document in &documents {
        let add = |list: &mut Vec<String>, name: &String| {
            if !list.contains(name) {
                list.push(name.clone());
            }
        };
        add(&mut policies, &document.settings.placement);
        document.programs.iter().for_each(|program| add(&mut names, &program.name));
    }
    let bar = |name: &str, policy: &str| {
        let document = documents
            .iter()
            .find(|one| one.settings.placement == policy && one.programs.iter().any(|p| p.name == name))?;
        let program = document.programs.iter().find(|program| program.name == name)?;
        Some(Bar::plain(program.variants.first()?.over_native(program)?))
    };
    (policies.len() > 1).then(|| Figure {
        id: "placement",
        title: "Where replicas stand".into(),
        note: "Wall time over one native copy, for the first number of replicas of each file, by placement.".into(),
        chart: Chart::Grouped {
            rows: names
                .iter()
                .map(|name| (name.clone(), policies.iter().map(|policy| bar(name, policy)).collect()))
                .collect(),
            series: policies,
            base: 1.0,
            digits: 3,
            unit: "",
        },
    })
}

fn injection(input: &Input) -> Option<Figure> {
    let row = |(target, sum): (&String, &super::input::Injected)| {
        let runs = sum.noticed + sum.quiet;
        #[allow(clippy::cast_precision_loss, reason = "counts of runs")]
        let share = |hits: u64| {
            let interval = wilson(hits, runs).map(|(low, high)| (low * 100.0, high * 100.0));
            interval.map(|interval| Bar { value: hits as f64 / runs as f64 * 100.0, interval: Some(interval) })
        };
        (format!("{target} ({runs})"), vec![share(sum.noticed), share(sum.quiet)])
    };
    (!input.injections.is_empty()).then(|| Figure {
        id: "injection",
        title: "What became of injected faults".into(),
        note: "By what was hit, with the number of runs; intervals are Wilson's at 95 %. Without effect: no replica asked \
               for anything else than the others."
            .into(),
        chart: Chart::Grouped {
            series: vec!["noticed".into(), "without effect".into()],
            rows: input.injections.iter().map(row).collect(),
            base: 0.0,
            digits: 0,
            unit: "%",
        },
    })
}

/// The number at the start of a cell.
pub fn number(cell: &str) -> Option<f64> {
    cell.split_whitespace().next()?.trim_end_matches('%').parse().ok()
}

/// All tables.
pub fn tables(input: &Input) -> Vec<Sortable> {
    let mut tables = Vec::new();
    let programs = programs(input);
    if !programs.is_empty() {
        tables.push(costs(&programs));
        tables.extend(predictions(&programs));
    }
    let benches = input
        .benches
        .iter()
        .flat_map(|bench| &bench.parts)
        .flat_map(|part| part.tables.iter().map(move |table| (part, table)));
    tables.extend(benches.enumerate().map(|(index, (part, table))| bench_table(&part.name, index, table)));
    tables
}

fn costs(programs: &[(String, &Document, &Program)]) -> Sortable {
    let mut columns: Vec<String> =
        ["program", "n", "native s", "replicated s", "+-", "x native", "x copies"].map(String::from).into();
    columns.extend(crate::model::Parts::default().named().map(|(name, _)| format!("{name} s")));
    columns.extend(["unexplained %".to_owned(), "calls".to_owned()]);
    let text =
        |value: Option<f64>, digits: usize| value.map_or_else(|| "-".into(), |value| format!("{value:.digits$}"));
    let mut rows = Vec::new();
    for (label, _, program) in programs {
        for variant in &program.variants {
            let mut row = vec![label.clone(), variant.replicas.to_string(), text(program.native_s.median(), 3)];
            row.extend([text(Some(variant.mean_s), 3), text(variant.error_s, 3)]);
            row.extend([text(variant.over_native(program), 3), text(variant.over_copies(), 3)]);
            row.extend(variant.parts.named().map(|(_, value)| format!("{value:.4}")));
            row.push(format!("{:.1}", variant.unexplained_s / variant.mean_s.max(f64::MIN_POSITIVE) * 100.0));
            row.push(variant.calls.to_string());
            rows.push(row);
        }
    }
    let note =
        "Seconds of wall time; what each part is stands in the project's ARCHITECTURE under the cost model.".into();
    Sortable { id: "costs".into(), title: "All figures".into(), note, columns, rows }
}

fn predictions(programs: &[(String, &Document, &Program)]) -> Option<Sortable> {
    let columns = ["program", "n", "hardening", "C", "what", "predicted s", "low s", "high s", "measured s", "error %"];
    let mut rows = Vec::new();
    for (label, _, program) in programs {
        for variant in &program.variants {
            for one in &variant.predictions {
                let what = match one.scope {
                    Scope::Built => "agent and supervisor",
                    Scope::Whole => "and the kernel",
                    Scope::Added => "all that is added",
                };
                let time = &one.time;
                let mut row = vec![label.clone(), variant.replicas.to_string(), one.name.clone()];
                row.extend([format!("{:.3}", one.factor), what.to_owned()]);
                row.extend([time.seconds, time.low_s, time.high_s].map(|value| format!("{value:.3}")));
                row.push(one.measured_s.map_or_else(|| "-".into(), |value| format!("{value:.3}")));
                row.push(one.error().map_or_else(|| "-".into(), |error| format!("{:+.1}", error * 100.0)));
                rows.push(row);
            }
        }
    }
    (!rows.is_empty()).then(|| Sortable {
        id: "predictions".into(),
        title: "Predictions".into(),
        note: "The run if agent and supervisor, or the kernel, too, were slowed by C; a measured C is that of the program's \
               own calls and compared bytes."
            .into(),
        columns: columns.map(String::from).into(),
        rows,
    })
}

fn bench_table(part: &str, index: usize, table: &BenchTable) -> Sortable {
    Sortable {
        id: format!("bench-{part}-{index}"),
        title: table.title.clone(),
        note: table.note.clone(),
        columns: table.columns.clone(),
        rows: table.rows.clone(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Input of every kind.
    pub(crate) fn input() -> Input {
        let mut input = Input::default();
        for (file, name, placement) in
            [("a", "prog", "same-socket"), ("b", "prog", "different-socket"), ("c", "other <&>", "")]
        {
            let mut document = crate::text::tests::document();
            document.programs[0].name = name.into();
            document.settings.placement = placement.into();
            input.add(file, &document.to_json()).unwrap();
        }
        let bench = r#"{"parts":[{"name":"cycles","tables":[{"title":"Where the cycles of a call go","note":"n",
            "columns":["call","kernel","meet","= n=2 strict","run-ahead"],"rows":[["read","100","200","300","-9"]]}]}]}"#;
        input.add("d", bench).unwrap();
        let record = "{\"event\":\"start\",\"inject\":\"replica=0,call=1,hang\"}\n{\"event\":\"fault\"}\n{\"event\":\"summary\"}\n";
        input.add("e", record).unwrap();
        input
    }

    #[test]
    fn every_kind_of_input_has_its_figure() {
        let figures = figures(&input());
        let ids: Vec<_> = figures.iter().map(|figure| figure.id).collect();
        assert_eq!(ids, ["overhead", "parts", "prediction", "calls", "placement", "injection"]);
        let Chart::Grouped { rows, .. } = &figures[0].chart else { panic!("no bars") };
        assert_eq!(rows.last().unwrap().0, "geometric mean");
        assert_eq!(rows[0].0, "prog (same-socket)");
        let Chart::Stacked { series, rows, .. } = &figures[3].chart else { panic!("no stack") };
        assert_eq!(
            (series.as_slice(), rows[0].1.as_slice()),
            (&["kernel".to_owned(), "meet".into()][..], &[100.0, 200.0][..])
        );
        let Chart::Lines { points, .. } = &figures[2].chart else { panic!("no lines") };
        assert!(points.is_empty(), "the measured run of the example hardens the kernel, too");
        assert!(super::figures(&Input::default()).is_empty());
    }

    #[test]
    fn tables_have_as_many_cells_as_columns() {
        let tables = tables(&input());
        assert_eq!(tables.len(), 3);
        for table in tables {
            assert!(table.rows.iter().all(|row| row.len() == table.columns.len()), "{}", table.title);
        }
    }
}
