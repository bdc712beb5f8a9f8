//! What one writer knows of its log, and the group it is making.

use std::io::{self, BufRead, BufReader, Read};

use sha2::{Digest, Sha256};

use super::error::LogError;
use super::marks::Marks;
use super::parts::LogParts;
use crate::body::{Body, NoteRecord};
use crate::entry::{ENTRY_BYTES_MAX, Entry};
use crate::fields::Durability;
use crate::note::{Checkpoint, public_key};
use crate::seal::{GROUP_ENTRIES_MAX, Seal, seal_hash};
use crate::store::{LogTurn, Signer, StoreError};
use crate::tree::hex;
use crate::tree::{Hash, leaf_hash};
use crate::verify::{
    Chain, GROUP_BYTES_MAX, Good, Judge, LogFinding, LogFindingClass, LogFindingKind, Place, VerifyOptions, Walk,
};

/// Entries that wait in memory at most before they are written.
pub const BUFFER_ENTRIES_MAX: usize = 256;
/// Bytes that wait in memory at most before they are written.
pub const BUFFER_BYTES_MAX: usize = 64 * 1024;

/// Bytes that the index and the previous seal can still add to a buffered entry.
const PLACE_BYTES_MAX: usize = 128;
/// Bytes read at a time.
const READ_BYTES: usize = 64 * 1024;
/// The format's version.
const VERSION: u32 = 1;

/// What is built by reading entries in order.
pub trait Fold: Send {
    /// Takes one entry in. The byte `group`, or one behind it, begins the entry's group: [`Log::read_back`] begins to read there.
    ///
    /// [`Log::read_back`]: super::Log::read_back
    fn apply(&mut self, entry: &Entry, group: u64);
}

/// The folded state, the sealed chain, the group being made, and the entries that wait.
pub struct Ledger<F> {
    /// What the entries fold to, those of the group being made and the waiting ones included.
    pub fold: F,
    /// Everything that is durable.
    pub chain: Chain,
    /// Groups since the anchor was told.
    pub unanchored: u32,
    /// What the anchor was last told, or had in memory when the log was opened.
    pub told: Option<String>,
    /// Places from which the log can be read again.
    pub marks: Marks,
    lines: Vec<u8>,
    leaves: Vec<Hash>,
    waiting: Vec<Entry>,
    waiting_bytes: usize,
}

/// Who writes which log, when.
#[derive(Clone, Copy)]
pub struct Stamp<'a> {
    parts: &'a LogParts,
    writer: &'a str,
    /// Wall time in microseconds.
    pub time_us: i64,
    mono_us: u64,
}

impl<'a> Stamp<'a> {
    /// A stamp of now.
    pub fn now(parts: &'a LogParts, writer: &'a str) -> Stamp<'a> {
        Stamp { parts, writer, time_us: parts.clock.wall_us(), mono_us: parts.clock.monotonic_us() }
    }

    fn on(&self, entry: &mut Entry, durability: Durability) {
        let head = &mut entry.head;
        head.v = VERSION;
        head.writer = self.writer.to_owned();
        head.time_us = self.time_us;
        head.mono_us = self.mono_us;
        head.durability = Some(durability);
    }
}

/// What something outside the log says about it when it is opened.
pub enum Outside {
    /// Nothing was asked.
    Silent,
    /// Its last checkpoint.
    Remembers(String),
    /// Nothing, although it is there to remember: its name.
    Forgot(String),
}

/// A group ready to be written, and the chain once it is.
pub struct Sealed {
    /// Entry lines and the seal line.
    pub bytes: Vec<u8>,
    /// What will be durable.
    pub chain: Chain,
}

impl<F: Fold> Ledger<F> {
    /// A ledger of an unread log.
    pub fn new(fold: F) -> Ledger<F> {
        Ledger {
            fold,
            chain: Chain::default(),
            unanchored: 0,
            told: None,
            marks: Marks::default(),
            lines: Vec::new(),
            leaves: Vec::new(),
            waiting: Vec::new(),
            waiting_bytes: 0,
        }
    }

    /// Reads what others have written since the last turn, checks it and folds it. A torn tail is moved away.
    pub fn catch_up(&mut self, turn: &mut dyn LogTurn, outside: Outside, stamp: Stamp<'_>) -> Result<(), LogError> {
        let (anchor, forgot) = match outside {
            Outside::Silent => (None, None),
            Outside::Remembers(checkpoint) => (Some(checkpoint), None),
            Outside::Forgot(name) => (None, Some(name)),
        };
        let bytes = turn.bytes()?;
        let known = self.chain.offset;
        if bytes < known {
            let (kind, place) = (LogFindingKind::Missing, Place::Entries(0, self.chain.size()));
            let detail = "the log became shorter under its writer".to_owned();
            return Err(LogError::Damaged(LogFinding { kind, place, bytes: bytes..known, detail }));
        }
        if bytes == known && anchor.is_none() {
            return if bytes == 0 { self.begin(stamp) } else { Ok(()) };
        }
        let options = VerifyOptions { anchors: anchor.into_iter().collect(), ..stamp.parts.own() };
        let source = TurnReader { turn: &mut *turn, at: known, end: bytes };
        let mut reader = BufReader::with_capacity(READ_BYTES, source);
        let (fold, marks, mut has_calls) = (&mut self.fold, &mut self.marks, false);
        let judge = walk_on(self.chain.clone(), &options, &mut reader, &mut |entry, before| {
            has_calls |= is_about_calls(&entry.body);
            marks.pass(before);
            fold.apply(entry, before.offset);
        })?;
        if let Some(name) = forgot.filter(|_| has_calls) {
            return Err(LogError::AnchorGone(name));
        }
        let torn = judge.first(LogFindingClass::Tail).is_some();
        self.chain = judge.chain;
        match (torn, bytes) {
            (true, _) => self.recover(turn, bytes, stamp),
            (false, 0) => self.begin(stamp),
            (false, _) => Ok(()),
        }
    }

    /// The first entry of an empty log says whose it is and which key seals it.
    fn begin(&mut self, stamp: Stamp<'_>) -> Result<(), LogError> {
        let note = [("origin", stamp.parts.origin.clone()), ("vkey", public_key(stamp.parts.signer.as_ref()).vkey())];
        self.enter(Body::Genesis(words(note)).into(), Durability::Strict, stamp).map(drop)
    }

    /// Puts an entry in the group and folds it. Returns its index.
    pub fn enter(&mut self, mut entry: Entry, durability: Durability, stamp: Stamp<'_>) -> Result<u64, LogError> {
        stamp.on(&mut entry, durability);
        let line = self.placed(&mut entry)?;
        if line.len() > ENTRY_BYTES_MAX {
            return Err(LogError::TooLarge(line.len()));
        }
        self.make_room(1, line.len())?;
        self.push(&line);
        self.fold.apply(&entry, self.chain.offset);
        Ok(entry.head.index)
    }

    /// Lets an entry wait in memory, and folds it. Says whether the buffer is full.
    pub fn wait(&mut self, mut entry: Entry, stamp: Stamp<'_>) -> Result<bool, LogError> {
        stamp.on(&mut entry, Durability::Buffered);
        let line = entry.line().ok_or(LogError::Number)?;
        if line.len() + PLACE_BYTES_MAX > ENTRY_BYTES_MAX {
            return Err(LogError::TooLarge(line.len()));
        }
        self.fold.apply(&entry, self.chain.offset);
        self.waiting_bytes += line.len();
        self.waiting.push(entry);
        Ok(self.waiting.len() >= BUFFER_ENTRIES_MAX || self.waiting_bytes >= BUFFER_BYTES_MAX)
    }

    /// Whether entries wait in memory.
    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Folds the entries that wait into another state: they stand behind all that is written.
    pub fn show_waiting(&self, other: &mut F) {
        self.waiting.iter().for_each(|entry| other.apply(entry, self.chain.offset));
    }

    /// Puts the entries that wait into the group. They are folded already, so they stand before whatever is folded next.
    pub fn submit_waiting(&mut self) -> Result<(), LogError> {
        let entries = self.waiting.len();
        self.make_room(entries, self.waiting_bytes + entries * PLACE_BYTES_MAX)?;
        self.waiting_bytes = 0;
        for mut entry in std::mem::take(&mut self.waiting) {
            let line = self.placed(&mut entry)?;
            self.push(&line);
        }
        Ok(())
    }

    /// Seals the group; `None` if nothing is in it.
    pub fn seal(&mut self, signer: &dyn Signer, origin: &str) -> Result<Option<Sealed>, LogError> {
        if self.leaves.is_empty() {
            return Ok(None);
        }
        self.marks.pass(&self.chain);
        let (mut bytes, leaves) = (std::mem::take(&mut self.lines), std::mem::take(&mut self.leaves));
        let tree = self.chain.tree.with(leaves.iter().copied());
        let checkpoint = Checkpoint { origin: origin.to_owned(), size: tree.size(), root: tree.root() };
        let note = checkpoint.sign(signer)?;
        let line = Seal { leaves, note: note.clone() }.line();
        bytes.extend_from_slice(&line);
        bytes.push(b'\n');
        let chain = Chain {
            tree,
            seal: Some(seal_hash(&line)),
            note: Some(note),
            offset: self.chain.offset + bytes.len() as u64,
            seals: self.chain.seals + 1,
            ..Chain::default()
        };
        Ok(Some(Sealed { bytes, chain }))
    }

    /// Refuses what does not fit into the group any more.
    fn make_room(&self, entries: usize, bytes: usize) -> Result<(), LogError> {
        let full = self.leaves.len() + entries > GROUP_ENTRIES_MAX || self.lines.len() + bytes > GROUP_BYTES_MAX;
        if full { Err(LogError::Busy) } else { Ok(()) }
    }

    /// Gives the entry its place in the group. Its line.
    fn placed(&self, entry: &mut Entry) -> Result<Vec<u8>, LogError> {
        entry.head.index = self.chain.size() + self.leaves.len() as u64;
        entry.head.prev_seal = self.chain.seal.filter(|_| self.leaves.is_empty()).map(|seal| hex(&seal));
        entry.line().ok_or(LogError::Number)
    }

    fn push(&mut self, line: &[u8]) {
        self.leaves.push(leaf_hash(line));
        self.lines.extend_from_slice(line);
        self.lines.push(b'\n');
    }

    /// Moves what a crash left out of the log, and says so in it.
    fn recover(&mut self, turn: &mut dyn LogTurn, end: u64, stamp: Stamp<'_>) -> Result<(), LogError> {
        let start = self.chain.offset;
        let digest = digest(&mut TurnReader { turn: &mut *turn, at: start, end })?;
        let file = turn.quarantine(start)?;
        let note = [("bytes", (end - start).to_string()), ("file", file), ("sha256", hex(&digest))];
        let recovery = Body::Recovery(words(note));
        if self.chain.size() == 0 {
            // The write that broke off was the genesis.
            self.begin(stamp)?;
        }
        self.enter(recovery.into(), Durability::Strict, stamp).map(drop)
    }
}

/// Checks what `input` has behind `chain`, and shows its entries. What is known of the log then.
pub fn walk_on(
    chain: Chain,
    options: &VerifyOptions,
    input: &mut dyn BufRead,
    show: &mut Good<'_>,
) -> Result<Judge, LogError> {
    let judge = Walk::new(Judge::new(chain, options).for_folding()).run(input, show);
    match judge.first(LogFindingClass::Damage) {
        Some(damage) => Err(LogError::Damaged(damage.clone())),
        None => Ok(judge),
    }
}

/// Whether an entry says that the log has been at work: such a log had an anchor if it was to have one.
fn is_about_calls(body: &Body) -> bool {
    use Body::{Abandoned, Denial, Genesis, Intent, Other, Outcome, Pending, Policy, Recovery, State, Void};
    match body {
        Genesis(_) | Policy(_) | Recovery(_) => false,
        Intent(_) | Outcome(_) | Denial(_) | Pending(_) | Void(_) | Abandoned(_) | State(_) | Other(_) => true,
    }
}

fn words<const N: usize>(note: [(&str, String); N]) -> NoteRecord {
    NoteRecord { note: note.into_iter().map(|(name, text)| (name.to_owned(), text)).collect() }
}

fn digest(source: &mut TurnReader<'_>) -> Result<Hash, LogError> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let read = source.next(&mut buffer)?;
        if read == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
}

/// The bytes of the log up to `end`, in order.
pub struct TurnReader<'a> {
    /// The turn it reads in.
    pub turn: &'a mut dyn LogTurn,
    /// The next byte.
    pub at: u64,
    /// The byte behind the last one.
    pub end: u64,
}

impl TurnReader<'_> {
    /// Fills the buffer, as far as there are bytes.
    pub fn next(&mut self, buffer: &mut [u8]) -> Result<usize, StoreError> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let count = left.min(buffer.len());
        let Some(part) = buffer.get_mut(..count) else { return Ok(0) };
        if count > 0 {
            self.turn.read_at(self.at, part)?;
            self.at += count as u64;
        }
        Ok(count)
    }
}

impl Read for TurnReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.next(buffer).map_err(io::Error::other)
    }
}
