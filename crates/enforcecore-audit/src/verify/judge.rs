//! Judges one group against its seal.

use std::ops::Range;

use serde::Deserialize;

use super::accounts::Accounts;
use super::align;
use super::finding::{LogFinding, LogFindingClass, LogFindingKind, Place, Wrong};
use super::lines::Line;
use crate::body::{Body, NoteRecord};
use crate::entry::Entry;
use crate::note::{Checkpoint, NoteError, PublicKey};
use crate::seal::{Seal, seal_hash};
use crate::tree::hex;
use crate::tree::{Hash, Tree, leaf_hash};

/// Findings that are kept at most; more are counted.
pub const FINDINGS_MAX: usize = 1000;

/// What to check a log against.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    /// The key its seals must be signed with; without one, the key the log's own genesis names, which proves less.
    pub key: Option<PublicKey>,
    /// The origin its checkpoints must name; without one, the genesis's.
    pub origin: Option<String>,
    /// Checkpoints remembered elsewhere: signed notes.
    pub anchors: Vec<String>,
    /// Check every seal's signature, so that a rewritten log is named from its first rewritten seal on.
    pub all_signatures: bool,
}

/// The lines since the last seal.
#[derive(Default)]
pub struct Group {
    /// Each line.
    pub items: Vec<Item>,
    /// Their bytes.
    pub bytes: usize,
    /// Whether sectors of it were never written.
    pub hole: bool,
}

impl Group {
    /// The hashes of the lines as they are.
    pub fn leaves(&self) -> Vec<Hash> {
        self.items.iter().map(|item| item.leaf).collect()
    }
}

/// One line that is meant to be an entry.
pub struct Item {
    leaf: Hash,
    /// Where it stands.
    pub bytes: Range<u64>,
    /// What is wrong with its spelling.
    pub flaw: Option<Wrong>,
    head: Option<Head>,
    entry: Option<Entry>,
}

/// What every version's entry says.
#[derive(Deserialize)]
struct Head {
    index: u64,
    prev_seal: Option<String>,
}

impl Item {
    /// Reads a line; its content is looked at only if its spelling is canonical.
    pub fn read(line: Line<'_>, flaw: Option<Wrong>, readable: bool) -> Item {
        let entry = if readable { serde_json::from_slice::<Entry>(line.bytes).ok() } else { None };
        let head = match &entry {
            Some(entry) => Some(Head { index: entry.head.index, prev_seal: entry.head.prev_seal.clone() }),
            None if readable => serde_json::from_slice(line.bytes).ok(),
            None => None,
        };
        Item { leaf: leaf_hash(line.bytes), bytes: line.start..line.end, flaw, head, entry }
    }

    /// Whether it reads as an entry of some version.
    pub fn is_entry(&self) -> bool {
        self.head.is_some()
    }
}

/// A seal that could be read.
pub struct Judged {
    /// The seal.
    pub seal: Seal,
    /// Its checkpoint.
    pub point: Checkpoint,
    /// The index of its group's first entry.
    first: u64,
}

impl Judged {
    /// Reads a canonical seal line.
    pub fn parse(line: &[u8]) -> Result<Judged, &'static str> {
        let seal = Seal::parse(line)?;
        let point = Checkpoint::parse(&seal.note).map_err(|_| "its note is not a checkpoint")?;
        let first = point.size.checked_sub(seal.leaves.len() as u64).ok_or("it lists more entries than there are")?;
        Ok(Judged { seal, point, first })
    }
}

/// The last seal met. Before the first there is nothing to say against it.
struct LastSeal {
    /// Where it stands.
    bytes: Range<u64>,
    /// Up to how many entries it seals, by where it stands until it is known to be genuine: then by what it says.
    size: u64,
    /// Its signature was looked at.
    checked: bool,
    /// Something was found wrong with it; one finding a seal is enough.
    blamed: bool,
}

/// How things stood before a group.
pub struct Before {
    /// The chain.
    pub chain: Chain,
    /// The findings kept.
    pub findings: usize,
    /// The findings counted.
    pub total: u64,
}

/// A checkpoint remembered elsewhere.
struct Anchored {
    note: String,
    checkpoint: Option<Checkpoint>,
    met: Option<bool>,
}

/// Is shown an entry of a group in which nothing is wrong, and how far the log had come before that group.
pub type Good<'a> = dyn FnMut(&Entry, &Chain) + 'a;

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
    pub(crate) astray: Option<u64>,
}

impl Chain {
    /// How many entries are sealed.
    pub fn size(&self) -> u64 {
        self.astray.unwrap_or_else(|| self.tree.size())
    }
}

/// What is known of a log so far, and what was found in it.
pub struct Judge {
    /// How far it has come.
    pub chain: Chain,
    /// What is wrong.
    pub findings: Vec<LogFinding>,
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
    origin: Option<String>,
    all_signatures: bool,
    anchors: Vec<Anchored>,
    last_seal: LastSeal,
    folding: bool,
}

impl Judge {
    /// Goes on from `chain`.
    pub fn new(chain: Chain, options: &VerifyOptions) -> Judge {
        let anchored =
            |note: &String| Anchored { checkpoint: Checkpoint::parse(note).ok(), note: note.clone(), met: None };
        Judge {
            chain,
            findings: Vec::new(),
            findings_total: 0,
            accounts: Accounts::default(),
            key: options.key.clone(),
            key_from_log: false,
            anchored: None,
            origin: options.origin.clone(),
            all_signatures: options.all_signatures,
            anchors: options.anchors.iter().map(anchored).collect(),
            last_seal: LastSeal { bytes: 0..0, size: 0, checked: true, blamed: true },
            folding: false,
        }
    }

    /// For a reader that folds state: an entry that this version cannot read in full is damage, and calls are not counted.
    pub fn for_folding(self) -> Judge {
        Judge { folding: true, ..self }
    }

    /// The first finding of this class, if there is one.
    pub fn first(&self, class: LogFindingClass) -> Option<&LogFinding> {
        self.findings.iter().find(|finding| finding.kind.class() == class)
    }

    /// Judges the lines since the last seal by this one. Returns how things stood before.
    pub fn seal(
        &mut self,
        group: &Group,
        line: Line<'_>,
        flaw: Option<Wrong>,
        readable: bool,
        good: &mut Good<'_>,
    ) -> Before {
        let before = Before { chain: self.chain.clone(), findings: self.findings.len(), total: self.findings_total };
        let parsed = if readable { Judged::parse(line.bytes) } else { Err("its line is damaged") };
        let size = before.chain.size() + group.items.len() as u64;
        let fresh = LastSeal { bytes: line.start..line.end, size, checked: false, blamed: false };
        let previous = std::mem::replace(&mut self.last_seal, fresh);
        if let Some((kind, why)) = flaw {
            self.blame_seal(kind, why);
        }
        self.chain.seal = Some(seal_hash(line.bytes));
        self.chain.seals += 1;
        self.chain.offset = line.end;
        match parsed {
            Err(why) => {
                self.blame_seal(LogFindingKind::Altered, why);
                self.flaws(group, before.chain.size());
                self.advance(&group.leaves());
            }
            Ok(judged) => {
                let sealed_here = self.judge_group(group, &judged, &before.chain, previous);
                self.chain.note = Some(judged.seal.note);
                if sealed_here && before.total == self.findings_total {
                    self.account(group, &before.chain, good);
                }
            }
        }
        before
    }

    /// Forgets what was judged since.
    pub fn rewind(&mut self, before: Before) {
        self.chain = before.chain;
        self.findings.truncate(before.findings);
        self.findings_total = before.total;
    }

    /// What is to be said at the end of the log, which has so many bytes.
    pub fn finish(&mut self, end: u64) {
        if let Some(note) = self.chain.note.clone().filter(|_| !self.last_seal.checked) {
            self.check_signature(&note);
        }
        if self.key.is_none() && self.chain.seals > 0 && self.first(LogFindingClass::Damage).is_none() {
            self.found(LogFindingKind::NoKey, Place::File, 0..end, "neither the caller nor the log names a key");
        }
        self.finish_anchors();
    }

    /// Notes one thing that is wrong.
    pub fn found(&mut self, kind: LogFindingKind, place: Place, bytes: Range<u64>, detail: impl Into<String>) {
        self.findings_total += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(LogFinding { kind, place, bytes, detail: detail.into() });
        }
    }

    /// Judges the lines of a group by its seal, and moves the chain on from whichever of them is the truth. Says whether the
    /// lines are what was sealed here.
    fn judge_group(&mut self, group: &Group, judged: &Judged, before: &Chain, previous: LastSeal) -> bool {
        if before.seals == 0 {
            self.meet_genesis(group, judged);
        }
        let lines = group.leaves();
        let sealed = &judged.seal.leaves;
        let base = before.size();
        let same = lines == *sealed;
        let fits = |leaves: &[Hash]| {
            let tree = before.tree.with(leaves.iter().copied());
            tree.size() == judged.point.size && tree.root() == judged.point.root
        };
        let attached = before.astray.is_none();
        if attached && fits(sealed) {
            self.last_seal.size = judged.point.size;
            self.compare(group, judged, &lines);
            self.advance(sealed);
            self.check_link(group, judged, before, previous);
            self.check_origin(judged);
            if !same || self.all_signatures {
                self.check_signature(&judged.seal.note);
            }
        } else if attached && !same && fits(&lines) {
            self.flaws(group, base);
            self.blame_list(judged, &lines);
            self.advance(&lines);
        } else if !self.check_signature(&judged.seal.note) {
            self.judge_unsigned(group, judged, base, &lines);
        } else {
            self.judge_astray(group, judged, base, &lines);
        }
        attached && same && self.chain.tree.size() == judged.point.size
    }

    /// The lines give the signed root, the list does not.
    fn blame_list(&mut self, judged: &Judged, lines: &[Hash]) {
        if lines.ends_with(&judged.seal.leaves) {
            let at = self.last_seal.bytes.start;
            let wrong = "the seal between these groups is gone";
            self.found(LogFindingKind::Missing, Place::Seal(judged.first), at..at, wrong);
        } else {
            self.blame_seal(LogFindingKind::Altered, "its list of hashes is not that of the entries it seals");
        }
    }

    /// Nothing fits and the signature is wrong: the seal is damaged, and perhaps entries are too.
    fn judge_unsigned(&mut self, group: &Group, judged: &Judged, base: u64, lines: &[Hash]) {
        if judged.first == base && lines != judged.seal.leaves {
            self.compare(group, judged, lines);
            self.advance(&judged.seal.leaves);
        } else {
            self.flaws(group, base);
            self.advance(lines);
        }
    }

    /// The seal is genuine but does not follow what is before it.
    fn judge_astray(&mut self, group: &Group, judged: &Judged, base: u64, lines: &[Hash]) {
        let size = judged.point.size;
        self.last_seal.size = size;
        let at = self.last_seal.bytes.start;
        let start = group.items.first().map_or(at, |item| item.bytes.start);
        if judged.first < base {
            return self.met_again(judged.first, size, start..at);
        }
        if judged.first > base {
            let wrong = "sealed entries that are gone, with their seals";
            self.found(LogFindingKind::Missing, Place::Entries(base, judged.first), start..start, wrong);
        } else if lines == judged.seal.leaves && self.chain.astray.is_none() {
            self.blame_seal(LogFindingKind::RootMismatch, "its signed root is not that of the entries before it");
        }
        self.compare(group, judged, lines);
        self.chain.astray = Some(size);
    }

    /// A group with indexes that came before: a second copy, or the one that seemed to be missing.
    fn met_again(&mut self, first: u64, size: u64, bytes: Range<u64>) {
        let gap = self.findings.iter_mut().find(|finding| {
            finding.kind == LogFindingKind::Missing
                && matches!(finding.place, Place::Entries(from, to) if from <= first && size <= to)
        });
        let place = Place::Entries(first, size);
        let late = "a group that stands after a later one";
        match gap {
            Some(gap) if gap.place == place => {
                *gap = LogFinding { kind: LogFindingKind::Reordered, place, bytes, detail: late.to_owned() };
            }
            Some(_) => self.found(LogFindingKind::Reordered, place, bytes, late),
            None => self.found(LogFindingKind::Duplicated, place, bytes, "a group that is there a second time"),
        }
    }

    /// Names the lines that are not what was sealed, and what is wrong with those that are.
    fn compare(&mut self, group: &Group, judged: &Judged, lines: &[Hash]) {
        if lines == judged.seal.leaves {
            self.flaws(group, judged.first);
            self.check_indexes(group, judged.first);
            return;
        }
        let end = self.last_seal.bytes.start;
        let mut gone: Option<(u64, u64)> = None;
        for change in align::changes(lines, &judged.seal.leaves) {
            let entry = judged.first + change.sealed as u64;
            let Some(item) = change.line.and_then(|line| group.items.get(line)) else {
                gone = match gone {
                    Some((from, to)) if to == entry => Some((from, entry + 1)),
                    other => {
                        self.gone(other, end);
                        Some((entry, entry + 1))
                    }
                };
                continue;
            };
            let (kind, wrong) = match item.flaw {
                Some(flaw) if matches!(change.wrong.0, LogFindingKind::Altered | LogFindingKind::Inserted) => flaw,
                _ => change.wrong,
            };
            self.found(kind, Place::Entry(entry), item.bytes.clone(), wrong);
        }
        self.gone(gone, end);
    }

    fn gone(&mut self, entries: Option<(u64, u64)>, at: u64) {
        if let Some((from, to)) = entries {
            self.found(align::GONE.0, Place::Entries(from, to), at..at, align::GONE.1);
        }
    }

    /// What is wrong with the spelling of lines that stand in their places.
    pub fn flaws(&mut self, group: &Group, first: u64) {
        for (at, item) in (first..).zip(&group.items) {
            if let Some((kind, wrong)) = item.flaw {
                self.found(kind, Place::Entry(at), item.bytes.clone(), wrong);
            }
        }
    }

    fn check_indexes(&mut self, group: &Group, first: u64) {
        for (at, item) in (first..).zip(&group.items) {
            let wrong = match &item.head {
                _ if item.flaw.is_some() => continue,
                None => (LogFindingKind::Unreadable, "canonical, but not an entry"),
                Some(_) if item.entry.is_none() && self.folding => {
                    (LogFindingKind::Unreadable, "an entry of a later version, which this one cannot fold")
                }
                Some(head) if head.index != at => (LogFindingKind::WrongIndex, "it says another index than its place"),
                Some(_) => continue,
            };
            self.found(wrong.0, Place::Entry(at), item.bytes.clone(), wrong.1);
        }
    }

    /// The first entry of a group names the seal before it. The entry is sealed: if the two differ, the seal was changed.
    fn check_link(&mut self, group: &Group, judged: &Judged, before: &Chain, previous: LastSeal) {
        let Some(item) = group.items.first() else { return };
        let Some(head) = item.head.as_ref().filter(|_| judged.seal.leaves.first() == Some(&item.leaf)) else { return };
        match (&head.prev_seal, before.seal.map(|seal| hex(&seal))) {
            (named, expected) if *named == expected => {}
            (Some(_), Some(_)) if previous.blamed => {}
            (Some(_), Some(_)) => {
                let wrong = "its bytes are not those that the next group names";
                self.found(LogFindingKind::Altered, Place::Seal(previous.size), previous.bytes, wrong);
            }
            _ => {
                let wrong = "the first entry of a group does not name the seal before it";
                self.found(LogFindingKind::Unlinked, Place::Entry(judged.first), item.bytes.clone(), wrong);
            }
        }
    }

    fn check_origin(&mut self, judged: &Judged) {
        if self.origin.as_ref().is_some_and(|origin| *origin != judged.point.origin) {
            self.blame_seal(LogFindingKind::WrongOrigin, "its checkpoint names another log");
        }
    }

    /// The first entry says whose log it is, and which key seals it.
    fn meet_genesis(&mut self, group: &Group, judged: &Judged) {
        let Some(item) = group.items.first() else { return };
        let Some(entry) = &item.entry else { return };
        let Body::Genesis(NoteRecord { note }) = &entry.body else {
            if judged.first == 0 {
                let wrong = "the first entry is not a genesis";
                self.found(LogFindingKind::NoGenesis, Place::Entry(0), item.bytes.clone(), wrong);
            }
            return;
        };
        if self.key.is_none() {
            self.key = note.get("vkey").and_then(|vkey| PublicKey::from_vkey(vkey).ok());
            self.key_from_log = self.key.is_some();
        }
        // A verifier key checks itself, an origin does not: it counts only as it was sealed.
        if self.origin.is_none() && judged.seal.leaves.first() == Some(&item.leaf) {
            self.origin = note.get("origin").cloned();
        }
    }

    /// Checks the signature of the last seal; without a key there is nothing to say against it.
    fn check_signature(&mut self, note: &str) -> bool {
        self.last_seal.checked = true;
        let Some(key) = &self.key else { return true };
        let Err(error) = key.verify(note) else { return true };
        match error {
            NoteError::OtherKey(_) => self.blame_seal(LogFindingKind::WrongKey, "it is not signed by the key expected"),
            NoteError::Malformed(_) | NoteError::BadSignature => {
                self.blame_seal(LogFindingKind::BadSignature, "its signature does not fit its text")
            }
        }
        false
    }

    fn blame_seal(&mut self, kind: LogFindingKind, wrong: &str) {
        if !std::mem::replace(&mut self.last_seal.blamed, true) {
            self.found(kind, Place::Seal(self.last_seal.size), self.last_seal.bytes.clone(), wrong);
        }
    }

    /// Moves the chain on, and meets the anchors on the way.
    fn advance(&mut self, leaves: &[Hash]) {
        if let Some(astray) = &mut self.chain.astray {
            *astray += leaves.len() as u64;
            return;
        }
        for leaf in leaves {
            self.chain.tree.push(*leaf);
            let tree = &self.chain.tree;
            for anchor in &mut self.anchors {
                if let Some(point) = anchor.checkpoint.as_ref().filter(|point| point.size == tree.size()) {
                    anchor.met = Some(point.root == tree.root());
                }
            }
        }
    }

    /// Counts the calls of a group in which nothing is wrong.
    fn account(&mut self, group: &Group, before: &Chain, good: &mut Good<'_>) {
        let first = self.chain.size().saturating_sub(group.items.len() as u64);
        // After damage a missing entry would look like a call that does not add up.
        let counts = !self.folding && self.first(LogFindingClass::Damage).is_none();
        for (at, item) in (first..).zip(&group.items) {
            let Some(entry) = &item.entry else { continue };
            if counts && let Some((kind, wrong)) = self.accounts.take(entry) {
                self.found(kind, Place::Entry(at), item.bytes.clone(), wrong);
            }
            good(entry, before);
        }
    }

    /// Whether the log is the one its anchors remember, and as long.
    fn finish_anchors(&mut self) {
        for anchor in std::mem::take(&mut self.anchors) {
            let signed = self.key.as_ref().is_none_or(|key| key.verify(&anchor.note).is_ok());
            let Some(point) = anchor.checkpoint.filter(|_| signed) else {
                let wrong = "the anchor's checkpoint is not signed by the key";
                self.found(LogFindingKind::BadAnchor, Place::File, 0..0, wrong);
                continue;
            };
            let (size, end) = (self.chain.size(), self.chain.offset);
            if point.size > size {
                let wrong = format!("its anchor remembers {} entries, {size} are there", point.size);
                self.found(LogFindingKind::ShorterThanAnchor, Place::Entries(size, point.size), end..end, wrong);
            } else if anchor.met == Some(false) || self.origin.as_ref().is_some_and(|origin| *origin != point.origin) {
                let wrong = format!("its anchor remembers other entries before {}", point.size);
                self.found(LogFindingKind::Forked, Place::Entries(0, point.size), 0..end, wrong);
            } else if anchor.met == Some(true) {
                self.anchored = self.anchored.max(Some(point.size));
            }
        }
    }
}
