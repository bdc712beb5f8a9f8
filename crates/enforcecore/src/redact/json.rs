//! Redaction of values: every string, key, number and byte string, at every depth.
//!
//! A string that is itself a JSON document is text like any other. What cannot be examined is withheld, never passed on.

use std::collections::BTreeMap;

use super::class::ClassSet;
use super::class_row::Class;
use super::placeholders::Placeholders;
use super::scan::RedactionFinding;
use crate::value::{Limits, Map, Value};

/// Bytes of text in one value at most: as many as a result may have. A larger one is withheld whole, because a scan must end.
pub const REDACT_VALUE_BYTES_MAX: usize = Limits::RESULT.bytes;
/// Levels of objects and lists at most: as deep as a result can be.
pub const REDACT_VALUE_DEPTH_MAX: usize = Limits::RESULT.depth;

/// A value with its findings replaced, and how many there were by class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedactedValue {
    /// The value that may be seen.
    pub value: Value,
    /// How many findings by class.
    pub counts: BTreeMap<Class, u64>,
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

/// Replaces every classified span in a value: strings, keys and numbers at every depth.
pub fn redact_value(value: &Value, classes: ClassSet) -> Result<RedactedValue, Withheld> {
    let rewritten = redact_value_in(value, classes, &mut Placeholders::default())?;
    Ok(rewritten.of(value))
}

/// What is left of a value; none where it is as it was, because a result may be large and most have no finding.
pub(crate) struct Rewritten {
    pub(crate) value: Option<Value>,
    pub(crate) counts: BTreeMap<Class, u64>,
}

impl Rewritten {
    /// With the value that it was made of.
    pub(crate) fn of(self, value: &Value) -> RedactedValue {
        RedactedValue { value: self.value.unwrap_or_else(|| value.clone()), counts: self.counts }
    }
}

/// Does what [`redact_value`] does, in numbers that go on from those of others.
pub(crate) fn redact_value_in(
    value: &Value,
    classes: ClassSet,
    placeholders: &mut Placeholders<'_>,
) -> Result<Rewritten, Withheld> {
    let mut walk = Walk { classes, placeholders, counts: BTreeMap::new(), bytes: 0 };
    let value = walk.value(value, 1)?;
    Ok(Rewritten { value, counts: walk.counts })
}

struct Walk<'p, 'a> {
    classes: ClassSet,
    placeholders: &'p mut Placeholders<'a>,
    counts: BTreeMap<Class, u64>,
    bytes: usize,
}

/// Each says what is left, and nothing of what stays as it is.
impl Walk<'_, '_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<Option<Value>, Withheld> {
        if depth > REDACT_VALUE_DEPTH_MAX && matches!(value, Value::List(_) | Value::Map(_)) {
            return Err(Withheld::BeyondLimits(format!("nested more than {REDACT_VALUE_DEPTH_MAX} levels deep")));
        }
        Ok(match value {
            Value::Null | Value::Bool(_) => None,
            Value::Number(number) => self.number(&number.decimal().to_string(), number.text())?.map(Value::Text),
            Value::WideNumber(number) => self.number(&number.plain(), number.text())?.map(Value::Text),
            Value::Text(text) => self.redact(text)?.map(Value::Text),
            Value::Bytes(bytes) => self.bytes(bytes)?.map(Value::Bytes),
            Value::Opaque(name) => self.redact(name)?.map(Value::Opaque),
            Value::List(items) => self.list(items, depth)?.map(Value::List),
            Value::Map(map) => self.map(map, depth)?.map(Value::Map),
        })
    }

    fn list(&mut self, items: &[Value], depth: usize) -> Result<Option<Vec<Value>>, Withheld> {
        let mut redacted: Option<Vec<Value>> = None;
        for (index, item) in items.iter().enumerate() {
            match (self.value(item, depth + 1)?, &mut redacted) {
                (None, None) => {}
                (item_left, redacted) => {
                    let before = || items.iter().take(index).cloned().collect();
                    redacted.get_or_insert_with(before).push(item_left.unwrap_or_else(|| item.clone()));
                }
            }
        }
        Ok(redacted)
    }

    fn map(&mut self, map: &Map, depth: usize) -> Result<Option<Map>, Withheld> {
        let mut redacted: Option<Map> = None;
        for (index, (key, item)) in map.iter().enumerate() {
            match (self.redact(key)?, self.value(item, depth + 1)?, &mut redacted) {
                (None, None, None) => {}
                (key_left, item_left, redacted) => {
                    let before = || map.iter().take(index).map(|(key, item)| (key.clone(), item.clone())).collect();
                    let members = redacted.get_or_insert_with(before);
                    let key = key_left.unwrap_or_else(|| key.clone());
                    if members.insert(key, item_left.unwrap_or_else(|| item.clone())).is_some() {
                        return Err(Withheld::KeyCollision);
                    }
                }
            }
        }
        Ok(redacted)
    }

    /// A number is looked at as the integer it means, because `4.111e15` may be a card, and as it was written. A number with
    /// a finding becomes text, because a placeholder is no number.
    fn number(&mut self, plain: &str, text: &str) -> Result<Option<String>, Withheld> {
        self.account(text.len())?;
        Ok(match self.replace(plain) {
            None if plain != text => self.replace(text),
            found => found,
        })
    }

    /// Bytes that are text are rewritten as text. Others are looked at as far as they can be read, and withheld if anything
    /// is found, because the end of the readable part is unknown.
    fn bytes(&mut self, bytes: &[u8]) -> Result<Option<Vec<u8>>, Withheld> {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Ok(self.redact(text)?.map(String::into_bytes));
        }
        match self.redact(&String::from_utf8_lossy(bytes))? {
            None => Ok(None),
            Some(_) => Err(Withheld::BeyondLimits("classified text inside bytes that are not text".to_owned())),
        }
    }

    fn redact(&mut self, text: &str) -> Result<Option<String>, Withheld> {
        self.account(text.len())?;
        Ok(self.replace(text))
    }

    fn replace(&mut self, text: &str) -> Option<String> {
        let (redacted, findings) = self.placeholders.redact(text, self.classes);
        findings.iter().for_each(|finding| self.count(finding));
        redacted
    }

    /// Each byte of the value counts once, however often it is looked at.
    fn account(&mut self, bytes: usize) -> Result<(), Withheld> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > REDACT_VALUE_BYTES_MAX {
            return Err(Withheld::BeyondLimits(format!("more than {REDACT_VALUE_BYTES_MAX} bytes")));
        }
        Ok(())
    }

    fn count(&mut self, finding: &RedactionFinding) {
        *self.counts.entry(finding.class).or_default() += 1;
    }
}
