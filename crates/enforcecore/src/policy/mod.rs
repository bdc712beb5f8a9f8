//! Policies: text -> meaning -> checked -> compiled -> decision.
//!
//! Rooms, in the order data flows: `source` (YAML with places), `parse` (the grammar), `load` (everything a document is bound
//! by), `lint` (names, types, rules that cannot match), `compile` (rules sliced by tool, and the digest), `compiled` (what that
//! makes), `eval` (one call against it: the verdict, and what no verdict opens). Below them stand the words of the language:
//! `effects`, `types` and `comparators`, each a table, and `ast`. There is one evaluator. It has no priorities, no order of
//! rules, no expression strings and no look-ups; everything it needs is in the call and the session.

mod ast;
mod comparators;
mod compile;
mod compiled;
mod effects;
mod eval;
mod kleene;
mod lint;
mod load;
mod matchers;
mod parse;
mod protected_names;
mod references;
mod source;
mod types;

pub use self::ast::OnPlaceholder;
use self::ast::Verb;
pub(crate) use self::ast::{Expectation, InlineTest, TestCall};
use self::compiled::Core;
pub(crate) use self::eval::explain::Explained;
use self::eval::named;
pub(crate) use self::eval::named::{Counted, Terms};
pub use self::eval::protected::{Place, Protected};
pub use self::load::unreadable;
pub use self::protected_names::{Class as ProtectedClass, PROTECTED_NAMES, ProtectedName};
pub use self::source::fields::parse_duration;
pub use self::source::yaml::DOCUMENT_BYTES_MAX;
use crate::call::FrozenCall;
use crate::capabilities::{Capability, Face, Lack};
use crate::decision::{Ask, Decision, Obligations, SessionView};
use crate::diagnostic::{Diagnostic, Severity};
use crate::path::PathArg;
use crate::ports::{ApprovalRequest, PolicySource, PolicyText};
use crate::redact::{Class, ClassSet};

/// A policy with everything it is bound by, compiled. Immutable; a reload makes another.
#[derive(Debug)]
pub struct Policy {
    name: String,
    version: String,
    digest: [u8; 32],
    documents: Vec<String>,
    core: Core,
}

/// A policy that loaded, with what its author should know.
#[derive(Debug)]
pub struct Loaded {
    /// The policy.
    pub policy: Policy,
    /// Warnings; an error would have stopped the load.
    pub warnings: Vec<Diagnostic>,
}

impl Policy {
    /// Loads a document and everything it is bound by; every finding comes at once, in order of place.
    pub fn load(text: PolicyText, source: &dyn PolicySource) -> Result<Loaded, Vec<Diagnostic>> {
        let name = text.name.clone();
        let (documents, mut found, mut dropped) = load::load_all(text, source);
        let is_error = |finding: &Diagnostic| finding.severity == Severity::Error;
        let tools = compile::unite::unite_tools(&documents);
        // What a document that cannot be read would have declared is unknown, so nothing is held against it.
        if !found.iter().any(is_error) {
            let (checked, more) = lint::check(&documents, &tools);
            found.extend(checked);
            dropped |= more;
        }
        let files: Vec<String> = documents.iter().map(|document| document.file.clone()).collect();
        let order = |file: &String| files.iter().position(|own| own == file).unwrap_or(files.len());
        found.sort_by_key(|finding| (order(&finding.span.file), finding.span.start, finding.code.as_str()));
        found.dedup();
        source::report::cut(&mut found, dropped, &name);
        let (Some(root), false) = (documents.first(), found.iter().any(is_error)) else { return Err(found) };
        let (name, version) = (root.name.value.clone(), root.version.clone());
        let digest = compile::digest::digest(&documents);
        let policy = Policy { name, version, digest, documents: files, core: compile::compile(documents, tools) };
        Ok(Loaded { policy, warnings: found })
    }

    /// The document's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The document's version.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// SHA-256 over the core rules of this document and all it is bound by.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The names of the documents it was loaded from, its own first.
    pub fn documents(&self) -> &[String] {
        &self.documents
    }

    /// What this policy can oblige that the face cannot honour.
    pub fn exceeds(&self, face: &Face) -> Vec<Diagnostic> {
        let missing = self.core.needs.iter().filter(|(capability, _)| !face.can(**capability));
        missing
            .map(|(capability, span)| {
                let Lack { code, action, way_out } = capability.lack();
                let message = format!("the face `{}` cannot {action}, and this obliges it to", face.name);
                Diagnostic {
                    code,
                    severity: Severity::Error,
                    span: span.clone(),
                    message,
                    help: way_out.map(str::to_owned),
                    fix: None,
                }
            })
            .collect()
    }

    /// Whether a server that was ended because a call was overdue is started again: some document says so, and none says no.
    pub fn restarts_server(&self) -> bool {
        self.core.restarts
    }

    /// Whether any rule, budget or fact needs state.
    pub fn uses_state(&self) -> bool {
        self.core.needs.contains_key(&Capability::KeepState)
    }

    /// Whether a document declares this tool, under exactly this name.
    pub fn declares(&self, tool: &str) -> bool {
        self.core.tools.contains_key(tool)
    }

    /// Whether some call of this tool could be allowed or asked for; what cannot is not shown in `tools/list`.
    pub fn can_open(&self, tool: &str) -> bool {
        let mut asked = false;
        for document in &self.core.documents {
            let rules = document.rules_of.get(tool).into_iter().flatten();
            let rules: Vec<_> =
                rules.filter_map(|selected| Some((document.rules.get(selected.rule)?, selected.certain))).collect();
            let always = |rule: &compiled::CoreRule| rule.when.is_empty() && rule.unless.is_none();
            if rules.iter().any(|(rule, _)| rule.verb == Verb::Deny && always(rule)) {
                return false;
            }
            if !document.guardrail {
                asked = true;
                if !rules.iter().any(|(rule, certain)| *certain && rule.verb != Verb::Deny) {
                    return false;
                }
            }
        }
        asked
    }

    /// The tool's arguments of type path, and how the tool reads each.
    pub fn path_args(&self, tool: &str) -> Vec<PathArg> {
        let Some(tool) = self.core.tools.get(tool) else { return Vec::new() };
        let paths = tool.args.iter().filter(|(_, arg)| arg.ty.is_path());
        paths.map(|(name, arg)| arg.path.of(name, tool.effects)).collect()
    }

    /// What becomes of a call with a placeholder in this argument.
    pub(crate) fn on_placeholder(&self, tool: &str, arg: &str) -> OnPlaceholder {
        let arg = self.core.tools.get(tool).and_then(|tool| tool.args.get(arg));
        arg.map(|arg| arg.on_placeholder).unwrap_or_default()
    }

    /// The tool's arguments that entries repeat, each with the class that its type is, if it is one.
    pub(crate) fn recorded_args(&self, tool: &str) -> impl Iterator<Item = (&str, Option<Class>)> {
        let tool = self.core.tools.get(tool);
        let recorded = tool.map(|tool| tool.record.as_slice()).unwrap_or_default().iter();
        let class = move |name: &String| Class::named(tool?.args.get(name)?.ty.name());
        recorded.map(move |name| (name.as_str(), class(name)))
    }

    /// Whether the tool does nothing but read, so that what it is given is written nowhere.
    pub(crate) fn only_reads(&self, tool: &str) -> bool {
        self.core.tools.get(tool).is_some_and(|tool| !tool.undeclared && !tool.effects.beyond_reading())
    }

    /// The document's inline tests.
    pub(crate) fn tests(&self) -> &[InlineTest] {
        &self.core.tests
    }

    /// The protected names that every document permits to this tool.
    pub(crate) fn unprotected(&self, tool: &str) -> &[&'static str] {
        self.core.tools.get(tool).map(|tool| tool.unprotected.as_slice()).unwrap_or_default()
    }

    /// Whether conditions can look at this argument of the tool: the policy declares it, or nothing about the arguments.
    pub fn sees_arg(&self, tool: &str, arg: &str) -> bool {
        self.core.tools.get(tool).is_some_and(|tool| tool.undeclared || tool.args.contains_key(arg))
    }

    /// Whether redaction may rewrite this argument: free text is, what is executed (path, url, email, number, one of a
    /// list) never.
    pub fn rewrites_arg(&self, tool: &str, arg: &str) -> bool {
        match self.core.tools.get(tool) {
            Some(tool) => tool.undeclared || tool.args.get(arg).is_some_and(compiled::Arg::is_rewritable),
            None => false,
        }
    }

    /// Every class that some result is redacted of: what no other text of the same server may show either.
    pub fn result_classes(&self) -> ClassSet {
        self.obligations().fold(ClassSet::NONE, |all, obligations| all.union(obligations.redact_result))
    }

    /// Every class that a result of this tool may be redacted of, whichever rules select its calls.
    pub fn result_classes_of(&self, tool: &str) -> ClassSet {
        let own = self.core.tools.get(tool).map(|tool| &tool.obligations);
        let rules = self.core.documents.iter().flat_map(|document| {
            let selected = document.rules_of.get(tool).into_iter().flatten();
            let rules = selected.filter_map(|selected| document.rules.get(selected.rule));
            std::iter::once(&document.base).chain(rules.map(|rule| &rule.obligations))
        });
        own.into_iter().chain(rules).fold(ClassSet::NONE, |all, obligations| all.union(obligations.redact_result))
    }

    /// Every class that some argument is redacted of: what no other text for the same server may carry either.
    pub fn arg_classes(&self) -> ClassSet {
        let classes = self.obligations().flat_map(|obligations| obligations.redact_args.values());
        classes.fold(ClassSet::NONE, |all, classes| all.union(*classes))
    }

    /// Everybody's obligations: of tools, of documents and of their rules.
    fn obligations(&self) -> impl Iterator<Item = &Obligations> {
        let tools = self.core.tools.values().map(|tool| &tool.obligations);
        let rules = self.core.documents.iter().flat_map(|document| {
            std::iter::once(&document.base).chain(document.rules.iter().map(|rule| &rule.obligations))
        });
        tools.chain(rules)
    }

    /// What is asked for: the approval's name, and whose yes counts and for how long.
    pub fn approval_request<'a>(&'a self, ask: &'a Ask) -> ApprovalRequest<'a> {
        let name = ask.approval.as_deref();
        ApprovalRequest { name, terms: name.and_then(|name| self.core.approvals.get(name)) }
    }

    /// The ids that a caller may read: those of documents that do not say `explain: none`.
    pub(crate) fn shown_ids(&self, ids: Vec<String>) -> Vec<String> {
        ids.into_iter().filter(|id| named::is_shown(&self.core, id)).collect()
    }

    /// Who has to approve what.
    pub(crate) fn explain_asks(&self, asks: &[Ask]) -> Explained {
        named::asks(&self.core, asks)
    }

    /// What is said of a budget to a caller.
    pub(crate) fn budget_terms(&self, id: &str) -> Option<Terms<'_>> {
        named::budget(&self.core, id)
    }

    /// Decides one call. Pure and total: every path ends in a decision. What is protected stays closed whatever the rules say.
    pub fn decide(&self, call: &FrozenCall, session: &SessionView<'_>, protected: &Protected) -> Decision {
        eval::decide::decide(&self.core, call, session, protected)
    }
}
