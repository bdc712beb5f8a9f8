//! What an entry is about: one row for each kind, with exactly the fields that the kind may carry.
//!
//! In a line an entry is one flat object, [`EntryLine`], its fields in the order of their names: so serialising it is canonical
//! without a canonicalizer, and a test holds that. A new kind is a row here; the compiler then names who has to take it in.

use std::collections::BTreeMap;
use std::mem::swap;

use serde::{Deserialize, Serialize, Serializer};

use crate::canonical;
use crate::delta::Delta;
use crate::fields::{Durability, EffectStatus, Mode};

/// One entry as it stands in a line: every field that an entry of this version may have. What is shown of a log is this.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EntryLine {
    /// The arguments that the policy records, redacted, escaped and cut: a text as it is, any other value as JSON.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "in_key_order")]
    pub args: BTreeMap<String, String>,
    /// The call it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// The stable code of the decision or outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// SHA-256 of the canonical call, keyed: what was decided is what was executed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commitment: Option<String>,
    /// Where the first condition stands that was not as it would have had to be: a document's name, and a JSON Pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// Changes of state, from which sessions are rebuilt.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delta: Vec<Delta>,
    /// How the entry was acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub durability: Option<Durability>,
    /// Whether the tool's effect happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<EffectStatus>,
    /// Counts entries from 0.
    pub index: u64,
    /// What kind of entry.
    pub kind: EntryKind,
    /// What the face proves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Microseconds of the writer's monotonic clock.
    pub mono_us: u64,
    /// What an entry has to say in words: a genesis or recovery, an intent whose tool reaches protected names, or the end of a
    /// call that was overdue or in whose result characters were replaced.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "in_key_order")]
    pub note: BTreeMap<String, String>,
    /// The call that made this call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// SHA-256 of the core rules that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// SHA-256 of the previous seal line; in the first entry of each group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev_seal: Option<String>,
    /// The keyed name of the principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// The principal's name in clear, escaped and cut; only where clear names are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal_name: Option<String>,
    /// Redactions by class.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "in_key_order")]
    pub redactions: BTreeMap<String, u64>,
    /// The rule that came nearest to permitting the call, or that refused it; or the budget that it is beyond.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The rules that made the decision.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// The keyed name of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The session's name in clear, escaped and cut; only where clear names are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// Wall time in microseconds since 1970-01-01T00:00:00Z; a label, never the order.
    pub time_us: i64,
    /// The tool's name if the policy declares it, otherwise its length and keyed name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The name of a tool that the policy does not declare, redacted, escaped and cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<String>,
    /// The format's version.
    pub v: u32,
    /// Names the process that wrote it.
    pub writer: String,
}

impl EntryLine {
    /// The line of an entry that says nothing but its kind.
    pub(crate) fn of(kind: EntryKind) -> EntryLine {
        EntryLine { kind, ..EntryLine::default() }
    }
}

/// A line that names no kind reads as a genesis. No writer leaves the kind out.
impl Default for EntryKind {
    fn default() -> EntryKind {
        EntryKind::Genesis
    }
}

/// Members in canonical order, which is by UTF-16 code units where the map's is by bytes.
fn in_key_order<S: Serializer, V: Serialize>(map: &BTreeMap<String, V>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut members: Vec<(&String, &V)> = map.iter().collect();
    members.sort_by(|(a, _), (b, _)| canonical::key_order(a, b));
    serializer.collect_map(members)
}

/// A part of an entry, with the fields of the line that it owns.
macro_rules! part {
    ($(#[doc = $doc:literal])* $name:ident $(($inner:ident: $Inner:ty))? { $($field:ident: $type:ty,)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $(#[doc = "What it has in common with others."] pub $inner: $Inner,)?
            $(#[doc = concat!("See [`EntryLine::", stringify!($field), "`].")] pub $field: $type,)*
        }

        impl $name {
            /// Exchanges its fields with those of the line: reads and writes them.
            pub(super) fn exchange(&mut self, line: &mut EntryLine) {
                $(self.$inner.exchange(line);)?
                $(swap(&mut self.$field, &mut line.$field);)*
            }
        }
    };
}

type Text = Option<String>;
type Note = BTreeMap<String, String>;

part! {
    /// Where an entry stands, who wrote it and when: the same for every kind. The log's writer fills it in.
    EntryHead {
        durability: Option<Durability>, index: u64, mono_us: u64, prev_seal: Text, time_us: i64, v: u32, writer: String,
    }
}
part! {
    /// Words.
    NoteRecord { note: Note, }
}
part! {
    /// A call and the decision about it.
    CallRecord {
        args: Note, call: Text, code: Text, decision: Text, parent: Text, policy: Text, principal: Text, principal_name: Text,
        rules: Vec<String>, session: Text, session_name: Text, tool: Text, tool_name: Text,
    }
}
part! {
    /// A call that is about to run, and what it takes.
    IntentRecord(record: CallRecord) {
        commitment: Text, delta: Vec<Delta>, mode: Option<Mode>, note: Note, redactions: BTreeMap<String, u64>,
    }
}
part! {
    /// A call that was refused, and where the policy says so.
    DenialRecord(record: CallRecord) { condition: Text, rule: Text, }
}
part! {
    /// The end of a call.
    EndRecord { call: Text, code: Text, delta: Vec<Delta>, session: Text, }
}
part! {
    /// The end of a call whose tool started.
    OutcomeRecord(end: EndRecord) { effect: Option<EffectStatus>, note: Note, redactions: BTreeMap<String, u64>, }
}
part! {
    /// Changes of state outside calls.
    StateRecord { delta: Vec<Delta>, session: Text, }
}
part! {
    /// A policy by its digest, its name and version in words.
    PolicyRecord { note: Note, policy: Text, }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $kind:ident($Part:ty),)*) => {
        /// Kinds of entries.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum EntryKind {
            $($(#[doc = $doc])* $kind,)*
            /// A kind of a later version: an opaque leaf.
            #[serde(untagged)]
            Other(String),
        }

        /// What an entry is about.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Body {
            $($(#[doc = $doc])* $kind($Part),)*
            /// A kind of a later version, by its name: an opaque leaf.
            Other(String),
        }

        impl Body {
            /// The kind.
            pub fn kind(&self) -> EntryKind {
                match self {
                    $(Body::$kind(_) => EntryKind::$kind,)*
                    Body::Other(name) => EntryKind::Other(name.clone()),
                }
            }

            /// Takes the fields of its kind out of the line.
            pub(super) fn take(line: &mut EntryLine) -> Body {
                let mut body = match &line.kind {
                    $(EntryKind::$kind => Body::$kind(<$Part>::default()),)*
                    EntryKind::Other(name) => Body::Other(name.clone()),
                };
                body.exchange(line);
                body
            }

            /// Exchanges its fields with those of the line.
            pub(super) fn exchange(&mut self, line: &mut EntryLine) {
                match self {
                    $(Body::$kind(part) => part.exchange(line),)*
                    Body::Other(_) => {}
                }
            }
        }
    };
}

kinds! {
    /// The first entry: origin and key.
    Genesis(NoteRecord),
    /// A call is about to run.
    Intent(IntentRecord),
    /// A call has ended.
    Outcome(OutcomeRecord),
    /// A call was refused.
    Denial(DenialRecord),
    /// A call waits for an approval.
    Pending(CallRecord),
    /// A call was given up between intent and start.
    Void(EndRecord),
    /// A call was never finished.
    Abandoned(EndRecord),
    /// Facts and observations.
    State(StateRecord),
    /// The policy in force from here on.
    Policy(PolicyRecord),
    /// What was found and moved away after a crash.
    Recovery(NoteRecord),
}
