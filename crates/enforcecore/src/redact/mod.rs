//! Redaction: what is classified does not get through; what is not classified comes out byte for byte.
//!
//! bytes -> trigger scan -> verifiers -> union of spans -> placeholders. Rooms: `classes` (the names), `detectors` (one row
//! each), `scan` (one pass over text), `placeholders` (spans to text), `json` (values, keys included), `work` (what it costs).
//!
//! Three laws hold for every text and are tested as such: a scan of what was redacted finds nothing, every byte outside a
//! finding is kept, and the work is linear. Deliberately absent: a regular expression engine, and any copy of what was found.
//! Text is looked at as it stands; what is hidden in an encoding (percent signs, base64, fullwidth letters) is not found.

mod classes;
mod detectors;
mod haystack;
mod json;
mod placeholders;
mod scan;
mod work;

pub use classes::{CLASSES, Class, ClassSet};
pub(crate) use json::redact_value_in;
pub use json::{REDACT_VALUE_BYTES_MAX, REDACT_VALUE_DEPTH_MAX, redact_value};
pub(crate) use placeholders::{Placeholders, placeholders_in};
pub use scan::scan;

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
    /// Its placeholders got no numbers in their session.
    #[error("{0}")]
    NotNumbered(String),
}

/// Replaces every classified span of a text.
pub fn redact_text(text: &str, classes: ClassSet) -> RedactedText {
    redact_text_in(text, classes, &mut Placeholders::default())
}

/// Does what [`redact_text`] does, in numbers that go on from those of others.
pub(crate) fn redact_text_in(text: &str, classes: ClassSet, placeholders: &mut Placeholders<'_>) -> RedactedText {
    let (redacted, findings) = placeholders.redact(text, classes);
    RedactedText { text: redacted.unwrap_or_else(|| text.to_owned()), findings: findings.into_vec() }
}

/// Characters of a name that a message repeats.
const SHOWN_NAME_MAX: usize = 64;

/// A name that the caller or the tool chose (a key, a type), as a message shows it: nothing classified, on one line, short.
pub fn shown_name(name: &str) -> String {
    // Before it is cut, because no detector knows half a token.
    let name = redact_text(name, ClassSet::all()).text;
    let mut shown: String = name.chars().take(SHOWN_NAME_MAX).flat_map(char::escape_debug).collect();
    if name.chars().count() > SHOWN_NAME_MAX {
        shown.push_str("..");
    }
    shown
}

#[cfg(test)]
mod linear;
#[cfg(test)]
mod tests;
