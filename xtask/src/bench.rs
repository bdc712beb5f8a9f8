//! `cargo xtask bench line`: what enforcement costs, each time beside a baseline in the same run.
//!
//! The line itself is measured by `enforcecore-bench`, in one process. Here are what one process cannot measure about itself,
//! its start, and what another language adds.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use crate::tool::{self, cargo, command, follow, read, say};
use crate::{setup, test};

/// Starts of each program: enough for a median that one disturbance does not move.
const STARTS: usize = 101;

/// What to measure.
#[derive(Args)]
pub struct BenchOptions {
    /// The benchmark
    #[arg(value_enum)]
    name: BenchName,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum BenchName {
    /// The line in process, from Python, and the start of the program.
    Line,
}

/// Measures; the numbers are for a reader to judge, so it fails only if something cannot be measured.
pub fn run(options: &BenchOptions) -> Result<bool> {
    let BenchName::Line = options.name;
    let root = tool::root()?;
    setup::python_environment(&root)?;
    follow(
        cargo(&root, &["build", "--quiet", "--release", "-p", "enforcecore-cli", "-p", "enforcecore-bench"]),
        |_| false,
    )?
    .require("the build")?;
    let release = root.join("target/release");
    let program = release.join("enforcecore");
    let folder = tempfile::tempdir_in(root.join("target")).context("cannot make a folder")?;
    let here = folder.path().to_str().context("the folder's name is not UTF-8")?;

    let measured = read(command(release.join("enforcecore-bench"), &root, &["--dir", here]))?;
    let measured: Json = serde_json::from_str(&measured).context("`enforcecore-bench` printed no JSON")?;
    let mut rows = measured.get("rows").and_then(Json::as_array).cloned().unwrap_or_default();
    rows.push(python(&root, folder.path())?);
    rows.push(cold_start(&program, folder.path())?);
    let kind = measured.get("file_system").and_then(Json::as_str).unwrap_or("unknown");
    if options.json {
        say(&json!({"v": 1, "file_system": kind, "rows": rows}).to_string());
    } else {
        say(&format!("file system: {kind}; medians, measured in turns with their baselines"));
        rows.iter().try_for_each(show)?;
    }
    Ok(true)
}

fn show(row: &Json) -> Result<()> {
    let text = |key: &str| row.get(key).and_then(Json::as_str).context("a row without its name");
    let number = |key: &str| row.get(key).and_then(Json::as_f64).context("a row without its number");
    let (name, baseline) = (text("name")?, text("baseline")?);
    let (took, base, ratio) = (number("median_us")?, number("baseline_median_us")?, number("ratio")?);
    say(&format!("{name:<36} {took:>10.2} us   {baseline:<24} {base:>10.3} us   x {ratio:.1}"));
    Ok(())
}

/// The decorated function against the bare one, with the extension module built for release.
fn python(root: &Path, folder: &Path) -> Result<Json> {
    let (wheels, package) = (folder.join("wheels"), folder.join("package"));
    let mut build = command(setup::venv_program(root, "maturin"), root, &["build", "--quiet", "--locked", "--release"]);
    build.args(["--manifest-path", "bindings/python/Cargo.toml", "--target-dir", "target", "--out"]).arg(&wheels);
    follow(build, |_| false)?.require("the Python package's build")?;
    let wheel = fs::read_dir(&wheels)?.flatten().next().context("maturin built no wheel")?.path();
    let python = setup::venv_program(root, "python");
    let mut install = command(&python, root, &["-m", "pip", "install", "--quiet", "--no-deps", "--target"]);
    follow(
        {
            install.arg(&package).arg(wheel);
            install
        },
        |_| false,
    )?
    .require("the Python package's installation")?;
    let mut run = command(&python, root, &["bindings/python/benches/line.py"]);
    run.arg(folder).env("PYTHONPATH", &package).envs(test::environment(root)?);
    serde_json::from_str(&read(run)?).context("the Python benchmark printed no JSON")
}

/// One decision from a shell, against a program that does nothing.
fn cold_start(program: &Path, folder: &Path) -> Result<Json> {
    let policy = folder.join("start.yaml");
    fs::write(
        &policy,
        "enforcecore: 1\nname: start\nversion: \"1\"\ntools: {ping: {does: reads, returns: trusted}}\nrules: [{allow: ping, id: ping}]\n",
    )?;
    let decide = ["decide", "--call", r#"{"tool":"ping","args":{}}"#, "--policy"];
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let mut decision = command(program, folder, &decide);
        decision.arg(&policy);
        ours.push(time(decision)?);
        theirs.push(time(command("/bin/true", folder, &[]))?);
    }
    let (took, base) = (median(ours), median(theirs));
    Ok(json!({
        "name": "cold start of `enforcecore decide`", "baseline": "/bin/true",
        "median_us": took, "baseline_median_us": base, "ratio": took / base,
    }))
}

/// Microseconds from start to end.
fn time(mut command: std::process::Command) -> Result<f64> {
    command.stdout(Stdio::null());
    let begun = Instant::now();
    let status = command.status().context("cannot start a program")?;
    let took: Duration = begun.elapsed();
    if !status.success() {
        bail!("a program that was measured failed ({status})");
    }
    Ok(took.as_secs_f64() * 1e6)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}
