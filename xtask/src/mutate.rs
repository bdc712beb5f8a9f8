//! `cargo xtask mutate`: weakens the source on purpose and sees that a test fails for each weakening.
//!
//! A mutant is a patch in `mutants/`, chosen by hand: each takes away one thing the product promises. Its header says what
//! and which command must notice:
//!
//! ```text
//! weakens: an object may hold a key twice
//! killed-by: cargo test -p enforcecore value
//! ```
//!
//! `killed-by: python bindings/python/tests/test_values.py -k freezes` names tests of the Python package. They are run by
//! pytest on the package of the copy, whose extension module is built for it.
//!
//! Mutants live in a copy of the tree with its own target folder, kept between mutants so that each builds only what it
//! changed. A mutant counts as killed if a test that passes without it fails with it, and that test is named. What proves
//! nothing: a mutant that does not compile, a command that fails without it, a crash before the tests, a run that takes too
//! long.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::limits::within;
use crate::setup;
use crate::steps::{Count, Steps};
use crate::tool::{self, Transcript, command, follow, read, say};
use crate::verdicts::{self, PYTEST, Verdict, newly_failed};

/// The folder that Python finds the package in, relative to the root.
const PYTHON_PACKAGE: &str = "bindings/python/python";

/// Where mutants are kept, relative to the root.
const FOLDER: &str = "mutants";

/// Makes the copy a repository of its own: it lies in an ignored folder of ours, whose files git does not list, and the tests of
/// the house rules look at what git lists.
const REPOSITORY: &str = ".git";

/// How long a command may take, its build apart: no test waits longer for what a mutant keeps from coming.
const COMMAND_TIME: Duration = Duration::from_secs(8 * 60);

/// A test that fails with every mutant, because the patch it looks at is applied.
const ALWAYS_FAILS: &str = "every_mutant_says_what_it_weakens_and_applies";

/// What became of each test.
type Verdicts = Vec<(String, Verdict)>;

/// Which mutants to try.
#[derive(Args, Clone, Default)]
pub struct MutateOptions {
    /// Try this many, chosen at random.
    #[arg(long, value_name = "N", conflicts_with = "list")]
    sample: Option<usize>,
    /// The number that decides the choice; the current commit's by default.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Try the mutants whose name contains this.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Say what each mutant weakens and which command kills it, and try none.
    #[arg(long)]
    list: bool,
}

impl MutateOptions {
    /// A sample that changes from commit to commit.
    pub fn sample(size: usize) -> MutateOptions {
        MutateOptions { sample: Some(size), ..MutateOptions::default() }
    }
}

/// Tries the chosen mutants; true when each was killed.
pub fn run(options: &MutateOptions) -> Result<bool> {
    let root = tool::root()?;
    if options.list {
        for Mutant { name, weakens, killed_by, .. } in choose(all(&root)?, options, 0) {
            say(&format!("{name}: {weakens}\n    {killed_by}"));
        }
        return Ok(true);
    }
    let mut steps = Steps::start();
    steps.check("install: python environment", || setup::python_environment(&root));
    steps.count("mutate", || sample(&root, options));
    Ok(steps.finish())
}

/// Tries the chosen mutants; a killed one is a test passed.
pub fn sample(root: &Path, options: &MutateOptions) -> Result<Count> {
    let mutants = choose(all(root)?, options, options.seed.map_or_else(|| seed_of_commit(root), Ok)?);
    if mutants.is_empty() {
        bail!("no mutant chosen");
    }
    let scratch = Scratch::of(root);
    scratch.reset(root)?;
    let judged = scratch.judge_commands(&mutants);
    let mut count = Count::default();
    for mutant in &mutants {
        scratch.reset(root)?;
        let tried = match judged.get(mutant.killed_by.as_str()) {
            Some(Ok(before)) => scratch.try_mutant(mutant, before),
            Some(Err(why)) => Err(anyhow::anyhow!("{why}")),
            None => Err(anyhow::anyhow!("its command was not run")),
        };
        match tried {
            Ok(by) => {
                say(&format!("    killed   {}: {} (by {by})", mutant.name, mutant.weakens));
                count.passed += 1;
            }
            Err(error) => {
                say(&format!("    SURVIVED {}: {}: {error:#}", mutant.name, mutant.weakens));
                count.failed += 1;
            }
        }
    }
    Ok(count)
}

/// One weakening of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mutant {
    /// The patch's file name without its ending.
    name: String,
    /// The patch.
    path: PathBuf,
    /// What the mutant takes away.
    weakens: String,
    /// The command that must fail.
    killed_by: String,
}

/// Every mutant, by name.
fn all(root: &Path) -> Result<Vec<Mutant>> {
    let mut mutants = Vec::new();
    for path in crate::tidy::tracked(root)? {
        let Some(name) = path.strip_prefix(FOLDER).and_then(|name| name.strip_suffix(".patch")) else { continue };
        let path = root.join(&path);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        mutants.push(parse(name.trim_start_matches('/'), path, &text)?);
    }
    Ok(mutants)
}

fn parse(name: &str, path: PathBuf, text: &str) -> Result<Mutant> {
    let field = |key: &str| -> Result<String> {
        let mut header = text.lines().take_while(|line| !line.starts_with("--- ") && !line.starts_with("diff "));
        let value = header.find_map(|line| line.strip_prefix(key));
        Ok(value.with_context(|| format!("mutant `{name}` has no line `{key}`"))?.trim().to_owned())
    };
    Ok(Mutant { name: name.to_owned(), path, weakens: field("weakens:")?, killed_by: field("killed-by:")? })
}

/// The mutants the options ask for, in the order they are tried.
fn choose(mut mutants: Vec<Mutant>, options: &MutateOptions, seed: u64) -> Vec<Mutant> {
    if let Some(part) = &options.only {
        mutants.retain(|mutant| mutant.name.contains(part.as_str()));
    }
    if let Some(size) = options.sample {
        let mut state = seed;
        mutants.sort_by_cached_key(|_| next(&mut state));
        mutants.truncate(size);
        say(&format!("    seed {seed}"));
    }
    mutants
}

/// The next number of a sequence that looks random (splitmix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut number = *state;
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// A seed that is the same for everyone who has the commit.
fn seed_of_commit(root: &Path) -> Result<u64> {
    let commit = read(command("git", root, &["rev-parse", "--short=12", "HEAD"]))?;
    u64::from_str_radix(commit.trim(), 16).with_context(|| format!("`{}` is no commit", commit.trim()))
}

/// The copy of the tree that is weakened.
struct Scratch {
    tree: PathBuf,
    target: PathBuf,
    /// The Python with the test environment.
    python: PathBuf,
}

impl Scratch {
    fn of(root: &Path) -> Scratch {
        let (tree, target) = (root.join("target/mutate/tree"), root.join("target/mutate/target"));
        Scratch { tree, target, python: setup::venv_program(root, "python") }
    }

    /// Makes the copy equal to the tree, touching only what differs, so that builds stay incremental.
    fn reset(&self, root: &Path) -> Result<()> {
        let wanted: BTreeSet<String> = crate::tidy::tracked(root)?.into_iter().collect();
        if !self.tree.join(REPOSITORY).exists() {
            fs::create_dir_all(&self.tree).with_context(|| format!("cannot make `{}`", self.tree.display()))?;
            read(command("git", &self.tree, &["init", "--quiet"]))?;
        }
        for path in &wanted {
            let bytes = fs::read(root.join(path)).with_context(|| format!("cannot read `{path}`"))?;
            let copy = self.tree.join(path);
            if fs::read(&copy).is_ok_and(|present| present == bytes) {
                continue;
            }
            let folder = copy.parent().context("a tracked file has no folder")?;
            fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
            fs::write(&copy, bytes).with_context(|| format!("cannot write `{}`", copy.display()))?;
        }
        remove_others(&self.tree, &self.tree, &wanted)
    }

    /// What each command says of its tests while nothing is weakened, or why it can kill nothing.
    fn judge_commands<'a>(&self, mutants: &'a [Mutant]) -> BTreeMap<&'a str, Result<Verdicts, String>> {
        let commands: BTreeSet<&str> = mutants.iter().map(|mutant| mutant.killed_by.as_str()).collect();
        let judge = |line| (line, self.require_passing(line).map_err(|error| format!("{error:#}")));
        commands.into_iter().map(judge).collect()
    }

    fn require_passing(&self, line: &str) -> Result<Verdicts> {
        let command = Killer::of(line)?;
        self.build(&command)?.require(&format!("the build of `{line}`, with nothing weakened,"))?;
        let transcript = self.execute(&command)?;
        transcript.require(&format!("`{line}`, with nothing weakened,"))?;
        let verdicts = command.verdicts(&transcript.lines);
        if !verdicts.iter().any(|(_, verdict)| *verdict == Verdict::Passed) {
            bail!("`{line}` ran no test");
        }
        Ok(verdicts)
    }

    /// Weakens the copy and runs the command. Gives the test that failed; an error says why the mutant was not killed.
    fn try_mutant(&self, mutant: &Mutant, before: &Verdicts) -> Result<String> {
        let patch = mutant.path.to_str().context("the patch's path is not text")?;
        read(command("git", &self.tree, &["apply", "--whitespace=nowarn", patch]))
            .context("the patch does not apply")?;
        let command = Killer::of(&mutant.killed_by)?;
        self.build(&command)?.require("the mutant's build")?;
        let transcript = self.execute(&command)?;
        killed_by(&transcript, before, &command.verdicts(&transcript.lines))
    }

    /// Builds what the command runs, so that a mutant that does not compile is told from one that is killed.
    fn build(&self, command: &Killer<'_>) -> Result<Transcript> {
        match command {
            Killer::Cargo(arguments) => {
                let selection = arguments.split(|argument| *argument == "--").next().unwrap_or_default();
                self.cargo(&[selection, &["--no-run"]].concat())
            }
            Killer::Pytest(_) => {
                let built = self.cargo(&["build", "--quiet", "--package", "enforcecore-python"])?;
                if built.success {
                    let package = self.tree.join(PYTHON_PACKAGE).join("enforcecore/_core.abi3.so");
                    fs::copy(self.target.join("debug/lib_core.so"), package).context("cannot place the module")?;
                }
                Ok(built)
            }
        }
    }

    fn execute(&self, command: &Killer<'_>) -> Result<Transcript> {
        within(COMMAND_TIME, || self.execute_at_all(command))
    }

    fn execute_at_all(&self, command: &Killer<'_>) -> Result<Transcript> {
        match command {
            Killer::Cargo(arguments) => self.cargo(arguments),
            Killer::Pytest(arguments) => {
                let arguments = [PYTEST.as_slice(), arguments].concat();
                let mut pytest = tool::command(&self.python, &self.tree, &arguments);
                pytest.env("PYTHONPATH", self.tree.join(PYTHON_PACKAGE)).env("PYTHONDONTWRITEBYTECODE", "1");
                follow(pytest, |_| false)
            }
        }
    }

    fn cargo(&self, arguments: &[&str]) -> Result<Transcript> {
        let mut cargo = tool::cargo(&self.tree, arguments);
        cargo.env("CARGO_TARGET_DIR", &self.target).env_remove("RUST_BACKTRACE");
        // The module is loaded by Python, and does not look for Python itself.
        cargo.env("PYO3_PYTHON", &self.python).env("PYO3_BUILD_EXTENSION_MODULE", "1");
        follow(cargo, |_| false)
    }
}

/// The command that must fail, as what runs it.
enum Killer<'a> {
    /// `cargo` with these arguments.
    Cargo(Vec<&'a str>),
    /// `pytest` with these arguments.
    Pytest(Vec<&'a str>),
}

impl Killer<'_> {
    fn of(line: &str) -> Result<Killer<'_>> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["cargo", arguments @ ..] if arguments.first() == Some(&"test") => Ok(Killer::Cargo(arguments.to_vec())),
            ["python", arguments @ ..] if !arguments.is_empty() => Ok(Killer::Pytest(arguments.to_vec())),
            _ => bail!("`{line}` is neither `cargo test ..` nor `python TESTS`"),
        }
    }

    /// What it said of each test. Two programs may have tests of one name.
    fn verdicts(&self, lines: &[String]) -> Verdicts {
        match self {
            Killer::Pytest(_) => verdicts::pytest(lines),
            Killer::Cargo(_) => {
                let of_program = |program: verdicts::Program| {
                    let stem = program.stem().to_owned();
                    program.tests.into_iter().map(move |(test, verdict)| (format!("{stem}::{test}"), verdict))
                };
                verdicts::libtest(lines).into_iter().flat_map(of_program).collect()
            }
        }
    }
}

/// The test that a mutant made fail; an error if there is none.
fn killed_by(transcript: &Transcript, before: &Verdicts, after: &Verdicts) -> Result<String> {
    if transcript.overdue {
        bail!("its command took too long and was ended, which may have any reason");
    }
    if transcript.success {
        bail!("its command passed");
    }
    let failed = newly_failed(before, after).into_iter().find(|test| !test.contains(ALWAYS_FAILS));
    failed.context("its command failed, but no test that passes without it did")
}

/// Removes the files of the copy that the tree does not have.
fn remove_others(tree: &Path, folder: &Path, wanted: &BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))? {
        let path = entry.context("cannot list a folder")?.path();
        if path == tree.join(REPOSITORY) {
            continue;
        }
        if path.is_dir() {
            remove_others(tree, &path, wanted)?;
        } else if !path.strip_prefix(tree).is_ok_and(|path| path.to_str().is_some_and(|path| wanted.contains(path))) {
            fs::remove_file(&path).with_context(|| format!("cannot remove `{}`", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "weakens: nothing is checked\nkilled-by: cargo test -p a b\n\n--- a/f\n+++ b/f\n";

    fn mutant(name: &str) -> Mutant {
        parse(name, PathBuf::from(name), PATCH).unwrap()
    }

    #[test]
    fn the_header_is_read() {
        assert_eq!(mutant("a").weakens, "nothing is checked");
        assert_eq!(mutant("a").killed_by, "cargo test -p a b");
        assert!(parse("a", PathBuf::new(), "weakens: a\n--- a/f\nkilled-by: cargo test\n").is_err());
    }

    #[test]
    fn a_mutant_is_killed_by_tests_alone() {
        let check = |line: &str, known: bool| assert_eq!(Killer::of(line).is_ok(), known, "{line}");
        check("cargo test -p a", true);
        check("python bindings/python/tests -k a", true);
        check("cargo build", false);
        check("python", false);
        check("sh -c true", false);
    }

    #[test]
    fn only_a_named_test_that_passed_before_kills() {
        let begins = "     Running tests/files.rs (target/debug/deps/files-3c)\n";
        let check = |killer: &str, before: &str, after: &str, overdue: bool, expected: Option<&str>| {
            let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
            let killer = Killer::of(killer).unwrap();
            let [before, after] = [before, after].map(lines);
            let transcript = Transcript { lines: after.clone(), success: after.is_empty(), overdue };
            let by = killed_by(&transcript, &killer.verdicts(&before), &killer.verdicts(&after));
            assert_eq!(by.as_deref().ok(), expected, "{after:?}: {by:?}");
        };
        let rust = |after: &str, overdue, expected| {
            let before = format!("{begins}test a ... ok\ntest b ... ignored\ntest {ALWAYS_FAILS} ... ok\n");
            check("cargo test -p a", &before, after, overdue, expected);
        };
        let with = |test: &str| begins.replace("3c", "4d") + test;
        rust(&with("test a ... FAILED\n"), false, Some("files::a"));
        rust(&with("test a ... FAILED\n"), true, None);
        rust("", false, None);
        rust("error[E0308]: mismatched types\nerror: could not compile `a`\n", false, None);
        rust(&with("error: test failed, to rerun pass `--test files`\n (signal: 6, SIGABRT)\n"), false, None);
        rust(&with("test b ... FAILED\n"), false, None);
        rust(&with("test new ... FAILED\n"), false, None);
        rust(&with(&format!("test {ALWAYS_FAILS} ... FAILED\n")), false, None);
        rust("     Running tests/other.rs (target/debug/deps/other-4d)\ntest a ... FAILED\n", false, None);
        let python = |after, expected| check("python t", "PASSED t.py::test_a\n", after, false, expected);
        python("FAILED t.py::test_a - AssertionError\n", Some("t.py::test_a"));
        python("ERROR t.py - ImportError\n", None);
        python("Fatal Python error: Segmentation fault\n", None);
    }

    #[test]
    fn every_mutant_says_what_it_weakens_and_applies() {
        let root = tool::root().unwrap();
        let mutants = all(&root).unwrap();
        assert!(mutants.len() >= 10);
        let check = |mutant: &Mutant| read(command("git", &root, &["apply", "--check", mutant.path.to_str().unwrap()]));
        let stale: Vec<String> =
            mutants.iter().filter_map(|mutant| check(mutant).err()).map(|e| e.to_string()).collect();
        assert!(stale.is_empty(), "make these patches anew:\n{}", stale.join("\n"));
    }

    #[test]
    fn a_sample_depends_on_the_seed_alone() {
        let names = |seed| -> Vec<String> {
            let mutants = ["a", "b", "c", "d", "e"].map(mutant).to_vec();
            choose(mutants, &MutateOptions::sample(2), seed).into_iter().map(|mutant| mutant.name).collect()
        };
        assert_eq!(names(7).len(), 2);
        assert_eq!(names(7), names(7));
        assert!((0..20).any(|seed| names(seed) != names(7)));
    }

    #[test]
    fn a_copy_follows_its_tree() {
        let root = tempfile::tempdir().unwrap();
        let run = |arguments: &[&str]| read(command("git", root.path(), arguments)).unwrap();
        run(&["init", "-q"]);
        fs::write(root.path().join("a"), "1").unwrap();
        let copies = tempfile::tempdir().unwrap();
        let scratch = Scratch { tree: copies.path().join("tree"), ..Scratch::of(root.path()) };
        scratch.reset(root.path()).unwrap();
        fs::write(scratch.tree.join("a"), "2").unwrap();
        fs::write(scratch.tree.join("b"), "stray").unwrap();
        scratch.reset(root.path()).unwrap();
        assert_eq!(fs::read_to_string(scratch.tree.join("a")).unwrap(), "1");
        assert!(!scratch.tree.join("b").exists());
        assert_eq!(crate::tidy::tracked(&scratch.tree).unwrap(), ["a"], "it is a repository of its own");
    }
}
