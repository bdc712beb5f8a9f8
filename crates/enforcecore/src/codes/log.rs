//! What can be wrong with an evidence log.

use super::code::{Code, Family, Page, codes};

codes! {
    Family::Log;

    ALTERED = "altered", "entry that was changed":
        "The bytes of the entry are not those that were signed. The log was changed afterwards. Keep the file, and restore the log from a copy that verifies."
        example "`\"decision\":\"deny\"` made `\"allow\"` in an editor"
        instead "a copy whose root is the anchor's";
    ANCHOR_GONE = "anchor_gone", "empty anchor of a log with calls":
        "An anchor is configured and holds no checkpoint, and the log holds calls already. The anchor was deleted, or it was named after the log had begun. The proof that nothing was cut off is lost, so no new anchor is made silently: nothing is written to the log, and no call runs, until a person confirms it. A log without calls starts its anchor by itself."
        example "the anchor's folder deleted"
        instead "find out what became of it; then `enforcecore audit anchor`, which checks the log and anchors it where it stands";
    BAD_ANCHOR = "bad_anchor", "anchor that is not valid":
        "The anchor's own checkpoint is not signed by the log's key, or is not a checkpoint. It proves nothing about the log's end."
        example "an anchor folder of another log"
        instead "the anchor folder the writer was given";
    BAD_SIGNATURE = "bad_signature", "signature that does not fit":
        "The seal's text differs from the signed one. Either the seal was changed, or it was never made by the key's owner."
        example "a seal line with one character changed"
        instead "a copy whose seals verify";
    BLANK_LINE = "blank_line", "empty line":
        "Writers leave no line empty, so another program wrote here."
        example "a newline added at the end by an editor"
        instead "the log as the writer left it";
    BYTE_ORDER_MARK = "byte_order_mark", "byte order mark":
        "The file begins with the mark some editors put before text. Writers do not."
        example "a log saved by an editor"
        instead "the log as the writer left it";
    CARRIAGE_RETURN = "carriage_return", "carriage return at a line's end":
        "Writers end lines with a newline alone. The file went through a program that changes line ends."
        example "a log transferred in text mode"
        instead "a copy made byte by byte";
    DUPLICATE_KEY = "duplicate_key", "key twice in an entry":
        "JSON readers disagree about duplicate keys, so two auditors could read two logs."
        example "{\"decision\":\"deny\",\"decision\":\"allow\"}"
        instead "the log as the writer left it";
    DUPLICATED = "duplicated", "entry that is there twice":
        "A sealed entry stands in the log a second time."
        example "a line copied within the file"
        instead "a copy whose root is the anchor's";
    FORKED = "forked", "log that is not the anchor's":
        "The log is intact and its seals are genuine, but it is not the log of the anchor: one of two histories of the same writer."
        example "a folder restored from an old backup and written on"
        instead "the log whose root is the anchor's";
    INSERTED = "inserted", "entry that was never sealed":
        "The entry stands among sealed ones, and no seal covers it."
        example "a line written by hand"
        instead "a copy whose root is the anchor's";
    INVALID_UTF8 = "invalid_utf8", "bytes that are no text":
        "Writers write UTF-8. These bytes were damaged or put there by something else."
        example "a damaged disk block"
        instead "a copy whose root is the anchor's";
    LINE_END = "line_end", "line without a newline at its end":
        "Something else than a newline ends the line."
        example "a file cut and glued together"
        instead "a copy made byte by byte";
    MISSING = "missing", "entry that is gone":
        "A sealed entry is no longer there."
        example "a line deleted in an editor"
        instead "a copy whose root is the anchor's";
    NO_GENESIS = "no_genesis", "log without its beginning":
        "The first entry does not say which log this is and with which key it begins."
        example "the first lines cut off"
        instead "the whole log";
    NO_INTENT = "no_intent", "end of a call without its intent":
        "An outcome is recorded for a call without an intent. The seals are genuine, so a writer misbehaved."
        example "an outcome written by a program with a bug"
        instead "look at the writer, by the entry's `writer`";
    NO_KEY = "no_key", "no key to check with":
        "The log names no key and none was given, so no signature can be checked."
        example "a log without a first entry"
        instead "enforcecore audit verify LOG --key VKEY";
    NOT_CANONICAL = "not_canonical", "entry in another spelling":
        "The entry has another order, other spaces or other escapes than writers use. Each content has one canonical form, so that it has one hash."
        example "a log formatted by a tool"
        instead "the log as the writer left it";
    READ_FAILED = "read_failed", "file that cannot be read":
        "The operating system failed in the middle of the file."
        example "a damaged disk"
        instead "a copy on another disk";
    REORDERED = "reordered", "entry that was moved":
        "A sealed entry stands at another place than where it was sealed."
        example "two lines exchanged"
        instead "a copy whose root is the anchor's";
    ROOT_MISMATCH = "root_mismatch", "root that is not that of the entries":
        "The seal is genuine, but it signs other entries than those before it."
        example "entries exchanged together with their hashes"
        instead "a copy whose root is the anchor's";
    SECOND_INTENT = "second_intent", "call that begins twice":
        "Two intents are recorded for one call. The seals are genuine, so a writer misbehaved, or a host gave two calls one id."
        example "a host that numbers its calls from 1 after each start"
        instead "ids that are never used again, or none: they are made";
    SECOND_OUTCOME = "second_outcome", "call that ends twice":
        "Two ends are recorded for one call. The seals are genuine, so a writer misbehaved."
        example "an outcome written by a program with a bug"
        instead "look at the writer, by the entry's `writer`";
    SHORTER_THAN_ANCHOR = "shorter_than_anchor", "log that lost its end":
        "The anchor's checkpoint counts more entries than the log has. The log's end was cut off."
        example "the last lines deleted"
        instead "a copy whose root is the anchor's";
    TOO_LONG = "too_long", "longer line or group than any writer makes":
        "Writers keep to limits, so that verifying takes bounded memory. Something else wrote here."
        example "a line of 100 MiB"
        instead "a copy whose root is the anchor's";
    TORN_TAIL = "torn_tail", "incomplete write at the end":
        "The file ends in the middle of a line: the machine or the program stopped while it wrote. It was never acknowledged, so no call ran on it."
        example "a power failure"
        instead "open the log for writing once, which sets it aside";
    UNLINKED = "unlinked", "group that does not name the seal before it":
        "The first entry of a group does not name the seal before it, so groups were exchanged or cut out."
        example "a group of entries removed with its seal"
        instead "a copy whose root is the anchor's";
    UNREADABLE = "unreadable", "line that this version cannot read":
        "The line is canonical, but this version does not know such an entry. A later version may have written it."
        example "a log of a later version"
        instead "enforcecore of that version";
    UNSEALED_TAIL = "unsealed_tail", "entries without their seal at the end":
        "The last entries have no seal yet: the writer stopped before it sealed them. They were never acknowledged as durable."
        example "a killed program"
        instead "open the log for writing once, which sets them aside";
    WRONG_INDEX = "wrong_index", "entry that names another place":
        "The entry's index differs from its place in the log."
        example "a line moved together with its neighbours"
        instead "a copy whose root is the anchor's";
    WRONG_KEY = "wrong_key", "seal by another key":
        "The seal is signed by another key than the one that was given or that the log names. Another program wrote it, or the wrong key was given."
        example "enforcecore audit verify LOG --key VKEY of another log"
        instead "the verifier key of the log's own signing key";
    WRONG_ORIGIN = "wrong_origin", "seal of another log":
        "The seal is genuine, but of a log with another name."
        example "a seal copied from another log"
        instead "a copy whose root is the anchor's";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{LogError, LogFindingKind};

    #[test]
    fn every_finding_has_a_page_and_every_page_a_finding() {
        let mut kinds: Vec<&str> = LogFindingKind::ALL.iter().map(|kind| kind.as_str()).collect();
        // What is found when a log is opened, and not in it.
        let refused = LogError::AnchorGone("a".to_owned()).to_string();
        kinds.extend(refused.split_once(": ").map(|(code, _)| code));
        kinds.sort_unstable();
        assert_eq!(kinds, CODES.iter().map(|code| code.as_str()).collect::<Vec<_>>());
    }
}
