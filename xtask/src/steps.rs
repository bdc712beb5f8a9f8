//! A run of named steps: each says when it starts, how long it took and what it counted.

use std::time::{Duration, Instant};

use anyhow::Result;

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

/// The steps so far.
pub struct Steps {
    started: Instant,
    rows: Vec<Row>,
}

/// One step that ended.
struct Row {
    name: String,
    took: Duration,
    count: Count,
}

impl Steps {
    /// No step yet; the clock starts.
    pub fn start() -> Steps {
        Steps { started: Instant::now(), rows: Vec::new() }
    }

    /// Runs a step that counts nothing. False says that it failed, which counts as one failure.
    pub fn check(&mut self, name: &str, step: impl FnOnce() -> Result<()>) -> bool {
        self.count(name, || step().map(|()| Count::default()))
    }

    /// Runs a step that counts tests. False says that a test or the step itself failed.
    pub fn count(&mut self, name: &str, step: impl FnOnce() -> Result<Count>) -> bool {
        say(&format!("==> {name}"));
        let started = Instant::now();
        let count = step().unwrap_or_else(|error| {
            say(&format!("    FAILED: {error:#}"));
            Count { passed: 0, failed: 1 }
        });
        self.rows.push(Row { name: name.to_owned(), took: started.elapsed(), count });
        count.failed == 0
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

    #[test]
    fn a_failed_test_is_a_failure() {
        let mut steps = Steps::start();
        assert!(!steps.count("tests", || Ok(Count { passed: 2, failed: 1 })));
        assert!(!steps.finish());
    }
}
