//! Comparators of numbers, which are exact.

use std::cmp::Ordering;

use super::super::kleene::Truth;
use super::super::references::Vouched;
use super::super::types::Aspect;
use super::row::{Comparator, Example, Takes};
use super::seen::Seen;
use crate::value::Value;

const DOC: &str = "it is within the bound";

pub(super) static ROWS: &[Comparator] = &[
    Comparator {
        name: "at_least",
        must: "be at least",
        on: Aspect::Number,
        takes: Takes::Bound(Ordering::is_ge),
        doc: DOC,
        example: Example { ty: "integer", operand: "5", holds: "5", fails: Some("4") },
    },
    Comparator {
        name: "at_most",
        must: "be at most",
        on: Aspect::Number,
        takes: Takes::Bound(Ordering::is_le),
        doc: DOC,
        example: Example { ty: "decimal", operand: "50", holds: "50.0", fails: Some("50.000000000000000001") },
    },
    Comparator {
        name: "more_than",
        must: "be more than",
        on: Aspect::Number,
        takes: Takes::Bound(Ordering::is_gt),
        doc: DOC,
        example: Example { ty: "decimal", operand: "0.1", holds: "0.2", fails: Some("0.1") },
    },
    Comparator {
        name: "less_than",
        must: "be less than",
        on: Aspect::Number,
        takes: Takes::Bound(Ordering::is_lt),
        doc: DOC,
        example: Example { ty: "decimal", operand: "0.3", holds: "0.2", fails: Some("0.30") },
    },
];

/// Whether a number is within the bound.
pub(super) fn is_within(seen: &Seen<'_>, within: fn(Ordering) -> bool, bound: &Vouched<'_>) -> Truth {
    let Seen::Value(Value::Number(number), _) = seen else { return Err("not a number".to_owned()) };
    let Vouched::Value(Value::Number(bound)) = bound else { return Err("the bound is not a number".to_owned()) };
    Ok(within(number.decimal().cmp(&bound.decimal())))
}
