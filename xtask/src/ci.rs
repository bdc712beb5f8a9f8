//! `cargo xtask ci`: what the build server runs, and all it runs.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::mutate::{self, Options};
use crate::steps::Steps;
use crate::tool::{cargo, command, follow, watch};
use crate::{fuzz, platforms, setup, test, tool};

/// How long a run may take, with two cores: beyond it no one waits for the verdict any more.
const MINUTES_MAX: u64 = 45;

/// Mutants tried per run; all of them take longer than everything else together.
const MUTANTS_SAMPLED: usize = 6;

/// Runs every check; true when nothing failed.
pub fn run() -> Result<bool> {
    let root = tool::root()?;
    let mut steps = Steps::start();
    test::prepare(&root, &mut steps);
    rust_checks(&root, &mut steps);
    platforms::check(&root, &mut steps);
    python_checks(&root, &mut steps);
    test::all(&root, &mut steps);
    fuzz::smoke(&root, &mut steps, &fuzz::Options::default())?;
    steps.check("demo: the release build", || demo(&root));
    steps.count("mutate: a sample", || mutate::sample(&root, &Options::sample(MUTANTS_SAMPLED)));
    let elapsed = steps.elapsed();
    steps.check("within the time limit", || within(elapsed));
    Ok(steps.finish())
}

fn rust_checks(root: &Path, steps: &mut Steps) {
    steps.check("check: rust format", || watch(cargo(root, &["fmt", "--all", "--check"])));
    steps.check("check: clippy", || {
        let arguments = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
        watch(cargo(root, &arguments))
    });
    steps.check("check: documentation", || {
        let mut doc = cargo(root, &["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"]);
        doc.env("RUSTDOCFLAGS", "-D warnings");
        watch(doc)
    });
}

fn python_checks(root: &Path, steps: &mut Steps) {
    let ruff = setup::venv_program(root, "ruff");
    steps.check("check: ruff", || watch(command(&ruff, root, &["check", "--quiet"])));
    steps.check("check: python format", || watch(command(&ruff, root, &["format", "--quiet", "--check"])));
}

/// The first command of the readme, as a newcomer types it.
fn demo(root: &Path) -> Result<()> {
    follow(cargo(root, &["run", "--quiet", "--release", "--", "demo"]), |_| false)?.require("the demo")
}

fn within(elapsed: Duration) -> Result<()> {
    if elapsed > Duration::from_secs(MINUTES_MAX * 60) {
        bail!("took {} minutes; the limit is {MINUTES_MAX}", elapsed.as_secs() / 60);
    }
    Ok(())
}
