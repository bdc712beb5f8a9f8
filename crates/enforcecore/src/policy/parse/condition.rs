//! Conditions: `{SUBJECT: TEST, ..}`, all of which must hold.
//!
//! Patterns are compiled here, so that a finding about one points into it. There is no "or" and no nesting on purpose: a
//! second rule is the or, and a rule that reads aloud in one breath can be reviewed.

use super::super::ast::{Operand, Reference, Subject};
use super::super::comparators::{
    COMPARATORS_LATER, Check, Comparator, Compared, HostTest, Takes, WordForm, comparators,
};
use super::super::matchers::{HostName, Pattern, ascii_name, host_literal, is_read_differently, path_literal};
use super::super::source::fields::{
    entries, list, misshapen, not_supported_yet, one_or_list, text, unknown_word, wrong_shape,
};
use super::super::source::report::{At, Place, Report};
use super::super::source::yaml::{Key, Node, NodeKind};
use super::super::types::ItemKind;
use crate::codes::policy as code;
use crate::value::Value;

/// One subject with everything that must be true of it, with places.
#[derive(Clone, Debug)]
pub(crate) struct WrittenTest {
    pub(crate) subject: At<Subject>,
    pub(crate) checks: Vec<At<Check>>,
}

/// Reads `when` or `unless`.
pub(crate) fn read(node: &Node, what: &str, report: &mut Report) -> Vec<WrittenTest> {
    let entries = entries(node, what, report).unwrap_or_default();
    if entries.is_empty() && matches!(node.kind, NodeKind::Map(_)) {
        report.error(code::WRONG_SHAPE, node.place, format!("{what} says nothing")).help(format!("remove {what}"));
    }
    report.each(entries, |(key, node), report| read_test(key, node, report))
}

fn read_test(key: &Key, node: &Node, report: &mut Report) -> Option<WrittenTest> {
    let subject = read_subject(key, report)?;
    let NodeKind::Map(comparators) = &node.kind else {
        let finding = misshapen(node, "a test", "a map of comparators", report)?;
        let fix = format!("{{equals: {}}}", node.literal()?);
        finding.help(format!("write `{fix}`")).fix(fix);
        return None;
    };
    if comparators.is_empty() {
        report
            .error(code::WRONG_SHAPE, node.place, "a test without a comparator")
            .help("`{any: true}` says that anything may be there");
    }
    let checks = report.each(comparators, |(key, node), report| read_check(key, node, report));
    Some(WrittenTest { subject, checks })
}

fn read_subject(key: &Key, report: &mut Report) -> Option<At<Subject>> {
    let text = key.value.as_str();
    let subject = if text == "label" || text == "now" {
        not_supported_yet(key.place, text, report);
        return None;
    } else if let Some(subject) = quantified(text) {
        subject
    } else if Reference::is_like(text) {
        Subject::Reference(read_reference(key, report)?)
    } else {
        Subject::Arg(text.to_owned())
    };
    Some(At::new(key.place, subject))
}

/// `any_K` or `every_K`.
fn quantified(text: &str) -> Option<Subject> {
    let (every, word) = match (text.strip_prefix("any_"), text.strip_prefix("every_")) {
        (Some(word), _) => (false, word),
        (_, Some(word)) => (true, word),
        _ => return None,
    };
    let (_, kind) = ItemKind::WORDS.iter().find(|(own, _)| *own == word)?;
    Some(Subject::Quantified { every, kind: *kind })
}

/// Whether a condition would take the word for something other than an argument.
pub(crate) fn is_subject_word(text: &str) -> bool {
    quantified(text).is_some() || Reference::is_like(text)
}

/// The comparators of `{type: T, COMPARATOR..}`. A type means the same in every session, so it takes no reference.
pub(crate) fn read_type_checks(comparators: &[&(Key, Node)], report: &mut Report) -> Vec<At<Check>> {
    report.each(comparators, |(key, node), report| {
        let check = read_check(key, node, report)?;
        if check.value.refers() {
            report
                .error(code::BAD_REFERENCE, check.place, "a type that depends on the session")
                .help("compare with a reference in a rule's `when`");
        }
        Some(check)
    })
}

fn read_check(key: &Key, node: &Node, report: &mut Report) -> Option<At<Check>> {
    let word = key.value.as_str();
    let Some(row) = Comparator::named(word) else {
        unknown_word("comparator", key, comparators().map(|row| row.name), COMPARATORS_LATER, report);
        return None;
    };
    let what = format!("`{word}`");
    let compared = match row.takes {
        Takes::True if matches!(node.kind, NodeKind::Bool(true)) => Compared::True,
        Takes::True => {
            report.error(code::WRONG_SHAPE, node.place, format!("{what} takes `true` and nothing else")).fix("true");
            return None;
        }
        Takes::Value => Compared::Value(operand(node, report)?),
        Takes::Values => read_in(node, report)?,
        Takes::Reference => Compared::Same(read_reference(&text(node, &what, report)?, report)?),
        Takes::Bound(within) => Compared::Bound(within, number(node, report)?),
        Takes::Part(end, has) => Compared::Part(end, has, affix(node, &what, report)?),
        Takes::Pattern(compile) => Compared::Pattern(pattern(node, &what, compile, report)?),
        Takes::Folder => Compared::Folder(folder(node, &what, report)?),
        Takes::Words(form) => Compared::Words(form, words(node, form, report)),
        Takes::Host => Compared::Host(read_host(node, report)?),
        Takes::Ports => Compared::Ports(ports(node, report)),
        Takes::UrlPath => Compared::UrlPath(read_url_path(node, report)?),
    };
    Some(At::new(key.place.to(node.place), Check { row, compared }))
}

/// A literal, a reference, or `{literal: TEXT}` for text that looks like a reference.
pub(crate) fn operand(node: &Node, report: &mut Report) -> Option<Operand> {
    if let Some((_, node)) = node.sole("literal") {
        return text(node, "`literal`", report).map(|text| Operand::Literal(Value::Text(text.value)));
    }
    match &node.kind {
        NodeKind::Text(text) if Reference::is_like(text) => {
            read_reference(&At::new(node.place, text.clone()), report).map(Operand::Reference)
        }
        NodeKind::Text(_) | NodeKind::Number(_) | NodeKind::Bool(_) => Some(Operand::Literal(node.to_value())),
        NodeKind::Nothing | NodeKind::Refused | NodeKind::List(_) | NodeKind::Map(_) => {
            wrong_shape(node, "a value", "a literal or a reference", report)
        }
    }
}

pub(crate) fn read_reference(name: &At<String>, report: &mut Report) -> Option<Reference> {
    let reference = Reference::parse(&name.value);
    if reference.is_none() {
        report
            .error(code::BAD_REFERENCE, name.place, format!("`{}` is not a reference", name.value))
            .help("a reference is `principal.NAME`, `fact.NAME` or `session.NAME`");
    }
    reference
}

fn read_in(node: &Node, report: &mut Report) -> Option<Compared> {
    if let NodeKind::Text(text) = &node.kind {
        return read_reference(&At::new(node.place, text.clone()), report).map(Compared::List);
    }
    let items = list(node, "`in`", report)?;
    if items.is_empty() {
        report.error(code::NEVER_TRUE, node.place, "nothing is in an empty list");
    }
    Some(Compared::Values(report.each(items, operand)))
}

fn number(node: &Node, report: &mut Report) -> Option<Operand> {
    match operand(node, report)? {
        operand @ (Operand::Literal(Value::Number(_)) | Operand::Reference(_)) => Some(operand),
        Operand::Literal(_) => wrong_shape(node, "a bound", "a number", report),
    }
}

fn affix(node: &Node, what: &str, report: &mut Report) -> Option<String> {
    let text = text(node, what, report)?;
    if text.value.is_empty() {
        report.error(code::WRONG_SHAPE, text.place, format!("{what} is empty, which everything has"));
    }
    Some(text.value)
}

fn pattern(
    node: &Node,
    what: &str,
    compile: fn(&str) -> Result<Pattern, String>,
    report: &mut Report,
) -> Option<Pattern> {
    let text = text(node, what, report)?;
    match compile(&text.value) {
        Ok(pattern) => Some(pattern),
        Err(why) => {
            report.error(code::BAD_PATTERN, text.place, format!("{what} cannot be used: {why}"));
            None
        }
    }
}

fn folder(node: &Node, what: &str, report: &mut Report) -> Option<Operand> {
    let operand = operand(node, report)?;
    match &operand {
        Operand::Literal(Value::Text(text)) if path_literal(text).is_none() => {
            report
                .error(code::BAD_LOCATION, node.place, format!("`{text}` is not an absolute path without `.` and `..`"))
                .help("write an absolute path, or a reference such as `session.workspace`");
            None
        }
        Operand::Literal(Value::Text(_)) | Operand::Reference(_) => Some(operand),
        Operand::Literal(_) => wrong_shape(node, what, "a path", report),
    }
}

fn words(node: &Node, form: WordForm, report: &mut Report) -> Vec<String> {
    let items = values(node, report);
    report.each(items, |item, report| {
        let word = text(item, form.noun, report)?;
        if !(form.fits)(&word.value) {
            report.error(code::BAD_LOCATION, word.place, format!("`{}` is not {}", word.value, form.form));
        }
        Some(word.value)
    })
}

fn ports(node: &Node, report: &mut Report) -> Vec<u16> {
    let items = values(node, report);
    report.each(items, |item, report| {
        let number = if let NodeKind::Number(number) = &item.kind { number.text() } else { "" };
        let port = number.parse().ok().filter(|port| *port > 0);
        if port.is_none() {
            report.error(code::BAD_LOCATION, item.place, "a port is a number from 1 to 65535");
        }
        port
    })
}

/// A literal or `{in: [..]}`.
fn values<'n>(node: &'n Node, report: &mut Report) -> &'n [Node] {
    if let Some((_, node)) = node.sole("in") {
        let items = list(node, "`in`", report).unwrap_or_default();
        if items.is_empty() {
            report.error(code::NEVER_TRUE, node.place, "nothing is in an empty list");
        }
        return items;
    }
    if let NodeKind::Map(_) = node.kind {
        return wrong_shape(node, "this", "a literal or `{in: [..]}`", report).unwrap_or_default();
    }
    std::slice::from_ref(node)
}

fn read_host(node: &Node, report: &mut Report) -> Option<HostTest> {
    if let Some((key, _)) = node.sole("address") {
        not_supported_yet(key.place, "address", report);
        return None;
    }
    if let Some((_, inner)) = node.sole("domain") {
        let domain = host(inner, report)?;
        let name = domain.native();
        if name.starts_with('[') || name.parse::<std::net::Ipv4Addr>().is_ok() {
            let message = format!("`{name}` is an address, and nothing is below it");
            report.error(code::BAD_LOCATION, inner.place, message);
        }
        return Some(HostTest::Domain(domain));
    }
    let hosts = values(node, report);
    Some(HostTest::OneOf(report.each(hosts, host)))
}

fn host(node: &Node, report: &mut Report) -> Option<HostName> {
    let written = text(node, "a host", report)?;
    let host = host_literal(&written.value);
    if host.is_none() {
        let finding = report.error(code::BAD_LOCATION, written.place, format!("`{}` is not a host", written.value));
        match written.value.strip_prefix("*.") {
            Some(domain) => finding.help(format!("write `{{domain: {domain}}}`")).fix(format!("{{domain: {domain}}}")),
            None if is_read_differently(&written.value) => match ascii_name(&written.value) {
                Some(name) => finding
                    .help(format!("old and new programs look it up as different names: write the one you mean, `{name}` for this one"))
                    .fix(name),
                None => finding.help("write the name as it stands in DNS, with `xn--`"),
            },
            None => finding.help("write the name alone, without scheme, port or path"),
        };
    }
    host
}

/// A URL's path: a literal for the exact path, or a map of comparators for text.
fn read_url_path(node: &Node, report: &mut Report) -> Option<Vec<Check>> {
    let NodeKind::Map(comparators) = &node.kind else {
        let literal = text(node, "`path`", report)?;
        let compared = Compared::Value(Operand::Literal(Value::Text(literal.value)));
        return Some(vec![Check { row: Comparator::named("equals")?, compared }]);
    };
    Some(report.each(comparators, |(key, node), report| {
        let check = read_check(key, node, report)?;
        if !check.value.fits_url_path() {
            report.error(
                code::WRONG_COMPARATOR,
                check.place,
                format!("`{}` does not apply to a URL's path", key.value),
            );
            return None;
        }
        Some(check.value)
    }))
}

/// The references of `for_each`: one or a list. An argument is the model's choice, and a budget per choice bounds nothing.
pub(crate) fn read_keys(node: &Node, report: &mut Report) -> Vec<At<Reference>> {
    report.each(one_or_list(node), |item, report| {
        let name = text(item, "`for_each`", report)?;
        let reference = Reference::parse(&name.value);
        if reference.is_none() {
            report
                .error(code::UNTRUSTED_BUDGET_KEY, name.place, format!("`{}` is chosen by the model", name.value))
                .help("count for each `principal.NAME`, `session.NAME` or `fact.NAME`, or for `everyone` together");
        }
        Some(At::new(name.place, reference?))
    })
}

/// The place of a test's subject and everything said about it.
pub(crate) fn place_of(test: &WrittenTest) -> Place {
    test.checks.iter().fold(test.subject.place, |place, check| place.to(check.place))
}
