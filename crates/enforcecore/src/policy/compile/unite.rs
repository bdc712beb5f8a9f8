//! One table of tools: what all documents together say about each, and which of them a selector names.

use super::super::compiled::{Arg, Tool};
use super::super::parse::document::Document;
use super::super::parse::rule::Select;
use super::super::parse::tool::{ArgDecl, Redact, ToolDecl};
use super::super::protected_names::PROTECTED_NAMES;
use super::super::types::Aspect;
use crate::decision::{Obligations, Trust};

/// The tools of all documents together.
pub(crate) type Tools = std::collections::HashMap<String, Tool>;

/// Unites what the documents say about each tool. Contradictions are reported by `lint`; here the stricter wins.
pub(crate) fn unite_tools(documents: &[Document]) -> Tools {
    let mut tools = Tools::new();
    let decls =
        documents.iter().enumerate().flat_map(|(at, document)| document.tools.iter().map(move |decl| (at, decl)));
    for (document, decl) in decls {
        match tools.get_mut(&decl.name.value) {
            Some(tool) => unite(tool, decl),
            None => {
                tools.insert(decl.name.value.clone(), tool_of(decl, document));
            }
        }
    }
    for (name, tool) in &mut tools {
        let all = PROTECTED_NAMES.iter().map(|row| row.name);
        tool.unprotected = all.filter(|row| documents.iter().all(|document| document.permits(name, row))).collect();
    }
    tools
}

fn tool_of(decl: &ToolDecl, document: usize) -> Tool {
    Tool {
        document,
        undeclared: decl.undeclared,
        effects: decl.effects,
        args: decl.args.iter().map(|arg| (arg.name.value.clone(), arg_of(arg))).collect(),
        returns: decl.returns.value.clone(),
        facts: decl.facts.iter().map(|(name, path)| (name.value.clone(), path.clone())).collect(),
        obligations: obligations(&decl.redact),
        record: decl.record.iter().map(|name| name.value.clone()).collect(),
        unprotected: Vec::new(),
    }
}

fn arg_of(decl: &ArgDecl) -> Arg {
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
    tool.record.extend(decl.record.iter().map(|name| name.value.clone()));
    if tool.returns == Trust::Trusted {
        tool.returns.clone_from(&decl.returns.value);
    }
    if tool.undeclared {
        tool.args = tool_of(decl, tool.document).args;
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
    if tool.returns != Trust::Trusted {
        tool.facts.clear();
    }
}

pub(super) fn obligations(redact: &Redact) -> Obligations {
    let mut obligations = Obligations { redact_result: redact.result, ..Obligations::default() };
    for arg in &redact.args {
        let (scope, classes) = &arg.value;
        let known = obligations.redact_args.entry(scope.clone()).or_default();
        *known = known.union(*classes);
    }
    obligations
}

/// The tools a selector names, and whether it names them for certain (rule 7).
pub(crate) fn selected<'t>(select: &Select, tools: &'t Tools) -> Vec<(&'t str, bool)> {
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
    let names_host = *select == Select::Network && tool.has_arg_of(|ty| ty.has(Aspect::Host));
    let declared = !tool.undeclared && (select.matches_effects(tool.effects) || names_host);
    (declared || tool.is_unknown()).then_some(declared)
}
