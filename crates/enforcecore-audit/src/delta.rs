//! Changes of state, from which sessions are rebuilt: one row each.
//!
//! In a line a delta is one flat object: its fields and `op`, in the order of their names. A reader refuses a field that no
//! delta has and passes over one that only other deltas have.

use serde::{Deserialize, Serialize};

macro_rules! deltas {
    (
        fields in order { $($name:ident: $held:ty,)* }
        $($(#[doc = $doc:literal])* $variant:ident = $op:literal { $($(#[doc = $about:literal])* $field:ident: $type:ty,)* })*
    ) => {
        /// One typed change of state.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(into = "DeltaLine", try_from = "DeltaLine")]
        pub enum Delta {
            $($(#[doc = $doc])* $variant { $($(#[doc = $about])* $field: $type,)* },)*
        }

        /// A delta as it stands in a line.
        #[derive(Default, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        struct DeltaLine {
            $(#[serde(skip_serializing_if = "Option::is_none")] $name: Option<$held>,)*
        }

        impl From<Delta> for DeltaLine {
            fn from(delta: Delta) -> DeltaLine {
                let line = DeltaLine::default();
                match delta {
                    $(Delta::$variant { $($field),* } => {
                        DeltaLine { op: Some($op.to_owned()), $($field: Some($field),)* ..line }
                    })*
                }
            }
        }

        impl TryFrom<DeltaLine> for Delta {
            type Error = String;

            fn try_from(line: DeltaLine) -> Result<Delta, String> {
                let op = line.op.unwrap_or_default();
                let missing = || format!("a `{op}` delta lacks a field");
                match op.as_str() {
                    $($op => Ok(Delta::$variant { $($field: line.$field.ok_or_else(missing)?,)* }),)*
                    other => Err(format!("an unknown delta `{other}`")),
                }
            }
        }
    };
}

deltas! {
    fields in order {
        amount_micros: i64, bucket: String, budget: String, class: String, fingerprint: String, fingerprints: Vec<String>,
        first: u64, id: String, key: String, label: String, name: String, op: String, session: String, span_us: i64,
    }

    /// Takes from a budget.
    Reserve = "reserve" {
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
    }
    /// A trusted result set a fact.
    Fact = "fact" {
        /// The session's keyed name.
        session: String,
        /// The fact's name.
        name: String,
        /// The keyed fingerprint of its value.
        fingerprint: String,
    }
    /// The session has seen data of this label.
    Label = "label" {
        /// The session's keyed name.
        session: String,
        /// The label.
        label: String,
    }
    /// The session is over: later calls in it are refused.
    End = "end" {
        /// The session's keyed name.
        session: String,
    }
    /// A grant was consumed.
    Grant = "grant" {
        /// The grant's id.
        id: String,
    }
    /// Redacted values have a number in their session from here on.
    Placeholders = "placeholders" {
        /// The session's keyed name.
        session: String,
        /// What they are.
        class: String,
        /// The number of the first one; the others follow it.
        first: u64,
        /// Their keyed fingerprints, in order.
        fingerprints: Vec<String>,
    }
}
