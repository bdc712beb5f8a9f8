//! What test programs say of each test, as libtest and pytest print it.

use std::collections::BTreeSet;

use crate::steps::Count;

/// How pytest is started: every test is named with its verdict, and none runs for ever. The first limit says where each thread
/// was; the second holds also where a test keeps Python's own lock to itself.
pub const PYTEST: [&str; 12] = [
    "-m",
    "pytest",
    "-q",
    "--import-mode=importlib",
    "-p",
    "no:cacheprovider",
    "-rfEsxXp",
    "--no-fold-skipped",
    "--timeout=180",
    "--timeout-method=thread",
    "--override-ini=faulthandler_timeout=200",
    "--override-ini=faulthandler_exit_on_timeout=true",
];

/// What became of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It ran and held.
    Passed,
    /// It ran and did not.
    Failed,
    /// It did not run, or its verdict does not count; with the reason.
    Skipped(String),
}

/// One program of `cargo test`, or the documentation tests of one library.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// The program's file, or the library.
    pub name: String,
    /// Whether it is a library's documentation.
    pub is_library: bool,
    /// Each test with what became of it.
    pub tests: Vec<(String, Verdict)>,
    /// What it counted itself, if it came to its end.
    pub count: Option<Count>,
    /// Tests it called slow.
    slow: BTreeSet<String>,
}

impl Program {
    /// Its name without what cargo adds to tell two builds apart.
    pub fn stem(&self) -> &str {
        if self.is_library { &self.name } else { self.name.rsplit_once('-').map_or(&self.name, |(stem, _)| stem) }
    }

    /// Tests that it called slow and that have no verdict.
    pub fn still_running(&self) -> Vec<&str> {
        let ended = |slow: &str| self.tests.iter().any(|(name, _)| name == slow);
        self.slow.iter().map(String::as_str).filter(|slow| !ended(slow)).collect()
    }
}

/// Reads what `cargo test -- --show-output` printed.
///
/// A test that finds out only while it runs that it cannot, says `skipped: REASON` and passes.
pub fn libtest(lines: &[String]) -> Vec<Program> {
    let mut programs: Vec<Program> = Vec::new();
    let mut shown: Option<String> = None;
    for line in lines.iter().map(|line| line.trim()) {
        if let Some(program) = program_begins(line) {
            programs.push(program);
            shown = None;
            continue;
        }
        let Some(program) = programs.last_mut() else { continue };
        if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) {
            shown = Some(name.to_owned());
        } else if let (Some(why), Some(name)) = (line.strip_prefix("skipped: "), &shown) {
            program.tests.retain(|(test, verdict)| !(test == name && *verdict == Verdict::Passed));
            program.tests.push((name.clone(), Verdict::Skipped(why.to_owned())));
        } else if let Some(count) = test_result(line) {
            program.count = Some(count);
            shown = None;
        } else if let Some(rest) = line.strip_prefix("test ") {
            if let Some((name, _)) = rest.split_once(" has been running for over ") {
                program.slow.insert(name.to_owned());
            }
            program.tests.extend(rest.rsplit_once(" ... ").and_then(|(name, end)| verdict(name, end)));
        }
    }
    programs
}

/// True for a line with which a program, or a library's documentation tests, begin.
pub fn begins_program(line: &str) -> bool {
    program_begins(line.trim()).is_some()
}

fn program_begins(line: &str) -> Option<Program> {
    if let Some(library) = line.strip_prefix("Doc-tests ") {
        return Some(Program { name: library.to_owned(), is_library: true, ..Program::default() });
    }
    let (_, path) = line.strip_prefix("Running ")?.rsplit_once('(')?;
    let name = path.trim_end_matches(')').rsplit('/').next()?;
    Some(Program { name: name.to_owned(), ..Program::default() })
}

fn verdict(name: &str, end: &str) -> Option<(String, Verdict)> {
    let verdict = match end {
        "ok" => Verdict::Passed,
        "FAILED" => Verdict::Failed,
        _ => Verdict::Skipped(end.strip_prefix("ignored")?.trim_start_matches([',', ' ']).to_owned()),
    };
    Some((name.to_owned(), verdict))
}

/// The counts of a line such as `test result: ok. 5 passed; 0 failed; 1 ignored; ..`.
pub fn test_result(line: &str) -> Option<Count> {
    let rest = line.strip_prefix("test result:")?;
    let number = |word: &str| -> Option<usize> {
        let before = rest.split(';').find_map(|part| part.trim().strip_suffix(word))?;
        before.split_whitespace().last()?.parse().ok()
    };
    Some(Count { passed: number("passed")?, failed: number("failed")? })
}

/// Reads pytest's short summary. What it left out on request has no names, only a number.
pub fn pytest(lines: &[String]) -> Vec<(String, Verdict)> {
    let mut tests: Vec<(String, Verdict)> = Vec::new();
    for line in lines {
        let Some((word, rest)) = line.split_once(' ') else { continue };
        if !rest.contains("::") {
            continue;
        }
        let (name, why) = rest.split_once(" - ").unwrap_or((rest, ""));
        let skipped = || Verdict::Skipped(format!("{}: {why}", word.to_lowercase()));
        match word {
            "PASSED" => tests.push((rest.to_owned(), Verdict::Passed)),
            "FAILED" | "ERROR" => tests.push((rest.to_owned(), Verdict::Failed)),
            // With a place in brackets before the name, where it was told apart by that.
            "SKIPPED" | "XFAIL" | "XPASS" => {
                let name =
                    name.split_once("] ").filter(|(count, _)| count.starts_with('[')).map_or(name, |(_, name)| name);
                tests.push((name.to_owned(), skipped()));
            }
            _ => {}
        }
    }
    let left_out = lines.iter().rev().find_map(|line| number_before(line, "deselected"));
    tests.extend(left_out.map(|number| (format!("{number} deselected"), Verdict::Skipped("not asked for".to_owned()))));
    tests
}

/// The counts of a line such as `1 failed, 5 passed, 2 skipped in 0.12s`.
pub fn pytest_summary(line: &str) -> Count {
    let number = |words: &[&str]| words.iter().filter_map(|word| number_before(line, word)).sum();
    Count { passed: number(&["passed"]), failed: number(&["failed", "error", "errors"]) }
}

fn number_before(line: &str, word: &str) -> Option<usize> {
    line.trim_matches(['=', ' ']).split(", ").find_map(|part| {
        let mut words = part.split_whitespace();
        let number = words.next()?.parse().ok()?;
        (words.next() == Some(word)).then_some(number)
    })
}

/// The tests that failed and are among those that passed before. After a name pytest says why.
pub fn newly_failed(before: &[(String, Verdict)], after: &[(String, Verdict)]) -> Vec<String> {
    let with = |tests: &[(String, Verdict)], wanted: Verdict| -> Vec<String> {
        tests.iter().filter(|(_, verdict)| *verdict == wanted).map(|(name, _)| name.clone()).collect()
    };
    let failed = with(after, Verdict::Failed);
    let is_failed = |name: &String| {
        failed
            .iter()
            .any(|said| said.strip_prefix(name.as_str()).is_some_and(|end| end.is_empty() || end.starts_with(" - ")))
    };
    with(before, Verdict::Passed).into_iter().filter(is_failed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    fn skipped(name: &str, why: &str) -> (String, Verdict) {
        (name.to_owned(), Verdict::Skipped(why.to_owned()))
    }

    fn ended(name: &str, verdict: Verdict) -> (String, Verdict) {
        (name.to_owned(), verdict)
    }

    const RUST: &str = "   Compiling a v0.1.0
     Running unittests src/lib.rs (target/debug/deps/core_a-1a2b)

running 5 tests
test a::holds ... ok
test a::breaks ... FAILED
test a::waits ... ignored, it is started by others
test a::never ... ignored
test a::cannot ... ok

successes:

---- a::cannot stdout ----
skipped: only root can give a file away

successes:
    a::holds

failures:

---- a::breaks stdout ----
skipped is not what this says

test result: FAILED. 2 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s

     Running tests/files.rs (target/debug/deps/files-3c)
test slow has been running for over 60 seconds
test hangs has been running for over 60 seconds
test slow ... ok
   Doc-tests core
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
";

    #[test]
    fn every_test_of_rust_has_its_verdict() {
        let programs = libtest(&lines(RUST));
        let names: Vec<_> = programs.iter().map(|program| (program.stem(), program.is_library)).collect();
        assert_eq!(names, [("core_a", false), ("files", false), ("core", true)]);
        assert_eq!(
            programs[0].tests,
            [
                ended("a::holds", Verdict::Passed),
                ended("a::breaks", Verdict::Failed),
                skipped("a::waits", "it is started by others"),
                skipped("a::never", ""),
                skipped("a::cannot", "only root can give a file away"),
            ]
        );
        assert_eq!(programs[0].count, Some(Count { passed: 2, failed: 1 }));
        assert_eq!(programs[1].count, None, "it did not come to its end");
        assert_eq!(programs[1].still_running(), ["hangs"]);
        assert!(begins_program("     Running tests/files.rs (target/debug/deps/files-3c)"));
        assert!(begins_program("   Doc-tests core") && !begins_program("test Running ... ok"));
    }

    #[test]
    fn every_test_of_python_has_its_verdict() {
        let text = "....\n=== short test summary info ===\n\
            PASSED t/test_a.py::test_one\n\
            PASSED t/test_a.py::test_two[a - b]\n\
            FAILED t/test_a.py::test_three - AssertionError: no\n\
            ERROR t/test_a.py::test_four\n\
            ERROR t/test_b.py - ImportError\n\
            SKIPPED t/test_a.py::test_five - only root\n\
            SKIPPED [1] t/test_a.py::test_six - only root\n\
            XFAIL t/test_a.py::test_seven - later\n\
            XPASS t/test_a.py::test_eight - later\n\
            1 failed, 2 passed, 2 skipped, 3 deselected, 1 xfailed, 1 xpassed, 2 errors in 0.12s\n";
        assert_eq!(
            pytest(&lines(text)),
            [
                ended("t/test_a.py::test_one", Verdict::Passed),
                ended("t/test_a.py::test_two[a - b]", Verdict::Passed),
                ended("t/test_a.py::test_three - AssertionError: no", Verdict::Failed),
                ended("t/test_a.py::test_four", Verdict::Failed),
                skipped("t/test_a.py::test_five", "skipped: only root"),
                skipped("t/test_a.py::test_six", "skipped: only root"),
                skipped("t/test_a.py::test_seven", "xfail: later"),
                skipped("t/test_a.py::test_eight", "xpass: later"),
                skipped("3 deselected", "not asked for"),
            ]
        );
    }

    #[test]
    fn the_summary_of_pytest_is_read() {
        let check = |line: &str, passed, failed| assert_eq!(pytest_summary(line), Count { passed, failed }, "{line}");
        check("5 passed in 0.01s", 5, 0);
        check("1 failed, 5 passed, 2 skipped in 0.12s", 5, 1);
        check("=== 2 passed, 1 error in 3.00s ===", 2, 1);
        check("no tests ran in 0.00s", 0, 0);
    }

    #[test]
    fn only_a_test_that_passed_before_is_newly_failed() {
        let before = [ended("a", Verdict::Passed), ended("b", Verdict::Failed), ended("t::c[x - y]", Verdict::Passed)];
        let check = |after: &[(&str, Verdict)], expected: &[&str]| {
            let after: Vec<_> = after.iter().map(|(name, verdict)| ended(name, verdict.clone())).collect();
            assert_eq!(newly_failed(&before, &after), expected, "{after:?}");
        };
        check(&[("a", Verdict::Failed)], &["a"]);
        check(&[("a", Verdict::Passed)], &[]);
        check(&[("b", Verdict::Failed)], &[]);
        check(&[("new", Verdict::Failed)], &[]);
        check(&[("ab", Verdict::Failed)], &[]);
        check(&[("t::c[x - y] - AssertionError", Verdict::Failed)], &["t::c[x - y]"]);
        check(&[], &[]);
    }
}
