//! One call against the core rules. Pure and total: every path ends in a decision.
//!
//! This evaluator walks the tool's rules one after the other on purpose: it is the reference that anything faster has to
//! agree with.

use super::super::ast::Verb;
use super::super::compiled::{Arg, Core, CoreDocument, CoreRule, Tool};
use super::super::kleene::Truth;
use super::charges::charges;
use super::context::Scene;
use super::explain;
use super::protected::Protected;
use crate::call::{FrozenCall, Malformed};
use crate::codes::call as code;
use crate::decision::{Ask, DecidedBy, Decision, Obligations, SessionView, Verdict};
use crate::lookalike::skeleton;
use crate::redact::shown_name;
use crate::value::Value;

/// Decides one call.
pub(crate) fn decide(core: &Core, call: &FrozenCall, session: &SessionView<'_>, protected: &Protected) -> Decision {
    let mut obligations = Obligations::default();
    core.documents.iter().for_each(|document| obligations.tighten(document.base.clone()));
    let Some(tool) = core.tools.get(call.tool()) else { return unknown_tool(core, call, obligations) };
    obligations.tighten(tool.obligations.clone());
    let scene = Scene { call, tool, session };
    if let Err((name, malformed)) = check_args(&scene) {
        let explained = explain::misfit(core, &scene, name, &malformed);
        let refused = Decision::malformed(malformed).explained(explained);
        return Decision { obligations, returns: tool.returns.clone(), ..refused };
    }
    let mut found = Found { obligations, ..Found::default() };
    for document in &core.documents {
        found.add_document(document, &scene);
    }
    let verdict = found.verdict();
    let (denied, denied_for_certain) = (!found.denies.is_empty(), found.denied_for_certain);
    let mut decision = found.decision(verdict, tool);
    // What a rule denies whatever the paths are keeps its reason. Everything else, a deny that holds only because a path cannot
    // be decided included, is said of the path, so that the caller can write another.
    if let Some((code, why)) = scene.undecided_path().filter(|_| !denied_for_certain) {
        if !denied {
            decision.rules.clear();
        }
        return decision.and_deny(code, why);
    }
    if verdict == Verdict::Deny {
        return decision.explained(explain::denial(core, &scene));
    }
    if let Some(why) = protected.protected_path_violation(&scene) {
        // No rule made this verdict.
        decision.rules.clear();
        return decision.and_deny(code::PROTECTED_PATH, why);
    }
    decision.charges = core.documents.iter().flat_map(|document| charges(document, &scene)).collect();
    decision
}

/// What the rules of all documents say about a call.
#[derive(Default)]
struct Found {
    obligations: Obligations,
    /// Some document that permits calls was asked.
    asked: bool,
    /// Some document that permits calls does not permit this one.
    not_permitted: bool,
    opened: Vec<String>,
    asks: Vec<(Ask, Option<String>)>,
    /// The rules that deny, and why, unless their document says that it explains nothing.
    denies: Vec<(String, Option<String>)>,
    /// Some deny holds by its conditions, and not because one of them is an error.
    denied_for_certain: bool,
    /// Why a rule that could have opened the call could not be decided.
    undecided: Vec<String>,
}

impl Found {
    fn add_document(&mut self, document: &CoreDocument, scene: &Scene<'_>) {
        let mut permits = false;
        for selected in document.rules_of.get(scene.call.tool()).into_iter().flatten() {
            let Some(rule) = document.rules.get(selected.rule) else { continue };
            let truth = scene.rule(rule, selected.certain);
            if truth != Ok(false) {
                self.obligations.tighten(rule.obligations.clone());
            }
            permits |= truth == Ok(true) && rule.verb != Verb::Deny;
            self.add_rule(rule, truth, document.explained);
        }
        if !document.guardrail {
            self.asked = true;
            self.not_permitted |= !permits;
        }
    }

    fn add_rule(&mut self, rule: &CoreRule, truth: Truth, explained: bool) {
        let id = rule.id.clone();
        match (rule.verb, truth) {
            (_, Ok(false)) => {}
            (Verb::Allow, Ok(true)) => self.opened.push(id),
            (Verb::Allow, Err(why)) if explained => {
                self.undecided.push(format!("`{id}` could not be decided: {why}"));
            }
            (Verb::Allow, Err(_)) => {}
            (Verb::Ask, truth) => {
                let reason = rule
                    .reason
                    .clone()
                    .or_else(|| truth.err().map(|why| format!("`{id}` could not be decided: {why}")))
                    .filter(|_| explained);
                self.asks.push((Ask { rule: id, approval: rule.approval.clone() }, reason));
            }
            (Verb::Deny, truth) => {
                self.denied_for_certain |= truth == Ok(true);
                let why = match (&rule.reason, truth) {
                    (Some(reason), _) => reason.clone(),
                    (None, Ok(_)) => format!("`{id}` denies this call"),
                    (None, Err(why)) => format!("`{id}` denies what it cannot decide: {why}"),
                };
                self.denies.push((id, explained.then_some(why)));
            }
        }
    }

    /// Deny if a deny restricts or nothing permits; else ask if an ask restricts; else allow. The maximum over all documents.
    fn verdict(&self) -> Verdict {
        if !self.denies.is_empty() || self.not_permitted || !self.asked {
            Verdict::Deny
        } else if !self.asks.is_empty() {
            Verdict::Ask
        } else {
            Verdict::Allow
        }
    }

    fn decision(self, verdict: Verdict, tool: &Tool) -> Decision {
        let (code, reason, rules) = match (verdict, self.denies.first(), self.asks.first()) {
            (Verdict::Deny, Some(_), _) => {
                let why = self.denies.iter().find_map(|(_, why)| why.clone());
                let why = why.unwrap_or_else(|| "a rule denies this call".to_owned());
                (code::DENIED_BY_RULE, why, self.denies.into_iter().map(|(id, _)| id).collect())
            }
            (Verdict::Deny, None, _) => (code::NO_RULE, no_rule(&self.undecided), Vec::new()),
            (Verdict::Ask, _, ask) => {
                let why =
                    ask.and_then(|(_, why)| why.clone()).unwrap_or_else(|| "this call needs an approval".to_owned());
                (code::APPROVAL_REQUIRED, why, self.asks.iter().map(|(ask, _)| ask.rule.clone()).collect())
            }
            (Verdict::Allow, ..) => (code::ALLOWED, "allowed".to_owned(), self.opened),
        };
        Decision {
            verdict,
            decided_by: DecidedBy::Policy,
            code,
            reason,
            rules,
            obligations: self.obligations,
            asks: self.asks.into_iter().map(|(ask, _)| ask).collect(),
            charges: Vec::new(),
            sets_facts: tool.facts.clone(),
            returns: tool.returns.clone(),
            explanation: None,
            grounds: None,
        }
    }
}

fn no_rule(undecided: &[String]) -> String {
    match undecided.first() {
        Some(why) => format!("no rule allows this call; {why}"),
        None => "no rule allows this call".to_owned(),
    }
}

/// Why a call does not fit its tool, and the declared argument that it is about.
type Misfit<'a> = (Option<&'a str>, Malformed);

/// Rule 1: the call fits its tool's arguments, or it is malformed.
fn check_args<'a>(scene: &Scene<'a>) -> Result<(), Misfit<'a>> {
    let tool = scene.tool;
    if tool.undeclared {
        return Ok(());
    }
    for name in scene.call.args().keys() {
        if !tool.args.contains_key(name) {
            let message = format!("the tool takes no argument `{}`", shown_name(name));
            return Err((None, Malformed::new(code::UNDECLARED_ARGUMENT, message)));
        }
    }
    for (name, arg) in &tool.args {
        match scene.arg(name) {
            Some(value) => check_arg(scene, name, arg, value).map_err(|malformed| (Some(name.as_str()), malformed))?,
            None if arg.required => {
                let null = if scene.call.args().contains_key(name) { ", and null is no value of it" } else { "" };
                let message = format!("the argument `{name}` is missing: it is {}{null}", arg.ty.row.noun);
                return Err((Some(name), Malformed::new(code::MISSING_ARGUMENT, message)));
            }
            None => {}
        }
    }
    Ok(())
}

fn check_arg(scene: &Scene<'_>, name: &str, arg: &Arg, value: &Value) -> Result<(), Malformed> {
    if !(arg.ty.row.admits)(value) {
        let message = format!("the argument `{name}` is not {}", arg.ty.row.noun);
        return Err(Malformed::new(code::WRONG_TYPE, message));
    }
    if arg.fits.iter().all(|check| scene.fits(name, &arg.ty, value, check) == Ok(true)) {
        return Ok(());
    }
    let message = format!("the argument `{name}` is {}, and not one that its declaration admits", arg.ty.row.noun);
    Err(Malformed::new(code::VALUE_NOT_ADMITTED, message))
}

fn unknown_tool(core: &Core, call: &FrozenCall, obligations: Obligations) -> Decision {
    let refused = match core.skeletons.get(&skeleton(call.tool())) {
        Some(known) => {
            let reason = format!("the tool's name looks like `{known}` and is another");
            Decision::malformed(Malformed::new(code::LOOKALIKE_TOOL, reason))
        }
        None => Decision::refused(code::UNKNOWN_TOOL, "no document declares this tool"),
    };
    Decision { obligations, ..refused }
}
