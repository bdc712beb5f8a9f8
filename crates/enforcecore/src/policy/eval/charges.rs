//! What a call takes from budgets.

use super::super::ast::Root;
use super::super::compiled::{Amount, CoreBudget, CoreDocument, Taking};
use super::super::references::Vouched;
use super::context::Scene;
use crate::decision::Charge;
use crate::value::{Value, encode_bytes};

pub(super) fn charges(document: &CoreDocument, scene: &Scene<'_>) -> Vec<Charge> {
    let takings = document.budgets_of.get(scene.call.tool()).into_iter().flatten();
    takings.filter_map(|taking| Some(charge(document.budgets.get(taking.budget)?, taking, scene))).collect()
}

/// What a call takes. Where the amount, the bound or the key is unknown, the charge is beyond its budget: it restricts.
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
    Charge {
        budget: budget.id.clone(),
        key: key.unwrap_or_default(),
        amount_micros,
        at_most_micros,
        window: budget.window.clone(),
        over: budget.over.clone(),
        known,
    }
}

fn at_most_micros(budget: &CoreBudget, scene: &Scene<'_>) -> Option<i64> {
    let Vouched::Value(value) = scene.references().value(&budget.at_most).ok()? else { return None };
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
            let Some(Value::Number(number)) = scene.arg(name) else { return None };
            let micros = number.decimal().to_micros().filter(|micros| *micros >= 0)?;
            let sum = sum.checked_add(micros)?;
            (sum.unsigned_abs() <= crate::number::MICROS_MAX).then_some(sum)
        }),
    }
}

fn key(budget: &CoreBudget, scene: &Scene<'_>) -> Option<Vec<u8>> {
    let mut key = Vec::new();
    for reference in &budget.for_each {
        match scene.references().resolve(reference).ok()? {
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
