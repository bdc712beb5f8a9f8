//! The log's one writer in this process: group commit.
//!
//! Threads that arrive while a group is being written wait. Then one of them leads: it takes the store's turn (processes
//! take turns), reads what others have written, and opens the group. Each thread that was waiting submits: it runs its own
//! proposal on the state, one after the other. Then one append of all entries and their seal, one sync, and everyone is
//! acknowledged: so an acknowledged entry is durable and signed. After a failed write nothing is known about the tail, so
//! the writer stops for good; opening again finds out.
//!
//! Absent on purpose: threads of its own, pipelining (a second group before the first is durable), and retries.

mod batch;
mod error;
mod ledger;
mod marks;
mod parts;
mod read_back;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use error::LogError;
pub use ledger::Fold;
pub use parts::LogParts;

use crate::entry::Entry;
use crate::fields::Durability;
use crate::keyer::Keyer;
use crate::note::{is_key_name, is_origin};
use crate::store::LogTurn;
use crate::tree::hex;
use batch::{Batch, Batches, Joined, Leader, Slot};
use ledger::{Ledger, Outside, Stamp};

/// Groups of buffered entries after which the anchor is told at the latest: a cut of fewer may go unseen after a kill, and
/// telling it costs some ten times as much as a group. A durable group is told to it before the group is acknowledged.
pub const ANCHOR_EVERY: u32 = 32;

/// A log that is open for writing, with the state its entries fold to.
pub struct Log<F: Fold> {
    parts: LogParts,
    writer: String,
    process: u32,
    batches: Batches,
    ledger: Mutex<Ledger<F>>,
}

/// Proof that an entry was acknowledged in the durability asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The entry's index; `None` while it is only buffered.
    pub index: Option<u64>,
}

/// Why nothing was committed.
#[derive(Debug)]
pub enum CommitError<E> {
    /// The proposal itself refused, on the state it was shown.
    Refused(E),
    /// The log cannot be written.
    Log(LogError),
}

impl<F: Fold> Log<F> {
    /// Opens the log: reads and checks what is there, moves a torn tail away, writes the genesis entry of an empty log.
    ///
    /// Refuses what is damaged, what is shorter or other than its anchor remembers, and what holds calls while its anchor
    /// remembers nothing: a log without a call may start its anchor, so that a kill right after its first entry is no end.
    pub fn open(parts: LogParts, fold: F) -> Result<Log<F>, LogError> {
        if !is_origin(&parts.origin) {
            return Err(LogError::Origin(parts.origin));
        }
        if !is_key_name(parts.signer.name()) {
            return Err(LogError::Origin(parts.signer.name().to_owned()));
        }
        let mut name = [0; 8];
        parts.random.fill(&mut name)?;
        let log = Log {
            writer: hex(&name),
            process: std::process::id(),
            batches: Batches::default(),
            ledger: Mutex::new(Ledger::new(fold)),
            parts,
        };
        match log.begin() {
            Ok(()) => Ok(log),
            Err(error) => {
                // A log that was refused writes nothing more when it is dropped, least of all to its anchor.
                log.batches.queue().stopped = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Runs `propose` on the state as of this process's turn, and commits the entry it returns.
    ///
    /// Between the state that `propose` sees and the entry in the log nothing else is written, in this process or another:
    /// this is the one atomic step of admission. `propose` is shown the wall time in microseconds.
    ///
    /// A buffered entry is proposed on the state as far as this process knows it and does not wait for the turn; its deltas
    /// count in this process at once and in others once it is written.
    pub fn commit<R, E>(
        &self,
        durability: Durability,
        propose: impl FnOnce(&F, i64) -> Result<(Entry, R), E>,
    ) -> Result<(R, Receipt), CommitError<E>> {
        if durability == Durability::Buffered {
            return self.commit_buffered(propose);
        }
        let entered = self.join(true, |ledger| {
            let (entry, result, stamp) = self.propose(&ledger.fold, propose)?;
            // What the proposal saw stands before it, also what was buffered since the group opened.
            let entered = ledger.submit_waiting().and_then(|()| ledger.enter(entry, durability, stamp));
            let index = entered.map_err(CommitError::Log)?;
            Ok((result, Receipt { index: Some(index) }))
        });
        entered.map_err(CommitError::Log)?
    }

    /// Shows the state as far as this process knows it.
    pub fn view<R>(&self, look: impl FnOnce(&F) -> R) -> R {
        look(&self.ledger().fold)
    }

    /// Writes what is buffered and returns once it is on stable storage and the anchor is told.
    pub fn flush(&self) -> Result<(), LogError> {
        self.join(true, |_| ())
    }

    /// The last checkpoint: a signed note, ready to be kept elsewhere.
    pub fn checkpoint(&self) -> Option<String> {
        self.ledger().chain.note.clone()
    }

    /// The keyer of this log's names.
    pub fn keyer(&self) -> &Keyer {
        &self.parts.keyer
    }

    fn commit_buffered<R, E>(
        &self,
        propose: impl FnOnce(&F, i64) -> Result<(Entry, R), E>,
    ) -> Result<(R, Receipt), CommitError<E>> {
        self.check_process().map_err(CommitError::Log)?;
        let (result, full) = {
            let mut ledger = self.ledger();
            if let Some(error) = self.batches.queue().stopped.clone() {
                return Err(CommitError::Log(error));
            }
            let (entry, result, stamp) = self.propose(&ledger.fold, propose)?;
            (result, ledger.wait(entry, stamp).map_err(CommitError::Log)?)
        };
        if full {
            self.join(false, |_| ()).map_err(CommitError::Log)?;
        }
        Ok((result, Receipt { index: None }))
    }

    /// The first turn: reads everything, and writes what opening has to say.
    fn begin(&self) -> Result<(), LogError> {
        let mut turn = self.parts.store.turn()?;
        // Within the turn, in which every writer tells it: so it is as far as the log is, and only missing if it is gone.
        let anchor = self.parts.anchor.as_ref().map(|anchor| anchor.latest()).transpose()?.flatten();
        self.ledger().told = anchor.clone();
        let outside = match (&self.parts.anchor, anchor) {
            (Some(_), Some(checkpoint)) => Outside::Remembers(checkpoint),
            (Some(anchor), None) => Outside::Forgot(anchor.name()),
            (None, _) => Outside::Silent,
        };
        self.catch_up(turn.as_mut(), outside)?;
        self.write(turn.as_mut())?;
        self.tell_anchor(turn.as_mut(), true)
    }

    fn propose<'s, R, E>(
        &'s self,
        fold: &F,
        propose: impl FnOnce(&F, i64) -> Result<(Entry, R), E>,
    ) -> Result<(Entry, R, Stamp<'s>), CommitError<E>> {
        let stamp = Stamp::now(&self.parts, &self.writer);
        let (entry, result) = propose(fold, stamp.time_us).map_err(CommitError::Refused)?;
        Ok((entry, result, stamp))
    }

    /// Takes part in one group: waits for it to open, runs `propose` in it, returns once it is durable.
    fn join<X>(&self, anchor: bool, propose: impl FnOnce(&mut Ledger<F>) -> X) -> Result<X, LogError> {
        self.check_process()?;
        match self.batches.join(anchor)? {
            Joined::Follower(batch) => self.submit(&batch, propose),
            Joined::Leader(batch) => self.lead(&batch, propose),
        }
    }

    /// Runs a proposal in the open group, and waits for what becomes of it.
    fn submit<X>(&self, batch: &Batch, propose: impl FnOnce(&mut Ledger<F>) -> X) -> Result<X, LogError> {
        let submitted = {
            // Also when the proposal panics: the others must not wait for it.
            let _slot = Slot(&self.batches, batch);
            propose(&mut self.ledger())
        };
        self.batches.outcome(batch).map(|()| submitted)
    }

    /// Leads a group from the store's turn to the acknowledgement.
    fn lead<X>(&self, batch: &Batch, propose: impl FnOnce(&mut Ledger<F>) -> X) -> Result<X, LogError> {
        let _leader = Leader(&self.batches, batch);
        let mut turn = self.parts.store.turn().map_err(|error| self.batches.fail(batch, error.into()))?;
        self.catch_up(turn.as_mut(), Outside::Silent).map_err(|error| self.batches.stop(batch, error))?;
        self.ledger().submit_waiting().map_err(|error| self.batches.stop(batch, error))?;
        self.batches.open(batch);
        let submitted = catch_unwind(AssertUnwindSafe(|| {
            let _slot = Slot(&self.batches, batch);
            propose(&mut self.ledger())
        }));
        self.batches.await_submitted(batch);
        let poisoned = |error: LogError| self.batches.stop(batch, LogError::Poisoned(error.to_string()));
        self.write(turn.as_mut()).map_err(poisoned)?;
        // The anchor is told within the turn, so that it never goes back.
        self.tell_anchor(turn.as_mut(), batch.anchor.load(Ordering::Relaxed)).map_err(poisoned)?;
        self.batches.acknowledge(batch, Ok(()));
        match submitted {
            Ok(submitted) => Ok(submitted),
            Err(panic) => resume_unwind(panic),
        }
    }

    fn catch_up(&self, turn: &mut dyn LogTurn, outside: Outside) -> Result<(), LogError> {
        let stamp = Stamp::now(&self.parts, &self.writer);
        self.ledger().catch_up(turn, outside, stamp)
    }

    /// One append and one sync of the group, if anything is in it. The state stays visible meanwhile.
    fn write(&self, turn: &mut dyn LogTurn) -> Result<(), LogError> {
        let Some(sealed) = self.ledger().seal(self.parts.signer.as_ref(), &self.parts.origin)? else { return Ok(()) };
        turn.append(&sealed.bytes)?;
        turn.sync()?;
        let mut ledger = self.ledger();
        ledger.chain = sealed.chain;
        ledger.unanchored += 1;
        Ok(())
    }

    /// Tells the anchor how far the log has come, if it is time. `_turn` shows that no other process does at the same time.
    fn tell_anchor(&self, _turn: &mut dyn LogTurn, now: bool) -> Result<(), LogError> {
        let Some(anchor) = &self.parts.anchor else { return Ok(()) };
        let mut ledger = self.ledger();
        // Others may have moved the log on and died before they told: only the anchor's own answer counts.
        let due = (now || ledger.unanchored >= ANCHOR_EVERY) && ledger.chain.note != ledger.told;
        let Some(note) = ledger.chain.note.clone().filter(|_| due) else { return Ok(()) };
        ledger.unanchored = 0;
        ledger.told = Some(note.clone());
        drop(ledger);
        Ok(anchor.remember(&note)?)
    }

    fn check_process(&self) -> Result<(), LogError> {
        if self.process == std::process::id() { Ok(()) } else { Err(LogError::OtherProcess) }
    }

    /// A panicking proposal only ever saw the fold; so a poisoned lock hides nothing half done.
    fn ledger(&self) -> MutexGuard<'_, Ledger<F>> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: Fold> Drop for Log<F> {
    fn drop(&mut self) {
        let ledger = self.ledger.get_mut().unwrap_or_else(PoisonError::into_inner);
        let untold = self.parts.anchor.is_some() && ledger.chain.note != ledger.told;
        let behind = ledger.has_waiting() || untold;
        if behind {
            // Who must know whether it worked calls flush.
            let _ = self.flush();
        }
    }
}

#[cfg(test)]
mod tests;
