//! Entries as CSV (RFC 4180): a header, one record an entry, CRLF behind each, a column for every field of an entry. In the record
//! of a call's end, the columns of caller and tool have what the beginning of the call says.
//!
//! A spreadsheet takes a field that begins with one of a few characters as a formula, and runs it. So such a field begins with an
//! apostrophe here. Line ends and characters that steer a terminal are escapes, so that a record is a line.

use enforcecore::audit::EntryLine;
use enforcecore::diagnostic::one_line;
use serde_json::{Map, Value as Json};

use super::select::Row;

/// The columns, in order: the fields of an entry, those a person looks for first, and `time` before its number.
pub const COLUMNS: [&str; 30] = [
    "index",
    "time",
    "kind",
    "decision",
    "code",
    "tool",
    "tool_name",
    "principal_name",
    "principal",
    "session_name",
    "session",
    "rules",
    "rule",
    "condition",
    "args",
    "call",
    "parent",
    "effect",
    "redactions",
    "note",
    "mode",
    "durability",
    "policy",
    "commitment",
    "delta",
    "prev_seal",
    "time_us",
    "mono_us",
    "writer",
    "v",
];

/// The header, without its line end.
pub fn header() -> String {
    COLUMNS.join(",")
}

/// The record of an entry, without its line end.
pub fn record(row: &Row) -> String {
    let fields = fields(&row.entry);
    let cell = |column: &&str| match *column {
        "time" => row.time(),
        "tool" => row.tool().unwrap_or_default().to_owned(),
        "tool_name" => row.tool_name().unwrap_or_default().to_owned(),
        "principal" => row.principal().unwrap_or_default().to_owned(),
        "principal_name" => row.principal_name().unwrap_or_default().to_owned(),
        "session_name" => row.session_name().unwrap_or_default().to_owned(),
        field => fields.get(field).map(text).unwrap_or_default(),
    };
    COLUMNS.iter().map(|column| quoted(&cell(column))).collect::<Vec<_>>().join(",")
}

/// The fields that an entry has.
pub fn fields(entry: &EntryLine) -> Map<String, Json> {
    match serde_json::to_value(entry) {
        Ok(Json::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// A text as it is, a list of texts joined by spaces, anything else as JSON.
fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) if items.iter().all(Json::is_string) => {
            items.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    let line = one_line(text).replace('\t', "\\t");
    // What spreadsheets take as the beginning of a formula, full-width forms included.
    let formula = line.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    let safe = if formula { format!("'{line}") } else { line };
    if safe.contains([',', '"', ';']) || safe.starts_with(' ') || safe.ends_with(' ') {
        format!("\"{}\"", safe.replace('"', "\"\""))
    } else {
        safe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_stays_in_its_line() {
        for (text, cell) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"a\"", "\"say \"\"a\"\"\""),
            ("a;b", "\"a;b\""),
            (" a ", "\" a \""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("  =1", "'  =1"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            ("\t=1", "\\t=1"),
            ("\r=1", "\\r=1"),
            ("a\r\n=1", "a\\r\\n=1"),
            ("a=1", "a=1"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
        ] {
            assert_eq!(quoted(text), cell, "{text:?}");
        }
    }
}
