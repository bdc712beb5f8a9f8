//! Values of arguments and results: what JSON can say, with exact numbers, plus what a host language adds.
//!
//! Values come from untrusted text. Reading refuses what two readers could understand differently (a key twice, a lone
//! surrogate, invalid UTF-8) and what could exhaust us (depth, size), so that everything after this module can be simple. What a
//! tool answered is read as far as it can be seen in full: it ran already, so nothing is gained by losing a result over one letter.

use std::fmt;

use indexmap::IndexMap;
use json_event_parser::{JsonEvent, SliceJsonParser};

use crate::characters::{Place, REPLACEMENT, Replaced, Step, Unfit, first_unfit, mend};
use crate::codes::Code;
use crate::codes::call as code;
use crate::number::{Number, NumberError, WideNumber};

/// Bytes in the arguments of a call at most: a megabyte of arguments is a mistake or an attack.
pub const VALUE_BYTES_MAX: usize = 1 << 20;
/// Levels of objects and lists in arguments at most: deeper than any tool's schema, far from any stack's end.
pub const VALUE_DEPTH_MAX: usize = 64;
/// Bytes in a result at most: a screenshot has a few million, and all of it is held while it is inspected.
pub const RESULT_BYTES_MAX: usize = 64 << 20;
/// Levels of objects and lists in a result at most. Documents nest deeper than arguments do.
pub const RESULT_DEPTH_MAX: usize = 128;
/// Levels that a protocol's message has around a result.
pub const ENVELOPE_DEPTH: usize = 1;

/// How much of a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What has the limits, for a message.
    pub what: &'static str,
    /// Bytes at most.
    pub bytes: usize,
    /// Levels of objects and lists at most.
    pub depth: usize,
}

impl Limits {
    /// What arguments may have.
    pub const ARGUMENTS: Limits =
        Limits { what: "the arguments of a call", bytes: VALUE_BYTES_MAX, depth: VALUE_DEPTH_MAX };
    /// What a result may have, its envelope included.
    pub const RESULT: Limits =
        Limits { what: "a result", bytes: RESULT_BYTES_MAX, depth: RESULT_DEPTH_MAX + ENVELOPE_DEPTH };
}

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
    /// A number beyond what is exact, as it was written. Only what a tool said has one.
    WideNumber(WideNumber),
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
    /// Reads one JSON text strictly, with the limits of arguments.
    pub fn from_json(text: &[u8]) -> Result<Value, ValueError> {
        Value::from_json_within(text, Limits::ARGUMENTS)
    }

    /// Reads one JSON text strictly: no character that programs read differently, no number that is not exact.
    pub fn from_json_within(text: &[u8], limits: Limits) -> Result<Value, ValueError> {
        let unfit = |error| match (&error, first_unfit(text)) {
            (ValueError::Syntax(_) | ValueError::Character(..), Some((what, place))) => {
                ValueError::Character(what, place)
            }
            _ => error,
        };
        Reader::read(text, limits, false).map_err(unfit)
    }

    /// Reads what a tool said: characters that programs read differently become U+FFFD, and any number is kept as it is written.
    pub fn from_said_json(text: &[u8], limits: Limits) -> Result<(Value, Replaced), ValueError> {
        let (mended, replaced) = mend(text);
        Ok((Reader::read(&mended, limits, true)?, replaced))
    }

    /// A number in JSON's grammar, exact where it can be.
    pub fn said_number(text: &str) -> Result<Value, NumberError> {
        match Number::parse(text) {
            Ok(number) => Ok(Value::Number(number)),
            Err(NumberError::Syntax) => Err(NumberError::Syntax),
            Err(NumberError::TooManyDigits | NumberError::OutOfRange) => WideNumber::parse(text).map(Value::WideNumber),
        }
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

    /// Checks what arguments may be, on a value a face built without [`Value::from_json`].
    pub fn within_limits(&self) -> Result<(), ValueError> {
        let mut measure = Measure { limits: Limits::ARGUMENTS, strict: true, bytes: 0 };
        measure.whole(self)
    }

    /// Checks what a result may be.
    pub fn within_result_limits(&self) -> Result<(), ValueError> {
        let mut measure = Measure { limits: Limits::RESULT, strict: false, bytes: 0 };
        measure.whole(self)
    }

    /// Puts U+FFFD in the place of each NUL character and says how many there were. Two keys that become the same are an error.
    pub fn replace_nul(&mut self) -> Result<u64, ValueError> {
        match self {
            Value::Text(text) | Value::Opaque(text) => Ok(replace_nul(text)),
            Value::List(items) => items.iter_mut().try_fold(0, |sum, item| Ok(sum + item.replace_nul()?)),
            Value::Map(map) => {
                let mut sum = 0;
                if map.keys().any(|key| has_nul(key)) {
                    for (mut key, item) in std::mem::take(map) {
                        sum += replace_nul(&mut key);
                        if map.contains_key(&key) {
                            return Err(ValueError::DuplicateKey(RawKey(key)));
                        }
                        map.insert(key, item);
                    }
                }
                map.values_mut().try_fold(sum, |sum, item| Ok(sum + item.replace_nul()?))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::WideNumber(_) | Value::Bytes(_) => Ok(0),
        }
    }

    /// Appends the canonical encoding: one tag byte, then a length or the payload. Members are sorted, numbers are their
    /// normalised decimal text, so two spellings of one value encode alike and no two values do.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null => out.push(b'n'),
            Value::Bool(false) => out.push(b'f'),
            Value::Bool(true) => out.push(b't'),
            Value::Number(number) => encode_bytes(b'd', number.decimal().to_string().as_bytes(), out),
            Value::WideNumber(number) => encode_bytes(b'w', number.text().as_bytes(), out),
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
    TooDeep(Limits),
    /// Too many bytes.
    TooLarge {
        /// How many there are, or how many had been counted when counting stopped.
        bytes: usize,
        /// How many there may be.
        limits: Limits,
    },
    /// A character that programs read differently, and where it stands.
    Character(Unfit, Place),
}

impl ValueError {
    /// The stable code of the refusal.
    pub fn code(&self) -> Code {
        match self {
            ValueError::Syntax(_) => code::NOT_JSON,
            ValueError::DuplicateKey(_) => code::DUPLICATE_KEY,
            ValueError::Number(_) => code::BAD_NUMBER,
            ValueError::TooDeep(_) => code::TOO_DEEP,
            ValueError::TooLarge { .. } => code::TOO_LARGE,
            ValueError::Character(Unfit::Nul, _) => code::NUL_CHARACTER,
            ValueError::Character(Unfit::Surrogate(_), _) => code::LONE_SURROGATE,
            ValueError::Character(Unfit::Byte(_), _) => code::NOT_UTF8,
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
    limits: Limits,
    /// Whether any number is read.
    wide: bool,
}

impl<'a> Reader<'a> {
    fn read(text: &'a [u8], limits: Limits, wide: bool) -> Result<Value, ValueError> {
        if text.len() > limits.bytes {
            return Err(ValueError::TooLarge { bytes: text.len(), limits });
        }
        let mut reader = Reader { parser: SliceJsonParser::new(text), limits, wide };
        let first = reader.next()?;
        let value = reader.value(first, 1)?;
        let JsonEvent::Eof = reader.next()? else {
            return Err(ValueError::Syntax("text after the value".to_owned()));
        };
        Ok(value)
    }

    fn next(&mut self) -> Result<JsonEvent<'a>, ValueError> {
        self.parser.parse_next().map_err(|error| {
            // The parser's own words name its states, and may repeat what it read.
            let at = error.location().start;
            ValueError::Syntax(format!("unreadable from line {}, column {} on", at.line + 1, at.column + 1))
        })
    }

    fn value(&mut self, event: JsonEvent<'a>, depth: usize) -> Result<Value, ValueError> {
        let is_container = matches!(event, JsonEvent::StartArray | JsonEvent::StartObject);
        if is_container && depth > self.limits.depth {
            return Err(ValueError::TooDeep(self.limits));
        }
        match event {
            JsonEvent::Null => Ok(Value::Null),
            JsonEvent::Boolean(bool) => Ok(Value::Bool(bool)),
            JsonEvent::Number(text) if self.wide => Value::said_number(&text).map_err(ValueError::Number),
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

fn has_nul(text: &str) -> bool {
    memchr::memchr(0, text.as_bytes()).is_some()
}

/// Its place is found where the whole text is known.
fn without_nul(text: String) -> Result<String, ValueError> {
    if has_nul(&text) { Err(nul_in(&text, false)) } else { Ok(text) }
}

fn nul_in(text: &str, in_key: bool) -> ValueError {
    let character = text.chars().take_while(|char| *char != '\0').count() + 1;
    ValueError::Character(Unfit::Nul, Place { steps: Vec::new(), in_key, character })
}

fn replace_nul(text: &mut String) -> u64 {
    let count = memchr::memchr_iter(0, text.as_bytes()).count();
    if count > 0 {
        *text = text.replace('\0', REPLACEMENT);
    }
    count as u64
}

/// What a value has, against what it may have.
struct Measure {
    limits: Limits,
    /// Whether it may hold only what programs read alike.
    strict: bool,
    bytes: usize,
}

impl Measure {
    /// The whole is counted, so that a message can say how much it is.
    fn whole(&mut self, value: &Value) -> Result<(), ValueError> {
        self.value(value, 1)?;
        if self.bytes <= self.limits.bytes {
            return Ok(());
        }
        Err(ValueError::TooLarge { bytes: self.bytes, limits: self.limits })
    }

    fn value(&mut self, value: &Value, depth: usize) -> Result<(), ValueError> {
        if depth > self.limits.depth && matches!(value, Value::List(_) | Value::Map(_)) {
            return Err(ValueError::TooDeep(self.limits));
        }
        self.bytes = self.bytes.saturating_add(match value {
            Value::Text(text) | Value::Opaque(text) => text.len() + 2,
            Value::Bytes(raw) => raw.len(),
            Value::Number(number) => number.text().len(),
            Value::WideNumber(number) => number.text().len(),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => 2,
        });
        match value {
            Value::Text(text) if self.strict && has_nul(text) => Err(nul_in(text, false)),
            Value::WideNumber(number) if self.strict => Err(ValueError::Number(number.why())),
            Value::List(items) => items.iter().enumerate().try_for_each(|(item, value)| {
                self.value(value, depth + 1).map_err(|error| within(Step::Item(item), error))
            }),
            Value::Map(map) => map.iter().try_for_each(|(key, item)| self.member(key, item, depth)),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::WideNumber(_)
            | Value::Text(_)
            | Value::Bytes(_)
            | Value::Opaque(_) => Ok(()),
        }
    }

    fn member(&mut self, key: &str, value: &Value, depth: usize) -> Result<(), ValueError> {
        self.bytes = self.bytes.saturating_add(key.len() + 4);
        if self.strict && has_nul(key) {
            return Err(nul_in(key, true));
        }
        self.value(value, depth + 1).map_err(|error| within(Step::Key(key.to_owned()), error))
    }
}

/// The place of a fault, one level further out.
fn within(step: Step, error: ValueError) -> ValueError {
    match error {
        ValueError::Character(unfit, mut place) => {
            place.steps.insert(0, step);
            ValueError::Character(unfit, place)
        }
        ValueError::Syntax(_)
        | ValueError::DuplicateKey(_)
        | ValueError::Number(_)
        | ValueError::TooDeep(_)
        | ValueError::TooLarge { .. } => error,
    }
}

fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
        Value::Number(number) => out.push_str(number.text()),
        Value::WideNumber(number) => out.push_str(number.text()),
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
        check(&deep(64).replace("[]", "[1]"), Ok(&deep(64).replace("[]", "[1]")));
        check(r#"{"a":1,"a":2}"#, Err("duplicate_key"));
        check(r#"{"a":{"x":1,"\u0078":2}}"#, Err("duplicate_key"));
        check(r#""a\u0000b""#, Err("nul_character"));
        check(r#""\ud800""#, Err("lone_surrogate"));
        check("1 2", Err("not_json"));
        check("{'a':1}", Err("not_json"));
        check("[1,]", Err("not_json"));
        check("NaN", Err("not_json"));
        check("1e999", Err("bad_number"));
        check("", Err("not_json"));
        assert_eq!(Value::from_json(b"\"\xff\"").map_err(|e| e.code().as_str()), Err("not_utf8"));
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

    #[test]
    fn what_a_tool_said_is_read_as_far_as_it_can_be_seen_in_full() {
        let read = |json: &[u8]| {
            Value::from_said_json(json, Limits::RESULT).map(|(value, replaced)| (value.to_json(), replaced))
        };
        let deep = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        for kept in
            ["1E400", "-5e-324", "0.1234567890123456789012345678901234567890", "[1e99999999999,-0.0]", &deep(129)]
        {
            assert_eq!(read(kept.as_bytes()), Ok((kept.to_owned(), Replaced::default())), "{kept}");
        }
        for (json, code) in
            [(deep(130).as_str(), "too_deep"), ("{\"a\":1,\"a\":2}", "duplicate_key"), ("[1,]", "not_json")]
        {
            assert_eq!(read(json.as_bytes()).map_err(|error| error.code().as_str()), Err(code), "{json}");
        }
        let (mended, replaced) = read(b"{\"a\\u0000\":\"\\ud800\xe9\"}").unwrap();
        assert_eq!(mended, "{\"a\u{fffd}\":\"\u{fffd}\u{fffd}\"}");
        assert_eq!((replaced.nul, replaced.surrogates, replaced.bytes), (1, 1, 1));
        // Two keys that become the same say two things.
        assert_eq!(read(br#"{"a\u0000":1,"a\ufffd":2}"#).map_err(|error| error.code().as_str()), Err("duplicate_key"));
        // A number that is not exact is none that a rule could compare.
        let (wide, _) = Value::from_said_json(b"[1E400]", Limits::RESULT).unwrap();
        assert_eq!(wide.within_limits().map_err(|error| error.code().as_str()), Err("bad_number"));
        assert_eq!(wide.within_result_limits(), Ok(()));
    }

    #[test]
    fn nul_is_replaced_in_texts_and_keys_and_counted() {
        let map = |members: &[(&str, &str)]| {
            Value::Map(members.iter().map(|(key, text)| ((*key).to_owned(), Value::from(*text))).collect())
        };
        let mut value = Value::List(vec![map(&[("a\0", "\0b\0"), ("c", "d")]), Value::Bytes(vec![0])]);
        assert_eq!(value.replace_nul(), Ok(3));
        assert_eq!(
            value,
            Value::List(vec![map(&[("a\u{fffd}", "\u{fffd}b\u{fffd}"), ("c", "d")]), Value::Bytes(vec![0])])
        );
        assert_eq!(value.replace_nul(), Ok(0));
        assert!(map(&[("a\0", ""), ("a\u{fffd}", "")]).replace_nul().is_err());
        let place = map(&[("x", "y"), ("a", "b\0")]).within_limits();
        assert!(matches!(place, Err(ValueError::Character(Unfit::Nul, Place { steps, in_key: false, character: 2 }))
            if steps == [Step::Key("a".to_owned())]));
    }
}
