//! Comparators of a whole value: anything, equality, membership.

use std::borrow::Cow;
use std::path::Path;

use super::super::ast::{Operand, Reference};
use super::super::kleene::{Truth, agreed, any};
use super::super::matchers::host_literal;
use super::super::references::{References, Vouched};
use super::super::types::{Aspect, Type};
use super::row::{Comparator, Example, Takes};
use super::seen::{Seen, TWO_ADDRESSES};
use super::url::is_host;
use crate::audit::Keyer;
use crate::value::Value;

pub(super) static ROWS: &[Comparator] = &[
    Comparator {
        name: "any",
        must: "be anything",
        on: Aspect::Whole,
        takes: Takes::True,
        doc: "always, also where the argument is not given",
        example: Example { ty: "string", operand: "true", holds: "\"a\"", fails: None },
    },
    Comparator {
        name: "equals",
        must: "be",
        on: Aspect::Whole,
        takes: Takes::Value,
        doc: "it is the same; addresses, domains and URLs in one spelling",
        example: Example { ty: "domain", operand: "x.org", holds: "\"X.org.\"", fails: Some("\"y.org\"") },
    },
    Comparator {
        name: "in",
        must: "be",
        on: Aspect::Whole,
        takes: Takes::Values,
        doc: "it equals one of them",
        example: Example { ty: "integer", operand: "[1, 2]", holds: "2.0", fails: Some("3") },
    },
    Comparator {
        name: "same_as",
        must: "be the same as",
        on: Aspect::Whole,
        takes: Takes::Reference,
        doc: "it equals the value that the host or a trusted result set",
        example: Example { ty: "path", operand: "session.workspace", holds: "\"/srv\"", fails: Some("\"/srv/a\"") },
    },
];

pub(super) fn equals(seen: &Seen<'_>, operand: &Operand, references: &References<'_>) -> Truth {
    same(references.keyer(), seen, &references.value(operand)?)
}

pub(super) fn equals_any(seen: &Seen<'_>, operands: &[Operand], references: &References<'_>) -> Truth {
    any(operands.iter().map(|operand| equals(seen, operand, references)))
}

pub(super) fn is_in(seen: &Seen<'_>, reference: &Reference, references: &References<'_>) -> Truth {
    match references.resolve(reference)? {
        Vouched::Value(Value::List(items)) => {
            any(items.iter().map(|item| same(references.keyer(), seen, &Vouched::Value(item))))
        }
        Vouched::Value(_) | Vouched::Fingerprint(_) => Err(format!("`{reference}` is not a list")),
    }
}

pub(super) fn same(keyer: &Keyer, seen: &Seen<'_>, other: &Vouched<'_>) -> Truth {
    match (seen, other) {
        (Seen::Fingerprint(a), Vouched::Fingerprint(b)) => Ok(a == b),
        (Seen::Fingerprint(fingerprint), Vouched::Value(value)) => Ok(keyer.fingerprint(value) == *fingerprint),
        (Seen::Value(value, ty), Vouched::Fingerprint(fingerprint)) => {
            let is_it = |value: &Value| keyer.fingerprint(value) == *fingerprint;
            if is_it(value) {
                Ok(true)
            } else {
                agreed(normal(value, *ty)?.map(|value| Ok(is_it(&value))), TWO_ADDRESSES)
            }
        }
        (Seen::Value(value, ty), Vouched::Value(other)) => {
            let ([native, embedded], [other_native, other_embedded]) = (normal(value, *ty)?, normal(other, *ty)?);
            agreed([Ok(native == other_native), Ok(embedded == other_embedded)], TWO_ADDRESSES)
        }
        (Seen::Text(text), Vouched::Value(other)) => Ok(other.as_text() == Some(text)),
        (Seen::Text(text), Vouched::Fingerprint(fingerprint)) => {
            Ok(keyer.fingerprint(&Value::from(*text)) == *fingerprint)
        }
        (Seen::Reading(path, spelling), Vouched::Value(Value::Text(text))) => {
            Ok(**path == *Path::new(&*spelling.of(text)))
        }
        (Seen::Host(host), Vouched::Value(Value::Text(text))) => {
            is_host(host, &host_literal(text).ok_or("not compared with a host")?)
        }
        (Seen::Host(host), Vouched::Fingerprint(fingerprint)) => {
            agreed(host.readings().map(|host| Ok(keyer.fingerprint(&Value::from(host)) == *fingerprint)), TWO_ADDRESSES)
        }
        (Seen::Reading(path, _), Vouched::Fingerprint(fingerprint)) => {
            let text = path.to_str().ok_or("a path that is not UTF-8")?;
            Ok(keyer.fingerprint(&Value::from(text)) == *fingerprint)
        }
        (Seen::Path(_) | Seen::Reading(..) | Seen::Host(_), _) => Err("not compared with text".to_owned()),
    }
}

/// The value in the one spelling of its type, to each kind of reader.
fn normal<'v>(value: &'v Value, ty: Option<&Type>) -> Result<[Cow<'v, Value>; 2], String> {
    match value.as_text().zip(ty).and_then(|(text, ty)| ty.normal(text)) {
        Some(readings) => Ok(readings?.map(|text| Cow::Owned(Value::Text(text)))),
        None => Ok([Cow::Borrowed(value), Cow::Borrowed(value)]),
    }
}
