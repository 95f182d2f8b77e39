//! The page of `rcb report` in a browser: it opens, a click sorts a table, it can be seen in light, dark and on a
//! telephone.
//!
//! `RCB_SCREENSHOTS=DIR` keeps the pictures, for people to look at.

use crate::claim;
use crate::tools::tool;
use libtest_mimic::{Failed, Trial};
use rcb_tests::outcome::Ended;
use rcb_tests::require::{is_root, trial};
use rcb_tests::sandbox::Sandbox;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("report-in-a-browser", ["chromium"], in_a_browser),
        trial("report-figures", [], figures),
        trial("report-bad-input", [], bad_input),
    ]
}

/// What a browser may take, start included.
const DEADLINE: Duration = Duration::from_mins(1);
/// Two programs in a document as `rcb estimate` writes it, the slower one first.
const DOCUMENT: &str = include_str!("../../../pages/cost.json");

/// Writes the document and has `rcb report` make `name` of it.
fn report(sandbox: &Sandbox, name: &str, words: &[&str]) -> Result<Vec<u8>, Failed> {
    let (from, to) = (sandbox.path().join("cost.json"), sandbox.path().join(name));
    std::fs::write(&from, DOCUMENT)?;
    let (from, to_text) = (from.display().to_string(), to.display().to_string());
    let seen = tool(sandbox, &[&["report", from.as_str(), "-o", to_text.as_str()], words].concat())?;
    claim(seen.ended == Ended::Exit(0), || format!("{}\n{}", seen.ended, seen.report))?;
    Ok(std::fs::read(&to)?)
}

/// Runs the browser without a window; gives what it writes to standard output.
fn browse(sandbox: &Sandbox, page: &Path, words: &[String]) -> Result<String, Failed> {
    let mut command = Command::new("chromium");
    command.args(["--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]);
    if is_root() {
        command.arg("--no-sandbox");
    }
    let folder = sandbox.path().join("browser");
    std::fs::create_dir_all(&folder)?;
    command.env("HOME", &folder).arg(format!("--user-data-dir={}", folder.display())).args(words);
    command.arg(format!("file://{}", page.display())).stdin(Stdio::null()).stderr(Stdio::null());
    let output = sandbox.path().join("dom.html");
    let mut child = command.stdout(std::fs::File::create(&output)?).spawn()?;
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(status) = child.try_wait()? {
            claim(status.success(), || format!("chromium {words:?}: {status}"))?;
            return Ok(String::from_utf8_lossy(&std::fs::read(&output)?).into_owned());
        }
        if Instant::now() > end {
            child.kill()?;
            child.wait()?;
            return Err(format!("chromium {words:?} has not ended after {DEADLINE:?}").into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The first cells of the rows of the table `costs`, as the browser shows them.
fn order(dom: &str) -> Option<Vec<String>> {
    let section = dom.split("id=\"costs\"").nth(1)?.split("</section>").next()?;
    let body = section.split("<tbody>").nth(1)?;
    let rows = body.split("<tr>").skip(1).filter_map(|row| row.split("<td>").nth(1)?.split("</td>").next());
    Some(rows.map(str::to_owned).collect())
}

fn in_a_browser() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let html = String::from_utf8(report(&sandbox, "page.html", &[])?)?;
    let page = sandbox.path().join("page.html");
    let dump = ["--dump-dom".to_owned()];
    let before = order(&browse(&sandbox, &page, &dump)?).ok_or("the table is not there")?;
    claim(before == ["slow", "quick"], || format!("{before:?}"))?;
    // Clicks on the heading of the third column, the native time: once rising, twice falling.
    for (clicks, wanted, sorted) in [(1, ["quick", "slow"], "ascending"), (2, ["slow", "quick"], "descending")] {
        let click = "document.querySelectorAll('#costs th button')[2].click();".repeat(clicks);
        let clicked = sandbox.path().join("clicked.html");
        std::fs::write(&clicked, html.replace("</body>", &format!("<script>{click}</script></body>")))?;
        let dom = browse(&sandbox, &clicked, &dump)?;
        let after = order(&dom).ok_or("the table is gone")?;
        claim(after == wanted, || format!("after {clicks} clicks: {after:?}"))?;
        claim(dom.contains(&format!("aria-sort=\"{sorted}\"")), || format!("nothing is {sorted}"))?;
    }
    let mut light = Vec::new();
    let dark = "--force-dark-mode";
    for (name, size, words) in
        [("desk", "1200,1600", None), ("dark", "1200,1600", Some(dark)), ("phone", "500,2400", None)]
    {
        let picture = sandbox.path().join(format!("{name}.png"));
        let mut options = vec![format!("--window-size={size}"), format!("--screenshot={}", picture.display())];
        options.extend(words.map(str::to_owned));
        browse(&sandbox, &page, &options)?;
        let bytes = std::fs::read(&picture)?;
        // A page without anything on it is a few kilobytes.
        claim(bytes.starts_with(b"\x89PNG") && bytes.len() > 20_000, || format!("{name}: {} bytes", bytes.len()))?;
        match name {
            "desk" => light = bytes,
            "dark" => claim(bytes != light, || "the dark page looks like the light one".into())?,
            _ => {}
        }
        if let Some(folder) = std::env::var_os("RCB_SCREENSHOTS") {
            std::fs::copy(&picture, Path::new(&folder).join(format!("{name}.png")))?;
        }
    }
    Ok(())
}

fn figures() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let svg = String::from_utf8(report(&sandbox, "figure.svg", &["--figure", "overhead"])?)?;
    claim(svg.starts_with("<svg") && svg.contains("slow") && svg.contains("geometric mean"), || svg.clone())?;
    let png = report(&sandbox, "figure.png", &["--figure", "parts"])?;
    claim(png.starts_with(b"\x89PNG") && png.len() > 5000, || format!("{} bytes", png.len()))
}

fn bad_input() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let file = |name: &str, text: &str| -> Result<String, Failed> {
        let path = sandbox.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    };
    let (good, text) = (file("good.json", DOCUMENT)?, file("bad.txt", "no JSON\n")?);
    let old = file("old.json", &DOCUMENT.replacen("\"schema\": 1", "\"schema\": 99", 1))?;
    let page = sandbox.path().join("page.html").display().to_string();
    let figure = sandbox.path().join("figure.svg").display().to_string();
    for (words, said) in [
        (vec!["report", "/no/such/file", "-o", &page], "/no/such/file"),
        (vec!["report", &text, "-o", &page], "bad.txt"),
        (vec!["report", &old, "-o", &page], "schema is 99"),
        (vec!["report", &good, "-o", "page.pdf"], ".html, .svg or .png"),
        (vec!["report", &good, "-o", &figure, "--figure", "injection"], "overhead"),
        (vec!["report", &good, "-o", "/no/such/folder/page.html"], "/no/such/folder"),
    ] {
        let seen = tool(&sandbox, &words)?;
        claim(seen.ended == Ended::Exit(125), || format!("{words:?}: {}", seen.ended))?;
        claim(seen.report.contains(said), || format!("{words:?} does not say '{said}':\n{}", seen.report))?;
    }
    claim(!Path::new(&page).exists() && !Path::new(&figure).exists(), || "half a report was written".into())
}
