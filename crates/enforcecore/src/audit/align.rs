//! Names what happened to the entries of one group: the lines that are there against the hashes that were sealed.

use std::collections::HashMap;

use super::finding::FindingKind;
use super::tree::Hash;

/// What became of one sealed entry or one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it is: altered, missing, inserted, reordered or duplicated.
    pub kind: FindingKind,
    /// The sealed entry, counted in the group; for an inserted line, the entry it stands before.
    pub sealed: usize,
    /// The line, counted in the group; `None` where it is missing.
    pub line: Option<usize>,
}

/// Compares. Lines that stand where they were sealed yield nothing.
pub fn changes(lines: &[Hash], sealed: &[Hash]) -> Vec<Change> {
    let mut changes = Vec::new();
    let places = places(lines, sealed, &mut changes);
    let found: Vec<bool> = {
        let mut found = vec![false; sealed.len()];
        places.iter().flatten().for_each(|place| mark(&mut found, place.sealed));
        found
    };
    let mut lost = (0..sealed.len()).filter(|at| !found.get(*at).copied().unwrap_or(true)).peekable();
    let mut before = 0;
    for (line, place) in places.iter().enumerate() {
        if let Some(place) = place {
            before = if place.in_order { place.sealed + 1 } else { before };
            continue;
        }
        if changes.iter().any(|change| change.line == Some(line)) {
            continue;
        }
        // A line nobody sealed is an altered entry where one is lost before the next line that is in its place.
        let next = places.iter().skip(line).flatten().find(|place| place.in_order).map_or(sealed.len(), |p| p.sealed);
        while let Some(skipped) = lost.next_if(|at| *at < before) {
            changes.push(Change { kind: FindingKind::Missing, sealed: skipped, line: None });
        }
        match lost.next_if(|at| *at < next) {
            Some(at) => changes.push(Change { kind: FindingKind::Altered, sealed: at, line: Some(line) }),
            None => changes.push(Change { kind: FindingKind::Inserted, sealed: before, line: Some(line) }),
        }
    }
    changes.extend(lost.map(|sealed| Change { kind: FindingKind::Missing, sealed, line: None }));
    changes.sort_by_key(|change| (change.sealed, change.line));
    changes
}

#[derive(Clone, Copy)]
struct Place {
    sealed: usize,
    in_order: bool,
}

/// Where each line was sealed. Lines that were sealed elsewhere, and second copies, are changes.
fn places(lines: &[Hash], sealed: &[Hash], changes: &mut Vec<Change>) -> Vec<Option<Place>> {
    let mut open: HashMap<&Hash, Vec<usize>> = HashMap::new();
    for (at, hash) in sealed.iter().enumerate().rev() {
        open.entry(hash).or_default().push(at);
    }
    let mut first: HashMap<&Hash, usize> = HashMap::new();
    let mut next = 0;
    let mut places = Vec::with_capacity(lines.len());
    for (line, hash) in lines.iter().enumerate() {
        let Some(at) = open.get_mut(hash).and_then(Vec::pop) else {
            if let Some(sealed) = first.get(hash) {
                changes.push(Change { kind: FindingKind::Duplicated, sealed: *sealed, line: Some(line) });
            }
            places.push(None);
            continue;
        };
        first.insert(hash, at);
        let in_order = at >= next;
        if in_order {
            next = at + 1;
        } else {
            changes.push(Change { kind: FindingKind::Reordered, sealed: at, line: Some(line) });
        }
        places.push(Some(Place { sealed: at, in_order }));
    }
    places
}

fn mark(found: &mut [bool], at: usize) {
    if let Some(slot) = found.get_mut(at) {
        *slot = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use FindingKind::{Altered, Duplicated, Inserted, Missing, Reordered};

    fn check(lines: &str, sealed: &str, expected: &[(FindingKind, usize, Option<usize>)]) {
        let hashes = |text: &str| text.bytes().map(|byte| [byte; 32]).collect::<Vec<Hash>>();
        let got: Vec<_> =
            changes(&hashes(lines), &hashes(sealed)).into_iter().map(|c| (c.kind, c.sealed, c.line)).collect();
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
}
