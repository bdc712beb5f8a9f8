//! Rules, and which tools a rule or budget speaks about.

use super::super::ast::Verb;
use super::super::effects::{ToolEffect, ToolEffects};
use super::super::source::fields::{Fields, name, one_or_list, text};
use super::super::source::report::{At, Place, Report};
use super::super::source::yaml::{Node, NodeKind};
use super::condition::{self, WrittenTest};
use super::deadline;
use super::tool::{Redact, read_redact};
use crate::codes::policy as code;
use crate::decision::Deadline;

/// Keys of a rule that are not supported yet.
pub(crate) const LATER: &[&str] = &["remember", "isolation", "limit", "shadow"];

/// A rule.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) place: Place,
    pub(crate) verb: Verb,
    pub(crate) select: Selector,
    pub(crate) id: At<String>,
    pub(crate) when: Vec<WrittenTest>,
    pub(crate) unless: Option<Vec<WrittenTest>>,
    pub(crate) approval: Option<At<String>>,
    pub(crate) redact: Redact,
    pub(crate) deadline: Option<At<Deadline>>,
    pub(crate) reason: Option<String>,
}

/// Which tools a rule or budget speaks about, with the place.
pub(crate) type Selector = At<Select>;

/// Which tools a rule or budget speaks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Select {
    Tools(Vec<At<String>>),
    /// Whatever has this effect.
    Effect(ToolEffect),
    /// Whatever fetches, sends, or names a host.
    Network,
    Anything,
}

pub(crate) fn read(node: &Node, report: &mut Report) -> Option<Rule> {
    let mut fields = Fields::of(node, "a rule", LATER, report)?;
    let verbs = [("allow", Verb::Allow), ("ask", Verb::Ask), ("deny", Verb::Deny)];
    let given: Vec<_> = verbs.iter().filter_map(|(word, verb)| Some((*verb, fields.get(word)?))).collect();
    let (verb, select) = match given.as_slice() {
        [(verb, node)] => (*verb, read_select(node, report)),
        [] => {
            let message = "a rule that neither allows, asks nor denies";
            report
                .error(code::MISSING_KEY, node.place, message)
                .help("begin it with `allow: TOOL`, `ask: TOOL` or `deny: TOOL`");
            (Verb::Deny, None)
        }
        [_, (_, second), ..] => {
            report.error(code::WRONG_SHAPE, second.place, "a rule does one thing").help("write a second rule");
            (Verb::Deny, None)
        }
    };
    let id = fields.require("id", "a rule", report).and_then(|node| name(node, "`id`", report));
    let when = fields.get("when").map(|node| condition::read(node, "`when`", report)).unwrap_or_default();
    let unless = fields.get("unless").map(|node| condition::read(node, "`unless`", report));
    let approval = fields.get("approval").and_then(|node| name(node, "`approval`", report));
    let redact = fields.get("redact").map(|node| read_redact(node, report)).unwrap_or_default();
    let deadline = deadline::read(&mut fields, report);
    let reason = fields.get("reason").and_then(|node| text(node, "`reason`", report)).map(|reason| reason.value);
    fields.finish("a rule", report);
    if let Some(approval) = &approval
        && verb != Verb::Ask
    {
        report.error(code::MISPLACED_APPROVAL, approval.place, "only an `ask` is answered by an approval");
    }
    Some(Rule { place: node.place, verb, select: select?, id: id?, when, unless, approval, redact, deadline, reason })
}

pub(super) fn read_select(node: &Node, report: &mut Report) -> Option<Selector> {
    let select = match &node.kind {
        NodeKind::Text(word) if word == "anything" => Select::Anything,
        NodeKind::Map(_) => {
            let mut fields = Fields::of(node, "a selector", &["server"], report)?;
            let effect = fields.require("does", "a selector", report).and_then(|node| read_effect(node, report));
            fields.finish("a selector", report);
            effect?
        }
        _ => {
            let tools = report.each(one_or_list(node), |item, report| text(item, "a tool's name", report));
            if one_or_list(node).is_empty() {
                report.error(code::EMPTY_SELECTION, node.place, "no tool is in an empty list");
            }
            Select::Tools(tools)
        }
    };
    Some(At::new(node.place, select))
}

fn read_effect(node: &Node, report: &mut Report) -> Option<Select> {
    let word = text(node, "an effect", report)?;
    if word.value == "network" {
        return Some(Select::Network);
    }
    match ToolEffect::named(&word.value) {
        Some(effect) => Some(Select::Effect(effect)),
        None => {
            report
                .error(code::UNKNOWN_WORD, word.place, format!("unknown effect `{}`", word.value))
                .suggest(&word.value, ToolEffect::words().into_iter().chain(["network"]));
            None
        }
    }
}

impl Select {
    /// The effects a tool must have to be selected for certain.
    pub(crate) fn matches_effects(&self, effects: ToolEffects) -> bool {
        match self {
            Select::Effect(effect) => effects.has(*effect),
            Select::Network => effects.reach_network(),
            Select::Tools(_) | Select::Anything => false,
        }
    }
}
