//! Group commit: the threads that wait, the one that leads, and the outcome of a group. Knows neither entries nor stores.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use super::error::LogError;

/// The groups of one writer, one after the other.
#[derive(Default)]
pub struct Batches(Mutex<Queue>);

/// The threads that wait, and the group they wait for.
#[derive(Default)]
pub struct Queue {
    /// The group that a thread joins which arrives now.
    next_batch: Arc<Batch>,
    /// How many threads wait for it.
    pub waiting: usize,
    /// A leader holds or awaits the store's turn.
    led: bool,
    /// How many still have to run their proposal in the group that is open.
    submitting: usize,
    /// Why nothing more is written.
    pub stopped: Option<LogError>,
}

/// One group, as those in it see it. Its condition variables go with the queue's lock.
#[derive(Default)]
pub struct Batch {
    /// It is open: proposals may run.
    open: AtomicBool,
    /// Tell the anchor before anything is acknowledged.
    pub anchor: AtomicBool,
    outcome: OnceLock<Result<(), LogError>>,
    changed: Condvar,
    submitted: Condvar,
}

/// How a thread takes part in a group.
pub enum Joined {
    /// It is open: run a proposal in it.
    Follower(Arc<Batch>),
    /// Lead it.
    Leader(Arc<Batch>),
}

impl Batches {
    /// Joins the next group, as a follower once it opens or as its leader.
    pub fn join(&self, anchor: bool) -> Result<Joined, LogError> {
        let mut queue = self.queue();
        let batch = Arc::clone(&queue.next_batch);
        queue.waiting += 1;
        batch.anchor.fetch_or(anchor, Ordering::Relaxed);
        loop {
            if let Some(error) = &queue.stopped {
                return Err(error.clone());
            }
            if let Some(Err(error)) = batch.outcome.get() {
                return Err(error.clone());
            }
            if batch.open.load(Ordering::Relaxed) {
                return Ok(Joined::Follower(batch));
            }
            if !queue.led {
                queue.led = true;
                return Ok(Joined::Leader(batch));
            }
            queue = wait(&batch.changed, queue);
        }
    }

    /// Waits for the outcome of the group.
    pub fn outcome(&self, batch: &Batch) -> Result<(), LogError> {
        batch.outcome.wait().clone()
    }

    /// Lets every waiting thread run its proposal; threads that come later join the next group.
    pub fn open(&self, batch: &Batch) {
        let mut queue = self.queue();
        queue.submitting = std::mem::take(&mut queue.waiting);
        queue.next_batch = Arc::default();
        batch.open.store(true, Ordering::Relaxed);
        batch.changed.notify_all();
    }

    /// Waits until each of them has.
    pub fn await_submitted(&self, batch: &Batch) {
        let mut queue = self.queue();
        while queue.submitting > 0 {
            queue = wait(&batch.submitted, queue);
        }
    }

    /// Nothing was proposed or written: those who waited are refused, the next group may go better.
    pub fn fail(&self, batch: &Batch, error: LogError) -> LogError {
        self.acknowledge(batch, Err(error.clone()));
        error
    }

    /// The state is ahead of the log, or the log is not what it was: nothing more is written.
    pub fn stop(&self, batch: &Batch, error: LogError) -> LogError {
        self.queue().stopped.get_or_insert(error.clone());
        self.fail(batch, error)
    }

    /// Tells the threads in the group its outcome.
    pub fn acknowledge(&self, batch: &Batch, outcome: Result<(), LogError>) {
        let mut queue = self.queue();
        if std::ptr::eq(Arc::as_ptr(&queue.next_batch), batch) {
            queue.next_batch = Arc::default();
            queue.waiting = 0;
        }
        // A second outcome can only be the guard's, after the first.
        let _ = batch.outcome.set(outcome);
        batch.changed.notify_all();
    }

    /// Locks the queue. A thread that holds a log's ledger may lock it, never the other way round.
    pub fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the open group, given up when the proposal has run or panicked.
pub struct Slot<'a>(pub &'a Batches, pub &'a Batch);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        queue.submitting = queue.submitting.saturating_sub(1);
        if queue.submitting == 0 {
            self.1.submitted.notify_all();
        }
    }
}

/// The leadership of a group, passed on when it is done. If the leader panics, the writer stops.
pub struct Leader<'a>(pub &'a Batches, pub &'a Batch);

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        if self.1.outcome.get().is_none() {
            self.0.stop(self.1, LogError::Poisoned("a panic while writing".to_owned()));
        }
        let mut queue = self.0.queue();
        queue.led = false;
        if queue.stopped.is_some() {
            queue.next_batch.changed.notify_all();
        } else {
            queue.next_batch.changed.notify_one();
        }
    }
}

fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condition.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
