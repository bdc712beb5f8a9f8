//! One line of the log.
//!
//! A line is canonical JSON (RFC 8785) with integers and strings only. The struct's fields are declared in the order of their
//! names, so serialising it is canonical without a canonicalizer; a test holds that. The stored bytes are the hashed bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use super::canonical;

/// Bytes in a line at most: tlog-tiles gives an entry 65,535, and the tool's name and rule ids are ours to bound.
pub const ENTRY_BYTES_MAX: usize = 60 * 1024;

/// One entry. Optional fields may be added in later versions; a verifier takes kinds it does not know as opaque leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Entry {
    /// The call it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// The stable code of the decision or outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// SHA-256 of the canonical call, keyed: what was decided is what was executed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commitment: Option<String>,
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
    pub effect: Option<Effect>,
    /// Counts entries from 0.
    pub index: u64,
    /// What kind of entry.
    pub kind: Kind,
    /// What the face proves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Microseconds of the writer's monotonic clock.
    pub mono_us: u64,
    /// What a genesis or recovery entry has to say.
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
    /// Redactions by class.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "in_key_order")]
    pub redactions: BTreeMap<String, u64>,
    /// The rules that made the decision.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// The keyed name of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Wall time in microseconds since 1970-01-01T00:00:00Z; a label, never the order.
    pub time_us: i64,
    /// The tool's name if the policy declares it, otherwise its length and keyed name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The format's version.
    pub v: u32,
    /// Names the process that wrote it.
    pub writer: String,
}

impl Entry {
    /// The canonical line, without its newline; `None` if a number in it is beyond what canonical JSON keeps exact.
    pub fn line(&self) -> Option<Vec<u8>> {
        let line = serde_json::to_vec(self).ok()?;
        canonical::check(&line).is_ok().then_some(line)
    }
}

/// Kinds of entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// The first entry: origin and key.
    #[default]
    Genesis,
    /// A call is about to run.
    Intent,
    /// A call has ended.
    Outcome,
    /// A call was refused.
    Denial,
    /// A call waits for an approval.
    Pending,
    /// A call was given up between intent and start.
    Void,
    /// Nobody came back to finish a call.
    Abandoned,
    /// Facts and observations.
    State,
    /// The policy in force from here on.
    Policy,
    /// What was found and moved away after a crash.
    Recovery,
    /// A kind of a later version: an opaque leaf.
    #[serde(untagged)]
    Other(String),
}

/// How an acknowledged entry is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Signed and on stable storage before the tool starts.
    #[default]
    Strict,
    /// In memory; written with the next strict entry, when the buffer is full, and at the end. A kill may lose it.
    Buffered,
}

impl Durability {
    /// The word in lines and machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            Durability::Strict => "strict",
            Durability::Buffered => "buffered",
        }
    }
}

/// What the face proves about execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The enforcer ran the tool itself: executed as decided.
    #[default]
    Closed,
    /// The host ran it between begin and finish: decided and recorded.
    Split,
    /// Another program asked and ran it: decided and recorded.
    Hook,
}

/// Whether an effect happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The tool ran to its end.
    Happened,
    /// The tool started and how far it came is not known.
    Unknown,
}

/// Members in canonical order, which is by UTF-16 code units where the map's is by bytes.
fn in_key_order<S: Serializer, V: Serialize>(map: &BTreeMap<String, V>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut members: Vec<(&String, &V)> = map.iter().collect();
    members.sort_by(|(a, _), (b, _)| canonical::key_order(a, b));
    serializer.collect_map(members)
}

/// One typed change of state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "DeltaLine", try_from = "DeltaLine")]
pub enum Delta {
    /// Takes from a budget.
    Reserve {
        /// The budget's id.
        budget: String,
        /// For whom, keyed.
        key: String,
        /// How much, in micro-units.
        amount_micros: i64,
        /// The calendar bucket, session or `ever`; empty for a sliding window.
        bucket: String,
        /// The sliding window's length in microseconds; 0 for buckets.
        span_us: i64,
    },
    /// A trusted result set a fact.
    Fact {
        /// The session's keyed name.
        session: String,
        /// The fact's name.
        name: String,
        /// The keyed fingerprint of its value.
        fingerprint: String,
    },
    /// The session has seen data of this label.
    Label {
        /// The session's keyed name.
        session: String,
        /// The label.
        label: String,
    },
    /// A grant was consumed.
    Grant {
        /// The grant's id.
        id: String,
    },
}

/// A delta as it stands in a line: one flat object, fields in the order of their names.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct DeltaLine {
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_micros: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    op: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_us: Option<i64>,
}

impl From<Delta> for DeltaLine {
    fn from(delta: Delta) -> DeltaLine {
        let blank = DeltaLine::default();
        match delta {
            Delta::Reserve { budget, key, amount_micros, bucket, span_us } => DeltaLine {
                op: "reserve".to_owned(),
                budget: Some(budget),
                key: Some(key),
                amount_micros: Some(amount_micros),
                bucket: Some(bucket),
                span_us: Some(span_us),
                ..blank
            },
            Delta::Fact { session, name, fingerprint } => DeltaLine {
                op: "fact".to_owned(),
                session: Some(session),
                name: Some(name),
                fingerprint: Some(fingerprint),
                ..blank
            },
            Delta::Label { session, label } => {
                DeltaLine { op: "label".to_owned(), session: Some(session), label: Some(label), ..blank }
            }
            Delta::Grant { id } => DeltaLine { op: "grant".to_owned(), id: Some(id), ..blank },
        }
    }
}

impl TryFrom<DeltaLine> for Delta {
    type Error = String;

    fn try_from(line: DeltaLine) -> Result<Delta, String> {
        let missing = || format!("a `{}` delta lacks a field", line.op);
        Ok(match line.op.as_str() {
            "reserve" => Delta::Reserve {
                budget: line.budget.clone().ok_or_else(missing)?,
                key: line.key.clone().ok_or_else(missing)?,
                amount_micros: line.amount_micros.ok_or_else(missing)?,
                bucket: line.bucket.clone().ok_or_else(missing)?,
                span_us: line.span_us.ok_or_else(missing)?,
            },
            "fact" => Delta::Fact {
                session: line.session.clone().ok_or_else(missing)?,
                name: line.name.clone().ok_or_else(missing)?,
                fingerprint: line.fingerprint.clone().ok_or_else(missing)?,
            },
            "label" => Delta::Label {
                session: line.session.clone().ok_or_else(missing)?,
                label: line.label.clone().ok_or_else(missing)?,
            },
            "grant" => Delta::Grant { id: line.id.clone().ok_or_else(missing)? },
            other => return Err(format!("an unknown delta `{other}`")),
        })
    }
}
