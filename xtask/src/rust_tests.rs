//! The workspace's Rust tests: built once, run once, counted per package.
//!
//! A package whose tests did not run looks exactly like a package whose tests passed, so a package that executed nothing
//! is a failure here.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::fuzz::clock_seed;
use crate::skips::Skip;
use crate::steps::{Count, Tested};
use crate::tool::{Part, cargo, follow, follow_parts, read, say};
use crate::verdicts::{self, Program, Verdict, begins_program};

/// Packages that may execute no Rust test, each with the reason.
const WITHOUT_RUST_TESTS: [(&str, &str); 1] =
    [("enforcecore-python", "an extension module runs inside Python: its tests are Python's")];

/// How long one test program may take: a busy machine needs a minute for the longest.
const PROGRAM_TIME: Part = Part { begins: begins_program, time: Duration::from_secs(8 * 60) };

/// Which package each test program belongs to, and each library for its documentation tests.
#[derive(Default)]
pub struct Programs {
    packages: Vec<String>,
    owner_of_program: BTreeMap<String, String>,
    owner_of_library: BTreeMap<String, String>,
}

/// Builds every program and test of the workspace, in one configuration.
pub fn build(root: &Path) -> Result<Programs> {
    let arguments = ["build", "--workspace", "--lib", "--bins", "--tests", "--examples"];
    let format = ["--message-format=json-render-diagnostics"];
    let transcript = follow(cargo(root, &[arguments.as_slice(), &format].concat()), |line| {
        let line = line.trim_start();
        ["error", "warning", "-->", "Finished"].iter().any(|start| line.starts_with(start))
    })?;
    if !transcript.success {
        transcript.lines.iter().filter(|line| !line.starts_with('{')).for_each(|line| say(line));
        bail!("the workspace does not build");
    }
    let metadata = read(cargo(root, &["metadata", "--format-version=1", "--no-deps"]))?;
    let mut programs = Programs::of_metadata(&serde_json::from_str(&metadata)?)?;
    transcript.lines.iter().for_each(|line| programs.note_artifact(line));
    Ok(programs)
}

/// Runs every test and documentation test of the workspace.
pub fn run(root: &Path, programs: &Programs) -> Result<Tested> {
    let arguments = ["test", "--workspace", "--no-fail-fast", "--", "--show-output"];
    let mut command = cargo(root, &arguments);
    command.envs(crate::test::environment(root)?);
    let seed = clock_seed();
    say(&format!("    seed {seed}"));
    give_seed(&mut command, seed);
    let shown = |line: &str| line.starts_with("test result:") || begins_program(line);
    let transcript = follow_parts(command, shown, Some(&PROGRAM_TIME))?;
    let ran = verdicts::libtest(&transcript.lines);
    let counts = programs.counts(&ran);
    let mut total = Count::default();
    counts.values().for_each(|count| total += *count);
    if !transcript.success {
        show_failures(&transcript.lines);
        total.failed = total.failed.max(1);
    }
    if transcript.overdue {
        say(&format!("    FAILED: {}", overdue(&ran)));
        total.failed += 1;
    }
    for package in programs.idle(&counts) {
        say(&format!("    FAILED: `{package}` executed no test"));
        total.failed += 1;
    }
    Ok(Tested { count: total, skipped: programs.skips(&ran) })
}

/// What is said of a program that took too long: which tests it was in the middle of.
fn overdue(ran: &[Program]) -> String {
    let Some(program) = ran.last() else { return "no test program began in time".to_owned() };
    let running = match program.still_running().as_slice() {
        [] => "none of its tests for over a minute".to_owned(),
        tests => format!("`{}`", tests.join("`, `")),
    };
    format!("`{}` took too long and was ended; running: {running}", program.stem())
}

/// Tells tests the number that decides what they try.
pub fn give_seed(tests: &mut Command, seed: u32) {
    tests.envs(["PROPTEST_RNG_SEED", "TEST_SOAK_SEED"].map(|name| (name, seed.to_string())));
}

impl Programs {
    fn of_metadata(metadata: &Value) -> Result<Programs> {
        let mut programs = Programs::default();
        for package in metadata["packages"].as_array().context("cargo metadata lists no packages")? {
            let name = package["name"].as_str().context("a package has no name")?;
            programs.packages.push(name.to_owned());
            for target in package["targets"].as_array().into_iter().flatten() {
                let library = target["name"].as_str().unwrap_or_default().replace('-', "_");
                programs.owner_of_library.insert(library, name.to_owned());
            }
        }
        Ok(programs)
    }

    /// Takes in one line of cargo's report, if it tells of a test program.
    fn note_artifact(&mut self, line: &str) {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return };
        let owner = message.get("manifest_path").and_then(Value::as_str).and_then(|path| self.package_at(path));
        let program = message.get("executable").and_then(Value::as_str).and_then(file_name);
        let is_test = message.pointer("/profile/test").and_then(Value::as_bool);
        if let (Some(owner), Some(program), Some(true)) = (owner, program, is_test) {
            self.owner_of_program.insert(program.to_owned(), owner);
        }
    }

    /// The package whose manifest is at `path`.
    fn package_at(&self, path: &str) -> Option<String> {
        let manifest = std::fs::read_to_string(path).ok()?;
        let manifest: toml::Table = manifest.parse().ok()?;
        manifest.get("package")?.get("name")?.as_str().map(str::to_owned)
    }

    fn owner(&self, program: &Program) -> Option<&String> {
        let owners = if program.is_library { &self.owner_of_library } else { &self.owner_of_program };
        owners.get(&program.name)
    }

    /// Tests per package.
    fn counts(&self, ran: &[Program]) -> BTreeMap<String, Count> {
        let mut counts: BTreeMap<String, Count> = BTreeMap::new();
        for program in ran {
            if let (Some(count), Some(owner)) = (program.count, self.owner(program)) {
                *counts.entry(owner.clone()).or_default() += count;
            }
        }
        counts
    }

    /// The tests that did not run, each after its package.
    fn skips(&self, ran: &[Program]) -> Vec<Skip> {
        let mut skips = Vec::new();
        for program in ran {
            let owner = self.owner(program).map_or(program.stem(), String::as_str);
            for (test, verdict) in &program.tests {
                if let Verdict::Skipped(why) = verdict {
                    skips.push(Skip { test: format!("{owner}::{test}"), why: why.clone() });
                }
            }
        }
        skips
    }

    /// Packages that executed nothing and have no reason to.
    fn idle(&self, counts: &BTreeMap<String, Count>) -> Vec<&str> {
        let excused = |name: &str| WITHOUT_RUST_TESTS.iter().any(|(package, _)| *package == name);
        let ran = |name: &str| counts.get(name).is_some_and(|count| *count != Count::default());
        self.packages.iter().map(String::as_str).filter(|name| !ran(name) && !excused(name)).collect()
    }
}

/// Prints what each test program says of its failures, and errors of cargo itself.
fn show_failures(lines: &[String]) {
    let mut inside = false;
    for line in lines {
        inside = (inside || line == "failures:") && !line.starts_with("test result:");
        if inside || line.starts_with("error") {
            say(&format!("    {line}"));
        }
    }
}

fn file_name(path: &str) -> Option<&str> {
    path.rsplit('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs() -> Programs {
        let owners = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
        Programs {
            packages: vec!["core".into(), "host".into(), "enforcecore-python".into()],
            owner_of_program: owners(&[("core-1a", "core"), ("host-2b", "host"), ("files-3c", "host")]),
            owner_of_library: owners(&[("core", "core"), ("host", "host")]),
        }
    }

    fn libtest(text: &str) -> Vec<Program> {
        verdicts::libtest(&text.lines().map(str::to_owned).collect::<Vec<_>>())
    }

    const RESULT: &str = "0 ignored; 0 measured; 0 filtered out; finished in 0.01s";

    #[test]
    fn tests_are_counted_for_the_package_that_owns_them() {
        let text = format!(
            "     Running unittests src/lib.rs (target/debug/deps/core-1a)\n\
             test result: ok. 5 passed; 0 failed; {RESULT}\n\
             \x20    Running tests/files.rs (target/debug/deps/files-3c)\n\
             test result: FAILED. 2 passed; 1 failed; {RESULT}\n\
             \x20  Doc-tests core\n\
             test result: ok. 1 passed; 0 failed; {RESULT}\n"
        );
        let counts = programs().counts(&libtest(&text));
        assert_eq!(counts.get("core"), Some(&Count { passed: 6, failed: 0 }));
        assert_eq!(counts.get("host"), Some(&Count { passed: 2, failed: 1 }));
        assert!(programs().idle(&counts).is_empty());
    }

    #[test]
    fn an_ignored_test_is_a_skip_of_its_package() {
        let text = "     Running tests/files.rs (target/debug/deps/files-3c)\n\
             test a::b ... ignored, later\n\
             test a::c ... ok\n\
             \x20  Doc-tests core\n\
             test crates/core/src/lib.rs - (line 3) ... ignored\n";
        let skips = programs().skips(&libtest(text));
        let names: Vec<&str> = skips.iter().map(|skip| skip.test.as_str()).collect();
        assert_eq!(names, ["host::a::b", "core::crates/core/src/lib.rs - (line 3)"]);
    }

    #[test]
    fn a_program_that_takes_too_long_is_named_with_the_tests_it_is_in() {
        let begins = "     Running tests/files.rs (target/debug/deps/files-3c)\ntest a ... ok\n";
        let slow = "test a has been running for over 60 seconds\ntest b has been running for over 60 seconds\n";
        assert_eq!(overdue(&libtest(&(begins.to_owned() + slow))), "`files` took too long and was ended; running: `b`");
        assert!(overdue(&libtest(begins)).ends_with("none of its tests for over a minute"));
        assert_eq!(overdue(&[]), "no test program began in time");
    }

    #[test]
    fn a_package_that_ran_nothing_is_idle() {
        let text = format!(
            "     Running unittests src/lib.rs (target/debug/deps/core-1a)\n\
             test result: ok. 5 passed; 0 failed; {RESULT}\n\
             \x20    Running unittests src/lib.rs (target/debug/deps/host-2b)\n\
             test result: ok. 0 passed; 0 failed; {RESULT}\n"
        );
        assert_eq!(programs().idle(&programs().counts(&libtest(&text))), ["host"]);
    }
}
