//! Conditions: `{SUBJECT: TEST, ..}`, all of which must hold.
//!
//! Patterns are compiled here, so that a finding about one points into it. There is no "or" and no nesting on purpose: a
//! second rule is the or, and a rule that reads aloud in one breath can be reviewed.

use super::super::matchers::{HostName, Pattern, ascii_name, host_literal, is_read_differently, path_literal};
use super::super::report::{At, Place, Report};
use super::super::source::{Key, Node, NodeKind, quoted};
use super::fields::{entries, list, not_supported_yet, one_or_list, text, wrong_shape};
use crate::codes::policy as code;
use crate::value::Value;

pub(super) const COMPARATORS: &[&str] = &[
    "any",
    "equals",
    "in",
    "same_as",
    "at_least",
    "at_most",
    "more_than",
    "less_than",
    "prefix",
    "suffix",
    "glob",
    "regex",
    "contains_regex",
    "under",
    "scheme",
    "host",
    "port",
    "path",
];
pub(super) const COMPARATORS_LATER: &[&str] = &[
    "every",
    "some",
    "schema",
    "detector",
    "seen_in",
    "runs",
    "any_runs",
    "kinds",
    "tables",
    "where",
    "functions",
    "address",
];

/// One subject with everything that must be true of it.
#[derive(Clone, Debug)]
pub(in super::super) struct Test {
    pub(in super::super) subject: At<Subject>,
    pub(in super::super) checks: Vec<At<Check>>,
}

/// What a test is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Subject {
    Arg(String),
    Reference(Reference),
    Quantified { every: bool, kind: Kind },
}

/// What `any_K` and `every_K` range over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Kind {
    String,
    Path,
    Read,
    Write,
    Host,
}

/// Every kind with the word after `any_` and `every_`.
pub(super) const KINDS: &[(&str, Kind)] = &[
    ("string", Kind::String),
    ("path", Kind::Path),
    ("read", Kind::Read),
    ("write", Kind::Write),
    ("host", Kind::Host),
];

/// A value that the host or a trusted result vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Reference {
    pub(in super::super) root: Root,
    pub(in super::super) path: String,
}

/// Whose word a reference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Root {
    Principal,
    Fact,
    Session,
}

/// What a subject is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Operand {
    Literal(Value),
    Reference(Reference),
}

/// Comparisons of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Comparison {
    AtLeast,
    AtMost,
    MoreThan,
    LessThan,
}

/// One comparator with its operand.
#[derive(Clone, Debug)]
pub(in super::super) enum Check {
    Any,
    Equals(Operand),
    In(Vec<Operand>),
    /// `in: session.regions`: membership in a list the host keeps.
    InList(Reference),
    SameAs(Reference),
    Compare(Comparison, Operand),
    Prefix(String),
    Suffix(String),
    Pattern(Pattern),
    Under(Operand),
    Scheme(Vec<String>),
    Host(HostTest),
    Port(Vec<u16>),
    /// Tests of a URL's path, each of them one for text.
    UrlPath(Vec<At<Check>>),
}

/// Which hosts a URL may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum HostTest {
    /// Exactly one of these.
    OneOf(Vec<HostName>),
    /// This domain and everything below it.
    Domain(HostName),
}

impl Reference {
    pub(in super::super) fn parse(text: &str) -> Option<Reference> {
        let (root, path) = text.split_once('.')?;
        let root = Root::named(root)?;
        (!path.split('.').any(str::is_empty)).then(|| Reference { root, path: path.to_owned() })
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let root = match self.root {
            Root::Principal => "principal",
            Root::Fact => "fact",
            Root::Session => "session",
        };
        write!(f, "{root}.{}", self.path)
    }
}

impl Root {
    fn named(word: &str) -> Option<Root> {
        match word {
            "principal" => Some(Root::Principal),
            "fact" => Some(Root::Fact),
            "session" => Some(Root::Session),
            _ => None,
        }
    }
}

/// Reads `when` or `unless`.
pub(super) fn read(node: &Node, what: &str, report: &mut Report) -> Vec<Test> {
    let entries = entries(node, what, report).unwrap_or_default();
    if entries.is_empty() && matches!(node.kind, NodeKind::Map(_)) {
        report.error(code::WRONG_SHAPE, node.place, format!("{what} says nothing")).help(format!("remove {what}"));
    }
    report.each(entries, |(key, node), report| read_test(key, node, report))
}

fn read_test(key: &Key, node: &Node, report: &mut Report) -> Option<Test> {
    let subject = read_subject(key, report)?;
    let NodeKind::Map(comparators) = &node.kind else {
        let shown = match &node.kind {
            NodeKind::Text(text) => text.clone(),
            NodeKind::Number(number) => number.text().to_owned(),
            NodeKind::Bool(bool) => bool.to_string(),
            _ => return wrong_shape(node, "a test", "a map of comparators", report),
        };
        let shown = if matches!(node.kind, NodeKind::Text(_)) { quoted(&shown) } else { shown };
        let fix = format!("{{equals: {shown}}}");
        report
            .error(
                code::WRONG_SHAPE,
                node.place,
                format!("a test is a map of comparators, and this is {}", node.noun()),
            )
            .help(format!("write `{fix}`"))
            .fix(fix);
        return None;
    };
    if comparators.is_empty() {
        report
            .error(code::WRONG_SHAPE, node.place, "a test without a comparator")
            .help("`{any: true}` says that anything may be there");
    }
    let checks = report.each(comparators, |(key, node), report| read_check(key, node, report));
    Some(Test { subject, checks })
}

fn read_subject(key: &Key, report: &mut Report) -> Option<At<Subject>> {
    let text = key.text.as_str();
    let subject = if text == "label" || text == "now" {
        not_supported_yet(key.place, text, report);
        return None;
    } else if let Some(subject) = quantified(text) {
        subject
    } else if is_reference_like(text) {
        Subject::Reference(read_reference(&At::new(key.place, text.to_owned()), report)?)
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
    let (_, kind) = KINDS.iter().find(|(own, _)| *own == word)?;
    Some(Subject::Quantified { every, kind: *kind })
}

/// Whether a condition would take the word for something other than an argument.
pub(super) fn is_subject_word(text: &str) -> bool {
    quantified(text).is_some() || is_reference_like(text)
}

/// The comparators of `{type: T, COMPARATOR..}`. A type means the same in every session, so it takes no reference.
pub(super) fn read_type_checks<'n>(
    comparators: impl Iterator<Item = &'n (Key, Node)>,
    report: &mut Report,
) -> Vec<At<Check>> {
    let mut checks = Vec::new();
    for (key, node) in comparators {
        if report.is_full() {
            break;
        }
        let Some(check) = read_check(key, node, report) else { continue };
        let refers = match &check.value {
            Check::Equals(operand) | Check::Compare(_, operand) | Check::Under(operand) => is_reference(operand),
            Check::In(operands) => operands.iter().any(is_reference),
            Check::InList(_) | Check::SameAs(_) => true,
            _ => false,
        };
        if refers {
            report
                .error(code::BAD_REFERENCE, check.place, "a type that depends on the session")
                .help("compare with a reference in a rule's `when`");
        }
        checks.push(check);
    }
    checks
}

fn is_reference(operand: &Operand) -> bool {
    matches!(operand, Operand::Reference(_))
}

fn read_check(key: &Key, node: &Node, report: &mut Report) -> Option<At<Check>> {
    let check = match key.text.as_str() {
        "any" => match node.kind {
            NodeKind::Bool(true) => Check::Any,
            _ => {
                report.error(code::WRONG_SHAPE, node.place, "`any` takes `true` and nothing else").fix("true");
                return None;
            }
        },
        "equals" => Check::Equals(operand(node, report)?),
        "in" => read_in(node, report)?,
        "same_as" => {
            let name = text(node, "`same_as`", report)?;
            Check::SameAs(read_reference(&name, report)?)
        }
        "at_least" => Check::Compare(Comparison::AtLeast, number(node, report)?),
        "at_most" => Check::Compare(Comparison::AtMost, number(node, report)?),
        "more_than" => Check::Compare(Comparison::MoreThan, number(node, report)?),
        "less_than" => Check::Compare(Comparison::LessThan, number(node, report)?),
        "prefix" => Check::Prefix(affix(node, "`prefix`", report)?),
        "suffix" => Check::Suffix(affix(node, "`suffix`", report)?),
        "glob" => pattern(node, "`glob`", Pattern::glob, report)?,
        "regex" => pattern(node, "`regex`", Pattern::regex, report)?,
        "contains_regex" => pattern(node, "`contains_regex`", Pattern::contains_regex, report)?,
        "under" => read_under(node, report)?,
        "scheme" => Check::Scheme(schemes(node, report)),
        "host" => Check::Host(read_host(node, report)?),
        "port" => Check::Port(ports(node, report)),
        "path" => Check::UrlPath(read_url_path(node, report)?),
        later if COMPARATORS_LATER.contains(&later) => {
            not_supported_yet(key.place, later, report);
            return None;
        }
        unknown => {
            report
                .error(code::UNKNOWN_WORD, key.place, format!("unknown comparator `{unknown}`"))
                .suggest(unknown, COMPARATORS.iter().copied());
            return None;
        }
    };
    Some(At::new(key.place.to(node.place), check))
}

/// A literal, a reference, or `{literal: TEXT}` for text that looks like a reference.
pub(super) fn operand(node: &Node, report: &mut Report) -> Option<Operand> {
    match &node.kind {
        NodeKind::Text(text) if is_reference_like(text) => {
            read_reference(&At::new(node.place, text.clone()), report).map(Operand::Reference)
        }
        NodeKind::Text(_) | NodeKind::Number(_) | NodeKind::Bool(_) => Some(Operand::Literal(node.to_value())),
        NodeKind::Map(entries) => match entries.as_slice() {
            [(key, node)] if key.text == "literal" => {
                text(node, "`literal`", report).map(|text| Operand::Literal(Value::Text(text.value)))
            }
            _ => wrong_shape(node, "a value", "a literal or a reference", report),
        },
        _ => wrong_shape(node, "a value", "a literal or a reference", report),
    }
}

fn is_reference_like(text: &str) -> bool {
    text.split_once('.').is_some_and(|(root, _)| Root::named(root).is_some())
}

pub(super) fn read_reference(name: &At<String>, report: &mut Report) -> Option<Reference> {
    let reference = Reference::parse(&name.value);
    if reference.is_none() {
        report
            .error(code::BAD_REFERENCE, name.place, format!("`{}` is not a reference", name.value))
            .help("a reference is `principal.NAME`, `fact.NAME` or `session.NAME`");
    }
    reference
}

fn read_in(node: &Node, report: &mut Report) -> Option<Check> {
    if let NodeKind::Text(text) = &node.kind {
        return read_reference(&At::new(node.place, text.clone()), report).map(Check::InList);
    }
    let items = list(node, "`in`", report)?;
    if items.is_empty() {
        report.error(code::NEVER_TRUE, node.place, "nothing is in an empty list");
    }
    Some(Check::In(report.each(items, operand)))
}

fn number(node: &Node, report: &mut Report) -> Option<Operand> {
    match operand(node, report)? {
        Operand::Literal(Value::Number(number)) => Some(Operand::Literal(Value::Number(number))),
        Operand::Reference(reference) => Some(Operand::Reference(reference)),
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
) -> Option<Check> {
    let text = text(node, what, report)?;
    match compile(&text.value) {
        Ok(pattern) => Some(Check::Pattern(pattern)),
        Err(why) => {
            report.error(code::BAD_PATTERN, text.place, format!("{what} cannot be used: {why}"));
            None
        }
    }
}

fn read_under(node: &Node, report: &mut Report) -> Option<Check> {
    let operand = operand(node, report)?;
    match &operand {
        Operand::Literal(Value::Text(text)) if path_literal(text).is_none() => {
            report
                .error(code::BAD_LOCATION, node.place, format!("`{text}` is not an absolute path without `.` and `..`"))
                .help("write an absolute path, or a reference such as `session.workspace`");
            None
        }
        Operand::Literal(Value::Text(_)) | Operand::Reference(_) => Some(Check::Under(operand)),
        Operand::Literal(_) => wrong_shape(node, "`under`", "a path", report),
    }
}

fn schemes(node: &Node, report: &mut Report) -> Vec<String> {
    let mut schemes = Vec::new();
    for item in values(node, report) {
        if report.is_full() {
            break;
        }
        let Some(scheme) = text(item, "a scheme", report) else { continue };
        let plain = scheme.value.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme.value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b));
        if !plain {
            report.error(code::BAD_LOCATION, scheme.place, format!("`{}` is not a scheme in lower case", scheme.value));
        }
        schemes.push(scheme.value);
    }
    schemes
}

fn ports(node: &Node, report: &mut Report) -> Vec<u16> {
    let mut ports = Vec::new();
    for item in values(node, report) {
        if report.is_full() {
            break;
        }
        match &item.kind {
            NodeKind::Number(number) if number.text().parse::<u16>().is_ok_and(|port| port > 0) => {
                ports.extend(number.text().parse::<u16>());
            }
            _ => {
                report.error(code::BAD_LOCATION, item.place, "a port is a number from 1 to 65535");
            }
        }
    }
    ports
}

/// A literal or `{in: [..]}`.
fn values<'n>(node: &'n Node, report: &mut Report) -> &'n [Node] {
    match &node.kind {
        NodeKind::Map(entries) => match entries.as_slice() {
            [(key, node)] if key.text == "in" => {
                let items = list(node, "`in`", report).unwrap_or_default();
                if items.is_empty() {
                    report.error(code::NEVER_TRUE, node.place, "nothing is in an empty list");
                }
                items
            }
            _ => wrong_shape(node, "this", "a literal or `{in: [..]}`", report).unwrap_or_default(),
        },
        _ => std::slice::from_ref(node),
    }
}

fn read_host(node: &Node, report: &mut Report) -> Option<HostTest> {
    if let NodeKind::Map(entries) = &node.kind
        && let [(key, inner)] = entries.as_slice()
    {
        if key.text == "address" {
            not_supported_yet(key.place, "address", report);
            return None;
        }
        if key.text == "domain" {
            let domain = host(inner, report)?;
            let name = domain.native();
            if name.starts_with('[') || name.parse::<std::net::Ipv4Addr>().is_ok() {
                report.error(
                    code::BAD_LOCATION,
                    inner.place,
                    format!("`{name}` is an address, and nothing is below it"),
                );
            }
            return Some(HostTest::Domain(domain));
        }
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
fn read_url_path(node: &Node, report: &mut Report) -> Option<Vec<At<Check>>> {
    let NodeKind::Map(comparators) = &node.kind else {
        let literal = text(node, "`path`", report)?;
        let check = Check::Equals(Operand::Literal(Value::Text(literal.value)));
        return Some(vec![At::new(literal.place, check)]);
    };
    let mut checks = Vec::new();
    for (key, node) in comparators {
        if report.is_full() {
            break;
        }
        let Some(check) = read_check(key, node, report) else { continue };
        match check.value {
            Check::Equals(_) | Check::In(_) | Check::Prefix(_) | Check::Suffix(_) | Check::Pattern(_) => {
                checks.push(check)
            }
            _ => {
                report.error(
                    code::WRONG_COMPARATOR,
                    check.place,
                    format!("`{}` does not apply to a URL's path", key.text),
                );
            }
        }
    }
    Some(checks)
}

/// The references of `for_each`: one or a list. An argument is the model's choice, and a budget per choice bounds nothing.
pub(super) fn read_keys(node: &Node, report: &mut Report) -> Vec<At<Reference>> {
    let mut keys = Vec::new();
    for item in one_or_list(node) {
        if report.is_full() {
            break;
        }
        let Some(name) = text(item, "`for_each`", report) else { continue };
        match Reference::parse(&name.value) {
            Some(reference) => keys.push(At::new(name.place, reference)),
            None => {
                report
                    .error(code::UNTRUSTED_BUDGET_KEY, name.place, format!("`{}` is chosen by the model", name.value))
                    .help("count for each `principal.NAME`, `session.NAME` or `fact.NAME`, or for `everyone` together");
            }
        }
    }
    keys
}

/// The place of a test's subject and everything said about it.
pub(in super::super) fn place_of(test: &Test) -> Place {
    test.checks.iter().fold(test.subject.place, |place, check| place.to(check.place))
}
