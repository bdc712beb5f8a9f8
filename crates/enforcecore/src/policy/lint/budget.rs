//! Budgets: what they add up exists, cannot shrink, and has a bound.

use std::cmp::Ordering;

use super::super::ast::Operand;
use super::super::comparators::Compared;
use super::super::compile::amount::{amount, is_currency};
use super::super::compiled::{Amount, Tool};
use super::super::parse::budget::{Budget, Measure, OverBudget};
use super::checker::Checker;
use crate::codes::policy as code;
use crate::number::{Decimal, MICROS_MAX};
use crate::value::Value;

impl Checker<'_> {
    pub(super) fn budget(&mut self, budget: &Budget) {
        let chosen = self.selected(&budget.select);
        let tools: Vec<(&str, &Tool)> =
            chosen.iter().filter_map(|(name, _)| Some((*name, self.tools.get(*name)?))).collect();
        if let Measure::Sum(what) = &budget.measure.value {
            if is_currency(what) {
                self.currency(budget, what, &tools);
            } else {
                self.sum_of_argument(budget, what, &tools);
            }
            for (name, tool) in &tools {
                if amount(budget, tool) == Amount::Unknown {
                    let message =
                        format!("what `{name}` takes from this budget is unknown, so the budget always stops it");
                    self.report.warning(code::BUDGET_ALWAYS_STOPS, budget.select.place, message);
                }
            }
        }
        self.at_most(budget);
        if let OverBudget::Ask(Some(approval)) = &budget.over {
            self.approval(approval);
        }
    }

    fn currency(&mut self, budget: &Budget, currency: &str, tools: &[(&str, &Tool)]) {
        let taken = tools.iter().any(|(_, tool)| tool.has_arg_of(|ty| ty.currency() == Some(currency)));
        if !taken && !tools.is_empty() {
            let message = format!("no tool that is selected takes an amount in {currency}");
            self.report
                .error(code::BUDGET_NEVER_FIRES, budget.measure.place, message)
                .help("the budget cannot fire as it is meant");
        }
    }

    fn sum_of_argument(&mut self, budget: &Budget, name: &str, tools: &[(&str, &Tool)]) {
        for (tool_name, tool) in tools {
            let Some(arg) = tool.args.get(name) else {
                let code = if tools.len() > 1 { code::UNSHARED_ARGUMENT } else { code::UNKNOWN_ARGUMENT };
                let message = format!("the tool `{tool_name}` takes no argument `{name}`");
                let known = tool.args.keys().map(String::as_str);
                self.report.error(code, budget.measure.place, message).suggest(name, known);
                return;
            };
            let bounded_below = arg.fits.iter().any(|check| {
                matches!(&check.compared, Compared::Bound(within, Operand::Literal(Value::Number(bound)))
                    if within(Ordering::Greater) && bound.decimal() >= Decimal::ZERO)
            });
            let never_negative = arg.ty.lowest().is_some() || (arg.ty.is_number() && bounded_below);
            if !never_negative {
                let message = format!("a sum of `{name}` of `{tool_name}`, which can be negative or is no number");
                self.report
                    .error(code::SHRINKING_SUM, budget.measure.place, message)
                    .help("declare it as money, or as `{type: decimal, at_least: 0}`: a negative amount would refill the budget");
            }
        }
    }

    fn at_most(&mut self, budget: &Budget) {
        let Operand::Literal(literal) = &budget.at_most.value else { return };
        let number = if let Value::Number(number) = literal { Some(number.decimal()) } else { None };
        let micros = number.filter(|number| !number.is_negative()).and_then(Decimal::to_micros);
        // One millionth is left above, so that an unknown amount can be written down as beyond the budget.
        if micros.is_none_or(|micros| micros.unsigned_abs() >= MICROS_MAX) {
            let message = "`at_most` of a budget is a number from zero to nine thousand million";
            self.report.error(code::BAD_BUDGET_BOUND, budget.at_most.place, message);
        }
    }
}
