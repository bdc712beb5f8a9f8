//! Redaction: what is classified does not get through; what is not classified comes out byte for byte.
//!
//! bytes -> trigger scan -> verifiers -> union of spans -> placeholders. `work` counts what it costs, `haystack` is a text that
//! is looked at, `class_row` and `detector` are the forms of rows and `detectors` the tables, `class` is ids and sets of them,
//! `scan` passes over a text, `span` joins what it found, `json_text` fits that to JSON in the text, `placeholders` turns spans
//! into text, `json` does so in values, `shown` in messages.
//!
//! Three laws hold for every text and are tested as such: a scan of what was redacted finds nothing, every byte outside a
//! finding is kept (a number in a JSON document becomes a string), and the work is linear. Deliberately absent: a regular expression engine, and any copy of what was found.
//! Text is looked at as it stands; what is hidden in an encoding (percent signs, base64, fullwidth letters) is not found.

mod class;
mod class_row;
mod detector;
mod detectors;
mod haystack;
mod json;
mod json_text;
mod placeholders;
mod row_set;
mod scan;
mod shown;
mod span;
mod work;

pub use class::{ClassSet, classes, detectors};
pub use class_row::{Class, ClassRow, ClassTier};
pub use detector::Detector;
pub(crate) use json::redact_value_in;
pub use json::{REDACT_VALUE_BYTES_MAX, REDACT_VALUE_DEPTH_MAX, RedactedValue, Withheld, redact_value};
pub(crate) use placeholders::{Placeholders, placeholders_in, redact_text_in};
pub use placeholders::{RedactedText, redact_text};
pub use scan::{RedactionFinding, scan, unfinished_key};
pub(crate) use shown::cut_line;
pub use shown::{shown_error, shown_name};

#[cfg(test)]
mod generated;
#[cfg(test)]
mod linear;
#[cfg(test)]
mod tests;
