//! `cargo xtask soak NAME`: what takes too long, or too much machinery, for every run of the build server.
//!
//! A soak repeats itself until its minutes are over, each time with the next seed, and stops at the first failure. What was
//! last seen stands in `docs/soak.md`.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::fuzz::clock_seed;
use crate::rust_tests::give_seed;
use crate::steps::{Count, Steps};
use crate::tool::{self, cargo, follow, say};
use crate::verdicts::test_result;

mod systems;

/// What to run, for how long, and from which seed.
#[derive(Args)]
pub struct SoakOptions {
    /// The soak.
    #[arg(value_enum)]
    name: SoakName,
    /// Minutes after which it is not repeated any more.
    #[arg(long, value_name = "N", default_value_t = 1)]
    minutes: u64,
    /// The number that decides what is tried; chosen by the clock, and printed, by default.
    #[arg(long, value_name = "S")]
    seed: Option<u32>,
}

#[derive(Clone, Copy, ValueEnum)]
enum SoakName {
    /// The tests of the library and its files on 64-bit ARM, emulated by QEMU.
    PlatformsArm,
    /// The tests of the library and its files on Windows, as Wine knows it.
    PlatformsWindows,
    /// Processes and threads that share a log and are killed while they write.
    Log,
    /// Folders and links that are exchanged while calls go through.
    Exchange,
}

/// Runs a soak; true when nothing failed.
pub fn run(options: &SoakOptions) -> Result<bool> {
    let root = tool::root()?;
    let mut steps = Steps::start();
    let first = options.seed.unwrap_or_else(clock_seed);
    let time = Duration::from_secs(60 * options.minutes);
    match options.name {
        SoakName::PlatformsArm => repeat_on(&systems::arm(), &root, &mut steps, first, time),
        SoakName::PlatformsWindows => repeat_on(&systems::windows(&root), &root, &mut steps, first, time),
        SoakName::Log => drop(steps.count(&format!("seed {first}"), || log(&root, first, time))),
        SoakName::Exchange => drop(steps.count("exchange", || exchange(&root, time))),
    }
    Ok(steps.finish())
}

fn repeat_on(system: &systems::System, root: &Path, steps: &mut Steps, first: u32, time: Duration) {
    let mut seed = first;
    let mut goes_on = steps.check("install: the system", || system.install(root));
    while goes_on {
        goes_on = steps.count(&format!("seed {seed}"), || system.test(root, seed)) && steps.elapsed() < time;
        seed = seed.wrapping_add(1);
    }
}

/// The generator of the host's tests makes as many logs as it has time for.
fn log(root: &Path, seed: u32, time: Duration) -> Result<Count> {
    let mut test =
        cargo(root, &["test", "-p", "enforcecore-host", "--test", "crashes", "--", "--nocapture", "--exact"]);
    test.arg("writers_are_killed_at_random_moments");
    give_seed(&mut test, seed);
    test.env("TEST_SOAK_SECONDS", time.as_secs().to_string());
    counted(test)
}

/// The moments are the system's alone, so there is no seed.
fn exchange(root: &Path, time: Duration) -> Result<Count> {
    let mut test = cargo(root, &["test", "-p", "enforcecore-host", "--test", "exchange", "--", "--nocapture"]);
    test.env("TEST_SOAK_SECONDS", time.as_secs().to_string());
    counted(test)
}

/// Runs tests and counts them; that none ran is a failure.
fn counted(test: Command) -> Result<Count> {
    let transcript =
        follow(test, |line| ["test result:", "seed ", "logs: ", "exchange: "].iter().any(|word| line.contains(word)))?;
    let mut total = Count::default();
    transcript.lines.iter().filter_map(|line| test_result(line.trim())).for_each(|count| total += count);
    if !transcript.success || total.passed == 0 {
        transcript.show_end();
        say("    FAILED: the tests ended with an error, or none ran");
        total.failed = total.failed.max(1);
    }
    Ok(total)
}

/// Variables for a child, in the form `Command` takes them.
type Variables = Vec<(&'static str, OsString)>;
