//! `cargo xtask sizes`: how large the product is, and how long a newcomer waits for it.
//!
//! Packages have limits, which are house rules. Bytes and seconds are for a reader to judge: they differ between machines.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;

use crate::tidy::packages;
use crate::tool::{self, cargo, command, follow, read, say};

/// The target folder of what is measured, apart from the one that is worked in.
const FOLDER: &str = "target/sizes";

/// Profiles of the program: what a newcomer builds, and what is distributed.
const PROFILES: [&str; 2] = ["release", "dist"];

/// What to measure.
#[derive(Args)]
pub struct SizesOptions {
    /// Build the release from nothing, and say how long that takes.
    #[arg(long)]
    build: bool,
}

/// Measures; it fails only if something cannot be measured.
pub fn run(options: &SizesOptions) -> Result<bool> {
    let root = tool::root()?;
    for weight in packages::weights(&root)? {
        say(&format!("{:>7} packages (at most {})  {}", weight.packages, weight.max, weight.package));
    }
    if options.build {
        time_clean_build(&root)?;
    }
    for profile in PROFILES {
        build(&root, profile)?;
        let program = root.join(FOLDER).join(profile).join("enforcecore");
        let bytes = fs::metadata(&program).with_context(|| format!("cannot read `{}`", program.display()))?.len();
        let megabytes = bytes as f64 / 1e6;
        say(&format!("{megabytes:>7.1} MB  enforcecore, profile {profile}"));
    }
    Ok(true)
}

/// Other programs that run meanwhile make it longer, so the load is said beside it, and what the processors did for it alone.
fn time_clean_build(root: &Path) -> Result<()> {
    let folder = root.join(FOLDER);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove `{}`", folder.display()))?;
    }
    let (load_before, processors_before) = (load(), children_seconds(root)?);
    let begun = Instant::now();
    build(root, "release")?;
    let seconds = begun.elapsed().as_secs_f64();
    let processors = children_seconds(root)? - processors_before;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    say(&format!(
        "{seconds:>7.1} s   clean release build on {cores} cores; load before {load_before}, after {}",
        load()
    ));
    say(&format!("{processors:>7.1} s   of processors for it, user and system"));
    Ok(())
}

/// What the children that ended have used of the processors (proc(5), `stat`: user and system time in ticks).
fn children_seconds(root: &Path) -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("cannot read this process's times")?;
    let ticks_a_second: f64 = read(command("getconf", root, &["CLK_TCK"]))?.trim().parse()?;
    let ticks = children_ticks(&stat).context("cannot understand this process's times")?;
    Ok(ticks as f64 / ticks_a_second)
}

fn children_ticks(stat: &str) -> Option<u64> {
    // The name in parentheses may hold anything; the fields after it are counted from 3.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(16 - 3).map(str::parse::<u64>);
    Some(times.next()?.ok()? + times.next()?.ok()?)
}

fn build(root: &Path, profile: &str) -> Result<()> {
    let arguments =
        ["build", "--quiet", "--locked", "-p", "enforcecore-cli", "--target-dir", FOLDER, "--profile", profile];
    follow(cargo(root, &arguments), |_| false)?.require(&format!("the build with the profile `{profile}`"))
}

/// Programs that wanted to run in the last minute, as the kernel counts them.
fn load() -> String {
    let average = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    average.split_whitespace().next().unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_after_a_name_with_anything_in_it() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 90 2000 0 3 11 12 130 14 20 0 1 0 500";
        assert_eq!(children_ticks(stat), Some(144));
    }
}
