//! Names what happened to the entries of one group: the lines that are there against the hashes that were sealed.

use std::collections::HashMap;

use super::finding::{LogFindingKind, Wrong};
use crate::tree::Hash;

/// What became of one sealed entry or one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it is, altered, missing, inserted, reordered or duplicated, and in words.
    pub wrong: Wrong,
    /// The sealed entry, counted in the group; for an inserted line, the entry it stands before.
    pub sealed: usize,
    /// The line, counted in the group; `None` where it is missing.
    pub line: Option<usize>,
}

/// Compares, in time linear in both. Lines that stand where they were sealed yield nothing.
pub fn changes(lines: &[Hash], sealed: &[Hash]) -> Vec<Change> {
    let fates = fates(lines, sealed);
    let nexts = next_in_order(&fates, sealed.len());
    let mut found = vec![false; sealed.len()];
    fates.iter().for_each(|fate| fate.mark(&mut found));
    let mut lost = (0..).zip(&found).filter(|(_, found)| !**found).map(|(at, _)| at).peekable();
    let mut changes = Vec::new();
    let mut before = 0;
    for ((line, fate), next) in fates.iter().enumerate().zip(nexts) {
        let (wrong, sealed) = match *fate {
            Fate::InOrder(at) => {
                before = at + 1;
                continue;
            }
            Fate::Reordered(at) => ((LogFindingKind::Reordered, "it does not stand where it was sealed"), at),
            Fate::Copy(at) => ((LogFindingKind::Duplicated, "it is there a second time"), at),
            Fate::Unknown => {
                while let Some(gone) = lost.next_if(|at| *at < before) {
                    changes.push(Change { wrong: GONE, sealed: gone, line: None });
                }
                // A line that was never sealed is an altered entry where one is lost before the next line that is in its place.
                match lost.next_if(|at| *at < next) {
                    Some(at) => ((LogFindingKind::Altered, "its bytes are not those that were sealed"), at),
                    None => ((LogFindingKind::Inserted, "a line that was never sealed stands before it"), before),
                }
            }
        };
        changes.push(Change { wrong, sealed, line: Some(line) });
    }
    changes.extend(lost.map(|sealed| Change { wrong: GONE, sealed, line: None }));
    changes.sort_by_key(|change| (change.sealed, change.line));
    changes
}

/// What is wrong where no line is left.
pub const GONE: Wrong = (LogFindingKind::Missing, "sealed, and no longer there");

/// What a line is.
#[derive(Clone, Copy)]
enum Fate {
    /// Sealed at this place, and after the line before.
    InOrder(usize),
    /// Sealed at this place, which lies before the line before.
    Reordered(usize),
    /// One more of what was sealed at this place.
    Copy(usize),
    /// Never sealed.
    Unknown,
}

impl Fate {
    fn mark(self, found: &mut [bool]) {
        if let Fate::InOrder(at) | Fate::Reordered(at) = self
            && let Some(slot) = found.get_mut(at)
        {
            *slot = true;
        }
    }
}

fn fates(lines: &[Hash], sealed: &[Hash]) -> Vec<Fate> {
    let mut open: HashMap<&Hash, Vec<usize>> = HashMap::new();
    for (at, hash) in sealed.iter().enumerate().rev() {
        open.entry(hash).or_default().push(at);
    }
    let mut taken: HashMap<&Hash, usize> = HashMap::new();
    let mut next = 0;
    let fate = |hash| match open.get_mut(hash).and_then(Vec::pop) {
        None => taken.get(hash).map_or(Fate::Unknown, |at| Fate::Copy(*at)),
        Some(at) => {
            taken.insert(hash, at);
            if at < next {
                return Fate::Reordered(at);
            }
            next = at + 1;
            Fate::InOrder(at)
        }
    };
    lines.iter().map(fate).collect()
}

/// For each line, where the next line that is in its place was sealed.
fn next_in_order(fates: &[Fate], end: usize) -> Vec<usize> {
    let mut next = end;
    let mut nexts: Vec<usize> = fates
        .iter()
        .rev()
        .map(|fate| {
            if let Fate::InOrder(at) = fate {
                next = *at;
            }
            next
        })
        .collect();
    nexts.reverse();
    nexts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::leaf_hash;
    use LogFindingKind::{Altered, Duplicated, Inserted, Missing, Reordered};

    fn check(lines: &str, sealed: &str, expected: &[(LogFindingKind, usize, Option<usize>)]) {
        let hashes = |text: &str| text.bytes().map(|byte| [byte; 32]).collect::<Vec<Hash>>();
        let got: Vec<_> =
            changes(&hashes(lines), &hashes(sealed)).into_iter().map(|c| (c.wrong.0, c.sealed, c.line)).collect();
        assert_eq!(got, expected, "{lines} against {sealed}");
    }

    #[test]
    fn what_happened_is_named() {
        check("abcd", "abcd", &[]);
        check("", "", &[]);
        check("aXcd", "abcd", &[(Altered, 1, Some(1))]);
        check("Xbcd", "abcd", &[(Altered, 0, Some(0))]);
        check("abcX", "abcd", &[(Altered, 3, Some(3))]);
        check("abXX", "abcd", &[(Altered, 2, Some(2)), (Altered, 3, Some(3))]);
        check("acd", "abcd", &[(Missing, 1, None)]);
        check("", "ab", &[(Missing, 0, None), (Missing, 1, None)]);
        check("abXcd", "abcd", &[(Inserted, 2, Some(2))]);
        check("Xabcd", "abcd", &[(Inserted, 0, Some(0))]);
        check("abcdX", "abcd", &[(Inserted, 4, Some(4))]);
        check("aXYcd", "abcd", &[(Altered, 1, Some(1)), (Inserted, 1, Some(2))]);
        check("acbd", "abcd", &[(Reordered, 1, Some(2))]);
        check("abbcd", "abcd", &[(Duplicated, 1, Some(2))]);
        check("acXd", "abcd", &[(Missing, 1, None), (Inserted, 3, Some(2))]);
        check("aa", "aa", &[]);
    }

    #[test]
    fn the_largest_group_is_compared_in_a_moment() {
        let hashes = |seed: u8| {
            (0..16 * 1024u32).map(|n| leaf_hash(&[&[seed], &n.to_be_bytes()[..]].concat())).collect::<Vec<_>>()
        };
        let changes = changes(&hashes(1), &hashes(2));
        assert!(changes.iter().enumerate().all(|(n, c)| (c.wrong.0, c.sealed, c.line) == (Altered, n, Some(n))));
        assert_eq!(changes.len(), 16 * 1024);
    }
}
