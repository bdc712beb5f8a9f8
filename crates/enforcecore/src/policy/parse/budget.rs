//! Budgets: what adds up, over which time, for whom, and to what.

use jiff::tz::TimeZone;

use super::super::ast::{Operand, Reference};
use super::super::source::fields::{Fields, list, name, parse_duration, text, wrong_shape};
use super::super::source::report::{At, Place, Report};
use super::super::source::yaml::{Node, NodeKind};
use super::condition;
use super::rule::{Selector, read_select};
use crate::codes::policy as code;
use crate::decision::{CalendarUnit, Window};

/// A budget.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    pub(crate) place: Place,
    pub(crate) select: Selector,
    pub(crate) id: At<String>,
    pub(crate) measure: At<Measure>,
    pub(crate) at_most: At<Operand>,
    pub(crate) window: Window,
    /// Empty for `everyone`.
    pub(crate) for_each: Vec<At<Reference>>,
    pub(crate) over: OverBudget,
}

/// What a budget adds up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Calls,
    /// An argument, or every amount in a currency.
    Sum(String),
}

/// What happens beyond a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OverBudget {
    Deny,
    Ask(Option<At<String>>),
}

impl OverBudget {
    /// The approval that is asked for by name.
    pub(crate) fn approval(&self) -> Option<&At<String>> {
        match self {
            OverBudget::Ask(approval) => approval.as_ref(),
            OverBudget::Deny => None,
        }
    }
}

pub(crate) fn read_all(node: &Node, report: &mut Report) -> Vec<Budget> {
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
    let for_each = fields
        .require("for_each", what, report)
        .map(|node| if node.is_word("everyone") { Vec::new() } else { condition::read_keys(node, report) });
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
    if let NodeKind::Number(_) = node.kind {
        return wrong_shape(node, "`per`", "a window", report);
    }
    let written = text(node, "`per`", report)?;
    let window = parse_window(&written.value);
    if window.is_none() {
        report
            .error(code::BAD_WINDOW, written.place, format!("`{}` is not a window", written.value))
            .help("write `90m`, `24h` or `7d`; `hour`, `day`, `week` or `month` with a time zone (`day UTC`); `session`; `ever`");
    }
    window
}

fn parse_window(text: &str) -> Option<Window> {
    let (unit, zone) = match text.split_once(' ') {
        Some(("hour", zone)) => (CalendarUnit::Hour, zone),
        Some(("day", zone)) => (CalendarUnit::Day, zone),
        Some(("week", zone)) => (CalendarUnit::Week, zone),
        Some(("month", zone)) => (CalendarUnit::Month, zone),
        Some(_) => return None,
        None if text == "session" => return Some(Window::Session),
        None if text == "ever" => return Some(Window::Ever),
        None => {
            let length = parse_duration(text).filter(|_| text.ends_with(['m', 'h', 'd']))?;
            return Some(Window::Sliding { us: i64::try_from(length.as_micros()).ok()? });
        }
    };
    Some(Window::Calendar { unit, zone: TimeZone::get(zone.trim()).ok()? })
}
