//! Findings joined: what one placeholder replaces.

use std::ops::Range;

use super::class_row::Class;
use super::scan::RedactionFinding;
use super::work::List;

/// A span of the original that one placeholder replaces.
#[derive(Clone)]
pub(super) struct Span {
    pub(super) class: Class,
    pub(super) range: Range<usize>,
    /// What stands before and behind its placeholder: the quotation marks of a string that was a number, or nothing.
    pub(super) quote: &'static str,
}

/// Joins the overlapping spans of findings in order, so that no tail of one survives another; the class of the highest rank
/// names the whole.
pub(super) fn union(findings: &List<RedactionFinding>, rank: impl Fn(Class) -> u8) -> List<Span> {
    let mut spans: List<Span> = List::default();
    for finding in findings.iter() {
        match spans.last_mut() {
            Some(span) if finding.start < span.range.end => {
                span.range.end = span.range.end.max(finding.end);
                span.class = if rank(finding.class) > rank(span.class) { finding.class } else { span.class };
            }
            _ => spans.push(Span { class: finding.class, range: finding.start..finding.end, quote: "" }),
        }
    }
    spans
}
