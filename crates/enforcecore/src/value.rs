//! Values of arguments and results: what JSON can say, with exact numbers, plus what a host language adds.
//!
//! Values come from untrusted text. Reading refuses what two readers could understand differently (a key twice, a lone
//! surrogate, invalid UTF-8) and what could exhaust us (depth, size), so that everything after this module can be simple.

use std::fmt;

use indexmap::IndexMap;
use json_event_parser::{JsonEvent, SliceJsonParser};

use crate::codes::Code;
use crate::codes::call as code;
use crate::number::{Number, NumberError};

/// Bytes in a call or a result at most: a megabyte of arguments is a mistake or an attack.
pub const VALUE_BYTES_MAX: usize = 1 << 20;
/// Levels of nesting at most: deeper than any tool's schema, far from any stack's end.
pub const VALUE_DEPTH_MAX: usize = 64;

/// Members of an object, in the order they were written; keys are unique by type.
pub type Map = IndexMap<String, Value>;

/// One value.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Value {
    /// JSON null, Python None.
    #[default]
    Null,
    /// True or false; never a number.
    Bool(bool),
    /// An exact number.
    Number(Number),
    /// Text.
    Text(String),
    /// Bytes a host language passed; JSON has none.
    Bytes(Vec<u8>),
    /// An array.
    List(Vec<Value>),
    /// An object.
    Map(Map),
    /// An object of the host that no matcher can look into; its type's name is all that is known.
    Opaque(String),
}

impl Value {
    /// Reads one JSON text, strictly.
    pub fn from_json(text: &[u8]) -> Result<Value, ValueError> {
        if text.len() > VALUE_BYTES_MAX {
            return Err(ValueError::TooLarge { bytes: text.len() });
        }
        let mut reader = Reader { parser: SliceJsonParser::new(text) };
        let first = reader.next()?;
        let value = reader.value(first, 1)?;
        let JsonEvent::Eof = reader.next()? else {
            return Err(ValueError::Syntax("text after the value".to_owned()));
        };
        Ok(value)
    }

    /// The value as JSON, numbers as they were written. Bytes become base64, an opaque object its type's name in `<>`.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        write_json(self, &mut out);
        out
    }

    /// The text, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    /// The members, if it is an object.
    pub fn as_map(&self) -> Option<&Map> {
        if let Value::Map(map) = self { Some(map) } else { None }
    }

    /// The member at a dotted path, `customer.email`.
    pub fn at(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(self, |value, key| value.as_map()?.get(key))
    }

    /// Checks the limits on a value a face built without [`Value::from_json`].
    pub fn within_limits(&self) -> Result<(), ValueError> {
        let mut bytes = 0;
        measure(self, 1, &mut bytes)
    }

    /// Appends the canonical encoding: one tag byte, then a length or the payload. Members are sorted, numbers are their
    /// normalised decimal text, so two spellings of one value encode alike and no two values do.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null => out.push(b'n'),
            Value::Bool(false) => out.push(b'f'),
            Value::Bool(true) => out.push(b't'),
            Value::Number(number) => encode_bytes(b'd', number.decimal().to_string().as_bytes(), out),
            Value::Text(text) => encode_bytes(b's', text.as_bytes(), out),
            Value::Bytes(bytes) => encode_bytes(b'b', bytes, out),
            Value::Opaque(name) => encode_bytes(b'o', name.as_bytes(), out),
            Value::List(items) => {
                encode_count(b'l', items.len(), out);
                items.iter().for_each(|item| item.encode(out));
            }
            Value::Map(map) => encode_map(map, out),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Number(Number::from(number))
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Value {
        Value::Bool(bool)
    }
}

/// The canonical encoding of an object's members.
pub fn encode_map(map: &Map, out: &mut Vec<u8>) {
    let mut members: Vec<(&String, &Value)> = map.iter().collect();
    members.sort_unstable_by_key(|(key, _)| *key);
    encode_count(b'm', members.len(), out);
    for (key, value) in members {
        encode_bytes(b'k', key.as_bytes(), out);
        value.encode(out);
    }
}

/// A tag, a 64-bit big-endian length, the bytes.
pub fn encode_bytes(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    encode_count(tag, bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn encode_count(tag: u8, count: usize, out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&(count as u64).to_be_bytes());
}

/// Why a value was refused. Each is a malformed call or an unreadable result. It has no text of its own, because a key may be
/// classified: [`shown_error`](crate::redact::shown_error) says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueError {
    /// Not JSON.
    Syntax(String),
    /// An object with one key twice.
    DuplicateKey(RawKey),
    /// A number that cannot be compared exactly.
    Number(NumberError),
    /// Nested too deeply.
    TooDeep,
    /// Too many bytes.
    TooLarge {
        /// How many there were (or how many had been counted when counting stopped).
        bytes: usize,
    },
    /// A NUL character, which C code and file systems read as the end.
    Nul,
}

impl ValueError {
    /// The stable code of the refusal.
    pub fn code(&self) -> Code {
        match self {
            ValueError::Syntax(_) => code::NOT_JSON,
            ValueError::DuplicateKey(_) => code::DUPLICATE_KEY,
            ValueError::Number(_) => code::BAD_NUMBER,
            ValueError::TooDeep => code::TOO_DEEP,
            ValueError::TooLarge { .. } => code::TOO_LARGE,
            ValueError::Nul => code::NUL_CHARACTER,
        }
    }
}

/// A key as it was written, which nothing prints.
#[derive(Clone, PartialEq, Eq)]
pub struct RawKey(pub(crate) String);

impl fmt::Debug for RawKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("RawKey(..)")
    }
}

struct Reader<'a> {
    parser: SliceJsonParser<'a>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<JsonEvent<'a>, ValueError> {
        self.parser.parse_next().map_err(|error| {
            // The parser's own words name its states, and may repeat what it read.
            let at = error.location().start;
            ValueError::Syntax(format!("unreadable from line {}, column {} on", at.line + 1, at.column + 1))
        })
    }

    fn value(&mut self, event: JsonEvent<'a>, depth: usize) -> Result<Value, ValueError> {
        if depth > VALUE_DEPTH_MAX {
            return Err(ValueError::TooDeep);
        }
        match event {
            JsonEvent::Null => Ok(Value::Null),
            JsonEvent::Boolean(bool) => Ok(Value::Bool(bool)),
            JsonEvent::Number(text) => Ok(Value::Number(Number::parse(&text).map_err(ValueError::Number)?)),
            JsonEvent::String(text) => Ok(Value::Text(without_nul(text.into_owned())?)),
            JsonEvent::StartArray => self.list(depth),
            JsonEvent::StartObject => self.map(depth),
            JsonEvent::EndArray | JsonEvent::EndObject | JsonEvent::ObjectKey(_) | JsonEvent::Eof => {
                Err(ValueError::Syntax("a value was expected".to_owned()))
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, ValueError> {
        let mut items = Vec::new();
        loop {
            let event = self.next()?;
            if let JsonEvent::EndArray = event {
                return Ok(Value::List(items));
            }
            items.push(self.value(event, depth + 1)?);
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, ValueError> {
        let mut map = Map::new();
        loop {
            let event = self.next()?;
            if let JsonEvent::EndObject = event {
                return Ok(Value::Map(map));
            }
            let JsonEvent::ObjectKey(key) = event else {
                return Err(ValueError::Syntax("a key was expected".to_owned()));
            };
            let key = without_nul(key.into_owned())?;
            if map.contains_key(&key) {
                return Err(ValueError::DuplicateKey(RawKey(key)));
            }
            let event = self.next()?;
            let value = self.value(event, depth + 1)?;
            map.insert(key, value);
        }
    }
}

fn without_nul(text: String) -> Result<String, ValueError> {
    if memchr::memchr(0, text.as_bytes()).is_some() { Err(ValueError::Nul) } else { Ok(text) }
}

fn measure(value: &Value, depth: usize, bytes: &mut usize) -> Result<(), ValueError> {
    if depth > VALUE_DEPTH_MAX {
        return Err(ValueError::TooDeep);
    }
    *bytes += match value {
        Value::Text(text) | Value::Opaque(text) => text.len() + 2,
        Value::Bytes(raw) => raw.len(),
        Value::Number(number) => number.text().len(),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => 2,
    };
    if *bytes > VALUE_BYTES_MAX {
        return Err(ValueError::TooLarge { bytes: *bytes });
    }
    match value {
        Value::Text(text) if memchr::memchr(0, text.as_bytes()).is_some() => Err(ValueError::Nul),
        Value::List(items) => items.iter().try_for_each(|item| measure(item, depth + 1, bytes)),
        Value::Map(map) => map.iter().try_for_each(|(key, item)| {
            *bytes += key.len() + 4;
            if memchr::memchr(0, key.as_bytes()).is_some() {
                Err(ValueError::Nul)
            } else {
                measure(item, depth + 1, bytes)
            }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Bytes(_) | Value::Opaque(_) => Ok(()),
    }
}

fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
        Value::Number(number) => out.push_str(number.text()),
        Value::Text(text) => write_json_text(text, out),
        Value::Bytes(bytes) => {
            write_json_text(&base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes), out)
        }
        Value::Opaque(name) => write_json_text(&format!("<{name}>"), out),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json_text(key, out);
                out.push(':');
                write_json(item, out);
            }
            out.push('}');
        }
    }
}

/// Writes a JSON string with the escapes of RFC 8785, section 3.2.2.2.
pub fn write_json_text(text: &str, out: &mut String) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: Result<&str, &str>) {
        let got = Value::from_json(json.as_bytes());
        match expected {
            Ok(text) => assert_eq!(got.map(|v| v.to_json()).as_deref(), Ok(text), "{json}"),
            Err(code) => assert_eq!(got.map_err(|e| e.code().as_str()), Err(code), "{json}"),
        }
    }

    #[test]
    fn json_is_read_strictly_and_written_back() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        check(r#" {"b": 1.50, "a": [true, null, "\u0041\n"]} "#, Ok(r#"{"b":1.50,"a":[true,null,"A\n"]}"#));
        check(&deep(64), Ok(&deep(64)));
        check(&deep(65), Err("too_deep"));
        check(r#"{"a":1,"a":2}"#, Err("duplicate_key"));
        check(r#"{"a":{"x":1,"\u0078":2}}"#, Err("duplicate_key"));
        check(r#""a\u0000b""#, Err("nul_character"));
        check(r#""\ud800""#, Err("not_json"));
        check("1 2", Err("not_json"));
        check("{'a':1}", Err("not_json"));
        check("[1,]", Err("not_json"));
        check("NaN", Err("not_json"));
        check("1e999", Err("bad_number"));
        check("", Err("not_json"));
        assert_eq!(Value::from_json(b"\"\xff\"").map_err(|e| e.code().as_str()), Err("not_json"));
        assert_eq!(Value::from_json(&vec![b' '; VALUE_BYTES_MAX + 1]).map_err(|e| e.code().as_str()), Err("too_large"));
    }

    #[test]
    fn one_value_has_one_canonical_encoding() {
        let encode = |json: &str| {
            let mut out = Vec::new();
            Value::from_json(json.as_bytes()).unwrap().encode(&mut out);
            out
        };
        assert_eq!(encode(r#"{"a":1,"b":2.0}"#), encode(r#"{"b":2,"a":1e0}"#));
        let distinct = [
            "1",
            "\"1\"",
            "100",
            "100.000000000000001",
            "[]",
            "{}",
            "null",
            "false",
            "[[],[]]",
            "[[[]]]",
            r#"["a","b"]"#,
            r#"["ab"]"#,
        ];
        for (i, a) in distinct.iter().enumerate() {
            for b in distinct.iter().skip(i + 1) {
                assert_ne!(encode(a), encode(b), "{a} {b}");
            }
        }
    }
}
