//! Folding a part of the log once more: what has left memory comes back from the file.
//!
//! What is read is checked as at opening, and must end where this writer knows the log to be: a file that was changed meanwhile
//! gives nothing back. Most of it is read a piece a turn, so that no one waits long for the turn.

use std::io::{self, BufReader, Read};

use super::ledger::{Outside, TurnReader, walk_on};
use super::{Fold, Log, LogError};
use crate::entry::Entry;
use crate::store::StoreError;
use crate::verify::{Chain, LogFinding, LogFindingKind, Place};

/// Bytes read in one turn.
const PIECE_BYTES: usize = 1 << 20;

impl<F: Fold> Log<F> {
    /// Folds the log from its byte `from` on into `fresh`, entries that wait in memory included, and lets `put` take what came
    /// of it into the state, at a wall time in microseconds. Nothing is written to the log in between.
    ///
    /// `from` is what [`Fold::apply`] was shown with an entry. Entries before it may be shown too.
    pub fn read_back(&self, from: u64, mut fresh: F, put: impl FnOnce(&mut F, F, i64)) -> Result<(), LogError> {
        self.check_process()?;
        let (mark, known) = {
            let ledger = self.ledger();
            (ledger.marks.before(from), ledger.chain.offset)
        };
        let pieces = Pieces { log: self, at: mark.offset, end: known };
        let chain = self.fold_again(mark, &mut BufReader::with_capacity(PIECE_BYTES, pieces), &mut fresh)?;
        let mut turn = self.parts.store.turn()?;
        self.catch_up(turn.as_mut(), Outside::Silent)?;
        let known = self.ledger().chain.offset;
        let rest = TurnReader { turn: turn.as_mut(), at: chain.offset, end: known };
        let chain = self.fold_again(chain, &mut BufReader::new(rest), &mut fresh)?;
        let mut ledger = self.ledger();
        if (chain.seal, chain.offset, chain.tree.root()) != (ledger.chain.seal, known, ledger.chain.tree.root()) {
            let (kind, place) = (LogFindingKind::Altered, Place::Entries(0, ledger.chain.size()));
            let detail = "the log was changed under its writer".to_owned();
            return Err(LogError::Damaged(LogFinding { kind, place, bytes: from..known, detail }));
        }
        ledger.show_waiting(&mut fresh);
        let now_us = self.parts.clock.wall_us();
        put(&mut ledger.fold, fresh, now_us);
        Ok(())
    }

    /// Checks and folds what `input` has behind `chain`. How far the log has come with it.
    fn fold_again(&self, chain: Chain, input: &mut dyn io::BufRead, fresh: &mut F) -> Result<Chain, LogError> {
        let mut show = |entry: &Entry, before: &Chain| fresh.apply(entry, before.offset);
        Ok(walk_on(chain, &self.parts.own(), input, &mut show)?.chain)
    }
}

/// Bytes of the log that stay as they are: each piece is read in a turn of its own.
struct Pieces<'a, F: Fold> {
    log: &'a Log<F>,
    at: u64,
    end: u64,
}

impl<F: Fold> Pieces<'_, F> {
    fn next(&mut self, buffer: &mut [u8]) -> Result<usize, StoreError> {
        if self.at >= self.end {
            return Ok(0);
        }
        let mut turn = self.log.parts.store.turn()?;
        let mut reader = TurnReader { turn: turn.as_mut(), at: self.at, end: self.end };
        let count = reader.next(buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl<F: Fold> Read for Pieces<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.next(buffer).map_err(io::Error::other)
    }
}
