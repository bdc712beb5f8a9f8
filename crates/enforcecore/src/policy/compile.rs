//! Documents -> core rules: one table of tools, every rule sliced by the tools it selects, one digest.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::core::{Amount, Arg, Core, CoreBudget, CoreDocument, CoreRule, Needs, Selected, Taking, Tool};
use super::document::{
    Budget, Check, Document, Kind, Measure, OnPlaceholder, OverBudget, Redact, Rule, Select, Subject, Test, ToolDecl,
    Type, Verb,
};
use super::lookalike::skeleton;
use super::protected::PROTECTED_NAMES;
use super::report::Place;
use crate::capabilities::Capability;
use crate::decision::{Approval, Obligations};
use crate::path::Send;
use crate::value::{encode_bytes, encode_map};

/// The tools of all documents together.
pub(super) type Tools = std::collections::HashMap<String, Tool>;

/// Unites what the documents say about each tool. Contradictions are reported by `check`; here the stricter wins.
pub(super) fn unite_tools(documents: &[Document]) -> Tools {
    let mut tools = Tools::new();
    for decl in documents.iter().flat_map(|document| &document.tools) {
        match tools.get_mut(&decl.name.value) {
            Some(tool) => unite(tool, decl),
            None => {
                tools.insert(decl.name.value.clone(), tool_of(decl));
            }
        }
    }
    for (name, tool) in &mut tools {
        let all = PROTECTED_NAMES.iter().map(|row| row.name);
        tool.unprotected = all.filter(|row| documents.iter().all(|document| document.opens(name, row))).collect();
    }
    tools
}

fn tool_of(decl: &ToolDecl) -> Tool {
    Tool {
        undeclared: decl.undeclared,
        effects: decl.effects,
        args: decl.args.iter().map(|arg| (arg.name.value.clone(), arg_of(arg))).collect(),
        returns: decl.returns.value.clone(),
        facts: decl.facts.iter().map(|(name, path)| (name.value.clone(), path.clone())).collect(),
        obligations: obligations(&decl.redact),
        unprotected: Vec::new(),
    }
}

fn arg_of(decl: &super::document::ArgDecl) -> Arg {
    let fits = decl.fits.iter().map(|check| check.value.clone()).collect();
    Arg {
        ty: decl.ty.clone(),
        required: decl.required,
        fits,
        path: decl.path.clone(),
        on_placeholder: decl.on_placeholder,
    }
}

fn unite(tool: &mut Tool, decl: &ToolDecl) {
    tool.effects = tool.effects.union(decl.effects);
    tool.obligations.tighten(obligations(&decl.redact));
    if tool.returns == "trusted" {
        tool.returns.clone_from(&decl.returns.value);
    }
    if tool.undeclared {
        tool.args = tool_of(decl).args;
        tool.undeclared = decl.undeclared;
    } else {
        for arg in &decl.args {
            if let Some(known) = tool.args.get_mut(&arg.name.value) {
                known.required |= arg.required;
                known.on_placeholder = known.on_placeholder.max(arg.on_placeholder);
                known.fits.extend(arg.fits.iter().map(|check| check.value.clone()));
            }
        }
    }
    let more = decl.facts.iter().map(|(name, path)| (name.value.clone(), path.clone()));
    tool.facts.extend(more.filter(|fact| !tool.facts.contains(fact)).collect::<Vec<_>>());
    if tool.returns != "trusted" {
        tool.facts.clear();
    }
}

fn obligations(redact: &Redact) -> Obligations {
    let mut obligations = Obligations { redact_result: redact.result, ..Obligations::default() };
    for arg in &redact.args {
        let (scope, classes) = &arg.value;
        let known = obligations.redact_args.entry(scope.clone()).or_default();
        *known = known.union(*classes);
    }
    obligations
}

/// The tools a selector names, and whether it names them for certain (rule 7).
pub(super) fn selected<'t>(select: &Select, tools: &'t Tools) -> Vec<(&'t str, bool)> {
    let mut chosen: Vec<(&str, bool)> = match select {
        Select::Tools(names) => {
            let known = names.iter().filter_map(|name| tools.get_key_value(&name.value));
            known.map(|(name, _)| (name.as_str(), true)).collect()
        }
        Select::Anything => tools.keys().map(|name| (name.as_str(), true)).collect(),
        Select::Effect(_) | Select::Network => {
            let by_effect = tools.iter().filter_map(|(name, tool)| Some((name.as_str(), does(select, tool)?)));
            by_effect.collect()
        }
    };
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

/// Whether a tool does what the selector names: for certain, perhaps (it is unknown), or not.
fn does(select: &Select, tool: &Tool) -> Option<bool> {
    let names_host = *select == Select::Network && tool.has_arg_of(|ty| matches!(ty, Type::Url | Type::Domain));
    let declared = !tool.undeclared && (select.matches_effects(tool.effects) || names_host);
    (declared || tool.is_unknown()).then_some(declared)
}

/// The core rules of documents that passed `check`.
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
    let (tests, file) = documents.first().map(|root| (root.tests.clone(), root.file.clone())).unwrap_or_default();
    let documents = documents.into_iter().map(|document| compile_document(document, &tools)).collect();
    Core { tools, skeletons, documents, approvals, tests, file, needs }
}

/// SHA-256 over everything that a decision can depend on, document by document.
pub(super) fn digest(documents: &[Document]) -> [u8; 32] {
    let mut out = b"enforcecore/policy/v1\0".to_vec();
    for document in documents {
        let mut encoded = Vec::new();
        if let Some(map) = document.core.as_map() {
            encode_map(map, &mut encoded);
        }
        encode_bytes(b'D', &encoded, &mut out);
    }
    Sha256::digest(out).into()
}

fn compile_document(document: Document, tools: &Tools) -> CoreDocument {
    let mut base = obligations(&document.redact);
    base.deadline = document.deadline.map(|deadline| deadline.value);
    let mut core = CoreDocument {
        guardrail: document.guardrail,
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
        when: rule.when,
        unless: rule.unless,
        approval: rule.approval.map(|approval| approval.value).unwrap_or_default(),
        reason: rule.reason,
        obligations,
    }
}

fn compile_budget(budget: Budget) -> CoreBudget {
    CoreBudget {
        id: budget.id.value,
        at_most: budget.at_most.value,
        window: budget.window,
        for_each: budget.for_each.into_iter().map(|key| key.value).collect(),
        over: budget.over,
    }
}

/// What one call of the tool takes from the budget.
pub(super) fn amount(budget: &Budget, tool: &Tool) -> Amount {
    let Measure::Sum(what) = &budget.measure.value else { return Amount::OneCall };
    if tool.undeclared {
        return Amount::Unknown;
    }
    if !is_currency(what) {
        return if tool.args.contains_key(what) { Amount::Args(vec![what.clone()]) } else { Amount::Unknown };
    }
    let money = tool.args.iter().filter_map(|(name, arg)| match &arg.ty {
        Type::Money(currency) => Some((name, currency == what)),
        _ => None,
    });
    let money: Vec<_> = money.collect();
    if money.is_empty() || money.iter().any(|(_, same)| !same) {
        return Amount::Unknown;
    }
    Amount::Args(money.into_iter().map(|(name, _)| name.clone()).collect())
}

/// Three capital letters are a currency; arguments are not written so.
pub(super) fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// Remembers the first place that obliges a face to each thing it may not be able to do.
fn find_needs(document: &Document, tools: &Tools, needs: &mut Needs) {
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
    for deadline in deadlines {
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
        if arg.ty == Type::Path && arg.fits.iter().any(|check| !matches!(check.value, Check::Any)) {
            note(Capability::ResolvePaths, arg.name.place);
        }
    }
}

fn looks_at_paths(test: &Test, rule: &Rule, tools: &Tools) -> bool {
    if test.checks.iter().all(|check| matches!(check.value, Check::Any)) {
        return false;
    }
    match &test.subject.value {
        Subject::Quantified { kind, .. } => matches!(kind, Kind::Path | Kind::Read | Kind::Write),
        Subject::Reference(_) => false,
        Subject::Arg(name) => selected(&rule.select.value, tools).iter().any(|(tool, _)| {
            let arg = tools.get(*tool).and_then(|tool| tool.args.get(name));
            arg.is_some_and(|arg| arg.ty == Type::Path)
        }),
    }
}

/// The approval's name that a budget asks for.
pub(super) fn over_approval(over: &OverBudget) -> Option<&str> {
    match over {
        OverBudget::Ask(approval) => Some(approval.as_ref().map_or("", |name| name.value.as_str())),
        OverBudget::Deny => None,
    }
}
