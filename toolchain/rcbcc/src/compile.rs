//! Sources to objects or assembly.

use crate::args::{Args, Input, Stop};
use crate::harden::{Product, harden};
use crate::tools::Tools;
use anyhow::{Context, Result, bail};
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What an input is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// C, C++ and what else clang turns into bitcode.
    Source,
    /// Assembler: has no bitcode, so it stays as it is.
    Assembler,
    /// LLVM bitcode or IR text.
    Bitcode,
    /// Objects, archives, libraries, linker scripts.
    ForLinker,
}

/// What an input is, by its language or its name, and for objects by their first bytes.
pub(crate) fn kind(input: &Input) -> Kind {
    if let Some(language) = &input.language {
        return match language.to_string_lossy().as_ref() {
            "assembler" | "assembler-with-cpp" => Kind::Assembler,
            "ir" => Kind::Bitcode,
            _ => Kind::Source,
        };
    }
    let extension = Path::new(&input.path).extension().and_then(OsStr::to_str).unwrap_or_default();
    match extension {
        "s" | "S" | "sx" => Kind::Assembler,
        "bc" | "ll" => Kind::Bitcode,
        "c" | "cc" | "cp" | "cpp" | "cxx" | "c++" | "C" | "CPP" | "i" | "ii" | "m" | "mm" | "h" | "hh" | "hpp" => {
            Kind::Source
        }
        _ if is_bitcode(Path::new(&input.path)) => Kind::Bitcode,
        _ => Kind::ForLinker,
    }
}

/// Whether a file begins as LLVM bitcode does.
fn is_bitcode(path: &Path) -> bool {
    let mut start = [0; 4];
    let read = std::fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut start));
    read.is_ok() && (start == *b"BC\xc0\xde" || start == [0xde, 0xc0, 0x17, 0x0b])
}

/// `-c` and `-S`: every source to a file of its own.
pub(crate) fn each(tools: &Tools, args: &Args) -> Result<ExitCode> {
    let product = if args.stop == Stop::Assembly { Product::Assembly } else { Product::Object };
    let inputs: Vec<_> = args.inputs.iter().filter(|input| kind(input) != Kind::ForLinker).collect();
    if inputs.len() > 1 && args.output.is_some() {
        bail!("-o with -c or -S and several sources: they would all be written to one file");
    }
    for input in inputs {
        let output = args.output.clone().unwrap_or_else(|| default_output(input, product));
        one(tools, args, input, product, &output)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn default_output(input: &Input, product: Product) -> PathBuf {
    let extension = if product == Product::Object { "o" } else { "s" };
    Path::new(Path::new(&input.path).file_name().unwrap_or(&input.path)).with_extension(extension)
}

/// Compiles one input to `output`, which appears only when it is complete.
pub(crate) fn one(tools: &Tools, args: &Args, input: &Input, product: Product, output: &Path) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("rcbcc-").tempdir().context("cannot make a temporary folder")?;
    let made = folder.path().join("out.o");
    let kind = kind(input);
    let name = input.path.to_string_lossy().into_owned();
    if kind == Kind::Assembler {
        if args.ours.require && !args.ours.allow.iter().any(|pattern| rcb_pass::options::matches(pattern, &name)) {
            bail!("--require-hardening: {name} is assembler, which cannot be hardened");
        }
        let mut clang = tools.clang();
        clang.args(&args.compile).args(dependencies(args, input, output)).args(language(input));
        clang.arg(if product == Product::Object { "-c" } else { "-S" }).arg(&input.path).arg("-o").arg(&made);
        tools.run(&mut clang)?;
    } else {
        let bitcode = if kind == Kind::Bitcode {
            PathBuf::from(&input.path)
        } else {
            let bitcode = folder.path().join("plain.bc");
            let mut clang = tools.clang();
            clang.args(&args.compile).args(dependencies(args, input, output)).args(language(input));
            clang.args(["-c", "-emit-llvm"]).arg(&input.path).arg("-o").arg(&bitcode);
            tools.run(&mut clang)?;
            bitcode
        };
        let options = for_code_generation(&args.compile);
        harden(tools, &args.ours, (&bitcode, &name), &options, product, (folder.path(), &made))?;
    }
    deliver(&made, output).with_context(|| format!("cannot write {}", output.display()))
}

fn language(input: &Input) -> Vec<OsString> {
    input.language.iter().flat_map(|language| ["-x".into(), language.clone()]).collect()
}

/// Options about dependency files, with the names that clang would derive from `-o`.
fn dependencies(args: &Args, input: &Input, output: &Path) -> Vec<OsString> {
    let mut words = args.dependencies.clone();
    if args.wants_dependencies {
        if !args.names_dependency_file {
            let base = if args.output.is_some() { output.to_owned() } else { default_output(input, Product::Object) };
            words.extend(["-MF".into(), base.with_extension("d").into()]);
        }
        if !args.names_dependency_target {
            words.extend(["-MT".into(), output.as_os_str().to_owned()]);
        }
    }
    words
}

/// Options of the first step without those that name further inputs of the preprocessor.
fn for_code_generation(options: &[OsString]) -> Vec<OsString> {
    let mut kept = Vec::new();
    let mut words = options.iter();
    while let Some(word) = words.next() {
        match word.to_string_lossy().as_ref() {
            "-include" | "-imacros" => {
                words.next();
            }
            _ => kept.push(word.clone()),
        }
    }
    kept
}

/// Moves a finished file to its place; a device or standard output gets the contents.
fn deliver(made: &Path, output: &Path) -> std::io::Result<()> {
    if output == Path::new("-") {
        return std::io::stdout().write_all(&std::fs::read(made)?);
    }
    if output.exists() && !output.is_file() {
        return std::fs::write(output, std::fs::read(made)?);
    }
    // Beside the target, so that the last step is a rename: nobody ever sees half an object.
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".rcbcc-").tempfile_in(folder)?;
    std::io::copy(&mut std::fs::File::open(made)?, &mut file)?;
    file.flush()?;
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666 & !umask());
    file.as_file().set_permissions(permissions)?;
    file.persist(output)?;
    Ok(())
}

/// The mask of permissions of this process. Reading it means setting it; rcbcc has one thread.
fn umask() -> u32 {
    let mask = nix::sys::stat::umask(nix::sys::stat::Mode::empty());
    nix::sys::stat::umask(mask);
    mask.bits()
}
