//! Linking: sources and bitcode are hardened first, the runtime is added, and what is not hardened is written down.

use crate::args::{Args, Input, Word};
use crate::compile::{self, Kind};
use crate::harden::{Product, harden};
use crate::tools::Tools;
use crate::unhardened;
use anyhow::{Context, Result, bail};
use rcb_pass::options::matches;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The object with `__rcb_fault`.
const RUNTIME: &[u8] = include_bytes!(env!("RCB_PASS_RT"));

/// Links an executable or a library.
pub(crate) fn link(tools: &Tools, args: &Args) -> Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("rcbcc-").tempdir().context("cannot make a temporary folder")?;
    refuse_unprepared_rust(args)?;
    let mut files = Vec::new();
    for (index, input) in args.inputs.iter().enumerate() {
        files.push(prepared(tools, args, input, &folder.path().join(format!("{index}.o")))?);
    }
    let found = unhardened::among(&files, &args.link);
    if args.ours.require {
        let left = found.iter().filter(|name| !args.ours.allow.iter().any(|pattern| matches(pattern, name)));
        let left: Vec<_> = left.map(|name| format!("  {name}")).collect();
        if !left.is_empty() {
            bail!("--require-hardening: these are not hardened:\n{}", left.join("\n"));
        }
    }
    let output = args.output.clone().unwrap_or_else(|| PathBuf::from("a.out"));
    let mut clang = tools.clang();
    clang.arg("-fuse-ld=lld").arg("-Qunused-arguments");
    // A language given by -x is for sources; what is linked is objects.
    clang.args(compile_options_for_linking(&args.compile));
    for word in &args.link {
        match word {
            Word::Option(option) => clang.arg(option),
            Word::Input(index) => clang.arg(&files[*index]),
        };
    }
    let note = folder.path().join("unhardened.o");
    std::fs::write(&note, unhardened::object(&found, args.ours.catch_signals)?)?;
    clang.arg(&note);
    if !args.is_relocatable {
        let runtime = folder.path().join("rcb_pass_rt.o");
        std::fs::write(&runtime, RUNTIME)?;
        // As a member of an archive: a program that defines __rcb_fault itself does not get it.
        clang.arg("-Wl,--start-lib").arg(&runtime).arg("-Wl,--end-lib");
    }
    clang.arg("-o").arg(&output);
    tools.run(&mut clang)?;
    Ok(ExitCode::SUCCESS)
}

/// An input as a file for the linker.
fn prepared(tools: &Tools, args: &Args, input: &Input, object: &Path) -> Result<PathBuf> {
    match compile::kind(input) {
        Kind::ForLinker => Ok(PathBuf::from(&input.path)),
        Kind::Bitcode if input.language.is_none() => {
            let folder = tempfile::Builder::new().prefix("rcbcc-").tempdir()?;
            let name = input.path.to_string_lossy().into_owned();
            let mut options = args.compile.clone();
            let level = args.plugin_level.map_or_else(|| "-O2".into(), |level| OsString::from(format!("-O{level}")));
            options.extend([level, "-fPIC".into(), "-ffunction-sections".into(), "-fdata-sections".into()]);
            harden(
                tools,
                &args.ours,
                (Path::new(&input.path), &name),
                &options,
                Product::Object,
                (folder.path(), object),
            )?;
            Ok(object.to_owned())
        }
        Kind::Source | Kind::Assembler | Kind::Bitcode => {
            compile::one(tools, args, input, Product::Object, object)?;
            Ok(object.to_owned())
        }
    }
}

/// rustc's objects in machine code: this link comes from a build without the settings that keep bitcode.
fn refuse_unprepared_rust(args: &Args) -> Result<()> {
    let names = args.inputs.iter().filter(|input| input.path.to_string_lossy().ends_with(".rcgu.o"));
    let mut names = names.peekable();
    if names.peek().is_some() && !names.any(|input| compile::kind(input) == Kind::Bitcode) {
        bail!(
            "rustc has handed over machine code, which cannot be hardened\n  rcbcc cargo build --release does what is \
             needed; by hand it is, for the profile: lto = \"fat\", codegen-units = 1, panic = \"abort\"\n  and \
             RUSTFLAGS=\"-C linker-plugin-lto -C linker=rcbcc\""
        );
    }
    Ok(())
}

/// Options that were given for compiling and also matter for linking (`-m32`, `-fsanitize=`, `-pthread`), without those
/// that only the preprocessor reads.
fn compile_options_for_linking(options: &[OsString]) -> Vec<OsString> {
    let wanted = |word: &OsString| {
        let text = word.to_string_lossy().into_owned();
        ["-m", "-f", "-g", "-O", "-pthread", "-std", "-stdlib", "--target", "-W", "-w"]
            .iter()
            .any(|start| text.starts_with(start))
            && text != "-mllvm"
    };
    options.iter().filter(|word| wanted(word)).cloned().collect()
}
