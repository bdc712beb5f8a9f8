//! Rules and budgets.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::super::report::{At, Place, Report};
use super::super::source::{Node, NodeKind};
use super::condition::{self, Operand, Reference, Test};
use super::fields::{Fields, duration, list, name, one_or_list, parse_duration, text, wrong_shape};
use super::tool::{EFFECTS, Effects, Redact, read_redact};
use crate::codes::policy as code;
use crate::decision::{CalendarUnit, Window};

/// Keys of a rule that are not supported yet.
pub(super) const LATER: &[&str] = &["remember", "isolation", "limit", "shadow"];

/// A rule.
#[derive(Clone, Debug)]
pub(in super::super) struct Rule {
    pub(in super::super) place: Place,
    pub(in super::super) verb: Verb,
    pub(in super::super) select: Selector,
    pub(in super::super) id: At<String>,
    pub(in super::super) when: Vec<Test>,
    pub(in super::super) unless: Option<Vec<Test>>,
    pub(in super::super) approval: Option<At<String>>,
    pub(in super::super) redact: Redact,
    pub(in super::super) deadline: Option<At<Duration>>,
    pub(in super::super) reason: Option<String>,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Verb {
    Allow,
    Ask,
    Deny,
}

/// Which tools a rule or budget speaks about, with the place.
pub(in super::super) type Selector = At<Select>;

/// Which tools a rule or budget speaks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Select {
    Tools(Vec<At<String>>),
    /// One of the effects.
    Effect(&'static str),
    /// Whatever fetches, sends, or names a host.
    Network,
    Anything,
}

/// A budget.
#[derive(Clone, Debug)]
pub(in super::super) struct Budget {
    pub(in super::super) place: Place,
    pub(in super::super) select: Selector,
    pub(in super::super) id: At<String>,
    pub(in super::super) measure: At<Measure>,
    pub(in super::super) at_most: At<Operand>,
    pub(in super::super) window: Window,
    /// Empty for `everyone`.
    pub(in super::super) for_each: Vec<At<Reference>>,
    pub(in super::super) over: OverBudget,
}

/// What a budget adds up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Measure {
    Calls,
    /// An argument, or every amount in a currency.
    Sum(String),
}

/// What happens beyond a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum OverBudget {
    Deny,
    Ask(Option<At<String>>),
}

pub(super) fn read(node: &Node, report: &mut Report) -> Option<Rule> {
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
    let deadline = fields.get("deadline").and_then(|node| duration(node, "`deadline`", report));
    let reason = fields.get("reason").and_then(|node| text(node, "`reason`", report)).map(|reason| reason.value);
    fields.finish("a rule", report);
    if let Some(approval) = &approval
        && verb != Verb::Ask
    {
        report.error(code::MISPLACED_APPROVAL, approval.place, "only an `ask` is answered by an approval");
    }
    Some(Rule { place: node.place, verb, select: select?, id: id?, when, unless, approval, redact, deadline, reason })
}

fn read_select(node: &Node, report: &mut Report) -> Option<Selector> {
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
    match EFFECTS.iter().find(|effect| **effect == word.value) {
        Some(effect) => Some(Select::Effect(effect)),
        None => {
            report
                .error(code::UNKNOWN_WORD, word.place, format!("unknown effect `{}`", word.value))
                .suggest(&word.value, EFFECTS.iter().copied().chain(["network"]));
            None
        }
    }
}

impl Select {
    /// The effects a tool must have to be selected for certain.
    pub(in super::super) fn matches_effects(&self, effects: Effects) -> bool {
        match self {
            Select::Effect(effect) => effects.has(effect),
            Select::Network => effects.has("fetches") || effects.has("sends"),
            Select::Tools(_) | Select::Anything => false,
        }
    }
}

pub(super) fn read_budgets(node: &Node, report: &mut Report) -> Vec<Budget> {
    let items = list(node, "`budgets`", report).unwrap_or_default();
    report.each(items, read_budget)
}

fn read_budget(node: &Node, report: &mut Report) -> Option<Budget> {
    let what = "a budget";
    let mut fields = Fields::of(node, what, &["when", "shadow"], report)?;
    let select = fields.require("budget", what, report).and_then(|node| read_select(node, report));
    let id = fields.require("id", what, report).and_then(|node| name(node, "`id`", report));
    let measure = read_measure(node, &mut fields, report);
    let at_most = fields
        .require("at_most", what, report)
        .and_then(|node| Some(At::new(node.place, condition::operand(node, report)?)));
    let window = fields.require("per", what, report).and_then(|node| read_window(node, report));
    let for_each = fields.require("for_each", what, report).map(|node| match &node.kind {
        NodeKind::Text(word) if word == "everyone" => Vec::new(),
        _ => condition::read_keys(node, report),
    });
    let over = read_over(&mut fields, report);
    fields.finish(what, report);
    Some(Budget {
        place: node.place,
        select: select?,
        id: id?,
        measure: measure?,
        at_most: at_most?,
        window: window?,
        for_each: for_each?,
        over: over?,
    })
}

fn read_measure(node: &Node, fields: &mut Fields<'_>, report: &mut Report) -> Option<At<Measure>> {
    match (fields.get("sum"), fields.get("count")) {
        (Some(sum), None) => text(sum, "`sum`", report).map(|name| At::new(name.place, Measure::Sum(name.value))),
        (None, Some(count)) => {
            let word = text(count, "`count`", report)?;
            if word.value != "calls" {
                report
                    .error(code::UNKNOWN_WORD, word.place, format!("`{}` cannot be counted", word.value))
                    .help("write `count: calls`")
                    .fix("calls");
            }
            Some(At::new(word.place, Measure::Calls))
        }
        _ => {
            report
                .error(code::MISSING_KEY, node.place, "a budget adds up one thing")
                .help("write `sum: ARGUMENT`, `sum: CURRENCY` or `count: calls`");
            None
        }
    }
}

fn read_over(fields: &mut Fields<'_>, report: &mut Report) -> Option<OverBudget> {
    let over = fields.get("over").and_then(|node| text(node, "`over`", report));
    let approval = fields.get("approval").and_then(|node| name(node, "`approval`", report));
    match (over, approval) {
        (Some(word), approval) if word.value == "ask" => Some(OverBudget::Ask(approval)),
        (Some(word), _) if word.value != "deny" => {
            report
                .error(code::UNKNOWN_WORD, word.place, format!("unknown verdict `{}`", word.value))
                .help("a call beyond a budget is denied (`deny`) or asked for (`ask`)");
            None
        }
        (_, Some(approval)) => {
            report
                .error(code::MISPLACED_APPROVAL, approval.place, "an approval on a budget that denies")
                .help("add `over: ask`, or remove the approval");
            None
        }
        _ => Some(OverBudget::Deny),
    }
}

fn read_window(node: &Node, report: &mut Report) -> Option<Window> {
    let written = match &node.kind {
        NodeKind::Number(_) => return wrong_shape(node, "`per`", "a window", report),
        _ => text(node, "`per`", report)?,
    };
    let window = parse_window(&written.value);
    if window.is_none() {
        report
            .error(code::BAD_WINDOW, written.place, format!("`{}` is not a window", written.value))
            .help("write `90m`, `24h` or `7d`; `hour`, `day`, `week` or `month` with a time zone (`day UTC`); `session`; `ever`");
    }
    window
}

fn parse_window(text: &str) -> Option<Window> {
    match text {
        "session" => return Some(Window::Session),
        "ever" => return Some(Window::Ever),
        _ => {}
    }
    if let Some((unit, zone)) = text.split_once(' ') {
        let unit = match unit {
            "hour" => CalendarUnit::Hour,
            "day" => CalendarUnit::Day,
            "week" => CalendarUnit::Week,
            "month" => CalendarUnit::Month,
            _ => return None,
        };
        let zone = TimeZone::get(zone.trim()).ok()?;
        return Some(Window::Calendar { unit, zone });
    }
    if !text.ends_with(['m', 'h', 'd']) {
        return None;
    }
    let us = i64::try_from(parse_duration(text)?.as_micros()).ok()?;
    Some(Window::Sliding { us })
}
