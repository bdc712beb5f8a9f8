//! EnforceCore's development tasks: `cargo xtask <task>`.
//!
//! Everything a contributor or the build server runs is a task here, in Rust, so that a bare machine needs one command and
//! no one needs to remember a script. What is deliberately absent: rules that only the build server checks. The house
//! rules are ordinary tests of this package, so `cargo test` finds them broken before anyone else does.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod bench;
mod ci;
mod docs;
mod fuzz;
mod limits;
mod lines;
mod modules;
mod mutate;
mod platforms;
mod rust_tests;
mod setup;
mod sizes;
mod skips;
mod soak;
mod steps;
mod surface;
mod test;
mod tidy;
mod tool;
mod verdicts;

/// EnforceCore's development tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what the tests need, then run every test there is.
    Test,
    /// Run the commands in the documents, with what `test` built.
    Docs,
    /// Check the house rules: dependencies, sizes, words, licences, documents.
    Tidy,
    /// Show which files use which against the order of the floors.
    Floors(tidy::floors::FloorsOptions),
    /// Weaken the source on purpose, one patch at a time, and see that a test fails for each.
    Mutate(mutate::MutateOptions),
    /// Run every fuzz target for a few seconds.
    FuzzSmoke(fuzz::FuzzOptions),
    /// Measure what enforcement costs, beside baselines.
    Bench(bench::BenchOptions),
    /// See that the product compiles for other systems.
    Platforms,
    /// Count packages, bytes and the seconds of a release build.
    Sizes(sizes::SizesOptions),
    /// Count the lines of the product, without tests, comments and blank lines.
    Lines(lines::LinesOptions),
    /// Run what takes too long for the build server, for as long as one likes.
    Soak(soak::SoakOptions),
    /// List what others can use of the library's crates.
    Surface(surface::SurfaceOptions),
    /// Everything the build server runs.
    Ci,
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tool::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs one task; false says that it ran and found something wrong.
fn run(task: Task) -> Result<bool> {
    match task {
        Task::Test => test::run(),
        Task::Docs => docs::run_alone(),
        Task::Tidy => tidy::run(),
        Task::Floors(options) => tidy::floors::run(&options),
        Task::Mutate(options) => mutate::run(&options),
        Task::FuzzSmoke(options) => fuzz::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Platforms => platforms::run(),
        Task::Sizes(options) => sizes::run(&options),
        Task::Lines(options) => lines::run(&options),
        Task::Soak(options) => soak::run(&options),
        Task::Surface(options) => surface::run(&options),
        Task::Ci => ci::run(),
    }
}

/// True when `line`, a command of a document, is a task that exists with those flags.
fn is_task(line: &str) -> bool {
    let words = line.strip_prefix("cargo xtask").map(|rest| rest.split_whitespace());
    words.is_some_and(|words| Cli::try_parse_from(std::iter::once("cargo xtask").chain(words)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_known_by_its_name_and_flags() {
        assert!(is_task("cargo xtask test"));
        assert!(is_task("cargo xtask mutate --sample 3"));
        assert!(!is_task("cargo xtask tset"));
        assert!(!is_task("cargo xtask test --faster"));
        assert!(!is_task("cargo test"));
    }
}
