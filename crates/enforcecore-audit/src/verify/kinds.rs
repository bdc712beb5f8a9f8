//! Every kind of finding by itself: a log that has exactly this one, its place and bytes, and the same log without it.

use super::tests::{and_sealed, linked};
use super::*;
use crate::entry::ENTRY_BYTES_MAX;
use crate::testing::{ORIGIN, about, intent, key, log_of, open};
use crate::{Checkpoint, Durability, EntryKind, KeySigner, LogFindingKind as K, MemoryStore, Place};
use Place::{Entries, Entry, File, Seal};

/// Every kind, its word in machine output and how bad it is.
const KINDS: [(K, &str, LogFindingClass); 31] = [
    (K::Altered, "altered", LogFindingClass::Damage),
    (K::Missing, "missing", LogFindingClass::Damage),
    (K::Inserted, "inserted", LogFindingClass::Damage),
    (K::Reordered, "reordered", LogFindingClass::Damage),
    (K::Duplicated, "duplicated", LogFindingClass::Damage),
    (K::NotCanonical, "not_canonical", LogFindingClass::Damage),
    (K::DuplicateKey, "duplicate_key", LogFindingClass::Damage),
    (K::InvalidUtf8, "invalid_utf8", LogFindingClass::Damage),
    (K::ByteOrderMark, "byte_order_mark", LogFindingClass::Damage),
    (K::CarriageReturn, "carriage_return", LogFindingClass::Damage),
    (K::LineEnd, "line_end", LogFindingClass::Damage),
    (K::BlankLine, "blank_line", LogFindingClass::Damage),
    (K::TooLong, "too_long", LogFindingClass::Damage),
    (K::Unreadable, "unreadable", LogFindingClass::Damage),
    (K::WrongIndex, "wrong_index", LogFindingClass::Damage),
    (K::Unlinked, "unlinked", LogFindingClass::Damage),
    (K::NoGenesis, "no_genesis", LogFindingClass::Damage),
    (K::BadSignature, "bad_signature", LogFindingClass::Damage),
    (K::WrongKey, "wrong_key", LogFindingClass::Damage),
    (K::WrongOrigin, "wrong_origin", LogFindingClass::Damage),
    (K::RootMismatch, "root_mismatch", LogFindingClass::Damage),
    (K::NoKey, "no_key", LogFindingClass::Damage),
    (K::ShorterThanAnchor, "shorter_than_anchor", LogFindingClass::Damage),
    (K::Forked, "forked", LogFindingClass::Damage),
    (K::BadAnchor, "bad_anchor", LogFindingClass::Damage),
    (K::ReadFailed, "read_failed", LogFindingClass::Damage),
    (K::UnsealedTail, "unsealed_tail", LogFindingClass::Tail),
    (K::TornTail, "torn_tail", LogFindingClass::Tail),
    (K::NoIntent, "no_intent", LogFindingClass::Accounting),
    (K::SecondOutcome, "second_outcome", LogFindingClass::Accounting),
    (K::SecondIntent, "second_intent", LogFindingClass::Accounting),
];

#[test]
fn every_kind_has_its_word_and_its_class() {
    assert_eq!(K::ALL, KINDS.map(|(kind, _, _)| kind));
    for (kind, word, class) in KINDS {
        assert_eq!((kind.as_str(), kind.class()), (word, class));
    }
}

fn options() -> VerifyOptions {
    VerifyOptions { key: Some(key(1)), origin: Some(ORIGIN.to_owned()), ..VerifyOptions::default() }
}

type Lines = Vec<Vec<u8>>;

fn lines_of(log: &[u8]) -> Lines {
    log.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// Where lines begin and end: from the begin of the first to the begin of the second, counted from 0.
fn bytes_of(log: &[u8], from: usize, to: usize) -> std::ops::Range<u64> {
    let begin = |line: usize| lines_of(log).iter().take(line).map(Vec::len).sum::<usize>() as u64;
    begin(from)..begin(to)
}

/// What exactly is found, and what of it decides.
fn check_log(log: &[u8], options: &VerifyOptions, expected: &[(K, Place, std::ops::Range<u64>)]) {
    let report = verify(&mut &log[..], options);
    let found: Vec<_> = report.findings.iter().map(|f| (f.kind, f.place.clone(), f.bytes.clone())).collect();
    assert_eq!(found, expected, "{:#?}", report.findings);
    assert_eq!(report.findings_total, expected.len() as u64);
    assert!(report.findings.iter().all(|finding| !finding.detail.is_empty()));
    let invalid = expected.iter().any(|(kind, _, _)| !matches!(kind, K::UnsealedTail | K::TornTail));
    assert_eq!(report.verdict == LogVerdict::Invalid, invalid, "{:#?}", report.findings);
}

/// Where the lines of a log of seven entries by three stand: `E[n]` is entry n, `S[n]` the seal of the group n.
const E: [usize; 7] = [0, 2, 3, 4, 6, 7, 8];
const S: [usize; 3] = [1, 5, 9];

/// A finding, what is done to the lines for it, and the lines that it names.
type Change = (K, fn(&mut Lines), Place, usize, usize);

const CHANGES: &[Change] = &[
    (K::Altered, |lines| replace(&mut lines[E[2]], b"call-2", b"Call-2"), Entry(2), 3, 4),
    (K::Altered, |lines| replace(&mut lines[S[1]], b"{\"leaves\":\"", b"{\"leaves\":\"!"), Seal(4), 5, 6),
    (K::Missing, |lines| drop(lines.remove(E[2])), Entries(2, 3), 4, 4),
    (K::Missing, |lines| drop(lines.drain(E[1]..=E[2])), Entries(1, 3), 3, 3),
    (K::Missing, |lines| drop(lines.drain(E[2]..=E[3])), Entries(2, 4), 3, 3),
    (K::Missing, |lines| drop(lines.drain(E[1]..=E[3])), Entries(1, 4), 2, 2),
    (K::Missing, |lines| drop(lines.drain(E[1]..=S[1])), Entries(1, 4), 2, 2),
    (K::Missing, |lines| drop(lines.remove(S[1])), Seal(4), 8, 8),
    (K::Inserted, |lines| lines.insert(E[2], lines[E[5]].clone()), Entry(2), 3, 4),
    (K::Reordered, |lines| lines.swap(E[1], E[2]), Entry(1), 3, 4),
    (K::Duplicated, |lines| lines.insert(E[2], lines[E[2]].clone()), Entry(2), 4, 5),
    (K::NotCanonical, |lines| lines[E[2]].insert(1, b' '), Entry(2), 3, 4),
    (K::DuplicateKey, |lines| replace(&mut lines[E[2]], b"{", b"{\"call\":\"x\","), Entry(2), 3, 4),
    (K::InvalidUtf8, |lines| lines[E[2]][20] = 0xff, Entry(2), 3, 4),
    (K::CarriageReturn, |lines| replace(&mut lines[E[2]], b"\n", b"\r\n"), Entry(2), 3, 4),
    (K::BlankLine, |lines| lines.insert(E[2], b"\n".to_vec()), Entry(2), 3, 4),
    (K::TooLong, |lines| lines.insert(E[2], [&[b'x'; 3 << 20][..], b"\n"].concat()), Entry(2), 3, 4),
    (K::BadSignature, |lines| change_signature(&mut lines[S[2]]), Seal(7), 9, 10),
    (K::UnsealedTail, |lines| drop(lines.remove(S[2])), Entries(4, 7), 6, 9),
    (K::UnsealedTail, |lines| drop(lines.drain(E[5]..)), Entries(4, 5), 6, 7),
    (K::TornTail, |lines| lines.push(b"{\"call\":\"x".to_vec()), File, 10, 11),
    (K::TornTail, |lines| lines[S[2]].truncate(100), File, 6, 10),
];

fn replace(line: &mut Vec<u8>, from: &[u8], to: &[u8]) {
    let at = line.windows(from.len()).position(|part| part == from).unwrap();
    line.splice(at..at + from.len(), to.iter().copied());
}

/// Another first letter of the signature's third quarter: still base64, and of the same key.
fn change_signature(seal: &mut [u8]) {
    let at = seal.len() - 30;
    seal[at] = if seal[at] == b'A' { b'B' } else { b'A' };
}

#[test]
fn what_is_done_to_one_line_is_the_one_finding() {
    let log = log_of(7, 3);
    check_log(&log, &options(), &[]);
    for (kind, change, place, from, to) in CHANGES {
        let mut lines = lines_of(&log);
        change(&mut lines);
        let log = lines.concat();
        check_log(&log, &options(), &[(*kind, place.clone(), bytes_of(&log, *from, *to))]);
    }
    let marked = [b"\xef\xbb\xbf", &log[..]].concat();
    check_log(&marked, &options(), &[(K::ByteOrderMark, File, 0..3)]);
    // Two lines on one: the first ends where the second begins.
    let mut lines = lines_of(&log);
    *lines[E[2]].last_mut().unwrap() = b' ';
    let joined = bytes_of(&log, 3, 4);
    check_log(&lines.concat(), &options(), &[(K::LineEnd, Entry(2), joined)]);
}

#[test]
fn the_wrong_key_origin_and_anchor_are_each_the_one_finding() {
    let log = log_of(4, 3);
    let twin = |options: VerifyOptions| check_log(&log, &options, &[]);
    twin(options());
    twin(VerifyOptions { key: None, ..options() });
    let wrong = |options: VerifyOptions, expected: (K, Place, std::ops::Range<u64>)| {
        check_log(&log, &options, &[expected]);
    };
    wrong(VerifyOptions { key: Some(key(2)), ..options() }, (K::WrongKey, Seal(4), bytes_of(&log, 5, 6)));
    let elsewhere = VerifyOptions { origin: Some("example.com/other".to_owned()), ..options() };
    let first = log_of(1, 1);
    check_log(&first, &elsewhere, &[(K::WrongOrigin, Seal(1), bytes_of(&first, 1, 2))]);
    let note = |log: &[u8]| verify(&mut &log[..], &options()).checkpoint.unwrap();
    let anchored = |note: String| VerifyOptions { anchors: vec![note], ..options() };
    twin(anchored(note(&log)));
    twin(anchored(note(&first)));
    let longer = log_of(7, 3);
    let end = log.len() as u64;
    wrong(anchored(note(&longer)), (K::ShorterThanAnchor, Entries(4, 7), end..end));
    // The same key, another history.
    wrong(anchored(note(&fork())), (K::Forked, Entries(0, 2), 0..end));
    // The same entries under another name, signed by the same key.
    let point = Checkpoint::parse(&note(&log)).unwrap();
    let renamed = Checkpoint { origin: "example.com/other".to_owned(), ..point };
    let renamed = renamed.sign(&KeySigner::new("test", &[1; 32]).unwrap()).unwrap();
    wrong(anchored(renamed), (K::Forked, Entries(0, 4), 0..end));
    wrong(anchored(note(&log).replace("\n4\n", "\n3\n")), (K::BadAnchor, File, 0..0));
    wrong(anchored("no note".to_owned()), (K::BadAnchor, File, 0..0));
}

/// Another log of two entries and the same key.
fn fork() -> Vec<u8> {
    let store = MemoryStore::default();
    open(&store).commit(Durability::Strict, |_, _| Ok::<_, ()>((intent("another call"), ()))).unwrap();
    store.contents()
}

/// An entry's members behind `prev_seal`, and before it.
const REST: &str = ",\"time_us\":1,\"v\":1,\"writer\":\"w\"";

fn head(index: &str, kind: &str) -> String {
    format!("\"index\":{index},\"kind\":\"{kind}\",\"mono_us\":1,")
}

/// What only the holder of the key can write, each beside the line that is as it should be.
#[test]
fn what_was_sealed_wrongly_is_the_one_finding() {
    let log = log_of(2, 1);
    let sealed = |line: Vec<u8>, expected: Option<K>| {
        let log = and_sealed(&log, &[line]);
        let expected: Vec<_> = expected.into_iter().map(|kind| (kind, Entry(2), bytes_of(&log, 4, 5))).collect();
        check_log(&log, &options(), &expected);
    };
    sealed(linked(&log, &head("2", "void"), REST), Some(K::NoIntent));
    sealed(linked(&log, &head("2", "denial"), REST), None);
    sealed(linked(&log, &head("3", "denial"), REST), Some(K::WrongIndex));
    sealed(linked(&log, &head("1", "denial"), REST), Some(K::WrongIndex));
    sealed(linked(&log, &head("\"2\"", "denial"), REST), Some(K::Unreadable));
    sealed(format!("{{{}\"time_us\":1}}", head("2", "denial")).into_bytes(), Some(K::Unlinked));
    // The longest entry, and one byte more.
    let long =
        |bytes: usize| linked(&log, &format!("\"call\":\"{}\",{}", "x".repeat(bytes), head("2", "denial")), REST);
    let room = ENTRY_BYTES_MAX - long(0).len();
    sealed(long(room), None);
    sealed(long(room + 1), Some(K::TooLong));
    // A seal that is signed by the key, over another history.
    let line = linked(&log, &head("2", "denial"), REST);
    let elsewhere = and_sealed(&fork(), &[line]);
    let forged = [&log[..], &elsewhere[fork().len()..]].concat();
    check_log(&forged, &options(), &[(K::RootMismatch, Seal(3), bytes_of(&forged, 5, 6))]);
}

#[test]
fn a_log_begins_with_a_genesis_that_names_its_key() {
    let first = |kind: &str| format!("{{{}{}}}", head("0", kind), REST.trim_start_matches(',')).into_bytes();
    for kind in ["intent", "denial", "policy", "state", "recovery", "heartbeat"] {
        let log = and_sealed(&[], &[first(kind)]);
        check_log(&log, &options(), &[(K::NoGenesis, Entry(0), bytes_of(&log, 0, 1))]);
    }
    let nameless = and_sealed(&[], &[first("genesis")]);
    check_log(&nameless, &options(), &[]);
    let end = nameless.len() as u64;
    check_log(&nameless, &VerifyOptions::default(), &[(K::NoKey, File, 0..end)]);
    check_log(&log_of(1, 1), &VerifyOptions::default(), &[]);
}

/// Reads so many bytes, and fails.
struct Failing<'a>(&'a [u8]);

impl std::io::Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() { Err(std::io::Error::other("the disk")) } else { self.0.read(buffer) }
    }
}

#[test]
fn what_cannot_be_read_is_the_one_finding() {
    let log = log_of(2, 1);
    for end in [0, 10, log.len() - 1, log.len()] {
        let report = verify(&mut std::io::BufReader::new(Failing(&log[..end])), &options());
        let found: Vec<_> = report.findings.iter().map(|f| (f.kind, f.place.clone(), f.bytes.end)).collect();
        assert_eq!(
            (found, report.verdict),
            (vec![(K::ReadFailed, File, report.findings[0].bytes.start)], LogVerdict::Invalid)
        );
        assert!(report.findings[0].bytes.end <= end as u64);
    }
}

/// Entries behind the genesis as kind and call, what is found, at which of them, and how many outcomes are unknown.
type Calls = (&'static [(EntryKind, &'static str)], Option<(K, u64)>, u64);

const CALLS: &[Calls] = &[
    (&[], None, 0),
    (&[(EntryKind::Intent, "a")], None, 1),
    (&[(EntryKind::Intent, "a"), (EntryKind::Outcome, "a")], None, 0),
    (&[(EntryKind::Intent, "a"), (EntryKind::Void, "a")], None, 0),
    (&[(EntryKind::Intent, "a"), (EntryKind::Abandoned, "a")], None, 0),
    (
        &[(EntryKind::Intent, "a"), (EntryKind::Intent, "b"), (EntryKind::Outcome, "a"), (EntryKind::Outcome, "b")],
        None,
        0,
    ),
    (
        &[(EntryKind::Denial, "a"), (EntryKind::Denial, "a"), (EntryKind::Pending, "a"), (EntryKind::Intent, "a")],
        None,
        1,
    ),
    (&[(EntryKind::Outcome, "a")], Some((K::NoIntent, 1)), 0),
    (&[(EntryKind::Void, "a")], Some((K::NoIntent, 1)), 0),
    (&[(EntryKind::Abandoned, "a")], Some((K::NoIntent, 1)), 0),
    (&[(EntryKind::Denial, "a"), (EntryKind::Outcome, "a")], Some((K::NoIntent, 2)), 0),
    (&[(EntryKind::Pending, "a"), (EntryKind::Outcome, "a")], Some((K::NoIntent, 2)), 0),
    (&[(EntryKind::Outcome, "a"), (EntryKind::Intent, "a")], Some((K::NoIntent, 1)), 1),
    (&[(EntryKind::Intent, "a"), (EntryKind::Outcome, "b")], Some((K::NoIntent, 2)), 1),
    (&[(EntryKind::Intent, "a"), (EntryKind::Outcome, "a"), (EntryKind::Outcome, "a")], Some((K::SecondOutcome, 3)), 0),
    (&[(EntryKind::Intent, "a"), (EntryKind::Outcome, "a"), (EntryKind::Void, "a")], Some((K::SecondOutcome, 3)), 0),
    (&[(EntryKind::Intent, "a"), (EntryKind::Void, "a"), (EntryKind::Outcome, "a")], Some((K::SecondOutcome, 3)), 0),
    (
        &[(EntryKind::Intent, "a"), (EntryKind::Abandoned, "a"), (EntryKind::Outcome, "a")],
        Some((K::SecondOutcome, 3)),
        0,
    ),
    (&[(EntryKind::Intent, "a"), (EntryKind::Intent, "a")], Some((K::SecondIntent, 2)), 1),
    (&[(EntryKind::Intent, "a"), (EntryKind::Intent, "b"), (EntryKind::Intent, "a")], Some((K::SecondIntent, 3)), 2),
    (&[(EntryKind::Intent, "a"), (EntryKind::Outcome, "a"), (EntryKind::Intent, "a")], Some((K::SecondIntent, 3)), 0),
    (&[(EntryKind::Intent, "a"), (EntryKind::Void, "a"), (EntryKind::Intent, "a")], Some((K::SecondIntent, 3)), 0),
    (&[(EntryKind::Intent, "a"), (EntryKind::Abandoned, "a"), (EntryKind::Intent, "a")], Some((K::SecondIntent, 3)), 0),
];

#[test]
fn a_call_has_one_intent_and_one_end() {
    for (calls, finding, unknown) in CALLS {
        let store = MemoryStore::default();
        let log = open(&store);
        for (kind, call) in *calls {
            let entry = about(kind.clone(), *call);
            log.commit(Durability::Strict, |_, _| Ok::<_, ()>((entry, ()))).unwrap();
        }
        drop(log);
        let log = store.contents();
        let line = |entry: u64| usize::try_from(entry * 2).unwrap();
        let expected = finding.map(|(kind, at)| (kind, Entry(at), bytes_of(&log, line(at), line(at) + 1)));
        check_log(&log, &options(), expected.as_slice());
        assert_eq!(verify(&mut &log[..], &options()).outcome_unknown, *unknown, "{calls:?}");
    }
}

/// Whatever order anchors are given in, the largest that was met counts, and each that was not is named.
#[test]
fn of_several_anchors_the_largest_counts() {
    let log = log_of(7, 3);
    let notes: Vec<String> = [2, 6, 10]
        .map(|lines| verify(&mut &lines_of(&log)[..lines].concat()[..], &options()).checkpoint.unwrap())
        .into();
    let orders: [(&[usize], LogVerdict); 13] = [
        (&[], LogVerdict::Unanchored { since: 0 }),
        (&[0], LogVerdict::Unanchored { since: 1 }),
        (&[1], LogVerdict::Unanchored { since: 4 }),
        (&[2], LogVerdict::Valid),
        (&[0, 1], LogVerdict::Unanchored { since: 4 }),
        (&[1, 0], LogVerdict::Unanchored { since: 4 }),
        (&[1, 1, 0, 0], LogVerdict::Unanchored { since: 4 }),
        (&[0, 1, 2], LogVerdict::Valid),
        (&[0, 2, 1], LogVerdict::Valid),
        (&[1, 0, 2], LogVerdict::Valid),
        (&[1, 2, 0], LogVerdict::Valid),
        (&[2, 0, 1], LogVerdict::Valid),
        (&[2, 1, 0], LogVerdict::Valid),
    ];
    for (order, verdict) in orders {
        let anchors = order.iter().map(|at| notes[*at].clone()).collect();
        let report = verify(&mut &log[..], &VerifyOptions { anchors, ..options() });
        assert_eq!((report.verdict, report.findings), (verdict, vec![]), "{order:?}");
        let since = [1, 4, 7];
        assert_eq!(report.anchored, order.iter().map(|at| since[*at]).max(), "{order:?}");
    }
    // One bad anchor among good ones is named wherever it stands.
    let cut = lines_of(&log)[..6].concat();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let anchors = order.iter().map(|at| notes[*at].clone()).collect();
        let end = cut.len() as u64;
        let expected = (K::ShorterThanAnchor, Entries(4, 7), end..end);
        check_log(&cut, &VerifyOptions { anchors, ..options() }, &[expected]);
    }
}

#[test]
fn a_place_is_said_without_its_end() {
    for (place, said) in [
        (File, "the log"),
        (Entry(0), "entry 0"),
        (Entry(7), "entry 7"),
        (Entries(7, 8), "entry 7"),
        (Entries(0, 1), "entry 0"),
        (Entries(7, 9), "entries 7 to 8"),
        (Entries(0, 10), "entries 0 to 9"),
        (Seal(1), "the seal at 1 entries"),
    ] {
        assert_eq!(place.to_string(), said);
    }
}
