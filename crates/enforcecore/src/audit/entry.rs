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
    /// What an entry has to say in words: a genesis or recovery, or an intent whose tool reaches protected names.
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

impl Effect {
    /// The word in machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            Effect::Happened => "happened",
            Effect::Unknown => "unknown",
        }
    }
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
    /// Redacted values have a number in their session from here on.
    Placeholders {
        /// The session's keyed name.
        session: String,
        /// What they are.
        class: String,
        /// The number of the first one; the others follow it.
        first: u64,
        /// Their keyed fingerprints, in order.
        fingerprints: Vec<String>,
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
    class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprints: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<u64>,
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
            Delta::Placeholders { session, class, first, fingerprints } => DeltaLine {
                op: "placeholders".to_owned(),
                session: Some(session),
                class: Some(class),
                first: Some(first),
                fingerprints: Some(fingerprints),
                ..blank
            },
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
            "placeholders" => Delta::Placeholders {
                session: line.session.clone().ok_or_else(missing)?,
                class: line.class.clone().ok_or_else(missing)?,
                first: line.first.ok_or_else(missing)?,
                fingerprints: line.fingerprints.clone().ok_or_else(missing)?,
            },
            other => return Err(format!("an unknown delta `{other}`")),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::option;
    use proptest::prelude::{Strategy, any, proptest};
    use serde_json::Value;

    use super::*;

    /// RFC 8785 for any value of strings, integers, objects and arrays: the members sorted by UTF-16, nothing else to do.
    fn write(value: &Value, out: &mut String) {
        match value {
            Value::String(text) => crate::value::write_json_text(text, out),
            Value::Number(number) => out.push_str(&number.to_string()),
            Value::Array(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    write(item, out);
                }
                out.push(']');
            }
            Value::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(key, _)| key.encode_utf16().collect::<Vec<u16>>());
                out.push('{');
                for (at, (key, item)) in members.into_iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    crate::value::write_json_text(key, out);
                    out.push(':');
                    write(item, out);
                }
                out.push('}');
            }
            other => panic!("an entry holds {other}"),
        }
    }

    fn deltas() -> impl Strategy<Value = Delta> {
        let reserve = (any::<[String; 3]>(), -(1i64 << 53) + 1..1 << 53, 0i64..1 << 53);
        (0..4, any::<[String; 3]>(), reserve).prop_map(|(op, [session, name, fingerprint], reserve)| match op {
            0 => Delta::Fact { session, name, fingerprint },
            1 => Delta::Label { session, label: name },
            2 => Delta::Grant { id: name },
            _ => {
                let ([budget, key, bucket], amount_micros, span_us) = reserve;
                Delta::Reserve { budget, key, amount_micros, bucket, span_us }
            }
        })
    }

    fn entries() -> impl Strategy<Value = Entry> {
        let texts = any::<[Option<String>; 4]>();
        let maps = (btree_map(any::<String>(), any::<String>(), 0..5), btree_map(any::<String>(), 0u64..1 << 53, 0..5));
        let choices = (
            option::of(proptest::sample::select(vec![Durability::Strict, Durability::Buffered])),
            option::of(proptest::sample::select(vec![Effect::Happened, Effect::Unknown])),
            option::of(proptest::sample::select(vec![Mode::Closed, Mode::Split, Mode::Hook])),
            proptest::sample::select(vec![Kind::Genesis, Kind::Void, Kind::Other("heartbeat".to_owned())]),
        );
        let numbers = (0u64..1 << 53, 0u64..1 << 53, -(1i64 << 53) + 1..1 << 53, any::<u32>());
        (texts, maps, choices, numbers, vec(deltas(), 0..4), vec(any::<String>(), 0..4)).prop_map(
            |(
                [call, tool, prev_seal, session],
                (note, redactions),
                (durability, effect, mode, kind),
                numbers,
                delta,
                rules,
            )| {
                let (index, mono_us, time_us, v) = numbers;
                let texts =
                    Entry { code: session.clone(), policy: tool.clone(), principal: call.clone(), ..Entry::default() };
                let chosen = Entry { durability, effect, mode, kind, call, tool, prev_seal, session, ..texts };
                Entry { note, redactions, index, mono_us, time_us, v, delta, rules, ..chosen }
            },
        )
    }

    proptest! {
        #[test]
        fn a_line_is_canonical_and_comes_back(entry in entries()) {
            let line = entry.line().unwrap();
            let mut expected = String::new();
            write(&serde_json::from_slice(&line).unwrap(), &mut expected);
            proptest::prop_assert_eq!(std::str::from_utf8(&line).unwrap(), expected);
            proptest::prop_assert_eq!(serde_json::from_slice::<Entry>(&line).unwrap(), entry);
        }
    }

    #[test]
    fn a_number_that_readers_would_round_is_refused() {
        let of = |index| Entry { index, ..Entry::default() }.line();
        assert!(of((1 << 53) - 1).is_some());
        assert!(of(1 << 53).is_none());
    }
}
