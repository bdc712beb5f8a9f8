//! Rules that say too little or nothing: arguments left open, conditions that cannot be true, tools that nothing opens.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::super::ast::{Operand, Subject, Verb};
use super::super::comparators::{Check, Compared};
use super::super::compile::unite::selected;
use super::super::compiled::Tool;
use super::super::effects::ToolEffect;
use super::super::parse::condition::{WrittenTest, place_of};
use super::super::parse::rule::Rule;
use super::super::source::report::At;
use super::super::types::{Aspect, ItemKind, Type};
use super::checker::Checker;
use crate::codes::policy as code;
use crate::number::Decimal;
use crate::value::Value;

impl Checker<'_> {
    /// Rule 5: an allow on a tool that does more than read constrains every argument that is not free prose.
    pub(super) fn constrained(&mut self, rule: &Rule, concerned: &[(&str, &Tool)]) {
        for (name, tool) in concerned {
            if !tool.effects.beyond_reading() {
                continue;
            }
            if tool.undeclared {
                if !rule.when.iter().any(|test| covers_kind(test, &[ItemKind::String])) {
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
                    !decl.ty.is_prose() && !rule.when.iter().any(|test| covers(test, arg, &decl.ty, tool))
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

    /// Whether all tests of a rule together can be true.
    pub(super) fn conditions_satisfiable(&mut self, rule: &Rule, concerned: &[(&str, &Tool)]) {
        for (index, test) in rule.when.iter().enumerate() {
            let earlier = rule.when.iter().take(index).any(|other| other.subject.value == test.subject.value);
            if earlier || matches!(test.subject.value, Subject::Quantified { .. }) {
                continue;
            }
            let Subject::Arg(name) = &test.subject.value else {
                self.check_satisfiable(&subject_name(test), &test.checks.iter().collect::<Vec<_>>(), None);
                continue;
            };
            let mut can = concerned.is_empty();
            let mut ty = None;
            for arg in concerned.iter().filter_map(|(_, tool)| tool.args.get(name)) {
                let fits: Vec<At<Check>> =
                    arg.fits.iter().map(|check| At::new(test.subject.place, check.clone())).collect();
                let checks: Vec<_> = test.checks.iter().chain(&fits).collect();
                can |= satisfiable(&checks, Some(&arg.ty));
                ty = Some(&arg.ty);
            }
            if !can && ty.is_some() {
                self.report.error(
                    code::NEVER_TRUE,
                    place_of(test),
                    format!("nothing that `{name}` can be makes this true"),
                );
            }
        }
    }

    pub(super) fn check_satisfiable(&mut self, name: &At<String>, checks: &[&At<Check>], ty: Option<&Type>) {
        if !satisfiable(checks, ty) {
            self.report.error(
                code::NEVER_TRUE,
                name.place,
                format!("nothing that `{}` can be makes this true", name.value),
            );
        }
    }

    /// A tool that this document declares and that nothing can open.
    pub(super) fn unreachable_tools(&mut self) {
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

/// Whether a test says something about this argument of the tool, by name or by kind.
fn covers(test: &WrittenTest, arg: &str, ty: &Type, tool: &Tool) -> bool {
    if let Subject::Arg(name) = &test.subject.value {
        return name == arg;
    }
    let by = |kinds: &[ItemKind]| covers_kind(test, kinds);
    (ty.row.is_text && by(&[ItemKind::String]))
        || (ty.has(Aspect::Host) && by(&[ItemKind::Host]))
        || (ty.is_path()
            && (by(&[ItemKind::Path])
                || (tool.effects.has(ToolEffect::Reads) && by(&[ItemKind::Read]))
                || (tool.effects.write() && by(&[ItemKind::Write]))))
}

fn covers_kind(test: &WrittenTest, kinds: &[ItemKind]) -> bool {
    matches!(&test.subject.value, Subject::Quantified { every: true, kind } if kinds.contains(kind))
}

fn subject_name(test: &WrittenTest) -> At<String> {
    let name = match &test.subject.value {
        Subject::Arg(name) => name.clone(),
        Subject::Reference(reference) => reference.to_string(),
        Subject::Quantified { .. } => String::new(),
    };
    At::new(place_of(test), name)
}

/// Whether bounds leave room and some listed literal passes all other checks. References are taken to allow anything.
fn satisfiable(checks: &[&At<Check>], ty: Option<&Type>) -> bool {
    let mut candidates: Option<Vec<&Value>> = None;
    let mut low = ty.and_then(Type::lowest).map(|lowest| (lowest, true));
    let mut high: Option<(Decimal, bool)> = None;
    for check in checks {
        if let Compared::Bound(within, Operand::Literal(Value::Number(bound))) = &check.value.compared {
            let (bound, closed) = (bound.decimal(), within(Ordering::Equal));
            if within(Ordering::Greater) {
                if low.is_none_or(|(own, own_closed)| bound > own || (bound == own && own_closed)) {
                    low = Some((bound, closed));
                }
            } else if high.is_none_or(|(own, own_closed)| bound < own || (bound == own && own_closed)) {
                high = Some((bound, closed));
            }
        }
        let Some(listed) = check.value.listed() else { continue };
        let literals: Option<Vec<&Value>> = listed
            .iter()
            .map(|operand| match operand {
                Operand::Literal(value) => Some(value),
                Operand::Reference(_) => None,
            })
            .collect();
        candidates = match (candidates, literals) {
            (Some(known), Some(more)) => Some(known.into_iter().filter(|value| more.contains(value)).collect()),
            (known, more) => known.or(more),
        };
    }
    let room = match (low, high) {
        (Some((low, low_closed)), Some((high, high_closed))) => {
            low < high || (low == high && low_closed && high_closed)
        }
        _ => true,
    };
    let passes = |value: &&Value| checks.iter().all(|check| check.value.holds_of_literal(value, ty) != Some(Ok(false)));
    room && candidates.is_none_or(|values| values.iter().any(passes))
}
