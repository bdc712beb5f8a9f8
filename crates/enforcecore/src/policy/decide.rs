//! One call against the core rules. Pure and total: every path ends in a decision.
//!
//! This evaluator walks the tool's rules one after the other on purpose: it is the reference that anything faster has to
//! agree with.

use super::compile::over_approval;
use super::core::{Amount, Arg, Core, CoreBudget, CoreDocument, CoreRule, Taking, Tool};
use super::document::{Operand, Root, Type, Verb};
use super::evaluate::{Scene, Truth, Vouched, all, fits, not};
use super::lookalike::skeleton;
use super::matchers::{host_of_text, is_email};
use super::protected::Protected;
use crate::call::{FrozenCall, Malformed};
use crate::codes::Code;
use crate::codes::call as code;
use crate::decision::{Ask, Charge, Decision, Obligations, Over, Verdict};
use crate::redact::shown_name;
use crate::session::SessionView;
use crate::value::{Value, encode_bytes};

/// Decides one call.
pub(super) fn decide(core: &Core, call: &FrozenCall, session: &SessionView<'_>, protected: &Protected) -> Decision {
    let mut obligations = Obligations::default();
    core.documents.iter().for_each(|document| obligations.tighten(document.base.clone()));
    let Some(tool) = core.tools.get(call.tool()) else { return unknown_tool(core, call, obligations) };
    obligations.tighten(tool.obligations.clone());
    let scene = Scene { call, tool, session };
    if let Err(malformed) = check_args(&scene) {
        return refused(true, malformed.code, malformed.message, obligations, &tool.returns);
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
        return decision;
    }
    if let Some(why) = protected.trespass(&scene) {
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
    /// Some document that opens calls was asked.
    asked: bool,
    /// Some document that opens calls does not open this one.
    shut: bool,
    opened: Vec<String>,
    asks: Vec<(Ask, Option<String>)>,
    denies: Vec<(String, String)>,
    /// Some deny holds by its conditions, and not because one of them is an error.
    denied_for_certain: bool,
    /// Why a rule that could have opened the call could not be decided.
    undecided: Vec<String>,
}

impl Found {
    fn add_document(&mut self, document: &CoreDocument, scene: &Scene<'_>) {
        let mut opens = false;
        for selected in document.rules_of.get(scene.call.tool()).into_iter().flatten() {
            let Some(rule) = document.rules.get(selected.rule) else { continue };
            let truth = truth(rule, selected.certain, scene);
            if truth != Ok(false) {
                self.obligations.tighten(rule.obligations.clone());
            }
            opens |= truth == Ok(true) && rule.verb != Verb::Deny;
            self.add_rule(rule, truth);
        }
        if !document.guardrail {
            self.asked = true;
            self.shut |= !opens;
        }
    }

    fn add_rule(&mut self, rule: &CoreRule, truth: Truth) {
        let id = rule.id.clone();
        match (rule.verb, truth) {
            (_, Ok(false)) => {}
            (Verb::Allow, Ok(true)) => self.opened.push(id),
            (Verb::Allow, Err(why)) => self.undecided.push(format!("`{id}` could not be decided: {why}")),
            (Verb::Ask, truth) => {
                let reason = rule
                    .reason
                    .clone()
                    .or_else(|| truth.err().map(|why| format!("`{id}` could not be decided: {why}")));
                self.asks.push((Ask { rule: id, approval: rule.approval.clone() }, reason));
            }
            (Verb::Deny, truth) => {
                self.denied_for_certain |= truth == Ok(true);
                let why = match (&rule.reason, truth) {
                    (Some(reason), _) => reason.clone(),
                    (None, Ok(_)) => format!("`{id}` denies this call"),
                    (None, Err(why)) => format!("`{id}` denies what it cannot decide: {why}"),
                };
                self.denies.push((id, why));
            }
        }
    }

    /// Deny if any deny brakes or nothing opens; else ask if any ask brakes; else allow. The maximum over all documents.
    fn verdict(&self) -> Verdict {
        if !self.denies.is_empty() || self.shut || !self.asked {
            Verdict::Deny
        } else if !self.asks.is_empty() {
            Verdict::Ask
        } else {
            Verdict::Allow
        }
    }

    fn decision(self, verdict: Verdict, tool: &Tool) -> Decision {
        let (code, reason, rules) = match (verdict, self.denies.first(), self.asks.first()) {
            (Verdict::Deny, Some((_, why)), _) => {
                (code::DENIED_BY_RULE, why.clone(), self.denies.into_iter().map(|(id, _)| id).collect())
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
            malformed: false,
            code,
            reason,
            rules,
            obligations: self.obligations,
            asks: self.asks.into_iter().map(|(ask, _)| ask).collect(),
            charges: Vec::new(),
            sets_facts: tool.facts.clone(),
            returns: tool.returns.clone(),
        }
    }
}

fn no_rule(undecided: &[String]) -> String {
    match undecided.first() {
        Some(why) => format!("no rule allows this call; {why}"),
        None => "no rule allows this call".to_owned(),
    }
}

/// Whether a rule's conditions hold. A rule that selects the tool only because nothing rules it out is an error.
fn truth(rule: &CoreRule, certain: bool, scene: &Scene<'_>) -> Truth {
    let selected = if certain { Ok(true) } else { Err("what the tool does is unknown".to_owned()) };
    let when = scene.condition(&rule.when);
    let unless = rule.unless.as_ref().map_or(Ok(true), |unless| not(scene.condition(unless)));
    all([selected, when, unless])
}

/// Rule 1: the call fits its tool's arguments, or it is malformed.
fn check_args(scene: &Scene<'_>) -> Result<(), Malformed> {
    let tool = scene.tool;
    if tool.undeclared {
        return Ok(());
    }
    for name in scene.call.args().keys() {
        if !tool.args.contains_key(name) {
            let message = format!("the tool takes no argument `{}`", shown_name(name));
            return Err(Malformed::new(code::UNDECLARED_ARGUMENT, message));
        }
    }
    for (name, arg) in &tool.args {
        match scene.call.args().get(name) {
            Some(value) => check_arg(scene, name, arg, value)?,
            None if arg.required => {
                let message = format!("the argument `{name}` is missing: it is {}", arg.ty.noun());
                return Err(Malformed::new(code::MISSING_ARGUMENT, message));
            }
            None => {}
        }
    }
    Ok(())
}

fn check_arg(scene: &Scene<'_>, name: &str, arg: &Arg, value: &Value) -> Result<(), Malformed> {
    if !is_of_type(value, &arg.ty) {
        let message = format!("the argument `{name}` is not {}", arg.ty.noun());
        return Err(Malformed::new(code::WRONG_TYPE, message));
    }
    if arg.fits.iter().all(|check| fits(scene, name, &arg.ty, value, check) == Ok(true)) {
        return Ok(());
    }
    let message = format!("the argument `{name}` is {}, and not one that its declaration admits", arg.ty.noun());
    Err(Malformed::new(code::VALUE_NOT_ADMITTED, message))
}

fn is_of_type(value: &Value, ty: &Type) -> bool {
    match (value, ty) {
        (Value::Text(text), Type::Email) => is_email(text),
        (Value::Text(text), Type::Domain) => host_of_text(text).is_some(),
        (Value::Text(_), Type::String | Type::Text | Type::Url | Type::Path) => true,
        (Value::Number(number), Type::Integer) => number.decimal().is_integer(),
        (Value::Number(number), Type::Money(_)) => !number.decimal().is_negative(),
        (Value::Number(_), Type::Decimal) | (Value::Bool(_), Type::Bool) => true,
        _ => false,
    }
}

fn unknown_tool(core: &Core, call: &FrozenCall, obligations: Obligations) -> Decision {
    match core.skeletons.get(&skeleton(call.tool())) {
        Some(known) => {
            let reason = format!("the tool's name looks like `{known}` and is another");
            refused(true, code::LOOKALIKE_TOOL, reason, obligations, "untrusted")
        }
        None => {
            let reason = "no document declares this tool".to_owned();
            refused(false, code::UNKNOWN_TOOL, reason, obligations, "untrusted")
        }
    }
}

fn refused(malformed: bool, code: Code, reason: String, obligations: Obligations, returns: &str) -> Decision {
    Decision {
        verdict: Verdict::Deny,
        malformed,
        code,
        reason,
        rules: Vec::new(),
        obligations,
        asks: Vec::new(),
        charges: Vec::new(),
        sets_facts: Vec::new(),
        returns: returns.to_owned(),
    }
}

fn charges(document: &CoreDocument, scene: &Scene<'_>) -> Vec<Charge> {
    let takings = document.budgets_of.get(scene.call.tool()).into_iter().flatten();
    takings.filter_map(|taking| Some(charge(document.budgets.get(taking.budget)?, taking, scene))).collect()
}

/// What a call takes. Where the amount, the bound or the key is unknown, the charge is beyond its budget: it brakes.
fn charge(budget: &CoreBudget, taking: &Taking, scene: &Scene<'_>) -> Charge {
    let at_most = at_most_micros(budget, scene);
    let amount = amount_micros(&taking.amount, scene);
    let key = key(budget, scene);
    let known = amount.is_some() && at_most.is_some() && key.is_some();
    let (amount_micros, at_most_micros) = match (amount, at_most, &key) {
        (Some(amount), Some(at_most), Some(_)) => (amount, at_most),
        (_, Some(at_most), _) => (at_most.saturating_add(1), at_most),
        (_, None, _) => (1, 0),
    };
    let over = over_approval(&budget.over).map_or(Over::Deny, |approval| Over::Ask(approval.to_owned()));
    Charge {
        budget: budget.id.clone(),
        key: key.unwrap_or_default(),
        amount_micros,
        at_most_micros,
        window: budget.window.clone(),
        over,
        known,
    }
}

fn at_most_micros(budget: &CoreBudget, scene: &Scene<'_>) -> Option<i64> {
    let value = match &budget.at_most {
        Operand::Literal(value) => value,
        Operand::Reference(reference) => match scene.resolve(reference).ok()? {
            Vouched::Value(value) => value,
            Vouched::Fingerprint(_) => return None,
        },
    };
    let Value::Number(number) = value else { return None };
    // A bound is rounded down, an amount up: what is finer than a millionth is never in the agent's favour.
    let micros = number.decimal().to_micros()?;
    let exact = crate::number::Decimal::new(i128::from(micros), -6) == number.decimal();
    let micros = if exact { micros } else { micros.saturating_sub(1) };
    (micros >= 0).then_some(micros)
}

fn amount_micros(amount: &Amount, scene: &Scene<'_>) -> Option<i64> {
    match amount {
        Amount::OneCall => Some(1_000_000),
        Amount::Unknown => None,
        Amount::Args(names) => names.iter().try_fold(0i64, |sum, name| {
            let Some(Value::Number(number)) = scene.call.args().get(name) else { return None };
            let micros = number.decimal().to_micros().filter(|micros| *micros >= 0)?;
            let sum = sum.checked_add(micros)?;
            (sum.unsigned_abs() <= crate::number::MICROS_MAX).then_some(sum)
        }),
    }
}

fn key(budget: &CoreBudget, scene: &Scene<'_>) -> Option<Vec<u8>> {
    let mut key = Vec::new();
    for reference in &budget.for_each {
        match scene.resolve(reference).ok()? {
            // A fact is counted by its fingerprint, whether the host or a result set it: one fact, one key.
            Vouched::Value(value) if reference.root == Root::Fact => {
                encode_bytes(b'F', scene.session.keyer.fingerprint(value).as_bytes(), &mut key);
            }
            Vouched::Value(value) => value.encode(&mut key),
            Vouched::Fingerprint(fingerprint) => encode_bytes(b'F', fingerprint.as_bytes(), &mut key),
        }
    }
    Some(key)
}
