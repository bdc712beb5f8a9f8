//! `cargo xtask ci`: what the build server runs, and all it runs.

use std::path::Path;

use anyhow::Result;

use crate::mutate::{self, MutateOptions};
use crate::steps::{Minutes, Steps};
use crate::tool::{cargo, command, follow, watch};
use crate::{fuzz, platforms, setup, test, tool};

/// How long a run and each of its steps may take, with two cores and nothing built: beyond it no one waits for the verdict.
pub static LIMITS: Minutes = Minutes {
    whole: 75,
    steps: &[
        ("install: system packages", 10),
        ("install: python environment", 10),
        ("install: python peers", 15),
        ("install: node servers", 10),
        ("check: rust format", 2),
        ("check: clippy", 15),
        ("check: documentation", 10),
        ("check: ruff", 2),
        ("check: python format", 2),
        // Each of the targets.
        ("check: *", 10),
        ("build: workspace and its tests", 20),
        ("test: rust", 20),
        ("build: python package", 15),
        ("test: python", 20),
        ("test: servers and clients of others", 30),
        ("test: commands in the documents", 10),
        ("build: fuzz targets", 15),
        ("fuzz: *", 3),
        ("demo: the release build", 15),
        ("mutate: a sample", 40),
    ],
};

/// Mutants tried per run; all of them take longer than everything else together.
const MUTANTS_SAMPLED: usize = 12;

/// Runs every check; true when nothing failed.
pub fn run() -> Result<bool> {
    let root = tool::root()?;
    let mut steps = Steps::limited(&LIMITS);
    test::prepare(&root, &mut steps);
    rust_checks(&root, &mut steps);
    platforms::check(&root, &mut steps);
    python_checks(&root, &mut steps);
    test::all(&root, &mut steps);
    fuzz::smoke(&root, &mut steps, &fuzz::FuzzOptions::default())?;
    steps.check("demo: the release build", || demo(&root));
    steps.count("mutate: a sample", || mutate::sample(&root, &MutateOptions::sample(MUTANTS_SAMPLED)));
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

#[cfg(test)]
mod tests {
    /// The names of steps in a task's source, up to where one is completed.
    fn step_names(source: &str) -> Vec<&str> {
        let calls = ["steps.check(\"", "steps.count(\"", "steps.tests(\"", "steps.check(&format!(\""];
        let product = source.split("#[cfg(test)]").next().unwrap();
        let starts = |call: &&str| product.split(*call).skip(1).collect::<Vec<_>>();
        let names = calls.iter().flat_map(starts);
        names.map(|rest| rest.split(['"', '{']).next().unwrap()).collect()
    }

    #[test]
    fn every_step_has_a_time_limit() {
        let sources =
            [include_str!("ci.rs"), include_str!("test.rs"), include_str!("fuzz.rs"), include_str!("platforms.rs")];
        let names: Vec<&str> = sources.iter().flat_map(|source| step_names(source)).collect();
        assert!(names.len() > 12 && names.contains(&"fuzz: ") && names.contains(&"mutate: a sample"), "{names:?}");
        for name in names {
            assert!(super::LIMITS.of(name).is_some(), "`{name}` has no limit");
        }
        assert!(super::LIMITS.of("a step that is not").is_none());
        assert!(super::LIMITS.whole <= 75 && super::LIMITS.steps.iter().all(|(_, minutes)| *minutes < 75));
    }
}
