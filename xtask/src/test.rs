//! `cargo xtask test`: from a bare machine to every test's verdict, in one command.
//!
//! Tests find what this task prepared through four variables; a test that needs one that is unset skips itself, so each
//! suite also runs alone. Here all are set, and what is skipped all the same has failed unless `skips.rs` lists it.
//!
//! | variable | what it names |
//! |---|---|
//! | `TEST_ENFORCECORE` | the `enforcecore` program |
//! | `TEST_PYTHON` | the Python with the test environment |
//! | `TEST_PYTHON_BIN` | the folder with that environment's programs |
//! | `TEST_NODE_BIN` | the folder with the servers written for Node |

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::skips::Skip;
use crate::steps::{Steps, Tested};
use crate::tool::{command, follow, say};
use crate::verdicts::{self, PYTEST, Verdict};
use crate::{ci, docs, rust_tests, setup, tool};

/// Folders with Python tests, relative to the root.
const PYTHON_TESTS: [&str; 2] = ["bindings/python/tests", "tests/mcp"];

/// The folder with the tests against servers and clients that others wrote, which take minutes.
const PEER_TESTS: [&str; 1] = ["tests/peers"];

/// Installs, builds and tests; true when nothing failed.
pub fn run() -> Result<bool> {
    let root = tool::root()?;
    let mut steps = Steps::limited(&ci::LIMITS);
    prepare(&root, &mut steps);
    all(&root, &mut steps);
    Ok(steps.finish())
}

/// Installs what is missing.
pub fn prepare(root: &Path, steps: &mut Steps) {
    steps.check("install: system packages", || setup::system_packages(&setup::TEST_PACKAGES));
    steps.check("install: python environment", || setup::python_environment(root));
    steps.check("install: python peers", || setup::python_peers(root));
    steps.check("install: node servers", || setup::node_servers(root));
}

/// Builds and runs every test. What cannot be prepared fails its own step; the others still run.
pub fn all(root: &Path, steps: &mut Steps) {
    let mut programs = None;
    let built = steps.check("build: workspace and its tests", || {
        programs = Some(rust_tests::build(root)?);
        Ok(())
    });
    let Some(programs) = programs.filter(|_| built) else { return };
    steps.tests("test: rust", || rust_tests::run(root, &programs));
    if steps.check("build: python package", || python_package(root)) {
        steps.tests("test: python", || python_tests(root, &PYTHON_TESTS));
    }
    steps.tests("test: servers and clients of others", || python_tests(root, &PEER_TESTS));
    steps.count("test: commands in the documents", || docs::run(root));
}

/// The variables tests find their surroundings by, and a path that has `enforcecore` on it.
pub fn environment(root: &Path) -> Result<Vec<(&'static str, OsString)>> {
    let programs = root.join("target/debug");
    let python_programs = setup::venv(root).join("bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [programs.clone(), python_programs.clone()].into_iter().chain(std::env::split_paths(&path));
    let mut environment = vec![("PATH", std::env::join_paths(folders).context("a folder's name contains `:`")?)];
    environment.push(("TEST_ENFORCECORE", programs.join("enforcecore").into()));
    for (name, path) in [
        ("TEST_PYTHON", setup::venv_program(root, "python")),
        ("TEST_PYTHON_BIN", python_programs),
        ("TEST_NODE_BIN", setup::node_programs(root)),
    ] {
        // A machine where an installation failed still runs the tests that do without.
        if path.exists() {
            environment.push((name, path.into()));
        }
    }
    Ok(environment)
}

/// Builds the extension module and installs the Python package into the environment.
fn python_package(root: &Path) -> Result<()> {
    let maturin = setup::venv_program(root, "maturin");
    let arguments =
        ["develop", "--quiet", "--locked", "--manifest-path", "bindings/python/Cargo.toml", "--target-dir", "target"];
    let mut build = command(maturin, root, &arguments);
    build.env("VIRTUAL_ENV", setup::venv(root));
    follow(build, |_| false)?.require("the Python package's build")
}

fn python_tests(root: &Path, folders: &[&'static str]) -> Result<Tested> {
    let mut arguments = PYTEST.to_vec();
    arguments.extend(folders.iter().filter(|folder| root.join(folder).is_dir()));
    let mut pytest = command(setup::venv_program(root, "python"), root, &arguments);
    pytest.envs(environment(root)?).env("PYTHONDONTWRITEBYTECODE", "1");
    let transcript = follow(pytest, |line| line.starts_with("latency"))?;
    let last = transcript.lines.iter().rev().find(|line| !line.trim().is_empty()).map_or("", String::as_str);
    say(&format!("    {}", last.trim()));
    let mut count = verdicts::pytest_summary(last);
    if !transcript.success {
        transcript.show_end();
        count.failed = count.failed.max(1);
    } else if count.passed == 0 {
        bail!("no Python test ran");
    }
    Ok(Tested { count, skipped: python_skips(&transcript.lines) })
}

fn python_skips(lines: &[String]) -> Vec<Skip> {
    let skip = |(test, verdict)| match verdict {
        Verdict::Skipped(why) => Some(Skip { test, why }),
        Verdict::Passed | Verdict::Failed => None,
    };
    verdicts::pytest(lines).into_iter().filter_map(skip).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_not_to_run_a_python_test_is_a_skip() {
        let lines = [
            "PASSED t.py::test_a",
            "SKIPPED t.py::test_b - TEST_ENFORCECORE names no program",
            "XFAIL t.py::test_c - later",
            "1 passed, 1 skipped, 2 deselected, 1 xfailed in 0.12s",
        ];
        let skips = python_skips(&lines.map(str::to_owned));
        let names: Vec<&str> = skips.iter().map(|skip| skip.test.as_str()).collect();
        assert_eq!(names, ["t.py::test_b", "t.py::test_c", "2 deselected"]);
        assert!(skips.iter().all(|skip| !skip.is_listed()));
    }
}
