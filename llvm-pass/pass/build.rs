//! Compiles the shim for what LLVM's C interface lacks, against the headers of the LLVM that inkwell links.

/// Where Debian's packages put LLVM 22; `.cargo/config.toml` says the same to llvm-sys.
#[cfg(feature = "llvm")]
const PREFIX: &str = "LLVM_SYS_221_PREFIX";

const SOURCES: [&str; 2] = ["src/ir/shim.cpp", "src/ir/division.cpp"];

fn main() {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    #[cfg(feature = "llvm")]
    compile_shim();
}

#[cfg(feature = "llvm")]
fn compile_shim() {
    println!("cargo::rerun-if-env-changed={PREFIX}");
    let prefix =
        std::path::PathBuf::from(std::env::var_os(PREFIX).expect("LLVM_SYS_221_PREFIX names the folder of LLVM 22"));
    let asked = std::process::Command::new(prefix.join("bin/llvm-config")).arg("--cxxflags").output();
    let answer = asked.expect("llvm-config of LLVM 22 can be run: install llvm-22-dev");
    let flags = String::from_utf8(answer.stdout).expect("llvm-config prints text");
    let mut build = cc::Build::new();
    build.cpp(true).compiler(prefix.join("bin/clang++")).files(SOURCES).flag("-std=c++17").warnings(false);
    for flag in flags.split_whitespace().filter(|flag| flag.starts_with("-I") || flag.starts_with("-D_")) {
        build.flag(flag);
    }
    build.flag("-fno-rtti").flag("-fno-exceptions").opt_level(2).compile("rcb_shim");
}
