//! Whole groups of a log that is being written: its entries, once the seal is there that lists them.

use std::io::{self, BufRead};

use super::lines::Lines;
use super::walk::GROUP_BYTES_MAX;
use crate::body::EntryLine;
use crate::seal::{GROUP_ENTRIES_MAX, SEAL_BYTES_MAX, Seal, is_seal};
use crate::tree::leaf_hash;

/// How far whole groups reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupsRead {
    /// Where the last whole group ends in the file.
    pub end: u64,
    /// What follows it that can be no group: other lines than its seal lists, or too many. What is only not finished is not odd.
    pub odd: Option<String>,
}

/// Reads group after group from `input`, whose first byte stands at `at` in the file, in bounded memory. The entries of each are
/// handed on once its seal lists exactly their leaves; the seal's signature is not checked. A sealed line that is no entry of this
/// version is an error with its bytes' place. An error of `each` ends the reading.
pub fn read_groups<E: From<io::Error>>(
    input: impl BufRead,
    at: u64,
    each: &mut dyn FnMut(Result<EntryLine, String>) -> Result<(), E>,
) -> Result<GroupsRead, E> {
    let mut lines = Lines::new(input, at, SEAL_BYTES_MAX);
    let (mut end, mut leaves, mut group, mut bytes) = (at, Vec::new(), Vec::new(), 0_usize);
    let odd = |end: u64, at: u64, why: &str| {
        let odd = Some(format!("bytes {end} to {at}: {why}"));
        Ok(GroupsRead { end, odd })
    };
    while let Some(line) = lines.next()? {
        if !line.terminated {
            break;
        }
        if !is_seal(line.bytes) {
            bytes = bytes.saturating_add(line.bytes.len());
            if line.too_long || bytes > GROUP_BYTES_MAX || leaves.len() == GROUP_ENTRIES_MAX {
                return odd(end, line.end, "more than a group may have, without a seal");
            }
            leaves.push(leaf_hash(line.bytes));
            let place = || format!("bytes {} to {}", line.start, line.end);
            group.push(serde_json::from_slice(line.bytes).map_err(|_| format!("{}: not an entry", place())));
            continue;
        }
        if !Seal::parse(line.bytes).is_ok_and(|seal| seal.leaves == leaves) {
            return odd(end, line.end, "other entries than their seal lists");
        }
        group.drain(..).try_for_each(&mut *each)?;
        (end, bytes) = (line.end, 0);
        leaves.clear();
    }
    Ok(GroupsRead { end, odd: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{lines_of, log_of};
    use crate::verify::Place;

    /// What is read of these bytes: the entries' numbers, the end, and whether something is odd.
    fn read(bytes: &[u8], at: u64) -> (Vec<u64>, u64, bool) {
        let mut seen = Vec::new();
        let groups = read_groups(bytes, at, &mut |entry| {
            seen.push(entry.map_err(io::Error::other)?.index);
            Ok::<(), io::Error>(())
        });
        let groups = groups.unwrap();
        (seen, groups.end, groups.odd.is_some())
    }

    /// Where each seal ends, with how many entries stand before it.
    fn seals(log: &[u8]) -> Vec<(u64, u64)> {
        let ends = lines_of(log).into_iter().filter_map(|(place, bytes)| match place {
            Place::Seal(size) => Some((bytes.end as u64, size)),
            _ => None,
        });
        ends.collect()
    }

    #[test]
    fn a_log_that_ends_anywhere_is_read_to_its_last_seal() {
        let log = log_of(9, 4);
        let seals = seals(&log);
        assert_eq!(seals.last().unwrap(), &(log.len() as u64, 9));
        for cut in 0..=log.len() {
            let last = seals.iter().rfind(|(end, _)| *end <= cut as u64).copied().unwrap_or_default();
            assert_eq!(read(&log[..cut], 0), ((0..last.1).collect(), last.0, false), "{cut}");
            // What follows is read from there on, as if all had been read at once.
            let from = usize::try_from(last.0).unwrap();
            assert_eq!(read(&log[from..], last.0), ((last.1..9).collect(), log.len() as u64, false), "{cut}");
        }
    }

    #[test]
    fn a_group_with_another_entry_than_its_seal_lists_is_not_shown() {
        let log = log_of(9, 4);
        let mut before = (0, 0);
        for (place, bytes) in lines_of(&log) {
            if let Place::Seal(size) = place {
                before = (bytes.end as u64, size);
                continue;
            }
            for at in bytes.start..bytes.end - 1 {
                let mut changed = log.clone();
                changed[at] ^= 1;
                let (seen, end, odd) = read(&changed, 0);
                assert_eq!((seen.len() as u64, end, odd), (before.1, before.0, true), "{at}");
            }
        }
    }

    #[test]
    fn lines_without_a_seal_are_not_kept_for_ever() {
        let line = [&b"x".repeat(1 << 16)[..], b"\n"].concat();
        let (seen, end, odd) = read(&line.repeat(GROUP_BYTES_MAX / (1 << 16) + 1), 0);
        assert_eq!((seen, end, odd), (Vec::new(), 0, true));
        let (seen, end, odd) = read(&b"{}\n".repeat(GROUP_ENTRIES_MAX + 1), 0);
        assert_eq!((seen, end, odd), (Vec::new(), 0, true));
        let (_, _, odd) = read(&b"{}\n".repeat(GROUP_ENTRIES_MAX), 0);
        assert!(!odd);
    }
}
