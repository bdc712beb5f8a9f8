//! `cargo xtask fuzz-smoke`: every fuzz target for a few seconds.
//!
//! libFuzzer runs on the stable toolchain: the compiler's own coverage pass does the instrumentation, and no sanitizer is
//! needed where the code has no unsafe. What a longer hunt finds is kept as a test; this run only sees that each target still
//! builds, still holds for its seeds and survives a moment of chance.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::steps::Steps;
use crate::tool::{self, cargo, command, follow, read, say};

/// What the run is to do.
#[derive(Args, Clone)]
pub struct FuzzOptions {
    /// Seconds for each target.
    #[arg(long, value_name = "N", default_value_t = SECONDS)]
    seconds: u32,
    /// The number that decides what is tried; chosen by the clock, and printed, by default.
    #[arg(long, value_name = "S")]
    seed: Option<u32>,
    /// Only the target with this name.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

impl Default for FuzzOptions {
    /// Every target, as long as usual.
    fn default() -> FuzzOptions {
        FuzzOptions { seconds: SECONDS, seed: None, only: None }
    }
}

/// Seconds for each target: enough to run every seed and some hundred thousand variations.
const SECONDS: u32 = 10;
/// Bytes in one input at most: every branch of a reader is reached with less, and more only slows the search.
const INPUT_BYTES_MAX: u32 = 4096;
/// Seconds one input may take, on a busy machine: all readers are linear.
const INPUT_SECONDS_MAX: u32 = 10;
/// Megabytes the process may hold.
const MEMORY_MB_MAX: u32 = 2048;

/// Coverage for libFuzzer, as its documentation asks for it; all of it stable options of the compiler.
const INSTRUMENTATION: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// Builds and runs the targets; true when nothing failed.
pub fn run(options: &FuzzOptions) -> Result<bool> {
    let root = tool::root()?;
    let mut steps = Steps::start();
    smoke(&root, &mut steps, options)?;
    Ok(steps.finish())
}

/// Adds a step for the build and one for each target.
pub fn smoke(root: &Path, steps: &mut Steps, options: &FuzzOptions) -> Result<()> {
    let folder = root.join("fuzz");
    let mut programs = PathBuf::new();
    let built = steps.check("build: fuzz targets", || {
        programs = build(&folder)?;
        Ok(())
    });
    if !built {
        return Ok(());
    }
    let seed = options.seed.unwrap_or_else(clock_seed);
    for target in targets(&folder)?.iter().filter(|name| options.only.as_ref().is_none_or(|only| only == *name)) {
        steps.check(&format!("fuzz: {target}"), || fuzz(&folder, &programs, target, seed, options.seconds));
    }
    Ok(())
}

/// Builds for a named host, because only then does cargo keep the instrumentation out of build scripts.
fn build(folder: &Path) -> Result<PathBuf> {
    let about = read(command("rustc", folder, &["-vV"]))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).context("`rustc -vV` names no host")?;
    let mut build = cargo(folder, &["build", "--quiet", "--target", host]);
    build.env("RUSTFLAGS", INSTRUMENTATION);
    follow(build, |_| false)?.require("the build")?;
    Ok(folder.join("target").join(host).join("debug"))
}

fn targets(folder: &Path) -> Result<Vec<String>> {
    let sources = folder.join("fuzz_targets").read_dir().context("cannot list the fuzz targets")?;
    let mut names = Vec::new();
    for source in sources {
        let path = source.context("cannot list the fuzz targets")?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// Runs one target. What it finds worth keeping goes into its corpus, an input that breaks it into its artifacts.
fn fuzz(folder: &Path, programs: &Path, target: &str, seed: u32, seconds: u32) -> Result<()> {
    let [corpus, artifacts, seeds] = ["corpus", "artifacts", "seeds"].map(|kind| folder.join(kind).join(target));
    for made in [&corpus, &artifacts] {
        std::fs::create_dir_all(made).with_context(|| format!("cannot make `{}`", made.display()))?;
    }
    let mut run = command(programs.join(target), folder, &[]);
    run.args([
        format!("-seed={seed}"),
        format!("-max_total_time={seconds}"),
        format!("-max_len={INPUT_BYTES_MAX}"),
        format!("-timeout={INPUT_SECONDS_MAX}"),
        format!("-rss_limit_mb={MEMORY_MB_MAX}"),
        format!("-artifact_prefix={}/", artifacts.display()),
    ]);
    run.arg(corpus).args(seeds.is_dir().then_some(seeds));
    say(&format!("    seed {seed}"));
    let transcript = follow(run, |line| line.starts_with("Done "))?;
    transcript.require(&format!("`{target}` with seed {seed}"))?;
    let ran = transcript.lines.iter().any(|line| line.starts_with("Done "));
    ensure!(ran, "`{target}` ended before its time");
    Ok(())
}

/// A random seed.
pub fn clock_seed() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.subsec_nanos().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_a_program_of_the_package() {
        let folder = tool::root().unwrap().join("fuzz");
        let manifest: toml::Table = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap();
        let mut programs: Vec<_> =
            manifest["bin"].as_array().unwrap().iter().map(|bin| bin["name"].as_str().unwrap()).collect();
        programs.sort_unstable();
        assert_eq!(targets(&folder).unwrap(), programs);
    }
}
