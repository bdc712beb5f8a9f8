//! What a document says, held against what all documents declare: names exist, comparators fit types, rules can match.

mod budget;
mod condition;

use std::collections::{BTreeSet, HashMap, HashSet};

use super::compile::{Tools, over_approval, selected};
use super::core::Tool;
use super::document::{Document, Kind, Redact, Rule, Select, Selector, Subject, Test, ToolDecl, Type, Verb};
use super::lookalike::skeleton;
use super::protected::{Class, PROTECTED_NAMES};
use super::report::{At, Report};
use crate::codes::policy as code;
use crate::decision::ArgScope;
use crate::diagnostic::Diagnostic;

/// Pairs of a wide rule and a tool in one document at most: each is kept in memory, and none is looked at for another tool.
const SELECTIONS_MAX: usize = 2_000_000;

/// Checks all documents of a policy together: what was found, and whether that is not all.
pub(super) fn check(documents: &[Document], tools: &Tools) -> (Vec<Diagnostic>, bool) {
    let (mut found, mut dropped) = (Vec::new(), false);
    let mut ids = HashMap::new();
    let mut skeletons = HashMap::new();
    for document in documents {
        let mut report = Report::new(document.file.clone());
        let mut checker = Checker { document, documents, tools, report: &mut report, selections: 0 };
        checker.tools(&mut skeletons);
        checker.ids(&mut ids);
        for rule in &document.rules {
            if checker.report.is_full() {
                break;
            }
            checker.rule(rule);
        }
        document.budgets.iter().for_each(|budget| checker.budget(budget));
        checker.redact(&document.redact, &|_| true);
        checker.unprotected();
        checker.approvals();
        checker.unreachable_tools();
        found.append(&mut report.found);
        dropped |= report.dropped_any();
    }
    if let Some(root) = documents.first()
        && documents.iter().all(|document| document.guardrail)
    {
        let mut report = Report::new(root.file.clone());
        report
            .warning(code::GUARDRAIL_ALONE, root.name.place, "a guardrail alone opens nothing")
            .help("name it in the `bound_by` of a policy");
        found.append(&mut report.found);
    }
    (found, dropped)
}

struct Checker<'a> {
    document: &'a Document,
    documents: &'a [Document],
    tools: &'a Tools,
    report: &'a mut Report,
    /// How often rules and budgets have selected a tool by more than its name.
    selections: usize,
}

impl<'a> Checker<'a> {
    fn tools(&mut self, skeletons: &mut HashMap<String, String>) {
        for decl in &self.document.tools {
            let name = &decl.name.value;
            let known = skeletons.entry(skeleton(name)).or_insert_with(|| name.clone());
            if known != name {
                let message = format!("the tool `{name}` looks like the tool `{known}`");
                self.report.error(code::LOOKALIKE_TOOLS, decl.name.place, message);
            }
            self.same_declaration(decl);
            let own = |tool: &str| tool == name;
            self.redact(&decl.redact, &own);
            for arg in &decl.args {
                for check in &arg.fits {
                    self.check_type(&arg.ty, &arg.name.value, check);
                }
                self.check_satisfiable(&arg.name, &arg.fits.iter().collect::<Vec<_>>(), Some(&arg.ty));
            }
        }
    }

    /// A tool that two documents declare has the same arguments in both; what it does and returns may differ and tightens.
    fn same_declaration(&mut self, decl: &ToolDecl) {
        let others = self.documents.iter().take_while(|other| !std::ptr::eq(*other, self.document));
        let Some((file, other)) = others
            .flat_map(|other| other.tools.iter().map(move |tool| (&other.file, tool)))
            .find(|(_, other)| other.name.value == decl.name.value && !other.undeclared && !decl.undeclared)
        else {
            return;
        };
        let shape = |decl: &ToolDecl| {
            let shape = decl.args.iter().map(|arg| (arg.name.value.clone(), arg.ty.clone(), arg.path.clone()));
            let mut shape: Vec<_> = shape.collect();
            shape.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            shape
        };
        let both_untrusted = decl.returns.value != "trusted" && other.returns.value != "trusted";
        if shape(decl) != shape(other) || (both_untrusted && decl.returns.value != other.returns.value) {
            let message = format!("the tool `{}` is declared otherwise in `{file}`", decl.name.value);
            self.report
                .error(code::TOOL_CONFLICT, decl.name.place, message)
                .help("the arguments, their types and an untrusted label are the same in every document");
        }
    }

    /// An id names one rule or budget of the whole policy: logs, budgets and grants go by it.
    fn ids(&mut self, ids: &mut HashMap<String, (String, u32)>) {
        let all = self.document.rules.iter().map(|rule| &rule.id);
        for id in all.chain(self.document.budgets.iter().map(|budget| &budget.id)) {
            let here = (self.document.file.clone(), id.place.line);
            if let Some((file, line)) = ids.insert(id.value.clone(), here) {
                let message = format!("the id `{}` is taken", id.value);
                self.report.error(code::DUPLICATE_ID, id.place, message).help(format!("it is used at {file}:{line}"));
            }
        }
    }

    fn rule(&mut self, rule: &Rule) {
        if self.document.guardrail && rule.verb == Verb::Allow {
            self.report
                .error(code::GUARDRAIL_ALLOWS, rule.select.place, "a guardrail never opens")
                .help("remove the `allow`, or leave out `kind: guardrail`");
        }
        let chosen = self.selected(&rule.select);
        // An allow cannot open what it selects only because nothing rules it out, so it need not speak about it.
        let concerned: Vec<(&str, &Tool)> = chosen
            .iter()
            .filter(|(_, certain)| *certain || rule.verb != Verb::Allow)
            .filter_map(|(name, _)| Some((*name, self.tools.get(*name)?)))
            .collect();
        if concerned.is_empty() && !chosen.is_empty() {
            self.report
                .error(
                    code::EMPTY_SELECTION,
                    rule.select.place,
                    "every tool that is selected is selected because it is unknown",
                )
                .help("an allow opens no tool that does not declare the effect");
        }
        for test in rule.when.iter().chain(rule.unless.iter().flatten()) {
            self.test(test, &concerned);
        }
        self.conditions_satisfiable(rule, &concerned);
        if rule.verb == Verb::Allow {
            self.constrained(rule, &concerned);
        }
        let names: Vec<&str> = chosen.iter().map(|(name, _)| *name).collect();
        self.redact(&rule.redact, &|tool| names.contains(&tool));
        if let Some(approval) = &rule.approval {
            self.approval(approval);
        }
    }

    /// The tools selected; reports names nobody declares and selectors that choose nothing.
    fn selected(&mut self, select: &Selector) -> Vec<(&'a str, bool)> {
        if let Select::Tools(names) = &select.value {
            for name in names {
                if !self.tools.contains_key(&name.value) {
                    let mut known: Vec<&str> = self.tools.keys().map(String::as_str).collect();
                    known.sort_unstable();
                    self.report
                        .error(
                            code::UNKNOWN_TOOL,
                            name.place,
                            format!("no document declares the tool `{}`", name.value),
                        )
                        .suggest(&name.value, known);
                }
            }
            return selected(&select.value, self.tools);
        }
        let chosen = selected(&select.value, self.tools);
        if chosen.is_empty() {
            self.report
                .error(code::EMPTY_SELECTION, select.place, "no declared tool is selected")
                .help("the rule can never match");
        }
        self.selections = self.selections.saturating_add(chosen.len());
        if self.selections > SELECTIONS_MAX {
            let message = format!("rules and budgets select tools more than {SELECTIONS_MAX} times");
            self.report.error(code::TOO_MANY_RULES, select.place, message);
            self.selections = 0;
        }
        chosen
    }

    /// Rule 5: an allow on a tool that does more than read constrains every argument that is not free prose.
    fn constrained(&mut self, rule: &Rule, concerned: &[(&str, &Tool)]) {
        for (name, tool) in concerned {
            if !tool.effects.beyond_reading() {
                continue;
            }
            if tool.undeclared {
                if !rule.when.iter().any(|test| covers_kind(test, &[Kind::String])) {
                    let message =
                        format!("an allow on `{name}`, whose arguments are unknown, that says nothing about them");
                    self.report
                        .error(code::OPEN_ARGUMENT, rule.id.place, message)
                        .help("declare the tool, or say `every_string: {any: true}` aloud");
                }
                continue;
            }
            let free: Vec<String> = tool
                .args
                .iter()
                .filter(|(arg, decl)| {
                    decl.ty != Type::Text && !rule.when.iter().any(|test| covers(test, arg, &decl.ty, tool))
                })
                .map(|(arg, _)| format!("`{arg}`"))
                .collect();
            if let Some(first) = free.first() {
                let message =
                    format!("an allow on `{name}`, which does more than read, leaves {} open", free.join(", "));
                self.report.error(code::OPEN_ARGUMENT, rule.id.place, message).help(format!(
                    "constrain it in `when`, or say aloud that anything goes: {}: {{any: true}}",
                    first.replace('`', "")
                ));
                return;
            }
        }
    }

    fn redact(&mut self, redact: &Redact, concerns: &dyn Fn(&str) -> bool) {
        for entry in &redact.args {
            let (ArgScope::Named(name), _) = &entry.value else { continue };
            let tools = self.tools.iter().filter(|(tool, _)| concerns(tool));
            let declared: Vec<_> = tools.filter_map(|(tool, decl)| Some((tool, decl.args.get(name)?))).collect();
            let undeclared = self.tools.iter().any(|(tool, decl)| decl.undeclared && concerns(tool));
            if declared.is_empty() && !undeclared {
                let known = self.tools.iter().filter(|(tool, _)| concerns(tool)).flat_map(|(_, decl)| decl.args.keys());
                let known: BTreeSet<&str> = known.map(String::as_str).collect();
                let message = format!("no tool that is concerned takes an argument `{name}`");
                self.report.error(code::UNKNOWN_ARGUMENT, entry.place, message).suggest(name, known);
            }
            if let Some((tool, _)) = declared.iter().find(|(_, arg)| !is_rewritable(arg)) {
                let message = format!("the argument `{name}` of `{tool}` is acted upon, so it is not rewritten");
                self.report
                    .error(code::UNREDACTABLE_ARGUMENT, entry.place, message)
                    .help("redact `text` and `string` arguments; deny a call whose other arguments must not hold it");
            }
        }
    }

    /// Names that are opened exist, may be opened, and are opened by every document; what is opened is said.
    fn unprotected(&mut self) {
        for (tool, names) in &self.document.unprotected {
            if !self.tools.contains_key(&tool.value) {
                self.report
                    .error(code::UNKNOWN_TOOL, tool.place, format!("no document declares the tool `{}`", tool.value))
                    .suggest(&tool.value, self.tools.keys().map(String::as_str));
                continue;
            }
            names.iter().for_each(|name| self.unprotected_name(tool, name));
        }
    }

    fn unprotected_name(&mut self, tool: &At<String>, name: &At<String>) {
        let openable = PROTECTED_NAMES.iter().filter(|row| row.class == Class::StartsPrograms).map(|row| row.name);
        let (tool, text) = (&tool.value, &name.value);
        match PROTECTED_NAMES.iter().find(|row| row.name == text) {
            None => {
                let message = format!("`{text}` is no protected name");
                self.report.error(code::NOT_PROTECTED, name.place, message).suggest(text, openable);
            }
            Some(row) if row.class == Class::Enforcement => {
                let message = format!(
                    "no policy opens `{text}`: enforcement stands on it, or it can start or leave out the enforcement"
                );
                self.report.error(code::ALWAYS_PROTECTED, name.place, message);
            }
            Some(_) => match self.documents.iter().find(|other| !other.opens(tool, text)) {
                Some(other) => {
                    let message =
                        format!("`{text}` stays closed to `{tool}`, because `{}` does not open it", other.file);
                    self.report
                        .warning(code::STILL_PROTECTED, name.place, message)
                        .help("every document has to say it");
                }
                None => {
                    let message = format!("`{tool}` may reach `{text}`, which starts programs later or holds a secret");
                    self.report
                        .warning(code::UNPROTECTED, name.place, message)
                        .help("remove the name where that is not meant");
                }
            },
        }
    }

    fn approval(&mut self, name: &At<String>) {
        let known: Vec<&str> = self.document.approvals.iter().map(|own| own.name.value.as_str()).collect();
        if !known.contains(&name.value.as_str()) {
            let message = format!("the approval `{}` is not defined in this document", name.value);
            self.report.error(code::UNDEFINED_APPROVAL, name.place, message).suggest(&name.value, known);
        }
    }

    fn approvals(&mut self) {
        for own in &self.document.approvals {
            let name = own.name.value.as_str();
            let in_rules = self.document.rules.iter().filter_map(|rule| rule.approval.as_ref());
            let in_budgets = self.document.budgets.iter().filter_map(|budget| over_approval(&budget.over));
            if !in_rules.map(|approval| approval.value.as_str()).chain(in_budgets).any(|used| used == name) {
                self.report.warning(
                    code::UNUSED_APPROVAL,
                    own.name.place,
                    format!("no rule or budget asks for the approval `{name}`"),
                );
            }
            let others = self.documents.iter().take_while(|other| !std::ptr::eq(*other, self.document));
            for other in others.flat_map(|other| &other.approvals).filter(|other| other.name.value == name) {
                if (&other.from, other.valid) != (&own.from, own.valid) {
                    let message = format!("the approval `{name}` is defined otherwise in another document");
                    self.report
                        .error(code::APPROVAL_CONFLICT, own.name.place, message)
                        .help("give it a name of its own");
                }
            }
        }
    }

    /// A tool that this document declares and that nothing can open.
    fn unreachable_tools(&mut self) {
        if self.document.guardrail {
            return;
        }
        let opening = self.document.rules.iter().filter(|rule| rule.verb != Verb::Deny);
        let opened: HashSet<&str> = opening
            .flat_map(|rule| selected(&rule.select.value, self.tools))
            .filter_map(|(name, certain)| certain.then_some(name))
            .collect();
        for decl in &self.document.tools {
            if !opened.contains(decl.name.value.as_str()) {
                let message = format!("no rule can allow the tool `{}`", decl.name.value);
                self.report
                    .warning(code::TOOL_NEVER_ALLOWED, decl.name.place, message)
                    .help("it is not shown to the agent");
            }
        }
    }
}

/// Whether redaction may rewrite an argument: prose is, what a tool acts upon is not.
pub(super) fn is_rewritable(arg: &super::core::Arg) -> bool {
    match arg.ty {
        Type::Text => true,
        Type::String => arg.fits.is_empty(),
        _ => false,
    }
}

/// Whether a test says something about this argument of the tool, by name or by kind.
fn covers(test: &Test, arg: &str, ty: &Type, tool: &Tool) -> bool {
    if let Subject::Arg(name) = &test.subject.value {
        return name == arg;
    }
    let read = tool.effects.has("reads");
    let written = ["writes", "deletes", "changes"].iter().any(|effect| tool.effects.has(effect));
    match ty {
        Type::Path => {
            covers_kind(test, &[Kind::String, Kind::Path])
                || (read && covers_kind(test, &[Kind::Read]))
                || (written && covers_kind(test, &[Kind::Write]))
        }
        Type::Url | Type::Domain => covers_kind(test, &[Kind::String, Kind::Host]),
        Type::String | Type::Email => covers_kind(test, &[Kind::String]),
        _ => false,
    }
}

fn covers_kind(test: &Test, kinds: &[Kind]) -> bool {
    matches!(&test.subject.value, Subject::Quantified { every: true, kind } if kinds.contains(kind))
}
