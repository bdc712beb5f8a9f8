//! The walk over a log's lines that verifying and opening share.
//!
//! Lines gather until their seal; then the group is judged as a whole: the lines there are (`C`) against the hashes that were
//! sealed (`L`), and both against the signed root. Whichever of the two gives the root is the truth, and the walk goes on
//! from it.

use std::io::BufRead;

use super::finding::{LogFindingKind, Place, Wrong};
use super::judge::{Before, Good, Group, Item, Judge};
use super::lines::{Line, Lines};
use crate::canonical::{self, Flaw, FlawKind};
use crate::entry::ENTRY_BYTES_MAX;
use crate::seal::{GROUP_ENTRIES_MAX, SEAL_BYTES_MAX, is_seal, was_seal};

/// Bytes in one group at most: what a reader holds in memory until the seal.
pub const GROUP_BYTES_MAX: usize = 16 << 20;
/// A run of zero bytes of this length is a disk sector that was never written, not a changed byte.
const SECTOR_BYTES: usize = 512;

/// A walk in progress.
pub struct Walk {
    judge: Judge,
    group: Group,
    /// The line before this one is damaged, so that a fragment may be the rest of it.
    after_broken: bool,
    /// The last line breaks off.
    torn: bool,
    rewind: Option<Before>,
    end: u64,
}

impl Walk {
    /// A walk that goes on from where the judge stands.
    pub fn new(judge: Judge) -> Walk {
        let end = judge.chain.offset;
        Walk { judge, group: Group::default(), after_broken: false, torn: false, rewind: None, end }
    }

    /// Walks to the end. `good` is shown each entry of a group in which nothing is wrong, once its seal is read.
    pub fn run(mut self, input: &mut dyn BufRead, good: &mut Good<'_>) -> Judge {
        let mut lines = Lines::new(input, self.judge.chain.offset, SEAL_BYTES_MAX);
        loop {
            match lines.next() {
                Ok(Some(line)) => self.line(line, good),
                Ok(None) => break,
                Err(_) => {
                    let (at, wrong) = (lines.position(), "the bytes from here on cannot be read");
                    self.judge.found(LogFindingKind::ReadFailed, Place::File, at..at, wrong);
                    return self.judge;
                }
            }
        }
        self.end = lines.position();
        self.finish();
        self.judge
    }

    fn line(&mut self, line: Line<'_>, good: &mut Good<'_>) {
        self.rewind = None;
        let mut rest = line;
        if rest.start == 0
            && let Some(bytes) = rest.bytes.strip_prefix("\u{feff}".as_bytes())
        {
            rest.bytes = bytes;
            let wrong = "the file starts with a byte order mark";
            self.judge.found(LogFindingKind::ByteOrderMark, Place::File, 0..3, wrong);
        }
        loop {
            let flaw = match canonical::check(rest.bytes) {
                Ok(()) => None,
                // What ends the object should have been a newline, and the next line follows.
                Err(Flaw { kind: FlawKind::Trailing, at }) if rest.bytes.get(at + 1) == Some(&b'{') => {
                    let split = rest.start + at as u64 + 1;
                    let (first, second) = rest.bytes.split_at(at + 1);
                    let first = first.get(..at).unwrap_or_default();
                    let wrong = (LogFindingKind::LineEnd, "something else than a newline ends the line");
                    self.whole(Line { bytes: first, end: split, ..rest }, Some(wrong), good);
                    rest = Line { bytes: second, start: split, ..rest };
                    continue;
                }
                Err(flaw) => Some(flaw),
            };
            return self.assess(rest, flaw, good);
        }
    }

    fn assess(&mut self, line: Line<'_>, flaw: Option<Flaw>, good: &mut Good<'_>) {
        let Some(flaw) = flaw else {
            if line.terminated {
                self.whole(line, None, good);
            } else {
                self.torn = true;
            }
            return;
        };
        let written = line.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let prefix = line.bytes.get(..written).unwrap_or_default();
        if !line.terminated && is_prefix(prefix) {
            self.torn = true;
            return;
        }
        let zeros = line.bytes.split(|byte| *byte != 0).any(|run| run.len() >= SECTOR_BYTES);
        self.group.hole |= zeros;
        let blank = line.bytes.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
        if !blank && self.after_broken && !line.bytes.starts_with(b"{") {
            // A newline in the middle of a damaged line: this is the rest of it.
            if let Some(item) = self.group.items.last_mut() {
                item.bytes.end = line.end;
            }
            return;
        }
        let wrong = match flaw.kind {
            _ if blank => (LogFindingKind::BlankLine, "a line without content"),
            _ if line.too_long => (LogFindingKind::TooLong, "the line is longer than any writer makes it"),
            FlawKind::Trailing => return self.trailing(line, flaw.at, good),
            FlawKind::Incomplete => (LogFindingKind::Altered, "the line breaks off"),
            FlawKind::InvalidUtf8 => (LogFindingKind::InvalidUtf8, "bytes that are no UTF-8"),
            FlawKind::DuplicateKey => (LogFindingKind::DuplicateKey, "a key twice in one object"),
            FlawKind::Spelling(why) => (LogFindingKind::NotCanonical, why),
        };
        self.whole(line, Some(wrong), good);
        self.after_broken = !blank;
    }

    /// An object with something after it that is no line of its own.
    fn trailing(&mut self, line: Line<'_>, at: usize, good: &mut Good<'_>) {
        let (object, after) = line.bytes.split_at_checked(at).unwrap_or((line.bytes, &[]));
        let wrong = match after {
            b"\r" if line.terminated => (LogFindingKind::CarriageReturn, "a carriage return before the newline"),
            [_] if !line.terminated => (LogFindingKind::LineEnd, "something else than a newline ends the line"),
            _ => {
                self.whole(line, Some((LogFindingKind::Altered, "text after the object")), good);
                self.after_broken = true;
                return;
            }
        };
        self.whole(Line { bytes: object, ..line }, Some(wrong), good);
    }

    /// One line of the log, with what is wrong with its spelling.
    fn whole(&mut self, line: Line<'_>, flaw: Option<Wrong>, good: &mut Good<'_>) {
        self.after_broken = false;
        let readable = is_readable(flaw);
        if is_seal(line.bytes) {
            return self.seal(line, flaw, readable, good);
        }
        let mut item = Item::read(line, flaw, readable);
        if was_seal(line.bytes) && !item.is_entry() {
            let wrong = flaw.unwrap_or((LogFindingKind::Altered, "the line no longer reads as a seal"));
            return self.seal(line, Some(wrong), false, good);
        }
        if line.bytes.len() > ENTRY_BYTES_MAX {
            let wrong = (LogFindingKind::TooLong, "the entry is longer than any writer makes it");
            item.flaw.get_or_insert(wrong);
        }
        self.group.bytes += line.bytes.len();
        if self.group.items.len() < GROUP_ENTRIES_MAX && self.group.bytes <= GROUP_BYTES_MAX {
            self.group.items.push(item);
        } else {
            let place = Place::Entry(self.judge.chain.size() + self.group.items.len() as u64);
            let wrong = "more lines without a seal than any writer makes";
            self.judge.found(LogFindingKind::TooLong, place, item.bytes, wrong);
            self.group = Group::default();
            self.judge.chain.astray = Some(self.judge.chain.size());
        }
    }

    fn seal(&mut self, line: Line<'_>, flaw: Option<Wrong>, readable: bool, good: &mut Good<'_>) {
        let group = std::mem::take(&mut self.group);
        let before = self.judge.seal(&group, line, flaw, readable, good);
        self.rewind = group.hole.then_some(before);
    }

    fn finish(&mut self) {
        if let Some(before) = self.rewind.take() {
            self.judge.rewind(before);
            let torn = self.judge.chain.offset..self.end;
            let wrong = "the last group has parts that were never written";
            self.judge.found(LogFindingKind::TornTail, Place::File, torn, wrong);
        } else {
            self.finish_tail();
        }
        self.judge.finish(self.end);
    }

    /// What stands after the last seal.
    fn finish_tail(&mut self) {
        let group = std::mem::take(&mut self.group);
        let tail = self.judge.chain.offset..self.end;
        if tail.is_empty() {
            return;
        }
        if !group.hole {
            self.judge.flaws(&group, self.judge.chain.size());
        }
        let count = group.items.len() as u64;
        if self.torn || group.hole {
            let wrong = format!("{count} whole entries and a broken line, never acknowledged");
            self.judge.found(LogFindingKind::TornTail, Place::File, tail, wrong);
        } else if count > 0 {
            let place = Place::Entries(self.judge.chain.size(), self.judge.chain.size() + count);
            self.judge.found(LogFindingKind::UnsealedTail, place, tail, "entries without a seal, never acknowledged");
        }
    }
}

/// Whether the content of a line is canonical, whatever ends it.
fn is_readable(flaw: Option<Wrong>) -> bool {
    matches!(flaw, None | Some((LogFindingKind::LineEnd | LogFindingKind::CarriageReturn, _)))
}

/// Whether the bytes are what a write that broke off leaves of a line.
fn is_prefix(bytes: &[u8]) -> bool {
    matches!(canonical::check(bytes), Ok(()) | Err(Flaw { kind: FlawKind::Incomplete, .. }))
}
