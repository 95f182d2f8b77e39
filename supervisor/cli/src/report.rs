//! `rcb report`: measurements as one page or as single figures.

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use rcb_keeper::Outcome;
use rcb_overhead::report::charts::figures;
use rcb_overhead::report::input::Input;
use rcb_overhead::report::{page, raster, svg};
use std::fs;
use std::path::PathBuf;

/// Text behind the options of `rcb report --help`.
const NOTES: &str = "\
Files may be what these wrote, in any mixture:
  rcb estimate -o, rcb measure -o    what programs cost, where the time goes, predicted and measured
  make bench (report.json)           costs of calls and all tables
  rcb run --record --inject          what became of injected faults, many files

Examples:
  rcb report cost.json -o cost.html
  rcb report near.json far.json --figure placement -o placement.svg
  rcb report runs/*.jsonl --figure injection -o faults.png";

#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct ReportArgs {
    /// Files of measurements.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where it goes: a page (.html), or a figure (.svg, .png).
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    output: PathBuf,
    /// Which figure: overhead, parts, prediction, calls, placement, injection [default: the first there is].
    #[arg(long, value_name = "NAME")]
    figure: Option<String>,
}

/// Reads, draws, writes.
pub(crate) fn run(args: &ReportArgs) -> Result<Outcome> {
    let kind = args.output.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
    ensure!(
        ["html", "svg", "png"].contains(&kind),
        "-o {}: the name must end in .html, .svg or .png",
        args.output.display()
    );
    let mut input = Input::default();
    for file in &args.files {
        let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        input.add(&file.file_name().unwrap_or_default().to_string_lossy(), &text)?;
    }
    let bytes = if kind == "html" {
        ensure!(args.figure.is_none(), "--figure chooses one for .svg and .png; a page shows all");
        page::html(&input).into_bytes()
    } else {
        let drawing = one(&input, args.figure.as_deref())?;
        if kind == "svg" { drawing.into_bytes() } else { raster::png(&drawing)? }
    };
    fs::write(&args.output, bytes).with_context(|| format!("writing {}", args.output.display()))?;
    Ok(Outcome::Exit(0))
}

/// The chosen figure.
fn one(input: &Input, wanted: Option<&str>) -> Result<String> {
    let figures = figures(input);
    let there: Vec<_> = figures.iter().map(|figure| figure.id).collect();
    let found = figures.iter().find(|figure| wanted.is_none_or(|wanted| figure.id == wanted));
    let Some(figure) = found else {
        bail!("these files have no figure {}; there is: {}", wanted.unwrap_or("at all"), there.join(", "));
    };
    Ok(svg::alone(&figure.title, &figure.chart))
}
