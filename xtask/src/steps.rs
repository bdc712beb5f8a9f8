//! A run of named steps: each says when it starts, how long it took and what it counted.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::limits::within;
use crate::skips::{Skip, listed_line};
use crate::tool::say;

/// Tests that passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Tests that ran and held.
    pub passed: usize,
    /// Tests that ran and did not.
    pub failed: usize,
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Count) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// What a step that runs tests counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tested {
    /// Those that ran.
    pub count: Count,
    /// Those that did not, or whose verdict does not count.
    pub skipped: Vec<Skip>,
}

impl From<Count> for Tested {
    fn from(count: Count) -> Tested {
        Tested { count, skipped: Vec::new() }
    }
}

/// How long a run and each of its steps may take, in minutes.
pub struct Minutes {
    /// All steps together.
    pub whole: u64,
    /// Each step by its name, which may end in `*` for any end.
    pub steps: &'static [(&'static str, u64)],
}

impl Minutes {
    /// How long a step may take. A step that is not in the table may not run.
    pub fn of(&self, step: &str) -> Option<Duration> {
        let is_named = |name: &str| name.strip_suffix('*').map_or(name == step, |start| step.starts_with(start));
        self.steps.iter().find(|(name, _)| is_named(name)).map(|(_, minutes)| Duration::from_secs(minutes * 60))
    }
}

/// The steps so far.
pub struct Steps {
    started: Instant,
    limits: Option<&'static Minutes>,
    rows: Vec<Row>,
    listed: Vec<Skip>,
}

/// One step that ended.
struct Row {
    name: String,
    took: Duration,
    count: Count,
}

impl Steps {
    /// No step yet; the clock starts. Each step may take as long as it likes.
    pub fn start() -> Steps {
        Steps { started: Instant::now(), limits: None, rows: Vec::new(), listed: Vec::new() }
    }

    /// The same, where each step and all together have their limits.
    pub fn limited(limits: &'static Minutes) -> Steps {
        Steps { limits: Some(limits), ..Steps::start() }
    }

    /// Runs a step that counts nothing. False says that it failed, which counts as one failure.
    pub fn check(&mut self, name: &str, step: impl FnOnce() -> Result<()>) -> bool {
        self.count(name, || step().map(|()| Count::default()))
    }

    /// Runs a step that counts. False says that something it counts or the step itself failed.
    pub fn count(&mut self, name: &str, step: impl FnOnce() -> Result<Count>) -> bool {
        self.tests(name, || step().map(Tested::from))
    }

    /// Runs a step that runs tests. False says that a test or the step itself failed, or that one was skipped that may not be.
    pub fn tests(&mut self, name: &str, step: impl FnOnce() -> Result<Tested>) -> bool {
        say(&format!("==> {name}"));
        let started = Instant::now();
        let tested = self.time_for(name).and_then(|time| match time {
            Some(time) => within(time, step),
            None => step(),
        });
        let Tested { mut count, skipped } = tested.unwrap_or_else(|error| {
            say(&format!("    FAILED: {error:#}"));
            Count { passed: 0, failed: 1 }.into()
        });
        let (listed, unlisted): (Vec<Skip>, Vec<Skip>) = skipped.into_iter().partition(Skip::is_listed);
        for Skip { test, why } in &unlisted {
            say(&format!("    FAILED: `{test}` was skipped and is not listed in xtask/src/skips.rs ({why})"));
        }
        count.failed += unlisted.len();
        self.listed.extend(listed);
        self.rows.push(Row { name: name.to_owned(), took: started.elapsed(), count });
        count.failed == 0
    }

    /// How long a step may take from now on.
    fn time_for(&self, name: &str) -> Result<Option<Duration>> {
        let Some(limits) = self.limits else { return Ok(None) };
        let own = limits.of(name).with_context(|| format!("the step `{name}` has no time limit"))?;
        let left = Duration::from_secs(limits.whole * 60).saturating_sub(self.started.elapsed());
        if left.is_zero() {
            bail!("all steps together took more than {} minutes", limits.whole);
        }
        Ok(Some(own.min(left)))
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Prints the table and the closing line; true when nothing failed.
    pub fn finish(&self) -> bool {
        let mut total = Count::default();
        say("");
        for row in &self.rows {
            total += row.count;
            let count = if row.count == Count::default() {
                String::new()
            } else {
                format!("{:>6} passed {:>3} failed", row.count.passed, row.count.failed)
            };
            say(format!("{:>7.1} s  {:<36}{count}", row.took.as_secs_f64(), row.name).trim_end());
        }
        say(&format!("{:>7.1} s  all steps", self.started.elapsed().as_secs_f64()));
        say(&listed_line(&self.listed));
        say(&format!("{} passed, {} failed", total.passed, total.failed));
        total.failed == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_breaks_is_a_failure() {
        let mut steps = Steps::start();
        assert!(steps.check("holds", || Ok(())));
        assert!(steps.finish());
        assert!(!steps.check("breaks", || anyhow::bail!("no")));
        assert!(!steps.finish());
    }

    const LIMITS: Minutes = Minutes { whole: 1, steps: &[("fits", 1), ("never fits", 0), ("fuzz: *", 1)] };

    #[test]
    fn a_step_has_a_time_limit_or_does_not_run() {
        let mut steps = Steps::limited(&LIMITS);
        assert!(steps.check("fits", || Ok(())) && steps.check("fuzz: a", || Ok(())));
        assert!(steps.finish());
        assert!(!steps.check("never fits", || Ok(())), "it took longer than nothing");
        let mut ran = false;
        assert!(!steps.check("fits not", || {
            ran = true;
            Ok(())
        }));
        assert!(!ran, "without a limit it does not run");
        assert!(!steps.finish());
    }

    #[test]
    fn what_comes_after_the_end_of_the_run_does_not_run() {
        static NO_TIME: Minutes = Minutes { whole: 0, steps: &[("fits", 1)] };
        let mut ran = false;
        assert!(!Steps::limited(&NO_TIME).check("fits", || {
            ran = true;
            Ok(())
        }));
        assert!(!ran);
    }

    #[test]
    fn a_test_that_is_skipped_and_not_listed_is_a_failure() {
        let step = |test: &str| {
            let skip = Skip { test: test.to_owned(), why: "it says so".to_owned() };
            Ok(Tested { count: Count { passed: 2, failed: 0 }, skipped: vec![skip] })
        };
        let mut steps = Steps::start();
        assert!(steps.tests("listed", || step("enforcecore-host::child_fork_bombs")));
        assert_eq!(steps.listed.len(), 1);
        assert!(steps.finish());
        assert!(!steps.tests("unlisted", || step("enforcecore-host::child_planets")));
        assert_eq!(steps.listed.len(), 1);
        assert!(!steps.finish());
    }

    #[test]
    fn a_failed_test_is_a_failure() {
        let mut steps = Steps::start();
        assert!(!steps.count("tests", || Ok(Count { passed: 2, failed: 1 })));
        assert!(!steps.finish());
    }
}
