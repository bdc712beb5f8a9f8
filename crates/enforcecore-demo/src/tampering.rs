//! What verification says of the log, of a copy with one changed byte, and of a copy with its end cut off.

use std::fs;
use std::path::{Path, PathBuf};

use enforcecore::audit::{LogFinding, LogFindingClass, LogReport, LogVerdict, Place, Seal, VerifyOptions, public_key};
use enforcecore_host::assembly::DEFAULT_ORIGIN;
use enforcecore_host::evidence::{anchored_checkpoint, verify_folder};
use enforcecore_host::file_log::LOG_FILE;
use enforcecore_host::keys::load_or_create_signer;

use crate::error::DemoError;

/// Entries that are cut off.
const CUT_ENTRIES: usize = 3;

/// The log and its damaged copies, verified.
pub struct Evidence {
    /// The log's folder.
    pub log: PathBuf,
    /// How many entries it has.
    pub entries: u64,
    /// What verification says of it.
    pub verdict: LogVerdict,
    /// The copy with one changed byte.
    pub changed: Tampering,
    /// The copy whose end was cut off.
    pub cut: Tampering,
}

/// A change to a copy, and the finding.
pub struct Tampering {
    /// What was touched.
    pub place: Place,
    /// The finding that names exactly what was touched, if there is one.
    pub finding: Option<LogFinding>,
}

impl Evidence {
    /// Verifies the log below this folder against its anchor, then makes the copies and verifies them.
    pub fn gather(root: &Path) -> Result<Evidence, DemoError> {
        let key = load_or_create_signer(&root.join("keys"), DEFAULT_ORIGIN).map_err(DemoError::unjudged)?;
        let anchor = anchored_checkpoint(&root.join("anchor")).map_err(DemoError::unjudged)?;
        let anchors = anchor.into_iter().collect();
        let options = VerifyOptions { key: Some(public_key(&key)), anchors, ..VerifyOptions::default() };
        let log = root.join("log");
        let LogReport { verdict, entries, .. } = verify_folder(&log, &options)?;
        let lines = fs::read(log.join(LOG_FILE))?;
        let verify = |name: &str, bytes: &[u8]| -> Result<LogReport, DemoError> {
            let copy = root.join("tampered").join(name);
            fs::create_dir_all(&copy)?;
            fs::write(copy.join(LOG_FILE), bytes)?;
            Ok(verify_folder(&copy, &options)?)
        };
        let touched = entries / 2;
        let changed = verify("one-byte", &change_byte(&lines, touched))?;
        let left = without_end(&lines);
        let cut = verify("cut-end", &left)?;
        let from = count_entries(&left);
        Ok(Evidence {
            log,
            entries,
            verdict,
            changed: Tampering::named(Place::Entry(touched), changed),
            cut: Tampering::named(Place::Entries(from, entries), cut),
        })
    }

    /// Whether the log is sound and each damage to a copy was named.
    pub fn is_sound(&self) -> bool {
        self.verdict == LogVerdict::Valid && self.changed.finding.is_some() && self.cut.finding.is_some()
    }
}

impl Tampering {
    fn named(place: Place, report: LogReport) -> Tampering {
        let names = |finding: &LogFinding| finding.place == place && finding.kind.class() == LogFindingClass::Damage;
        let invalid = report.verdict == LogVerdict::Invalid;
        let finding = report.findings.into_iter().find(|finding| invalid && names(finding));
        Tampering { place, finding }
    }

    /// The first entry that was touched.
    pub fn entry(&self) -> u64 {
        match self.place {
            Place::Entry(entry) | Place::Entries(entry, _) | Place::Seal(entry) => entry,
            Place::File => 0,
        }
    }
}

/// Changes one bit in the middle of an entry.
fn change_byte(lines: &[u8], entry: u64) -> Vec<u8> {
    let mut changed = lines.to_vec();
    let mut entries = entry;
    let mut start = 0;
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        if !is_seal(line) {
            if entries == 0 {
                if let Some(byte) = changed.get_mut(start + line.len() / 2) {
                    *byte ^= 1;
                }
                break;
            }
            entries -= 1;
        }
        start += line.len();
    }
    changed
}

/// What is left when the last entries are cut off at a place where the log could have ended: after a seal.
fn without_end(lines: &[u8]) -> Vec<u8> {
    let mut left: Vec<&[u8]> = lines.split_inclusive(|byte| *byte == b'\n').collect();
    let mut cut = 0;
    while cut < CUT_ENTRIES || left.last().is_some_and(|line| !is_seal(line)) {
        match left.pop() {
            Some(line) => cut += usize::from(!is_seal(line)),
            None => break,
        }
    }
    left.concat()
}

fn count_entries(lines: &[u8]) -> u64 {
    lines.split_inclusive(|byte| *byte == b'\n').filter(|line| !is_seal(line)).count() as u64
}

/// Seals are the other lines of a log; entries are what is counted.
fn is_seal(line: &[u8]) -> bool {
    Seal::parse(line).is_ok()
}
