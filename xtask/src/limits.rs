//! Time limits: what takes longer is ended with all it started, and has failed.
//!
//! A limit holds for the thread that set it, and every program that thread starts ends with it. Such a program is the first of
//! a process group of its own, because what hangs is rarely the program that was started.

use std::cell::Cell;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Pause between two looks at a program that has not ended.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

thread_local! {
    static DUE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// When what this thread does now has to be over; none if it may take for ever.
pub fn due() -> Option<Instant> {
    DUE.get()
}

/// Does some work within a time, and within every limit around it. Work that takes longer has failed, whatever it says.
pub fn within<T>(time: Duration, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let around = due();
    let own = Instant::now() + time;
    DUE.set(Some(around.map_or(own, |around| around.min(own))));
    let done = work();
    DUE.set(around);
    if Instant::now() > own {
        return match done {
            Err(error) => Err(error.context(over(time))),
            Ok(_) => bail!(over(time)),
        };
    }
    done
}

fn over(time: Duration) -> String {
    format!("it took more than its {} seconds", time.as_secs())
}

/// Waits for a program's end; none if it was ended because it was due.
pub fn end_of(child: &mut Child, due: Option<Instant>) -> Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for a program")? {
            return Ok(Some(status));
        }
        if due.is_some_and(|due| Instant::now() > due) {
            end_group(child)?;
            return Ok(None);
        }
        thread::sleep(LOOK_AGAIN);
    }
}

/// Ends a program that leads its process group, with the group.
pub fn end_group(child: &mut Child) -> Result<()> {
    let group = format!("-{}", child.id());
    std::process::Command::new("kill").args(["-KILL", "--", &group]).status().context("cannot run `kill`")?;
    child.wait().context("cannot wait for a program")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_TIME: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn work_that_takes_longer_has_failed() {
        assert_eq!(within(LONG, || Ok(7)).unwrap(), 7);
        let late = within(NO_TIME, || Ok(7)).unwrap_err();
        assert_eq!(late.to_string(), "it took more than its 0 seconds");
        let failed = within(NO_TIME, || -> Result<()> { bail!("no") }).unwrap_err();
        assert_eq!(format!("{failed:#}"), "it took more than its 0 seconds: no");
    }

    #[test]
    fn a_limit_lies_within_those_around_it() {
        within(LONG, || {
            let around = due().unwrap();
            assert_eq!(within(2 * LONG, || Ok(due())).unwrap(), Some(around));
            assert!(within(LONG / 2, || Ok(due())).unwrap().unwrap() < around);
            assert_eq!(due(), Some(around));
            Ok(())
        })
        .unwrap();
        assert_eq!(due(), None);
    }
}
