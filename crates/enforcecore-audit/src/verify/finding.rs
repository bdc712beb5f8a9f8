//! What can be wrong with a log, and where.

use std::fmt;
use std::ops::Range;

/// One thing that is wrong, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFinding {
    /// What is wrong.
    pub kind: LogFindingKind,
    /// Where, in the log's own terms.
    pub place: Place,
    /// Where, in bytes of the file.
    pub bytes: Range<u64>,
    /// A few words more, without content of the log.
    pub detail: String,
}

/// What is wrong with a line, in words too.
pub type Wrong = (LogFindingKind, &'static str);

/// A place in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    File,
    /// The entry of this index.
    Entry(u64),
    /// The entries from the first index up to and without the second.
    Entries(u64, u64),
    /// The seal that closes the log at this many entries.
    Seal(u64),
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFindingClass {
    /// What a crash leaves: bytes that were never acknowledged.
    Tail,
    /// What is recorded about a call does not add up.
    Accounting,
    /// The sealed content differs from the present content.
    Damage,
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $variant:ident = $word:literal, $class:ident;)*) => {
        /// What is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum LogFindingKind {
            $($(#[doc = $doc])* $variant,)*
        }

        impl LogFindingKind {
            /// Every kind.
            pub const ALL: &[LogFindingKind] = &[$(LogFindingKind::$variant,)*];

            /// The word in machine output.
            pub fn as_str(self) -> &'static str {
                match self { $(LogFindingKind::$variant => $word,)* }
            }

            /// How bad it is.
            pub fn class(self) -> LogFindingClass {
                match self { $(LogFindingKind::$variant => LogFindingClass::$class,)* }
            }
        }
    };
}

kinds! {
    /// Its bytes are not those that were sealed.
    Altered = "altered", Damage;
    /// Sealed, and no longer there.
    Missing = "missing", Damage;
    /// There, and never sealed.
    Inserted = "inserted", Damage;
    /// Not where it was sealed.
    Reordered = "reordered", Damage;
    /// There a second time.
    Duplicated = "duplicated", Damage;
    /// Not the one spelling its content has.
    NotCanonical = "not_canonical", Damage;
    /// One key twice in an object.
    DuplicateKey = "duplicate_key", Damage;
    /// Bytes that are no UTF-8.
    InvalidUtf8 = "invalid_utf8", Damage;
    /// A byte order mark before the first line.
    ByteOrderMark = "byte_order_mark", Damage;
    /// A carriage return before the end of the line.
    CarriageReturn = "carriage_return", Damage;
    /// Something else than a newline ends the line.
    LineEnd = "line_end", Damage;
    /// An empty line.
    BlankLine = "blank_line", Damage;
    /// A longer line or group than any writer makes.
    TooLong = "too_long", Damage;
    /// A canonical line that no reader of this version understands.
    Unreadable = "unreadable", Damage;
    /// An entry that says another index than its place.
    WrongIndex = "wrong_index", Damage;
    /// The first entry of a group does not name the seal before it.
    Unlinked = "unlinked", Damage;
    /// The first entry is not a genesis.
    NoGenesis = "no_genesis", Damage;
    /// The seal's signature does not fit its text.
    BadSignature = "bad_signature", Damage;
    /// The seal is signed by another key.
    WrongKey = "wrong_key", Damage;
    /// The seal is of another log.
    WrongOrigin = "wrong_origin", Damage;
    /// The signed root is not that of the entries before it.
    RootMismatch = "root_mismatch", Damage;
    /// No key to check signatures with.
    NoKey = "no_key", Damage;
    /// The log ends before the place its anchor remembers.
    ShorterThanAnchor = "shorter_than_anchor", Damage;
    /// The log is not the one its anchor remembers.
    Forked = "forked", Damage;
    /// The anchor's checkpoint itself is not believed.
    BadAnchor = "bad_anchor", Damage;
    /// The file cannot be read.
    ReadFailed = "read_failed", Damage;
    /// Entries without their seal at the end.
    UnsealedTail = "unsealed_tail", Tail;
    /// An incomplete write at the end.
    TornTail = "torn_tail", Tail;
    /// A call ended that had no intent.
    NoIntent = "no_intent", Accounting;
    /// A call ended twice.
    SecondOutcome = "second_outcome", Accounting;
    /// A call was about to run twice.
    SecondIntent = "second_intent", Accounting;
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File => write!(f, "the log"),
            Place::Entry(index) => write!(f, "entry {index}"),
            Place::Entries(from, to) if to.saturating_sub(*from) == 1 => write!(f, "entry {from}"),
            Place::Entries(from, to) => write!(f, "entries {from} to {}", to.saturating_sub(1)),
            Place::Seal(size) => write!(f, "the seal at {size} entries"),
        }
    }
}

impl fmt::Display for LogFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LogFinding { kind, place, bytes, detail } = self;
        write!(f, "{}: {place}, bytes {} to {}: {detail}", kind.as_str(), bytes.start, bytes.end)
    }
}
