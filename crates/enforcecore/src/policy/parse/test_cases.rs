//! Inline tests: calls with the verdict their author expects.

use super::super::ast::{Expectation, InlineTest, TestCall};
use super::super::source::fields::{Fields, entries, list, text, wrong_shape};
use super::super::source::report::Report;
use super::super::source::yaml::{Node, NodeKind};
use crate::codes::policy as code;
use crate::decision::Verdict;
use crate::diagnostic::Span;
use crate::value::Map;

pub(crate) fn read_all(node: &Node, report: &mut Report) -> Vec<InlineTest> {
    let items = list(node, "`tests`", report).unwrap_or_default();
    report.each(items, read)
}

fn read(node: &Node, report: &mut Report) -> Option<InlineTest> {
    let mut fields = Fields::of(node, "a test", &["result", "trace"], report)?;
    let call = fields.require("call", "a test", report).and_then(|node| read_call(node, report));
    let mut test = InlineTest {
        call: TestCall { tool: String::new(), args: Map::new() },
        principal: Map::new(),
        facts: Map::new(),
        session: Map::new(),
        now_us: 0,
        before: Vec::new(),
        expect: Expectation::Malformed,
        span: Span::default(),
    };
    if let Some(given) = fields.get("given") {
        read_given(given, &mut test, report);
    }
    let expect = fields.require("expect", "a test", report).and_then(|node| read_expect(node, report));
    fields.finish("a test", report);
    test.call = call?;
    (test.expect, test.span) = expect?;
    Some(test)
}

fn read_given(node: &Node, test: &mut InlineTest, report: &mut Report) -> Option<()> {
    let mut fields = Fields::of(node, "`given`", &["labels"], report)?;
    for (key, target) in
        [("principal", &mut test.principal), ("facts", &mut test.facts), ("session", &mut test.session)]
    {
        if let Some(node) = fields.get(key) {
            *target = map(node, key, report).unwrap_or_default();
        }
    }
    if let Some(node) = fields.get("now") {
        let now = text(node, "`now`", report)?;
        match now.value.parse::<jiff::Timestamp>() {
            Ok(time) => test.now_us = time.as_microsecond(),
            Err(_) => {
                report
                    .error(code::BAD_TEST, now.place, format!("`{}` is not a moment", now.value))
                    .help("write it like \"2026-11-23T10:00:00Z\"");
            }
        }
    }
    if let Some(node) = fields.get("before") {
        let items = list(node, "`before`", report).unwrap_or_default();
        test.before = report.each(items, read_call);
    }
    fields.finish("`given`", report);
    Some(())
}

fn read_call(node: &Node, report: &mut Report) -> Option<TestCall> {
    let mut fields = Fields::of(node, "a call", &[], report)?;
    let tool = fields.require("tool", "a call", report).and_then(|node| text(node, "`tool`", report));
    let args = fields.get("args").and_then(|node| map(node, "args", report)).unwrap_or_default();
    fields.finish("a call", report);
    Some(TestCall { tool: tool?.value, args })
}

fn map(node: &Node, what: &str, report: &mut Report) -> Option<Map> {
    let entries = entries(node, what, report)?;
    Some(entries.iter().map(|(key, node)| (key.value.clone(), node.to_value())).collect())
}

fn read_expect(node: &Node, report: &mut Report) -> Option<(Expectation, Span)> {
    let NodeKind::Text(written) = &node.kind else { return wrong_shape(node, "`expect`", "text", report) };
    let span = node.place.span(&report.file);
    if written == "malformed" {
        return Some((Expectation::Malformed, span));
    }
    let (word, by) = match written.split_once(" by ") {
        Some((word, "no rule")) => (word, Some(None)),
        Some((word, id)) => (word, Some(Some(id.to_owned()))),
        None => (written.as_str(), None),
    };
    let verdict = [Verdict::Allow, Verdict::Ask, Verdict::Deny].into_iter().find(|verdict| verdict.as_str() == word);
    match verdict {
        Some(verdict) => Some((Expectation::Verdict { verdict, by }, span)),
        None => {
            report
                .error(code::BAD_TEST, node.place, format!("`{written}` is not a verdict"))
                .help("write `allow`, `ask` or `deny`, perhaps with `by ID` or `by no rule`, or `malformed`");
            None
        }
    }
}
