//! Names: what a document declares, defines and opens is there, once, and the same in every document.

use std::collections::{BTreeSet, HashMap};

use super::super::parse::tool::{Redact, ToolDecl};
use super::super::protected_names::{Class, PROTECTED_NAMES};
use super::super::source::report::At;
use super::checker::Checker;
use crate::codes::policy as code;
use crate::decision::{ArgScope, Trust};
use crate::lookalike::skeleton;

impl Checker<'_> {
    pub(super) fn tools(&mut self, skeletons: &mut HashMap<String, String>) {
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
    pub(super) fn same_declaration(&mut self, decl: &ToolDecl) {
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
        let both_untrusted = decl.returns.value != Trust::Trusted && other.returns.value != Trust::Trusted;
        if shape(decl) != shape(other) || (both_untrusted && decl.returns.value != other.returns.value) {
            let message = format!("the tool `{}` is declared otherwise in `{file}`", decl.name.value);
            self.report
                .error(code::TOOL_CONFLICT, decl.name.place, message)
                .help("the arguments, their types and an untrusted label are the same in every document");
        }
    }

    /// An id names one rule or budget of the whole policy: logs, budgets and grants go by it.
    pub(super) fn ids(&mut self, ids: &mut HashMap<String, (String, u32)>) {
        let all = self.document.rules.iter().map(|rule| &rule.id);
        for id in all.chain(self.document.budgets.iter().map(|budget| &budget.id)) {
            let here = (self.document.file.clone(), id.place.line);
            if let Some((file, line)) = ids.insert(id.value.clone(), here) {
                let message = format!("the id `{}` is taken", id.value);
                self.report.error(code::DUPLICATE_ID, id.place, message).help(format!("it is used at {file}:{line}"));
            }
        }
    }

    pub(super) fn redact(&mut self, redact: &Redact, concerns: &dyn Fn(&str) -> bool) {
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
            if let Some((tool, _)) = declared.iter().find(|(_, arg)| !arg.is_rewritable()) {
                let message = format!("the argument `{name}` of `{tool}` is acted upon, so it is not rewritten");
                self.report
                    .error(code::UNREDACTABLE_ARGUMENT, entry.place, message)
                    .help("redact `text` and `string` arguments; deny a call whose other arguments must not hold it");
            }
        }
    }

    /// Names that are opened exist, may be opened, and are opened by every document; what is opened is said.
    pub(super) fn unprotected(&mut self) {
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

    pub(super) fn unprotected_name(&mut self, tool: &At<String>, name: &At<String>) {
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
            Some(_) => match self.documents.iter().find(|other| !other.permits(tool, text)) {
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

    pub(super) fn approvals(&mut self) {
        for own in &self.document.approvals {
            let name = own.name.value.as_str();
            let in_rules = self.document.rules.iter().filter_map(|rule| rule.approval.as_ref());
            let in_budgets = self.document.budgets.iter().filter_map(|budget| budget.over.approval());
            if !in_rules.chain(in_budgets).any(|used| used.value == name) {
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
}
