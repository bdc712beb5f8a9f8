//! What one call of a tool takes from a budget.

use super::super::compiled::{Amount, Tool};
use super::super::parse::budget::{Budget, Measure};

/// What one call of the tool takes from the budget.
pub(crate) fn amount(budget: &Budget, tool: &Tool) -> Amount {
    let Measure::Sum(what) = &budget.measure.value else { return Amount::OneCall };
    if tool.undeclared {
        return Amount::Unknown;
    }
    if !is_currency(what) {
        return if tool.args.contains_key(what) { Amount::Args(vec![what.clone()]) } else { Amount::Unknown };
    }
    let money = tool.args.iter().filter_map(|(name, arg)| Some((name, arg.ty.currency()? == what)));
    let money: Vec<_> = money.collect();
    if money.is_empty() || money.iter().any(|(_, same)| !same) {
        return Amount::Unknown;
    }
    Amount::Args(money.into_iter().map(|(name, _)| name.clone()).collect())
}

/// Three capital letters are a currency; arguments are not written so.
pub(crate) fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase())
}
