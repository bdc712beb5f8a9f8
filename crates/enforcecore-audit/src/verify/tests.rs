//! The verifier against every small change of a log whose truth is known.

use super::judge::FINDINGS_MAX;
use super::*;
use crate::testing::{ORIGIN, key, lines_of, log_of};
use crate::{LogFindingKind, Place};

fn options() -> VerifyOptions {
    VerifyOptions { key: Some(key(1)), origin: Some(ORIGIN.to_owned()), ..VerifyOptions::default() }
}

fn check(log: &[u8]) -> LogReport {
    verify(&mut &log[..], &options())
}

/// Whether a finding names this place.
fn names(finding: &LogFinding, place: &Place) -> bool {
    match (&finding.place, place) {
        (Place::Entries(from, to), Place::Entry(at)) => (*from..*to).contains(at),
        (found, place) => found == place,
    }
}

#[test]
fn a_whole_log_has_no_findings() {
    for (entries, group) in [(1, 1), (2, 1), (8, 1), (4, 3), (8, 3), (9, 4)] {
        let report = check(&log_of(entries, group));
        assert_eq!(report.findings, []);
        assert_eq!((report.verdict, report.entries), (LogVerdict::Unanchored { since: 0 }, entries as u64));
    }
}

/// Flips these bits of every byte: detected, and the right line named, and no other.
fn check_flips(entries: usize, group: usize, bits: impl Fn(usize) -> std::ops::Range<usize>, options: &VerifyOptions) {
    let log = log_of(entries, group);
    for (place, bytes) in lines_of(&log) {
        for (at, bit) in bytes.flat_map(|at| bits(at).map(move |bit| (at, bit))) {
            let mut changed = log.clone();
            changed[at] ^= 1 << bit;
            let report = verify(&mut &changed[..], options);
            let what = || format!("{place} of {entries} by {group}, byte {at} bit {bit}: {:#?}", report.findings);
            assert!(report.findings.iter().any(|finding| names(finding, &place)), "not named: {}", what());
            let mut damage = report.findings.iter().filter(|finding| finding.kind.class() == LogFindingClass::Damage);
            assert!(damage.all(|finding| names(finding, &place)), "another named: {}", what());
            assert_eq!(report.verdict, LogVerdict::Invalid, "{}", what());
        }
    }
}

#[test]
fn every_flipped_bit_is_named() {
    check_flips(1, 1, |_| 0..8, &options());
    check_flips(4, 3, |_| 0..8, &options());
}

#[test]
fn every_flipped_bit_is_named_by_the_logs_own_key() {
    check_flips(3, 2, |_| 0..8, &VerifyOptions::default());
}

#[test]
fn a_flipped_bit_of_every_byte_is_named_in_longer_logs() {
    for (entries, group) in [(5, 1), (8, 3)] {
        check_flips(entries, group, |at| at % 8..at % 8 + 1, &options());
    }
}

#[test]
#[ignore = "minutes; the tests before it flip a bit of every byte"]
fn every_flipped_bit_is_named_in_longer_logs() {
    for (entries, group) in (1..=8).flat_map(|entries| [(entries, 1), (entries, 3)]) {
        check_flips(entries, group, |_| 0..8, &options());
        check_flips(entries, group, |_| 0..8, &VerifyOptions { all_signatures: true, ..VerifyOptions::default() });
    }
}

/// Cut anywhere: an anchor says what is gone; without one, it is never plain valid, and never damage.
#[test]
fn every_cut_is_seen_against_an_anchor() {
    let log = log_of(7, 3);
    let whole = check(&log);
    let anchored = VerifyOptions { anchors: whole.checkpoint.into_iter().collect(), ..options() };
    let complete = verify(&mut &log[..], &anchored);
    assert_eq!((complete.verdict, complete.anchored), (LogVerdict::Valid, Some(7)));
    let ends: Vec<(usize, u64)> = lines_of(&log)
        .into_iter()
        .filter_map(|(place, bytes)| if let Place::Seal(size) = place { Some((bytes.end, size)) } else { None })
        .collect();
    for cut in 0..log.len() {
        let (sealed_bytes, sealed) = ends.iter().copied().take_while(|(end, _)| *end <= cut).last().unwrap_or((0, 0));
        let report = verify(&mut &log[..cut], &anchored);
        let short = report.findings.iter().find(|finding| finding.kind == LogFindingKind::ShorterThanAnchor);
        assert_eq!(short.map(|finding| &finding.place), Some(&Place::Entries(sealed, 7)), "{cut}");
        assert_eq!(report.verdict, LogVerdict::Invalid, "{cut}");
        let alone = check(&log[..cut]);
        assert_eq!(alone.verdict, LogVerdict::Unanchored { since: 0 }, "{cut}: {:?}", alone.findings);
        assert_eq!(alone.entries, sealed, "{cut}");
        let tail = alone.findings.iter().any(|finding| finding.kind.class() == LogFindingClass::Tail);
        assert_eq!(tail, cut > sealed_bytes, "{cut}: {:?}", alone.findings);
    }
}

#[test]
fn an_anchor_in_the_past_bounds_what_is_claimed() {
    let log = log_of(4, 1);
    let (_, second) = lines_of(&log).into_iter().filter(|(place, _)| matches!(place, Place::Seal(_))).nth(1).unwrap();
    let note = check(&log[..second.end]).checkpoint.unwrap();
    let anchored = |notes: &[&String]| {
        let anchors = notes.iter().map(|note| (*note).clone()).collect();
        verify(&mut &log[..], &VerifyOptions { anchors, ..options() })
    };
    assert_eq!(anchored(&[&note]).verdict, LogVerdict::Unanchored { since: 2 });
    assert_eq!(anchored(&[&note, &check(&log).checkpoint.unwrap()]).verdict, LogVerdict::Valid);
    let forged = note.replace("\n2\n", "\n3\n");
    assert_eq!(anchored(&[&forged]).findings[0].kind, LogFindingKind::BadAnchor);
}

/// Changes to the lines of a log of seven entries by three (0 | 1 2 3 | 4 5 6), and their findings.
fn check_change(change: impl FnOnce(&mut Vec<Vec<u8>>), expected: &[(LogFindingKind, Place)]) {
    let log = log_of(7, 3);
    let mut lines: Vec<Vec<u8>> = log.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    change(&mut lines);
    let report = check(&lines.concat());
    let found: Vec<_> = report.findings.iter().map(|finding| (finding.kind, finding.place.clone())).collect();
    assert_eq!(found, expected);
    let tails = expected.iter().all(|(kind, _)| kind.class() == LogFindingClass::Tail);
    assert_eq!(report.verdict == LogVerdict::Invalid, !tails);
}

/// Where the lines of that log stand: `E[n]` is entry n, `S[n]` the seal of the group n.
const E: [usize; 7] = [0, 2, 3, 4, 6, 7, 8];
const S: [usize; 3] = [1, 5, 9];

#[test]
fn what_was_done_to_the_lines_is_named() {
    use LogFindingKind as K;
    use Place::{Entries, Entry, File, Seal};
    check_change(|_| (), &[]);
    check_change(|lines| drop(lines.remove(E[2])), &[(K::Missing, Entries(2, 3))]);
    check_change(|lines| drop(lines.drain(E[1]..=E[3])), &[(K::Missing, Entries(1, 4))]);
    check_change(|lines| drop(lines.drain(E[1]..=S[1])), &[(K::Missing, Entries(1, 4))]);
    check_change(|lines| drop(lines.drain(E[0]..=S[0])), &[(K::Missing, Entries(0, 1))]);
    check_change(|lines| drop(lines.remove(S[1])), &[(K::Missing, Seal(4))]);
    check_change(|lines| drop(lines.remove(S[2])), &[(K::UnsealedTail, Entries(4, 7))]);
    check_change(|lines| lines.swap(E[1], E[2]), &[(K::Reordered, Entry(1))]);
    check_change(|lines| lines.swap(E[2], E[5]), &[(K::Altered, Entry(2)), (K::Altered, Entry(5))]);
    check_change(|lines| lines.insert(E[2], lines[E[2]].clone()), &[(K::Duplicated, Entry(2))]);
    check_change(|lines| lines.insert(E[2], lines[E[5]].clone()), &[(K::Inserted, Entry(2))]);
    check_change(|lines| lines.push(lines[E[6]].clone()), &[(K::UnsealedTail, Entries(7, 8))]);
    check_change(|lines| lines.extend_from_within(E[4]..=S[2]), &[(K::Duplicated, Entries(4, 7))]);
    check_change(|lines| lines[E[1]..].rotate_left(4), &[(K::Reordered, Entries(1, 4))]);
    let altered = |lines: &mut Vec<Vec<u8>>| {
        for line in [E[1], E[3], E[5]] {
            lines[line] = String::from_utf8(lines[line].clone()).unwrap().replace("call-", "Call-").into_bytes();
        }
    };
    check_change(altered, &[(K::Altered, Entry(1)), (K::Altered, Entry(3)), (K::Altered, Entry(5))]);
    check_change(|lines| lines[E[0]].splice(0..0, *b"\xef\xbb\xbf").for_each(drop), &[(K::ByteOrderMark, File)]);
    check_change(|lines| lines.insert(E[2], b"\n".to_vec()), &[(K::BlankLine, Entry(2))]);
    check_change(|lines| lines.push(b"\n".to_vec()), &[(K::BlankLine, Entry(7)), (K::UnsealedTail, Entries(7, 8))]);
    let crlf = |line: &mut Vec<u8>| line.insert(line.len() - 1, b'\r');
    check_change(|lines| crlf(&mut lines[E[2]]), &[(K::CarriageReturn, Entry(2))]);
    check_change(|lines| crlf(&mut lines[S[1]]), &[(K::CarriageReturn, Seal(4))]);
    check_change(|lines| lines[E[2]].insert(1, b' '), &[(K::NotCanonical, Entry(2))]);
    check_change(|lines| lines[E[2]][20] = 0xff, &[(K::InvalidUtf8, Entry(2))]);
    check_change(|lines| lines[E[2]].splice(1..1, *b"\"call\":\"x\",").for_each(drop), &[(K::DuplicateKey, Entry(2))]);
    check_change(|lines| lines[E[2]] = b"{}\n".to_vec(), &[(K::Altered, Entry(2))]);
    check_change(|lines| lines[S[1]] = b"{\"leaves\":\"\",\"seal\":\"\"}\n".to_vec(), &[(K::Altered, Seal(4))]);
    check_change(|lines| lines.push(b"{\"call\":\"x".to_vec()), &[(K::TornTail, File)]);
    check_change(|lines| lines.push(vec![0; 700]), &[(K::TornTail, File)]);
    check_change(
        |lines| lines.push(b"{\"a\":true}\n".to_vec()),
        &[(K::NotCanonical, Entry(7)), (K::UnsealedTail, Entries(7, 8))],
    );
    // Sectors of the last group that were never written are a crash's doing; in a group before it they are not.
    check_change(
        |lines| lines.extend([b"{\"call\":\"".to_vec(), vec![0; 512], b"\"}\n".to_vec()]),
        &[(K::TornTail, File)],
    );
    let hole = |lines: &mut Vec<Vec<u8>>| lines[E[2]].splice(5..5, [0; 512]).for_each(drop);
    check_change(hole, &[(K::NotCanonical, Entry(2))]);
}

#[test]
fn a_group_with_holes_is_torn_only_at_the_end() {
    let log = log_of(7, 3);
    let (_, entry) = lines_of(&log).into_iter().find(|(place, _)| *place == Place::Entry(5)).unwrap();
    let mut holed = log.clone();
    holed.splice(entry.start + 5..entry.start + 5, [0; 512]);
    let report = check(&holed);
    assert_eq!((report.findings[0].kind, report.entries), (LogFindingKind::TornTail, 4), "{:?}", report.findings);
    assert_eq!(report.findings.len(), 1);
}

#[test]
fn another_key_and_another_log_are_named() {
    let log = log_of(3, 1);
    let kinds = |options: VerifyOptions| -> Vec<_> {
        verify(&mut &log[..], &options).findings.into_iter().map(|finding| (finding.kind, finding.place)).collect()
    };
    let last = Place::Seal(3);
    assert_eq!(kinds(VerifyOptions { key: Some(key(2)), ..options() }), [(LogFindingKind::WrongKey, last.clone())]);
    let every = [
        (LogFindingKind::WrongKey, Place::Seal(1)),
        (LogFindingKind::WrongKey, Place::Seal(2)),
        (LogFindingKind::WrongKey, last),
    ];
    assert_eq!(kinds(VerifyOptions { key: Some(key(2)), all_signatures: true, ..options() }), every);
    let origin = Some("example.com/other".to_owned());
    assert_eq!(kinds(VerifyOptions { origin, ..options() })[0], (LogFindingKind::WrongOrigin, Place::Seal(1)));
    let own = verify(&mut &log[..], &VerifyOptions::default());
    assert!(own.key_from_log && own.findings.is_empty());
    assert_eq!(own.vkey, Some(key(1).vkey()));
}

#[test]
fn calls_that_do_not_add_up_are_named() {
    use crate::testing::{about as ends, intent, open};
    use crate::{Durability, Entry, EntryKind, MemoryStore};
    let check = |entries: Vec<Entry>, expected: &[(LogFindingKind, u64)], unknown: u64| {
        let store = MemoryStore::default();
        let log = open(&store);
        for entry in entries {
            log.commit(Durability::Strict, |_, _| Ok::<_, ()>((entry, ()))).unwrap();
        }
        drop(log);
        let report = super::verify(&mut &store.contents()[..], &options());
        let found: Vec<_> = report.findings.iter().map(|finding| (finding.kind, finding.place.clone())).collect();
        let expected: Vec<_> = expected.iter().map(|(kind, at)| (*kind, Place::Entry(*at))).collect();
        assert_eq!((found, report.outcome_unknown), (expected, unknown));
    };
    check(vec![intent("a"), ends(EntryKind::Outcome, "a")], &[], 0);
    check(vec![intent("a"), ends(EntryKind::Void, "a"), intent("b"), ends(EntryKind::Abandoned, "b")], &[], 0);
    check(vec![intent("a"), intent("b"), ends(EntryKind::Denial, "c")], &[], 2);
    check(vec![ends(EntryKind::Outcome, "a")], &[(LogFindingKind::NoIntent, 1)], 0);
    check(vec![ends(EntryKind::Outcome, "a"), intent("a")], &[(LogFindingKind::NoIntent, 1)], 1);
    check(
        vec![intent("a"), ends(EntryKind::Outcome, "a"), ends(EntryKind::Void, "a")],
        &[(LogFindingKind::SecondOutcome, 3)],
        0,
    );
    check(vec![intent("a"), intent("a")], &[(LogFindingKind::SecondIntent, 2)], 1);
}

proptest::proptest! {
    #[test]
    fn bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        let _ = check(&bytes);
    }

    /// Lines of a real log in any order, some cut, some joined: an answer, and never a clean one unless it is a prefix.
    #[test]
    fn shuffled_lines_never_pass(picks in proptest::collection::vec((0usize..10, 0usize..400), 1..15)) {
        let log = log_of(7, 3);
        let lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
        let shuffled: Vec<u8> =
            picks.iter().flat_map(|(line, cut)| lines[*line].iter().take(cut * 3 + 1).copied()).collect();
        let report = check(&shuffled);
        if report.verdict != LogVerdict::Invalid && !log.starts_with(&shuffled) {
            // What is not sealed claims nothing.
            let sealed = lines_of(&log).into_iter().find(|(place, _)| *place == Place::Seal(report.entries));
            let end = sealed.map_or(0, |(_, bytes)| bytes.end);
            proptest::prop_assert_eq!(&shuffled[..end], &log[..end]);
        }
    }
}

/// A group with these lines in it after a whole log, sealed by the log's own key.
pub(super) fn and_sealed(log: &[u8], lines: &[Vec<u8>]) -> Vec<u8> {
    use crate::tree::leaf_hash;
    use crate::{Checkpoint, KeySigner, Seal, Tree};
    let old: Vec<_> = lines_of(log).into_iter().filter(|(place, _)| matches!(place, Place::Entry(_))).collect();
    let leaves: Vec<_> = lines.iter().map(|line| leaf_hash(line)).collect();
    let tree = Tree::default().with(old.into_iter().map(|(_, bytes)| leaf_hash(&log[bytes.start..bytes.end - 1])));
    let tree = tree.with(leaves.iter().copied());
    let point = Checkpoint { origin: ORIGIN.to_owned(), size: tree.size(), root: tree.root() };
    let note = point.sign(&KeySigner::new("test", &[1; 32]).unwrap()).unwrap();
    let mut log = log.to_vec();
    for line in lines.iter().chain([&Seal { leaves, note }.line()]) {
        log.extend_from_slice(line);
        log.push(b'\n');
    }
    log
}

/// A line that names the last seal of the log, with members before and after.
pub(super) fn linked(log: &[u8], before: &str, after: &str) -> Vec<u8> {
    let (_, seal) = lines_of(log).pop().unwrap();
    let seal = crate::tree::hex(&crate::seal::seal_hash(&log[seal.start..seal.end - 1]));
    format!("{{{before}\"prev_seal\":\"{seal}\"{after}}}").into_bytes()
}

/// What only the holder of the key can write: the seals fit, and what they seal is still held to the format.
#[test]
fn what_is_sealed_is_still_held_to_the_format() {
    use crate::testing::{Seen, parts};
    use crate::{Log, LogError, MemoryStore};
    let log = log_of(2, 1);
    let rest = ",\"time_us\":1,\"v\":1,\"writer\":\"w\"";
    let index = |index: u64| format!("\"index\":{index},\"kind\":\"void\",\"mono_us\":1,");
    // What the verifier says, and what opening says.
    let check_both = |line: Vec<u8>, verified: Option<LogFindingKind>, opened: Option<LogFindingKind>| {
        let log = and_sealed(&log, std::slice::from_ref(&line));
        let report = check(&log);
        let damage = report.findings.iter().find(|finding| finding.kind.class() == LogFindingClass::Damage);
        assert_eq!(damage.map(|finding| finding.kind), verified, "{}", String::from_utf8_lossy(&line));
        assert!(damage.is_none_or(|finding| finding.place == Place::Entry(2)));
        let found = match Log::open(parts(MemoryStore::new(log), None), Seen::default()) {
            Err(LogError::Damaged(finding)) => Some(finding.kind),
            _ => None,
        };
        assert_eq!(found, opened, "{}", String::from_utf8_lossy(&line));
    };
    let same = |kind| (Some(kind), Some(kind));
    let whole = linked(&log, &index(2), rest);
    check_both(whole.clone(), None, None);
    let later = linked(&log, &index(2), &format!("{rest},\"zone\":\"a field of a later version\""));
    check_both(later, None, Some(LogFindingKind::Unreadable));
    for (line, (verified, opened)) in [
        (linked(&log, &index(3), rest), same(LogFindingKind::WrongIndex)),
        (linked(&log, "\"index\":\"2\",", rest), same(LogFindingKind::Unreadable)),
        (format!("{{{}\"time_us\":1}}", index(2)).into_bytes(), same(LogFindingKind::Unlinked)),
        ([&whole[..1], b" ", &whole[1..]].concat(), same(LogFindingKind::NotCanonical)),
    ] {
        check_both(line, verified, opened);
    }
}

/// Input without end costs no memory, and is named.
#[test]
fn endless_lines_and_groups_are_refused() {
    use std::io::Read;
    let log = log_of(2, 1);
    let endless = |byte: u8, bytes: u64, end: &'static [u8]| {
        let mut input = std::io::BufReader::new(log.chain(std::io::repeat(byte).take(bytes)).chain(end));
        verify(&mut input, &options())
    };
    assert_eq!(endless(b' ', 3 << 20, b"\n").findings[0].kind, LogFindingKind::BlankLine);
    assert_eq!(endless(b'x', 3 << 20, b"\n").findings[0].kind, LogFindingKind::TooLong);
    let many = endless(b'\n', 40_000, b"");
    assert_eq!((many.findings.len(), many.verdict), (FINDINGS_MAX, LogVerdict::Invalid));
    assert!(many.findings_total > FINDINGS_MAX as u64);
    let (lines, line) = (crate::seal::GROUP_ENTRIES_MAX + 1, b"{\"a\":1}\n");
    let group = [log.clone(), line.repeat(lines)].concat();
    assert_eq!(check(&group).findings[0].kind, LogFindingKind::TooLong);
}
