//! Documents -> compiled rules: one table of tools, every rule sliced by the tools it selects, one digest.

pub(super) mod amount;
pub(super) mod digest;
mod needs;
pub(super) mod unite;

use std::collections::BTreeMap;

use self::amount::amount;
use self::needs::find_needs;
use self::unite::{Tools, obligations, selected};
use super::compiled::{Core, CoreBudget, CoreDocument, CoreRule, Needs, Selected, Taking, Test};
use super::parse::budget::{Budget, Measure, OverBudget};
use super::parse::condition::WrittenTest;
use super::parse::document::Document;
use super::parse::rule::Rule;
use crate::decision::{Approval, Over};
use crate::lookalike::skeleton;

/// The compiled rules of documents that passed `lint`.
pub(super) fn compile(documents: Vec<Document>, tools: Tools) -> Core {
    let mut needs = Needs::default();
    let mut approvals = BTreeMap::new();
    for document in &documents {
        find_needs(document, &tools, &mut needs);
        for approval in &document.approvals {
            let own = Approval { from: approval.from.clone(), valid: approval.valid };
            approvals.insert(approval.name.value.clone(), own);
        }
    }
    let skeletons = tools.keys().map(|name| (skeleton(name), name.clone())).collect();
    let said = || documents.iter().filter_map(|document| document.restart);
    let restarts = said().any(|restart| restart) && said().all(|restart| restart);
    let tests = documents.first().map(|root| root.tests.clone()).unwrap_or_default();
    let documents = documents.into_iter().map(|document| compile_document(document, &tools)).collect();
    Core { tools, skeletons, documents, approvals, tests, needs, restarts }
}

fn compile_document(document: Document, tools: &Tools) -> CoreDocument {
    let mut base = obligations(&document.redact);
    base.deadline = document.deadline.map(|deadline| deadline.value);
    let mut core = CoreDocument {
        name: document.name.value,
        guardrail: document.guardrail,
        explained: document.explained,
        base,
        rules: Vec::new(),
        rules_of: Default::default(),
        budgets: Vec::new(),
        budgets_of: Default::default(),
    };
    for rule in document.rules {
        for (tool, certain) in selected(&rule.select.value, tools) {
            core.rules_of.entry(tool.to_owned()).or_default().push(Selected { rule: core.rules.len(), certain });
        }
        core.rules.push(compile_rule(rule));
    }
    for budget in document.budgets {
        for (name, _) in selected(&budget.select.value, tools) {
            let Some(tool) = tools.get(name) else { continue };
            let taking = Taking { budget: core.budgets.len(), amount: amount(&budget, tool) };
            core.budgets_of.entry(name.to_owned()).or_default().push(taking);
        }
        core.budgets.push(compile_budget(budget));
    }
    core
}

fn compile_rule(rule: Rule) -> CoreRule {
    let mut obligations = obligations(&rule.redact);
    obligations.deadline = rule.deadline.map(|deadline| deadline.value);
    CoreRule {
        verb: rule.verb,
        id: rule.id.value,
        when: tests(rule.when),
        unless: rule.unless.map(tests),
        approval: rule.approval.map(|approval| approval.value),
        reason: rule.reason,
        obligations,
    }
}

fn compile_budget(budget: Budget) -> CoreBudget {
    CoreBudget {
        id: budget.id.value,
        unit: match budget.measure.value {
            Measure::Calls => "calls".to_owned(),
            Measure::Sum(what) => what,
        },
        at_most: budget.at_most.value,
        window: budget.window,
        for_each: budget.for_each.into_iter().map(|key| key.value).collect(),
        over: match budget.over {
            OverBudget::Deny => Over::Deny,
            OverBudget::Ask(approval) => Over::Ask(approval.map(|name| name.value)),
        },
    }
}

/// Conditions without their places.
fn tests(written: Vec<WrittenTest>) -> Vec<Test> {
    let plain = |test: WrittenTest| Test {
        subject: test.subject.value,
        checks: test.checks.into_iter().map(|check| check.value).collect(),
    };
    written.into_iter().map(plain).collect()
}
