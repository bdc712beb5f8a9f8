//! The walk over a log's lines that verifying and opening share.
//!
//! Lines gather until their seal; then the group is judged as a whole: the lines there are (`C`) against the hashes that were
//! sealed (`L`), and both against the signed root. Whichever of the two gives the root is the truth, and the walk goes on
//! from it.

use std::io::BufRead;
use std::ops::Range;

use super::accounts::Accounts;
use super::canonical::{self, Flaw, FlawKind};
use super::entry::{ENTRY_BYTES_MAX, Entry};
use super::finding::{Finding, FindingClass, FindingKind, Place};
use super::judge::{Anchored, Before, Group, Item, Judged, LastSeal, Wrong};
use super::lines::{Line, Lines};
use super::note::PublicKey;
use super::seal::{GROUP_ENTRIES_MAX, SEAL_BYTES_MAX, is_seal, seal_hash, was_seal};
use super::tree::{Hash, Tree};
use super::verify::{FINDINGS_MAX, VerifyOptions};

/// Bytes in one group at most: what a reader holds in memory until the seal.
pub const GROUP_BYTES_MAX: usize = 16 << 20;
/// A run of zero bytes of this length is a disk sector that was never written, not a changed byte.
const SECTOR_BYTES: usize = 512;

/// How far a log is known to be good: all of it up to a seal.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// The tree over the sealed entries.
    pub tree: Tree,
    /// The last seal's hash.
    pub seal: Option<Hash>,
    /// The last seal's signed note.
    pub note: Option<String>,
    /// Where the last seal ends.
    pub offset: u64,
    /// How many seals.
    pub seals: u64,
    /// Entries lost track of: the tree stands still, this counts on.
    pub(super) astray: Option<u64>,
}

impl Chain {
    /// How many entries are sealed.
    pub fn size(&self) -> u64 {
        self.astray.unwrap_or_else(|| self.tree.size())
    }
}

/// A walk in progress, and what it has found.
pub struct Walk {
    /// How far it has come.
    pub chain: Chain,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// How much is wrong.
    pub findings_total: u64,
    /// The calls.
    pub accounts: Accounts,
    /// The key signatures are checked with.
    pub key: Option<PublicKey>,
    /// Whether the log itself named it.
    pub key_from_log: bool,
    /// The largest anchor that was found in the log.
    pub anchored: Option<u64>,
    pub(super) origin: Option<String>,
    pub(super) all_signatures: bool,
    pub(super) anchors: Vec<Anchored>,
    group: Group,
    previous: Previous,
    pub(super) last_seal: Option<LastSeal>,
    torn: Option<Range<u64>>,
    pub(super) folding: bool,
    rewind: Option<Before>,
    end: u64,
}

/// The line before this one, as far as it matters for what a fragment belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Previous {
    Good,
    Broken,
}

impl Walk {
    /// A walk that goes on from `chain`.
    pub fn new(chain: Chain, options: &VerifyOptions) -> Walk {
        Walk {
            end: chain.offset,
            chain,
            findings: Vec::new(),
            findings_total: 0,
            accounts: Accounts::default(),
            key: options.key.clone(),
            key_from_log: false,
            anchored: None,
            origin: options.origin.clone(),
            all_signatures: options.all_signatures,
            anchors: options.anchors.iter().map(|note| Anchored::new(note)).collect(),
            group: Group::default(),
            previous: Previous::Good,
            last_seal: None,
            torn: None,
            folding: false,
            rewind: None,
        }
    }

    /// A walk for whoever folds state: an entry that this version cannot read in full is damage, and calls are not counted.
    pub fn for_folding(self) -> Walk {
        Walk { folding: true, ..self }
    }

    /// Walks to the end. `good` is shown each entry of a group in which nothing is wrong, once its seal is read.
    pub fn run(mut self, input: &mut dyn BufRead, good: &mut dyn FnMut(&Entry)) -> Walk {
        let mut lines = Lines::new(input, self.chain.offset, SEAL_BYTES_MAX);
        loop {
            match lines.next() {
                Ok(Some(line)) => self.line(line, good),
                Ok(None) => break,
                Err(_) => {
                    let at = lines.position();
                    self.found(FindingKind::ReadFailed, Place::File, at..at, "the bytes from here on cannot be read");
                    return self;
                }
            }
        }
        self.end = lines.position();
        self.finish();
        self
    }

    /// Whether anything but a torn tail was found.
    pub fn damage(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.kind.class() == FindingClass::Damage)
    }

    /// The torn or unsealed tail, if there is one.
    pub fn tail(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.kind.class() == FindingClass::Tail)
    }

    fn line(&mut self, line: Line<'_>, good: &mut dyn FnMut(&Entry)) {
        self.rewind = None;
        let mut rest = line;
        if rest.start == 0
            && let Some(bytes) = rest.bytes.strip_prefix("\u{feff}".as_bytes())
        {
            rest.bytes = bytes;
            let wrong = "the file starts with a byte order mark";
            self.found(FindingKind::ByteOrderMark, Place::File, 0..3, wrong);
        }
        loop {
            let flaw = match canonical::check(rest.bytes) {
                Ok(()) => None,
                // What ends the object should have been a newline, and the next line follows.
                Err(Flaw { kind: FlawKind::Trailing, at }) if rest.bytes.get(at + 1) == Some(&b'{') => {
                    let split = rest.start + at as u64 + 1;
                    let (first, second) = rest.bytes.split_at(at + 1);
                    let first = first.get(..at).unwrap_or_default();
                    let wrong = (FindingKind::LineEnd, "something else than a newline ends the line");
                    self.whole(Line { bytes: first, end: split, ..rest }, Some(wrong), good);
                    rest = Line { bytes: second, start: split, ..rest };
                    continue;
                }
                Err(flaw) => Some(flaw),
            };
            return self.judge(rest, flaw, good);
        }
    }

    fn judge(&mut self, line: Line<'_>, flaw: Option<Flaw>, good: &mut dyn FnMut(&Entry)) {
        let Some(flaw) = flaw else {
            if line.terminated {
                self.whole(line, None, good);
            } else {
                self.torn = Some(line.start..line.end);
            }
            return;
        };
        let written = line.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let prefix = line.bytes.get(..written).unwrap_or_default();
        if !line.terminated && is_prefix(prefix) {
            self.torn = Some(line.start..line.end);
            return;
        }
        let zeros = line.bytes.split(|byte| *byte != 0).any(|run| run.len() >= SECTOR_BYTES);
        self.group.hole |= zeros;
        let blank = line.bytes.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
        if !blank && self.previous == Previous::Broken && !line.bytes.starts_with(b"{") {
            // A newline in the middle of a damaged line: this is the rest of it.
            if let Some(item) = self.group.items.last_mut() {
                item.bytes.end = line.end;
            }
            return;
        }
        let wrong = match flaw.kind {
            _ if blank => (FindingKind::BlankLine, "a line without content"),
            _ if line.too_long => (FindingKind::TooLong, "the line is longer than any writer makes it"),
            FlawKind::Trailing => return self.trailing(line, flaw.at, good),
            FlawKind::Incomplete => (FindingKind::Altered, "the line breaks off"),
            FlawKind::InvalidUtf8 => (FindingKind::InvalidUtf8, "bytes that are no UTF-8"),
            FlawKind::DuplicateKey => (FindingKind::DuplicateKey, "a key twice in one object"),
            FlawKind::Spelling(why) => (FindingKind::NotCanonical, why),
        };
        self.whole(line, Some(wrong), good);
        self.previous = if blank { Previous::Good } else { Previous::Broken };
    }

    /// An object with something after it that is no line of its own.
    fn trailing(&mut self, line: Line<'_>, at: usize, good: &mut dyn FnMut(&Entry)) {
        let (object, after) = line.bytes.split_at_checked(at).unwrap_or((line.bytes, &[]));
        let wrong = match after {
            b"\r" if line.terminated => (FindingKind::CarriageReturn, "a carriage return before the newline"),
            [_] if !line.terminated => (FindingKind::LineEnd, "something else than a newline ends the line"),
            _ => {
                self.whole(line, Some((FindingKind::Altered, "text after the object")), good);
                self.previous = Previous::Broken;
                return;
            }
        };
        self.whole(Line { bytes: object, ..line }, Some(wrong), good);
    }

    /// One line of the log, with what is wrong with its spelling.
    fn whole(&mut self, line: Line<'_>, flaw: Option<Wrong>, good: &mut dyn FnMut(&Entry)) {
        self.previous = Previous::Good;
        let readable = is_readable(flaw);
        if is_seal(line.bytes) {
            return self.seal(line, flaw, readable, good);
        }
        let mut item = Item::read(line, flaw, readable);
        if was_seal(line.bytes) && !item.is_entry() {
            let wrong = flaw.unwrap_or((FindingKind::Altered, "the line no longer reads as a seal"));
            return self.seal(line, Some(wrong), false, good);
        }
        if line.bytes.len() > ENTRY_BYTES_MAX {
            let wrong = (FindingKind::TooLong, "the entry is longer than any writer makes it");
            item.flaw.get_or_insert(wrong);
        }
        self.group.bytes += line.bytes.len();
        if self.group.items.len() < GROUP_ENTRIES_MAX && self.group.bytes <= GROUP_BYTES_MAX {
            self.group.items.push(item);
        } else {
            let place = Place::Entry(self.chain.size() + self.group.items.len() as u64);
            self.found(FindingKind::TooLong, place, item.bytes, "more lines without a seal than any writer makes");
            self.group = Group::default();
            self.chain.astray = Some(self.chain.size());
        }
    }

    fn seal(&mut self, line: Line<'_>, flaw: Option<Wrong>, readable: bool, good: &mut dyn FnMut(&Entry)) {
        let group = std::mem::take(&mut self.group);
        let before = Before { chain: self.chain.clone(), findings: self.findings.len(), total: self.findings_total };
        let parsed = if readable { Judged::parse(line.bytes) } else { Err("its line is damaged") };
        let size = before.chain.size() + group.items.len() as u64;
        let fresh = LastSeal { bytes: line.start..line.end, size, checked: false, blamed: false };
        let previous = self.last_seal.replace(fresh);
        if let Some((kind, why)) = flaw {
            self.blame_seal(kind, why);
        }
        self.chain.seal = Some(seal_hash(line.bytes));
        self.chain.seals += 1;
        self.chain.offset = line.end;
        match parsed {
            Err(why) => {
                self.blame_seal(FindingKind::Altered, why);
                self.flaws(&group, before.chain.size());
                self.advance(&group.leaves());
            }
            Ok(judged) => {
                let sealed_here = self.judge_group(&group, &judged, &before.chain, previous);
                self.chain.note = Some(judged.seal.note);
                if sealed_here && before.total == self.findings_total {
                    self.account(&group, good);
                }
            }
        }
        self.rewind = group.hole.then_some(before);
    }

    fn finish(&mut self) {
        if let Some(before) = self.rewind.take() {
            self.chain = before.chain;
            self.findings.truncate(before.findings);
            self.findings_total = before.total;
            let torn = self.chain.offset..self.end;
            self.found(FindingKind::TornTail, Place::File, torn, "the last group has parts that were never written");
        } else {
            self.finish_tail();
        }
        if let (Some(LastSeal { checked: false, .. }), Some(note)) = (&self.last_seal, self.chain.note.clone()) {
            self.check_signature(&note);
        }
        if self.key.is_none() && self.chain.seals > 0 && self.damage().is_none() {
            self.found(FindingKind::NoKey, Place::File, 0..self.end, "neither the caller nor the log names a key");
        }
        self.finish_anchors();
    }

    /// What stands after the last seal.
    fn finish_tail(&mut self) {
        let group = std::mem::take(&mut self.group);
        let tail = self.chain.offset..self.end;
        if tail.is_empty() {
            return;
        }
        if !group.hole {
            self.flaws(&group, self.chain.size());
        }
        let count = group.items.len() as u64;
        if self.torn.is_some() || group.hole {
            let wrong = format!("{count} whole entries and a broken line, never acknowledged");
            self.found(FindingKind::TornTail, Place::File, tail, wrong);
        } else if count > 0 {
            let place = Place::Entries(self.chain.size(), self.chain.size() + count);
            self.found(FindingKind::UnsealedTail, place, tail, "entries without a seal, never acknowledged");
        }
    }

    /// Notes one thing that is wrong.
    pub(super) fn found(&mut self, kind: FindingKind, place: Place, bytes: Range<u64>, detail: impl Into<String>) {
        self.findings_total += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { kind, place, bytes, detail: detail.into() });
        }
    }
}

/// Whether the content of a line is canonical, whatever ends it.
fn is_readable(flaw: Option<Wrong>) -> bool {
    matches!(flaw, None | Some((FindingKind::LineEnd | FindingKind::CarriageReturn, _)))
}

/// Whether the bytes are what a write that broke off leaves of a line.
fn is_prefix(bytes: &[u8]) -> bool {
    matches!(canonical::check(bytes), Ok(()) | Err(Flaw { kind: FlawKind::Incomplete, .. }))
}
