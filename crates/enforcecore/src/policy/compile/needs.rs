//! What a policy obliges a face to.

use super::super::ast::{OnPlaceholder, Subject, Verb};
use super::super::compiled::Needs;
use super::super::parse::condition::WrittenTest;
use super::super::parse::document::Document;
use super::super::parse::rule::Rule;
use super::super::source::report::Place;
use super::super::types::ItemKind;
use super::unite::{Tools, selected};
use crate::capabilities::Capability;
use crate::path::Send;

/// Remembers the first place that obliges a face to each thing it may not be able to do.
pub(super) fn find_needs(document: &Document, tools: &Tools, needs: &mut Needs) {
    let mut note = |capability: Capability, place: Place| {
        needs.entry(capability).or_insert_with(|| place.span(&document.file));
    };
    let redactions = std::iter::once(&document.redact)
        .chain(document.tools.iter().map(|tool| &tool.redact))
        .chain(document.rules.iter().map(|rule| &rule.redact));
    for redact in redactions {
        if !redact.args.is_empty() {
            note(Capability::RewriteArguments, redact.place);
        }
        if !redact.result.is_empty() {
            note(Capability::RewriteResults, redact.place);
        }
    }
    let deadlines = document.deadline.iter().chain(document.rules.iter().filter_map(|rule| rule.deadline.as_ref()));
    for deadline in deadlines.filter(|deadline| !deadline.value.withhold_only) {
        note(Capability::EndAtDeadline, deadline.place);
    }
    for rule in &document.rules {
        if rule.verb == Verb::Ask {
            note(Capability::KeepState, rule.place);
        }
        let tests = rule.when.iter().chain(rule.unless.iter().flatten());
        for test in tests.filter(|test| looks_at_paths(test, rule, tools)) {
            note(Capability::ResolvePaths, test.subject.place);
        }
    }
    for budget in &document.budgets {
        note(Capability::KeepState, budget.place);
    }
    for (fact, _) in document.tools.iter().flat_map(|tool| &tool.facts) {
        note(Capability::KeepState, fact.place);
    }
    for arg in document.tools.iter().flat_map(|tool| &tool.args) {
        if arg.on_placeholder == OnPlaceholder::Ask {
            note(Capability::KeepState, arg.name.place);
        }
        if arg.path.send == Some(Send::Relative) {
            note(Capability::RewriteArguments, arg.name.place);
        }
        if arg.ty.is_path() && arg.fits.iter().any(|check| !check.value.is_any()) {
            note(Capability::ResolvePaths, arg.name.place);
        }
    }
}

fn looks_at_paths(test: &WrittenTest, rule: &Rule, tools: &Tools) -> bool {
    if test.checks.iter().all(|check| check.value.is_any()) {
        return false;
    }
    match &test.subject.value {
        Subject::Quantified { kind, .. } => matches!(kind, ItemKind::Path | ItemKind::Read | ItemKind::Write),
        Subject::Reference(_) => false,
        Subject::Arg(name) => selected(&rule.select.value, tools).iter().any(|(tool, _)| {
            let arg = tools.get(*tool).and_then(|tool| tool.args.get(name));
            arg.is_some_and(|arg| arg.ty.is_path())
        }),
    }
}
