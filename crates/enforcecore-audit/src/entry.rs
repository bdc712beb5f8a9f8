//! One line of the log.
//!
//! A line is canonical JSON (RFC 8785) with integers and strings only. The stored bytes are the hashed bytes.

use serde::{Deserialize, Serialize};

use crate::body::{Body, DenialRecord, EntryHead, EntryLine, IntentRecord, OutcomeRecord};
use crate::canonical;
use crate::delta::Delta;

/// Bytes in a line at most: tlog-tiles gives an entry 65,535, and the tool's name and rule ids are ours to bound.
pub const ENTRY_BYTES_MAX: usize = 60 * 1024;

/// One entry. Optional fields may be added in later versions; a verifier takes kinds it does not know as opaque leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "EntryLine", into = "EntryLine")]
pub struct Entry {
    /// Where it stands, who wrote it and when.
    pub head: EntryHead,
    /// What it is about.
    pub body: Body,
    /// Fields that its kind does not carry, as they were read. No writer makes them; a reader loses nothing.
    beside: Option<Box<EntryLine>>,
}

impl Entry {
    /// The canonical line, without its newline; `None` if a number in it is beyond what canonical JSON keeps exact.
    pub fn line(&self) -> Option<Vec<u8>> {
        let line = serde_json::to_vec(self).ok()?;
        canonical::check(&line).is_ok().then_some(line)
    }

    /// The call it is about.
    pub fn call(&self) -> Option<&str> {
        self.subject().0.as_deref()
    }

    /// Its changes of state, in order.
    pub fn deltas(&self) -> &[Delta] {
        self.subject().1
    }

    /// The keyed name of the session it is about.
    pub fn session(&self) -> Option<&str> {
        use Body::{Abandoned, Denial, Genesis, Intent, Other, Outcome, Pending, Policy, Recovery, State, Void};
        let session = match &self.body {
            Intent(IntentRecord { record, .. }) | Denial(DenialRecord { record, .. }) | Pending(record) => {
                &record.session
            }
            Outcome(OutcomeRecord { end, .. }) | Void(end) | Abandoned(end) => &end.session,
            State(state) => &state.session,
            Genesis(_) | Policy(_) | Recovery(_) | Other(_) => &None,
        };
        session.as_deref()
    }

    fn subject(&self) -> (&Option<String>, &[Delta]) {
        use Body::{Abandoned, Denial, Genesis, Intent, Other, Outcome, Pending, Policy, Recovery, State, Void};
        let (call, delta): (_, &[Delta]) = self.beside.as_ref().map_or((&None, &[]), |line| (&line.call, &line.delta));
        match &self.body {
            Intent(intent) => (&intent.record.call, &intent.delta),
            Outcome(OutcomeRecord { end, .. }) | Void(end) | Abandoned(end) => (&end.call, &end.delta),
            Denial(DenialRecord { record, .. }) | Pending(record) => (&record.call, delta),
            State(state) => (call, &state.delta),
            Genesis(_) | Policy(_) | Recovery(_) | Other(_) => (call, delta),
        }
    }
}

/// An entry that has no place in a log yet.
impl From<Body> for Entry {
    fn from(body: Body) -> Entry {
        Entry { head: EntryHead::default(), body, beside: None }
    }
}

impl From<EntryLine> for Entry {
    fn from(mut line: EntryLine) -> Entry {
        let mut head = EntryHead::default();
        head.exchange(&mut line);
        let body = Body::take(&mut line);
        let beside = (line != EntryLine::of(body.kind())).then(|| Box::new(line));
        Entry { head, body, beside }
    }
}

impl From<Entry> for EntryLine {
    fn from(Entry { mut head, mut body, beside }: Entry) -> EntryLine {
        let mut line = beside.map_or_else(|| EntryLine::of(body.kind()), |line| *line);
        head.exchange(&mut line);
        body.exchange(&mut line);
        line
    }
}
#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::option;
    use proptest::prelude::{Strategy, any, proptest};
    use serde_json::Value;

    use super::*;
    use crate::body::EntryKind;
    use crate::fields::{Durability, EffectStatus, Mode};

    /// RFC 8785 for a text: the short escapes where there is one, `\\u00xx` for the other control characters.
    fn write_text(text: &str, out: &mut String) {
        out.push('"');
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                control if control < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
                other => out.push(other),
            }
        }
        out.push('"');
    }

    /// RFC 8785 for any value of strings, integers, objects and arrays: the members sorted by UTF-16, nothing else to do.
    fn write(value: &Value, out: &mut String) {
        match value {
            Value::String(text) => write_text(text, out),
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
                    write_text(key, out);
                    out.push(':');
                    write(item, out);
                }
                out.push('}');
            }
            other @ (Value::Null | Value::Bool(_)) => panic!("an entry holds {other}"),
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

    /// Lines of every kind, with any field: also those that their kind does not carry.
    fn lines() -> impl Strategy<Value = EntryLine> {
        use EntryKind::{Abandoned, Denial, Genesis, Intent, Outcome, Pending, Policy, Recovery, State, Void};
        let kinds = [Genesis, Intent, Outcome, Denial, Pending, Void, Abandoned, State, Policy, Recovery];
        let later = EntryKind::Other("heartbeat".to_owned());
        let texts = any::<[Option<String>; 14]>();
        let words = || btree_map(any::<String>(), any::<String>(), 0..5);
        let maps = (words(), words(), btree_map(any::<String>(), 0u64..1 << 53, 0..5));
        let choices = (
            option::of(proptest::sample::select(vec![Durability::Strict, Durability::Buffered])),
            option::of(proptest::sample::select(vec![EffectStatus::Happened, EffectStatus::Unknown])),
            option::of(proptest::sample::select(vec![Mode::Closed, Mode::Split, Mode::Hook])),
            proptest::sample::select(kinds.into_iter().chain([later]).collect::<Vec<_>>()),
        );
        let numbers = (0u64..1 << 53, 0u64..1 << 53, -(1i64 << 53) + 1..1 << 53, any::<u32>());
        let more = (vec(deltas(), 0..4), vec(any::<String>(), 0..4), option::of(any::<String>()), any::<String>());
        (texts, maps, choices, numbers, more).prop_map(
            |(
                [
                    call,
                    code,
                    commitment,
                    condition,
                    decision,
                    parent,
                    policy,
                    principal,
                    principal_name,
                    prev_seal,
                    rule,
                    session,
                    session_name,
                    tool_name,
                ],
                (args, note, redactions),
                (durability, effect, mode, kind),
                (index, mono_us, time_us, v),
                (delta, rules, tool, writer),
            )| EntryLine {
                args,
                call,
                code,
                commitment,
                condition,
                decision,
                delta,
                durability,
                effect,
                index,
                kind,
                mode,
                mono_us,
                note,
                parent,
                policy,
                prev_seal,
                principal,
                principal_name,
                redactions,
                rule,
                rules,
                session,
                session_name,
                time_us,
                tool,
                tool_name,
                v,
                writer,
            },
        )
    }

    proptest! {
        #[test]
        fn a_line_is_canonical_and_comes_back(flat in lines()) {
            let entry = Entry::from(flat.clone());
            let line = entry.line().unwrap();
            let mut expected = String::new();
            write(&serde_json::from_slice(&line).unwrap(), &mut expected);
            proptest::prop_assert_eq!(std::str::from_utf8(&line).unwrap(), expected);
            proptest::prop_assert_eq!((entry.call(), entry.deltas()), (flat.call.as_deref(), &flat.delta[..]));
            proptest::prop_assert_eq!(serde_json::from_slice::<EntryLine>(&line).unwrap(), flat);
            proptest::prop_assert_eq!(serde_json::from_slice::<Entry>(&line).unwrap(), entry);
        }
    }

    /// What a reader takes and what it refuses: a verifier counts calls by the first, and knows a place alone of the second.
    #[test]
    fn a_line_is_read_as_loosely_as_ever() {
        let read = |line: &str| serde_json::from_str::<Entry>(line).ok();
        let empty = |kind| Some(Entry::from(EntryLine::of(kind)));
        assert_eq!(read("{}"), empty(EntryKind::Genesis));
        assert_eq!(read(r#"{"kind":"heartbeat"}"#), empty(EntryKind::Other("heartbeat".to_owned())));
        assert_eq!(read(r#"{"kind":"intent","pulse":1}"#), None);
        assert_eq!(read(r#"{"effect":"perhaps","kind":"intent"}"#), None);
        let denial = read(r#"{"delta":[{"id":"g","label":"l","op":"grant"}],"kind":"denial"}"#).unwrap();
        assert_eq!(denial.body, Body::Denial(DenialRecord::default()));
        assert_eq!(denial.deltas(), [Delta::Grant { id: "g".to_owned() }]);
        for refused in [r#"{"op":"grant"}"#, r#"{"id":"g","op":"give"}"#, r#"{"id":"g","op":"grant","pulse":"1"}"#] {
            assert!(read(&format!(r#"{{"delta":[{refused}],"kind":"intent"}}"#)).is_none(), "{refused}");
        }
    }

    #[test]
    fn a_number_that_readers_would_round_is_refused() {
        let of = |index| Entry::from(EntryLine { index, ..EntryLine::of(EntryKind::Genesis) }).line();
        assert!(of((1 << 53) - 1).is_some());
        assert!(of(1 << 53).is_none());
    }
}
