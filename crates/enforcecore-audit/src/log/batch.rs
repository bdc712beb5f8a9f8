//! Group commit: who waits, who leads, and what becomes of a group. Knows neither entries nor stores.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use super::error::LogError;

/// The groups of one writer, one after the other.
#[derive(Default)]
pub struct Batches(Mutex<Desk>);

/// Who waits for what.
#[derive(Default)]
pub struct Desk {
    /// The group that whoever arrives now will be in.
    gathering: Arc<Batch>,
    /// How many wait for it.
    pub waiting: usize,
    /// Somebody holds or awaits the store's turn.
    led: bool,
    /// How many still have to run their proposal in the group that is open.
    boarding: usize,
    /// Why nothing more is written.
    pub stopped: Option<LogError>,
}

/// One group, as those in it see it. Its condition variables go with the desk's lock.
#[derive(Default)]
pub struct Batch {
    /// It is open: proposals may run.
    open: AtomicBool,
    /// Tell the anchor before anything is acknowledged.
    pub anchor: AtomicBool,
    outcome: OnceLock<Result<(), LogError>>,
    changed: Condvar,
    boarded: Condvar,
}

/// How somebody takes part in a group.
pub enum Joined {
    /// It is open: run a proposal in it.
    Seat(Arc<Batch>),
    /// Lead it.
    Lead(Arc<Batch>),
}

impl Batches {
    /// Takes part in the group that gathers now, once it opens: in a place of it, or at its head.
    pub fn join(&self, anchor: bool) -> Result<Joined, LogError> {
        let mut desk = self.desk();
        let batch = Arc::clone(&desk.gathering);
        desk.waiting += 1;
        batch.anchor.fetch_or(anchor, Ordering::Relaxed);
        loop {
            if let Some(error) = &desk.stopped {
                return Err(error.clone());
            }
            if let Some(Err(error)) = batch.outcome.get() {
                return Err(error.clone());
            }
            if batch.open.load(Ordering::Relaxed) {
                return Ok(Joined::Seat(batch));
            }
            if !desk.led {
                desk.led = true;
                return Ok(Joined::Lead(batch));
            }
            desk = wait(&batch.changed, desk);
        }
    }

    /// Waits for what becomes of the group.
    pub fn outcome(&self, batch: &Batch) -> Result<(), LogError> {
        let mut desk = self.desk();
        loop {
            match batch.outcome.get() {
                Some(outcome) => return outcome.clone(),
                None => desk = wait(&batch.changed, desk),
            }
        }
    }

    /// Lets everyone who waits run their proposals; whoever comes later gathers for the next group.
    pub fn open(&self, batch: &Batch) {
        let mut desk = self.desk();
        desk.boarding = std::mem::take(&mut desk.waiting);
        desk.gathering = Arc::default();
        batch.open.store(true, Ordering::Relaxed);
        batch.changed.notify_all();
    }

    /// Waits until each of them has.
    pub fn await_boarded(&self, batch: &Batch) {
        let mut desk = self.desk();
        while desk.boarding > 0 {
            desk = wait(&batch.boarded, desk);
        }
    }

    /// Nothing was proposed or written: those who waited are refused, the next group may go better.
    pub fn fail(&self, batch: &Batch, error: LogError) -> LogError {
        self.acknowledge(batch, Err(error.clone()));
        error
    }

    /// The state is ahead of the log, or the log is not what it was: nothing more is written.
    pub fn stop(&self, batch: &Batch, error: LogError) -> LogError {
        self.desk().stopped.get_or_insert(error.clone());
        self.fail(batch, error)
    }

    /// Tells those in the group what became of it.
    pub fn acknowledge(&self, batch: &Batch, outcome: Result<(), LogError>) {
        let mut desk = self.desk();
        if std::ptr::eq(Arc::as_ptr(&desk.gathering), batch) {
            desk.gathering = Arc::default();
            desk.waiting = 0;
        }
        // A second outcome can only be the guard's, after the first.
        let _ = batch.outcome.set(outcome);
        batch.changed.notify_all();
    }

    /// The desk. Who holds a log's ledger may take it, never the other way round.
    pub fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the open group, given up when the proposal has run or panicked.
pub struct Seat<'a>(pub &'a Batches, pub &'a Batch);

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut desk = self.0.desk();
        desk.boarding = desk.boarding.saturating_sub(1);
        if desk.boarding == 0 {
            self.1.boarded.notify_all();
        }
    }
}

/// The lead of a group, passed on when it is done. If the leader panics, the writer stops.
pub struct Lead<'a>(pub &'a Batches, pub &'a Batch);

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if self.1.outcome.get().is_none() {
            self.0.stop(self.1, LogError::Poisoned("a panic while writing".to_owned()));
        }
        let mut desk = self.0.desk();
        desk.led = false;
        if desk.stopped.is_some() {
            desk.gathering.changed.notify_all();
        } else {
            desk.gathering.changed.notify_one();
        }
    }
}

fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condition.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
